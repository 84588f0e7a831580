"""How a quantity is said: a `Quantity` in, idiomatic English or Chinese out.

Used for suggestions ("tens of billions of US dollars", 4078亿港元) and to explain findings
(数百亿 = 20–90 billion).
"""

from __future__ import annotations

import math

from bitext._quantity import CURRENCIES, EN_UNIT_NAMES, ZH_UNITS, Hedge, Quantity

EN_HEDGES: dict[Hedge, str] = {
    "": "", "about": "about ", "nearly": "nearly ", "under": "less than ", "most": "at most ",
    "over": "more than ", "least": "at least ",
}  # fmt: skip
_EN_SCALES = ((1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_EN_VAGUE = {
    1.0: "several", 1e1: "dozens", 1e2: "hundreds", 1e3: "thousands", 1e4: "tens of thousands",
    1e5: "hundreds of thousands", 1e6: "millions", 1e7: "tens of millions", 1e8: "hundreds of millions",
    1e9: "billions", 1e10: "tens of billions", 1e11: "hundreds of billions", 1e12: "trillions",
    1e13: "tens of trillions", 1e14: "hundreds of trillions",
}  # fmt: skip
_EN_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_EN_PARTS = {3: "third", 6: "sixth", 7: "seventh", 9: "ninth"}
_EN_MULTIPLES = {2.0: "double (twofold)", 3.0: "triple (threefold)", 4.0: "quadruple (fourfold)"}
_SIGNED = ("USD", "HKD", "TWD", "EUR", "GBP", "AUD", "CAD", "SGD", "$")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November",
    "December",
)  # fmt: skip

_ZH_HEDGES: dict[Hedge, str] = {
    "": "", "about": "约", "nearly": "近", "under": "不到", "most": "不超过", "over": "超过", "least": "至少",
}  # fmt: skip
_ZH_SCALES = ((1e12, "万亿"), (1e8, "亿"), (1e4, "万"))
_ZH_VAGUE = {
    1.0: "几", 1e1: "几十", 1e2: "数百", 1e3: "数千", 1e4: "数万", 1e5: "数十万", 1e6: "数百万",
    1e7: "数千万", 1e8: "数亿", 1e9: "数十亿", 1e10: "数百亿", 1e11: "数千亿", 1e12: "数万亿",
    1e13: "数十万亿", 1e14: "数百万亿",
}  # fmt: skip
_ZH_DATES = {"year": "年", "month": "月", "day": "日", "decade": "年代"}
_ZH_FIRST = {name.unit: text for text, name in reversed(ZH_UNITS.items()) if name.unit and name.factor == 1}
_ZH_NAMES = _ZH_FIRST | {
    "quarter": "个季度", "century": "个世纪", "decade": "个十年", "pp": "个百分点", "bp": "个基点",
    "percent": "%", "day": "天",
    "month": "个月",
}  # fmt: skip
_TO_TRADITIONAL = str.maketrans(
    "万亿数几个约过镑欧卢韩时钟顷亩吨间纪点层纳将达马国兰尔币两",
    "萬億數幾個約過鎊歐盧韓時鐘頃畝噸間紀點層納將達馬國蘭爾幣兩",
)


def in_english(quantity: Quantity, *, hedged: bool = True) -> str:
    """Say `quantity` in English: "more than HK$407.8 billion", "tens of billions of yuan", "3 years"."""
    hedge = EN_HEDGES[quantity.hedge] if hedged else ""
    power = _order_of_magnitude(quantity)
    if power is not None:
        return _with_english_unit(_EN_VAGUE[power], quantity, of=" of " if power > 1 else " ")
    if quantity.vague and quantity.high < 10:
        both = f"{_EN_SMALL[int(quantity.low)]} or {_EN_SMALL[int(quantity.high)]}"
        return hedge + _with_english_unit(both, quantity)
    return hedge + _with_english_unit(_range(quantity.low, quantity.high), quantity)


def in_chinese(quantity: Quantity, *, traditional: bool = False, hedged: bool = True) -> str:
    """Say `quantity` in Chinese: 超过4078亿港元, 数百亿元, 3年."""
    power = _order_of_magnitude(quantity)
    if power is not None:
        worded = _with_chinese_unit(_ZH_VAGUE[power], quantity)
    else:
        low, high = chinese_number(quantity.low), chinese_number(quantity.high)
        number = low if low == high else f"{low}至{high}"
        worded = (_ZH_HEDGES[quantity.hedge] if hedged else "") + _with_chinese_unit(number, quantity)
    return worded.translate(_TO_TRADITIONAL) if traditional else worded


def meaning(quantity: Quantity) -> str:
    """Say in digits what `quantity` is taken to mean, without its hedge: "US$20–90 billion", "2–3 days"."""
    high = quantity.high
    if quantity.vague and quantity.low and high / quantity.low > 3:  # only the order of magnitude is known
        place = 10.0 ** math.floor(math.log10(high))
        high = math.floor(high / place) * place
    return _with_english_unit(_range(quantity.low, high), quantity)


def english_number(value: float) -> str:
    """3850 → "3,850", 50000 → "50,000", 1.2e9 → "1.2 billion"."""
    for scale, name in _EN_SCALES:
        if value >= scale:
            short = f"{value / scale:.10g}"
            if len(short.partition(".")[2]) <= (3 if value < 1e10 else 5):
                return f"{short} {name}"
            break
    return f"{value:,.0f}" if value == int(value) else f"{value:,.10g}"


def chinese_number(value: float) -> str:
    """3850 → 3850, 50000 → 5万, 4.078e11 → 4078亿, 1.5e12 → 1.5万亿."""
    for scale, name in _ZH_SCALES:
        if value >= scale:
            short = f"{value / scale:.12g}"
            if len(short.partition(".")[2]) <= (3 if scale > 1e4 else 2):
                return short + name
    return f"{value:.0f}" if value == int(value) else f"{value:.10g}"


def _range(low: float, high: float) -> str:
    first, last = english_number(low), english_number(high)
    if first == last:
        return first
    if first.split(" ")[1:] == last.split(" ")[1:]:
        first = first.split(" ")[0]
    return f"{first}–{last}"


def _order_of_magnitude(quantity: Quantity) -> float | None:
    """Return the power of ten of 数百亿 or "tens of billions"; ``None`` for other intervals (两三, 十几)."""
    if not quantity.vague or quantity.low <= 0 or quantity.high / quantity.low < 3:
        return None
    power = 10.0 ** math.floor(math.log10(quantity.low) + 1e-9)
    return power if power in _EN_VAGUE else None


def _with_english_unit(number: str, quantity: Quantity, *, of: str = " ") -> str:
    kind, unit, value = quantity.kind, quantity.unit, quantity.low
    if kind == "money":
        return _english_money(number, unit, of=of)
    if kind == "percent":
        return f"{100 - value:.10g}% off" if unit == "discount" else _english_share(number, quantity)
    if kind == "multiple":
        return _EN_MULTIPLES.get(value, f"{number} times") if quantity.exact else f"{number} times"
    if kind == "ordinal":
        return {
            "division": f"{value:.0f}",
            "half": f"the {_english_ordinal(value)} half",
            "century": f"{_english_ordinal(value)} century",
        }.get(unit, _english_ordinal(value))
    if kind == "date":
        whole = str(int(value))
        return _MONTHS[int(value) - 1] if unit == "month" else whole + "s" * (unit == "decade")
    if unit == "clock":
        return f"{int(value) // 60}:{int(value) % 60:02d}"
    if unit == "times":
        return {"1": "once", "2": "twice"}.get(number, f"{number} times")
    if unit in EN_UNIT_NAMES:
        names = EN_UNIT_NAMES[unit]
        return f"{number}{of}{names[1] if quantity.high == 1 and len(names) > 1 else names[0]}"
    return number


def _english_money(number: str, unit: str, *, of: str) -> str:
    currency = CURRENCIES[unit]
    if of == " " and unit in _SIGNED:
        return next(sign for sign in currency.en_before if not sign[-1].isalnum()) + number
    return f"{number}{of}{currency.en_after[0] if currency.en_after else 'yuan'}"


def _english_share(number: str, quantity: Quantity) -> str:
    if quantity.unit == "permille":
        return f"{number}‰"
    parts = _fraction(quantity.low) if quantity.exact else None
    if parts:
        return f"{_EN_SMALL[parts[0]]}-{_EN_PARTS[parts[1]]}" + "s" * (parts[0] > 1)
    return f"{number}%"


def _fraction(percent: float) -> tuple[int, int] | None:
    """66.666… → (2, 3), for shares that have no short decimal form."""
    if abs(percent - round(percent, 2)) < 1e-6:
        return None
    for bottom in _EN_PARTS:
        top = percent * bottom / 100
        if abs(top - round(top)) < 1e-6:
            return round(top), bottom
    return None


def _english_ordinal(value: float) -> str:
    whole = int(value)
    suffix = "th" if whole % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{whole}{suffix}"


def _with_chinese_unit(number: str, quantity: Quantity) -> str:
    kind, unit, value = quantity.kind, quantity.unit, quantity.low
    if kind == "money":
        return number + (
            "元" if unit in ("CNY", "¥") else "美元" if unit == "$" else CURRENCIES[unit].zh_after[0]
        )
    if kind == "percent" and unit == "discount":
        return f"{value / 10:.10g}折"
    if kind == "percent" and quantity.exact and (parts := _fraction(value)):
        return f"{parts[1]}分之{parts[0]}"
    if kind == "multiple":
        return f"{number}倍"
    if kind == "ordinal":
        return f"第{number}" if unit != "century" else f"{number}世纪"
    if kind == "date":
        return f"{int(value)}{_ZH_DATES[unit]}"
    if unit == "clock":
        return f"{int(value) // 60}:{int(value) % 60:02d}"
    return number + _ZH_NAMES.get(unit, unit)
