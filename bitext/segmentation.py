"""Segments of a text: in comes a string, out comes a `Document` whose spans tile it.

Sentence-like units for Chinese and English, in one linear scan.  A regular expression finds the marks that can
end a segment; each is judged by the characters around it, with Chinese rules where the neighbors are Chinese and
English rules elsewhere, so mixed text needs no switch.  Titles, embedded parentheses and quotations inside
quotations are then protected.  No character is lost: white space belongs to the segment it follows.

What the corpora say about each mark (GCDT, MAC, Universal Dependencies) is behind the decisions: a full stop
before a closing quotation mark ends a segment after that mark (not before it); ``……``, ``——``, ``；`` and ``：`` in
the middle of a text do not; a footnote reference stays with the sentence it follows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from bitext.data import Document
from bitext.errors import BitextError, SpanError

Quotes = Literal["fine", "keep"]
Newline = Literal["hard", "soft", "auto"]


@runtime_checkable
class Segmenter(Protocol):
    """Turns a text into the spans of its segments.

    Any callable from a text to spans, or to the texts of the segments in order, can stand in for one, for
    example ``pysbd.Segmenter(language="zh").segment``; `name` goes into the signature of what is computed.
    """

    name: str

    def spans(self, text: str) -> NDArray[np.int32]:
        """Code-point spans ``[start, end)`` of shape (n_segments, 2) that tile `text`."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """The built-in segmenter for Chinese and English.

    Parameters
    ----------
    quotes : {"fine", "keep"}, default "fine"
        "fine" ends a segment wherever a sentence ends, also inside quotation marks and before ``他说`` after
        them; "keep" leaves a quotation and the clause that introduces or attributes it in one segment.
    newline : {"hard", "soft", "auto"}, default "auto"
        "hard": every line end ends a segment; "soft": only blank lines, list items and indents do, other line
        ends are wrapping; "auto": decided from the lengths of the lines.
    max_chars : int, optional
        Longer segments are divided at their best weaker mark, never within a word.
    """

    quotes: Quotes = "fine"
    newline: Newline = "auto"
    max_chars: int | None = None

    def __post_init__(self) -> None:
        _require_option("quotes", self.quotes, ("fine", "keep"))
        _require_option("newline", self.newline, ("hard", "soft", "auto"))
        if self.max_chars is not None and self.max_chars < 1:
            raise BitextError(f"max_chars is {self.max_chars}; expected at least 1, or None for no limit.")

    @property
    def name(self) -> str:
        """Rule set and options, as they enter the signature."""
        limit = f"|max:{self.max_chars}" if self.max_chars else ""
        return f"rules1:{self.quotes}:{self.newline}{limit}"

    def spans(self, text: str) -> NDArray[np.int32]:
        """Code-point spans of shape (n_segments, 2) that tile `text`."""
        return self._divide(text, _paragraph_starts(text, self.newline))

    def _divide(self, text: str, paragraphs: list[int]) -> NDArray[np.int32]:
        found = _boundaries(text, paragraphs)
        if self.quotes == "keep":
            found = _without_quoted(text, found)
        cuts = sorted({0, *paragraphs, *(after for _, after in found)})
        if self.max_chars:
            cuts = list(_limited(text, [*cuts, len(text)], self.max_chars))
        return _tiles(cuts, len(text))


def segment(
    text: str,
    *,
    lang: str | None = None,
    segmenter: Segmenter | Callable[[str], Any] | None = None,
    quotes: Quotes = "fine",
    newline: Newline = "auto",
    max_chars: int | None = None,
    path: str | None = None,
) -> Document:
    """Divide `text` into segments.

    Parameters
    ----------
    text : str
        Any text; never altered.
    lang : str, optional
        BCP 47; by default `detect_language` decides.  It labels the document: the rules follow the script.
    segmenter : Segmenter or callable, optional
        Used instead of the built-in `Rules`; a callable returns spans, or the segments' texts in order.
    quotes, newline, max_chars
        Options of `Rules`; with another segmenter only `newline` counts, for the paragraph numbers.
    path : str, optional
        Where the text came from, for messages.

    Returns
    -------
    Document
        Spans that tile the text; each line (or wrapped group of lines) that ends hard is a paragraph.

    Raises
    ------
    SpanError
        If a segmenter of yours loses, repeats or reorders characters.
    BitextError
        If an option is not one of those above.

    Examples
    --------
    >>> segment("“走吧！”他说。雨停了。", lang="zh").segments
    ['“走吧！”', '他说。', '雨停了。']
    """
    rules = Rules(quotes, newline, max_chars)
    paragraphs = _paragraph_starts(text, newline)
    if segmenter is None:
        spans = rules._divide(text, paragraphs)
    else:
        spans = _as_tiles(text, (segmenter.spans if isinstance(segmenter, Segmenter) else segmenter)(text))
    numbers = np.maximum(np.searchsorted(paragraphs, spans[:, 0], side="right") - 1, 0)
    return Document(text, lang or detect_language(text), spans, numbers, path)


def segment_lines(text: str, *, lang: str, path: str | None = None) -> Document:
    r"""Take each line of `text` as one segment, blank lines too; each span holds its own line end.

    Lines end with ``\n``, ``\r\n`` or ``\r``.  A blank line ends a paragraph and belongs to it.
    """
    cuts = [0, *(m.end() for m in _LINE_END.finditer(text))]
    spans = _tiles([c for c in cuts if c < len(text)], len(text))
    blank = np.array([not text[start:end].strip() for start, end in spans], dtype=bool)
    after_blank = np.concatenate(([False], blank[:-1] & ~blank[1:])) if len(blank) else blank
    return Document(text, lang, spans, np.cumsum(after_blank), path)


def detect_language(text: str) -> str:
    """Tell Chinese from English by their letters: "zh", "zh-Hant", "en" or "und".

    Chinese if a third of the letters-or-more are Han characters (a Han character counts as three Latin letters, which is what
    it takes to translate one) and few are kana or hangul; "zh-Hant" if more characters are of Traditional-only form than of Simplified-only
    form.  English if the rest is Latin script and no other language's function words prevail.
    """
    codes = _code_points(text)
    n_han, n_latin = int(_is_han(codes).sum()), int(_is_latin(codes).sum())
    n_other = int(
        (
            ((codes >= 0x370) & (codes < 0x2000)) | _in(codes, 0x3040, 0x30FF) | _in(codes, 0xAC00, 0xD7A3)
        ).sum()
    )
    if max(n_han, n_latin) == 0 or n_other > n_han + n_latin / 4:
        return "und"
    if 3 * n_han > n_latin:
        if _in(codes, 0x3040, 0x30FF).sum() > n_han / 10:
            return "und"
        simplified, traditional = (sum(map(text.count, chars)) for chars in (_SIMPLIFIED, _TRADITIONAL))
        return "zh-Hant" if traditional > simplified else "zh"
    words = re.findall(r"[^\W\d_]+", text[:20_000].lower())
    english, foreign = (sum(w in group for w in words) for group in (_ENGLISH_WORDS, _FOREIGN_WORDS))
    return "und" if foreign > english else "en"


# --- scripts -------------------------------------------------------------------------------------------------

_SIMPLIFIED = "们这个国来时说为会对过还进没样经学开关问见长头实发现让东车书无间种动话边门马鸟鱼龙风飞电气"
_TRADITIONAL = "們這個國來時說為會對過還進沒樣經學開關問見長頭實發現讓東車書無間種動話邊門馬鳥魚龍風飛電氣"
_ENGLISH_WORDS = frozenset(
    "the of and to a in is that for it with as was on be are this by at from he she i you not".split()
)
_FOREIGN_WORDS = frozenset(
    "der die das und ist nicht ein eine le la les des et est une dans pour el los las que en del por con il di che "
    "per un een het van dat och att som är o os do da não em uma się nie na że w z".split()
)


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def _in(codes: NDArray[np.uint32], first: int, last: int) -> NDArray[np.bool_]:
    return (codes >= first) & (codes <= last)


def _is_han(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return (
        _in(codes, 0x4E00, 0x9FFF)
        | _in(codes, 0x3400, 0x4DBF)
        | _in(codes, 0x20000, 0x323AF)
        | (codes == 0x3007)
    )


def _is_latin(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    lower = codes | 0x20
    return _in(lower, 0x61, 0x7A) | (_in(codes, 0xC0, 0x24F) & (codes != 0xD7) & (codes != 0xF7))


# --- paragraphs ---------------------------------------------------------------------------------------------

_LINE_END = re.compile(r"\r\n|\n|\r")
_ITEM = re.compile(
    r"\s*(?:[-*•·●▪‣◦■□◆○–—>#|]\s*\S|\(?(?:\d{1,3}|[a-z])[.)、．）]\s?\S|[（(][一二三四五六七八九十\d]{1,3}[）)]|[①-⑳])|　　"
)
_OPENING_LINE = re.compile(r"\s*[“‘「『（(《【\[]+\s*")
_CLOSING_LINE = re.compile(r"\s*[”’」』）)》】\]\"]+\s*")
_STOP_AT_LINE_END = re.compile(r"[。！？.!?…:：;；][”’」』）)\"']*\s*\Z")


def _paragraph_starts(text: str, newline: Newline) -> list[int]:
    """Offsets of the first visible character of each line that starts a paragraph; the first is 0.

    A line of nothing but quotation marks or brackets joins the text that it opens or closes.
    """
    lines = text.splitlines(keepends=True)
    width = _wrap_width(lines) if newline == "auto" else 0
    starts, offset, previous = [], 0, ""
    for line in lines:
        if line.isspace():
            previous = ""
        else:
            joined = previous and _continues(previous, line, width, newline)
            if len(line) < 8 and starts:
                joined = joined or _CLOSING_LINE.fullmatch(line)
            if not joined and not (starts and _OPENING_LINE.fullmatch(text, starts[-1], offset)):
                starts.append(offset + len(line) - len(line.lstrip()))
            previous = line
        offset += len(line)
    return [0, *starts[1:]]


def _continues(previous: str, line: str, width: int, newline: Newline) -> bool:
    """Whether the end of the previous line is a wrap within a paragraph."""
    if newline == "hard" or (newline == "auto" and not width) or _ITEM.match(line):
        return False
    if len(line) - len(line.lstrip()) > len(previous) - len(previous.lstrip()):
        return False
    return not width or line.lstrip()[0].islower() or _is_full(previous, line, width)


def _width(text: str) -> int:
    """Columns of `text`, wide characters counting two: in UTF-8 they take three bytes."""
    return len(text) if text.isascii() else (len(text) + len(text.encode("utf-8", "surrogatepass"))) // 2


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether the first word of the following line would not have fitted on this one."""
    word = following.split(None, 1)[0]
    return _width(line.rstrip()) + 1 + (len(word) if word.isascii() else 2) > width - 2


