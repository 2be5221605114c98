"""One registry of languages: whatever convention a code is written in, it names one language.

Data sets, tokenizers and typological databases each have their own codes, and the codes of
macro-languages (``zho`` for Mandarin, ``ara`` for Standard Arabic) are the usual bug. Every
spelling that is accepted here belongs to exactly one language; an unknown one is an error that
names the nearest known spelling, never a guess. "no" is Norwegian.

Codes are ISO 639-1 and 639-3 (individual languages, with their macro-language), ISO 15924
scripts, FLORES-200, the configuration names of XL-Sum, mBART-50 and URIEL; a convention that
does not cover a language is empty. URIEL's code is the one with the most observed features.
"""

from dataclasses import dataclass

from clt_operator.api.errors import InputError

SPACELESS_SCRIPTS = frozenset({"Jpan", "Hans", "Hant", "Thai", "Laoo", "Khmr", "Mymr"})


class UnknownLanguage(InputError):
    """No convention knows the code; ``nearest`` is the known spelling most like it."""

    exit_code = 2

    def __init__(self, code: str, nearest: str) -> None:
        self.code = code
        self.nearest = nearest
        meant = language(nearest)
        known = " ".join(entry.code for entry in LANGUAGES)
        super().__init__(
            f"unknown language {code!r}: did you mean {nearest!r} ({meant.name})? known: {known}"
        )


