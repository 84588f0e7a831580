"""Reads the quantities of a Chinese text: a string in, `Quantity` objects in reading order out.

The text is first normalized character by character (full-width to ASCII, Traditional to Simplified where a
rule below needs it, financial to ordinary numerals), so that offsets stay and each rule is written once.
One expression then finds runs of numeral characters; what stands before and after a run says what it counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from bitext._numeral_phrases import SET_PHRASES, VAGUE_PHRASES
from bitext._numerals_zh import (
    CHARS,
    DIGITS,
    INNER,
    NUM,
    SCALES,
    UNIT_OF_1000,
    Number,
    has,
    is_enumeration,
    is_set_phrase,
    normalized,
    number_of,
    scale_of,
)
from bitext._quantity import (
    CURRENCIES,
    VAGUE_HIGH,
    ZH_UNITS,
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
    """Find the quantities of a Chinese `text`, leaving out what overlaps a `masked` span."""
    norm = normalized(text, masked)
    found: list[Quantity] = []
    position = 0
    while match := _RUN.search(norm, position):
        position = match.end()
        quantity = _read(norm, text, match)
        if quantity:
            found.append(quantity)
            position = max(position, quantity.span[1])
    return _joined(found, norm, text)


# ------------------------------------------------------------------------------------------- what a run is

_COUNTED_NOUNS = (
    "参指人次总系函倍个位户件岁票字基页点单复奇偶常变多少计读无分代整质"  # 参数, 人数: 数 belongs to the noun
)
_CODES = "RMB|CNY|HKD|USD|EUR|GBP|JPY|KRW|AUD|CAD|SGD|TWD|NTD|MOP|CHF|G(?=7|8|20)|Q(?=[1-4])|[vV](?=\\d)"
_SCALED = "十百千万亿兆"
_COUNTED_IN_ONES = "个次天年周句位名家岁人种件只条张代份场"
# 二、七○○: digits in groups, as statutes print them
_GROUPED = (
    "(?=[一二三四五六七八九、]*[零〇])[一二三四五六七八九]{1,3}"
    "(?:、[零〇一二三四五六七八九]{3})+(?![零〇一二三四五六七八九、])"
)
_RUN = re.compile(
    rf"""
    (?P<skip> (?<!\d)(?!(?:{_CODES})[ ]?\d) [A-Za-z]+(?:-(?=\d)|[.]?\d[\dA-Za-z.\-]*)(?![\d.]*[%万亿个])
            | \d+(?:\.\d+){{2,}} | 24/7 | 9/11 | https?://\S+
            | (?<![\dA-Za-z.])\d+(?![xXkKcm]?m[23])(?!x\d|X\d)[A-Za-z]+\d[\dA-Za-z]* )
  | (?P<word> 翻番|翻倍|倍增|加倍|双倍|减半|折半|过半|大半|半数|一半|各半|百分百|{"|".join(VAGUE_PHRASES)}
            | 半(?=[年个小天日月世成价分秒公斤亩吨]) )
  | (?P<run>
        (?: {NUM} | 几(?=[{_SCALED}]) | (?<![{_COUNTED_NOUNS}])(?<![总工课学]时)数(?=[{_SCALED}])(?!百分之)
            | {_GROUPED} | 一两(?=[{_COUNTED_IN_ONES}]) | (?!兆|(?<=非)零)[{CHARS}] )
        (?: (?<=\d)[ ](?=[百千万亿兆]) (?:{INNER}) | [ ]?[余多](?=[百千万亿兆]) | (?<=[十百千])几(?=[万亿])
          | {INNER} | (?<=\d[百千万亿兆]){NUM} | (?<=[百千万亿兆])[ ]?{NUM}(?=[ ]?(?:[百万亿]|千(?!{UNIT_OF_1000}))) )*
        (?: (?<=[零〇一二两三四五六七八九十])[点.][零〇一二三四五六七八九]+(?![十\d分刻])
            (?:[百万亿]|千(?!{UNIT_OF_1000}))* )?
    )
  | (?P<few> (?<![{_COUNTED_NOUNS}第])[几数](?=[个位名家年天周月种项次人条届日]) )
    """,
    re.VERBOSE,
)


def _read(norm: str, text: str, match: re.Match[str]) -> Quantity | None:
    start, end = match.span()
    if match.lastgroup == "skip":
        return None
    if match.lastgroup == "few":
        return _few(norm, text, start)
    if match.lastgroup == "word":
        return None if is_set_phrase(norm, start, end) else _word(norm, text, match[0], start, end)
    while norm.startswith("一一", start) and norm[start - 1 : start + 1] in SET_PHRASES:
        start += 1  # the second 一 of 唯一一支
    run = norm[start:end]
    number = None if is_enumeration(norm, run, end) else number_of(run)
    if number is None or (not run[0].isdigit() and is_set_phrase(norm, start, end)):
        return None
    if run[-1].isdigit() and _THOUSAND.match(norm, end):
        worth = 1e3 if norm[end] == "k" else 1e4
        number, end = Number(number.low * worth, number.high * worth, number.step * worth), end + 1
    if more := _AND_ONES.match(norm, end - 1):  # 八十有三
        ones = DIGITS[more["ones"]]
        number, end = Number(number.low + ones, number.high + ones, 1.0), more.end()
    if _before(norm, start, 3).endswith("第"):
        return _ordinal(norm, text, number, start, end)
    if clock := _clock(norm, text, start):
        return clock
    if fraction := _fraction(norm, text, number, start, end):
        return fraction
    if _is_bare_scale(norm, run, start, end):
        return None
    return _counted(norm, text, run, number, start, end)


_AND_ONES = re.compile("十有(?P<ones>[一二三四五六七八九])(?![十百千万亿个位名人家年月天分点])")
_THOUSAND = re.compile("[kw](?![A-Za-z0-9/])")  # w is 万


def _before(norm: str, start: int, reach: int) -> str:
    """Return what stands before `start`, without the space that may follow it."""
    return norm[max(0, start - reach) : start].rstrip(" ")


def _is_bare_scale(norm: str, run: str, start: int, end: int) -> bool:
    """百, 千 or 万 alone is a number only when counted or hedged: 百家, 上千, 近万元."""
    if run not in SCALES or run == "十":
        return False
    return not has(norm, start - 1, "上近过逾超破成以约每") and not has(
        norm, end, "个家人名元年岁次吨亩里多余计强佳大"
    )


# ---------------------------------------------------------------------------------- what a numeral counts

_TAIL = re.compile(
    r" ?([多余来几](?![万亿为样变额元边功媒]))?(个(?!位|别|性|体|案|股))?([多余])?(半(?!导|数|径|球|岛))? ?"
)


def _counted(norm: str, text: str, run: str, number: Number, start: int, end: int) -> Quantity | None:
    tail = _TAIL.match(norm, end)
    assert tail is not None  # all its parts are optional
    more, classifier, more_after, half = tail.groups()
    low, high, step, vague = number
    hedge: Hedge = "over" if more_after or "余" in run or "多" in run or (more and more != "几") else ""
    if more == "几" and run[-1] in "十百千":
        place = SCALES[run[-1]] / 10
        low, high, step, vague = low + place, high + 9 * place, place, True
    name, stop = _name(norm, run, number, start, tail.end(), after_classifier=bool(classifier))
    if name is None:
        return None
    kind, unit, factor = name
    if kind == "plain" and not unit:
        stop = end + (more == "几")
    if kind in ("time", "percent", "multiple") and (
        half or (has(norm, stop, "半") and not has(norm, stop + 1, "个年天月数"))
    ):
        low, high, step, stop = low + 0.5, high + 0.5, 0.5, stop + (not half)
    elif norm[stop - 1] == "成" and (tenth := _TENTH.match(norm, stop)):  # 三成五 is 35 %
        low, high, step, stop = low + DIGITS[tenth[0]] / 10, high + DIGITS[tenth[0]] / 10, 0.1, stop + 1
    elif unit == "discount" and high > 10:  # 七五折 and 75折 are 7.5折
        factor = 1.0
    if unit == "元" or unit == "m":
        low, high, stop = _with_small_change(norm, low, high, stop)
    begin = start
    if kind in ("plain", "money"):
        begin, currency = _currency_before(norm, start)
        if currency:
            kind, unit = "money", currency
    hedge = hedge or _hedge(norm, begin, stop)
    if kind == "multiple" and _GROWTH.search(norm, max(0, start - 9), start):
        low, high, unit = low + 1, high + 1, "increase"
    elif unit == "doublings":  # 翻两番 is ×4
        low, high, unit = 2**low, 2**high, ""
    if kind == "time" and _before(norm, begin, 2).endswith("近"):
        hedge = ""  # 近三年 is "the last three years" at least as often as "nearly three years"
    low, high = without_noise(low * factor), without_noise(high * factor)
    level = all(c in _SCALED for c in run) and _LEVEL.match(norm, stop)
    if level or (run[0] in "百千万亿" and has(norm, begin - 1, "上成")):
        hedge, high, vague = "over", high * VAGUE_HIGH, True
    elif run[0] in "十百千万亿" and (
        norm[begin - 2 : begin] == "数以" or norm[begin - 1 : begin] + norm[end : end + 1] == "以计"
    ):
        begin -= 1 + (norm[begin - 2] == "数")  # 数以万计, 以百万计
        stop, high, vague = stop + has(norm, stop, "计"), high * VAGUE_HIGH, True
    weight = _weight(norm, run, number, kind, start, end)
    if weight is None:
        return None
    return Quantity(
        (begin, stop), text[begin:stop], low, high, kind, unit, hedge, vague, step * factor, weight
    )


_TENTH = re.compile("[一二三四五六七八九](?![十百千万亿成折个倍年月天名人家位])")
_LEVEL = re.compile("[元人]?(?:量级|级(?!联))")  # 千亿级: in the hundreds of billions
_CURRENCY_AFTER = {name: code for code, currency in CURRENCIES.items() for name in currency.zh_after}
_CURRENCY_BEFORE = {name: code for code, currency in CURRENCIES.items() for name in currency.zh_before}
_NAMES: dict[str, Name] = ZH_UNITS | {name: Name("money", code) for name, code in _CURRENCY_AFTER.items()}
_LONGEST_NAME = max(map(len, _NAMES))
# a unit that begins a longer word is none: 成功, 里程, 米兰
_LONGER_WORDS = {
    "成": "员功立熟绩就型像形效", "天": "然气津空下", "日": "元本内瓦", "周": "围边末转期", "里": "程面约昂",
    "米": "兰歇饭粉其", "克": "服罗拉里朗", "升": "级值高降幅到", "桶": "装", "载": "体入荷重客", "磅": "礴",
    "厘": "定清米",
    "折": "叠扣旧射价损算线合", "秒": "杀", "岁": "月", "季": "节军风", "元": "素旦月年宇件老凶朝首代",
    "年": "轻龄级",
    "次": "元方数序级贷品要日年席", "遍": "布及", "回": "合事家来去到答报头馈收族民信购归应",
    "瓦": "解", "斤": "斤", "两": "国岸地个次种侧边方者家人会级岁年天月周位名条",
}  # fmt: skip


def _name(
    norm: str, run: str, number: Number, start: int, at: int, *, after_classifier: bool
) -> tuple[Name | None, int]:
    """Say what the numeral ending at `at` counts, and up to where; no name for a code such as 5G."""
    if calendar := _calendar(norm, run, number, start, at, after_classifier=after_classifier):
        return calendar
    for length in range(min(_LONGEST_NAME, len(norm) - at), 0, -1):
        piece = norm[at : at + length]
        if (
            piece in _NAMES
            and not (piece == "两" and after_classifier)
            and (piece != "成" or number.high <= 10)
            and not _begins_longer_word(norm, piece, at)
        ):
            return _NAMES[piece], at + length
    if has(norm, at, "番") and _before(norm, start, 4).endswith(("翻", "翻了")):
        return Name("multiple", "doublings"), at + 1
    if norm.startswith("刻钟", at):
        return Name("time", "minute", 15), at + 2
    if has(norm, at, "块毛角") or norm.startswith("分钱", at):
        return _colloquial(norm, at)
    if has(norm, at, "分") and (
        _before(norm, start, 3).endswith(("时", "头")) or _SECONDS_AFTER.match(norm, at + 1)
    ):
        return Name("time", "minute"), at + 1
    if _CODE_LETTERS.match(norm, at) and run[-1].isdigit() and norm[at - 1] != " ":
        return None, at
    return Name("plain", ""), at


_SECONDS_AFTER = re.compile(r" ?\d{1,2} ?秒")
_CODE_LETTERS = re.compile(r"[GKDPWgkdp](?![A-Za-z])|(?!x\d)[A-Za-z]+\d")


def _begins_longer_word(norm: str, piece: str, at: int) -> bool:
    after = at + len(piece)
    if piece == "升" and has(norm, after, "至"):
        return not re.match(r"至[\d.]+升", norm[after : after + 9])  # 1.5升至2升 is a range, 10升至20 a rise
    if piece[-1].isascii() and piece[-1].isalpha() and after < len(norm):
        return norm[after].isascii() and norm[after].isalnum()
    return has(norm, after, _LONGER_WORDS.get(piece, ""))


def _calendar(
    norm: str, run: str, number: Number, start: int, at: int, *, after_classifier: bool
) -> tuple[Name, int] | None:
    """Years, months, days, decades, quarters and centuries, which share their words with durations."""
    head, value = norm[at : at + 1], number.low
    if value >= 80 and number.step == 1 and (year := _BUSINESS_YEAR.match(norm, at)):
        return Name("date", "year"), year.end()
    if not head or head not in "年月日号世季":
        whole = value <= 31 and number.step == 1
        after_month = whole and _MONTH_BEFORE.search(norm, max(0, start - 4), start)
        return (Name("date", "day"), at) if after_month else None  # 7月17和22日
    if head == "月" and (after_classifier or has(norm, at - 1, "半")):
        return Name("time", "month"), at + 1
    if after_classifier:
        return None
    if norm.startswith("年代", at):
        return Name("date", "decade"), at + 2
    if head == "年" and _is_year(norm, run, number, start, at):
        return Name("date", "year"), at + 1
    if head == "月" and 1 <= value <= 12 and number.step == 1:
        return Name("date", "month"), at + 1
    if head in "日号" and value <= 31 and not has(norm, at + 1, "楼线馆门院文机元"):
        return Name("date", "day"), at + 1
    if norm.startswith("世纪", at) and value >= 10:
        return Name("ordinal", "century"), at + 2
    if norm.startswith("季度", at) and value <= 4:
        spans = _before(norm, start, 3).endswith(("前", "首", "近", "续", "去", "来"))
        return Name("time" if spans else "ordinal", "quarter"), at + 2
    return None


_BUSINESS_YEAR = re.compile("(?:会计|财政|学)年度?|年度")
_MONTH_BEFORE = re.compile(r"[\d一二三四五六七八九十] ?月 ?$")
_YEAR_AND_MONTH = re.compile(r"年 ?(?:\d{1,2}|[一二三四五六七八九十]{1,2}) ?月")


def _is_year(norm: str, run: str, number: Number, start: int, at: int) -> bool:
    """Whether a number is a calendar year: four digits, two before a month, or 民国一百零八年."""
    if _before(norm, start, 3).endswith("民国"):
        return True
    if len(run) == 4 and (run.isdigit() or all(c in DIGITS for c in run)):
        return 1000 <= number.low <= 2999
    if len(run) == 2 and all(c in DIGITS for c in run):
        return run[0] in "零〇"
    return number.low == number.high < 200 and _YEAR_AND_MONTH.match(norm, at) is not None


def _colloquial(norm: str, at: int) -> tuple[Name, int]:
    """Money as it is spoken: 块, 毛, 角, 分钱."""
    head, last = norm[at], at + 1 == len(norm)
    if head == "分":
        return Name("money", "元", 0.01), at + 2
    if head == "块" and (last or has(norm, at + 1, "，。、；）),多的就两一二三四五六七八九0123456789")):
        return Name("money", "元"), at + 1
    if head == "毛" and not has(norm, at + 1, "病巾衣笔利坯孩发绒线泽皮料竹主"):
        return Name("money", "元", 0.1), at + 1 + has(norm, at + 1, "钱")
    if head == "角" and (last or has(norm, at + 1, "，。、；）),钱整一二三四五六七八九")):
        return Name("money", "元", 0.1), at + 1
    return Name("plain", ""), at


_SMALL_CHANGE = re.compile(
    r"(?<=块)(?P<bare>[\d一二三四五六七八九])(?![\d十百千万亿元块多毛角%]|\.\d|,\d{3})"
    r"|(?<=[块元])(?P<jiao>[\d一二三四五六七八九])[毛角](?:(?P<fen>[\d一二三四五六七八九])分)?"
    r"|(?<=米)(?P<meters>[一二三四五六七八九][零一二三四五六七八九]?)(?![十百千万亿个位名])"
)


def _with_small_change(norm: str, low: float, high: float, stop: int) -> tuple[float, float, int]:
    """3块5毛, 8块5, 3元5角2分, 一米八."""
    match = _SMALL_CHANGE.match(norm, stop)
    if not match or low != high:
        return low, high, stop
    tenths = match["bare"] or match["jiao"] or match["meters"][0]
    hundredths = match["fen"] or (match["meters"] or "")[1:] or "0"
    low += float(DIGITS.get(tenths, tenths)) / 10 + float(DIGITS.get(hundredths, hundredths)) / 100
    return without_noise(low), without_noise(low), match.end()


def _currency_before(norm: str, start: int) -> tuple[int, str]:
    head = _before(norm, start, 5)
    for length in range(min(4, len(head)), 0, -1):
        code = _CURRENCY_BEFORE.get(head[-length:])
        longer = head[-length - 1 : -length]
        if code and not (longer.isascii() and longer.isalpha() and head[-length].isalpha()):
            return max(0, start - 5) + len(head) - length, code
    return start, ""


_CLASSIFIERS = frozenset(
    "个位名家所间项件种条张座台架辆艘部本份支只头匹块片层栋幢户人次回趟场轮届期代批组套双对副笔宗起桩门类款封首篇章节级等档方国地句字口亩步岁年天"
    "日月周秒分时点倍成折元角毛盘颗粒株棵把顶例员杯瓶箱袋盒包堆群排列段幅枚股道处系大线环星阶站村县市省州区组册页行遍"
)


def _weight(norm: str, run: str, number: Number, kind: str, start: int, end: int) -> float | None:
    """How surely a translation shows the number; ``None`` if it is no number at all."""
    if run[0].isdigit():
        return _weight_of_digits(norm, run, number, kind, start, end)
    counted = kind != "plain" or (end < len(norm) and norm[end] in _CLASSIFIERS)
    if run == "零" or _TURN.match(norm, start):
        return 0.4
    if len(run) > 1 and not counted and all(c in DIGITS for c in run):
        return 0.6  # 六一, 三一: a holiday, a name, a number of a standard
    if len(run) > 1:
        small = number.high < 1000
        return (0.6 if small else 0.9) if number.vague else 0.7 if run[0] in "百千万亿" else 0.9
    if run == "一":
        in_range = has(norm, end, "至到-") and has(norm, end + 1, CHARS)
        if in_range or (has(norm, end, "次遍回趟") and _EVERY.search(norm, max(0, start - 9), start)):
            return 0.6
        return 0.1 if counted else None
    if kind == "money":
        return 0.45  # 三元 may be a name
    return 0.6 if counted else 0.35


_EVERY = re.compile("每[^，。；、]{0,3}[天日周月年时夜晚晨早季][^，。；、]{0,4}$")
_TURN = re.compile("(?:180|一百八十) ?度的?大?(?:转|逆转|改变|翻转)")
_AROUND_THE_CLOCK = re.compile("(?:7|24)[天日]? ?[×xX*] ?(?:7|24)(?![0-9])")
_LATIN_BEFORE = re.compile("[A-Za-z] ?$")


def _weight_of_digits(norm: str, run: str, number: Number, kind: str, start: int, end: int) -> float:
    whole = number.step == 1
    if _AROUND_THE_CLOCK.search(norm, max(0, start - 4), end + 5) or _TURN.match(norm, start):
        return 0.3
    if whole and number.low < 10 and (kind == "plain" or number.low == 1):
        return 0.3 if is_marker(norm, start, end) else 0.5 if number.low == 1 else 0.6
    if kind != "plain":
        return 1.0
    if is_marker(norm, start, end) or run in ("911", "315", "618", "1111"):
        return 0.3  # "(12)"; dates written without a mark
    if has(norm, start - 1, "vV"):
        return 0.3
    if not whole and "." in run and _LATIN_BEFORE.search(norm, max(0, start - 2), start):
        return 0.6  # a version
    hyphenated = has(norm, start - 1, "-") and norm[start - 2 : start - 1].isascii()
    if hyphenated or has(norm, start - 1, "G") or has(norm, end, "ABCEFHST"):
        return 0.3  # CX-5, G20, 2A
    if whole and number.low < 100 and has(norm, end, "。,;") and not has(norm, start - 1, " "):
        return 0.6  # a reference at the end of a sentence
    return 1.0


# --------------------------------------------------------------------------------------------------- hedges

# the names of the groups are the hedges; a negated "over" comes before the "over" that it holds
_HEDGE_BEFORE = re.compile(
    r"""(?:
    (?P<most> [不未没无](?:得|能|可|会|应|宜|要|再|曾|有)?(?:超过|超出|逾越|逾|多于|高于|大于|超)
        | 至多|最多 )
  | (?P<least> [不未没无](?:得|能|可|会|应|宜|要|再|曾)?(?:少于|低于|小于|下) | 至少|最少|起码 )
  | (?P<nearly> 将近|接近|逼近|近乎|几近|几乎 | (?<![最附邻远相])近 )
  | (?P<under> 不到|不足|未到|少于|低于|未满|不满|小于|未达|不及|跌破|跌穿 )
  | (?P<over> 超过|超出|超逾|高于|多于|大于|突破|冲破|越过|超越|逾|超|破 | (?<![经通超])过(?=[百千万亿半]) )
  | (?P<about> 大约|约为|约有|约|大概|估计|约莫|差不多|近似 )
    )""",
    re.VERBOSE,
)
_HEDGE_ENDS = frozenset("过出越逾于超下到足满近乎多达及破穿少码约为有概计莫")
_COUNTED = "[人家名位次件种项座辆台所间条户页张例级层]?"
_HEDGE_AFTER: tuple[tuple[Hedge, re.Pattern[str]], ...] = (
    ("over", re.compile(r" ?(?:之多|有余|有多|出头|\+|[多余](?![边元样功媒额]))")),
    ("least", re.compile(f" ?{_COUNTED}以上")),
    ("most", re.compile(f" ?{_COUNTED}(?:以下|以内|之内)")),
    ("about", re.compile(f" ?{_COUNTED}(?:左右|上下|许(?![可多]))")),
)
_GROWTH = re.compile(
    r"(?:增长|增加|增|提高|提升|上升|上涨|涨|扩大|飙升|激增|大增|暴涨|高出|多出|多|大|快|高)了?(?:近|约|超过|逾|超|大约)?$"
)


def _hedge(norm: str, start: int, end: int) -> Hedge:
    for hedge, pattern in _HEDGE_AFTER:
        if pattern.match(norm, end):
            return hedge
    stop = start - 1 if has(norm, start - 1, " ") else start
    if not stop or norm[stop - 1] not in _HEDGE_ENDS:
        return ""
    for begin in range(max(0, stop - 5), stop):  # the longest hedge that ends here
        match = _HEDGE_BEFORE.match(norm, begin, stop + 1)
        if match and match.end() == stop:
            return cast(Hedge, match.lastgroup)
    return ""


# ---------------------------------------------------------------------- numbers that are more than numerals

_ORDINAL_UNITS = {
    "季": "quarter", "世纪": "century", "财季": "quarter", "条": "division", "章": "division", "节": "division",
    "款": "division",
}  # fmt: skip


def _ordinal(norm: str, text: str, number: Number, start: int, end: int) -> Quantity:
    at = end + has(norm, end, " ")
    unit = next((unit for word, unit in _ORDINAL_UNITS.items() if norm.startswith(word, at)), "")
    weight = 0.9 if norm[end - 1].isdigit() and number.low >= 10 else 0.2 if number.low <= 2 else 0.5
    span = (start - 1 - has(norm, start - 1, " "), end)
    return Quantity(span, text[slice(*span)], number.low, number.high, "ordinal", unit, weight=weight)


def _word(norm: str, text: str, word: str, start: int, end: int) -> Quantity | None:
    """翻番, 过半, 百分百, 成千上万 and the halves."""
    if word in VAGUE_PHRASES:
        low, high = VAGUE_PHRASES[word]
        unit = {"年": "year", "月": "day"}.get(word[-1], "")
        return Quantity(
            (start, end),
            text[start:end],
            low,
            high,
            "time" if unit else "plain",
            unit,
            vague=True,
            weight=0.3,
        )
    if word in ("翻番", "翻倍", "倍增", "加倍", "双倍"):
        return Quantity((start, end), text[start:end], 2, 2, "multiple", weight=0.6)
    if word == "百分百":
        return Quantity((start, end), text[start:end], 100, 100, "percent", "percent", weight=0.2)
    if word == "半":
        return _half(norm, text, start)
    hedge: Hedge = "over" if word in ("过半", "大半") else _hedge(norm, start, end)
    return Quantity((start, end), text[start:end], 50, 50, "percent", "percent", hedge, weight=0.4)


def _half(norm: str, text: str, start: int) -> Quantity | None:
    """半年, 半个月, 半小时; 上半年 and 下半年 count halves."""
    if has(norm, start - 1, "上下"):
        if not norm.startswith("年", start + 1):
            return None
        span = (start - 1, start + 2)
        which = 1.0 + (norm[start - 1] == "下")
        return Quantity(span, text[slice(*span)], which, which, "ordinal", "half", weight=0.4)
    at = start + 1 + has(norm, start + 1, "个")
    name, stop = _name_at(norm, at)
    if norm.startswith("个月", start + 1):
        name, stop = Name("time", "month"), at + 1
    if name is None or name.kind == "money":
        return None
    value = 0.5 * name.factor
    hedge = _hedge(norm, start, stop)
    return Quantity(
        (start, stop), text[start:stop], value, value, name.kind, name.unit, hedge, step=value, weight=0.5
    )


def _name_at(norm: str, at: int) -> tuple[Name | None, int]:
    """Find a unit or currency of one or two characters at `at`, and its end."""
    for piece in (norm[at : at + 2], norm[at : at + 1]):
        if piece in _NAMES:
            return _NAMES[piece], at + len(piece)
    return None, at


def _few(norm: str, text: str, start: int) -> Quantity:
    """几个, 数年: "several"."""
    at = start + 1 + has(norm, start + 1, "个")
    name, stop = _name_at(norm, at)
    kind, unit, _ = name or Name("plain", "")
    stop = stop if name else start + 1
    if has(norm, at, "月"):
        kind, unit, stop = "time", "month", at + 1
    return Quantity((start, stop), text[start:stop], 2, 9, kind, unit, vague=True, weight=0.2)


_SLASH = re.compile(r" ?/ ?(1,000|10,000|\d+)(?![\d/%年月日]|\.\d|,\d{3})")


def _fraction(norm: str, text: str, first: Number, start: int, end: int) -> Quantity | None:
    """百分之三十, 三分之一, 2/3."""
    if norm.startswith("分之", end):
        match = _RUN.match(norm, end + 2)
        top, bottom = number_of(match["run"]) if match and match["run"] else None, first.low
        if match is None or top is None or not bottom:
            return None
        weight = 0.5 if top.low / bottom == 0.5 else 1.0
        if norm.startswith("决赛", match.end()):
            weight = 0.3  # the quarterfinals
    else:
        match = _SLASH.match(norm, end)
        bottom = float(match[1].replace(",", "")) if match else 0.0
        top, weight = first, 0.7
        proper = first.step == 1 and 0 < first.low < bottom
        proper = proper and (bottom <= 10 or bottom in (100, 1000, 10000) or (first.low == 1 and bottom > 31))
        if match is None or not proper:
            return None
    stop, factor, kind, unit = match.end(), 100 / bottom, "percent", "percent"
    if century := _OF_A_CENTURY.match(norm, stop):
        stop, kind, unit = century.end(), "time", "year"  # of a hundred years as many as percent
    hedge: Hedge = "over" if has(norm, stop, "多余强") else _hedge(norm, start, stop)
    low, high = without_noise(top.low * factor), without_noise(top.high * factor)
    span = (start, stop)
    return Quantity(
        span,
        text[slice(*span)],
        low,
        high,
        cast(Kind, kind),
        unit,
        hedge,
        top.vague,
        top.step * factor,
        weight,
    )


_OF_A_CENTURY = re.compile(r"个?世纪")
_CLOCK = re.compile(
    r"(?P<hour>\d{1,2}|[零一二三四五六七八九十两]{1,3})"
    r"(?:: ?(?P<colon>[0-5]\d)(?![\d:]|\.\d)| ?(?P<mark>[时点])(?![间代候期])"
    r"(?:(?P<half>半)|(?P<quarter>[一三])刻"
    r"| ?(?P<minute>[0-5]?\d|[零一二三四五六七八九十]{1,3}) ?分(?![之钟])"
    r"|(?<=点)(?P<bare>[二三四五]?十[一二三四五六七八九]?)(?![百千万亿个名位人家项点%多余几来])"  # 十九点四十
    r"|(?P<full>整|钟|许)?))"
)
_LATE = re.compile(r"(?:(?P<afternoon>下午|傍晚|午后)|晚上|晚间|今晚|晚|夜里|深夜) ?$")
_CLOCK_BEFORE = re.compile(
    r"(?:上午|早上|清晨|凌晨|中午|早|下午|晚上|晚间|傍晚|晚|午后|夜里|深夜|时间|[日号天]) ?$"
)
_A_BIT = re.compile("(?:^|[^当昨今明每前日天号])[晚早] ?$|[快慢大小多少高低好有轻重远近] ?$")
_CLOCK_AFTER = re.compile(r"[多前后到至左]|之前|以前|以后|之后|开始|上床|起床")


def _clock(norm: str, text: str, start: int) -> Quantity | None:
    match = _CLOCK.match(norm, start)
    if not match or not _is_clock(norm, match):
        return None
    hour, minute = (
        number_of(match["hour"]),
        number_of(match["minute"] or match["bare"] or match["colon"] or "0"),
    )
    if hour is None or minute is None or hour.high > 24:
        return None
    minutes = (
        30.0
        if match["half"]
        else {"一": 15.0, "三": 45.0}[match["quarter"]]
        if match["quarter"]
        else minute.low
    )
    late = _LATE.search(norm, max(0, start - 4), start)
    if late and hour.high < 12 and (late["afternoon"] or hour.low >= 5):  # 夜里两点 is before dawn
        minutes += 720
    low, high = 60 * hour.low + minutes, 60 * hour.high + minutes
    sure = match["hour"] != "零" or _CLOCK_BEFORE.search(norm, max(0, start - 4), start)
    weight = 1.0 if sure else 0.5  # 零点 is the zero of a function too
    return Quantity(match.span(), text[slice(*match.span())], low, high, "time", "clock", weight=weight)


def _is_clock(norm: str, match: re.Match[str]) -> bool:
    """Tell clock times from the points of an index (涨10点) and from 这一点十分重要."""
    start = match.start()
    in_context = _CLOCK_BEFORE.search(norm, max(0, start - 4), start) is not None
    said = [part for part, found in match.groupdict().items() if found and part not in ("hour", "mark")]
    alone = not said
    if alone and match["hour"] == "一" and _A_BIT.search(norm, max(0, start - 2), start):
        return False  # 晚一点: a little later
    if alone and match["hour"] == "四" and match["mark"] == "时" and not in_context:
        return _CLOCK_AFTER.match(norm, match.end()) is not None  # the four seasons
    if norm.startswith("一点十分", start) and not in_context:
        return False
    if match["mark"] != "点" or said:
        return True
    if in_context or (match["hour"] == "零" and not has(norm, match.end(), "零一二三四五六七八九")):
        return True
    moved = _before(norm, start, 3).endswith(("升", "跌", "涨", "降", "报", "收", "达", "于", "差", "第"))
    return not moved and _CLOCK_AFTER.match(norm, match.end()) is not None


# --------------------------------------------------------------------------- neighbors that belong together

_RANGE = re.compile(r" ?[人个家名位项次间所条件种宗]? ?(?:--?|/|至|到|~) ?")
_ENUMERATION = re.compile(r"[、和及与]")
_BEFORE_CHANGE = re.compile(r"[由从自] ?$")


def _joined(found: list[Quantity], norm: str, text: str) -> list[Quantity]:
    """Merge ranges (2至3亿), durations in parts (2小时15分), decades; share the units of dates (3至5月)."""
    joined: list[Quantity] = []
    for quantity in found:
        merged = None
        if joined:
            quantity = behind(joined[-1], quantity, text)
        if joined and quantity.span[0] - joined[-1].span[1] <= 5:
            last = joined[-1]
            gap = norm[last.span[1] : quantity.span[0]]
            is_range = _RANGE.fullmatch(gap) is not None
            if is_range or _ENUMERATION.fullmatch(gap):
                last, quantity = _shared_calendar(last, quantity)
                joined[-1] = last
            if (
                is_range
                and "/" not in gap
                and not _BEFORE_CHANGE.search(norm, max(0, last.span[0] - 2), last.span[0])
            ):
                merged = _range(last, quantity, norm, text)
            elif gap in ("", "零", "又", " ") and last.kind == quantity.kind == "time":
                merged = compound(last, quantity, text)
            elif gap in ("", " ", "的") and last.unit == "century" and quantity.unit == "decade":
                merged = _decade(last, quantity, text)
        if merged:
            joined[-1] = merged
        else:
            joined.append(quantity)
    return joined


def _shared_calendar(first: Quantity, second: Quantity) -> tuple[Quantity, Quantity]:
    """3至5月: the first is a month too; 2015至16年: the second is a year; 0-24时: both are clock times."""
    if first.kind == "plain" and first.exact and first.step == 1:
        is_year = second.unit == "year" and 1000 <= first.low <= 2999
        if second.kind == "date" and (
            is_year or (1 <= first.low <= {"month": 12, "day": 31}.get(second.unit, 0))
        ):
            first = replace(first, kind="date", unit=second.unit)
        elif second.unit == "clock" and first.low <= 24:
            first = replace(first, low=60 * first.low, high=60 * first.high, kind="time", unit="clock")
    year_like = second.kind == "plain" or second.unit in ("year", "quarter")
    if year_like and second.kind != "date" and first.kind in ("plain", "date") and 1900 <= first.low <= 2099:
        year = first.low - first.low % 100 + second.low
        if second.exact and 10 <= second.low < 100 and first.low < year <= first.low + 10:
            first = replace(first, kind="date", unit="year")
            second = replace(second, low=year, high=year, kind="date", unit="year")
    return first, second


def _range(first: Quantity, second: Quantity, norm: str, text: str) -> Quantity | None:
    if first.kind not in ("plain", second.kind) or second.kind in ("date", "ordinal"):
        return None
    if "clock" in (first.unit, second.unit) or not (first.exact and second.exact) or first.hedge == "over":
        return None
    if first.kind != "plain" and first.unit != second.unit and "元" not in (first.unit, second.unit):
        return None
    start = first.span[0]
    low = _with_scale_of(first, second, norm) if first.kind == "plain" else first.low
    if second.kind == "multiple" and _GROWTH.search(norm, max(0, start - 9), start):  # 高出一到两倍
        low, second = low + (first.kind == "plain"), replace(second, high=second.low + 1, unit="increase")
    if not low < second.high:
        return None
    span = (start, second.span[1])
    return replace(second, span=span, text=text[slice(*span)], low=low, hedge=first.hedge or second.hedge)


_LAST_SCALE = re.compile(
    r"[\d几数零一二两三四五六七八九十] ?"
    r"(?P<scale>(?:[百万亿]|十(?=[万亿])|千(?![伏瓦米克卡赫焦帕比])|兆(?![瓦赫字帕伏比]))+)"
    r"(?![零一二三四五六七八九\d])"
)


def _with_scale_of(first: Quantity, second: Quantity, norm: str) -> float:
    """2 in 2至3亿 means 2亿; 一 in 一至三成 means 一成."""
    written = norm[slice(*second.span)]
    if "成" in written:
        return first.low * 10
    own = norm[slice(*first.span)]
    scale = _LAST_SCALE.search(written)
    if scale is None or own[-1:] in ("百", "千", "万", "亿", "兆"):
        return first.low
    low = without_noise(first.low * scale_of(scale["scale"]))
    return low if low < second.low else first.low


def _decade(century: Quantity, decade: Quantity, text: str) -> Quantity:
    """20世纪90年代 is the 1990s."""
    span = (century.span[0], decade.span[1])
    first_year = 100 * (century.low - 1)
    return replace(
        decade,
        span=span,
        text=text[slice(*span)],
        low=first_year + decade.low,
        high=first_year + decade.high,
        vague=False,
    )