def _wrap_width(lines: list[str]) -> int:
    """Column at which the text is wrapped, 0 if it is not.

    It is wrapped if most lines that others follow are full, or go on in lower case, and few end a sentence.
    """
    pairs = [(a, b) for a, b in pairwise(lines) if not a.isspace() and not b.isspace()]
    if len(pairs) < 2:
        return 0
    widths = sorted(_width(a.rstrip()) for a, _ in pairs)
    width = widths[int(0.98 * (len(widths) - 1))]
    if not 30 <= width <= 130 or sum(bool(_STOP_AT_LINE_END.search(a)) for a, _ in pairs) > len(pairs) / 2:
        return 0
    full = sum(_is_full(a, b, width) for a, b in pairs)
    lower = sum(b.lstrip()[0].islower() for _, b in pairs)
    return width if full >= 0.7 * len(pairs) or lower >= 0.5 * len(pairs) else 0


# --- where segments end -------------------------------------------------------------------------------------

_WIDE = "\u2e80"  # from here on, characters and marks are Chinese, Japanese or Korean
_EMOJI = "☀-➿\U0001f300-\U0001faff\ufe0f\u200d"
_STOPS = f"。！？｡!?…⋯‥．.～~—{_EMOJI}"
_CLOSERS = "”’」』﹂﹄》〉）)\\]】〕］〗｝}\"'»›"
_NOTE = (
    r"[ \xa0]?\[(?:注|註|note )?\s?\d{1,3}(?:\s?[-–,，、]\s?\d{1,3})*\]|[ \xa0]?\[(?:…+|\.{3})\]|\[[一-鿿]{2,6}\]"
    r"|［\d{1,3}］|〔\d{1,3}〕|[①-⑳㉑-㉟¹²³⁰-⁹†‡]+|[ \xa0][:;]-?[()DPp](?!\w)"
    rf"|[{_EMOJI}]+|(?<=[。！？”」]) ?[（(](?:[^（）()。！？!?\n]|\([^()\n]*\)){{1,40}}[）)](?![，、；：。！？,;:.!?])"
)
_CANDIDATE = re.compile(rf"([{_STOPS}][{_STOPS}]*(?:[ \xa0]\.+(?!\w))*)([{_CLOSERS}]*)((?:{_NOTE})*)(\s*)")
_STRONG = re.compile("[。！？｡!?]")
_OPENERS = frozenset("\"'“‘「『（([{«")
_QUOTE_END = frozenset("”’」』﹂﹄\"'»")
_CONTINUES = frozenset("，、；：,;:。！？｡.?!…⋯—–～·）)》〉」』”’】〕］]}%％=/\\&-")
_AFTER_QUOTE = frozenset("的之等与與和及或是为為而时時地就便则則即吗嗎呢吧么麼")
_PARTICLES = frozenset("啊哦呢吧啦呀嘛哈耶哟喔咯噢喽呵嘻嗯了")
_TITLE_BEFORE = re.compile(r"(?:[A-Z][\w'’]*\s+(?:[\w'’]+\s+)*[A-Z][\w'’]*|Yahoo)\Z")
_QUOTATION = re.compile('“[^“”]*”|「[^「」]*」|『[^『』]*』|‘(?:[^‘’]|’(?=[a-z]))*’(?![a-z])|"[^"\\n]*"')
_PROTECTED = re.compile(
    "《[^《》]{1,80}》|〈[^〈〉]{1,80}〉|[（(][^（()）]{1,300}[）)]"
    "|[“‘「『](?<=[一-鿿].)(?<![说說道问問喊叫答曰云写寫].)[^“”‘’「」『』]{1,80}[”’」』]"
)