@dataclass(frozen=True, slots=True)
class Language:
    """A language and what each convention calls it. ``code`` is the one used everywhere here."""

    code: str
    name: str
    iso1: str  # ISO 639-1
    iso3: str  # ISO 639-3 of the individual language
    macro: str  # ISO 639-3 of the macro-language it stands for, if any
    script: str  # ISO 15924
    flores: str
    xlsum: str
    mbart: str
    uriel: str
    aliases: tuple[str, ...] = ()

    @property
    def spaceless(self) -> bool:
        """True where the script puts no spaces between words."""
        return self.script in SPACELESS_SCRIPTS

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every accepted spelling, the most specific first; empty conventions left out."""
        found = (self.code, self.name, self.iso1, self.iso3, self.macro, self.flores)
        more = (self.xlsum, self.mbart, self.uriel, *self.aliases)
        return tuple(dict.fromkeys(part for part in (*found, *more) if part))


def _entry(row: str) -> Language:
    fields = ["" if field == "-" else field for field in row.split()]
    code, name, iso1, iso3, macro, script, flores, xlsum, mbart, uriel, *aliases = fields
    name = name.replace("_", " ")
    return Language(
        code, name, iso1, iso3, macro, script, flores, xlsum, mbart, uriel, tuple(aliases)
    )


# code name iso1 iso3 macro script flores xlsum mbart uriel aliases…; "-" is none.
# The first eight are the reference study's. A spelling belongs to the first row that has it.
_TABLE = """
en English en eng - Latn eng_Latn english en_XX eng
es Spanish es spa - Latn spa_Latn spanish es_XX spa
fr French fr fra - Latn fra_Latn french fr_XX fra
ja Japanese ja jpn - Jpan jpn_Jpan japanese ja_XX jpn
zh Chinese zh cmn zho Hans zho_Hans chinese_simplified zh_CN cmn zh-Hans
ar Arabic ar arb ara Arab arb_Arab arabic ar_AR ara
ko Korean ko kor - Hang kor_Hang korean ko_KR kor
pt Portuguese pt por - Latn por_Latn portuguese pt_XX por
de German de deu - Latn deu_Latn - de_DE deu
it Italian it ita - Latn ita_Latn - it_IT ita
ru Russian ru rus - Cyrl rus_Cyrl russian ru_RU rus
th Thai th tha - Thai tha_Thai thai th_TH tha
sw Swahili sw swh swa Latn swh_Latn swahili sw_KE swh
bn Bengali bn ben - Beng ben_Beng bengali bn_IN ben
hi Hindi hi hin - Deva hin_Deva hindi hi_IN hin
te Telugu te tel - Telu tel_Telu telugu te_IN tel
tr Turkish tr tur - Latn tur_Latn turkish tr_TR tur
vi Vietnamese vi vie - Latn vie_Latn vietnamese vi_VN vie
id Indonesian id ind - Latn ind_Latn indonesian id_ID ind
nl Dutch nl nld - Latn nld_Latn - nl_XX nld
pl Polish pl pol - Latn pol_Latn - pl_PL pol
uk Ukrainian uk ukr - Cyrl ukr_Cyrl ukrainian uk_UA ukr
fa Persian fa pes fas Arab pes_Arab persian fa_IR pes
he Hebrew he heb - Hebr heb_Hebr - he_IL heb iw
ur Urdu ur urd - Arab urd_Arab urdu ur_PK urd
ta Tamil ta tam - Taml tam_Taml tamil ta_IN tam
el Greek el ell - Grek ell_Grek - - ell
cs Czech cs ces - Latn ces_Latn - cs_CZ ces
sv Swedish sv swe - Latn swe_Latn - sv_SE swe
da Danish da dan - Latn dan_Latn - - dan
fi Finnish fi fin - Latn fin_Latn - fi_FI fin
hu Hungarian hu hun - Latn hun_Latn - - hun
ro Romanian ro ron - Latn ron_Latn - ro_RO ron
no Norwegian no nob nor Latn nob_Latn - - nor nb
ca Catalan ca cat - Latn cat_Latn - - cat
gl Galician gl glg - Latn glg_Latn - gl_ES glg
bg Bulgarian bg bul - Cyrl bul_Cyrl - - bul
hr Croatian hr hrv - Latn hrv_Latn - hr_HR hrv
sl Slovenian sl slv - Latn slv_Latn - sl_SI slv
sr Serbian sr srp - Cyrl srp_Cyrl serbian_cyrillic - srp
lt Lithuanian lt lit - Latn lit_Latn - lt_LT lit
et Estonian et ekk est Latn est_Latn - et_EE est
lv Latvian lv lvs lav Latn lvs_Latn - lv_LV lav
yo Yoruba yo yor - Latn yor_Latn yoruba - yor
ig Igbo ig ibo - Latn ibo_Latn igbo - ibo
ha Hausa ha hau - Latn hau_Latn hausa - hau
am Amharic am amh - Ethi amh_Ethi amharic - amh
so Somali so som - Latn som_Latn somali - som
cy Welsh cy cym - Latn cym_Latn welsh - cym
my Burmese my mya - Mymr mya_Mymr burmese my_MM mya
km Khmer km khm - Khmr khm_Khmr - km_KH khm
lo Lao lo lao - Laoo lao_Laoo - - lao
mr Marathi mr mar - Deva mar_Deva marathi mr_IN mar
gu Gujarati gu guj - Gujr guj_Gujr gujarati gu_IN guj
pa Punjabi pa pan - Guru pan_Guru punjabi - pan
ne Nepali ne npi nep Deva npi_Deva nepali ne_NP nep
si Sinhala si sin - Sinh sin_Sinh sinhala si_LK sin
ml Malayalam ml mal - Mlym mal_Mlym - ml_IN mal
kn Kannada kn kan - Knda kan_Knda - - kan
eu Basque eu eus - Latn eus_Latn - - eus
is Icelandic is isl - Latn isl_Latn - - isl
af Afrikaans af afr - Latn afr_Latn - af_ZA afr
ka Georgian ka kat - Geor kat_Geor - ka_GE kat
zh-Hant Chinese_(traditional) zh cmn zho Hant zho_Hant chinese_traditional - cmn zh-TW
"""

LANGUAGES: tuple[Language, ...] = tuple(_entry(row) for row in _TABLE.strip().splitlines())

# What people write instead: country codes and bibliographic or English short forms.
_CONFUSIONS = {
    "jp": "ja",
    "kr": "ko",
    "cn": "zh",
    "ch": "zh",
    "chi": "zh",
    "gr": "el",
    "cz": "cs",
    "dk": "da",
    "ua": "uk",
    "vn": "vi",
    "ger": "de",
    "fre": "fr",
    "dut": "nl",
    "per": "fa",
    "farsi": "fa",
    "mandarin": "zh",
    "br": "pt",
    "us": "en",
    "gb": "en",
    "mx": "es",
    "ir": "fa",
}


def _folded(code: str) -> str:
    return code.strip().lower().replace("_", "-")


def _index() -> dict[str, Language]:
    index: dict[str, Language] = {}
    for entry in LANGUAGES:
        for spelling in entry.spellings:
            index.setdefault(_folded(spelling), entry)
    return index


_INDEX = _index()


def is_known(code: str) -> bool:
    """True where ``language(code)`` finds one."""
    return _folded(code) in _INDEX


def language(code: str) -> Language:
    """The language that a code of any convention names; case and ``_`` for ``-`` do not matter.

    Raises UnknownLanguage, which names the nearest known spelling.
    """
    found = _INDEX.get(_folded(code))
    if found is None:
        raise UnknownLanguage(code, nearest(code))
    return found


def nearest(code: str) -> str:
    """The known spelling most like ``code``: itself where known, else by common confusions, by
    the part before the variant, by similarity of letters (ties go to the first registered)."""
    folded = _folded(code)
    if folded in _INDEX:
        return code
    if folded in _CONFUSIONS:
        return _CONFUSIONS[folded]
    stem = folded.partition("-")[0]  # pt-BR, kor_Kore: the language is known, the variant is not
    if stem in _INDEX:
        return stem
    from difflib import SequenceMatcher  # noqa: PLC0415 (kept out of the import path)

    matcher = SequenceMatcher(b=folded, autojunk=False)
    best, best_ratio = LANGUAGES[0].code, -1.0
    for entry in LANGUAGES:
        for spelling in entry.spellings:
            matcher.set_seq1(_folded(spelling))
            ratio = matcher.ratio()
            if ratio > best_ratio:
                best, best_ratio = spelling, ratio
    return best
