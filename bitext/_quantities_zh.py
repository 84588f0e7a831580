"""Reads the quantities of a Chinese text: a string in, `Quantity` objects in reading order out.

The text is first normalized character by character (full-width to ASCII, Traditional to Simplified where a rule
below needs it, financial to ordinary numerals), so that offsets stay and each rule is written once.  One
expression then finds runs of numeral characters; what stands before and after a run says what it counts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bitext._quantity import VAGUE_HIGH, Hedge, Kind, Quantity
from bitext.data import Span


def scan(text: str, masked: Sequence[Span] = ()) -> list[Quantity]:
    """Find the quantities of a Chinese `text`, leaving out what overlaps a `masked` span."""
    norm = _normalized(text, masked)
    found: list[Quantity] = []
    position = 0
    while match := _RUN.search(norm, position):
        position = match.end()
        reading = _read(norm, text, match)
        if reading:
            found.extend(reading)
            position = max(position, reading[-1].span[1])
    return _joined(found, norm, text)


# --------------------------------------------------------------------------------------------- normalization

_TRADITIONAL = (
    "萬万億亿兩两幾几數数個个點点餘余週周鐘钟時时間间條条張张場场屆届組组雙双對对類类項项種种輛辆塊块圓元圆元幣币歐欧鎊镑盧卢韓韩紐纽噸吨頃顷畝亩"
    "裡里裏里碼码攝摄達达過过約约將将從从僅仅滿满於于號号歲岁級级層层頁页節节隻只頭头戶户樓楼國国門门佔占連连續续減减長长漲涨擴扩縮缩聯联統统專专"
    "單单樣样變变勝胜論论錢钱麼么當当後后顆颗臺台員员戰战際际關关處处業业筆笔網网區区縣县鎮镇鄰邻險险離离線线會会團团隊队階阶輪轮邊边運运遠远靈灵"
    "靜静親亲語语說说話话頓顿倫伦瑪玛馬马龍龙蘭兰寶宝陽阳陰阴華华貨货經经濟济財财產产價价飛飞魚鱼鳥鸟車车軍军師师書书畫画雜杂開开氣气電电燈灯熱热"
    "無无為为與与舉举義义習习鄉乡買买賣卖亂乱爭争虧亏雲云亞亚亙亘倉仓儀仪優优夥伙傳传傷伤倆俩債债傾倾償偿儘尽億亿見见觀观覺觉訂订計计記记設设證证"
    "識识調调談谈請请諾诺謀谋講讲謝谢贏赢貫贯費费貼贴賀贺資资賓宾質质趨趋趙赵跡迹躍跃轉转輕轻較较農农遲迟適适選选鄭郑醫医釋释針针銀银銅铜銘铭鋒锋"
    "錯错鍵键鐵铁鑽钻閃闪問问閣阁陳陈陸陆隨随難难雙双霧雾響响順顺須须預预頂顶領领題题額额顏颜願愿類类飄飘養养館馆馳驰駛驶驅驱驗验驚惊髮发鬆松鬥斗"
    "鬧闹麗丽黃黄齊齐齒齿龜龟徑径強强彈弹獨独獎奖劃划劍剑勞劳勢势動动協协卻却參参嚴严圍围園园圖图執执堅坚報报壓压夠够夢梦奪夺奮奋嬌娇孫孙學学實实"
    "寫写對对導导幫帮帶带庫库廠厂廣广彎弯應应態态懷怀懸悬戲戏擊击據据擴扩攤摊敗败斷断於于舊旧晉晋晝昼暢畅曆历歷历東东極极樂乐標标檢检權权歡欢歲岁"
    "殺杀毀毁漢汉潔洁燒烧爾尔狀状環环現现畢毕療疗發发盡尽監监盤盘確确禮礼積积穩稳窮穷競竞簡简納纳紅红純纯紙纸細细終终結结給给綜综維维緊紧編编縱纵"
    "總总織织繞绕繼继纜缆罷罢羅罗聖圣聞闻聲声職职聽听肅肃脫脱腦脑腳脚臉脸興兴艦舰藝艺蘇苏號号補补裝装覽览"
)
_FINANCIAL = "壹一贰二貳二叁三叄三肆四伍五陆六陸六柒七捌八玖九拾十佰百仟千"
_FULL_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}
_TRANSLATION = {
    **_FULL_WIDTH,
    **dict(zip(map(ord, _TRADITIONAL[::2]), _TRADITIONAL[1::2], strict=True)),
    **{ord("﹪"): "%", ord("○"): "〇", ord("Ｏ"): "O", 0x3000: " ", 0xA0: " ", 0x202F: " ", 0x2009: " "},
    **dict.fromkeys(map(ord, "–—−～〜﹣"), "-"),
}
_FINANCIAL_TABLE = dict(zip(map(ord, _FINANCIAL[::2]), _FINANCIAL[1::2], strict=True))
_FINANCIAL_RUN = re.compile(r"[壹贰貳叁叄肆伍陆陸柒捌玖拾佰仟零万亿]{2,}(?=[元角分整吨]|$|[^一-鿿])")
_MASK = "\ue000"


def _normalized(text: str, masked: Sequence[Span]) -> str:
    norm = text.translate(_TRANSLATION)
    if any(c in norm for c in "拾佰仟"):
        norm = _FINANCIAL_RUN.sub(lambda m: m[0].translate(_FINANCIAL_TABLE), norm)
    for start, end in masked:
        norm = norm[:start] + _MASK * (end - start) + norm[end:]
    return norm


# ------------------------------------------------------------------------------------------------- numerals

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SCALES = {"十": 1e1, "百": 1e2, "千": 1e3, "万": 1e4, "亿": 1e8, "兆": 1e12}
_NUM = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
_CHAR = "零〇一二两三四五六七八九十百千万亿兆"
_RUN = re.compile(
    rf"""
    (?P<skip> (?!(?:RMB|CNY|HKD|USD|EUR|GBP|JPY|Q[1-4])(?![a-z])) [A-Za-z][A-Za-z]*[-.]?\d[\dA-Za-z.\-]*
            | \d+(?:\.\d+){{2,}} )
  | (?P<word> 翻番|翻倍|倍增|加倍|减半|过半|半数|一半|各半|半(?=年|个|小时|天|日|月|世纪|成|价|分钟|秒|公里|斤|亩|吨) )
  | (?P<run>
        (?: {_NUM} | [几数](?=[十百千万亿兆]) | [{_CHAR}] )
        (?: (?<=\d)[ ](?=[千百万亿兆]) [千百万亿兆] | [余多几](?=[千百万亿兆]) | (?<=[十百千])几(?=[万亿]) | [{_CHAR}]
          | (?<=[百千万亿兆]){_NUM} )*
        (?: (?<=[零〇一二两三四五六七八九十])点[零〇一二三四五六七八九]+(?![十\d分刻])[百千万亿]* )?
    )
  | (?P<few> [几数](?=[个位名家年天周月种项次人条届千百万]) )
    """,
    re.VERBOSE,
)


class _Number:
    """The bare numeral of a run: an interval, its last place, and how it was written."""

    __slots__ = ("digits", "high", "low", "scale", "step", "vague")

    def __init__(
        self, low: float, high: float, step: float, *, vague: bool, scale: float, digits: bool
    ) -> None:
        self.low, self.high, self.step = low, high, step
        self.vague, self.scale, self.digits = vague, scale, digits


def _number(run: str) -> _Number | None:
    run = run.replace(" ", "").replace(",", "").replace("余", "").replace("多", "")
    digits = run[0].isdigit()
    plain = run.rstrip("百千万亿兆")
    if digits and (plain.isdigit() or plain.replace(".", "", 1).isdigit()):
        scale = 1.0
        for c in run[len(plain) :]:
            scale *= _SCALES[c]
        decimals = len(plain) - plain.find(".") - 1 if "." in plain else 0
        value = _exact(float(plain) * scale)
        return _Number(value, value, scale / 10**decimals, vague=False, scale=scale, digits=True)
    if "点" in run:
        return _with_point(run)
    if len(run) > 1 and all(c in _DIGITS for c in run):
        return _positional(run)
    bounds = _value(run)
    if bounds is None:
        return None
    low, high = bounds
    vague = "几" in run or "数" in run
    last = run[-1]
    return _Number(
        _exact(low),
        _exact(high),
        _SCALES.get(last, 1.0) if low == high else max(high - low, 1.0),
        vague=vague or low != high,
        scale=max((_SCALES[c] for c in run if c in "万亿兆"), default=1.0),
        digits=digits,
    )


def _exact(value: float) -> float:
    """Undo binary noise: 1.2 × 1e8 is written, and meant, as 120000000."""
    return float(f"{value:.12g}")


def _with_point(run: str) -> _Number:
    whole, _, rest = run.partition("点")
    fraction = rest.rstrip("百千万亿")
    scale = 1.0
    for c in rest[len(fraction) :]:
        scale *= _SCALES[c]
    bounds = _value(whole) or (0.0, 0.0)
    value = bounds[0] + float("0." + "".join(str(_DIGITS[c]) for c in fraction))
    value = _exact(value * scale)
    return _Number(value, value, scale / 10 ** len(fraction), vague=False, scale=scale, digits=False)


def _positional(run: str) -> _Number:
    """Digits one after the other: 二〇二二 is 2022, but 两三 is 2–3 and 三五 is 3–5."""
    values = [_DIGITS[c] for c in run]
    if len(run) == 2 and 0 < values[0] < values[1] and values[1] - values[0] <= 2:
        return _Number(values[0], values[1], 1.0, vague=True, scale=1.0, digits=False)
    value = float("".join(map(str, values)))
    return _Number(value, value, 1.0, vague=False, scale=1.0, digits=False)


def _value(run: str) -> tuple[float, float] | None:
    """Interval of a numeral in characters (digits allowed in front of a scale)."""
    for scale, worth in (("兆", 1e12), ("亿", 1e8), ("万", 1e4)):
        left, found, right = run.rpartition(scale)
        if found:
            high_part = _value(left) if left else (1.0, 1.0)
            low_part = _tail(right, worth)
            if high_part is None or low_part is None:
                return None
            return high_part[0] * worth + low_part[0], high_part[1] * worth + low_part[1]
    return _below_ten_thousand(run)


def _tail(run: str, above: float) -> tuple[float, float] | None:
    """What follows a scale; a single digit counts the next lower place (两万五 is 25,000)."""
    if not run:
        return 0.0, 0.0
    if len(run) == 1 and run in _DIGITS:
        return _DIGITS[run] * above / 10, _DIGITS[run] * above / 10
    return _value(run)


def _below_ten_thousand(run: str) -> tuple[float, float] | None:
    low = high = 0.0
    digits: list[float] = []
    above = 1.0
    number = ""
    few = zero = False
    for c in run:
        if c.isdigit() or c == ".":
            number += c
        elif c in "几数":
            few = True
        elif c in _DIGITS:
            zero = zero or c in "零〇"
            digits.append(float(_DIGITS[c]))
        else:
            worth = _SCALES[c]
            if number:
                digits, number = [float(number)], ""
            first, last = (2.0, VAGUE_HIGH) if few else (digits[0], digits[-1]) if digits else (1.0, 1.0)
            low += first * worth
            high += last * worth
            digits, few, zero, above = [], False, False, worth
    if number:
        digits = [float(number)]
    if few:  # 十几, 二十几
        return low + above / 10, high + 9 * above / 10
    if digits:
        worth = above / 10 if above > 10 and not zero and len(digits) == 1 and run[-2:-1] in _SCALES else 1.0
        if len([d for d in digits if d]) > 2:
            return None
        digits = [d for d in digits if d] or [0.0]
        low += digits[0] * worth
        high += digits[-1] * worth
    return low, high


# ---------------------------------------------------------------------------------- what a numeral counts

_CURRENCIES = {
    "人民币": "CNY", "RMB": "CNY", "CNY": "CNY", "元人民币": "CNY", "人民币元": "CNY",
    "美元": "USD", "美金": "USD", "US$": "USD", "USD": "USD", "元美金": "USD",
    "港元": "HKD", "港币": "HKD", "HK$": "HKD", "HKD": "HKD", "元港币": "HKD", "港纸": "HKD",
    "欧元": "EUR", "€": "EUR", "EUR": "EUR", "日元": "JPY", "JPY": "JPY", "英镑": "GBP", "£": "GBP", "GBP": "GBP",
    "澳元": "AUD", "澳币": "AUD", "加元": "CAD", "加币": "CAD", "新加坡元": "SGD", "坡元": "SGD", "新元": "SGD",
    "新台币": "TWD", "台币": "TWD", "元新台币": "TWD", "元台币": "TWD", "NT$": "TWD", "韩元": "KRW", "韩币": "KRW",
    "瑞士法郎": "CHF", "卢布": "RUB", "卢比": "INR", "泰铢": "THB", "越南盾": "VND", "林吉特": "MYR", "澳门元": "MOP",
    "雷亚尔": "BRL", "纽元": "NZD", "纽币": "NZD", "元": "元", "块钱": "CNY", "$": "$", "¥": "CNY", "￥": "CNY",
}  # fmt: skip
_UNITS: dict[str, tuple[Kind, str, float]] = {
    "%": ("percent", "percent", 1), "‰": ("percent", "permille", 1), "成": ("percent", "percent", 10),
    "厘": ("percent", "percent", 1), "折": ("percent", "discount", 10),
    "百分点": ("point", "pp", 1), "基点": ("point", "bp", 1), "点子": ("point", "bp", 1), "倍": ("multiple", "", 1),
    "秒": ("time", "second", 1), "秒钟": ("time", "second", 1), "分钟": ("time", "minute", 1),
    "小时": ("time", "hour", 1), "钟头": ("time", "hour", 1), "天": ("time", "day", 1), "工作日": ("time", "day", 1),
    "交易日": ("time", "day", 1), "昼夜": ("time", "day", 1), "周": ("time", "week", 1), "星期": ("time", "week", 1),
    "礼拜": ("time", "week", 1), "年": ("time", "year", 1), "周年": ("time", "year", 1), "岁": ("time", "year", 1),
    "周岁": ("time", "year", 1), "载": ("time", "year", 1), "季度": ("time", "quarter", 1),
    "世纪": ("time", "century", 1),
    "纳米": ("measure", "nm", 1), "微米": ("measure", "µm", 1), "毫米": ("measure", "mm", 1), "厘米": ("measure", "cm", 1),
    "公分": ("measure", "cm", 1), "米": ("measure", "m", 1), "公尺": ("measure", "m", 1), "公里": ("measure", "km", 1),
    "千米": ("measure", "km", 1), "里": ("measure", "li", 1), "华里": ("measure", "li", 1), "英里": ("measure", "mile", 1),
    "英尺": ("measure", "foot", 1), "英寸": ("measure", "inch", 1), "海里": ("measure", "nautical mile", 1),
    "平方米": ("measure", "m2", 1), "平米": ("measure", "m2", 1), "平方公尺": ("measure", "m2", 1),
    "平方公里": ("measure", "km2", 1), "平方千米": ("measure", "km2", 1), "公顷": ("measure", "hectare", 1),
    "亩": ("measure", "mu", 1), "英亩": ("measure", "acre", 1), "平方英尺": ("measure", "ft2", 1),
    "平方英里": ("measure", "mi2", 1), "毫升": ("measure", "ml", 1), "升": ("measure", "liter", 1),
    "公升": ("measure", "liter", 1), "立方米": ("measure", "m3", 1), "桶": ("measure", "barrel", 1),
    "加仑": ("measure", "gallon", 1), "毫克": ("measure", "mg", 1), "克": ("measure", "g", 1), "公斤": ("measure", "kg", 1),
    "千克": ("measure", "kg", 1), "斤": ("measure", "jin", 1), "吨": ("measure", "ton", 1), "公吨": ("measure", "ton", 1),
    "磅": ("measure", "pound", 1), "盎司": ("measure", "ounce", 1), "安士": ("measure", "ounce", 1),
    "瓦": ("measure", "W", 1), "瓦特": ("measure", "W", 1), "千瓦": ("measure", "kW", 1), "兆瓦": ("measure", "MW", 1),
    "吉瓦": ("measure", "GW", 1), "瓦时": ("measure", "Wh", 1), "千瓦时": ("measure", "kWh", 1),
    "度电": ("measure", "kWh", 1), "兆瓦时": ("measure", "MWh", 1), "吉瓦时": ("measure", "GWh", 1),
    "赫兹": ("measure", "Hz", 1), "兆赫": ("measure", "MHz", 1), "吉赫": ("measure", "GHz", 1),
    "摄氏度": ("measure", "°C", 1), "℃": ("measure", "°C", 1), "°C": ("measure", "°C", 1), "华氏度": ("measure", "°F", 1),
    "°F": ("measure", "°F", 1), "km": ("measure", "km", 1), "KM": ("measure", "km", 1), "m": ("measure", "m", 1),
    "cm": ("measure", "cm", 1), "mm": ("measure", "mm", 1), "nm": ("measure", "nm", 1), "kg": ("measure", "kg", 1),
    "KG": ("measure", "kg", 1), "g": ("measure", "g", 1), "mg": ("measure", "mg", 1), "ml": ("measure", "ml", 1),
    "L": ("measure", "liter", 1), "kW": ("measure", "kW", 1), "MW": ("measure", "MW", 1), "GW": ("measure", "GW", 1),
    "kWh": ("measure", "kWh", 1), "MWh": ("measure", "MWh", 1), "GWh": ("measure", "GWh", 1), "KB": ("measure", "KB", 1),
    "MB": ("measure", "MB", 1), "GB": ("measure", "GB", 1), "TB": ("measure", "TB", 1), "PB": ("measure", "PB", 1),
    "Mbps": ("measure", "Mbit/s", 1), "Mbit/s": ("measure", "Mbit/s", 1), "Mb/s": ("measure", "Mbit/s", 1),
    "Gbps": ("measure", "Gbit/s", 1), "Gbit/s": ("measure", "Gbit/s", 1), "Gb/s": ("measure", "Gbit/s", 1),
    "Tbps": ("measure", "Tbit/s", 1), "Hz": ("measure", "Hz", 1), "kHz": ("measure", "kHz", 1),
    "MHz": ("measure", "MHz", 1), "GHz": ("measure", "GHz", 1), "km/h": ("measure", "km/h", 1), "m/s": ("measure", "m/s", 1),
}  # fmt: skip
_LONGEST_UNIT = max(map(len, _UNITS))
_CLASSIFIERS = frozenset(
    "个位名家所间项件种条张座台架辆艘部本份支只头匹块片层栋幢户人次回趟场轮届期代批组套双对副笔宗起桩门类款封首篇章节级等档方国地句字口亩步岁年天"
    "日月周秒分时点倍成折元角毛盘颗粒株棵把顶例员倍杯瓶箱袋盒包堆群排列段幅枚股道处系大线环星级阶站村县市省州区组册页行"
)
_TAIL = re.compile(
    r" ?([多余来几](?![万亿为样变]))?(?:个(?!位|别|中|性|体))?([多余])?(半(?!导|数|径|球|岛))?"
)
_BEFORE = re.compile(
    r"(?P<hedge>[一-鿿]{0,4}?)\s*(?P<money>人民币|港币|美金|美元|港元|新台币|台币|RMB|CNY|HKD|USD|EUR|GBP|JPY|HK\$|US\$|NT\$|\$|¥|€|£)?\s*$"
)
_PREFIX_CURRENCY = (
    "人民币", "新台币", "台币", "港币", "美金", "RMB", "CNY", "HKD", "USD", "EUR", "GBP", "JPY", "HK$", "US$", "NT$", "$", "¥",
    "€", "£",
)  # fmt: skip
_HEDGES_BEFORE: tuple[tuple[Hedge, tuple[str, ...]], ...] = (
    ("under", ("不超过", "不多于", "不高于", "不到", "不足", "未到", "少于", "低于", "未满", "不满", "小于", "将近", "接近", "逼近", "近乎",
               "几近", "几乎", "至多", "最多")),
    ("over", ("超过", "超出", "多达", "不少于", "不低于", "不下", "至少", "最少", "起码", "高于", "多于", "大于", "突破", "冲破", "逾", "超逾",
              "越过", "胜过", "超", "破")),
    ("about", ("大约", "约为", "约有", "约", "大概", "估计", "左右", "约莫", "差不多", "近似")),
)  # fmt: skip
_HEDGES_AFTER: tuple[tuple[Hedge, tuple[str, ...]], ...] = (
    ("over", ("以上", "之多", "有余", "有多", "+", "多", "余")),
    ("under", ("以下", "以内", "之内")),
    ("about", ("左右", "上下", "许")),
)
_GROWTH = re.compile(
    r"(?:增长|增加|增|提高|提升|上升|上涨|涨|扩大|飙升|激增|大增|暴涨|高出|多出|多|大|快|高)了?(?:近|约|超过|逾|超|大约)?$"
)


def _read(norm: str, text: str, match: re.Match[str]) -> list[Quantity]:
    """Quantities of one match: none, one, or the parts of a clock time or date."""
    start, end = match.span()
    kind_of_match = match.lastgroup
    if kind_of_match == "skip":
        return []
    if kind_of_match == "word":
        return _word(norm, text, match[0], start, end)
    if kind_of_match == "few":
        return _few(norm, text, start)
    run = match[0]
    if not run[0].isdigit() and _is_set_phrase(norm, start, end):
        return []
    clock = _CLOCK.match(norm, start)
    if clock:
        return _clock(norm, text, clock)
    if norm.startswith("分之", end):
        return _fraction(norm, text, run, start, end)
    number = _number(run)
    if number is None or _is_bare_scale(norm, run, start, end):
        return []
    return _counted(norm, text, run, number, start, end)


def _is_bare_scale(norm: str, run: str, start: int, end: int) -> bool:
    """百, 千 or 万 alone is a number only when counted or hedged: 百家, 上千, 近万元."""
    if run not in ("百", "千", "万", "亿", "兆"):
        return False
    return norm[start - 1 : start] not in tuple("上近过逾超成数几") and norm[end : end + 1] not in tuple(
        "个家人名元年次吨亩里"
    )


def _counted(norm: str, text: str, run: str, number: _Number, start: int, end: int) -> list[Quantity]:
    low, high, step, vague = number.low, number.high, number.step, number.vague
    hedge: Hedge = ""
    before = norm[max(0, start - 12) : start]
    tail = _TAIL.match(norm, end)
    assert tail is not None  # every part is optional
    at = tail.end()
    more, _, half = tail.groups()
    if (more and more != "几") or tail[2] or "余" in run or "多" in run:
        hedge = "over"
    if more == "几" and run[-1] in "十百千":
        place = _SCALES[run[-1]] / 10
        low, high, vague, step = low + place, high + 9 * place, True, place
    kind, unit, factor, stop = _unit(norm, text, run, at, before, number)
    if kind == "skip":
        return []
    if half and (kind in ("time", "plain")):
        low, high, step = low + 0.5, high + 0.5, 0.5
    elif norm.startswith("半", stop) and kind in ("time", "percent") and not half:
        half_worth = 0.5 * factor
        low, high, step, stop = low + 0.5, high + 0.5, 0.5, stop + 1
        del half_worth
    if kind == "plain" and not unit:
        stop = end if not (more == "几" or half) else at
    scaled = _exact(low * factor), _exact(high * factor)
    begin = start
    money, begin_money = _currency_before(norm, start)
    if money:
        begin = begin_money
        if kind in ("plain", "money"):
            kind, unit = "money", money if unit in ("", "元") or money != "$" else unit
    hedge = hedge or _hedge(norm, begin, stop)
    if kind == "multiple":
        growth = _GROWTH.search(before)
        if growth:
            scaled, unit = (scaled[0] + 1, scaled[1] + 1), "increase"
    if kind == "time" and hedge == "under" and norm[begin - 1 : begin] == "近":
        hedge = ""  # 近三年 is "the last three years" at least as often as "nearly three years"
    if _ordinal(norm, start):
        return _ordinals(norm, text, scaled, start, end)
    if norm[begin - 1 : begin] in ("上", "成") and run[0] in "百千万亿":
        hedge, scaled, vague = "over", (scaled[0], scaled[1] * VAGUE_HIGH), True
    weight = _weight(norm, run, kind, scaled, vague=vague, start=start, end=end)
    if weight is None:
        return []
    return [
        Quantity(
            (begin, stop),
            text[begin:stop],
            scaled[0],
            scaled[1],
            kind,
            unit,
            hedge,
            vague,
            step * factor,
            weight,
        )
    ]


def _unit(
    norm: str, text: str, run: str, at: int, before: str, number: _Number
) -> tuple[str, str, float, int]:
    """Kind, unit, factor and end of what follows a numeral at `at`."""
    head = norm[at : at + 1]
    # dates first: 年 and 月 mean another thing after a calendar number
    if head == "年" and norm[at : at + 2] != "年代":
        if _is_year(run, number, norm, at):
            return "date", "year", 1, at + 1
        return "time", "year", 1, at + 1
    if norm.startswith("年代", at):
        return "date", "decade", 1, at + 2
    if head == "月" and norm[at - 1] != "个" and 1 <= number.low <= 12 and number.step == 1:
        return "date", "month", 1, at + 1
    if head == "月" and norm[at - 1] == "个":
        return "time", "month", 1, at + 1
    if head in ("日", "号") and number.low <= 31 and not norm.startswith("日元", at):
        return "date", "day", 1, at + 1
    if (
        re.search(r"\d月|[一二三四五六七八九十]月$", before[-3:])
        and before.endswith("月")
        and number.low <= 31
        and not head.isdigit()
    ):
        return "date", "day", 1, at
    for length in range(min(_LONGEST_UNIT, len(norm) - at), 0, -1):
        piece = norm[at : at + length]
        if piece in _CURRENCIES:
            end = at + length
            return _money(norm, piece, end)
        if piece in _UNITS:
            kind, unit, factor = _UNITS[piece]
            if _unit_is_word(norm, piece, at, run):
                break
            return kind, unit, factor, at + length
    if head == "块" and (
        norm[at + 1 : at + 2] in tuple("，。、；）)多五") or norm[at + 1 : at + 2].isdigit()
    ):
        return "money", "元", 1, at + 1
    if head in ("毛", "角") and (
        norm.startswith("毛钱", at)
        or norm[at + 1 : at + 2] in tuple("，。、；）)/每一")
        or at + 1 >= len(norm)
    ):
        return "money", "元", 0.1, at + (2 if norm.startswith("毛钱", at) else 1)
    if norm.startswith("分钱", at):
        return "money", "元", 0.01, at + 2
    if head == "番":
        return "multiple", "番", 1, at + 1
    if head and head.isascii() and head.isalpha() and run[-1].isdigit() and norm[at - 1] != " ":
        return "skip", "", 1, at
    return "plain", "", 1, at


def _money(norm: str, piece: str, end: int) -> tuple[str, str, float, int]:
    currency = _CURRENCIES[piece]
    return "money", currency, 1, end


def _unit_is_word(norm: str, piece: str, at: int, run: str) -> bool:
    """Whether the unit begins a longer word: 成功, 分子, 里程, 米兰, 克服."""
    after = norm[at + len(piece) : at + len(piece) + 1]
    longer = _NOT_UNITS.get(piece)
    return bool(longer and after and after in longer)


_NOT_UNITS = {
    "成": "功立为员本长熟效果就品交因人都份型年分", "天": "然气津空下", "周": "围边末转期", "里": "程面约昂", "米": "兰歇饭粉其", "克": "服罗拉里",
    "升": "级至值高降幅", "倍": "增", "度": "假", "瓦": "解", "斤": "斤", "磅": "礴", "成本": "", "年": "", "桶": "装", "m": "", "g": "", "L": "",
    "厘": "定清", "载": "体入荷重客", "周年": "", "折": "叠扣旧射价损算线合", "分": "", "秒": "杀", "岁": "月", "吨": "", "星期": "",
}  # fmt: skip


def _is_year(run: str, number: _Number, norm: str, at: int) -> bool:
    if at and norm[at - 1] == "个":
        return False
    if len(run) == 4 and number.digits and "," not in run:
        return 1000 <= number.low <= 2999
    if all(c in _DIGITS for c in run):
        return (len(run) == 4 and 1000 <= number.low <= 2999) or (len(run) == 2 and run[0] in "零〇")
    return bool(len(run) == 2 and number.digits and re.match(r"年1?\d月", norm[at : at + 4]))


def _currency_before(norm: str, start: int) -> tuple[str, int]:
    head = norm[max(0, start - 5) : start]
    stripped = head.rstrip(" ")
    for name in _PREFIX_CURRENCY:
        if stripped.endswith(name):
            return _CURRENCIES[name], start - (len(head) - len(stripped)) - len(name)
    return "", start


def _hedge(norm: str, start: int, end: int) -> Hedge:
    after = norm[end : end + 2]
    for hedge, words in _HEDGES_AFTER:
        if after.startswith(words) and not after.startswith(("多边", "多元", "余额", "多样", "多功")):
            return hedge
    before = norm[max(0, start - 4) : start].rstrip(" ")
    for hedge, words in _HEDGES_BEFORE:
        if before.endswith(words):
            return hedge
    if before.endswith("近") and not before.endswith(("最近", "附近", "邻近", "远近", "相近")):
        return "under"
    if (
        before.endswith("过")
        and norm[start : start + 1] in tuple("百千万亿半")
        and not before.endswith(("经过", "通过"))
    ):
        return "over"
    return ""


def _ordinal(norm: str, start: int) -> bool:
    return norm[start - 1 : start] == "第" if start else False


_ORDINAL_UNITS = {"季": "quarter", "世纪": "century", "财季": "quarter"}


def _ordinals(norm: str, text: str, bounds: tuple[float, float], start: int, end: int) -> list[Quantity]:
    unit = next((u for word, u in _ORDINAL_UNITS.items() if norm.startswith(word, end)), "")
    weight = 1.0 if norm[end - 1].isdigit() else 0.2 if bounds[0] <= 2 else 0.5
    return [Quantity((start - 1, end), text[start - 1 : end], *bounds, "ordinal", unit, weight=weight)]


def _weight(
    norm: str, run: str, kind: str, bounds: tuple[float, float], *, vague: bool, start: int, end: int
) -> float | None:
    """How surely a translation shows the number; ``None`` if it is no number at all."""
    digits = run[0].isdigit()
    if digits:
        if kind == "plain" and bounds[0] < 10 and (start == 0 or norm[start - 1] in "\n([（"):
            return 0.3  # list marker or footnote
        return 1.0
    if len(run) > 1:
        return 0.6 if vague or run[0] in "百千万亿" else 0.9
    if run == "一":
        return 0.1 if kind != "plain" or norm[end : end + 1] in _CLASSIFIERS else None
    if kind != "plain" or norm[end : end + 1] in _CLASSIFIERS:
        return 0.6
    return 0.35


def _word(norm: str, text: str, word: str, start: int, end: int) -> list[Quantity]:
    if word in ("翻番", "翻倍", "倍增", "加倍"):
        return [Quantity((start, end), text[start:end], 2, 2, "multiple", weight=0.6)]
    if word == "半":
        return _half(norm, text, start)
    hedge: Hedge = "over" if word == "过半" else _hedge(norm, start, end)
    return [Quantity((start, end), text[start:end], 50, 50, "percent", "percent", hedge, step=1, weight=0.4)]


def _half(norm: str, text: str, start: int) -> list[Quantity]:
    if norm[start - 1 : start] in ("上", "下"):
        if not norm.startswith("年", start + 1):
            return []
        which = 1 if norm[start - 1] == "上" else 2
        return [
            Quantity(
                (start - 1, start + 2),
                text[start - 1 : start + 2],
                which,
                which,
                "ordinal",
                "half",
                weight=0.4,
            )
        ]
    at = start + 1 + norm.startswith("个", start + 1)
    for length in (3, 2, 1):
        if norm[at : at + length] in _UNITS:
            kind, unit, factor = _UNITS[norm[at : at + length]]
            end = at + length
            return [
                Quantity((start, end), text[start:end], 0.5 * factor, 0.5 * factor, kind, unit,
                         _hedge(norm, start, end), step=0.5, weight=0.5)
            ]  # fmt: skip
    if norm.startswith("月", at) and at > start + 1:
        return [
            Quantity((start, at + 1), text[start : at + 1], 0.5, 0.5, "time", "month", step=0.5, weight=0.5)
        ]
    return []


def _few(norm: str, text: str, start: int) -> list[Quantity]:
    """几个, 数年: "several"."""
    if (
        norm[start] == "数"
        and norm[start - 1 : start]
        in tuple("人次总参指系函分倍个位户家件岁票字基页点单复奇偶常变多少半计读无")
        and start
    ):
        return []
    at = start + 1 + norm.startswith("个", start + 1)
    kind, unit, end = "plain", "", start + 1
    for length in (2, 1):
        if norm[at : at + length] in _UNITS:
            kind, unit, _ = _UNITS[norm[at : at + length]]
            end = at + length
            break
    if norm.startswith("月", at) and at > start + 1:
        kind, unit, end = "time", "month", at + 1
    return [Quantity((start, end), text[start:end], 2, 9, kind, unit, vague=True, weight=0.2)]  # type: ignore[arg-type]


def _fraction(norm: str, text: str, run: str, start: int, end: int) -> list[Quantity]:
    """百分之三十, 三分之一."""
    match = _RUN.match(norm, end + 2)
    bottom = _number(run)
    if not match or match.lastgroup != "run" or bottom is None or not bottom.low:
        return []
    top = _number(match["run"])
    if top is None:
        return []
    stop = match.end()
    tail = _TAIL.match(norm, stop)
    hedge: Hedge = "over" if tail and tail[1] in ("多", "余", "强") else _hedge(norm, start, stop)
    factor = 100 / bottom.low
    return [
        Quantity((start, stop), text[start:stop], _exact(top.low * factor), _exact(top.high * factor), "percent",
                 "percent", hedge, top.vague, top.step * factor)
    ]  # fmt: skip


_CLOCK = re.compile(
    r"(?P<h>\d{1,2}|[零一二三四五六七八九十两]{1,3})(?:(?::(?P<colon>[0-5]\d)(?!\d|:|\.\d))|[时点](?!间|代|候|期|至|点)(?:(?P<half>半)|(?P<ke>[一三])刻"
    r"|(?P<m>[0-5]?\d|[零一二三四五六七八九十]{1,3})分(?!之|钟)|(?=整|许|[,。、;)多起至到前后钟在,]|$)))"
)


def _clock(norm: str, text: str, match: re.Match[str]) -> list[Quantity]:
    hour = _number(match["h"])
    minute = _number(match["m"] or match["colon"] or "0")
    if hour is None or minute is None or hour.low > 24:
        return []
    minutes = 30 if match["half"] else {"一": 15, "三": 45}[match["ke"]] if match["ke"] else minute.low
    before = norm[max(0, match.start() - 4) : match.start()]
    late = before.rstrip(" ").endswith(("下午", "晚上", "晚间", "傍晚", "晚", "午后", "夜里", "深夜"))
    hours = hour.low + 12 if late and hour.low < 12 else hour.low
    value = hours * 60 + minutes
    start, end = match.span()
    return [Quantity((start, end), text[start:end], value, value, "time", "clock")]


# --------------------------------------------------------------------------------- neighbors that belong together

_RANGE = re.compile(r" ?(?:-{1,2}|至|到|~) ?(?:人民币|港币|HK\$|US\$|\$)?$")


def _joined(found: list[Quantity], norm: str, text: str) -> list[Quantity]:
    """Merge ranges (2至3亿), and money, durations and years written in parts (3块5毛, 2小时15分)."""
    joined: list[Quantity] = []
    for quantity in found:
        if joined:
            last = joined[-1]
            gap = norm[last.span[1] : quantity.span[0]]
            merged = None
            if len(gap) <= 6 and last.hedge != "over" and _RANGE.fullmatch(gap):
                merged = _range(last, quantity, norm, text)
            elif gap in ("", "零", "又") and last.kind == quantity.kind in ("time", "money"):
                merged = _compound(last, quantity, text)
            if merged:
                joined[-1] = merged
                continue
        joined.append(quantity)
    return joined


def _range(first: Quantity, second: Quantity, norm: str, text: str) -> Quantity | None:
    if first.kind in ("date", "ordinal") or second.unit == "clock" or first.unit == "clock":
        return None
    if second.kind == "date" and first.kind == "plain":
        return None
    if first.kind not in ("plain", second.kind) or not (first.exact and second.exact):
        return None
    if norm[first.span[0] - 1 : first.span[0]] in ("由", "从", "自"):
        return None
    low = first.low
    scale = second.step if second.step >= 1000 and second.low >= 1000 else 1.0
    for worth in (1e12, 1e8, 1e4):
        if (
            second.low >= worth
            and text[first.span[0] : first.span[1]].rstrip()[-1:].isdigit()
            and first.low < second.low / worth
        ):
            scale = worth
            break
    else:
        scale = 1.0
    if first.kind == "plain":
        if norm[second.span[1] - 3 : second.span[1]].strip("0123456789.,") and scale > 1:
            low = first.low * scale
        if second.kind == "percent" and "成" in text[slice(*second.span)]:
            low = first.low * 10
    if not low < second.low:
        return None
    span = (first.span[0], second.span[1])
    return replace(second, span=span, text=text[slice(*span)], low=low, hedge=first.hedge or second.hedge)


def _compound(first: Quantity, second: Quantity, text: str) -> Quantity | None:
    from bitext._quantity import UNITS

    if first.kind == "money":
        if second.unit != "元" or not second.low < 1:
            return None
        extra = second.low
    else:
        if (
            first.unit not in UNITS
            or second.unit not in UNITS
            or UNITS[second.unit][1] >= UNITS[first.unit][1]
        ):
            return None
        extra = second.low * UNITS[second.unit][1] / UNITS[first.unit][1]
    if not (first.exact and second.exact):
        return None
    span = (first.span[0], second.span[1])
    value = first.low + extra
    return replace(first, span=span, text=text[slice(*span)], low=value, high=value, hedge=second.hedge)


# ------------------------------------------------------------------------------------------------ set phrases

_SET_PHRASES = frozenset(
    """
    一定 一般 一直 一样 一起 一些 一切 一致 一旦 一律 一贯 一向 一旁 一同 一概 一味 一度 一时 一再 一边 一面 一方面 一系列 一番 一带 一路 一体 一流 一线 一手 一心
    一经 一并 一齐 一共 一道 一举 一点 一下 一会 一会儿 一连 一改 一跃 一如 一如既往 一帆风顺 一目了然 一视同仁 一网打尽 一鸣惊人 一蹴而就 一劳永逸 一臂之力 一触即发 一诺千金
    一日千里 一落千丈 一刻千金 一字千金 一泻千里 一席之地 一脉相承 一脉相传 一概而论 一言以蔽之 一言九鼎 一石二鸟 一箭双雕 一举两得 一分为二 一清二楚 一干二净 一五一十 一来二去
    一朝一夕 一草一木 一点一滴 一心一意 一举一动 一言一行 一模一样 一生一世 一丝不苟 一成不变 一马当先 一望无际 一应俱全 一无所有 一无所知 一无是处 一路走来 一带一路 一体化 一窝蜂
    一把手 一揽子 一刀切 一站式 一次性 一氧化碳 一针见血 一夜之间 一席 一瞬 一瞬间 一刹那 一世 一生 一身 一头 一口气 一窍不通 一见钟情 一见如故 一往无前 一尘不染 一盘散沙 一事无成
    统一 唯一 惟一 之一 同一 单一 万一 专一 均一 合一 逐一 任一 某一 每一 这一 那一 另一 哪一 进一步 下一步 下一 上一 新一 又一 早一 有一 第一手 第一时间 第一线 首屈一指 独一无二 数一数二
    不一 不一定 不二 说一不二 始终如一 表里如一 百里挑一 九死一生 千篇一律 万众一心 众口一词 昙花一现 大吃一惊 焕然一新 耳目一新 沧海一粟 冰山一角 有朝一日 非一日之寒 略胜一筹 棋高一着
    更胜一筹 更上一层楼 毁于一旦 功亏一篑 孤注一掷 千钧一发 别具一格 自成一家 融为一体 混为一谈 打成一片 付之一炬 付之一笑 聊备一格 网开一面 独树一帜 独当一面 别树一帜 可见一斑
    三心二意 三番五次 三番两次 三三两两 三言两语 三五成群 三长两短 三头六臂 三令五申 三思而行 三顾茅庐 三教九流 三生有幸 三更半夜 三天两头 举一反三 再三 一而再 接二连三 丢三落四 颠三倒四
    朝三暮四 低三下四 不三不四 垂涎三尺 退避三舍 入木三分 事不过三 火冒三丈 约法三章 冰冻三尺 狡兔三窟 四面八方 四通八达 四分五裂 四平八稳 四海 四海升平 四季如春 四处 四周 四肢 四起 五花八门
    五光十色 五彩缤纷 五颜六色 五湖四海 五体投地 五味杂陈 五谷丰登 五脏六腑 六神无主 六亲不认 七上八下 七嘴八舌 七零八落 七手八脚 七拼八凑 乱七八糟 横七竖八 杂七杂八 八九不离十 八面玲珑
    八仙过海 四舍五入 九牛一毛 九霄云外 十足 十分 十全十美 十万火急 十字路口 十字架 十拿九稳 十有八九 十之八九 十恶不赦 十面埋伏 十年树木 十年磨一剑 百分百 百货 百姓 百科 百般 百度 百炼 百合
    百花齐放 百家争鸣 百废待兴 百折不挠 百尺竿头 百发百中 百战百胜 百战不殆 百无聊赖 百思不解 百思不得其解 百年大计 百感交集 百里挑一 百读不厌 百忙 百叶 百慕大 百济 百胜 百威 百老汇 百事
    百世 百态 百出 百倍 老百姓 千万别 千万要 千万不要 千方百计 千变万化 千家万户 千姿百态 千军万马 千山万水 千言万语 千丝万缕 千里迢迢 千里马 千载难逢 千真万确 千差万别 千头万绪 千难万险
    千锤百炼 千疮百孔 千奇百怪 千呼万唤 千秋万代 千秋 千古 千百年 千百年来 千禧 千禧年 千斤顶 千钧 千岛 千叶 千问 千寻 千瓦时 千里之行 千里 成千上万 成百上千 万水千山 万紫千红 万无一失 万事
    万事如意 万事俱备 万物 万能 万有 万岁 万象 万象更新 万里 万里长城 万里长征 万里无云 万国 万科 万达 万维网 万众 万众瞩目 万千 万家 万户 万般 万分 万全 万恶 万民 万圣节 万宝路 万向 万博
    千千万万 亿万 亿万富翁 亿万富豪 亿航 三星 三菱 三井 三亚 三峡 三明 三洋 三角 三角形 三角洲 三维 三文鱼 三明治 三藩市 三国演义 三农 三轮车 四川 四方 四郊 四环素 五一 五四 五金 五月花 五角大楼
    五粮液 五菱 六一 七夕 七喜 七匹狼 八卦 八达岭 八达通 八一 九龙 九江 九州 九寨沟 九华山 十一 十堰 十月革命 二元 二人转 二手 二胡 二维 二维码 二氧化碳 二氧化 三氧化 四氧化 二噁英 二级市场 一级市场
    二流 二进制 十进制 八进制 十六进制 二次元 二战 一战 两岸 两会 两性 两极 两极分化 两难 两手 两旁 两全其美 两败俱伤 两面三刀 两袖清风 半斤八两 两口子 两级 进退两难 势不两立 三权分立
    人一 星期一 星期二 星期三 星期四 星期五 星期六 周一 周二 周三 周四 周五 周六 礼拜一 礼拜二 礼拜三 礼拜四 礼拜五 礼拜六 初一 初二 初三 高一 高二 高三 大一 大二 大三 大四 张三 李四 王五
    老二 老三 小三 阿三 万元户 三部曲 四重奏 三重奏 五笔 六合彩 三文治 双十一 十字 十二生肖 零售 零件 零部件 零星 零食 零钱 零碎 零散 零和 归零 清零 飘零 凋零 零距离 零容忍 零下 零点 零时 从零
    歸零 百分制 二分法 五常 七律 七绝 五言 三通 三包 四书 五经 四书五经 六经 七十二变 三十六计 二十四节气 二十四史 二十八宿 七七八八 六六大顺 八字 八股 三八 三七 二八 二把手 三把手 万古 千万吨级
    三十而立 四十不惑 五十步笑百步 三百六十行 三百六十度 九九归一 不管三七二十一 三下五除二 三缺一 二郎 三郎 十郎 三娘 四大名著 两点 两点论 五大洲 七大洲 四大洋
    """.split()
)
_PHRASE_LENGTHS = sorted({len(p) for p in _SET_PHRASES})
_NUMERAL = frozenset(_CHAR + "0123456789几数")


def _is_set_phrase(norm: str, start: int, end: int) -> bool:
    """Whether the numeral at ``[start, end)`` belongs to a word that counts nothing."""
    if end - start > 4:
        return False
    for length in _PHRASE_LENGTHS:
        for begin in range(max(0, start - length + 1), start + 1):
            stop = begin + length
            if stop < end:
                continue
            piece = norm[begin:stop]
            if piece in _SET_PHRASES and not (
                (piece[0] in _NUMERAL and norm[begin - 1 : begin] in _NUMERAL and begin)
                or (piece[-1] in _NUMERAL and norm[stop : stop + 1] in _NUMERAL and stop < len(norm))
            ):
                return True
    return False