_Boundary = tuple[int, int]  # where the marks end, where the next segment starts


def _boundaries(text: str, paragraphs: Sequence[int]) -> list[_Boundary]:
    """Where segments end within paragraphs, in order."""
    openers = {m.start() for m in _QUOTATION.finditer(text) if m.group()[0] == '"'} if '"' in text else set()
    found = []
    for match in _CANDIDATE.finditer(text):
        run, closers, note, gap = match.groups()
        end, after = match.end(3), match.end()
        if openers and '"' in closers and not gap:
            opener = next((i for i in range(match.start(2), match.end(2)) if i in openers), None)
            if opener is not None:
                closers, note, end, after = text[match.start(2) : opener], "", opener, opener
        if note and note[0] in _CIRCLED and _lists_items(text, match.start(), paragraphs):
            end = after = match.start(3)
        following = text[after : after + 1]
        if not following or following in _CONTINUES:
            continue
        start = match.start()
        before = text[start - 1 : start]
        if before >= _WIDE or following >= _WIDE or run[0] >= _WIDE:
            ends = _ends_chinese(text, start, run, closers, gap or note, following)
        else:
            ends = bool(gap) and _ends_english(text, start, run, closers, after, paragraphs)
        if ends:
            found.append((end, after))
    return _unprotected(text, sorted([*found, *_items(text, paragraphs)]), paragraphs)


