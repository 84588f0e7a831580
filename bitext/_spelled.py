"""People whose names are spelled wrongly: Chinese and English texts in, names that nobody in the source has out.

The English side is searched for what is spelled like a Chinese name, surname and given name in pinyin.  If no
consecutive characters nearby sound like it, but those of a name sound like it in part, the name is misspelled
(隋忠诚 as Sui Zhongshi) or somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from bitext._names import FUNCTION_WORDS, is_romanization, romanized, syllables
from bitext._termmatch import HAN, fold, masked, parts_of_speech, segment
from bitext.data import Span

_SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓冯韩曹曾彭萧肖蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅"
    "钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎闫薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武戚莫孔向汤常温康施文牛"
    "樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝"
    "路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农卓古吉缪简车项连芦麦褚娄窦岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应"
    "臧闵苟邬边卞姬师仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩佘池查麻苑迟邝封谈鞠惠荆冀郁班储栗燕楚鄢劳谌奚皮粟冼蔺楼盘满"
    "闻厉伊仝习荀茅区郜阚花权强帅屠朴练廉禹祖漆巴卿国狄索相晋司欧官胥"
)
_READINGS = {
    "单": "shan",
    "仇": "qiu",
    "区": "ou",
    "解": "xie",
    "查": "zha",
    "盖": "ge",
    "尉": "yu",
    "朴": "piao",
    "曾": "zeng",
}
"""Of characters that sound otherwise when they are surnames."""
_ARTICLES = frozenset({"a", "de", "du", "la", "le", "van"})
"""Of European surnames, as in Le Maire; some are syllables of pinyin too."""
_SYLLABLE = (
    "(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?"
    "(?:iang|iong|uang|[aei]ng|ong|uai|i?ao|i?an|uan|ai|ei|ou|er|en|in|un|i[aeu]|u[aeio]|[aeiou])"
)
_NAME = re.compile(
    rf"(?<![\w’'-])(?=[A-Z])(?P<surname>(?i:{_SYLLABLE}))[ \u00a0]"
    rf"(?=[A-Z])(?P<given>(?i:{_SYLLABLE}(?:{_SYLLABLE})?))(?![\w-]|\.[A-Z])"
)
_PINYIN_BEFORE = re.compile(rf"(?<![\w’'-])(?=[A-Z])(?i:{_SYLLABLE}){{1,3}}[ \u00a0]$")
_CAPITALIZED_AFTER = re.compile(r"[ \u00a0][A-Z]")
_SURE, _UNSURE = 0.85, 0.65
"""Two syllables of a name are right; only its surname is."""


@dataclass(frozen=True, slots=True)
class MisspelledName:
    """A name of the source, what stands for it in the target, how it should be spelled, how surely that is so."""

    source_span: Span
    target_span: Span
    suggestion: str
    confidence: float


def unheard_names(sources: Sequence[str], target: str, explained: Iterable[Span]) -> list[Span]:
    """Find what is spelled like a Chinese name and sounds like nothing in the source.

    Parameters
    ----------
    sources : sequence of str
        Chinese texts of the bead and of those beside it, since a name may have been moved.
    target : str
        English text of the bead.
    explained : iterable of span
        Places of the target that render something known as a whole.
    """
    taken, places = list(explained), list(_spelled(target))
    heard = {
        phrase: any(is_romanization(text, spelling) for text in sources for spelling in _orders(phrase))
        for phrase in {target[start:end] for start, end in places}
    }
    return [
        (start, end)
        for start, end in places
        if not heard[target[start:end]] and not any(a <= start and end <= b for a, b in taken)
    ]


def misspelled_names(
    source: str, target: str, unheard: Iterable[Span], known: Iterable[Span] = ()
) -> Iterator[MisspelledName]:
    """Find the names of a source that stand misspelled in a target.

    Parameters
    ----------
    source, target : str
        Chinese and English text of a bead.
    unheard : iterable of span
        What `unheard_names` found in the target.
    known : iterable of span
        Places of the source that are names of somebody known, whom this is not about.
    """
    text = masked(fold(source), known)
    nearest: dict[str, tuple[Span, str, float] | None] = {}
    for start, end in unheard:
        phrase = target[start:end]
        if phrase not in nearest:
            nearest[phrase] = _nearest(text, target, phrase)
        found = nearest[phrase]
        if found and (found[2] > _UNSURE or not _PINYIN_BEFORE.search(target, 0, start)):
            yield MisspelledName(found[0], (start, end), *found[1:])


def _orders(phrase: str) -> tuple[str, str]:
    """Write a name as one word, surname first and surname last."""
    surname, given = phrase.split()
    return surname + given, given + surname


def _spelled(target: str) -> Iterator[Span]:
    """Yield what looks like a surname of one syllable and a given name of one or two."""
    for match in _NAME.finditer(target):
        surname, given = match["surname"], match["given"]
        if not (surname.istitle() and given.istitle()) or surname.lower() in _ARTICLES:
            continue
        if given.lower() not in FUNCTION_WORDS and not _CAPITALIZED_AFTER.match(target, match.end()):
            yield match.span()


def _nearest(source: str, target: str, spelled: str) -> tuple[Span, str, float] | None:
    """Find the name of `source` that sounds most like the one `spelled`, how to spell it, how surely it is meant.

    A name that stands in the target besides is none of them.
    """
    surname, given = spelled.lower().split()
    ends = set(accumulate(map(len, segment(source)), initial=0))
    best: tuple[float, Span, str, float] | None = None
    for parts in _readings(given):
        sounds = (surname, *parts)
        for at in range(len(source) - len(sounds) + 1):
            name = source[at : at + len(sounds)]
            if name[0] not in _SURNAMES or "某" in name or not all(map(HAN.match, name)):
                continue
            same = [sound in syllables(c) for sound, c in zip(sounds, name, strict=True)]
            share, sure = sum(same) / len(same), sum(same) >= 2
            likely = same[0] and {at, at + len(name)} <= ends and _is_person(name)
            better = (sure or likely) and (best is None or share > best[0])
            if better and not romanized(name, target):
                best = share, (at, at + len(name)), _respelled(name, sounds, same), _SURE if sure else _UNSURE
    return best and best[1:]


def _is_person(name: str) -> bool:
    """Whether the dictionary has a person of this name, or nothing."""
    return parts_of_speech().get(name, "nr").startswith("nr")


@lru_cache(maxsize=1024)
def _readings(given: str) -> tuple[tuple[str, ...], ...]:
    """Cut a given name into one or two syllables in all ways."""
    cuts = [(given,)] + [(given[:i], given[i:]) for i in range(1, len(given))]
    return tuple(cut for cut in cuts if all(re.fullmatch(_SYLLABLE, part) for part in cut))


def _respelled(name: str, sounds: Sequence[str], same: Sequence[bool]) -> str:
    """Spell a name in pinyin, as it stands there where that is right."""
    from pypinyin import lazy_pinyin

    usual = lazy_pinyin(name)
    usual[0] = _READINGS.get(name[0], usual[0])
    right = (
        sound if kept else plain.replace("ü", "u")
        for sound, kept, plain in zip(sounds, same, usual, strict=True)
    )
    surname, *given = right
    return f"{surname.capitalize()} {''.join(given).capitalize()}"
