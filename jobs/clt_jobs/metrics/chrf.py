"""chrf: chrF++ (Popović, 2017) through sacrebleu, on sacrebleu's scale divided by 100.

Items carry the sentence-level score; the corpus-level score, which is not their mean, goes
into the summary with sacrebleu's own signature.
"""

from collections.abc import Sequence

from clt_jobs.metrics.records import Generation, ItemScore, Scored
from clt_jobs.metrics.references import Reference, reference_of
from clt_jobs.metrics.registry import metric, signature
from clt_operator.api.base import Record


class ChrfArguments(Record):
    reference: Reference = "response"
    char_order: int = 6
    word_order: int = 2  # 2 is chrF++, 0 is chrF
    lowercase: bool = False


@metric("chrf", version=1, needs="generations", arguments=ChrfArguments)
def chrf(records: Sequence[Generation], language: str, arguments: ChrfArguments) -> Scored:
    """Scores in [0, 1]. Two blank texts score 0, as in sacrebleu; truncation is only counted."""
    del language
    from sacrebleu.metrics import CHRF

    scorer = CHRF(
        char_order=arguments.char_order,
        word_order=arguments.word_order,
        lowercase=arguments.lowercase,
    )
    pairs = [reference_of(record, arguments.reference) for record in records]
    items = tuple(
        ItemScore(
            item=record.item,
            cluster=record.cluster,
            score=scorer.sentence_score(record.output, [reference]).score / 100,
            failed=not record.output.strip(),
            truncated=record.truncated,
        )
        for record, (reference, _) in zip(records, pairs, strict=True)
    )
    outputs = [record.output for record in records]
    corpus = scorer.corpus_score(outputs, [[reference for reference, _ in pairs]])
    described = signature("chrf", v=1, ref=arguments.reference, scale="0-1")
    extras = {
        "corpus_score": corpus.score / 100,
        "reference_fallbacks": sum(fell_back for _, fell_back in pairs),
    }
    return Scored(items, f"{described}|{scorer.get_signature()}", extras)