def _ends_chinese(text: str, at: int, run: str, closers: str, gap: str, following: str) -> bool:
    """Judge the marks `run` at `at`, followed by `closers` and `gap`, where a neighbor is Chinese."""
    before = text[at - 1 : at]
    if "》" in closers or "〉" in closers:
        return False
    if not _QUOTE_END.isdisjoint(closers):
        return following not in _AFTER_QUOTE and before not in _OPENERS
    if run[-1] == "—" or following in _AFTER_QUOTE and run[0] in "!?" and before < _WIDE:
        return False
    if run in ".．":
        return _full_stop_ends(text, at, closers, gap, following)
    if not _STRONG.search(run):
        if run[-1] in "…⋯.":
            return following in "“「"
        return before in _PARTICLES or (run[0] >= _WIDE and bool(gap))
    if run[0] in "!?" and not gap and not closers and before < _WIDE:
        return following >= _WIDE and not _TITLE_BEFORE.search(text, max(0, at - 40), at)
    return True


_NUMERALS = frozenset("一二三四五六七八九十0123456789０１２３４５６７８９")
_TRANSLITERATING = frozenset(
    "阿埃艾安奥巴贝本比彼波伯博布查达戴丹德蒂迪杜多恩尔菲费弗夫福盖戈格哈海汉赫亨霍基吉加杰金卡凯康科克肯孔库夸拉莱"
    "兰劳勒雷利里莉丽列林琳隆卢鲁路伦罗洛马玛麦曼梅门蒙米密摩莫姆穆纳奈内尼涅宁诺欧帕佩彭皮蓬普齐奇乔切琼丘茹瑞萨塞"
    "桑瑟莎舍什史舒斯苏索塔泰坦汤特滕提图托瓦威韦维魏温沃乌西希谢辛休许雅亚扬耶伊因英尤约赞泽扎詹珍佐"
)


