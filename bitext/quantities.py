"""Numbers in Chinese and English as comparable intervals: text in, quantities and findings out.

A digit comparison passes 4,078億 → "4,078 billion", ten times too much, and flags 690万 → "6.9 million",
which is right; so every number is read as what it means: an interval, what it counts, and how sure the writer
is.

What the vague words are taken to mean: 数 or 几 before a scale is 2 to 9.99 times that scale, so 数十亿 is
2–9.99 billion ("billions") and 数百亿 is 20–99.9 billion ("tens of billions"); 十几 is 11–19; 两三 is 2–3;
上千 is 1,000–9,990.  "Tens of", "hundreds of" and "thousands of" before a scale are read like 几十, 几百 and
几千; "dozens" is 20–99.9; a bare plural such as "millions" is anything from 2 to 999 million.

The two sides are matched one to one: equal values first, then values that differ by a power of ten or in
precision, then whatever is left and counts the same thing.  Both directions, zh→en and en→zh, take one path.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from bitext import _quantities_en, _quantities_zh
from bitext._numeral_phrases import SIMPLIFIED
from bitext._numerals_en import ORDINALS
from bitext._quantity import LOWER, UNITS, UPPER, Hedge, Kind, Quantity, same_currency
from bitext._quantity_wording import EN_HEDGES, in_chinese, in_english, meaning
from bitext.data import Severity, Span
from bitext.errors import LanguageError

__all__ = [
    "Hedge",
    "Kind",
    "Quantity",
    "QuantityFinding",
    "compare_quantities",
    "find_quantities",
    "format_quantity",
]

FindingKind = Literal["missing", "magnitude", "value", "vague", "precise", "hedge", "unit", "style", "added"]


@dataclass(frozen=True, slots=True)
class QuantityFinding:
    """One number that a translation seems to get wrong.

    Parameters
    ----------
    kind : str
        "missing", "added"; "magnitude" (ten times too much, …), "value" (another number); "vague" (an exact
        number became an order of magnitude), "precise" (the reverse); "hedge" (nearly ↔ more than); "unit"
        (unit or currency); "style" (right, but not how it is said: "0.05 million").
    source, target : Quantity or None
    factor : float or None
        Target value over source value, where that says something: 10.0 for 4,078億 → "4,078 billion".
    severity : {"neutral", "minor", "major", "critical"}
    confidence : float
        In [0, 1].
    message : str
        The two readings and what is wrong between them.
    suggestion : str or None
        The source's number in the language of the target.
    """

    kind: FindingKind
    source: Quantity | None
    target: Quantity | None
    factor: float | None
    severity: Severity
    confidence: float
    message: str
    suggestion: str | None = None


def find_quantities(text: str, lang: str, *, masked: Sequence[Span] = ()) -> list[Quantity]:
    """Find every number in `text`, in reading order.

    Parameters
    ----------
    text : str
    lang : str
        BCP 47; Chinese (any script) or English.
    masked : sequence of span
        Names and terms, as code points ``[start, end)``; numerals in them are no numbers.

    Raises
    ------
    LanguageError
        If `lang` is neither Chinese nor English.

    Examples
    --------
    >>> [(q.low, q.high, q.unit) for q in find_quantities("数百亿美元", "zh")]
    [(20000000000.0, 99900000000.0, 'USD')]
    """
    return _reader(lang)(text, masked)


def compare_quantities(
    source_text: str,
    target_text: str,
    *,
    source_lang: str = "zh",
    target_lang: str = "en",
    source_masked: Sequence[Span] = (),
    target_masked: Sequence[Span] = (),
    yuan: str = "元",
    min_confidence: float = 0.5,
) -> list[QuantityFinding]:
    """Find the numbers of a source that its translation does not carry, or carries wrongly.

    Parameters
    ----------
    source_text, target_text : str
        The two sides of a bead, a paragraph or a short document.
    source_lang, target_lang : str
        BCP 47; Chinese or English, in either direction.
    source_masked, target_masked : sequence of span
        Names and terms whose numerals are no numbers.
    yuan : str
        Which currency a bare 元 is in this document ("CNY", "HKD", …); by default it may be any.
    min_confidence : float, default 0.5
        Findings below this, in [0, 1], are left out.

    Returns
    -------
    list of QuantityFinding
        In the order of the source; what only the target has comes last.

    Examples
    --------
    >>> [finding] = compare_quantities("总值4,078亿港元", "a total of HK$4,078 billion")
    >>> finding.kind, finding.factor, finding.suggestion
    ('magnitude', 10.0, 'HK$407.8 billion')
    """
    source = find_quantities(source_text, source_lang, masked=source_masked)
    target = find_quantities(target_text, target_lang, masked=target_masked)
    source, target = (
        [replace(q, unit=yuan) if q.unit == "元" else q for q in side] for side in (source, target)
    )
    source, target = _split(source, target, source_lang), _split(target, source, target_lang)
    pairs = _matched(source, target)
    lang = _with_script(target_lang, target_text)
    findings = [f for i, j, relation in pairs for f in _pair_findings(source[i], target[j], relation, lang)]
    findings += _missing(source, target, {i for i, _, _ in pairs}, lang)
    findings += _added(source, target, {j for _, j, _ in pairs}, source_text, target_text)
    findings = [f for f in findings if f.confidence >= min_confidence]
    wrong = {id(f.target) for f in findings}
    findings += (
        f for q in target if id(q) not in wrong and (f := _style(q, lang)) and f.confidence >= min_confidence
    )
    order = {id(q): i for i, q in enumerate(source)}
    return sorted(findings, key=lambda f: order.get(id(f.source), len(order)))


def format_quantity(quantity: Quantity, lang: str) -> str:
    """Say `quantity` the way `lang` says it.

    Examples
    --------
    >>> format_quantity(find_quantities("数百亿美元", "zh")[0], "en")
    'tens of billions of US dollars'
    >>> format_quantity(find_quantities("HK$407.8 billion", "en")[0], "zh-Hant")
    '4078億港元'
    """
    if _is_chinese(lang):
        return in_chinese(quantity, traditional=_is_traditional(lang))
    _reader(lang)
    return in_english(quantity)


# ------------------------------------------------------------------------------------------------- languages


def _is_chinese(lang: str) -> bool:
    return lang.lower().split("-")[0] in ("zh", "yue", "cmn")


def _is_traditional(lang: str) -> bool:
    return bool({"hant", "hk", "tw", "mo"} & set(lang.lower().split("-")))


def _with_script(lang: str, text: str) -> str:
    """Add to "zh" the script that `text` is in, so that a suggestion fits in."""
    traditional = lang.lower() == "zh" and any(ord(c) in SIMPLIFIED for c in text)
    return "zh-Hant" if traditional else lang


def _reader(lang: str) -> Callable[[str, Sequence[Span]], list[Quantity]]:
    if _is_chinese(lang):
        return _quantities_zh.scan
    if lang.lower().split("-")[0] == "en":
        return _quantities_en.scan
    raise LanguageError(
        f"numbers in {lang!r} cannot be read; expected Chinese ('zh', 'zh-Hant', …) or English ('en')."
    )


# ------------------------------------------------------------------------------------ relation of two numbers


@dataclass(frozen=True, slots=True)
class _Relation:
    name: Literal["equal", "vague", "precise", "magnitude", "value", "unit"]
    score: float
    factor: float | None = None


def _readings(q: Quantity) -> list[tuple[str, float, float, float]]:
    """List what `q` may be taken to mean: (what is measured, low, high, score), best first."""
    if q.unit in UNITS and q.kind != "date":
        dimension, worth = UNITS[q.unit]
        readings = [(dimension, q.low * worth, q.high * worth, 1.0)]
    else:
        readings = [(q.kind, q.low, q.high, 1.0)]
    if q.kind == "multiple":
        readings.append(("share", 100 * q.low, 100 * q.high, 0.95))
        readings.append(("share", 100 * (q.low - 1), 100 * (q.high - 1), 0.95))
        readings.append(("share", 100 / max(q.high, 1.0), 100 / max(q.low, 1.0), 0.7))  # "4x smaller"
    elif q.unit == "discount":
        readings = [("share", q.low, q.high, 0.95), ("share", 100 - q.high, 100 - q.low, 1.0)]
    elif q.unit == "decade" and q.kind == "date":
        readings.append(("date", q.low % 100, q.high % 100, 0.98))
    elif q.unit == "year" and q.kind == "date":
        other = q.low % 100 if q.low > 200 else q.low + 1911  # 民国一百零八年 is 2019
        readings.append(("date", other, other, 0.85 if q.low > 200 else 0.95))
    elif q.unit == "year" and q.kind == "time" and q.low < 100:  # 16年 may be 2016
        readings.append(("date", q.low, q.high, 0.85))
        readings.append(("date", q.low + 1911, q.high + 1911, 0.7))  # 自民国二十六年起至三十五年止
    elif q.kind == "plain" and _FOOTNOTED_YEAR.fullmatch(q.text):
        year = float(q.text[:4])
        readings.append(("date", year, year, 0.85))
    elif q.unit == "clock":
        (hour, minute), last = divmod(q.low, 60), q.high // 60
        readings = [("clock", q.low % 1440, q.high % 1440, 1.0), ("clock", q.low % 720, q.high % 720, 0.9)]
        readings.append(("time", q.low / 86400, q.high / 86400, 0.8))  # 4:51 may be minutes and seconds
        if minute == 0:
            # "at eleven", "at two or three"
            readings += [("plain", hour, last, 0.8), ("plain", hour % 12, last % 12, 0.8)]
        elif ":" in q.text:
            readings.append(("plain", hour, minute, 0.8))  # a score
    return readings


_FOOTNOTED_YEAR = re.compile(r"(?:19|20)\d\d\d{1,2}")  # "20092": the mark after 2009 has lost its raising
_SAME = 1e-6


def _same(a: float, b: float) -> bool:
    return abs(a - b) <= _SAME * max(abs(a), abs(b), _SAME)


def _equal(s: Quantity, t: Quantity) -> float:
    """How well two quantities agree: 0, or a score in (0, 1]."""
    if s.kind == t.kind == "multiple":
        same = _same(s.low, t.low) and _same(s.high, t.high)
        return (
            1.0
            if same
            else 0.7
            if _growth_in_times(s, t)
            else _nearly(s, t, (s.low, s.high), (t.low, t.high))
        )
    if s.kind == t.kind == "percent" and _loose_share(s, t):
        return 0.8
    if {_half_of_day(s), _half_of_day(t)} == {"a", "p"}:
        return 0.0
    best = 0.0
    for dimension, low, high, score in _readings(s):
        for other, other_low, other_high, other_score in _readings(t):
            if _same(low, other_low) and _same(high, other_high):
                best = max(best, score * other_score * (1.0 if dimension == other else 0.9))
            elif dimension == other and dimension not in ("date", "clock", "ordinal"):
                best = max(best, score * other_score * _nearly(s, t, (low, high), (other_low, other_high)))
    if _same(s.low, t.low) and _same(s.high, t.high):
        best = max(best, 0.75)
    elif "plain" in (s.kind, t.kind):
        best = max(best, 0.9 * _nearly(s, t, (s.low, s.high), (t.low, t.high)))
    if best and s.kind == t.kind == "money" and not same_currency(s.unit, t.unit):
        best *= 0.9
    return best


def _half_of_day(q: Quantity) -> str:
    """Return "a" or "p" where a clock time says so, "" where it may be either; what is called twelve is not asked."""
    if q.unit != "clock" or q.low >= 1440 or 720 <= q.low < 780:
        return ""
    return "p" if q.low >= 780 else "a" if _BEFORE_NOON.search(q.text) else ""


_BEFORE_NOON = re.compile(r"a\.?m\.?", re.IGNORECASE)


def _loose_share(s: Quantity, t: Quantity) -> bool:
    """Whether 三成 stands against "a third": both are round."""
    tenths, other = (s, t) if "成" in s.text else (t, s)
    worded = not any(c.isdigit() for c in other.text) and other.text != "percent"
    return "成" in tenths.text and worded and tenths.low != other.low and abs(tenths.low - other.low) < 4


def _growth_in_times(s: Quantity, t: Quantity) -> bool:
    """Whether 增长两倍 stands against "two times", "by a factor of two": they may mean it; "doubled" does not."""
    growth, other = (s, t) if s.unit == "increase" else (t, s)
    return (
        growth.unit == "increase"
        and (other.text.endswith(("times", "fold")) or other.text.isdigit())
        and _same(growth.low - 1, other.low)
    )


def _nearly(s: Quantity, t: Quantity, interval: tuple[float, float], other: tuple[float, float]) -> float:
    """Agreement of two intervals in one unit that are not the same: neither is exact, or one is rounded."""
    if s.exact and t.exact:
        return 0.88 if _rounds(s, t, interval[0], other[0]) else 0.0
    if s.exact != t.exact and any(q.vague and q.hedge in UPPER for q in (s, t)):  # 上百万 and "a million"
        return 0.8 if _same(interval[0], other[0]) else 0.0
    if not (s.vague or t.vague) or not (_is_open(s) and _is_open(t)):
        return 0.0
    overlap = interval[0] <= _reach(t, other[1]) * (1 + _SAME) and other[0] <= _reach(s, interval[1]) * (
        1 + _SAME
    )
    return 0.85 if overlap else 0.0


def _is_open(q: Quantity) -> bool:
    return not q.exact or q.hedge in UPPER


def _reach(q: Quantity, high: float) -> float:
    """Upper end of a number with 多 or "more than": 三十多 stays below 40."""
    if q.hedge not in UPPER or q.vague or q.low != q.high or not high:
        return high
    return high + 10.0 ** math.floor(math.log10(high) + 1e-9)


def _rounds(s: Quantity, t: Quantity, low: float, other_low: float) -> bool:
    """Whether one number is the other, rounded to two or more digits of a large number."""
    if not (s.exact and t.exact) or s.kind in ("date", "ordinal") or not low or not other_low:
        return False
    own, step = s.step * _unit_worth(s), t.step * _unit_worth(t)
    coarse = t if step >= own else s
    if coarse is s and s.unit == t.unit:
        return False  # a translation does not know more digits
    step = max(own, step)
    if step < 2 and not (coarse.hedge and coarse.low >= 10):
        return False
    if coarse.low / coarse.step < (9.5 if not coarse.hedge else 1):
        return False
    return abs(low - other_low) <= step / 2 * (1 + 1e-9) and abs(low - other_low) <= 0.05 * low


def _unit_worth(q: Quantity) -> float:
    return UNITS[q.unit].worth if q.unit in UNITS and q.kind != "date" else 1.0


def _precision(s: Quantity, t: Quantity) -> _Relation | None:
    """Relate an exact number to an order of magnitude that holds it, or nearly does."""
    if s.vague == t.vague or not _countable_alike(s, t):
        return None
    exact, vague = (t, s) if s.vague else (s, t)
    if exact.low != exact.high or vague.high / max(vague.low, 1e-9) < 1.2:
        return None
    worth = (
        _unit_worth(exact) / _unit_worth(vague)
        if UNITS.get(exact.unit, ("",))[0] == UNITS.get(vague.unit, ("",))[0]
        else 1.0
    )
    value = exact.low * worth
    if value <= 0:
        return None
    name: Literal["vague", "precise"] = "precise" if s.vague else "vague"
    if vague.low <= value <= vague.high * 1.01:
        return _Relation(name, 0.6, None)
    nearest = vague.low / value if value < vague.low else vague.high / value
    if 0.4 <= nearest <= 2.5:
        return _Relation(name, 0.5, nearest if name == "vague" else 1 / nearest)
    return None


def _magnitude(s: Quantity, t: Quantity) -> _Relation | None:
    """Find the same digits at another power of ten."""
    if (
        s.kind in ("date", "ordinal")
        or t.kind in ("date", "ordinal")
        or any(
            q.kind == "multiple" and q.low < 1000 for q in (s, t)
        )  # 310万次 and "310,000 times" are counts
        or "clock" in (s.unit, t.unit)
    ):
        return None
    if not _countable_alike(s, t) or not s.low or not t.low:
        return None
    low, other = s.low * _unit_worth(s), t.low * _unit_worth(t)
    if UNITS.get(s.unit, ("",))[0] != UNITS.get(t.unit, ("",))[0]:
        low, other = s.low, t.low
    power = round(math.log10(other / low))
    if not power or abs(power) > 9:
        return None
    factor = 10.0**power
    tolerance = 0.006 if s.exact and t.exact else 0.02
    if abs(other / low / factor - 1) > tolerance or (not s.vague and t.vague) or (s.vague and not t.vague):
        return None
    if (
        max(low, other) < 1000
        and abs(power) == 1
        and s.low == int(s.low)
        and s.low < 10
        and s.kind == t.kind == "plain"
    ):
        return _Relation("magnitude", 0.3, factor)
    return _Relation("magnitude", 0.6 - 0.03 * abs(power), factor)


def _value(s: Quantity, t: Quantity) -> _Relation | None:
    """Another number for what may be the same thing."""
    if {s.kind, t.kind} == {"percent", "multiple"}:  # 两成多 as "more than doubled"
        return _Relation("value", 0.2 * (0.5 + 0.5 * min(s.weight, t.weight)), None)
    if any(q.unit == "times" and q.low == 1 for q in (s, t)) and not _say_how_often(s, t):
        return None  # 一次会谈 is "a talk"
    exact = s.exact and t.exact
    if not exact and (s.vague or t.vague or s.kind != t.kind or s.kind == "plain"):
        return None
    factor = t.low / s.low if s.low else None
    sure = 0.5 + 0.5 * min(s.weight, t.weight)
    if not _countable_alike(s, t):
        return _Relation("value", 0.2 * sure, factor) if _calendar_alike(s, t) else None
    if s.kind in ("date", "ordinal") and s.unit != t.unit:
        return None
    if (s.kind == t.kind == "measure" and _dimension(s) != _dimension(t)) or (s.unit == "clock") != (
        t.unit == "clock"
    ):
        return None
    closeness = min(s.low, t.low) / max(s.low, t.low) if s.low > 0 and t.low > 0 else 0.0
    same_unit = 0.1 if _say_how_often(s, t) or (s.unit == t.unit and s.kind == t.kind) else 0.0
    return _Relation("value", (0.15 + 0.15 * closeness + same_unit) * sure, factor)


def _calendar_alike(s: Quantity, t: Quantity) -> bool:
    """Match a day with "the 27th", a year with another number of four digits."""
    kinds = {(s.kind, s.unit), (t.kind, t.unit)}
    if kinds == {("date", "day"), ("ordinal", "")}:
        return min(s.weight, t.weight) > 0.5
    return kinds == {("date", "year"), ("plain", "")} and 1000 <= s.low <= 9999 and 1000 <= t.low <= 9999


def _say_how_often(s: Quantity, t: Quantity) -> bool:
    """Whether 三次 stands against "eight times", "twice" or "once"."""
    chinese, english = (s, t) if s.unit == "times" else (t, s)
    return chinese.unit == "times" and english.text.lower().endswith(("times", "twice", "thrice", "once"))


_COUNTS = frozenset({"plain", "money", "measure", "time", "multiple"})


def _countable_alike(s: Quantity, t: Quantity) -> bool:
    return s.kind == t.kind or (s.kind in _COUNTS and t.kind in _COUNTS and "plain" in (s.kind, t.kind))


# -------------------------------------------------------------------------------------------------- matching


def _split(quantities: list[Quantity], others: list[Quantity], lang: str) -> list[Quantity]:
    """Take a range, score or "three out of four" apart where the other side has only its parts."""
    result: list[Quantity] = []
    atoms = [*others, *(end for o in others if not o.exact and not o.vague for end in _parts(o, lang))]
    for q in quantities:
        parts = () if any(_equal(q, o) for o in others) else _parts(q, lang)
        found = bool(parts) and all(any(_equal(part, o) for o in atoms) for part in parts)
        result.extend(parts if found else (q,))
    return result


def _parts(q: Quantity, lang: str) -> list[Quantity]:
    """Return the numbers a range or ratio is made of; none for other quantities."""
    if "，" in q.text and q.kind == "plain":  # 211，985 may be two numbers
        return [replace(q, low=float(n), high=float(n), text=n) for n in q.text.split("，") if n.isdigit()]
    if q.low != q.high:
        return [replace(q, high=q.low, vague=False, hedge=""), replace(q, low=q.high, vague=False, hedge="")]
    separator = _RATIO.search(q.text)
    if q.kind not in ("percent", "time") or separator is None:
        return []
    first, last = q.text[: separator.start()], q.text[separator.end() :]
    parts = [*find_quantities(first, lang), *find_quantities(last, lang)]
    return [replace(part, span=q.span, text=q.text) for part in parts] if len(parts) == 2 else []


_RATIO = re.compile(r"分之| out of (?:every )?| in (?:every )?|[:：/]")


def _matched(source: list[Quantity], target: list[Quantity]) -> list[tuple[int, int, _Relation]]:
    """Pairs by three rounds of maximum-weight matching: agreeing, related, left over."""
    pairs: list[tuple[int, int, _Relation]] = []
    free_source, free_target = list(range(len(source))), list(range(len(target)))
    for relate in (_agreement, _near, _value):
        if not free_source or not free_target:
            break
        relations = [[relate(source[i], target[j]) for j in free_target] for i in free_source]
        scores = np.array([[r.score if r else 0.0 for r in row] for row in relations])
        if not scores.any():
            continue
        scores[scores > 0] += 0.08 * _nearness(source, target, free_source, free_target)[scores > 0]
        chosen = _assignment(scores)
        pairs += [(free_source[a], free_target[b], r) for a, b in chosen if (r := relations[a][b])]
        free_source = [i for a, i in enumerate(free_source) if a not in {x for x, _ in chosen}]
        free_target = [j for b, j in enumerate(free_target) if b not in {y for _, y in chosen}]
    return _uncrossed(pairs, source, target)


def _uncrossed(
    pairs: list[tuple[int, int, _Relation]], source: list[Quantity], target: list[Quantity]
) -> list[tuple[int, int, _Relation]]:
    """Undo an agreement by accident: 数十亿、数百亿 as "tens or hundreds of billions" is wrong twice, not once.

    When two pairs cross, only one of them agrees, and in order both would be off by the same power of ten, they
    were copied in order.
    """
    for a, (i, j, first) in enumerate(pairs):
        for b, (k, m, second) in enumerate(pairs):
            if first.name != "equal" or second.name != "magnitude" or (i - k) * (j - m) >= 0:
                continue
            one, other = _magnitude(source[i], target[m]), _magnitude(source[k], target[j])
            if one and other and one.factor == other.factor:
                pairs[a], pairs[b] = (i, m, one), (k, j, other)
                return _uncrossed(pairs, source, target)
    return pairs


def _agreement(s: Quantity, t: Quantity) -> _Relation | None:
    score = _equal(s, t)
    return _Relation("equal", score - 0.05 * _is_flipped(s, t)) if score else None


def _near(s: Quantity, t: Quantity) -> _Relation | None:
    return _magnitude(s, t) or _precision(s, t)


def _nearness(
    source: list[Quantity], target: list[Quantity], rows: list[int], columns: list[int]
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """1 where two numbers stand at the same relative place of their texts, 0 at opposite ends."""
    first = np.array([source[i].span[0] for i in rows]) / (source[-1].span[1] or 1)
    second = np.array([target[j].span[0] for j in columns]) / (target[-1].span[1] or 1)
    return 1.0 - np.abs(first[:, None] - second[None, :])


def _assignment(scores: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[tuple[int, int]]:
    """Maximum-weight one-to-one pairs with a positive score."""
    rows, columns = np.arange(len(scores)), scores.argmax(axis=1)
    wanted = columns[scores.max(axis=1) > 0]
    if len(set(wanted.tolist())) < len(
        wanted
    ):  # two want the same; SciPy takes a quarter of a second to import
        from scipy.optimize import linear_sum_assignment

        rows, columns = linear_sum_assignment(scores, maximize=True)
    return [(int(a), int(b)) for a, b in zip(rows, columns, strict=True) if scores[a, b] > 0]


# -------------------------------------------------------------------------------------------------- findings


def _pair_findings(s: Quantity, t: Quantity, relation: _Relation, lang: str) -> Iterable[QuantityFinding]:
    if relation.name == "equal":
        yield from _hedge_finding(s, t, lang)
        yield from _unit_finding(s, t, lang)
        return
    confidence = min(s.weight, t.weight)
    severity: Severity = "major"
    how_often = _say_how_often(s, t)
    meant = s
    if how_often:
        meant = replace(s, kind="plain", unit="times")  # beside 三次 "eight times" is no multiple
    elif s.unit == "times":
        meant = replace(s, unit="")  # beside "five" of "five meetings" 三次 is just three
    message = f"{_explained(meant)}; the text says {_quoted(t)}"
    if relation.name == "magnitude":
        severity = "critical"
        confidence = 0.97 * (0.3 + 0.7 * confidence)
        message += f", ×{relation.factor:.10g}"
    elif relation.name == "value":
        if {s.kind, t.kind} == {"percent", "multiple"}:  # each alone says little; together they contradict
            confidence = 1 - (1 - s.weight) * (1 - t.weight)
        confidence *= 1.0 if how_often or s.kind == t.kind else 0.75
        if s.kind == t.kind == "ordinal" and s.unit == t.unit and s.unit in _NUMBERED:
            confidence = _SAME_COUNT
    else:
        severity = "minor" if relation.factor is None else "major"
        confidence *= {"vague": 0.9, "precise": 0.75}[relation.name] if relation.factor is None else 0.95
        message = f"{_explained(s)}{_EXACTLY[relation.name]}; the text says {_quoted(t)}, {meaning(t)}"
    yield QuantityFinding(
        relation.name, s, t, relation.factor, severity, confidence, message, _suggestion(meant, t, lang)
    )


_NUMBERED = frozenset({"division", "quarter"})
_SAME_COUNT = 0.8
"""How surely two articles, or two quarters, are meant as the same: both languages count them alike."""
_EXACTLY = {"vague": " exactly", "precise": ", an order of magnitude"}


def _hedge_finding(s: Quantity, t: Quantity, lang: str) -> Iterable[QuantityFinding]:
    if _is_flipped(s, t):
        says = f"{EN_HEDGES[t.hedge]}{t.text}"
        message = f'{s.text} is {EN_HEDGES[s.hedge]}{meaning(s)}; the text says "{says}"'
        yield QuantityFinding("hedge", s, t, None, "major", 0.75, message, _suggestion(s, t, lang))


def _is_flipped(s: Quantity, t: Quantity) -> bool:
    return (s.hedge in UPPER and t.hedge in LOWER) or (s.hedge in LOWER and t.hedge in UPPER)


def _unit_finding(s: Quantity, t: Quantity, lang: str) -> Iterable[QuantityFinding]:
    confidence = 0.0
    severity: Severity = "major"
    if s.kind == t.kind == "money":
        confidence = 0.85 * (not same_currency(s.unit, t.unit))
    elif s.kind == t.kind and s.kind in ("time", "measure") and "clock" not in (s.unit, t.unit):
        differs = s.unit != t.unit and _same(s.low, t.low) and "speed" not in (_dimension(s), _dimension(t))
        confidence = differs * (0.4 if s.vague else 0.85)
    elif {s.kind, t.kind} == {"percent", "point"}:
        confidence, severity = 0.6, "minor"
    elif {s.kind, t.kind} == {"multiple", "percent"} and _same(s.low, t.low):
        confidence = 0.85  # 15倍 as "15 percent": the digits were kept and the unit was not
    if confidence:
        weight = min(s.weight, t.weight)
        if s.low == t.low >= 2:  # 两年 as "two months": the number alone says little, the pair does
            weight = max(weight, 0.6)
        confidence *= weight
        message = f"{_explained(s)}; the text says {_quoted(t)}, another unit"
        yield QuantityFinding("unit", s, t, None, severity, confidence, message, _suggestion(s, t, lang))


def _dimension(q: Quantity) -> str:
    return UNITS[q.unit].dimension if q.unit in UNITS else ""


def _missing(
    source: list[Quantity], target: list[Quantity], matched: set[int], lang: str
) -> list[QuantityFinding]:
    findings = []
    for i, q in enumerate(source):
        if i in matched or any(_equal(q, t) for t in target):
            continue
        worded = _suggestion(q, None, lang)
        severity: Severity = "major" if q.weight >= 0.9 else "minor"
        message = f"{_explained(q)} is not in the text"
        confidence = 0.8 * q.weight * _need(q)
        findings.append(QuantityFinding("missing", q, None, None, severity, confidence, message, worded))
    return findings


def _added(
    source: list[Quantity], target: list[Quantity], matched: set[int], source_text: str, text: str
) -> list[QuantityFinding]:
    findings = []
    listed = _listed(source, source_text)
    for j, q in enumerate(target):
        if j in matched or any(_equal(s, q) for s in source):
            continue
        if any(low < q.low < high and q.low == int(q.low) for low, high in listed):
            continue
        message = f"{_explained(q)} is not in the source"
        confidence = 0.6 * q.weight * _need(q)
        if q.vague or q.kind == "ordinal" or _in_parentheses(text, q.span[0]):
            confidence /= 2  # "thousands" for 无数, the number of an edition, a conversion
        findings.append(QuantityFinding("added", None, q, None, "minor", confidence, message))
    return findings


def _listed(source: list[Quantity], text: str) -> list[tuple[float, float]]:
    """Find ranges of numbered things, which a translation may spell out: 第二条至第五条, Articles 2, 3, 4 and 5."""
    return [
        (a.low, b.low)
        for a, b in pairwise(source)
        if "ordinal" in (a.kind, b.kind) and _THROUGH.fullmatch(text[a.span[1] : b.span[0]])
    ]


_THROUGH = re.compile(r"\s?[条條款项項章节節号號页頁点點目]?\s?(?:[至到~～—–-]|to|through)\s?第?\s?")


def _in_parentheses(text: str, place: int) -> bool:
    return text.rfind("(", 0, place) > text.rfind(")", 0, place) or text.rfind("（", 0, place) > text.rfind(
        "）", 0, place
    )


def _need(q: Quantity) -> float:
    """How far a number can be said without a number: "that year" for 2016年, "all" for 100%."""
    if q.kind == "date" or q.unit == "century":
        return 0.6
    return 0.5 if q.kind == "percent" and q.low == 100 else 1.0


def _style(q: Quantity, lang: str) -> QuantityFinding | None:
    """Right values said in the wrong scale: "0.05 million", 0.05亿."""
    if not q.exact or q.kind not in ("plain", "money", "measure") or not q.text:
        return None
    digits = "".join(c for c in q.text if c in "0123456789.").strip(".")
    if not digits or q.low < 1000:
        return None
    lead = float(digits) if digits.count(".") <= 1 else 1.0
    # "0.4 million" is never said for 400,000; "0.4 billion" is
    if not 0 < lead < (1.0 if "million" in q.text.lower() else 0.1):
        return None
    message = f"{_quoted(q)} is {meaning(q)}, said in too large a scale"
    return QuantityFinding(
        "style", None, q, None, "minor", 0.9, message, format_quantity(replace(q, hedge=""), lang)
    )


def _suggestion(s: Quantity, t: Quantity | None, lang: str) -> str:
    """Say the source's number as the target would, with the currency words the target uses."""
    if (
        t is not None
        and s.kind == t.kind == "money"
        and same_currency(s.unit, t.unit)
        and s.unit in ("元", "$")
    ):
        s = replace(s, unit=t.unit)
    if t is not None and t.text.upper().startswith("RMB") and s.unit in ("CNY", "元") and not s.vague:
        hedge, number = format_quantity(s, lang), format_quantity(replace(s, hedge=""), lang)
        return hedge.removesuffix(number) + "RMB" + number.removesuffix(" yuan")
    if t is not None and s.kind == t.kind == "ordinal" and t.text.lower() in ORDINALS:
        return next((word for word, n in ORDINALS.items() if n == s.low), format_quantity(s, lang))
    return format_quantity(s, lang)


def _explained(q: Quantity) -> str:
    """Quote `q` and, unless it says so itself, what it means: "数百亿 = 20–90 billion"."""
    digits = "".join(c for c in q.text if c.isdigit() or c == ".")
    plain = q.kind not in ("multiple", "ordinal") and q.exact and digits == f"{q.low:.10g}"
    means = meaning(q)
    return q.text if (plain and q.text.isascii()) or q.text == means else f"{q.text} = {means}"


def _quoted(q: Quantity) -> str:
    return f'"{q.text}"'
