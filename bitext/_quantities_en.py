"""Reads the quantities of an English text: a string in, `Quantity` objects in reading order out.

One expression finds numerals, in digits and in words; neighbors that form one numeral ("two and a half million",
"tens of billions", "one in five") are read together, then what stands before and after says what is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bitext._quantity import UNITS, VAGUE_HIGH, Hedge, Kind, Quantity
from bitext.data import Span


def scan(text: str, masked: Sequence[Span] = ()) -> list[Quantity]:
    """Find the quantities of an English `text`, leaving out what overlaps a `masked` span."""
    norm = _normalized(text, masked)
    found: list[Quantity] = []
    position = 0
    while match := _START.search(norm, position):
        reading, position = _read(norm, text, match)
        found.extend(reading)
    return _joined(found, norm, text)


# --------------------------------------------------------------------------------------------- normalization

_TRANSLATION = {
    **{0xFF01 + i: 0x21 + i for i in range(94)},
    **{ord(c): ord(c.lower()) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **dict.fromkeys(map(ord, "‐‑‒–—−"), "-"),
    **dict.fromkeys(map(ord, "\u00a0\u2009\u202f\u3000\n\t"), " "),
    **dict.fromkeys(map(ord, "’‘"), "'"),
}
_MASK = "\ue000"


def _normalized(text: str, masked: Sequence[Span]) -> str:
    norm = text.translate(_TRANSLATION)
    for start, end in masked:
        norm = norm[:start] + _MASK * (end - start) + norm[end:]
    return norm


# ------------------------------------------------------------------------------------------------- numerals

_ONES = {
    w: float(i)
    for i, w in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen".split()
    )
}
_TENS = {
    w: 10.0 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
_SCALES = {
    "dozen": 12.0,
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "quadrillion": 1e15,
}
_SCALE_SIGNS = {
    "k": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mln": 1e6,
    "mio": 1e6,
    "b": 1e9,
    "bn": 1e9,
    "bln": 1e9,
    "t": 1e12,
    "tn": 1e12,
    "trn": 1e12,
}
_PLURALS = {
    "dozens": 12.0,
    "scores": 20.0,
    "tens": 10.0,
    **{w + "s": v for w, v in _SCALES.items() if w != "dozen"},
}
_ORDINALS = {
    w: float(i)
    for i, w in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth "
        "sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        1,
    )
} | {"thirtieth": 30.0, "fortieth": 40.0, "fiftieth": 50.0, "hundredth": 100.0, "thousandth": 1000.0}
_PARTS = {
    "half": 2.0, "halves": 2.0, "third": 3.0, "thirds": 3.0, "quarter": 4.0, "quarters": 4.0, "fourths": 4.0, "fifth": 5.0,
    "fifths": 5.0, "sixth": 6.0, "sixths": 6.0, "seventh": 7.0, "sevenths": 7.0, "eighth": 8.0, "eighths": 8.0, "ninths": 9.0,
    "tenth": 10.0, "tenths": 10.0, "hundredths": 100.0,
}  # fmt: skip
_MULTIPLES = {
    "twice": 2.0, "thrice": 3.0, "double": 2.0, "doubled": 2.0, "doubles": 2.0, "doubling": 2.0, "triple": 3.0, "tripled": 3.0,
    "triples": 3.0, "tripling": 3.0, "trebled": 3.0, "quadruple": 4.0, "quadrupled": 4.0, "quadrupling": 4.0, "quintupled": 5.0,
    "twofold": 2.0, "threefold": 3.0, "fourfold": 4.0, "fivefold": 5.0, "sixfold": 6.0, "sevenfold": 7.0, "eightfold": 8.0,
    "tenfold": 10.0, "hundredfold": 100.0,
}  # fmt: skip
_SHARES = {"half": 50.0, "halved": 50.0, "halving": 50.0, "halve": 50.0}
_MONTHS = {
    m: i
    for i, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct|"
        "november nov|december dec".split("|"),
        1,
    )
    for m in names.split()
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

_NUM = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?"
_WORDS = sorted({*_ONES, *_TENS, *_SCALES, *_PLURALS}, key=len, reverse=True)
_NUMERAL_WORD = "|".join(_WORDS)
_OTHER_WORDS = sorted(
    {*_ORDINALS, *_PARTS, *_MULTIPLES, *_SHARES, *_MONTHS, "several", "couple", "few", "decade", "century", "fortnight", "nineties",
     "eighties", "seventies", "sixties", "fifties", "both", "once"},
    key=len, reverse=True,
)  # fmt: skip
_START = re.compile(
    rf"""
    (?P<skip> (?<![a-z$]) (?!(?:rmb|cny|hkd|usd|eur|gbp|jpy|us|hk|q[1-4](?!\w)|fy\d)) [a-z][a-z]*-?\d[\da-z.\-]*\w
            | (?<![a-z$]) (?!(?:rmb|cny|hkd|usd|eur|gbp|jpy|us|hk|q[1-4](?!\w)|fy\d)) [a-z]+-?\d
            | \d+(?:\.\d+){{2,}}\w* )
  | (?P<digits> {_NUM} )
  | (?<![a-z\d'-]) (?P<roman> (?:phase|part|tier|pillar|type|basel|chapter|article|volume|book|class|stage|schedule|annex|act|title) [ ]
        (?:iii|ii|iv|ix|viii|vii|vi|v|x|i) (?![a-z]) )
  | (?<![a-z']) (?P<word> {_NUMERAL_WORD} ) (?![a-z])
  | (?<![a-z']) (?P<other> {"|".join(_OTHER_WORDS)} ) (?![a-z])
    """,
    re.VERBOSE,
)
_NEXT = re.compile(
    rf"(?P<gap> a | and | and a | of |-| |)(?:(?P<num>{_NUM})|(?P<word>{_NUMERAL_WORD}|half|quarter|quarters)(?![a-z]))"
)


class _Numeral:
    __slots__ = ("digits", "end", "high", "low", "scaled", "start", "step", "vague")

    def __init__(
        self,
        start: int,
        end: int,
        low: float,
        high: float,
        step: float,
        *,
        vague: bool,
        digits: bool,
        scaled: bool,
    ):
        self.start, self.end, self.low, self.high, self.step = start, end, low, high, step
        self.vague, self.digits, self.scaled = vague, digits, scaled


def _exact(value: float) -> float:
    return float(f"{value:.12g}")


def _read(norm: str, text: str, match: re.Match[str]) -> tuple[list[Quantity], int]:
    start, end = match.span()
    group = match.lastgroup
    if group == "skip":
        return [], end
    if group == "roman":
        head, _, numeral = match[0].rpartition(" ")
        value = _ROMAN[numeral]
        begin = start + len(head) + 1
        return [Quantity((begin, end), text[begin:end], value, value, "ordinal", weight=0.1)], end
    if group == "other":
        return _other(norm, text, match[0], start, end)
    if group == "digits":
        special = _date_or_clock(norm, text, start)
        if special:
            return special, special[-1].span[1]
        numeral = _digits(norm, match[0], start, end)
    else:
        numeral = _words(norm, match[0], start, end)
    if numeral is None:
        return [], end
    return _counted(norm, text, numeral)


def _digits(norm: str, digits: str, start: int, end: int) -> _Numeral | None:
    value = float(digits.replace(",", ""))
    decimals = len(digits) - digits.find(".") - 1 if "." in digits else 0
    step = 10.0**-decimals
    scale = _SCALE_AFTER.match(norm, end)
    if scale:
        worth = _SCALES.get(scale[1]) or _SCALE_SIGNS[scale[1]]
        rest = _SCALE_AFTER.match(norm, scale.end()) if scale[1] in _SCALES else None
        stop = scale.end()
        if rest and rest[1] in _SCALES and rest[1] != "dozen":  # "2 hundred million", "10 thousand billion"
            worth *= _SCALES[rest[1]]
            stop = rest.end()
        value = _exact(value * worth)
        return _Numeral(start, stop, value, value, step * worth, vague=False, digits=True, scaled=True)
    vulgar = _VULGAR.match(norm, end)
    if vulgar:
        part = {"½": 0.5, "¼": 0.25, "¾": 0.75}.get(vulgar[0].strip(), 0.0)
        return _Numeral(
            start, vulgar.end(), value + part, value + part, 0.25, vague=False, digits=True, scaled=False
        )
    return _Numeral(start, end, value, value, step, vague=False, digits=True, scaled=False)


_SCALE_AFTER = re.compile(
    r"(?: |-)?(dozen|hundred|thousand|million|billion|trillion|quadrillion)(?![a-z])|(?<=\d) ?(?:(mn|mln|mio|bn|bln|tn|trn)|(?<! )(k|m|b|t))(?![a-z/²2])"
)
_SCALE_AFTER = re.compile(
    r"[ -]?(dozen|hundred|thousand|million|billion|trillion|quadrillion|(?<=\d)(?:k|m|b|t)|mn|mln|mio|bn|bln|tn|trn)(?![a-z/²\d])"
)
_VULGAR = re.compile(r" ?[½¼¾]")


def _words(norm: str, word: str, start: int, end: int) -> _Numeral | None:
    """A numeral in words, from its first word on, taking in as many of the next as belong to it."""
    total = current_low = current_high = 0.0
    step = 1.0
    vague = scaled = False
    last = ""
    article = _ARTICLE.search(norm, max(0, start - 14), start) if word in _SCALES else None
    if article and article.end() == start:
        start, (low, high, vague) = article.start(), _ARTICLES[article[1]]
        current_low, current_high = low, high
    position = end
    total_high = 0.0
    while True:
        if word in _ONES or word in _TENS:
            value = _ONES.get(word) or _TENS.get(word, 0.0)
            current_low, current_high, step = current_low + value, current_high + value, 1.0
        elif word in _SCALES:
            worth = _SCALES[word]
            if not current_low:
                if last not in _PLURALS and not (article or last):
                    return (
                        None
                        if word != "dozen"
                        else _Numeral(start, position, 12, 12, 1, vague=True, digits=False, scaled=True)
                    )
                current_low = current_high = 1.0
            scaled = True
            if worth > 100:
                total, total_high = (
                    total + _exact(current_low * worth),
                    total_high + _exact(current_high * worth),
                )
                if (
                    total
                    and current_low
                    and total > current_low * worth
                    and total / worth >= 1
                    and last in _SCALES
                ):
                    pass
                current_low = current_high = 0.0
            else:
                current_low, current_high = current_low * worth, current_high * worth
            step = worth
        elif word in _PLURALS:
            worth = _PLURALS[word]
            if not current_low and not total:
                wide = VAGUE_HIGH if worth < 1e3 or _NEXT_PLURAL.match(norm, position) else 999.0
                low = 2.0 if worth != 10.0 else 1.0
                current_low, current_high = (
                    (2 * worth, 99.0) if worth in (12.0, 20.0) else (low * worth, wide * worth)
                )
                if worth == 10.0:
                    current_low, current_high = 20.0, 99.9
            else:
                current_low, current_high = (
                    (current_low or total) * worth,
                    (current_high or total_high) * worth,
                )
                total = total_high = 0.0
            vague = scaled = True
            step = worth
        elif word == "half":
            current_low, current_high, step = current_low + 0.5, current_high + 0.5, 0.5
        elif word in ("quarter", "quarters"):
            break
        last = word
        following = _NEXT.match(norm, position)
        if (
            not following
            or following["num"]
            or not _continues(last, following["gap"], following["word"], scaled)
        ):
            break
        word, position = following["word"], following.end()
    low, high = _exact(total + current_low), _exact(total_high + current_high)
    return _Numeral(start, position, low, high, step, vague=vague, digits=False, scaled=scaled)


_ARTICLE = re.compile(
    r"(?<![a-z])(an?|half an?|half|a couple of|a couple|couple|a few|few|several|some|many|per)[ -](?:a )?$"
)
_ARTICLES = {
    "a": (1.0, 1.0, False), "an": (1.0, 1.0, False), "half a": (0.5, 0.5, False), "half an": (0.5, 0.5, False),
    "half": (0.5, 0.5, False), "a couple of": (2.0, 2.0, True), "a couple": (2.0, 2.0, True), "couple": (2.0, 2.0, True),
    "a few": (2.0, VAGUE_HIGH, True), "few": (2.0, VAGUE_HIGH, True), "several": (2.0, VAGUE_HIGH, True),
    "some": (1.0, 1.0, True), "many": (2.0, VAGUE_HIGH, True), "per": (1.0, 1.0, False),
}  # fmt: skip
_NEXT_PLURAL = re.compile(r" of (?:hundreds|thousands|millions|billions)")


def _continues(last: str, gap: str, word: str, scaled: bool) -> bool:
    if gap in (" ", "-", ""):
        if not gap:
            return False
        if last in _TENS:
            return (word in _ONES and 0 < _ONES[word] < 10) or word in _SCALES or word in _PLURALS
        if last in _ONES:
            return word in _SCALES or (word in _PLURALS and word not in ("tens", "dozens", "scores"))
        if last in _SCALES:
            return (
                word in _ONES or word in _TENS or word in _SCALES or (word in _PLURALS and last == "hundred")
            )
        return last == "half" and word in _SCALES
    if gap == " and ":
        return last in ("hundred", "thousand", "million") and (word in _ONES or word in _TENS)
    if gap == " and a ":
        return word == "half" and (last in _ONES or last in _SCALES)
    if gap == " of ":
        return last in _PLURALS and word in _PLURALS
    return False


# ---------------------------------------------------------------------------------- what a numeral counts

_CURRENCIES = {
    "us$": "USD", "usd": "USD", "u.s.$": "USD", "hk$": "HKD", "hkd": "HKD", "rmb": "CNY", "cny": "CNY", "cn¥": "CNY", "¥": "CNY",
    "eur": "EUR", "€": "EUR", "£": "GBP", "gbp": "GBP", "jpy": "JPY", "nt$": "TWD", "a$": "AUD", "s$": "SGD", "c$": "CAD",
    "sgd": "SGD", "aud": "AUD", "krw": "KRW", "inr": "INR", "rs": "INR", "$": "$",
}  # fmt: skip
_PREFIX = re.compile(
    r"(us\$|u\.s\.\$|hk\$|nt\$|a\$|s\$|c\$|cn¥|rmb|usd|hkd|cny|eur|gbp|jpy|sgd|aud|krw|inr|€|£|¥|\$) ?¥?$"
)
_MONEY_WORDS = {
    "us dollars": "USD", "us dollar": "USD", "u.s. dollars": "USD", "u.s. dollar": "USD", "american dollars": "USD",
    "hong kong dollars": "HKD", "hong kong dollar": "HKD", "hk dollars": "HKD", "singapore dollars": "SGD", "australian dollars": "AUD",
    "canadian dollars": "CAD", "new taiwan dollars": "TWD", "nt dollars": "TWD", "dollars": "$", "dollar": "$", "usd": "USD",
    "hkd": "HKD", "rmb yuan": "CNY", "yuan": "CNY", "renminbi": "CNY", "rmb": "CNY", "cny": "CNY", "kuai": "CNY",
    "euros": "EUR", "euro": "EUR", "eur": "EUR", "pounds sterling": "GBP", "gbp": "GBP", "yen": "JPY", "jpy": "JPY",
    "won": "KRW", "rupees": "INR", "rubles": "RUB", "roubles": "RUB", "baht": "THB", "swiss francs": "CHF", "ringgit": "MYR",
    "dong": "VND", "reais": "BRL", "patacas": "MOP", "yuan rmb": "CNY", "yuan renminbi": "CNY",
}  # fmt: skip
_UNIT_WORDS: dict[str, tuple[Kind, str]] = {
    "%": ("percent", "percent"), "percent": ("percent", "percent"), "per cent": ("percent", "percent"), "pct": ("percent", "percent"),
    "‰": ("percent", "permille"), "per mille": ("percent", "permille"),
    "percentage points": ("point", "pp"), "percentage point": ("point", "pp"), "percentage-point": ("point", "pp"),
    "pp": ("point", "pp"), "ppt": ("point", "pp"), "ppts": ("point", "pp"), "basis points": ("point", "bp"),
    "basis point": ("point", "bp"), "basis-point": ("point", "bp"), "bps": ("point", "bp"), "bp": ("point", "bp"),
    "times": ("multiple", ""), "fold": ("multiple", ""), "x": ("multiple", ""),
}  # fmt: skip
for _name, _forms in {
    "second": "second seconds sec secs", "minute": "minute minutes min mins", "hour": "hour hours hr hrs", "day": "day days",
    "week": "week weeks", "month": "month months", "quarter": "quarters", "year": "year years yr yrs year-old",
    "decade": "decade decades", "century": "century centuries",
}.items():  # fmt: skip
    _UNIT_WORDS.update(dict.fromkeys(_forms.split(), ("time", _name)))
for _name, _forms in {
    "nm": "nm|nanometers|nanometres|nanometer|nanometre", "µm": "µm|μm|microns|micrometers|micrometres",
    "mm": "mm|millimeters|millimetres|millimeter|millimetre", "cm": "cm|centimeters|centimetres|centimeter|centimetre",
    "m": "m|meters|metres|meter|metre", "km": "km|kms|kilometers|kilometres|kilometer|kilometre", "li": "li",
    "inch": "inch|inches", "foot": "foot|feet|ft", "mile": "mile|miles", "nautical mile": "nautical miles|nautical mile",
    "m2": "square meters|square metres|square meter|square metre|sq m|sqm|m²|m2",
    "km2": "square kilometers|square kilometres|square kilometer|square kilometre|sq km|km²|km2",
    "hectare": "hectares|hectare|ha", "mu": "mu", "acre": "acres|acre", "ft2": "square feet|square foot|sq ft",
    "mi2": "square miles|square mile", "ml": "ml|milliliters|millilitres", "liter": "liters|litres|liter|litre",
    "m3": "cubic meters|cubic metres|cubic meter|cubic metre|m³|m3", "barrel": "barrels|barrel", "gallon": "gallons|gallon",
    "mg": "mg|milligrams", "g": "g|grams|gram|grammes", "jin": "jin|catties|catty", "kg": "kg|kgs|kilograms|kilogram|kilos|kilo",
    "ton": "tons|ton|tonnes|tonne|metric tons|metric tonnes", "pound": "lbs|lb|pounds|pound", "ounce": "ounces|ounce|oz",
    "W": "watts|watt", "kW": "kw|kilowatts|kilowatt", "MW": "mw|megawatts|megawatt", "GW": "gw|gigawatts|gigawatt",
    "TW": "terawatts", "kWh": "kwh|kilowatt-hours|kilowatt hours|kilowatt-hour", "MWh": "mwh|megawatt-hours|megawatt hours",
    "GWh": "gwh|gigawatt-hours|gigawatt hours", "TWh": "twh|terawatt-hours|terawatt hours",
    "KB": "kb|kilobytes", "MB": "mb|megabytes", "GB": "gb|gigabytes", "TB": "tb|terabytes", "PB": "pb|petabytes",
    "kbit/s": "kbps|kbit/s", "Mbit/s": "mbps|mbit/s|mb/s|megabits per second", "Gbit/s": "gbps|gbit/s|gb/s|gigabits per second",
    "Tbit/s": "tbps|tbit/s|tb/s", "Hz": "hz|hertz", "kHz": "khz", "MHz": "mhz|megahertz", "GHz": "ghz|gigahertz",
    "km/h": "km/h|kph|kmh|kilometers per hour|kilometres per hour", "m/s": "m/s|meters per second|metres per second", "mph": "mph|miles per hour",
    "°C": "°c|℃|degrees celsius|degrees centigrade|degree celsius", "°F": "°f|degrees fahrenheit",
}.items():  # fmt: skip
    _UNIT_WORDS.update(dict.fromkeys(_forms.split("|"), ("measure", _name)))
_AFTER = re.compile(
    r"(?P<gap> ?-? ?)(?:("
    + "|".join(re.escape(w) for w in sorted({*_MONEY_WORDS, *_UNIT_WORDS}, key=len, reverse=True))
    + r")(?![a-z\d²]))"
)
_OF_MONEY = re.compile(
    r" (?:of|worth of) ("
    + "|".join(re.escape(w) for w in sorted(_MONEY_WORDS, key=len, reverse=True))
    + r")(?![a-z])"
)
_SUFFIX = re.compile(r"(st|nd|rd|th)(?![a-z])")
_HEDGES: tuple[tuple[Hedge, re.Pattern[str]], ...] = (
    ("over", re.compile(
        r"(?:(?:no|not) (?:less|fewer|lower) than|more than|greater than|higher than|larger than|in excess of|upwards? of|at least|a minimum of"
        r"|over|above|beyond|well over|exceed(?:s|ed|ing)?|surpass(?:es|ed|ing)?|topp(?:ed|ing)|tops|north of|or more than|past)"
        r"(?: the| a| an)?(?: total of| mark of)? ?$")),
    ("under", re.compile(
        r"(?:(?:no|not) (?:more|greater|higher) than|less than|fewer than|lower than|nearly|almost|close to|approaching|approached|just under|under|below"
        r"|just short of|not quite|at most|a maximum of|nearing|within|up to|not exceeding|shy of)(?: the| a| an)? ?$")),
    ("about", re.compile(r"(?:about|around|approximately|approx\.?|roughly|some|circa|c\.|an estimated|estimated at|or so|on average)(?: the| a| an)? ?$")),
)  # fmt: skip
_NOT_HEDGE = re.compile(r"(?:over|above|within|below|under|past|beyond) the ?$")
_HEDGE_AFTER = re.compile(
    r"(\+| ?plus(?![a-z])|-odd| or more| and above| or above| and over| or over|-plus| or so| or less| or below| or under)"
)


def _counted(norm: str, text: str, number: _Numeral) -> tuple[list[Quantity], int]:
    start, end = number.start, number.end
    low, high, step = number.low, number.high, number.step
    if number.digits and not number.scaled:
        suffix = _SUFFIX.match(norm, end)
        if suffix:
            return _ordinal_digits(norm, text, number, suffix.end())
        if (
            norm[end : end + 1].isalpha()
            and not _AFTER.match(norm, end)
            and not norm.startswith(("s", "-"), end)
        ):
            return [], _word_end(norm, end)
        if (
            norm.startswith("s", end)
            and not norm[end + 1 : end + 2].isalpha()
            and (low >= 1000 or low in (20, 30, 40, 50, 60, 70, 80, 90))
        ):
            return [
                Quantity(
                    (start, end + 1),
                    text[start : end + 1],
                    low % 100 if low < 1900 else low,
                    low if low >= 1900 else low,
                    "date",
                    "decade",
                )
            ], end + 1
    kind: Kind = "plain"
    unit = ""
    money = _PREFIX.search(norm, max(0, start - 6), start)
    begin, stop = start, end
    if money and not (money[1][0].isalpha() and norm[money.start() - 1 : money.start()].isalpha()):
        kind, unit, begin = "money", _CURRENCIES[money[1]], money.start()
    after = _AFTER.match(norm, end)
    fraction = _fraction(norm, text, number)
    if fraction:
        return fraction
    if after and kind != "money" and not (after["gap"].strip() and after[2] in ("m", "g")):
        word = after[2]
        if word in _MONEY_WORDS:
            kind, unit, stop = "money", _MONEY_WORDS[word], after.end()
        elif not (word == "times" and norm.startswith(" of", after.end())):
            kind, unit = _UNIT_WORDS[word]
            stop = after.end()
    elif number.vague and kind == "plain" and (of := _OF_MONEY.match(norm, end)):
        kind, unit, stop = "money", _MONEY_WORDS[of[1]], of.end()
    if kind == "money" and begin < start and (after and after[2] in ("yuan", "rmb", "renminbi")):
        stop = after.end()
    hedge = _hedge(norm, begin, stop)
    if norm.startswith("-odd", end) or norm.startswith("+", end):
        hedge = "over"
    if kind == "plain" and number.digits and not number.scaled and _is_year(norm, text, number):
        kind, unit = "date", "year"
    if kind == "time" and hedge == "over" and _NOT_HEDGE.search(norm, max(0, begin - 12), begin):
        hedge = ""
    weight = _weight(norm, number, kind)
    return [
        Quantity((begin, stop), text[begin:stop], low, high, kind, unit, hedge, number.vague, step, weight)
    ], stop


def _weight(norm: str, number: _Numeral, kind: str) -> float:
    if number.digits:
        before = norm[number.start - 1 : number.start]
        if kind == "plain" and number.low < 10 and (number.start == 0 or before in ("[", "(")):
            return 0.3
        return 1.0
    if number.vague:
        return 0.6
    if number.low == 1:
        return 0.1
    if number.low == 2:
        return 0.4
    return 0.6 if number.low < 10 else 0.9


def _word_end(norm: str, at: int) -> int:
    while at < len(norm) and (norm[at].isalnum()):
        at += 1
    return at


def _is_year(norm: str, text: str, number: _Numeral) -> bool:
    return 1500 <= number.low <= 2100 and number.end - number.start == 4 and number.step == 1


def _hedge(norm: str, start: int, end: int) -> Hedge:
    after = _HEDGE_AFTER.match(norm, end)
    if after:
        word = after[1].strip()
        return (
            "about" if word == "or so" else "under" if word.endswith(("less", "below", "under")) else "over"
        )
    window = norm[max(0, start - 28) : start]
    for hedge, pattern in _HEDGES:
        if pattern.search(window):
            return "" if _NOT_HEDGE.search(window) else hedge
    return ""


_FRACTION = re.compile(
    r"(?: |-)(?:("
    + "|".join(w for w in _PARTS if w not in ("half",))
    + r")(?![a-z]))|(?: in | out of (?:every )?)("
    + _NUM
    + "|"
    + _NUMERAL_WORD
    + r")(?![a-z\d])|/(\d+)(?![\d/])"
)


def _fraction(norm: str, text: str, number: _Numeral) -> tuple[list[Quantity], int] | None:
    """Two thirds, one in five, 3 out of 10, 3/4."""
    match = _FRACTION.match(norm, number.end)
    if not match or number.scaled or number.vague:
        return None
    if match[1]:
        bottom = _PARTS[match[1]]
        if number.digits and number.low >= bottom:
            return None
        if match[1] in ("quarters", "quarter") and number.low > 3:
            return None
        if not match[1].endswith("s") and number.low != 1:
            return None
    elif match[2]:
        word = match[2]
        bottom = (
            float(word.replace(",", ""))
            if word[0].isdigit()
            else _ONES.get(word) or _TENS.get(word) or _SCALES.get(word, 0.0)
        )
        if (
            not 0 < number.low < bottom
            or bottom > 1e6
            or (" in " in match[0] and number.low > 1 and number.digits)
            or bottom in (2, 3)
            and " in " in match[0]
            and number.digits
        ):
            return None
        if 1900 <= bottom <= 2100:
            return None
    else:
        bottom = float(match[3])
        if not (0 < number.low < bottom <= 16) or number.low > 15:
            return None
    low = _exact(100 * number.low / bottom)
    end = match.end()
    start = number.start
    weight = 0.8 if match[2] is None or number.low > 1 else 0.6
    return [
        Quantity(
            (start, end),
            text[start:end],
            low,
            low,
            "percent",
            "percent",
            _hedge(norm, start, end),
            step=100 / bottom,
            weight=weight,
        )
    ], end


def _ordinal_digits(norm: str, text: str, number: _Numeral, end: int) -> tuple[list[Quantity], int]:
    unit = _ORDINAL_UNIT.match(norm, end)
    date = _MONTH_AFTER.match(norm, end)
    if date and number.low <= 31:
        month = _MONTHS[date[1]]
        return [
            Quantity((number.start, end), text[number.start : end], number.low, number.low, "date", "day"),
            Quantity(
                (date.start(1), date.end(1)), text[date.start(1) : date.end(1)], month, month, "date", "month"
            ),
        ], date.end()
    name = {"century": "century", "quarter": "quarter", "half": "half"}.get(unit[1], "") if unit else ""
    return [
        Quantity((number.start, end), text[number.start : end], number.low, number.low, "ordinal", name)
    ], end


_ORDINAL_UNIT = re.compile(r"[ -](century|quarter|half)(?![a-z])")
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_MONTH_AFTER = re.compile(rf" (?:of )?({_MONTH})\b\.?")
_DAY_MONTH = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)?(?:-(\d{{1,2}}))? (?:of )?({_MONTH})\b\.?")
_ISO = re.compile(r"((?:19|20)\d\d)([-/])(1[0-2]|0?[1-9])\2(3[01]|[12]\d|0?[1-9])(?!\d)")
_YEAR_PAIR = re.compile(r"((?:19|20)\d\d)[-/](\d\d)(?![\d%])")
_CLOCK = re.compile(
    r"(\d{1,2})(?:[:.]([0-5]\d)(?!\d))? ?(a\.?m\.?|p\.?m\.?)(?![a-z])|(\d{1,2}):([0-5]\d)(?![\d:])|(\d{1,2}) ?o'clock"
)


def _date_or_clock(norm: str, text: str, start: int) -> list[Quantity]:
    def part(group: int, value: float, unit: str, match: re.Match[str]) -> Quantity:
        span = match.span(group)
        return Quantity(span, text[slice(*span)], value, value, "date", unit)

    if match := _CLOCK.match(norm, start):
        hour = float(match[1] or match[4] or match[6])
        minute = float(match[2] or match[5] or 0)
        if match[3]:
            hour = hour % 12 + (12 if match[3][0] == "p" else 0)
        value = hour * 60 + minute
        if hour > 24:
            return []
        return [
            Quantity(match.span(), match[0] and text[slice(*match.span())], value, value, "time", "clock")
        ]
    if match := _ISO.match(norm, start):
        return [
            part(1, float(match[1]), "year", match),
            part(3, float(match[3]), "month", match),
            part(4, float(match[4]), "day", match),
        ]
    if match := _YEAR_PAIR.match(norm, start):
        return [
            part(1, float(match[1]), "year", match),
            part(2, float(match[1][:2] + match[2]), "year", match),
        ]
    if (match := _DAY_MONTH.match(norm, start)) and 1 <= int(match[1]) <= 31:
        days = [part(1, float(match[1]), "day", match)]
        if match[2]:
            days.append(part(2, float(match[2]), "day", match))
        return [*days, part(3, _MONTHS[match[3]], "month", match)]
    return []


_DAY_AFTER_MONTH = re.compile(r"\.? (\d{1,2})(?:st|nd|rd|th)?(?![\d,.]*\d)(?!%)")
_MAY_BEFORE = re.compile(
    r"(?:\b(?:in|of|by|since|until|till|during|early|mid|late|last|this|from|to|and|through|between|before|after|on)[ -])$"
)


def _other(norm: str, text: str, word: str, start: int, end: int) -> tuple[list[Quantity], int]:
    """Words that are numbers only in some places: months, ordinals, fractions, "double", "half"."""

    def one(
        low: float,
        high: float,
        kind: Kind,
        unit: str = "",
        *,
        weight: float,
        vague: bool = False,
        stop: int = end,
    ) -> tuple[list[Quantity], int]:
        return [
            Quantity(
                (start, stop),
                text[start:stop],
                low,
                high,
                kind,
                unit,
                _hedge(norm, start, stop),
                vague,
                1.0,
                weight,
            )
        ], stop

    if word in _MONTHS:
        return _month(norm, text, word, start, end)
    if word == "half":
        return _half(norm, text, start, end)
    if word in _SHARES:
        return one(50, 50, "percent", "percent", weight=0.5)
    if word in _MULTIPLES:
        return one(_MULTIPLES[word], _MULTIPLES[word], "multiple", weight=0.3)
    if word in ("decade", "century", "fortnight"):
        after_a = norm[start - 2 : start] == "a "
        unit, value = ("week", 2.0) if word == "fortnight" else (word, 1.0)
        return one(value, value, "time", unit, weight=0.3 if after_a else 0.05)
    if word in ("several", "few", "couple"):
        if word == "few" and norm[start - 2 : start] != "a ":
            return [], end
        after = _UNIT_NEXT.match(norm, end)
        kind, unit = _UNIT_WORDS[after[1]] if after else ("plain", "")
        low, high = (2.0, 3.0) if word == "couple" else (2.0, 9.0)
        return one(low, high, kind, unit, weight=0.2, vague=True)
    if word == "both":
        return one(2, 2, "plain", weight=0.0)
    if word == "once":
        return one(1, 1, "plain", weight=0.0)
    if word.endswith("ties"):
        return one(
            {"nin": 90, "eig": 80, "sev": 70, "six": 60, "fif": 50}[word[:3]],
            90,
            "date",
            "decade",
            weight=0.5,
        )
    if (
        word in _PARTS
        and norm[max(0, start - 4) : start].endswith((" a ", "one ", "one-"))
        and not _ORDINAL_UNIT.match(norm, end)
    ):
        share = _exact(100 / _PARTS[word])
        if word == "quarter" or (word == "third" and not norm.startswith(" of", end)):
            return one(share, share, "percent", "percent", weight=0.1)
        return one(share, share, "percent", "percent", weight=0.6)
    if word in _ORDINALS:
        unit_match = _ORDINAL_UNIT.match(norm, end)
        return one(
            _ORDINALS[word],
            _ORDINALS[word],
            "ordinal",
            unit_match[1] if unit_match else "",
            weight=0.1 if word == "first" else 0.2 if word == "second" else 0.5,
        )
    return [], end


_UNIT_NEXT = re.compile(r"(?: of)? (hours|days|weeks|months|years|decades|minutes|seconds)")


def _half(norm: str, text: str, start: int, end: int) -> tuple[list[Quantity], int]:
    scale = _HALF_SCALE.match(norm, end)
    if scale:
        value = 0.5 * _SCALES[scale[1]]
        money = _PREFIX.search(norm, max(0, start - 6), start)
        after = _AFTER.match(norm, scale.end())
        stop = scale.end()
        kind: Kind = "plain"
        unit = ""
        if after and after[2] in _MONEY_WORDS:
            kind, unit, stop = "money", _MONEY_WORDS[after[2]], after.end()
        elif after and after[2] in _UNIT_WORDS:
            (kind, unit), stop = _UNIT_WORDS[after[2]], after.end()
        elif money:
            kind, unit, start = "money", _CURRENCIES[money[1]], money.start()
        return [
            Quantity(
                (start, stop),
                text[start:stop],
                value,
                value,
                kind,
                unit,
                _hedge(norm, start, stop),
                False,
                value,
                0.9,
            )
        ], stop
    time = _HALF_TIME.match(norm, end)
    if time:
        kind, unit = _UNIT_WORDS[time[1]]
        return [
            Quantity(
                (start, time.end()),
                text[start : time.end()],
                0.5,
                0.5,
                kind,
                unit,
                _hedge(norm, start, end),
                step=0.5,
                weight=0.5,
            )
        ], time.end()
    if norm[max(0, start - 7) : start].endswith(
        ("first ", "second ", "first-", "second-", "latter ", "other ")
    ):
        return [], end
    return [
        Quantity(
            (start, end), text[start:end], 50, 50, "percent", "percent", _hedge(norm, start, end), weight=0.4
        )
    ], end


_HALF_SCALE = re.compile(r"[ -](?:an? )?(dozen|hundred|thousand|million|billion|trillion)(?![a-z])")
_HALF_TIME = re.compile(r"(?:[ -]an?[ -]|[ -])(hour|day|month|year|decade|century|minute)(?![a-z])")


def _month(norm: str, text: str, word: str, start: int, end: int) -> tuple[list[Quantity], int]:
    if not text[start].isupper():
        return [], end
    day = _DAY_AFTER_MONTH.match(norm, end)
    if (
        word
        in (
            "may",
            "march",
            "mar",
            "jan",
            "jun",
            "sep",
            "dec",
            "oct",
            "nov",
            "apr",
            "aug",
            "feb",
            "jul",
            "sept",
        )
        and not day
    ):
        year_after = re.match(r"\.?,? (?:19|20)\d\d", norm[end : end + 8])
        if not year_after and not _MAY_BEFORE.search(norm, max(0, start - 9), start):
            return [], end
    number = float(_MONTHS[word])
    found = [Quantity((start, end), text[start:end], number, number, "date", "month")]
    if day and 1 <= int(day[1]) <= 31:
        span = day.span(1)
        found.append(Quantity(span, text[slice(*span)], float(day[1]), float(day[1]), "date", "day"))
        end = day.end()
    return found, end


# --------------------------------------------------------------------------------- neighbors that belong together

_RANGE = re.compile(r"(?: ?-{1,2} ?| to | or |~)(?:us\$|hk\$|rmb|\$|€|£|¥)?")
_BETWEEN = re.compile(r" and (?:us\$|hk\$|rmb|\$|€|£|¥)?")


def _joined(found: list[Quantity], norm: str, text: str) -> list[Quantity]:
    """Merge ranges ("2–3 million", "between 5 and 8 percent") and durations in parts ("1 hour 30 minutes")."""
    joined: list[Quantity] = []
    for quantity in found:
        if joined:
            last = joined[-1]
            gap = norm[last.span[1] : quantity.span[0]]
            merged = None
            if len(gap) <= 10:
                between = _BETWEEN.fullmatch(gap) and norm[: last.span[0]].endswith("between ")
                if (between or _RANGE.fullmatch(gap)) and not norm[
                    max(0, last.span[0] - 5) : last.span[0]
                ].endswith("from "):
                    merged = _range(last, quantity, text, or_word=gap.strip().startswith("or"))
                elif gap in (" ", " and ", ", ") and last.kind == quantity.kind == "time":
                    merged = _compound(last, quantity, text)
            if merged:
                joined[-1] = merged
                continue
        joined.append(quantity)
    return joined


def _range(first: Quantity, second: Quantity, text: str, *, or_word: bool) -> Quantity | None:
    if (
        first.kind in ("date", "ordinal")
        or second.kind in ("date", "ordinal")
        or "clock" in (first.unit, second.unit)
    ):
        return None
    if not (first.exact and second.exact):
        return None
    low = first.low
    if (
        first.kind == "plain"
        and second.low >= 1000
        and first.step < 1000
        and not first.text.rstrip()[-1:].isalpha()
    ):
        for worth in (1e12, 1e9, 1e6, 1e3):
            if second.low >= worth and second.text.count(",") == 0 and low < second.low / worth:
                low = _exact(low * worth)
                break
    elif first.kind == "money" and first.step < 1000 <= second.step:
        low = _exact(low * 10 ** (3 * (len(f"{int(second.low)}") - 1) // 3 // 3 * 3)) if False else low
        for worth in (1e12, 1e9, 1e6, 1e3):
            if second.low >= worth and low < second.low / worth:
                low = _exact(low * worth)
                break
    if first.kind not in ("plain", second.kind) and second.kind != "plain":
        return None
    if not low < second.low:
        return None
    span = (first.span[0], second.span[1])
    kind, unit = (first.kind, first.unit) if second.kind == "plain" else (second.kind, second.unit)
    return replace(
        second,
        span=span,
        text=text[slice(*span)],
        low=low,
        kind=kind,
        unit=unit,
        hedge=first.hedge,
        vague=or_word and second.low < 10,
    )


def _compound(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    if first.unit not in UNITS or second.unit not in UNITS or UNITS[second.unit][1] >= UNITS[first.unit][1]:
        return None
    if not (first.exact and second.exact):
        return None
    span = (first.span[0], second.span[1])
    value = first.low + second.low * UNITS[second.unit][1] / UNITS[first.unit][1]
    return replace(first, span=span, text=text[slice(*span)], low=value, high=value)
