"""Reads bare English numerals: digits or words in, an interval of values out.

"1.2bn", "two and a half million", "tens of billions", "a couple of hundred".  What a numeral counts is for
`_quantities_en`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bitext._quantity import VAGUE_HIGH, blanked, without_noise
from bitext.data import Span

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
    seventeen eighteen nineteen
"""
_ORDINAL_NAMES = """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth
"""
_MONTH_NAMES = """
    january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|
    october oct|november nov|december dec
"""
ONES = {word: float(i) for i, word in enumerate(_SMALL.split())}
TENS = {
    "twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0,
    "eighty": 80.0,
    "ninety": 90.0,
}  # fmt: skip
SCALES = {
    "dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "quadrillion": 1e15,
}  # fmt: skip
SCALE_SIGNS = {
    "k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "bln": 1e9, "t": 1e12,
    "tn": 1e12,
    "trn": 1e12,
}  # fmt: skip
PLURALS = {"tens": 10.0, "scores": 20.0} | {scale + "s": worth for scale, worth in SCALES.items()}
ORDINALS = {word: float(i) for i, word in enumerate(_ORDINAL_NAMES.split(), start=1)} | {
    "thirtieth": 30.0, "fortieth": 40.0, "fiftieth": 50.0, "sixtieth": 60.0, "seventieth": 70.0,
    "eightieth": 80.0,
    "ninetieth": 90.0, "hundredth": 100.0,
}  # fmt: skip
_PARTS_OF = {
    "third": 3.0, "quarter": 4.0, "fourth": 4.0, "fifth": 5.0, "sixth": 6.0, "seventh": 7.0, "eighth": 8.0,
    "ninth": 9.0,
    "tenth": 10.0, "twentieth": 20.0, "thirtieth": 30.0, "fortieth": 40.0, "fiftieth": 50.0,
    "hundredth": 100.0, "thousandth": 1000.0,
}  # fmt: skip
PARTS = _PARTS_OF | {part + "s": value for part, value in _PARTS_OF.items()}
MULTIPLES = {
    **dict.fromkeys(("twice", "double", "doubled", "doubles", "doubling", "twofold"), 2.0),
    **dict.fromkeys(("thrice", "triple", "tripled", "triples", "tripling", "treble", "trebled",
    "threefold"), 3.0),
    **dict.fromkeys(("quadruple", "quadrupled", "quadruples", "quadrupling", "fourfold"), 4.0),
    "quintupled": 5.0, "fivefold": 5.0, "sixfold": 6.0, "sevenfold": 7.0, "eightfold": 8.0, "tenfold": 10.0,
    "hundredfold": 100.0,
}  # fmt: skip
HALVES = ("half", "halved", "halving", "halve")
DECADES = {
    "nineties": 90.0, "eighties": 80.0, "seventies": 70.0, "sixties": 60.0, "fifties": 50.0, "forties": 40.0,
    "thirties": 30.0, "twenties": 20.0,
}  # fmt: skip
MONTHS = {
    name: float(i) for i, names in enumerate(_MONTH_NAMES.split("|"), start=1) for name in names.split()
}


