"""What a quantity is, and the tables of what can be counted: units and currencies in both languages.

The readers of the two languages (`_quantities_zh`, `_quantities_en`) fill in `Quantity`; `quantities`
compares them and `_quantity_wording` says them.  A quantity is an interval, because much of what people write
is one: 数十亿, "dozens", 两三, "2–3 million".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, NamedTuple

from bitext.data import Span

Kind = Literal["plain", "percent", "point", "multiple", "ordinal", "date", "time", "money", "measure"]
Hedge = Literal["", "about", "nearly", "under", "most", "over", "least"]
UPPER: frozenset[Hedge] = frozenset({"over", "least"})
"""Hedges that say the true number is larger."""
LOWER: frozenset[Hedge] = frozenset({"nearly", "under", "most"})
"""Hedges that say it is smaller."""

VAGUE_HIGH = 9.99
"""数 and 几 before a scale, and "hundreds of": from 2 to this many times the scale."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number in a text, with what it counts and how sure the writer is of it.

    Parameters
    ----------
    span : tuple of int
        Code points ``[start, end)`` of the number with its unit and currency, without its hedge.
    text : str
        What stands there.
    low, high : float
        The values meant, both included, in `unit`: equal for an exact number, 2e9 and 9.99e9 for 数十亿,
        2 and 3 for 两三.
        Percent and fractions are in percent (三成 and "three tenths" are 30); multiples are the ratio to the
        base (增长两倍 and "tripled" are 3); clock times are minutes after midnight; ordinals and dates count
        as usual (the month of "March" is 3).  Signs are left out: 零下10度 is 10.
    kind : {"plain", "percent", "point", "multiple", "ordinal", "date", "time", "money", "measure"}
        "point" is a difference of percentages (个百分点, basis points).  Each part of a date (year, month,
        day) is a quantity of its own; "time" is a duration, or a clock time where `unit` is "clock".
    unit : str
        ISO 4217 for money ("元", "$", "¥" where it is left open which), else a name of `UNITS`; "times" for how
        often something happens in Chinese (三次), where "three times" in English may be a multiple; "" for none.
    hedge : {"", "about", "nearly", "under", "most", "over", "least"}
        In this order: 约, 左右 · 近, 接近 · 不到, 不足 · 不超过, 以内 · 逾, 超过, 多, 余 · 至少, 以上.
    vague : bool
        Whether only an order of magnitude is given: 数百, 几十, "dozens", "tens of billions".
    step : float
        Worth of the last digit written, in `unit`: 0.1 million for "1.2 million".
    weight : float
        How surely a translation has to show this number, in [0, 1]: near 0 for 一 and "one", 1 for 4,078亿.
    """

    span: Span
    text: str
    low: float
    high: float
    kind: Kind = "plain"
    unit: str = ""
    hedge: Hedge = ""
    vague: bool = False
    step: float = 1.0
    weight: float = 1.0

    @property
    def exact(self) -> bool:
        """A single value, not an interval."""
        return self.low == self.high and not self.vague


class Unit(NamedTuple):
    """What a unit measures and how many of the base unit it is worth."""

    dimension: str
    worth: float


class Name(NamedTuple):
    """What a unit's name in a text says: 成 counts tens of percent."""

    kind: Kind
    unit: str
    factor: float = 1.0


def without_noise(value: float) -> float:
    """Undo binary noise: 1.2 × 1e8 is written, and meant, as 120000000."""
    return float(f"{value:.12g}")


