"""How a quantity is said: a `Quantity` in, idiomatic English or Chinese out.

Used for suggestions ("tens of billions of US dollars", 4078亿港元) and to explain findings (数百亿 = 20–90 billion).
"""

from __future__ import annotations

import math

from bitext._quantity import Quantity

_EN_SCALES = ((1e15, "quadrillion"), (1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_EN_VAGUE = {
    1: "several", 10: "dozens", 100: "hundreds", 1e3: "thousands", 1e4: "tens of thousands", 1e5: "hundreds of thousands",
    1e6: "millions", 1e7: "tens of millions", 1e8: "hundreds of millions", 1e9: "billions", 1e10: "tens of billions",
    1e11: "hundreds of billions", 1e12: "trillions", 1e13: "tens of trillions", 1e14: "hundreds of trillions",
}  # fmt: skip
_EN_PREFIX = {
    "USD": "US$",
    "HKD": "HK$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "TWD": "NT$",
    "$": "$",
    "SGD": "S$",
    "AUD": "A$",
}
_EN_CURRENCY = {
    "USD": "US dollars", "HKD": "Hong Kong dollars", "CNY": "yuan", "元": "yuan", "EUR": "euros", "GBP": "pounds", "JPY": "yen",
    "TWD": "New Taiwan dollars", "$": "dollars", "SGD": "Singapore dollars", "AUD": "Australian dollars", "KRW": "won",
    "CAD": "Canadian dollars", "CHF": "Swiss francs", "RUB": "rubles", "INR": "rupees", "THB": "baht", "VND": "dong",
    "MYR": "ringgit", "MOP": "patacas", "BRL": "reais", "NZD": "New Zealand dollars",
}  # fmt: skip
_EN_UNITS = {
    "m2": "square meters", "km2": "square kilometers", "m3": "cubic meters", "ft2": "square feet", "mi2": "square miles",
    "foot": "feet", "inch": "inches", "century": "centuries", "mu": "mu", "li": "li", "jin": "jin", "liang": "liang",
}  # fmt: skip
_EN_HEDGES = {"": "", "about": "about ", "over": "more than ", "under": "nearly "}
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_EN_MULTIPLES = {2: "double", 3: "triple", 4: "quadruple"}

_ZH_SCALES = ((1e12, "万亿"), (1e8, "亿"), (1e4, "万"))
_ZH_POWERS = {
    1: "", 10: "十", 100: "百", 1e3: "千", 1e4: "万", 1e5: "十万", 1e6: "百万", 1e7: "千万", 1e8: "亿", 1e9: "十亿", 1e10: "百亿",
    1e11: "千亿", 1e12: "万亿", 1e13: "十万亿", 1e14: "百万亿",
}  # fmt: skip
_ZH_CURRENCY = {
    "USD": "美元", "HKD": "港元", "CNY": "元", "元": "元", "EUR": "欧元", "GBP": "英镑", "JPY": "日元", "TWD": "元新台币", "$": "美元",
    "SGD": "新加坡元", "AUD": "澳元", "KRW": "韩元", "CAD": "加元", "CHF": "瑞士法郎", "RUB": "卢布", "INR": "卢比", "THB": "泰铢",
    "VND": "越南盾", "MYR": "林吉特", "MOP": "澳门元", "BRL": "雷亚尔", "NZD": "新西兰元",
}  # fmt: skip
_ZH_UNITS = {
    "second": "秒", "minute": "分钟", "hour": "小时", "day": "天", "week": "周", "month": "个月", "quarter": "个季度", "year": "年",
    "decade": "个十年", "century": "个世纪", "m": "米", "km": "公里", "cm": "厘米", "mm": "毫米", "mile": "英里", "foot": "英尺",
    "inch": "英寸", "m2": "平方米", "km2": "平方公里", "hectare": "公顷", "mu": "亩", "acre": "英亩", "kg": "公斤", "g": "克",
    "ton": "吨", "pound": "磅", "ounce": "盎司", "liter": "升", "m3": "立方米", "barrel": "桶", "gallon": "加仑", "W": "瓦",
    "kW": "千瓦", "MW": "兆瓦", "GW": "吉瓦", "kWh": "千瓦时", "°C": "摄氏度", "°F": "华氏度", "li": "里", "jin": "斤",
}  # fmt: skip
_ZH_HEDGES = {"": "", "about": "约", "over": "超过", "under": "近"}
_TO_TRADITIONAL = str.maketrans(
    "万亿数几两个约过镑欧卢韩时钟顷亩吨间", "萬億數幾兩個約過鎊歐盧韓時鐘頃畝噸間"
)


def in_english(quantity: Quantity, *, hedged: bool = True) -> str:
    """Say `quantity` in English: "more than HK$407.8 billion", "tens of billions of yuan", "3 years"."""
    hedge = _EN_HEDGES[quantity.hedge] if hedged else ""
    if quantity.vague and (power := _order(quantity)) is not None:
        return hedge * (quantity.hedge != "over") + _with_english_unit(_EN_VAGUE[power], quantity, vague=True)
    if quantity.low != quantity.high:
        low, high = english_number(quantity.low), english_number(quantity.high)
        if low.split(" ")[1:] == high.split(" ")[1:]:
            low = low.split(" ")[0]
        joint = f"{low} or {high}" if quantity.high < 10 and quantity.vague else f"{low}–{high}"
        return hedge + _with_english_unit(joint, quantity)
    return hedge + _with_english_unit(english_number(quantity.low), quantity)


def in_chinese(quantity: Quantity, *, traditional: bool = False, hedged: bool = True) -> str:
    """Say `quantity` in Chinese: 超过4078亿港元, 数百亿元, 3年."""
    hedge = _ZH_HEDGES[quantity.hedge] if hedged else ""
    if quantity.vague and (power := _order(quantity)) is not None:
        number = "数" + _ZH_POWERS[power] if power != 10 else "几十"
        hedge = ""
    elif quantity.low != quantity.high:
        number = f"{chinese_number(quantity.low)}至{chinese_number(quantity.high)}"
    else:
        number = chinese_number(quantity.low)
    worded = hedge + _with_chinese_unit(number, quantity)
    return worded.translate(_TO_TRADITIONAL) if traditional else worded


def english_number(value: float) -> str:
    """3850 → "3,850", 50000 → "50,000", 1.2e9 → "1.2 billion"."""
    if value >= 1e6:
        for scale, name in _EN_SCALES:
            if value >= scale:
                short = f"{value / scale:.10g}"
                if len(short.partition(".")[2]) <= 3:
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


def interval(quantity: Quantity) -> str:
    """The value in digits, for explanations: "20–90 billion", "407.8 billion", "2–3"."""
    low, high = quantity.low, quantity.high
    if quantity.vague and low and high / low > 3:  # the order of magnitude is all that is known
        high = math.floor(high / 10 ** math.floor(math.log10(high))) * 10.0 ** math.floor(math.log10(high))
    first, last = english_number(low), english_number(high)
    if first == last:
        return first
    if first.split(" ")[1:] == last.split(" ")[1:]:
        first = first.split(" ")[0]
    return f"{first}–{last}"


def _order(quantity: Quantity) -> float | None:
    """The power of ten of 数百亿 or "tens of billions"; ``None`` for other intervals (两三, 十几)."""
    if quantity.low <= 0 or quantity.high / quantity.low < 3:
        return None
    power = 10.0 ** math.floor(math.log10(quantity.low) + 1e-9)
    return power if power in _EN_VAGUE else None


def _with_english_unit(number: str, quantity: Quantity, *, vague: bool = False) -> str:
    kind, unit = quantity.kind, quantity.unit
    of = " of " if vague else " "
    if kind == "money":
        if not vague and unit in _EN_PREFIX:
            return f"{_EN_PREFIX[unit]}{number}"
        return f"{number}{of}{_EN_CURRENCY.get(unit, unit)}"
    if kind == "percent":
        if unit == "discount":
            return f"{100 - quantity.low:.10g}% off"
        return f"{number}‰" if unit == "permille" else f"{number}%"
    if kind == "point":
        return f"{number} " + ("basis points" if unit == "bp" else "percentage points")
    if kind == "multiple":
        return (
            _EN_MULTIPLES.get(int(quantity.low), f"{number} times") if quantity.exact else f"{number} times"
        )
    if kind == "ordinal":
        return _english_ordinal(int(quantity.low))
    if kind == "date":
        return _english_date(quantity)
    if unit == "clock":
        return f"{int(quantity.low) // 60}:{int(quantity.low) % 60:02d}"
    if kind in ("time", "measure"):
        if unit in _EN_UNITS:
            return f"{number}{of}{_EN_UNITS[unit]}"
        plural = "" if quantity.high == 1 or kind == "measure" and len(unit) <= 3 else "s"
        return f"{number}{of}{unit}{plural}"
    return number


def _english_ordinal(value: int) -> str:
    suffix = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{suffix}"


def _english_date(quantity: Quantity) -> str:
    value = int(quantity.low)
    if quantity.unit == "month" and 1 <= value <= 12:
        return _MONTHS[value - 1]
    return f"{value}s" if quantity.unit == "decade" else str(value)


def _with_chinese_unit(number: str, quantity: Quantity) -> str:
    kind, unit = quantity.kind, quantity.unit
    if kind == "money":
        return number + _ZH_CURRENCY.get(unit, unit)
    if kind == "percent":
        return (
            f"{100 - quantity.low:.10g}%"
            if unit == "discount"
            else number + ("‰" if unit == "permille" else "%")
        )
    if kind == "point":
        return number + ("个基点" if unit == "bp" else "个百分点")
    if kind == "multiple":
        return f"{number}倍"
    if kind == "ordinal":
        return f"第{number}"
    if kind == "date":
        value = int(quantity.low)
        return f"{value}{ {'year': '年', 'month': '月', 'day': '日', 'decade': '年代'}[unit] }"
    if unit == "clock":
        return f"{int(quantity.low) // 60}:{int(quantity.low) % 60:02d}"
    if kind in ("time", "measure"):
        return number + _ZH_UNITS.get(unit, unit)
    return number