def any_of(words: Iterable[str]) -> str:
    """Build the pattern that matches the longest of some `words`."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


NUM = r"(?:\d{1,3}(?:(?:,|[ ],[ ]|[ ]|,[ ](?=000))\d{3})+(?!,?\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.)\]])\.\d+)"
NUMERAL_WORD = any_of({*ONES, *TENS, *SCALES, *PLURALS})


class Number(NamedTuple):
    """A bare numeral: where, its interval, the worth of its last place, and how it is written."""

    start: int
    end: int
    low: float
    high: float
    step: float
    vague: bool = False
    digits: bool = False
    scaled: bool = False


# ------------------------------------------------------------------------------------------------- numerals

_SCALE_AFTER = re.compile(
    rf"(?:\+|-plus)?[ -]?({any_of(SCALES)}|mn|mln|mio|bn|bln|tn|trn|[kmbt])(?:(?<=ion)s)?(?![a-z²\d]|/s)"
)
_VULGAR = re.compile(r" ?([½¼¾])")


def in_digits(norm: str, text: str, digits: str, start: int, end: int) -> Number:
    value = float(digits.replace(",", "").replace(" ", ""))
    step = 10.0 ** -(len(digits) - digits.find(".") - 1) if "." in digits else 1.0
    scale = _SCALE_AFTER.match(norm, end)
    if scale and _is_scale(norm, text, scale, start):
        worth, stop = SCALES.get(scale[1]) or SCALE_SIGNS[scale[1]], scale.end()
        second = _SCALE_AFTER.match(norm, stop)
        if second and second[1] in SCALES and scale[1] in ("hundred", "thousand"):  # "10 thousand billion"
            worth, stop = worth * SCALES[second[1]], second.end()
        value = without_noise(value * worth)
        return Number(start, stop, value, value, step * worth, digits=True, scaled=True)
    vulgar = _VULGAR.match(norm, end)
    if vulgar:
        value += {"½": 0.5, "¼": 0.25, "¾": 0.75}[vulgar[1]]
        return Number(start, vulgar.end(), value, value, 0.25, digits=True)
    return Number(start, end, value, value, step, digits=True)


def _is_scale(norm: str, text: str, scale: re.Match[str], start: int) -> bool:
    """Whether k, m, b or t scales the number: after a currency sign, in "5k" and "10M"."""
    if len(scale[1]) > 1 or norm[start - 1 : start] in tuple("$€£¥"):
        return True
    if scale[0] == "k" and text[scale.start()] == "K":
        return scale.start() - start > 1  # 50K, but not 4K
    return scale[0] == scale[1] and text[scale.start()] in "kM"


_ARTICLES: dict[str, tuple[float, float, bool]] = {
    "a": (1.0, 1.0, False), "an": (1.0, 1.0, False), "half a": (0.5, 0.5, False), "half": (0.5, 0.5, False),
    "a couple of": (2.0, 3.0, True), "a couple": (2.0, 3.0, True), "couple": (2.0, 3.0, True),
    "a few": (2.0, VAGUE_HIGH, True), "few": (2.0, VAGUE_HIGH, True), "several": (2.0, VAGUE_HIGH, True),
    "many": (2.0, VAGUE_HIGH, True), "the": (1.0, 1.0, False), "every": (1.0, 1.0, False),
    "per": (1.0, 1.0, False), "another": (1.0, 1.0, False),
}  # fmt: skip
_ARTICLE = re.compile(rf"(?<![a-z])({any_of(_ARTICLES)})[ -]$")
_NEXT = re.compile(rf"(?P<gap> and a | and | of |-| )(?P<word>{NUMERAL_WORD}|half)(?![a-z])")
_SCALE_NEXT = re.compile(rf"(?:[ -](?:{any_of(ONES)}))?[ -]({any_of(SCALES)})(?![a-z])")


def in_words(norm: str, word: str, start: int, end: int) -> Number | None:
    """Read a numeral in words from its first word on, taking in as many of the next as belong to it."""
    words = [word]
    while (following := _NEXT.match(norm, end)) and _continues(norm, words[-1], following):
        words.append(following["word"])
        end = following.end()
    first = (0.0, 0.0, False)
    if word in SCALES:
        article = _ARTICLE.search(norm, max(0, start - 14), start)
        if article:
            start, first = article.start(), _ARTICLES[article[1]]
        elif len(words) > 1 and words[1] in SCALES:  # "the hundred billion stars"
            first = (1.0, 1.0, False)
        else:
            return None
    elif words == ["tens"]:
        return None
    low, high, step = _evaluate(words, first[:2])
    vague = first[2] or any(word in PLURALS or word == "dozen" for word in words)
    scaled = any(word in SCALES or word in PLURALS for word in words)
    return Number(start, end, without_noise(low), without_noise(high), step, vague=vague, scaled=scaled)


def _continues(norm: str, last: str, following: re.Match[str]) -> bool:
    gap, word = following["gap"], following["word"]
    is_digit, is_scale, is_plural = word in ONES, word in SCALES, word in PLURALS
    if gap in (" ", "-"):
        if last in TENS:
            return (is_digit and 0 < ONES[word] < 10) or is_scale or is_plural
        if last in ONES:
            return is_scale or word in ("hundreds", "thousands", "millions", "billions")
        if last == "half":
            return is_scale
        return last in SCALES and (is_digit or word in TENS or is_scale)
    if gap == " and ":  # "two hundred and five", but not "two hundred and three hundred"
        small = is_digit or word in TENS
        return (
            small
            and last in ("hundred", "thousand", "million")
            and not _outgrows(norm, following.end(), SCALES[last])
        )
    if gap == " and a ":
        return word == "half" and (last in ONES or last in SCALES)
    return last in PLURALS and (is_plural or is_scale)  # "hundreds of thousands"


def _outgrows(norm: str, end: int, worth: float) -> bool:
    """Whether the numeral that ends at `end` goes on to a scale no smaller than the `worth` before it."""
    scale = _SCALE_NEXT.match(norm, end)
    if scale is None:
        return False
    own = SCALES[scale[1]]
    if worth == 100 and own > 100:  # "two hundred and fifty thousand"
        return False
    return own >= worth or _outgrows(norm, scale.end(), worth)


def _evaluate(words: list[str], first: tuple[float, float]) -> tuple[float, float, float]:
    """Interval and last place of a numeral in words, `first` being what an article before it says."""
    total = (0.0, 0.0)
    low, high = first
    step = 1.0
    for i, word in enumerate(words):
        if word in ONES or word in TENS or word == "half":
            value = ONES[word] if word in ONES else TENS.get(word, 0.5)
            low, high, step = low + value, high + value, 0.5 if word == "half" else 1.0
        elif i == 0 and word in PLURALS:
            low, high = _plural(word, alone=len(words) == 1)
            step = PLURALS[word]
        else:
            step = worth = SCALES.get(word) or PLURALS[word]
            if not high and total[1]:  # "two hundred thousand million"
                total = (total[0] * worth, total[1] * worth)
            elif worth <= 100 or words[i + 1 : i + 2] == ["half"]:
                low, high = low * worth, high * worth
            else:
                total = (total[0] + low * worth, total[1] + high * worth)
                low = high = 0.0
    if words[-1] == "half" and len(words) > 1 and words[-2] in SCALES:  # "a million and a half"
        low, high = low - 0.5 + 0.5 * SCALES[words[-2]], high - 0.5 + 0.5 * SCALES[words[-2]]
    return total[0] + low, total[1] + high, step


def _plural(word: str, *, alone: bool) -> tuple[float, float]:
    """Say what "dozens", "hundreds" or "millions" is taken to mean."""
    worth = PLURALS[word]
    if word in ("dozens", "scores"):
        return 20.0, 99.9
    return 2 * worth, worth * (999.0 if alone and worth >= 1000 else VAGUE_HIGH)


# --------------------------------------------------------------------------------------------- normalization

_TRANSLATION = (
    {0xFF01 + i: chr(0x21 + i).lower() for i in range(94)}
    | {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    | dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
    | dict.fromkeys(map(ord, "\u00a0\u2009\u202f\u3000\t"), " ")
    | dict.fromkeys(map(ord, "’‘"), "'")
)


def normalized(text: str, masked: Sequence[Span]) -> str:
    norm = text.translate(_TRANSLATION)
    return blanked(norm, masked)