def blanked(text: str, masked: Sequence[Span]) -> str:
    """Put a character that no rule knows in place of what is `masked`, keeping all offsets."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(masked):
        pieces += text[position:start], "\ue000" * (end - max(start, position))
        position = max(position, end)
    return "".join(pieces) + text[position:]


def behind(first: Quantity, second: Quantity, text: str) -> Quantity:
    """Take from `second` what belongs to `first` already: the RMB of "5 RMB 9"."""
    if second.span[0] >= first.span[1]:
        return second
    rest = text[first.span[1] : second.span[1]].lstrip()
    return replace(second, span=(second.span[1] - len(rest), second.span[1]), text=rest)


def compound(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    """Put a duration in parts together (2小时15分, "1 hour 30 minutes"); ``None`` if they do not descend."""
    if first.unit not in UNITS or second.unit not in UNITS or not (first.exact and second.exact):
        return None
    part = UNITS[second.unit].worth / UNITS[first.unit].worth
    if part >= 1:
        return None
    span = (first.span[0], second.span[1])
    value = without_noise(first.low + second.low * part)
    hedge = first.hedge or second.hedge
    return replace(first, span=span, text=text[slice(*span)], low=value, high=value, hedge=hedge, step=part)


_LIST_MARKER = re.compile(
    r"(?:(?<![^\n])|(?<=[:;] )|(?<=[:;]))\d{1,2}(?:[.)、](?!\d)|  )|(?<=[(\[])\d{1,3}[)\]]"
)


def is_marker(norm: str, start: int, end: int) -> bool:
    """Whether a bare number marks a list item or a footnote: "1. ", "; 2)", "[3]"."""
    match = _LIST_MARKER.match(norm, start)
    return match is not None and match.end() <= end + 2


def same_currency(first: str, second: str) -> bool:
    """Whether two money units can be the same currency."""
    return (
        first == second
        or second in OPEN_CURRENCIES.get(first, ())
        or first in OPEN_CURRENCIES.get(second, ())
    )


# One row a unit: name | what it measures | worth in the base unit | Chinese names | English names.
# Durations are in days, shares in percent, the rest in m, m², l, kg, W, Wh, byte, bit/s, Hz, km/h.
_UNIT_TABLE = """
second        | time      | 1/86400         | 秒 秒钟 s                  | seconds;second;sec;secs;s
minute        | time      | 1/1440          | 分钟 min                   | minutes;minute;min;mins
hour          | time      | 1/24            | 小时 钟头 h                | hours;hour;hr;hrs;h
day           | time      | 1               | 天 工作日 交易日 昼夜 日   | days;day;working days;business days;trading days
week          | time      | 7               | 周 星期 礼拜               | weeks;week
month         | time      | 365/12          | 个月                       | months;month
quarter       | time      | 365/4           | 季度 季                    | quarters
year          | time      | 365             | 年 周年 岁 周岁 载         | years;year;yr;yrs;years old;year-old;years of age
decade        | time      | 3650            |                            | decades;decade
century       | time      | 36500           | 世纪                       | centuries;century
percent       | share     | 1               | % 厘                       | %;percent;per cent;pct
permille      | share     | 0.1             | ‰                          | ‰;per mille
pp            | point     | 1               | 百分点                     | percentage points;percentage point;percentage-point;pp;ppt;ppts
bp            | point     | 0.01            | 基点 点子                  | basis points;basis point;basis-point;bps;bp
nm            | length    | 1e-9            | 纳米 nm                    | nm;nanometers;nanometer;nanometres;nanometre
µm            | length    | 1e-6            | 微米 µm                    | µm;μm;microns;micrometers;micrometres
mm            | length    | 1e-3            | 毫米 mm                    | mm;millimeters;millimeter;millimetres;millimetre
cm            | length    | 1e-2            | 厘米 公分 cm               | cm;centimeters;centimeter;centimetres;centimetre
m             | length    | 1               | 米 公尺 m                  | meters;m;meter;metres;metre
km            | length    | 1e3             | 公里 千米 km KM            | kilometers;km;kms;kilometer;kilometres;kilometre
li            | length    | 500             | 里 华里                    | li
inch          | length    | 0.0254          | 英寸                       | inches;inch
foot          | length    | 0.3048          | 英尺                       | feet;foot;ft
mile          | length    | 1609.344        | 英里                       | miles;mile
nautical mile | length    | 1852            | 海里 浬                    | nautical miles;nautical mile
m2            | area      | 1               | 平方米 平米 平方公尺 m² m2 | square meters;square meter;square metres;square metre;sq m;sqm;m²;m2
km2           | area      | 1e6             | 平方公里 平方千米 km² km2  | square kilometers;square kilometer;square kilometres;square kilometre;sq km;km²;km2
hectare       | area      | 1e4             | 公顷                       | hectares;hectare;ha
mu            | area      | 2000/3          | 亩                         | mu
acre          | area      | 4046.856        | 英亩                       | acres;acre
ft2           | area      | 0.09290304      | 平方英尺 平方呎            | square feet;square foot;sq ft
mi2           | area      | 2589988.11      | 平方英里                   | square miles;square mile
ml            | volume    | 1e-3            | 毫升 ml mL                 | ml;milliliters;millilitres
liter         | volume    | 1               | 升 公升 L                  | liters;liter;litres;litre
m3            | volume    | 1e3             | 立方米 m³ m3               | cubic meters;cubic meter;cubic metres;cubic metre;m³;m3
barrel        | volume    | 158.987         | 桶                         | barrels;barrel
gallon        | volume    | 3.785412        | 加仑                       | gallons;gallon
mg            | mass      | 1e-6            | 毫克 mg                    | mg;milligrams;milligram
g             | mass      | 1e-3            | 克 g                       | grams;g;gram;grammes
liang         | mass      | 0.05            | 两                         | taels;tael;liang
jin           | mass      | 0.5             | 斤                         | jin;catties;catty
kg            | mass      | 1               | 公斤 千克 kg KG            | kilograms;kg;kgs;kilogram;kilos;kilo
gigaton       | mass      | 1e12            |                            | gigatons;gigaton;gigatonnes
megaton       | mass      | 1e9             |                            | megatons;megaton;megatonnes
ton           | mass      | 1e3             | 吨 公吨                    | tons;ton;tonnes;tonne;metric tons;metric tonnes
pound         | mass      | 0.45359237      | 磅                         | pounds;pound;lbs;lb
ounce         | mass      | 0.02834952      | 盎司 安士                  | ounces;ounce;oz
V             | voltage   | 1               | 伏 伏特                    | volts;volt
kV            | voltage   | 1e3             | 千伏 kV KV                 | kilovolts;kv;kilovolt;kvp
eV            | electronvolts | 1           | 电子伏 电子伏特 eV         | electronvolts;ev;electronvolt;electron volts
keV           | electronvolts | 1e3         | 千电子伏 千电子伏特 keV    | kiloelectronvolts;kev
MeV           | electronvolts | 1e6         | 兆电子伏 兆电子伏特 MeV    | megaelectronvolts;mev
kcal          | calories  | 1               | 千卡 大卡 kcal             | kilocalories;kcal;calories
W             | power     | 1               | 瓦 瓦特 W                  | watts;watt
kW            | power     | 1e3             | 千瓦 kW KW                 | kilowatts;kw;kilowatt
MW            | power     | 1e6             | 兆瓦 MW                    | megawatts;mw;megawatt
GW            | power     | 1e9             | 吉瓦 GW                    | gigawatts;gw;gigawatt
TW            | power     | 1e12            | 太瓦                       | terawatts;terawatt
Wh            | energy    | 1               | 瓦时                       | watt-hours;watt hours
kWh           | energy    | 1e3             | 千瓦时 度电 kWh            | kilowatt-hours;kwh;kwhs;kilowatt hours;kilowatt-hour
MWh           | energy    | 1e6             | 兆瓦时 MWh                 | megawatt-hours;mwh;megawatt hours
GWh           | energy    | 1e9             | 吉瓦时 GWh                 | gigawatt-hours;gwh;gigawatt hours
TWh           | energy    | 1e12            | 太瓦时 TWh                 | terawatt-hours;twh;terawatt hours
KB            | data      | 1e3             | KB kB                      | KB;kilobytes
MB            | data      | 1e6             | MB 兆字节                  | MB;megabytes
GB            | data      | 1e9             | GB                         | GB;gigabytes
TB            | data      | 1e12            | TB                         | TB;terabytes
PB            | data      | 1e15            | PB                         | PB;petabytes
kbit/s        | rate      | 1e3             | kbps Kbps                  | kbit/s;kbps
Mbit/s        | rate      | 1e6             | Mbps Mbit/s Mb/s           | Mbit/s;mbps;mb/s;megabits per second
Gbit/s        | rate      | 1e9             | Gbps Gbit/s Gb/s           | Gbit/s;gbps;gb/s;gigabits per second
Tbit/s        | rate      | 1e12            | Tbps Tbit/s                | Tbit/s;tbps
Hz            | frequency | 1               | 赫兹 Hz                    | Hz;hertz
kHz           | frequency | 1e3             | 千赫 kHz                   | kHz;kilohertz
MHz           | frequency | 1e6             | 兆赫 MHz                   | MHz;megahertz
GHz           | frequency | 1e9             | 吉赫 GHz                   | GHz;gigahertz
km/h          | speed     | 1               | km/h                       | km/h;kph;kmh;kilometers per hour;kilometres per hour
m/s           | speed     | 3.6             | m/s                        | m/s;meters per second;metres per second
mph           | speed     | 1.609344        |                            | mph;miles per hour
°C            | celsius   | 1               | 摄氏度 ℃ °C               | °C;℃;degrees celsius;degree celsius;degrees centigrade
°F            | fahrenheit| 1               | 华氏度 °F                  | °F;degrees fahrenheit
"""  # noqa: E501

# code | Chinese after the number | Chinese before | English before | English after (as said first)
_CURRENCY_TABLE = """
CNY | 元人民币 人民币元 人民币 块钱 块人民币 | 人民币 RMB CNY | RMB CNY CN¥ | yuan;rmb yuan;yuan rmb;yuan renminbi;renminbi yuan;renminbi;rmb;cny;kuai
USD | 美元 美金 元美金 美刀         | US$ USD 美金 美元     | US$ USD U.S.$ | US dollars;us dollar;u.s. dollars;u.s. dollar;american dollars;usd
HKD | 港元 港币 元港币 港纸         | HK$ HKD 港币 港元     | HK$ HKD   | Hong Kong dollars;hong kong dollar;hk dollars;hkd
TWD | 元新台币 新台币 元台币 台币   | NT$ TWD NTD 新台币 台币 | NT$ TWD NTD NT  | New Taiwan dollars;nt dollars;twd
EUR | 欧元                          | € EUR                 | € EUR     | euros;euro;eur
GBP | 英镑                          | £ GBP                 | £ GBP     | pounds sterling;british pounds;gbp
JPY | 日元                          | JPY                   | JPY JP¥   | yen;japanese yen;jpy
KRW | 韩元 韩币                     | KRW                   | KRW ₩     | won;korean won;krw
AUD | 澳元 澳币                     | A$ AUD                | A$ AU$ AUD | Australian dollars;aud
CAD | 加元 加币                     | C$ CAD                | C$ CAD    | Canadian dollars;cad
SGD | 新加坡元 坡元 新元 坡币       | S$ SGD                | S$ SGD    | Singapore dollars;sgd
NZD | 新西兰元 纽元 纽币            | NZD                   | NZ$ NZD   | New Zealand dollars;nzd
MOP | 澳门元                        | MOP                   | MOP       | patacas;pataca;mop
CHF | 瑞士法郎 瑞郎                 | CHF                   | CHF       | Swiss francs;chf
RUB | 卢布                          | RUB                   | RUB       | rubles;roubles;rub
INR | 卢比                          | INR                   | INR ₹     | rupees;inr
THB | 泰铢                          | THB                   | THB       | baht;thb
VND | 越南盾                        | VND                   | VND       | dong;vnd
MYR | 林吉特 马币                       | RM                    | MYR       | ringgit;myr
SEK | 瑞典克朗 克朗               | SEK                   | SEK       | kronor;krona;kroner;krone;sek
BRL | 雷亚尔                        | BRL                   | BRL R$    | reais;brl
元  | 元                            |                       |           |
¥   |                               | ¥                     | ¥         |
$   |                               | $                     | $         | dollars;dollar;bucks
"""  # noqa: E501


class Currency(NamedTuple):
    """How a currency is written: after and before the number, in each language."""

    zh_after: tuple[str, ...]
    zh_before: tuple[str, ...]
    en_before: tuple[str, ...]
    en_after: tuple[str, ...]


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def _kind_of(dimension: str) -> Kind:
    kinds: dict[str, Kind] = {"time": "time", "share": "percent", "point": "point"}
    return kinds.get(dimension, "measure")


CURRENCIES: dict[str, Currency] = {
    row[0]: Currency(
        tuple(row[1].split()),
        tuple(row[2].split()),
        tuple(row[3].split()),
        tuple(filter(None, row[4].split(";"))),
    )
    for row in _cells(_CURRENCY_TABLE)
}
UNITS: dict[str, Unit] = {row[0]: Unit(row[1], float(Fraction(row[2]))) for row in _cells(_UNIT_TABLE)}
ZH_UNITS: dict[str, Name] = {
    name: Name(_kind_of(row[1]), row[0]) for row in _cells(_UNIT_TABLE) for name in row[3].split()
} | {
    "成": Name("percent", "percent", 10),
    "折": Name("percent", "discount", 10),
    "旬": Name("time", "year", 10),
    **{
        name: Name("money", code, 0.01)
        for name, code in (("美分", "USD"), ("港仙", "HKD"), ("欧分", "EUR"), ("便士", "GBP"))
    },
    "倍": Name("multiple", ""),
    **dict.fromkeys(("次", "遍", "回", "趟"), Name("plain", "times")),
}
EN_UNIT_NAMES: dict[str, tuple[str, ...]] = {
    row[0]: tuple(name.strip() for name in row[4].split(";")) for row in _cells(_UNIT_TABLE)
}
EN_UNITS: dict[str, Name] = (
    {
        name.lower(): Name(_kind_of(UNITS[unit].dimension), unit)
        for unit, names in EN_UNIT_NAMES.items()
        for name in names
    }
    | dict.fromkeys(("times", "fold", "x"), Name("multiple", ""))
    | {  # Hong Kong dollars, Hong Kong cents; euro, euro cents; dollars, cents
        name.lower().removesuffix("s").replace("dollar", "").replace("euro", "euro ") + ending: Name(
            "money", code, 0.01
        )
        for code, currency in CURRENCIES.items()
        for name in currency.en_after
        if re.fullmatch("(?:.* )?dollars?|euros?", name)
        for ending in ("cent", "cents")
    }
    | dict.fromkeys(("pence", "penny"), Name("money", "GBP", 0.01))
)
OPEN_CURRENCIES = {
    "元": frozenset({"CNY", "HKD", "TWD", "MOP", "SGD", "USD", "$"}),
    "¥": frozenset({"CNY", "JPY", "元"}),
    "$": frozenset({"USD", "HKD", "TWD", "SGD", "AUD", "CAD", "NZD", "MOP"}),
}
"""What 元, "¥" and "$" may stand for where the text leaves it open."""
