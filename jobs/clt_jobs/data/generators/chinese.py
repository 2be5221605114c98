"""Chinese cardinal numbers in simplified characters, 0 to 99,999,999.

Digits are written in groups of four (万); within a group 千, 百, 十 name the places. The rules:

- 零 stands once for any run of zeros between two written digits, also where the lower group
  does not fill its thousands place (10500 一万零五百, 105000 十万五千).
- 10 to 19 begin with 十 alone where they head the number (十二, 十一万), with 一十 elsewhere
  (一百一十二, 一万零一十二).
- 2 is 两 where it heads the number as thousands or as the whole of the 万 (两千, 两万, 两千万);
  everywhere else it is 二 (二百, 一万二千, 二十).
"""

DIGITS = "零一二三四五六七八九"
PLACES = ("千", "百", "十", "")
LIMIT = 99_999_999


def spell(number: int) -> str:
    """A number from 0 to ``LIMIT`` in words. Raises ValueError outside."""
    if not 0 <= number <= LIMIT:
        raise ValueError(f"{number} is outside 0 to {LIMIT}")
    if number == 0:
        return DIGITS[0]
    upper, lower = divmod(number, 10_000)
    text = ""
    if upper:
        text = _group(upper) + "万"
    if lower:
        text += (DIGITS[0] if upper and lower < 1000 else "") + _group(lower)
    return _headed(text)


def _group(value: int) -> str:
    """1 to 9999 by the plain rules, each run of inner zeros written once."""
    text = ""
    gap = False
    for digit, place in zip(f"{value:04d}", PLACES, strict=True):
        if digit == "0":
            gap = bool(text)
        else:
            text += (DIGITS[0] if gap else "") + DIGITS[int(digit)] + place
            gap = False
    return text


def _headed(text: str) -> str:
    """The rules for the head of a number: 十 without 一, 两 before 千 and 万."""
    if text.startswith("一十"):
        return text[1:]
    if text[:2] in ("二千", "二万"):
        return "两" + text[1:]
    return text
