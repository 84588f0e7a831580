"""Reads the quantities of an English text: a string in, `Quantity` objects in reading order out.

One expression finds where a numeral begins, in digits or in words; the words that belong to it are taken in
("two and a half million", "tens of billions", "one in five"), then what stands before and after says what is
counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from bitext._quantity import (
    CURRENCIES,
    EN_UNITS,
    VAGUE_HIGH,
    Hedge,
    Kind,
    Name,
    Quantity,
    compound,
    is_marker,
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
} | {"twenty-first": 21.0, "thirtieth": 30.0, "fortieth": 40.0, "fiftieth": 50.0, "sixtieth": 60.0, "seventieth": 70.0,
    "eightieth": 80.0, "ninetieth": 90.0, "hundredth": 100.0}  # fmt: skip
_PARTS = {
    "half": 2.0, "halves": 2.0, "third": 3.0, "thirds": 3.0, "quarter": 4.0, "quarters": 4.0, "fourth": 4.0, "fourths": 4.0,
    "fifth": 5.0, "fifths": 5.0, "sixth": 6.0, "sixths": 6.0, "seventh": 7.0, "sevenths": 7.0, "eighth": 8.0, "eighths": 8.0,
    "ninth": 9.0, "ninths": 9.0, "tenth": 10.0, "tenths": 10.0, "hundredth": 100.0, "hundredths": 100.0, "thousandth": 1000.0, "thousandths": 1000.0,
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
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# ------------------------------------------------------------------------------------------- what a number is

_NUM = r"(?:\d{1,3}(?:(?:,|[ ],[ ]|[ ])\d{3})+(?!,?\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.)\]])\.\d+)"
_NUMERAL_WORD = _any_of({*_ONES, *_TENS, *_SCALES, *_PLURALS})
_OTHER_WORD = _any_of(
    {*_ORDINALS, *_PARTS, *_MULTIPLES, *_HALVES, *_MONTHS, *_DECADES}
    | {"several", "couple", "few", "decade", "century", "fortnight", "both", "once", "noon", "midnight"}
)
# letters that may stand right before a number that counts
_CODES = (
    "rmb|cny|hkd|usd|eur|gbp|jpy|krw|aud|cad|sgd|twd|ntd|nt|us|hk|fy|nos?|vol|pp?|art|sec|fig|ch|para"
    "|g(?=7|8|20)|q(?=[1-4])"
)
_START = re.compile(
    rf"""
    (?P<skip> (?<![a-z$]) (?!(?:{_CODES})[-.]?\d) [a-z]+[-.]?\d(?:[\da-z.\-]*[\da-z])?(?!\d*%) | \d+(?:\.\d+){{2,}}\w*
            | 24/7 | https?://\S+ | fifty-fifty )
  | (?P<digits> {_NUM} )
  | (?<![a-z\d'.-]) (?P<roman> [ivxlc]{{2,7}} | (?:(?<=phase[ ])|(?<=stage[ ])|(?<=basel[ ])|(?<=tier[ ])|(?<=part[ ])
        |(?<=type[ ])|(?<=level[ ])) [iv] ) (?![a-z'\d])
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
        return [], _after_code(text, start, end)
    if match.lastgroup == "roman":
        return _roman(norm, text, start, end), end
    if match.lastgroup == "other":
        return _other(norm, text, match[0], start, end)
    if match.lastgroup == "word":
        if special := _ordinal_or_clock(norm, text, match[0], start):
            return [special], special.span[1]
        number = _in_words(norm, match[0], start, end)
        return _counted(norm, text, number) if number else ([], end)
    if dated := _date_or_clock(norm, text, start):
        return dated, dated[-1].span[1]
    return _counted(norm, text, _in_digits(norm, text, match[0], start, end))


def _after_code(text: str, start: int, end: int) -> int:
    """Where to go on after v2 or GPT-4: behind the letters where a hyphen follows them ("end-2018", "Top-40")."""
    head, hyphen, _ = text[start:end].partition("-")
    if hyphen and len(head) > 1 and head.isalpha():
        return start + len(head) + 1
    return end


def _roman(norm: str, text: str, start: int, end: int) -> list[Quantity]:
    """Phase II, Louis XIV, Super Bowl XLIX."""
    if not text[start:end].isupper():
        return []
    digits = [_ROMAN[c] for c in norm[start:end]]
    value = float(sum(-a if a < b else a for a, b in zip(digits, [*digits[1:], 0], strict=True)))
    return [Quantity((start, end), text[start:end], value, value, "ordinal", weight=0.1)]


# ------------------------------------------------------------------------------------------------- numerals

_SCALE_AFTER = re.compile(
    rf"(?:\+|-plus)?[ -]?({_any_of(_SCALES)}|mn|mln|mio|bn|bln|tn|trn|[kmbt])(?![a-z²\d]|/s)"
)
_VULGAR = re.compile(r" ?([½¼¾])")


def _in_digits(norm: str, text: str, digits: str, start: int, end: int) -> _Number:
    value = float(digits.replace(",", "").replace(" ", ""))
    step = 10.0 ** -(len(digits) - digits.find(".") - 1) if "." in digits else 1.0
    scale = _SCALE_AFTER.match(norm, end)
    if scale and _is_scale(norm, text, scale, start):
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


def _is_scale(norm: str, text: str, scale: re.Match[str], start: int) -> bool:
    """Whether k, m, b or t scales the number: after a currency sign, in "5k" and "10M"."""
    if len(scale[1]) > 1 or norm[start - 1 : start] in tuple("$€£¥"):
        return True
    return scale[0] == scale[1] and text[scale.start()] in "kM"


_ARTICLES: dict[str, tuple[float, float, bool]] = {
    "a": (1.0, 1.0, False), "an": (1.0, 1.0, False), "half a": (0.5, 0.5, False), "half": (0.5, 0.5, False),
    "a couple of": (2.0, 3.0, True), "a couple": (2.0, 3.0, True), "couple": (2.0, 3.0, True),
    "a few": (2.0, VAGUE_HIGH, True), "few": (2.0, VAGUE_HIGH, True), "several": (2.0, VAGUE_HIGH, True),
    "many": (2.0, VAGUE_HIGH, True),
}  # fmt: skip
_ARTICLE = re.compile(rf"(?<![a-z])({_any_of(_ARTICLES)})[ -]$")
_NEXT = re.compile(rf"(?P<gap> and a | and | of |-| )(?P<word>{_NUMERAL_WORD}|half)(?![a-z])")
_SCALE_NEXT = re.compile(rf"(?:[ -](?:{_any_of(_ONES)}))?[ -](?:{_any_of(_SCALES)})(?![a-z])")


def _in_words(norm: str, word: str, start: int, end: int) -> _Number | None:
    """A numeral in words, from its first word on, taking in as many of the next as belong to it."""
    words = [word]
    while (following := _NEXT.match(norm, end)) and _continues(norm, words[-1], following):
        words.append(following["word"])
        end = following.end()
    first = (0.0, 0.0, False)
    if word in _SCALES:
        article = _ARTICLE.search(norm, max(0, start - 14), start)
        if article:
            start, first = article.start(), _ARTICLES[article[1]]
        elif len(words) > 1 and words[1] in _SCALES:  # "the hundred billion stars"
            first = (1.0, 1.0, False)
        else:
            return None
    elif words == ["tens"]:
        return None
    low, high, step = _evaluate(words, first[:2])
    vague = first[2] or any(word in _PLURALS or word == "dozen" for word in words)
    scaled = any(word in _SCALES or word in _PLURALS for word in words)
    return _Number(start, end, without_noise(low), without_noise(high), step, vague=vague, scaled=scaled)


def _continues(norm: str, last: str, following: re.Match[str]) -> bool:
    gap, word = following["gap"], following["word"]
    is_digit, is_scale, is_plural = word in _ONES, word in _SCALES, word in _PLURALS
    if gap in (" ", "-"):
        if last in _TENS:
            return (is_digit and 0 < _ONES[word] < 10) or is_scale or is_plural
        if last in _ONES:
            return is_scale or word in ("hundreds", "thousands", "millions", "billions")
        if last == "half":
            return is_scale
        return last in _SCALES and (is_digit or word in _TENS or is_scale)
    if gap == " and ":  # "two hundred and five", but not "two hundred and three hundred"
        small = is_digit or word in _TENS
        return (
            small
            and last in ("hundred", "thousand", "million")
            and not _SCALE_NEXT.match(norm, following.end())
        )
    if gap == " and a ":
        return word == "half" and (last in _ONES or last in _SCALES)
    return last in _PLURALS and (is_plural or is_scale)  # "hundreds of thousands"


def _evaluate(words: list[str], first: tuple[float, float]) -> tuple[float, float, float]:
    """Interval and last place of a numeral in words, `first` being what an article before it says."""
    total = (0.0, 0.0)
    low, high = first
    step = 1.0
    for i, word in enumerate(words):
        if word in _ONES or word in _TENS or word == "half":
            value = _ONES[word] if word in _ONES else _TENS.get(word, 0.5)
            low, high, step = low + value, high + value, 0.5 if word == "half" else 1.0
        elif i == 0 and word in _PLURALS:
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
        return 20.0, 99.9
    return 2 * worth, worth * (999.0 if alone and worth >= 1000 else VAGUE_HIGH)


# ---------------------------------------------------------------------------------- what a numeral counts

_BEFORE = {sign.lower(): code for code, currency in CURRENCIES.items() for sign in currency.en_before}
_AFTER_MONEY = {name.lower(): code for code, currency in CURRENCIES.items() for name in currency.en_after}
_PREFIX = re.compile(
    rf"(?<![a-z])({_any_of(_BEFORE)}) ?$".replace(r"us\$", r"us ?\$").replace(r"hk\$", r"hk ?\$")
)
_NAMES: dict[str, Name] = EN_UNITS | {name: Name("money", code) for name, code in _AFTER_MONEY.items()}
_AFTER = re.compile(rf"(?P<gap> |-|- )?(?P<name>{_any_of(_NAMES)})(?![a-z\d²])")
_OF_NAME = re.compile(rf" (?:of|worth of) (?P<name>{_any_of(_NAMES)})(?![a-z])")
_SUFFIX = re.compile(r"(?:st|nd|rd|th)(?![a-z])")
_MORE = re.compile(r"\d(?:\+|-plus)")
_CODE_LETTERS = re.compile(r"[gkdpwmx](?![a-z])[\da-z.]*|[a-z]+\d[\da-z.]*")


def _counted(norm: str, text: str, number: _Number) -> _Reading:
    start, end = number.start, number.end
    if number.digits and not number.scaled:
        if suffix := _SUFFIX.match(norm, end):
            return _ordinal_digits(norm, text, number, suffix.end())
        if decade := _decade(norm, text, number):
            return [decade], decade.span[1]
    if fraction := _fraction(norm, text, number):
        if scale := _OF_A_SCALE.match(norm, fraction.span[1]):
            return _counted(norm, text, _of_a_scale(fraction.low, scale, start))
        return [fraction], fraction.span[1]
    begin, (kind, unit, factor), stop = start, Name("plain", ""), end
    if after := _unit_after(norm, text, number):
        (kind, unit, factor), stop = _NAMES[after["name"]], after.end()
    elif number.digits and (code := _CODE_LETTERS.match(norm, end)):  # 5G, 802.11n
        return [], code.end()
    prefix = _PREFIX.search(norm, max(0, start - 6), start)
    if prefix and kind in ("plain", "money"):
        kind, unit, begin = "money", _BEFORE[prefix[1].replace(" ", "")], prefix.start()
    if kind == "plain" and number.digits and _is_year(number):
        kind, unit = "date", "year"
    quantity = Quantity(
        (begin, stop), text[begin:stop], number.low * factor, number.high * factor, kind, unit,
        _hedge(norm, begin, stop) or ("over" if _MORE.search(text, start, end) else ""), number.vague, number.step, _weight(norm, text, number, kind),
    )  # fmt: skip
    return [quantity], stop


def _unit_after(norm: str, text: str, number: _Number) -> re.Match[str] | None:
    after = _AFTER.match(norm, number.end)
    if after is None:
        return _OF_NAME.match(norm, number.end) if number.vague else None
    name, attached = after["name"], after["gap"] is None
    if attached and name[0].isalpha() and not number.digits:
        return None
    if len(name) == 1 and name.isalpha():  # "5 m" may be anything, 5G and 777-200X are names
        return after if attached and (name == "l" or text[after.start("name")].islower()) else None
    return after


def _is_year(number: _Number) -> bool:
    return 1500 <= number.low <= 2100 and number.end - number.start == 4 and number.step == 1


_REFERENCE = re.compile(
    r"(?:articles?|paragraphs?|subparagraphs?|sections?|clauses?|items?|appendix|annex|schedule|rule|chapter|attachment) $"
)


def _weight(norm: str, text: str, number: _Number, kind: str) -> float:
    """How surely the other language shows the number."""
    start, end = number.start, number.end
    if not number.digits:
        if number.vague:
            return 0.9 if number.high >= 1000 else 0.6
        return {0.0: 0.2, 1.0: 0.1, 2.0: 0.5}.get(number.low, 0.6) if number.high < 10 else 0.9
    if kind != "plain" or number.scaled:
        return 0.5 if number.low == 1 and number.step == 1 and kind in ("time", "measure") else 1.0
    if is_marker(norm, start, end):
        return 0.3
    if (
        start > 1
        and norm[start - 1] in "-+.g"
        and (norm[start - 2].isalnum() or norm[start - 2] in ")]%" or norm[start - 1] == "g")
    ):
        return 0.3  # Article 7-1, GMT+8, G20
    if _REFERENCE.search(norm, max(0, start - 14), start) or (
        start > 2 and text[start - 3 : start].isupper()
    ):
        return 0.5  # Article 12, ATP 500
    return {1.0: 0.5}.get(number.low, 0.6) if number.step == 1 and number.low < 10 else 1.0


# --------------------------------------------------------------------------------------------------- hedges

_HEDGE_BEFORE = re.compile(
    r"""(?<![a-z])(?:
    (?P<over> (?:no|not|nor)[ ](?:be[ ])?(?:less|fewer|lower)[ ]than | (?:more|greater|higher|larger|longer|older)[ ]than
        | in[ ]excess[ ]of | upwards?[ ]of | at[ ]least | a[ ]minimum[ ]of | over | above | beyond
        | (?<!not[ ])(?<!not[ ]to[ ])exceed(?:s|ed|ing)? | surpass(?:es|ed|ing)? | topp(?:ed|ing) | north[ ]of | or[ ]more[ ]than )
  | (?P<under> (?:no|not|nor)[ ](?:be[ ])?(?:more|greater|higher|longer|later)[ ]than | (?:less|fewer|lower|shorter|younger)[ ]than
        | nearly | almost | close[ ]to | approach(?:es|ed|ing) | nearing | just[ ]under | under | below | short[ ]of
        | not[ ]quite | at[ ]most | a[ ]maximum[ ](?:of|up[ ]to) | up[ ]to | not[ ](?:to[ ])?exceed(?:ing)?(?:[ ]a[ ]maximum[ ]of)?
        | shy[ ]of )
  | (?P<about> about | around | approximately | approx\.? | roughly | some | circa | estimated(?:[ ]at)? | on[ ]average )
    )(?:[ ](?:a|an|the)(?:[ ](?:total|mark)[ ]of)?)?[ ]?$""",
    re.VERBOSE,
)
_NEGATED = re.compile(
    r"(?<![a-z])(?:not|no|neither|nor|never)(?![a-z])[^.;]*(?<![a-z])(?:more|exceed|over|above|greater)"
)
_LOCAL = re.compile(r"(?:over|above|within|below|under|beyond|around) the ?$")
_HEDGE_AFTER = re.compile(
    r"(?P<over>\+| ?plus(?![a-z])|-odd| or more| (?:and|or) (?:above|over|older)(?! ?[a-z$]{0,4} ?\d)|-plus)|(?P<about> or so)"
    r"|(?P<under> (?:and|or) (?:less|below|under|younger)(?! ?[a-z$]{0,4} ?\d))"
)


def _hedge(norm: str, start: int, end: int) -> Hedge:
    match = _HEDGE_AFTER.match(norm, end)
    if match is None:
        head = norm[max(0, start - 34) : start]
        match = _HEDGE_BEFORE.search(head)
        if match is None or _LOCAL.search(head):
            return ""
        if match["over"] and _NEGATED.search(norm, max(0, start - 60), start):
            return ""  # "may not raise more than two": who knows
    if match["over"]:
        return "over"
    return "under" if match["under"] else "about"


# ------------------------------------------------------------------------- numbers that are more than numerals

_FRACTION = re.compile(
    rf"[ -](?P<part>{_any_of(w for w in _PARTS if not w.startswith('hal'))})(?![a-z])"
    rf"|(?: in (?:every )?| out of (?:every )?)(?P<out_of>{_NUM}|{_NUMERAL_WORD})(?![a-z\d]|,\d)"
    r"| ?/ ?(?P<slash>1,000|10,000|\d+)(?![\d/%]|[,.]\d)"
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
        ordinal = number.low > 1 and not part.endswith("s") and match[0][0] == " "  # "two third parties"
        if ordinal or number.low >= bottom or number.digits or (part.endswith("s") and number.low == 1):
            return None
        if part.startswith("quarter") and _PARTS_OF_TIME.search(
            norm, max(0, number.start - 12), number.start
        ):
            return None  # "the first three quarters" are months
    elif word := match["out_of"]:
        bottom = (
            float(word.replace(",", "")) if word[0].isdigit() else _ONES.get(word) or _TENS.get(word, 0.0)
        )
        if number.low >= bottom or (" in" in match[0] and (number.low != 1 or not 2 <= bottom <= 1000)):
            return None
    else:
        bottom = float(match["slash"].replace(",", ""))
        if not number.low < bottom or not (bottom <= 10 or bottom in (100, 1000, 10000)):
            return None
    share = without_noise(100 * number.low / bottom)
    span = (number.start, match.end())
    hedge = _hedge(norm, *span)
    return Quantity(
        span, text[slice(*span)], share, share, "percent", "percent", hedge, step=100 / bottom, weight=0.7
    )


_UNIT_OF_ORDINAL = re.compile(r"[ -](century|quarter|half)(?![a-z])")
_MONTH_AFTER = re.compile(rf" (?:day )?(?:of )?(?:{_any_of(_MONTHS)})(?![a-z])")
_TENS_ORDINAL = re.compile(rf"[ -](?P<ordinal>{_any_of(list(_ORDINALS)[:9])})(?![a-z])")


def _ordinal_digits(norm: str, text: str, number: _Number, end: int) -> _Reading:
    if _MONTH_AFTER.match(norm, end) and number.low <= 31:
        span = (number.start, end)
        return [Quantity(span, text[slice(*span)], number.low, number.low, "date", "day", weight=0.9)], end
    ordinal = _ordinal(norm, text, number.low, number.start, end, weight=0.9)
    return [ordinal], ordinal.span[1]


def _ordinal(norm: str, text: str, value: float, start: int, end: int, *, weight: float) -> Quantity:
    unit = _UNIT_OF_ORDINAL.match(norm, end)
    stop = unit.end() if unit and unit[1] == "century" else end
    return Quantity(
        (start, stop), text[start:stop], value, value, "ordinal", unit[1] if unit else "", weight=weight
    )


def _decade(norm: str, text: str, number: _Number) -> Quantity | None:
    """1990s, 90s, 1980's."""
    mark = _DECADE_MARK.match(norm, number.end)
    if not mark or number.low % 10 or number.step != 1:
        return None
    if not (1500 <= number.low <= 2090 or 20 <= number.low <= 90):
        return None
    span = (number.start, mark.end())
    return Quantity(span, text[slice(*span)], number.low, number.low, "date", "decade")


_DECADE_MARK = re.compile(r"'?s(?![a-z])")
_MINUTES = {
    "ten": 10.0, "fifteen": 15.0, "twenty": 20.0, "twenty-five": 25.0, "thirty": 30.0, "thirty-five": 35.0, "forty": 40.0,
    "forty-five": 45.0, "fifty": 50.0, "fifty-five": 55.0,
}  # fmt: skip
_CLOCK_WORDS = re.compile(
    rf"[ -](?P<minutes>{_any_of(_MINUTES)})(?![ -]?[a-z])| o'clock| ?(?P<half>[ap])\.?m\.?(?![a-z])"
)
_PAST = re.compile(r"(?:(?P<half>half)|(?P<quarter>(?:a )?quarter))[ -](?P<way>past|to) $")


def _ordinal_or_clock(norm: str, text: str, word: str, start: int) -> Quantity | None:
    """Twenty-first; nine o'clock, eight-thirty, half past nine."""
    end = start + len(word)
    if word in _TENS:
        ordinal = _TENS_ORDINAL.match(norm, end)
        value = _TENS[word] + _ORDINALS[ordinal["ordinal"]] if ordinal else 0.0
        return _ordinal(norm, text, value, start, ordinal.end(), weight=0.8) if ordinal else None
    if not 1 <= _ONES.get(word, 0) <= 12:
        return None
    past, match = _PAST.search(norm, max(0, start - 18), start), _CLOCK_WORDS.match(norm, end)
    if not past and not match:
        return None
    value = 60 * _ONES[word]
    if past:
        value += (30.0 if past["half"] else 15.0) * (1 if past["way"] == "past" else -1)
    elif match and match["minutes"]:
        value += _MINUTES[match["minutes"]]
    elif match and match["half"] == "p" and value < 720:
        value += 720
    begin, stop = past.start() if past else start, match.end() if match else end
    return Quantity((begin, stop), text[begin:stop], value, value, "time", "clock", weight=0.6)


_DAY_MONTH = re.compile(rf"(\d{{1,2}})(?:-(\d{{1,2}}))? ({_any_of(_MONTHS)})(?![a-z])\.?")
_ISO = re.compile(r"((?:19|20)\d\d)([-/])(1[0-2]|0?[1-9])\2(3[01]|[12]\d|0?[1-9])(?!\d)")
_YEAR_PAIR = re.compile(r"((?:19|20)\d\d)[-/](\d\d)(?![\d%]|\.\d)")
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?:(?:: ?|\.)(?P<m>[0-5]\d)(?!\d))? ?(?P<half>a\.?m\.?|p\.?m\.?)(?![a-z])"
    r"|: ?(?P<m24>[0-5]\d)(?![\d:])| ?o'clock)"
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

# word -> (value, kind, unit, weight)
_PLAIN_OTHERS: dict[str, tuple[float, Kind, str, float]] = {
    **{word: (value, "multiple", "", 0.3) for word, value in _MULTIPLES.items()},
    **{word: (value, "date", "decade", 0.5) for word, value in _DECADES.items()},
    "decade": (1.0, "time", "decade", 0.05), "century": (1.0, "time", "century", 0.05), "fortnight": (2.0, "time", "week", 0.1),
    "noon": (720.0, "time", "clock", 0.0), "midnight": (0.0, "time", "clock", 0.0),
    "both": (2.0, "plain", "", 0.0), "once": (1.0, "plain", "", 0.0),
}  # fmt: skip


def _other(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    if word in _MONTHS:
        return _month(norm, text, word, start, end)
    if word in _HALVES:
        return _half(norm, text, word, start, end)
    if word in ("several", "few", "couple"):
        return _several(norm, text, word, start, end)
    if word in _PLAIN_OTHERS:
        value, kind, unit, weight = _PLAIN_OTHERS[word]
    elif word in _PARTS and (share := _share(norm, word, start, end)):
        value, kind, unit, weight = share, "percent", "percent", 0.3
    elif word in _ORDINALS:
        weight = {"first": 0.1, "second": 0.2}.get(word, 0.5)
        ordinal = _ordinal(norm, text, _ORDINALS[word], start, end, weight=weight)
        return [ordinal], ordinal.span[1]
    else:
        return [], end
    if kind == "percent" and (scale := _OF_A_SCALE.match(norm, end)):
        return _counted(norm, text, _of_a_scale(value, scale, start))
    hedge = _hedge(norm, start, end)
    return [Quantity((start, end), text[start:end], value, value, kind, unit, hedge, weight=weight)], end


def _of_a_scale(share: float, scale: re.Match[str], start: int) -> _Number:
    """A quarter of a million."""
    value = without_noise(share / 100 * _SCALES[scale["scale"]])
    return _Number(start, scale.end(), value, value, value, scaled=True)


_OF_A_SCALE = re.compile(r" of an? (?P<scale>thousand|million|billion|trillion)(?![a-z])")
_NEXT_SCALE = re.compile(rf"(?: of)? (?:{_any_of(_SCALES)})(?![a-z])")
_OF_UNIT = re.compile(
    r"(?: of)? (?P<name>seconds|minutes|hours|days|weeks|months|years|decades|centuries)(?![a-z])"
)


def _several(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    if _NEXT_SCALE.match(norm, end) or (word == "few" and not norm.endswith("a ", 0, start)):
        return [], end
    kind: Kind = "plain"
    unit, stop = "", end
    if name := _OF_UNIT.match(norm, end):
        (kind, unit, _), stop = EN_UNITS[name["name"]], name.end()
    high = 3.0 if word == "couple" else 9.0
    return [Quantity((start, stop), text[start:stop], 2.0, high, kind, unit, vague=True, weight=0.2)], stop


_BEFORE_SHARE = re.compile(r"(?<![a-z])(?:an?|one|top|bottom|upper|lower|last|final|richest|poorest)[ -]$")
_AFTER_SHARE = re.compile(r" (?:of|to|or|and|less|more|higher|lower|smaller|larger)(?![a-z])|[,.;)]")


def _share(norm: str, word: str, start: int, end: int) -> float:
    """A fifth of, a third; 0 where the word is an ordinal or a stretch of time."""
    if not _BEFORE_SHARE.search(norm, max(0, start - 9), start) or _UNIT_OF_ORDINAL.match(norm, end):
        return 0.0
    if word not in ("third", "quarter") and not _AFTER_SHARE.match(norm, end):
        return 0.0
    return without_noise(100 / _PARTS[word])


_HALF_A_SCALE = re.compile(rf"[ -](?:an? )?(?P<scale>{_any_of(_SCALES)})(?![a-z])")
_HALF_A_UNIT = re.compile(r"(?:[ -]an?)?[ -](?P<name>minute|hour|day|month|year|decade|century)(?![a-z])")
_HALF_OF_TWO = re.compile(r"(?:first|second|latter|other|1st|2nd|[12]h)[ -]$")
_HALF_PAST = re.compile(r" past (?:\d|[a-z]+)")


def _half(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    """Half a million, half an hour, half; "the second half" and "half past" are left to what they belong to."""
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
        if _HALF_OF_TWO.search(norm, max(0, start - 8), start) or _HALF_PAST.match(norm, end):
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
    for group in (1, 2):
        if day and day[group]:
            span = day.span(group)
            found.append(
                Quantity(span, text[slice(*span)], float(day[group]), float(day[group]), "date", "day")
            )
    return found, found[-1].span[1]


def _is_month(norm: str, text: str, word: str, start: int, end: int) -> bool:
    """Whether May, March or "Mar" is the month; the other names can be nothing else."""
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
        merged = None
        if joined and quantity.span[0] - joined[-1].span[1] <= 10:
            last = joined[-1]
            gap = norm[last.span[1] : quantity.span[0]]
            if gap in (" ", " and ", ", ") and last.kind == quantity.kind == "time":
                merged = compound(last, quantity, text)
            elif _RANGE.fullmatch(gap) or (
                _BETWEEN.fullmatch(gap) and norm.endswith("between ", 0, last.span[0])
            ):
                last = joined[-1] = _with_scale_of(last, quantity)
                if not _BEFORE_CHANGE.search(norm, max(0, last.span[0] - 14), last.span[0]):
                    merged = _range(last, quantity, text, either=" or" in gap)
        if merged:
            joined[-1] = merged
        else:
            joined.append(quantity)
    return joined


_SCALE_WORD = re.compile(rf"\d ?-?({_any_of(_SCALES)}|bn|mn|mln|tn|trn)(?![a-z])")


def _with_scale_of(first: Quantity, second: Quantity) -> Quantity:
    """2 in "2–3 million", and in "from 2 to 3 million", means 2 million."""
    scale = _SCALE_WORD.search(second.text.lower())
    if (
        not scale
        or not (first.exact and second.exact)
        or first.kind not in ("plain", second.kind)
        or first.low >= 1000
    ):
        return first
    if first.text.rstrip()[-1:].isalpha():
        return first
    worth = _SCALES.get(scale[1]) or _SCALE_SIGNS[scale[1]]
    value = without_noise(first.low * worth)
    return replace(first, low=value, high=value, step=first.step * worth)


def _range(first: Quantity, second: Quantity, text: str, *, either: bool) -> Quantity | None:
    kinds = {first.kind, second.kind}
    if (
        kinds & {"date", "ordinal"}
        or "clock" in (first.unit, second.unit)
        or not (first.exact and second.exact)
    ):
        return None
    if (len(kinds) == 2 and "plain" not in kinds) or not first.low < second.low:
        return None
    if kinds == {"money"} and first.unit != second.unit and "$" not in (first.unit, second.unit):
        return None
    kind, unit = (first.kind, first.unit) if second.kind == "plain" else (second.kind, second.unit)
    span = (first.span[0], second.span[1])
    few = either and second.low < 10
    return replace(
        second,
        span=span,
        text=text[slice(*span)],
        low=first.low,
        kind=kind,
        unit=unit,
        hedge=first.hedge,
        vague=few,
    )
