"""Reads the quantities of an English text: a string in, `Quantity` objects in reading order out.

One expression finds where a numeral begins, in digits or in words; the words that belong to it are taken in
("two and a half million", "tens of billions", "one in five"), then what stands before and after says what is
counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from bitext._quantity import (
    CURRENCIES,
    EN_UNITS,
    UNITS,
    VAGUE_HIGH,
    Hedge,
    Kind,
    Name,
    Quantity,
    without_noise,
)
from bitext.data import Span


def scan(text: str, masked: Sequence[Span] = ()) -> list[Quantity]:
    """Find the quantities of an English `text`, leaving out what overlaps a `masked` span."""
    norm = _normalized(text, masked)
    found: list[Quantity] = []
    position = 0
    while match := _START.search(norm, position):
        quantities, position = _read(norm, text, match)
        found.extend(quantities)
    return _joined(found, norm, text)


# --------------------------------------------------------------------------------------------- normalization

_TRANSLATION = (
    {0xFF01 + i: chr(0x21 + i).lower() for i in range(94)}
    | {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    | dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
    | dict.fromkeys(map(ord, "\u00a0\u2009\u202f\u3000\t"), " ")
    | dict.fromkeys(map(ord, "’‘"), "'")
)
_MASK = "\ue000"


def _normalized(text: str, masked: Sequence[Span]) -> str:
    norm = text.translate(_TRANSLATION)
    for start, end in masked:
        norm = norm[:start] + _MASK * (end - start) + norm[end:]
    return norm


# ------------------------------------------------------------------------------------------------- the words

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_ONES = {word: float(i) for i, word in enumerate(_SMALL.split())}
_TENS = {
    word: 10.0 * i
    for i, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_SCALES = {
    "dozen": 12.0, "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "quadrillion": 1e15,
}  # fmt: skip
_SCALE_SIGNS = {
    "k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9, "bln": 1e9, "t": 1e12, "tn": 1e12, "trn": 1e12,
}  # fmt: skip
_PLURALS = {"tens": 10.0, "scores": 20.0} | {scale + "s": worth for scale, worth in _SCALES.items()}
_ORDINALS = {
    word: float(i)
    for i, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        start=1,
    )
} | {"twenty-first": 21.0, "thirtieth": 30.0, "fortieth": 40.0, "fiftieth": 50.0, "hundredth": 100.0}
_PARTS = {
    "half": 2.0, "halves": 2.0, "third": 3.0, "thirds": 3.0, "quarter": 4.0, "quarters": 4.0, "fourth": 4.0, "fourths": 4.0,
    "fifth": 5.0, "fifths": 5.0, "sixth": 6.0, "sixths": 6.0, "seventh": 7.0, "sevenths": 7.0, "eighth": 8.0, "eighths": 8.0,
    "ninth": 9.0, "ninths": 9.0, "tenth": 10.0, "tenths": 10.0, "hundredths": 100.0,
}  # fmt: skip
_MULTIPLES = {
    **dict.fromkeys(("twice", "double", "doubled", "doubles", "doubling", "twofold"), 2.0),
    **dict.fromkeys(("thrice", "triple", "tripled", "triples", "tripling", "treble", "trebled", "threefold"), 3.0),
    **dict.fromkeys(("quadruple", "quadrupled", "quadruples", "quadrupling", "fourfold"), 4.0),
    "quintupled": 5.0, "fivefold": 5.0, "sixfold": 6.0, "sevenfold": 7.0, "eightfold": 8.0, "tenfold": 10.0, "hundredfold": 100.0,
}  # fmt: skip
_HALVES = ("half", "halved", "halving", "halve")
_DECADES = {
    "nineties": 90.0,
    "eighties": 80.0,
    "seventies": 70.0,
    "sixties": 60.0,
    "fifties": 50.0,
    "forties": 40.0,
}
_MONTH_NAMES = (
    "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct|"
    "november nov|december dec"
)
_MONTHS = {
    name: float(i) for i, names in enumerate(_MONTH_NAMES.split("|"), start=1) for name in names.split()
}
_ROMAN = {
    "i": 1.0,
    "ii": 2.0,
    "iii": 3.0,
    "iv": 4.0,
    "v": 5.0,
    "vi": 6.0,
    "vii": 7.0,
    "viii": 8.0,
    "ix": 9.0,
    "x": 10.0,
}


def _any_of(words: object) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))  # type: ignore[call-overload]


_NUM = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_NUMERAL_WORD = _any_of({*_ONES, *_TENS, *_SCALES, *_PLURALS})
_OTHER_WORD = _any_of(
    {*_ORDINALS, *_PARTS, *_MULTIPLES, *_HALVES, *_MONTHS, *_DECADES}
    | {"several", "couple", "few", "decade", "century", "fortnight", "both", "once"}
)
_CODES = "rmb|cny|hkd|usd|eur|gbp|jpy|krw|aud|cad|sgd|twd|us|hk|fy|end|mid|early|late|pre|post|since"
_START = re.compile(
    rf"""
    (?P<skip> (?<![a-z$]) (?!(?:{_CODES})-?\d) [a-z]+-?\d(?:[\da-z.\-]*[\da-z])? | \d+(?:\.\d+){{2,}}\w* | https?://\S+ )
  | (?P<digits> {_NUM} )
  | (?<![a-z']) (?P<roman> (?:phase|part|tier|pillar|type|basel|chapter|article|volume|book|class|stage|schedule|annex|act|title)
        [ ](?:iii|ii|iv|ix|viii|vii|vi|v|x|i)(?![a-z]) )
  | (?<![a-z']) (?P<word> {_NUMERAL_WORD} )(?![a-z])
  | (?<![a-z']) (?P<other> {_OTHER_WORD} )(?![a-z])
    """,
    re.VERBOSE,
)


class _Number(NamedTuple):
    """A bare numeral: where, its interval, the worth of its last place, and how it is written."""

    start: int
    end: int
    low: float
    high: float
    step: float
    vague: bool = False
    digits: bool = False
    scaled: bool = False


_Reading = tuple[list[Quantity], int]  # what was found, and where to go on


def _read(norm: str, text: str, match: re.Match[str]) -> _Reading:
    start, end = match.span()
    if match.lastgroup == "skip":
        return [], end
    if match.lastgroup == "roman":
        begin = start + match[0].index(" ") + 1
        value = _ROMAN[norm[begin:end]]
        return [Quantity((begin, end), text[begin:end], value, value, "ordinal", weight=0.1)], end
    if match.lastgroup == "other":
        return _other(norm, text, match[0], start, end)
    if match.lastgroup == "word":
        number = _in_words(norm, match[0], start, end)
        return _counted(norm, text, number) if number else ([], end)
    special = _date_or_clock(norm, text, start)
    if special:
        return special, special[-1].span[1]
    return _counted(norm, text, _in_digits(norm, match[0], start, end))


# ------------------------------------------------------------------------------------------------- numerals

_SCALE_AFTER = re.compile(
    rf"[ -]?({_any_of(_SCALES)}|mn|mln|mio|bn|bln|tn|trn|(?<=\d)[kmbt])(?![a-z²\d]|/s)",
)
_VULGAR = re.compile(r" ?([½¼¾])")


def _in_digits(norm: str, digits: str, start: int, end: int) -> _Number:
    value = float(digits.replace(",", ""))
    step = 10.0 ** -(len(digits) - digits.find(".") - 1) if "." in digits else 1.0
    scale = _SCALE_AFTER.match(norm, end)
    if scale and not (scale[1] in "mbt" and norm[start - 1 : start] not in tuple("$€£¥")):
        worth, stop = _SCALES.get(scale[1]) or _SCALE_SIGNS[scale[1]], scale.end()
        second = _SCALE_AFTER.match(norm, stop)
        if second and second[1] in _SCALES and scale[1] in ("hundred", "thousand"):  # "10 thousand billion"
            worth, stop = worth * _SCALES[second[1]], second.end()
        value = without_noise(value * worth)
        return _Number(start, stop, value, value, step * worth, digits=True, scaled=True)
    vulgar = _VULGAR.match(norm, end)
    if vulgar:
        value += {"½": 0.5, "¼": 0.25, "¾": 0.75}[vulgar[1]]
        return _Number(start, vulgar.end(), value, value, 0.25, digits=True)
    return _Number(start, end, value, value, step, digits=True)


_ARTICLES: dict[str, tuple[float, float, bool]] = {
    "a": (1.0, 1.0, False), "an": (1.0, 1.0, False), "half a": (0.5, 0.5, False), "half": (0.5, 0.5, False),
    "a couple of": (2.0, 3.0, True), "a couple": (2.0, 3.0, True), "couple": (2.0, 3.0, True), "a few": (2.0, VAGUE_HIGH, True),
    "few": (2.0, VAGUE_HIGH, True), "several": (2.0, VAGUE_HIGH, True), "many": (2.0, VAGUE_HIGH, True),
}  # fmt: skip
_ARTICLE = re.compile(rf"(?<![a-z])({_any_of(_ARTICLES)})[ -]$")
_NEXT = re.compile(rf"(?P<gap> and a | and | of |-| )(?P<word>{_NUMERAL_WORD}|half)(?![a-z])")


def _in_words(norm: str, word: str, start: int, end: int) -> _Number | None:
    """A numeral in words, from its first word on, taking in as many of the next as belong to it."""
    words = [word]
    while following := _NEXT.match(norm, end):
        if not _continues(words[-1], following["gap"], following["word"]):
            break
        words.append(following["word"])
        end = following.end()
    first = (0.0, 0.0, False)
    if word in _SCALES:
        article = _ARTICLE.search(norm, max(0, start - 14), start)
        if article is None:
            return None
        start, first = article.start(), _ARTICLES[article[1]]
    elif words == ["tens"]:
        return None
    low, high, step = _evaluate(words, first[:2])
    vague = first[2] or any(word in _PLURALS or word == "dozen" for word in words)
    scaled = any(word in _SCALES or word in _PLURALS for word in words)
    return _Number(start, end, without_noise(low), without_noise(high), step, vague=vague, scaled=scaled)


def _continues(last: str, gap: str, word: str) -> bool:
    is_digit, is_scale, is_plural = word in _ONES, word in _SCALES, word in _PLURALS
    if gap in (" ", "-"):
        if last in _TENS:
            return (is_digit and 0 < _ONES[word] < 10) or is_scale or is_plural
        if last in _ONES:
            return is_scale or word in ("hundreds", "thousands", "millions", "billions")
        return (last in _SCALES and (is_digit or word in _TENS or is_scale)) or (last == "half" and is_scale)
    if gap == " and ":
        return last in ("hundred", "thousand", "million") and (is_digit or word in _TENS)
    if gap == " and a ":
        return word == "half" and (last in _ONES or last in _SCALES)
    return last in _PLURALS and is_plural  # "hundreds of thousands"


def _evaluate(words: list[str], first: tuple[float, float]) -> tuple[float, float, float]:
    """Interval and last place of a numeral in words, `first` being what an article before it says."""
    total = (0.0, 0.0)
    low, high = first
    step = 1.0
    for i, word in enumerate(words):
        if word in _ONES or word in _TENS or word == "half":
            value = _ONES[word] if word in _ONES else _TENS.get(word, 0.5)
            low, high, step = low + value, high + value, 0.5 if word == "half" else 1.0
        elif word in _PLURALS and not high and not total[1]:
            low, high = _plural(word, alone=len(words) == 1)
            step = _PLURALS[word]
        else:
            step = worth = _SCALES.get(word) or _PLURALS[word]
            if not high and total[1]:  # "two hundred thousand million"
                total = (total[0] * worth, total[1] * worth)
            elif worth <= 100 or words[i + 1 : i + 2] == ["half"]:
                low, high = low * worth, high * worth
            else:
                total = (total[0] + low * worth, total[1] + high * worth)
                low = high = 0.0
    if words[-1] == "half" and len(words) > 1 and words[-2] in _SCALES:  # "a million and a half"
        low, high = low - 0.5 + 0.5 * _SCALES[words[-2]], high - 0.5 + 0.5 * _SCALES[words[-2]]
    return total[0] + low, total[1] + high, step


def _plural(word: str, *, alone: bool) -> tuple[float, float]:
    """What "dozens", "hundreds" or "millions" is taken to mean."""
    worth = _PLURALS[word]
    if word in ("dozens", "scores"):
        return 2 * worth, 99.0
    return 2 * worth, worth * (999.0 if alone and worth >= 1000 else VAGUE_HIGH)


# ---------------------------------------------------------------------------------- what a numeral counts

_BEFORE = {sign.lower(): code for code, currency in CURRENCIES.items() for sign in currency.en_before}
_AFTER_MONEY = {name.lower(): code for code, currency in CURRENCIES.items() for name in currency.en_after}
_PREFIX = re.compile(rf"(?<![a-z])({_any_of(_BEFORE)}) ?$")
_NAMES: dict[str, Name] = EN_UNITS | {name: Name("money", code) for name, code in _AFTER_MONEY.items()}
_AFTER = re.compile(rf"(?P<gap> |-)?(?P<name>{_any_of(_NAMES)})(?![a-z\d²])")
_OF_NAME = re.compile(rf" (?:of|worth of) (?P<name>{_any_of(_NAMES)})(?![a-z])")
_SUFFIX = re.compile(r"(?:st|nd|rd|th)(?![a-z])")
_WORD_REST = re.compile(r"[a-z\d]*")


def _counted(norm: str, text: str, number: _Number) -> _Reading:
    start, end = number.start, number.end
    if number.digits and not number.scaled:
        if suffix := _SUFFIX.match(norm, end):
            return _ordinal_digits(norm, text, number, suffix.end())
        if decade := _decade(norm, text, number):
            return [decade], decade.span[1]
    if fraction := _fraction(norm, text, number):
        return [fraction], fraction.span[1]
    begin, (kind, unit, factor), stop = start, Name("plain", ""), end
    after = _unit_after(norm, number)
    if after:
        (kind, unit, factor), stop = _NAMES[after["name"]], after.end()
    elif number.digits and norm[end : end + 1].isalpha():  # 5G, 802.11n
        rest = _WORD_REST.match(norm, end)
        return [], rest.end() if rest else end
    prefix = _PREFIX.search(norm, max(0, start - 6), start)
    if prefix and kind in ("plain", "money"):
        kind, unit, begin = "money", _BEFORE[prefix[1]], prefix.start()
    hedge = _hedge(norm, begin, stop)
    if kind == "plain" and number.digits and _is_year(number):
        kind, unit = "date", "year"
    quantity = Quantity(
        (begin, stop), text[begin:stop], number.low * factor, number.high * factor, kind, unit, hedge, number.vague,
        number.step, _weight(norm, number, kind),
    )  # fmt: skip
    return [quantity], stop


def _unit_after(norm: str, number: _Number) -> re.Match[str] | None:
    after = _AFTER.match(norm, number.end)
    if after is None:
        return _OF_NAME.match(norm, number.end) if number.vague else None
    name, attached = after["name"], after["gap"] is None
    if len(name) == 1 and name.isalpha() and name != "x" and not attached:
        return None  # "5 m" may be anything
    if attached and name[0].isalpha() and not number.digits:
        return None
    if (
        name in ("g", "m")
        and attached
        and norm[number.end - 1].isdigit()
        and number.low in (2, 3, 4, 5, 6)
        and number.step == 1
    ):
        return None if name == "g" else after  # 5G
    return None if name == "x" and not attached else after


def _is_year(number: _Number) -> bool:
    return 1500 <= number.low <= 2100 and number.end - number.start == 4 and number.step == 1


def _weight(norm: str, number: _Number, kind: str) -> float:
    """How surely a translation shows the number."""
    if number.digits:
        marker = (
            kind == "plain" and number.low < 20 and (not number.start or norm[number.start - 1] in "\n[(")
        )
        return 0.3 if marker else 1.0
    if number.vague:
        return 0.9 if number.high >= 1000 else 0.6
    if number.high < 10:
        return {1.0: 0.1, 2.0: 0.4}.get(number.low, 0.6)
    return 0.9


# --------------------------------------------------------------------------------------------------- hedges

_HEDGE_BEFORE = re.compile(
    r"""(?<![a-z])(?:
    (?P<over> (?:no|not)[ ](?:less|fewer|lower)[ ]than | (?:more|greater|higher|larger|longer|older)[ ]than | in[ ]excess[ ]of
        | upwards?[ ]of | at[ ]least | a[ ]minimum[ ]of | over | above | beyond | exceed(?:s|ed|ing)? | surpass(?:es|ed|ing)?
        | topp(?:ed|ing) | north[ ]of | or[ ]more[ ]than )
  | (?P<under> (?:no|not)[ ](?:more|greater|higher|longer)[ ]than | (?:less|fewer|lower|shorter|younger)[ ]than | nearly | almost
        | close[ ]to | approach(?:es|ed|ing) | nearing | just[ ]under | under | below | short[ ]of | not[ ]quite | at[ ]most
        | a[ ]maximum[ ]of | up[ ]to | not[ ]exceeding | shy[ ]of | within )
  | (?P<about> about | around | approximately | approx\.? | roughly | some | circa | estimated(?:[ ]at)? | on[ ]average )
    )(?:[ ](?:a|an|the)(?:[ ](?:total|mark)[ ]of)?)?[ ]?$""",
    re.VERBOSE,
)
_LOCAL = re.compile(r"(?:over|above|within|below|under|beyond|around) the ?$")
_HEDGE_AFTER = re.compile(
    r"(?P<over>\+| ?plus(?![a-z])|-odd| or more| (?:and|or) (?:above|over|older)|-plus)|(?P<about> or so)"
    r"|(?P<under> (?:and|or) (?:less|below|under|younger))"
)


def _hedge(norm: str, start: int, end: int) -> Hedge:
    match = _HEDGE_AFTER.match(norm, end)
    if match is None:
        head = norm[max(0, start - 28) : start]
        match = _HEDGE_BEFORE.search(head)
        if match is None or _LOCAL.search(head):
            return ""
    if match["over"]:
        return "over"
    return "under" if match["under"] else "about"


# ------------------------------------------------------------------------- numbers that are more than numerals

_FRACTION = re.compile(
    rf"[ -](?P<part>{_any_of(w for w in _PARTS if not w.startswith('hal'))})(?![a-z])"
    rf"|(?: in (?:every )?| out of (?:every )?)(?P<out_of>{_NUM}|{_NUMERAL_WORD})(?![a-z\d]|,\d)"
    r"|/(?P<slash>\d{1,2})(?![\d/%])"
)
_PARTS_OF_TIME = re.compile(
    r"(?:first|last|past|next|previous|preceding|consecutive|straight|successive|other) $"
)


def _fraction(norm: str, text: str, number: _Number) -> Quantity | None:
    """Two thirds, one in five, 3 out of 10, 3/4."""
    match = _FRACTION.match(norm, number.end)
    if not match or number.scaled or number.vague or number.step != 1 or not number.low:
        return None
    if part := match["part"]:
        bottom = _PARTS[part]
        plural = part.endswith("s")
        if plural != (number.low > 1) or number.low >= bottom or number.digits:
            return None
        if part.startswith("quarter") and _PARTS_OF_TIME.search(
            norm, max(0, number.start - 12), number.start
        ):
            return None  # "the first three quarters" are months
    elif word := match["out_of"]:
        bottom = (
            float(word.replace(",", "")) if word[0].isdigit() else _ONES.get(word) or _TENS.get(word, 0.0)
        )
        if " in" in match[0] and (number.low != 1 or bottom < 2 or bottom > 1000) or number.low >= bottom:
            return None
    else:
        bottom = float(match["slash"])
        if not number.low < bottom <= 10:
            return None
    share = without_noise(100 * number.low / bottom)
    span = (number.start, match.end())
    return Quantity(
        span,
        text[slice(*span)],
        share,
        share,
        "percent",
        "percent",
        _hedge(norm, *span),
        step=100 / bottom,
        weight=0.7,
    )


_UNIT_OF_ORDINAL = re.compile(r"[ -](century|quarter|half)(?![a-z])")
_MONTH_AFTER = re.compile(rf" (?:day )?(?:of )?(?:{_any_of(_MONTHS)})(?![a-z])")


def _ordinal_digits(norm: str, text: str, number: _Number, end: int) -> _Reading:
    unit = _UNIT_OF_ORDINAL.match(norm, end)
    if _MONTH_AFTER.match(norm, end) and number.low <= 31:
        kind: Kind = "date"
        name = "day"
    else:
        kind, name = "ordinal", unit[1] if unit else ""
    span = (number.start, unit.end() if unit and unit[1] == "century" else end)
    return [Quantity(span, text[slice(*span)], number.low, number.low, kind, name, weight=0.9)], span[1]


def _decade(norm: str, text: str, number: _Number) -> Quantity | None:
    """1990s, 90s."""
    end = number.end
    if (
        not norm.startswith("s", end)
        or norm[end + 1 : end + 2].isalpha()
        or number.low % 10
        or number.step != 1
    ):
        return None
    if not (1500 <= number.low <= 2090 or 20 <= number.low <= 90):
        return None
    span = (number.start, end + 1)
    return Quantity(span, text[slice(*span)], number.low, number.low, "date", "decade")


_DAY_MONTH = re.compile(rf"(\d{{1,2}})(?:-(\d{{1,2}}))? ({_any_of(_MONTHS)})(?![a-z])\.?")
_ISO = re.compile(r"((?:19|20)\d\d)([-/])(1[0-2]|0?[1-9])\2(3[01]|[12]\d|0?[1-9])(?!\d)")
_YEAR_PAIR = re.compile(r"((?:19|20)\d\d)[-/](\d\d)(?![\d%]|\.\d)")
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?:[:.](?P<m>[0-5]\d)(?!\d))? ?(?P<half>a\.?m\.?|p\.?m\.?)(?![a-z])|:(?P<m24>[0-5]\d)(?![\d:])| ?o'clock)"
)


def _date_or_clock(norm: str, text: str, start: int) -> list[Quantity]:
    """The parts of a date that begins with a number, or a clock time."""
    match = _CLOCK.match(norm, start)
    if match and float(match["h"]) <= 24:
        hour, minute = float(match["h"]), float(match["m"] or match["m24"] or 0)
        if match["half"]:
            hour = hour % 12 + 12 * match["half"].startswith("p")
        value = 60 * hour + minute
        return [Quantity(match.span(), text[slice(*match.span())], value, value, "time", "clock")]
    if match := _ISO.match(norm, start):
        values = {1: ("year", float(match[1])), 3: ("month", float(match[3])), 4: ("day", float(match[4]))}
    elif match := _YEAR_PAIR.match(norm, start):
        values = {1: ("year", float(match[1])), 2: ("year", float(match[1][:2] + match[2]))}
    elif (match := _DAY_MONTH.match(norm, start)) and 1 <= int(match[1]) <= 31:
        values = {1: ("day", float(match[1])), 3: ("month", _MONTHS[match[3]])}
        if match[2]:
            values = {1: values[1], 2: ("day", float(match[2])), 3: values[3]}
    else:
        return []
    return [
        Quantity(match.span(group), text[slice(*match.span(group))], value, value, "date", unit)
        for group, (unit, value) in values.items()
    ]


# ------------------------------------------------------------------- words that are numbers only in some places


def _other(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    if word in _MONTHS:
        return _month(norm, text, word, start, end)
    if word in _HALVES:
        return _half(norm, text, word, start, end)
    stop = end
    low = high = 1.0
    kind: Kind = "plain"
    unit, vague, weight = "", False, 0.0
    if word in _MULTIPLES:
        low, kind, weight = _MULTIPLES[word], "multiple", 0.3
    elif word in _DECADES:
        low, kind, unit, weight = _DECADES[word], "date", "decade", 0.5
    elif word in ("decade", "century", "fortnight"):
        low, kind, unit, weight = (
            (2.0, "time", "week", 0.1) if word == "fortnight" else (1.0, "time", word, 0.05)
        )
    elif word in ("several", "few", "couple"):
        if _NEXT_SCALE.match(norm, end) or (word == "few" and not norm.endswith("a ", 0, start)):
            return [], end
        name = _OF_UNIT.match(norm, end)
        if name:
            (kind, unit, _), stop = EN_UNITS[name["name"]], name.end()
        low, high, vague, weight = 2.0, 3.0 if word == "couple" else 9.0, True, 0.2
    elif word == "both":
        low = 2.0
    elif word in _PARTS and (share := _share(norm, word, start, end)):
        low, kind, unit, weight = share, "percent", "percent", 0.3
    elif word in _ORDINALS:
        ordinal_unit = _UNIT_OF_ORDINAL.match(norm, end)
        low, kind, unit = _ORDINALS[word], "ordinal", ordinal_unit[1] if ordinal_unit else ""
        weight = {1.0: 0.1, 2.0: 0.2}.get(low, 0.5)
    elif word != "once":
        return [], end
    hedge = _hedge(norm, start, stop)
    return [
        Quantity(
            (start, stop), text[start:stop], low, max(low, high), kind, unit, hedge, vague, weight=weight
        )
    ], stop


_NEXT_SCALE = re.compile(rf"(?: of)? (?:{_any_of(_SCALES)})(?![a-z])")
_OF_UNIT = re.compile(
    r"(?: of)? (?P<name>seconds|minutes|hours|days|weeks|months|years|decades|centuries)(?![a-z])"
)
_BEFORE_SHARE = re.compile(r"(?<![a-z])(?:an?|one)[ -]$")


def _share(norm: str, word: str, start: int, end: int) -> float:
    """A fifth of, a third; 0 where the word is an ordinal or a stretch of time."""
    if not _BEFORE_SHARE.search(norm, max(0, start - 5), start) or _UNIT_OF_ORDINAL.match(norm, end):
        return 0.0
    if word not in ("third", "quarter") and not norm.startswith(" of", end):
        return 0.0
    return without_noise(100 / _PARTS[word])


_HALF_A_SCALE = re.compile(rf"[ -](?:an? )?(?P<scale>{_any_of(_SCALES)})(?![a-z])")
_HALF_A_UNIT = re.compile(r"(?:[ -]an?)?[ -](?P<name>minute|hour|day|month|year|decade|century)(?![a-z])")
_HALF_OF_TWO = re.compile(r"(?:first|second|latter|other|1st|2nd|[12]h)[ -]$")


def _half(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    """Half a million, half an hour, half; "the second half" is left to the ordinal."""
    if word == "half":
        if scale := _HALF_A_SCALE.match(norm, end):
            value = 0.5 * _SCALES[scale["scale"]]
            return _counted(norm, text, _Number(start, scale.end(), value, value, value, scaled=True))
        if unit := _HALF_A_UNIT.match(norm, end):
            kind, name, _ = EN_UNITS[unit["name"]]
            stop = unit.end()
            hedge = _hedge(norm, start, stop)
            return [
                Quantity((start, stop), text[start:stop], 0.5, 0.5, kind, name, hedge, step=0.5, weight=0.5)
            ], stop
        if _HALF_OF_TWO.search(norm, max(0, start - 8), start):
            return [], end
    hedge = _hedge(norm, start, end)
    return [Quantity((start, end), text[start:end], 50, 50, "percent", "percent", hedge, weight=0.4)], end


_DAY_AFTER = re.compile(
    r"\.? (\d{1,2})(?:st|nd|rd|th)?(?:-(\d{1,2}))?(?![a-z\d:%]|[,.]\d| (?:million|billion|percent|per cent))"
)
_YEAR_AFTER = re.compile(r"\.?,? (?:19|20)\d\d")
_MONTH_BEFORE = re.compile(
    r"(?<![a-z])(?:in|of|by|since|until|till|during|early|mid|late|last|this|next|from|to|and|through|between|before|after)[ -]$"
)
_LINE_BEFORE, _LINE_AFTER = re.compile(r"(?:^|\n)[#* ]*$"), re.compile(r"[* ]*(?:\n|$)")


def _month(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    day = _DAY_AFTER.match(norm, end)
    if day and not 1 <= int(day[1]) <= 31:
        day = None
    if not day and not _is_month(norm, text, word, start, end):
        return [], end
    found = [Quantity((start, end), text[start:end], _MONTHS[word], _MONTHS[word], "date", "month")]
    for group in (1, 2) if day else ():
        if day and day[group]:
            span = day.span(group)
            found.append(
                Quantity(span, text[slice(*span)], float(day[group]), float(day[group]), "date", "day")
            )
    return found, found[-1].span[1]


def _is_month(norm: str, text: str, word: str, start: int, end: int) -> bool:
    if word not in ("may", "march", "august") and (len(word) > 4 or text[start].isupper()):
        return True
    if not text[start].isupper():
        return False
    if _YEAR_AFTER.match(norm, end) or _MONTH_BEFORE.search(norm, max(0, start - 9), start):
        return True
    alone = _LINE_BEFORE.search(norm, max(0, start - 6), start) and _LINE_AFTER.match(norm, end)
    return bool(alone) or text[max(0, start - 2) : start - 1].isalnum()


# --------------------------------------------------------------------------------- neighbors that belong together

_SIGNS = r"(?:us\$|hk\$|nt\$|rmb|\$|€|£|¥)?"
_RANGE = re.compile(rf" ?--? ?{_SIGNS}| to {_SIGNS}| or {_SIGNS}|~{_SIGNS}")
_BETWEEN = re.compile(rf" and {_SIGNS}")
_BEFORE_CHANGE = re.compile(r"(?<![a-z])from (?:about |around |nearly )?$")


def _joined(found: list[Quantity], norm: str, text: str) -> list[Quantity]:
    """Merge ranges ("2–3 million", "between 5 and 8 percent") and durations in parts ("1 hour 30 minutes")."""
    joined: list[Quantity] = []
    for quantity in found:
        if joined:
            last = joined[-1]
            gap = norm[last.span[1] : quantity.span[0]]
            merged = None
            if gap in (" ", " and ", ", ") and last.kind == quantity.kind == "time":
                merged = _compound(last, quantity, text)
            elif len(gap) <= 10 and (
                _RANGE.fullmatch(gap)
                or (_BETWEEN.fullmatch(gap) and norm.endswith("between ", 0, last.span[0]))
            ):
                if not _BEFORE_CHANGE.search(norm, max(0, last.span[0] - 14), last.span[0]):
                    merged = _range(last, quantity, text, either=" or" in gap)
            if merged:
                joined[-1] = merged
                continue
        joined.append(quantity)
    return joined


def _range(first: Quantity, second: Quantity, text: str, *, either: bool) -> Quantity | None:
    kinds = {first.kind, second.kind}
    if (
        kinds & {"date", "ordinal"}
        or "clock" in (first.unit, second.unit)
        or not (first.exact and second.exact)
    ):
        return None
    if len(kinds) == 2 and "plain" not in kinds:
        return None
    low = first.low
    if first.step < 1000 <= second.step:  # "2–3 million"
        scale = next(worth for worth in (1e12, 1e9, 1e6, 1e3) if second.low >= worth)
        low = without_noise(low * scale) if low * scale < second.low else low
    if not low < second.low:
        return None
    kind, unit = (first.kind, first.unit) if second.kind == "plain" else (second.kind, second.unit)
    span = (first.span[0], second.span[1])
    few = either and second.low < 10
    return replace(
        second,
        span=span,
        text=text[slice(*span)],
        low=low,
        kind=kind,
        unit=unit,
        hedge=first.hedge,
        vague=few,
    )


def _compound(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    if first.unit not in UNITS or second.unit not in UNITS or not (first.exact and second.exact):
        return None
    part = UNITS[second.unit].worth / UNITS[first.unit].worth
    if part >= 1:
        return None
    span = (first.span[0], second.span[1])
    value = without_noise(first.low + second.low * part)
    return replace(first, span=span, text=text[slice(*span)], low=value, high=value)