def _full_stop_ends(text: str, at: int, closers: str, gap: str, following: str) -> bool:
    """Judge a ``.`` next to Chinese: full stop, list number, decimal, or dot within a foreign name."""
    before = text[at - 1 : at]
    if before in _NUMERALS:
        start = at - 1
        while at - start < 5 and text[start - 1 : start] in _NUMERALS and start:
            start -= 1
        if not text[start - 1 : start].isalnum() or following in _NUMERALS:
            return False
    if before >= _WIDE:
        if before in _TRANSLITERATING and following in _TRANSLITERATING:
            return False
        return bool(gap) or following >= _WIDE or following.isdigit() or following.isupper()
    if not before.isalnum() and following >= _WIDE:
        return True
    return (bool(gap) or before.islower()) and not _is_abbreviation(_word_before(text, at))


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_END = _words(
    "Mr Mrs Ms Messrs Mmes Mme Mlle Dr Drs Prof Profs Rev Hon St Ste Gen Lt Col Capt Cpt Cmdr Maj Sgt Cpl Pvt Adm Gov "
    "Sen Sens Rep Reps Pres Supt Insp Det Fr Sr Sra Mt Ft Brig Atty Ald Amb Esq Msgr Assoc Asst Dept Univ Assn Bros "
    "vs v viz cf al e.g i.e eg ie ca approx resp esp ed eds trans incl Pvt Pty"
)
_BEFORE_NUMBER = _words(
    "No no Nos nos p pp P Pp Fig fig Figs figs Vol vol Vols vols Eq eq Eqs Sec sec Ch ch Chap chap Art art Pt pt Ref "
    "ref Refs Tab n c ext Ext tel Tel para Para Thm Lem Prop Def Ex"
)
_MAY_END = _words(
    "Inc Co Corp Ltd LTD Jr Ph.D PhD etc Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thurs Fri "
    "Sat Sun Ave Blvd Rd Hwy Calif Mass Conn Ala Ariz Ark Colo Fla Ill Ind Kan Ky Md Mich Minn Miss Mont Neb Nev Okla "
    "Ore Pa Penn Tenn Tex Va Vt Wash Wis hr hrs min max est dept tel ext PS Cie Bldg Mfg Intl Natl Govt"
)
_STARTERS = _words(
    "The This That These Those It Its He She We They I You His Her Their Our My Your A An In On At By For From With As "
    "If When While After Before Since But And Or So Yet However There Here What Who Where Why How Is Are Was Were Do "
    "Does Did Can Could Would Not No Yes Then Thus All Some Many Most One To Although Though Because Now Once Both "
    "Each Even Every Such Its It's I'm I'd I've I'll He's She's We're They're That's There's Don't During Under Also"
)
_LOWER_STARTERS = _words(
    "i i'm i've i'll i'd it it's the we they you he she there this that what why how if please"
)
_ACRONYM = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]{1,2}")
_ATTRIBUTION = re.compile(
    r"(?:[A-Z][\w'’-]*\s){1,3}(?:said|asked|replied|cried|shouted|answered|added|exclaimed|demanded|whispered|"
    r"muttered|murmured|called|continued|inquired|remarked|repeated|yelled|wondered|thought)\b"
)
_VERB_OF_SAYING = re.compile(r"[^，。！？：；…“”\n]{0,8}?[说說道问問喊叫答嚷骂罵讲講]")


