"""Reads the quantities of an English text: a string in, `Quantity` objects in reading order out.

One expression finds where a numeral begins, in digits or in words; the words that belong to it are taken in
("two and a half million", "tens of billions", "one in five"), then what stands before and after says what is
counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from bitext._numerals_en import (
    DECADES,
    HALVES,
    MONTHS,
    MULTIPLES,
    NUM,
    NUMERAL_WORD,
    ONES,
    ORDINALS,
    PARTS,
    SCALE_SIGNS,
    SCALES,
    TENS,
    Number,
    any_of,
    in_digits,
    in_words,
    normalized,
)
from bitext._quantity import (
    CURRENCIES,
    EN_UNITS,
    Hedge,
    Kind,
    Name,
    Quantity,
    behind,
    compound,
    is_marker,
    without_noise,
)
from bitext.data import Span


def scan(text: str, masked: Sequence[Span] = ()) -> list[Quantity]:
    """Find the quantities of an English `text`, leaving out what overlaps a `masked` span."""
    norm = normalized(text, masked)
    found: list[Quantity] = []
    position = 0
    while match := _START.search(norm, position):
        quantities, position = _read(norm, text, match)
        found.extend(quantities)
    return _joined(found, norm, text)


# ------------------------------------------------------------------------------------------- what a number is

_OTHER_WORD = any_of(
    {*ORDINALS, *PARTS, *MULTIPLES, *HALVES, *MONTHS, *DECADES}
    | {
        "several",
        "couple",
        "few",
        "decade",
        "century",
        "fortnight",
        "both",
        "once",
        "noon",
        "midnight",
        "centenary",
        "centenaries",
        "centennial",
        "bicentenary",
        "bicentennial",
    }
)
# letters that may stand right before a number that counts
_CODES = (
    "rmb|cny|hkd|usd|eur|gbp|jpy|krw|aud|cad|sgd|twd|ntd|nt|us|hk|fy|nos?|vol|pp?|art|sec|fig|ch|para"
    "|v|g(?=7|8|20)|q(?=[1-4])"
)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_NUMBERED = ("phase", "stage", "basel", "tier", "part", "type", "level")
_BEFORE_ROMAN = "(?:" + "|".join(f"(?<={word}[ ])" for word in _NUMBERED) + ")"
_START = re.compile(
    rf"""
    (?<![a-z'])(?=[a-z]) (?:
        (?P<skip> (?<!\$) (?!(?:{_CODES})[-.]?\d|(?<=\d)x\d) [a-z]+[-.]?\d(?:[\da-z.\-]*[\da-z])?(?!\d*%)
              | https?://\S+ | fifty-fifty )
      | (?P<word> {NUMERAL_WORD} )(?![a-z])
      | (?P<other> {_OTHER_WORD} )(?![a-z])
      | (?<![\d.-]) (?P<roman> [ivxlc]{{2,7}} | {_BEFORE_ROMAN} [iv] ) (?![a-z'\d])
    )
  | (?=[\d.]) (?: (?P<version> \d+(?:\.\d+){{2,}}\w* | 24/7 | 9/11 ) | (?P<digits> {NUM} ) )
  | (?P<entity> &\#\d+; )
    """,
    re.VERBOSE,
)

_Reading = tuple[list[Quantity], int]  # what was found, and where to go on


def _read(norm: str, text: str, match: re.Match[str]) -> _Reading:
    start, end = match.span()
    if match.lastgroup in ("version", "entity"):
        return [], end
    if match.lastgroup == "skip":
        return [], _after_code(text, start, end)
    if match.lastgroup == "roman":
        return _roman(norm, text, start, end), end
    if match.lastgroup == "other":
        return _other(norm, text, match[0], start, end)
    if match.lastgroup == "word":
        if special := _ordinal_or_clock(norm, text, match[0], start):
            return [special], special.span[1]
        number = in_words(norm, match[0], start, end)
        return _counted(norm, text, number) if number else ([], end)
    if dated := _date_or_clock(norm, text, start):
        return dated, dated[-1].span[1]
    return _counted(norm, text, in_digits(norm, text, match[0], start, end))


def _after_code(text: str, start: int, end: int) -> int:
    """Say where to go on: after v2, but at the number of GPT-4, "end-2018" and "Top-40"."""
    head, hyphen, rest = text[start:end].partition("-")
    if hyphen and head.isalpha() and rest[:1].isdigit():
        return start + len(head) + 1
    return end


def _roman(norm: str, text: str, start: int, end: int) -> list[Quantity]:
    """Phase II, Louis XIV, Super Bowl XLIX."""
    if not text[start:end].isupper():
        return []
    digits = [_ROMAN[c] for c in norm[start:end]]
    value = float(sum(-a if a < b else a for a, b in zip(digits, [*digits[1:], 0], strict=True)))
    return [Quantity((start, end), text[start:end], value, value, "ordinal", weight=0.1)]


# ---------------------------------------------------------------------------------- what a numeral counts

_BEFORE = {sign.lower(): code for code, currency in CURRENCIES.items() for sign in currency.en_before}
_AFTER_MONEY = {name.lower(): code for code, currency in CURRENCIES.items() for name in currency.en_after}
_PREFIX = re.compile(
    rf"(?<![a-z])({any_of(_BEFORE)}) ?$".replace(r"us\$", r"us ?\$").replace(r"hk\$", r"hk ?\$")
)
_SMALL_CHANGE = {"fen": Name("money", "CNY", 0.01), "jiao": Name("money", "CNY", 0.1)}
# Chinese says 60亿亿次 where English says "600 petaflops"
_FLOPS = {
    name: Name("plain", "", 10.0**power)
    for power, names in ((12, "teraflops;tflops"), (15, "petaflops;pflops"), (18, "exaflops;eflops"))
    for name in names.split(";")
}
_NAMES: dict[str, Name] = (
    EN_UNITS | {name: Name("money", code) for name, code in _AFTER_MONEY.items()} | _SMALL_CHANGE | _FLOPS
)
_AFTER = re.compile(rf"(?P<gap> |-|- )?(?P<name>{any_of(_NAMES)})(?![a-z\d²])")
_OF_NAME = re.compile(rf" (?:of|worth of) (?P<name>{any_of(_NAMES)})(?![a-z])")
_SUFFIX = re.compile(r"(?:st|nd|rd|th)(?![a-z])")
_MORE = re.compile(r"\d(?:\+|-plus)")
_CODE_LETTERS = re.compile(r"(?!x\d)(?:[gkdpwmx](?![a-z])[\da-z.]*|[a-z]+\d[\da-z.]*)")


def _counted(norm: str, text: str, number: Number) -> _Reading:
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
    if kind == "plain" and norm.endswith("factor of ", 0, start):
        kind = "multiple"
    if (
        kind == "plain"
        and number.digits
        and number.step == 1
        and _DIVISION.search(norm, max(0, start - 14), start)
    ):
        kind, unit = "ordinal", "division"
    elif kind == "plain" and number.digits and _is_year(number):
        kind, unit = "date", "year"
    hedge = _hedge(norm, begin, stop) or ("over" if _MORE.search(text, start, end) else "")
    weight = _weight(norm, text, number, kind)
    low, high = number.low * factor, number.high * factor
    quantity = Quantity(
        (begin, stop), text[begin:stop], low, high, kind, unit, hedge, number.vague, number.step, weight
    )
    return [quantity], stop


def _unit_after(norm: str, text: str, number: Number) -> re.Match[str] | None:
    after = _AFTER.match(norm, number.end)
    if after is None:
        return _OF_NAME.match(norm, number.end) if number.vague else None
    name, attached = after["name"], after["gap"] is None
    if attached and name[0].isalpha() and not number.digits:
        return None
    if len(name) == 1 and name.isalpha():  # "5 m" may be anything, 5G and 777-200X are names
        return after if attached and (name == "l" or text[after.start("name")].islower()) else None
    return after


def _is_year(number: Number) -> bool:
    return 1500 <= number.low <= 2100 and number.end - number.start == 4 and number.step == 1


_OF_A_LAW = "articles?|sections?|clauses?|rule|chapter|paragraph"
_DIVISION = re.compile(rf"(?<![a-z])(?:{_OF_A_LAW}|art\.|chapters) $")
_REFERENCE = re.compile(rf"(?:{_OF_A_LAW}|paragraphs|items?|appendix|annex|schedule) $")


def _weight(norm: str, text: str, number: Number, kind: str) -> float:
    """How surely the other language shows the number."""
    start, end = number.start, number.end
    if not number.digits:
        if norm.startswith(("the ", "every ", "another ", "per "), start):
            return 0.3
        if _is_in_name(norm, text, start):
            return 0.4
        if number.vague:
            return 0.9 if 1000 <= number.high <= 100 * number.low else 0.6
        return {0.0: 0.2, 1.0: 0.1, 2.0: 0.5}.get(number.low, 0.6) if number.high < 10 else 0.9
    if text[end - 1] == "K" and kind == "plain":
        return 0.3  # 50K may be a score, 4K a resolution
    if kind != "plain" or number.scaled:
        return 0.5 if number.low == 1 and number.step == 1 and kind in ("time", "measure") else 1.0
    if is_marker(norm, start, end):
        return 0.3
    if (
        start > 1
        and norm[start - 1] in "-+.gvp"
        and (norm[start - 2].isalnum() or norm[start - 2] in ")]%" or norm[start - 1] in "gvp")
    ):
        return 0.3  # Article 7-1, GMT+8, G20
    if _HEADING.match(text, start) and (start == 0 or text[start - 1] == "\n"):
        return 0.5  # "1.2 Scope"
    if _TITLE_BEFORE.search(text, max(0, start - 24), start):
        return 0.6  # Scratch 3.0, Top 400, Economics 101
    if _REFERENCE.search(norm, max(0, start - 14), start) or (
        start > 2 and text[start - 3 : start].isupper()
    ):
        return 0.5  # Article 12, ATP 500
    return {1.0: 0.5}.get(number.low, 0.6) if number.step == 1 and number.low < 10 else 1.0


_HEADING = re.compile(r"\d+(?:\.\d+)*[.)]? (?=[A-Z][a-z])")
_TITLE_BEFORE = re.compile(r"[a-z,] (?:[\"“(])?[A-Z][A-Za-z]* $")


def _is_in_name(norm: str, text: str, start: int) -> bool:
    """Whether a numeral in words is part of a name: Five-hundred-meter Telescope, "rand-ten"."""
    if start > 1 and norm[start - 1] == "-" and norm[start - 2].isalpha():
        return True
    before = text[:start].rstrip(" \"'“‘(")
    return text[start].isupper() and bool(before) and before[-1] not in ".!?:;\n"


# --------------------------------------------------------------------------------------------------- hedges

# the names of the groups are the hedges
_HEDGE_BEFORE = re.compile(
    r"""(?<![a-z])(?:
    (?P<least> (?:no|not|nor)[ ](?:be[ ])?(?:less|fewer|lower)[ ]than | at[ ]least | a[ ]minimum[ ]of )
  | (?P<most> (?:no|not|nor)[ ](?:be[ ])?(?:more|greater|higher|longer|later)[ ]than | at[ ]most | up[ ]to
        | a[ ]maximum[ ](?:of|up[ ]to) | not[ ](?:to[ ])?exceed(?:ing)?(?:[ ]a[ ]maximum[ ]of)? )
  | (?P<over> (?:more|greater|higher|larger|longer|older)[ ]than | in[ ]excess[ ]of | upwards?[ ]of | over
        | above | beyond | (?<!not[ ])(?<!not[ ]to[ ])exceed(?:s|ed|ing)? | surpass(?:es|ed|ing)?
        | topp(?:ed|ing) | north[ ]of )
  | (?P<nearly> nearly | almost | close[ ]to | approach(?:es|ed|ing) | nearing | just[ ]under | not[ ]quite )
  | (?P<under> (?:less|fewer|lower|shorter|younger)[ ]than | under | below | short[ ]of | shy[ ]of )
  | (?P<about> about | around | approximately | approx\.? | roughly | some | circa | estimated(?:[ ]at)?
        | on[ ]average )
    )(?:[ ](?:a|an|the)(?:[ ](?:total|mark)[ ]of)?)?[ ]?$""",
    re.VERBOSE,
)
_NEGATED = re.compile(
    r"(?<![a-z])(?:not|no|neither|nor|never|cannot|without|avoid|inadvisable|prohibited|forbidden)(?![a-z])"
    r"[^.;]*(?<![a-z])"
    r"(?:more|exceed|over|above|greater|less|fewer|below|under|lower)"
)
_FROM = re.compile(r"(?<![a-z])from [^.;]*$")
_LOCAL = re.compile(r"(?:over|above|below|under|beyond|around) the ?$")
_HEDGE_AFTER = re.compile(
    r"(?P<over>\+| ?plus(?![a-z])|-odd|-plus)|(?P<about> or so)"
    r"|(?P<least> (?:or (?:more|above|over|older)|and (?:above|over|older)))(?! than| ?[a-z$]{0,4} ?\d)"
    r"|(?P<most> (?:or (?:less|below|under|younger)|and (?:below|under|younger)))(?! than| ?[a-z$]{0,4} ?\d)"
)


def _hedge(norm: str, start: int, end: int) -> Hedge:
    match = _HEDGE_AFTER.match(norm, end)
    if match is None:
        head = norm[max(0, start - 34) : start]
        match = _HEDGE_BEFORE.search(head)
        if match is None or _LOCAL.search(head):
            return ""
        if match.lastgroup in ("over", "under") and _NEGATED.search(norm, max(0, start - 120), start):
            return ""  # "may not raise more than two": who knows
        if match["most"] == "up to" and _FROM.search(norm, max(0, start - 70), start):
            return ""  # "from a hundred up to a thousand"
    return cast(Hedge, match.lastgroup)


# ---------------------------------------------------------------------- numbers that are more than numerals

_FRACTION = re.compile(
    rf"[ -](?P<part>{any_of(PARTS)})(?![a-z])"
    r"|(?: in | out of )(?:every |each |an? )?(?P<scale>(?:ten )?thousand|hundred|million)(?![a-z])"
    r"| per (?P<per>(?:ten )?thousand|hundred|million)(?![a-z])"
    rf"|(?: in (?:every )?| out of (?:every )?)(?P<out_of>{NUM}|{NUMERAL_WORD})(?![a-z\d]|,\d)"
    r"| ?/ ?(?P<slash>1,000|10,000|\d+)(?![\d/%]|[,.]\d)"
)
_PARTS_OF_TIME = re.compile(
    r"(?:first|last|past|next|previous|preceding|consecutive|straight|successive|other) $"
)


def _fraction(norm: str, text: str, number: Number) -> Quantity | None:
    """Two thirds, one in five, 3 out of 10, 3/4."""
    match = _FRACTION.match(norm, number.end)
    if not match or number.scaled or number.vague or number.step != 1 or not number.low:
        return None
    if part := match["part"]:
        bottom = PARTS[part]
        ordinal = number.low > 1 and not part.endswith("s") and match[0][0] == " "  # "two third parties"
        if ordinal or number.low >= bottom or number.digits or (part.endswith("s") and number.low == 1):
            return None
        if part.startswith("quarter") and _PARTS_OF_TIME.search(
            norm, max(0, number.start - 12), number.start
        ):
            return None  # "the first three quarters" are months
    elif scale := match["scale"] or match["per"]:
        bottom = SCALES[scale.removeprefix("ten ")] * (10 if scale.startswith("ten ") else 1)
        if number.low >= bottom or _PREFIX.search(norm, max(0, number.start - 6), number.start):
            return None
    elif word := match["out_of"]:
        bottom = float(word.replace(",", "")) if word[0].isdigit() else ONES.get(word) or TENS.get(word, 0.0)
        loose = number.low != 1 and (
            number.digits or word[0].isdigit() or bottom > 10
        )  # "two in ten" is a share
        if number.low >= bottom or (" in" in match[0] and (loose or not 2 <= bottom <= 1000)):
            return None
    else:
        bottom = float(match["slash"].replace(",", ""))
        proper = bottom <= 10 or bottom in (100, 1000, 10000) or (number.low == 1 and bottom > 31)
        if not number.low < bottom or not proper:
            return None
    share = without_noise(100 * number.low / bottom)
    span = (number.start, match.end())
    hedge = _hedge(norm, *span)
    return Quantity(
        span, text[slice(*span)], share, share, "percent", "percent", hedge, step=100 / bottom, weight=0.7
    )


_UNIT_OF_ORDINAL = re.compile(
    rf"(?P<joined>,? (?:and|or|to) (?:{any_of(ORDINALS)}|\d(?:st|nd|rd|th)))?"
    r"[ -](?:(?P<unit>century|quarter|half)|(?P<several>quarter)s)(?![a-z])"
)
_MONTH_AFTER = re.compile(rf" (?:day )?(?:of )?(?:{any_of(MONTHS)})(?![a-z])")
_TENS_ORDINAL = re.compile(rf"[ -](?P<ordinal>{any_of(list(ORDINALS)[:9])})(?![a-z])")


def _ordinal_digits(norm: str, text: str, number: Number, end: int) -> _Reading:
    if _MONTH_AFTER.match(norm, end) and number.low <= 31:
        span = (number.start, end)
        return [Quantity(span, text[slice(*span)], number.low, number.low, "date", "day", weight=0.9)], end
    ordinal = _ordinal(norm, text, number.low, number.start, end, weight=0.9)
    return [ordinal], ordinal.span[1]


def _ordinal(norm: str, text: str, value: float, start: int, end: int, *, weight: float) -> Quantity:
    unit = _UNIT_OF_ORDINAL.match(norm, end)
    name = (unit["unit"] or unit["several"]) if unit else ""
    stop = unit.end() if unit and name == "century" and not unit["joined"] else end
    return Quantity((start, stop), text[start:stop], value, value, "ordinal", name, weight=weight)


def _decade(norm: str, text: str, number: Number) -> Quantity | None:
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
    "ten": 10.0, "fifteen": 15.0, "twenty": 20.0, "twenty-five": 25.0, "thirty": 30.0, "thirty-five": 35.0,
    "forty": 40.0, "forty-five": 45.0, "fifty": 50.0, "fifty-five": 55.0,
}  # fmt: skip
_CLOCK_WORDS = re.compile(
    rf"[ -](?P<minutes>{any_of(_MINUTES)})(?![ -]?[a-z])| o'clock| ?(?P<half>[ap])\.?m\.?(?![a-z])"
)
_PAST = re.compile(r"(?:(?P<half>half)|(?P<quarter>(?:a )?quarter))[ -](?P<way>past|to) $")


def _ordinal_or_clock(norm: str, text: str, word: str, start: int) -> Quantity | None:
    """Twenty-first; nine o'clock, eight-thirty, half past nine."""
    end = start + len(word)
    if word in TENS:
        ordinal = _TENS_ORDINAL.match(norm, end)
        value = TENS[word] + ORDINALS[ordinal["ordinal"]] if ordinal else 0.0
        return _ordinal(norm, text, value, start, ordinal.end(), weight=0.8) if ordinal else None
    if not 1 <= ONES.get(word, 0) <= 12:
        return None
    past, match = _PAST.search(norm, max(0, start - 18), start), _CLOCK_WORDS.match(norm, end)
    if not past and not match:
        return None
    value = 60 * ONES[word]
    if past:
        value += (30.0 if past["half"] else 15.0) * (1 if past["way"] == "past" else -1)
    elif match and match["minutes"]:
        value += _MINUTES[match["minutes"]]
    elif match and match["half"] == "p" and value < 720:
        value += 720
    begin, stop = past.start() if past else start, match.end() if match else end
    return Quantity((begin, stop), text[begin:stop], value, value, "time", "clock", weight=0.6)


_DAY_MONTH = re.compile(rf"(\d{{1,2}})(?:-(\d{{1,2}}))? ({any_of(MONTHS)})(?![a-z])\.?")
_ISO = re.compile(r"((?:19|20)\d\d)([-/])(1[0-2]|0?[1-9])\2(3[01]|[12]\d|0?[1-9])(?!\d)")
_YEAR_PAIR = re.compile(r"((?:19|20)\d\d)[-/](\d\d)(?![\d%]|\.\d)")
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})(?:(?:(?: ?: ?|\.)(?P<m>[0-5]\d)(?!\d))? ?(?P<half>a\.?m\.?|p\.?m\.?)(?![a-z])"
    r"|: ?(?P<m24>[0-5]\d)(?![\d:])| ?o'clock)"
)


def _date_or_clock(norm: str, text: str, start: int) -> list[Quantity]:
    """Read the parts of a date that begins with a number, or a clock time."""
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
        values = {1: ("day", float(match[1])), 3: ("month", MONTHS[match[3]])}
        if match[2]:
            values = {1: values[1], 2: ("day", float(match[2])), 3: values[3]}
    else:
        return []
    return [
        Quantity(match.span(group), text[slice(*match.span(group))], value, value, "date", unit)
        for group, (unit, value) in values.items()
    ]


# ------------------------------------------------------------- words that are numbers only in some places

# word -> (value, kind, unit, weight)
_PLAIN_OTHERS: dict[str, tuple[float, Kind, str, float]] = {
    **{word: (value, "multiple", "", 0.6) for word, value in MULTIPLES.items()},
    **{word: (value, "date", "decade", 0.5) for word, value in DECADES.items()},
    "decade": (1.0, "time", "decade", 0.05), "century": (1.0, "time", "century", 0.05),
    "fortnight": (2.0, "time", "week", 0.1),
    **dict.fromkeys(("centenary", "centennial", "centenaries"), (100.0, "time", "year", 0.1)),
    **dict.fromkeys(("bicentenary", "bicentennial"), (200.0, "time", "year", 0.2)),
    "noon": (720.0, "time", "clock", 0.0), "midnight": (0.0, "time", "clock", 0.0),
    "both": (2.0, "plain", "", 0.0), "once": (1.0, "plain", "", 0.0),
}  # fmt: skip


def _other(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    if word in MONTHS:
        return _month(norm, text, word, start, end)
    if word in HALVES:
        return _half(norm, text, word, start, end)
    if word in ("several", "few", "couple"):
        return _several(norm, text, word, start, end)
    if word == "quarter" and (whole := _OF_A_CENTURY.match(norm, end)):
        value, unit = (25.0, "year") if whole["unit"] == "century" else (15.0, "minute")
        stop = whole.end()
        return [Quantity((start, stop), text[start:stop], value, value, "time", unit)], stop
    if word in DECADES and _SOMEBODY_S.search(norm, max(0, start - 12), start):
        value = DECADES[word]
        age = Quantity(
            (start, end), text[start:end], value, value + 9, "time", "year", vague=True, weight=0.4
        )
        return [age], end
    if word in _PLAIN_OTHERS:
        value, kind, unit, weight = _PLAIN_OTHERS[word]
    elif word in PARTS and (share := _share(norm, word, start, end)):
        value, kind, unit, weight = share, "percent", "percent", 0.3
    elif word in ORDINALS:
        weight = {"first": 0.1, "second": 0.2}.get(word, 0.5)
        ordinal = _ordinal(norm, text, ORDINALS[word], start, end, weight=weight)
        return [ordinal], ordinal.span[1]
    else:
        return [], end
    if kind == "percent" and (scale := _OF_A_SCALE.match(norm, end)):
        return _counted(norm, text, _of_a_scale(value, scale, start))
    if word == "once" and _EVERY.match(norm, end):
        weight = 0.5
    hedge = _hedge(norm, start, end)
    return [Quantity((start, end), text[start:end], value, value, kind, unit, hedge, weight=weight)], end


_SOMEBODY_S = re.compile(r"(?<![a-z])(?:my|your|his|her|our|their)(?: early| mid| late)?[ -]$")
_EVERY = re.compile(r" (?:an?|per|each|every) (?:hour|day|night|morning|week|month|quarter|year)(?![a-z])")


def _of_a_scale(share: float, scale: re.Match[str], start: int) -> Number:
    """Read "a quarter of a million"."""
    value = without_noise(share / 100 * SCALES[scale["scale"]])
    return Number(start, scale.end(), value, value, value, scaled=True)


_OF_A_CENTURY = re.compile(r"(?:-| of an? )(?P<unit>century|hour)(?![a-z])")
_OF_A_SCALE = re.compile(r" of an? (?P<scale>thousand|million|billion|trillion)(?![a-z])")
_NEXT_SCALE = re.compile(rf"(?: of)? (?:{any_of(SCALES)})(?![a-z])")
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


_BEFORE_SHARE = re.compile(
    r"(?<![a-z])(?:an?|one|top|bottom|upper|lower|last|final|richest|poorest|remaining)[ -]$"
)
_AFTER_SHARE = re.compile(r" (?:of|to|or|and|less|more|higher|lower|smaller|larger)(?![a-z])|[,.;)]")


def _share(norm: str, word: str, start: int, end: int) -> float:
    """Percent that "a fifth of" says; 0 where the word is an ordinal or a stretch of time."""
    if not _BEFORE_SHARE.search(norm, max(0, start - 10), start) or _UNIT_OF_ORDINAL.match(norm, end):
        return 0.0
    if word not in ("third", "quarter") and not _AFTER_SHARE.match(norm, end):
        return 0.0
    return without_noise(100 / PARTS[word])


_HALF_A_SCALE = re.compile(rf"[ -](?:an? )?(?P<scale>{any_of(SCALES)})(?![a-z])")
_HALF_A_UNIT = re.compile(r"(?:[ -]an?)?[ -](?P<name>minute|hour|day|month|year|decade|century)(?![a-z])")
_UNIT_AND_HALF = re.compile(r"(?<![a-z])an? (?P<name>minute|hour|day|week|month|year|decade|century) and a $")
_HALF_OF_TWO = re.compile(r"(?:first|second|latter|other|1st|2nd|[12]h)[ -]$")
_HALF_PAST = re.compile(r" past (?:\d|[a-z]+)")


def _half(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    """Read half a million, half an hour, half; not "the second half" and "half past"."""
    if word == "half":
        if scale := _HALF_A_SCALE.match(norm, end):
            value = 0.5 * SCALES[scale["scale"]]
            return _counted(norm, text, Number(start, scale.end(), value, value, value, scaled=True))
        if unit := _HALF_A_UNIT.match(norm, end):
            kind, name, _ = EN_UNITS[unit["name"]]
            stop = unit.end()
            hedge = _hedge(norm, start, stop)
            return [
                Quantity((start, stop), text[start:stop], 0.5, 0.5, kind, name, hedge, step=0.5, weight=0.5)
            ], stop
        if unit := _UNIT_AND_HALF.search(norm, max(0, start - 20), start):
            kind, name, _ = EN_UNITS[unit["name"]]
            span = (unit.start(), end)
            hedge = _hedge(norm, *span)
            return [
                Quantity(span, text[slice(*span)], 1.5, 1.5, kind, name, hedge, step=0.5, weight=0.8)
            ], end
        if _HALF_OF_TWO.search(norm, max(0, start - 8), start) or _HALF_PAST.match(norm, end):
            return [], end
    hedge = _hedge(norm, start, end)
    return [Quantity((start, end), text[start:end], 50, 50, "percent", "percent", hedge, weight=0.4)], end


_DAY_AFTER = re.compile(
    r"\.? (\d{1,2})(?:st|nd|rd|th)?(?:-(\d{1,2}))?(?![a-z\d:%]|[,.]\d| (?:million|billion|percent|per cent))"
)
_YEAR_AFTER = re.compile(r"\.?,? (?:19|20)\d\d")
_MONTH_BEFORE = re.compile(
    r"(?<![a-z])(?:in|of|by|since|until|till|during|early|mid|late|last|this|next|from|to|and|through|between|before"
    r"|after)[ -]$"
)
_LINE_BEFORE, _LINE_AFTER = re.compile(r"(?:^|\n)[#* ]*$"), re.compile(r"[* ]*(?:\n|$)")


def _month(norm: str, text: str, word: str, start: int, end: int) -> _Reading:
    day = _DAY_AFTER.match(norm, end)
    if day and not 1 <= int(day[1]) <= 31:
        day = None
    if not day and not _is_month(norm, text, word, start, end):
        return [], end
    found = [Quantity((start, end), text[start:end], MONTHS[word], MONTHS[word], "date", "month")]
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


# --------------------------------------------------------------------------- neighbors that belong together

_SIGNS = r"(?:us\$|hk\$|nt\$|rmb|\$|€|£|¥)?"
_RANGE = re.compile(rf" ?--? ?{_SIGNS}| to {_SIGNS}| or {_SIGNS}|~{_SIGNS}")
_BETWEEN = re.compile(rf" and {_SIGNS}")
_BEFORE_CHANGE = re.compile(r"(?<![a-z])from (?:about |around |nearly )?$")


def _joined(found: list[Quantity], norm: str, text: str) -> list[Quantity]:
    """Merge ranges ("2–3 million", "between 5 and 8 percent") and durations ("1 hour 30 minutes")."""
    joined: list[Quantity] = []
    for quantity in found:
        merged = None
        if joined:
            quantity = behind(joined[-1], quantity, text)
        if joined and quantity.span[0] - joined[-1].span[1] <= 10:
            last = joined[-1]
            gap = norm[last.span[1] : quantity.span[0]]
            if gap in (" ", " and ", ", ") and last.kind == quantity.kind == "time":
                merged = compound(last, quantity, text)
            elif gap == " and a " and norm[slice(*quantity.span)] == "half":
                merged = _and_a_half(last, quantity, text)
            elif (
                last.kind == "plain"
                and quantity.unit == "clock"
                and (_RANGE.fullmatch(gap) or _BETWEEN.fullmatch(gap))
            ):
                merged = _clock_range(last, quantity, text)
            elif last.unit == "day" and quantity.kind == "plain" and _RANGE.fullmatch(gap):
                quantity = replace(quantity, kind="date", unit="day")  # December 8 to 10
            elif _RANGE.fullmatch(gap) or (
                _BETWEEN.fullmatch(gap) and norm.endswith("between ", 0, last.span[0])
            ):
                last = joined[-1] = _with_scale_of(last, quantity)
                if " to" not in gap or not _BEFORE_CHANGE.search(
                    norm, max(0, last.span[0] - 14), last.span[0]
                ):
                    merged = _range(last, quantity, text, either=" or" in gap)
        if merged:
            joined[-1] = merged
        else:
            joined.append(quantity)
    return joined


_SCALE_WORD = re.compile(rf"\d ?-?({any_of(SCALES)}|bn|mn|mln|tn|trn)(?![a-z])")


def _with_scale_of(first: Quantity, second: Quantity) -> Quantity:
    """2 in "2–3 million", and in "from 2 to 3 million", means 2 million."""
    scale = _SCALE_WORD.search(second.text.lower())
    if (
        not scale
        or not (first.exact and second.exact)
        or first.kind not in ("plain", "money", second.kind)
        or (first.kind != second.kind and "plain" not in (first.kind, second.kind))
        or first.low >= 1000
    ):
        return first
    if first.text.rstrip()[-1:].isalpha():
        return first
    worth = SCALES.get(scale[1]) or SCALE_SIGNS[scale[1]]
    value = without_noise(first.low * worth)
    return replace(first, low=value, high=value, step=first.step * worth)


def _and_a_half(first: Quantity, half: Quantity, text: str) -> Quantity | None:
    """Read "two years and a half"."""
    if first.kind not in ("time", "measure") or first.unit == "clock" or not first.exact or first.step != 1:
        return None
    span = (first.span[0], half.span[1])
    value = first.low + 0.5
    return replace(first, span=span, text=text[slice(*span)], low=value, high=value, step=0.5)


def _clock_range(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    """Read "2 or 3 a.m."."""
    noon = 720.0 * (second.low >= 720)
    low = 60 * first.low % 720 + noon
    if not (first.exact and 1 <= first.low <= 12 and first.step == 1 and low < second.low):
        return None
    span = (first.span[0], second.span[1])
    return replace(second, span=span, text=text[slice(*span)], low=low)


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
    if second.kind == "plain" and first.kind not in ("plain", "money"):
        return None  # "by 15 percent to 3 billion"
    if "plain" not in kinds and first.unit != second.unit and "$" not in (first.unit, second.unit):
        return None  # "6 months or 500 hours"
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
