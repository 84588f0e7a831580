"""Reads bare Chinese numerals: characters in, an interval of values out.

Digits, characters and mixtures (两万五, 3千5百, 1.5万亿, 十几, 两三百, 二〇二二, 壹仟贰佰), in either script
and full width; and which numerals are none, because they belong to a set phrase.  What a numeral counts is
for `_quantities_zh`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from bitext._numeral_phrases import NOT_A_PHRASE_BEFORE, SET_PHRASES, SIMPLIFIED
from bitext._quantity import VAGUE_HIGH, blanked, without_noise
from bitext.data import Span

DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
SCALES = {"十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8, "兆": 1e12}
NUM = r"(?:\d{1,3}(?:(?:,|[ ],[ ]|[ ])\d{3})+(?!,?\d)|\d+)(?:\.\d+)?"
CHARS = "零〇一二两三四五六七八九十百千万亿兆"
# inside a numeral: 两 only before a scale (二十两 is a weight), 千 and 兆 not in a unit (千瓦)
UNIT_OF_1000 = "[伏瓦米克卡赫焦帕比]|电子伏"
INNER = (
    r"[零〇一二三四五六七八九十万亿]|百(?!分[位点比])|两(?=[百千万亿三])"
    rf"|千(?!{UNIT_OF_1000})|兆(?![瓦赫字帕伏比])"
)


class Number(NamedTuple):
    """A bare numeral: its interval, the worth of its last place, whether it is only an order of magnitude."""

    low: float
    high: float
    step: float
    vague: bool = False


# ------------------------------------------------------------------------------------------------- numerals


def number_of(run: str) -> Number | None:
    """Read a run of numeral characters; ``None`` where they make no number."""
    run = run.translate(_NOT_IN_NUMERALS)
    plain = run.rstrip("百千万亿兆")
    if plain and plain[0].isdigit() and plain.replace(".", "", 1).isdigit():
        scale = scale_of(run[len(plain) :])
        decimals = len(plain) - plain.find(".") - 1 if "." in plain else 0
        value = without_noise(float(plain) * scale)
        return Number(value, value, scale / 10**decimals)
    if point := _POINT.search(run):
        whole, rest = run[: point.start()], run[point.end() :]
        fraction = rest.rstrip("百千万亿")
        scale = scale_of(rest[len(fraction) :])
        decimal = float("0." + "".join(str(DIGITS[c]) for c in fraction))
        digits_only = len(whole) > 1 and all(c in DIGITS for c in whole)
        above = _digits(whole) if digits_only else (_value(whole) or (0.0,))[0]
        value = without_noise((above + decimal) * scale)
        return Number(value, value, scale / 10 ** len(fraction))
    if "点" in run:
        return None
    if len(run) > 1 and all(c in DIGITS for c in run):
        return _positional(run)
    if len(run) > 1 and run[-1] in "百千" and all(c in SCALES for c in run):
        return None  # 千千
    bounds = _value(run)
    if bounds is None:
        return None
    low, high = without_noise(bounds[0]), without_noise(bounds[1])
    if low != high:
        return Number(low, high, 10.0 ** (len(str(int(low))) - 1), vague=True)
    return Number(low, high, SCALES.get(run[-1], 1.0))


_POINT = re.compile(r"(?<=[零〇一二两三四五六七八九十])[点.](?=[零〇一二三四五六七八九]+[百千万亿]*$)")
_NOT_IN_NUMERALS = {ord(c): None for c in " ,、余多"}


def scale_of(characters: str) -> float:
    scale = 1.0
    for c in characters:
        scale *= SCALES[c]
    return scale


def _positional(run: str) -> Number:
    """Digits one after the other: 二〇二二 is 2022, but 两三 is 2–3 and 三五 is 3–5."""
    values = [DIGITS[c] for c in run]
    if len(run) == 2 and 0 < values[0] < values[1] <= values[0] + 2:
        return Number(values[0], values[1], 1.0, vague=True)
    value = _digits(run)
    return Number(value, value, 1.0)


def _digits(run: str) -> float:
    return float("".join(str(DIGITS[c]) for c in run))


def _value(run: str) -> tuple[float, float] | None:
    """Interval of a numeral in characters (digits allowed in front of a scale); ``None`` if it is none."""
    for scale in "兆亿万":
        left, found, right = run.rpartition(scale)
        if found:
            worth = SCALES[scale]
            above = _value(left) if left else (1.0, 1.0)
            below = _after_scale(right, worth)
            if above is None or below is None:
                return None
            return above[0] * worth + below[0], above[1] * worth + below[1]
    return _below_ten_thousand(run)


def _after_scale(run: str, worth: float) -> tuple[float, float] | None:
    """Read what follows a scale; a single digit counts the next lower place (两万五 is 25,000)."""
    if not run:
        return 0.0, 0.0
    if run in DIGITS:
        return DIGITS[run] * worth / 10, DIGITS[run] * worth / 10
    return _value(run)


def _below_ten_thousand(run: str) -> tuple[float, float] | None:
    if run in ("数", "几"):  # of 数万, 几亿
        return 2.0, VAGUE_HIGH
    low = high = 0.0
    digits: list[float] = []  # of the place being read: two of them are a range, 二三百
    number = ""
    few = zero = False
    above = 1.0
    for c in run:
        if c.isdigit() or c == ".":
            number += c
        elif c in "几数":
            few = True
        elif c in "零〇":
            zero = True
        elif c in DIGITS:
            digits.append(float(DIGITS[c]))
        else:
            if number:
                digits, number = [float(number)], ""
            if not _is_range(digits):
                return None
            first, last = (2.0, VAGUE_HIGH) if few else (digits[0], digits[-1]) if digits else (1.0, 1.0)
            above = SCALES[c]
            low, high = low + first * above, high + last * above
            digits, few, zero = [], False, False
    if number:
        digits = [float(number)]
    if few:  # 十几, 二十几
        return low + above / 10, high + 9 * above / 10
    if not _is_range(digits):
        return None
    if digits:
        worth = above / 10 if above > 10 and not zero and run[-2:-1] in SCALES else 1.0
        low, high = low + digits[0] * worth, high + digits[-1] * worth
    return low, high


def _is_range(digits: list[float]) -> bool:
    """Whether at most two digits share a place, and ascend: 两三百, but not 三一百."""
    return len(digits) < 2 or (len(digits) == 2 and digits[0] < digits[1])


# --------------------------------------------------------------------------------------------- normalization

_TRANSLATION = (
    SIMPLIFIED
    | {0xFF01 + i: chr(0x21 + i) for i in range(94)}
    | {ord("﹪"): "%", ord("○"): "〇", ord("￥"): "¥", ord("‧"): "."}
    | dict.fromkeys(map(ord, "\u3000\u00a0\u202f\u2009"), " ")
    | dict.fromkeys(map(ord, "–—−～〜﹣"), "-")
)
_FINANCIAL = "壹一贰二貳二叁三叄三肆四伍五陆六陸六柒七捌八玖九拾十佰百仟千"
_FINANCIAL_TABLE = dict(zip(map(ord, _FINANCIAL[::2]), _FINANCIAL[1::2], strict=True))
_FINANCIAL_RUN = re.compile(r"[壹贰貳叁叄肆伍陆陸柒捌玖拾佰仟零万亿]{2,}(?=[元角分整吨]|$|[^一-鿿])")


def normalized(text: str, masked: Sequence[Span]) -> str:
    norm = text.translate(_TRANSLATION)
    if any(c in norm for c in "拾佰仟"):
        norm = _FINANCIAL_RUN.sub(lambda m: m[0].translate(_FINANCIAL_TABLE), norm)
    return blanked(norm, masked)


# ---------------------------------------------------------------------------------------------- set phrases


def is_enumeration(norm: str, run: str, end: int) -> bool:
    """三四五年级, 一二三: digits that are listed, not put together."""
    if len(run) < 3 or any(c not in "一二三四五六七八九" for c in run):
        return False
    ascending = all(DIGITS[b] == DIGITS[a] + 1 for a, b in pairwise(run))
    return ascending or has(norm, end, "级班") or norm.startswith("年级", end)


_HOLIDAYS = ("十一", "五一", "六一", "七一", "八一", "五四", "三八", "双十一")
_HOLIDAY_AFTER = re.compile(
    "黄金周|长假|小长假|假期|国庆|期间|儿童节|劳动节|青年节|妇女节|建军节|前后|档|出游|出行|返程|大促|购物节|晚会"
)
_LONGEST_PHRASE = max(map(len, SET_PHRASES))
_NUMERALS = frozenset(CHARS + "0123456789几数")


def is_set_phrase(norm: str, start: int, end: int) -> bool:
    """Whether the numeral at ``[start, end)`` belongs to a word that counts nothing."""
    if end - start > 4:
        return False
    if norm[start:end] in _HOLIDAYS and (
        has(norm, start - 1, "“‘「『\"'") or _HOLIDAY_AFTER.match(norm, end)
    ):
        return True
    for length in range(max(2, end - start), _LONGEST_PHRASE + 1):
        for begin in range(max(0, end - length), start + 1):
            piece = norm[begin : begin + length]
            if piece in SET_PHRASES and not _is_cut(norm, piece, begin):
                return True
    return False


def _is_cut(norm: str, piece: str, begin: int) -> bool:
    """Whether the characters of a set phrase belong to the numerals around them: 三万一千 holds no 万一."""
    end = begin + len(piece)
    before = begin > 0 and piece[0] in _NUMERALS and norm[begin - 1] in _NUMERALS
    after = end < len(norm) and piece[-1] in _NUMERALS and norm[end] in _NUMERALS
    return before or after or has(norm, end, NOT_A_PHRASE_BEFORE.get(piece, ""))


def has(norm: str, place: int, characters: str) -> bool:
    """Whether one of `characters` stands at `place`."""
    return 0 <= place < len(norm) and norm[place] in characters