def _ends_english(text: str, at: int, run: str, closers: str, after: int, paragraphs: Sequence[int]) -> bool:
    """Judge the marks `run` at `at`, followed by `closers` and white space, where no neighbor is Chinese."""
    first = after
    while text[first] in _OPENERS and first + 1 < len(text):
        first += 1
    word = _word_before(text, at) if run[0] == "." else ""
    quoted = not _QUOTE_END.isdisjoint(closers)
    if text[first].islower():
        return not quoted and run[0] in ".?!" and _starts_lower(text, word, first, paragraphs)
    if run[-1] not in ".!?…。！？":
        return quoted and run[0] == "—"
    if quoted:
        return run == "." or not _ATTRIBUTION.match(text, after)
    following = (
        text[first : first + 12].split(None, 1)[0].rstrip(".,;:!?\"'”’)") if not text[first].isspace() else ""
    )
    if run != ".":
        return run[0] not in ".…" or following != text[max(0, at - 12) : at].rpartition(" ")[2].lstrip(
            "\"'“‘("
        )
    if _is_list_number(text, at, word) or word in _BEFORE_NUMBER and following[:1].isdigit():
        return False
    if closers or text[after] in '"“‘':
        return word not in _NEVER_END
    return not _is_abbreviation(word) or (word not in _NEVER_END and following.replace("’", "'") in _STARTERS)


def _word_before(text: str, at: int) -> str:
    pieces = text[max(0, at - 16) : at].split()
    return (
        pieces[-1].rpartition("—")[2].lstrip("\"'“‘([{:/-") if pieces and not text[at - 1].isspace() else ""
    )


def _is_abbreviation(word: str) -> bool:
    """Whether a full stop after `word` may be part of it."""
    if len(word) == 1:
        return word.isupper()
    if word in _NEVER_END or word in _MAY_END or (word.isupper() and word.capitalize() in _NEVER_END):
        return True
    return "." in word and _ACRONYM.fullmatch(word) is not None


def _is_list_number(text: str, at: int, word: str) -> bool:
    """Whether ``word.`` numbers an item: it starts the text, a line or a sentence."""
    if len(word) > 3 or not (word.isdigit() or len(word) == 1 or set(word) <= set("IVXivx")):
        return False
    lead = text[max(0, at - len(word) - 3) : at - len(word)]
    return (
        not lead
        or not lead.rstrip()
        or "\n" in lead
        or (lead != lead.rstrip() and lead.rstrip()[-1] in ".!?:;")
    )


def _starts_lower(text: str, word: str, first: int, paragraphs: Sequence[int]) -> bool:
    """Whether a sentence starts in lower case: its writer does so elsewhere, or its first word says so."""
    if word and (_is_abbreviation(word) or not word[-1].isalnum()):
        return False
    if text[paragraphs[bisect_right(paragraphs, first) - 1]].islower():
        return True
    return text[first : first + 10].split(None, 1)[0].rstrip(",.") in _LOWER_STARTERS


_CIRCLED = frozenset(map(chr, range(0x2460, 0x2474)))
_FIRST_ITEM = re.compile(r"(\(?|（?)(\d{1,2}|[①-⑳])([.．、)）]?)")
_RULE = re.compile(r"([*=_~-])\1{2,}(?!\S)\s*|[•●▪‣]\s+")


def _lists_items(text: str, at: int, paragraphs: Sequence[int]) -> bool:
    """Whether circled numbers count items in the paragraph around `at` rather than footnotes."""
    start = paragraphs[bisect_right(paragraphs, at) - 1]
    return re.search(r"(?:\A|[：:；;，,]\s?)[①-⑳]", text[max(start, at - 500) : at]) is not None


def _items(text: str, paragraphs: Sequence[int]) -> Iterator[_Boundary]:
    """Boundaries before the second and later items of a numbered list on one line, around rules and bullets."""
    for start, end in zip(paragraphs, [*paragraphs[1:], len(text)], strict=True):
        item = _FIRST_ITEM.match(text, start)
        while item and (item[3] or item[2] in _CIRCLED):
            number = str(int(item[2]) + 1) if item[2].isdecimal() else chr(ord(item[2]) + 1)
            marker = re.escape(item[1] + number + item[3])
            item = re.compile(
                rf"(?<=[\s；;。.!?！？])({re.escape(item[1])})({number})({re.escape(item[3])})(?!\d)"
            ).search(text, item.end(), end)
            if item:
                yield item.start(), item.start()
    for rule in _RULE.finditer(text):
        if rule.start() and text[rule.start() - 1].isspace():
            yield rule.start(), rule.start()
        if rule.end() < len(text) and rule[1] and (not rule.start() or text[rule.start() - 1].isspace()):
            yield rule.end(), rule.end()


