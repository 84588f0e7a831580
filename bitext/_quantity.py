"""What a quantity is, and which units measure the same thing.

The readers of the two languages (`_quantities_zh`, `_quantities_en`) fill in `Quantity`; `quantities` compares them.
A quantity is an interval, because much of what people write is one: 数十亿, "dozens", 两三, "2–3 million".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bitext.data import Span

Kind = Literal["plain", "percent", "point", "multiple", "ordinal", "date", "time", "money", "measure"]
Hedge = Literal["", "about", "over", "under"]

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
        as usual (the month of "March" is 3).
    kind : {"plain", "percent", "point", "multiple", "ordinal", "date", "time", "money", "measure"}
        "point" is a difference of percentages (个百分点, basis points).  Each part of a date (year, month,
        day) is a quantity of its own; "time" is a duration, or a clock time where `unit` is "clock".
    unit : str
        ISO 4217 for money ("元" and "$" where it is left open which), a name of `UNITS` otherwise, "" for none.
    hedge : {"", "about", "over", "under"}
        约, 左右 · 逾, 超过, 多, 余 · 近, 接近, 不到.
    vague : bool
        Whether only an order of magnitude is given: 数百, 几十, "dozens", "tens of billions".
    step : float
        Worth of the last digit written: 0.1 million for "1.2 million".
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


# unit -> (what it measures, how many of the base unit)
UNITS: dict[str, tuple[str, float]] = {
    # durations, in days; months and years by the calendar's mean
    "second": ("time", 1 / 86400),
    "minute": ("time", 1 / 1440),
    "hour": ("time", 1 / 24),
    "day": ("time", 1.0),
    "week": ("time", 7.0),
    "month": ("time", 365 / 12),
    "quarter": ("time", 365 / 4),
    "year": ("time", 365.0),
    "decade": ("time", 3650.0),
    "century": ("time", 36500.0),
    # shares, in percent
    "percent": ("share", 1.0),
    "permille": ("share", 0.1),
    "pp": ("point", 1.0),
    "bp": ("point", 0.01),
    # lengths, in meters
    "nm": ("length", 1e-9),
    "µm": ("length", 1e-6),
    "mm": ("length", 1e-3),
    "cm": ("length", 1e-2),
    "m": ("length", 1.0),
    "km": ("length", 1e3),
    "li": ("length", 500.0),
    "inch": ("length", 0.0254),
    "foot": ("length", 0.3048),
    "mile": ("length", 1609.344),
    "nautical mile": ("length", 1852.0),
    # areas, in square meters
    "m2": ("area", 1.0),
    "km2": ("area", 1e6),
    "hectare": ("area", 1e4),
    "mu": ("area", 10000 / 15),
    "acre": ("area", 4046.856),
    "ft2": ("area", 0.09290304),
    "mi2": ("area", 2589988.11),
    # volumes, in liters
    "ml": ("volume", 1e-3),
    "liter": ("volume", 1.0),
    "m3": ("volume", 1e3),
    "barrel": ("volume", 158.987),
    "gallon": ("volume", 3.785412),
    # masses, in kilograms
    "mg": ("mass", 1e-6),
    "g": ("mass", 1e-3),
    "liang": ("mass", 0.05),
    "jin": ("mass", 0.5),
    "kg": ("mass", 1.0),
    "ton": ("mass", 1e3),
    "pound": ("mass", 0.45359237),
    "ounce": ("mass", 0.02834952),
    # power, in watts; energy, in watt-hours
    "W": ("power", 1.0),
    "kW": ("power", 1e3),
    "MW": ("power", 1e6),
    "GW": ("power", 1e9),
    "TW": ("power", 1e12),
    "Wh": ("energy", 1.0),
    "kWh": ("energy", 1e3),
    "MWh": ("energy", 1e6),
    "GWh": ("energy", 1e9),
    "TWh": ("energy", 1e12),
    # information, in bytes and bytes per second; frequency, in hertz
    "KB": ("data", 1e3),
    "MB": ("data", 1e6),
    "GB": ("data", 1e9),
    "TB": ("data", 1e12),
    "PB": ("data", 1e15),
    "kbit/s": ("rate", 1e3),
    "Mbit/s": ("rate", 1e6),
    "Gbit/s": ("rate", 1e9),
    "Tbit/s": ("rate", 1e12),
    "Hz": ("frequency", 1.0),
    "kHz": ("frequency", 1e3),
    "MHz": ("frequency", 1e6),
    "GHz": ("frequency", 1e9),
    # speed, in km/h; temperature and angle have no common base with anything else here
    "km/h": ("speed", 1.0),
    "m/s": ("speed", 3.6),
    "mph": ("speed", 1.609344),
    "°C": ("celsius", 1.0),
    "°F": ("fahrenheit", 1.0),
}

OPEN_CURRENCIES = {
    "元": frozenset({"CNY", "HKD", "TWD", "MOP", "SGD", "USD", "$", "元"}),
    "$": frozenset({"USD", "HKD", "TWD", "SGD", "AUD", "CAD", "NZD", "MOP", "$", "元"}),
}
"""What 元 and "$" may stand for where the text leaves it open."""


def same_currency(first: str, second: str) -> bool:
    """Whether two money units can be the same currency."""
    return (
        first == second
        or second in OPEN_CURRENCIES.get(first, ())
        or first in OPEN_CURRENCIES.get(second, ())
    )


def scale_between(first: str, second: str) -> float | None:
    """How many `second` one `first` is; ``None`` if they do not measure the same thing."""
    if first == second:
        return 1.0
    one, other = UNITS.get(first), UNITS.get(second)
    if one is None or other is None or one[0] != other[0]:
        return None
    return one[1] / other[1]