def _unprotected(text: str, found: list[_Boundary], paragraphs: Sequence[int]) -> list[_Boundary]:
    """Drop what lies in titles, in brackets that do not start a segment, and in quotations within a clause."""
    starts = {after for _, after in found}
    starts.update(paragraphs)
    spans = []
    for match in _PROTECTED.finditer(text):
        start, end = match.span()
        if text[start] not in "（(":
            spans.append((start, end - 1))
        elif start not in starts:
            spans.append((start, end if text[end - 2] in "！？…" else end - 1))
    return _outside(found, spans)


def _outside(found: list[_Boundary], spans: list[tuple[int, int]]) -> list[_Boundary]:
    """Keep the boundaries whose marks end in none of the `spans` (in order)."""
    if not spans or not found:
        return found
    starts, reach = np.array(spans).T
    reach = np.maximum.accumulate(reach)
    ends = np.array([end for end, _ in found])
    at = np.searchsorted(starts, ends, side="left") - 1
    inside = (at >= 0) & (reach[np.maximum(at, 0)] >= ends)
    return [boundary for boundary, drop in zip(found, inside, strict=True) if not drop]


def _without_quoted(text: str, found: list[_Boundary]) -> list[_Boundary]:
    """Drop the boundaries within quotations, and those between a quotation and its attribution."""
    spans = []
    for match in _QUOTATION.finditer(text):
        attributed = _VERB_OF_SAYING.match(text, match.end()) is not None
        spans.append((match.start(), match.end() if attributed else match.end() - 1))
    return _outside(found, spans)


# --- tiling -------------------------------------------------------------------------------------------------

_WEAKER = re.compile(rf"(?:([；;])|([，：]|[,:](?=[\s{_CLOSERS}])|——)|(、))[{_CLOSERS}]*\s*|\s+")


def _limited(text: str, cuts: Sequence[int], limit: int) -> Iterator[int]:
    """Further cuts, at weaker marks and white space, so that segments have at most `limit` characters.

    Only where neither stands within the limit is a segment longer: a word is never divided.
    """
    for start, end in pairwise(cuts):
        yield start
        end = start + len(text[start:end].rstrip())
        if end - start <= limit:
            continue
        marks = [
            (m.end(), m.lastindex or 4)
            for m in _WEAKER.finditer(text, start, end)
            if start < m.start() and m.end() < end
        ]
        for i, (cut, _) in enumerate(marks):
            following = marks[i + 1][0] if i + 1 < len(marks) else end
            while following - start > limit and cut > start:
                start = _best_cut(marks, i, start + limit // 2)
                yield start


def _best_cut(marks: list[tuple[int, int]], last: int, floor: int) -> int:
    """Of the marks up to `last` and beyond `floor`, the strongest; the later of two equals."""
    best = last
    while last >= 0 and marks[last][0] > floor:
        if marks[last][1] < marks[best][1]:
            best = last
        last -= 1
    return marks[best][0]


def _tiles(cuts: Sequence[int], length: int) -> NDArray[np.int32]:
    """Spans that start at `cuts` (ascending, the first 0) and end at `length`."""
    if not length:
        return np.empty((0, 2), dtype=np.int32)
    edges = np.array([*cuts, length], dtype=np.int32)
    return np.stack([edges[:-1], edges[1:]], axis=1)


def _as_tiles(text: str, result: Any) -> NDArray[np.int32]:
    """Spans from what a segmenter gave: spans or texts in order; gaps of white space go to the one before."""
    items = list(result)
    if items and isinstance(items[0], str):
        spans, at = [], 0
        for item in items:
            piece = item.strip()
            start = text.find(piece, at)
            if start < 0:
                raise SpanError(
                    f"the segmenter returned {piece[:40]!r}, which is not in the text after character {at}; "
                    "expected the segments' texts in order and unaltered."
                )
            if piece:
                at = start + len(piece)
                spans.append((start, at))
    else:
        spans = [(int(start), int(end)) for start, end in items]
    position = 0
    for start, end in [*spans, (len(text), len(text))]:
        if start < position or text[position:start].strip():
            raise SpanError(
                f"the segmenter returned the span [{start}, {end}) after one that ends at {position}; "
                "expected spans in order that leave out nothing but white space."
            )
        position = end
    return _tiles([0, *(start for start, _ in spans[1:])], len(text))


def _require_option(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise BitextError(f"{name} is {value!r}; expected one of {', '.join(map(repr, known))}.")
