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
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
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


# --- paragraphs ----------------------------------------------------------------------------------------------

_LINE_END = re.compile(r"\r\n|\n|\r")
_ITEM = re.compile(
    r"\s*(?:[-*•·●▪‣◦■□◆○–—>#|]\s*\S|\(?\d{1,3}[.)、．]\s|[（(][一二三四五六七八九十\d]{1,3}[）)]|[①-⑳])|　　|\t"
)
_UNFINISHED = re.compile(r"[^\W\d_]|[,;:，；：、—–-]")


def _paragraph_starts(text: str, newline: Newline) -> list[int]:
    """Offsets of the first visible character of each line that starts a paragraph; the first is 0."""
    lines = text.splitlines(keepends=True)
    if newline == "auto":
        width = _wrap_width(lines)
        newline = "soft" if width else "hard"
    else:
        width = 0
    starts, offset, previous = [], 0, ""
    for line in lines:
        if not line.isspace():
            joined = newline == "soft" and previous and not _ITEM.match(line)
            if not (joined and (not width or _is_full(previous, line, width))):
                starts.append(offset + len(line) - len(line.lstrip()))
            previous = line
        else:
            previous = ""
        offset += len(line)
    return starts[:1] and [0, *starts[1:]]


def _width(line: str) -> int:
    line = line.strip("\r\n")
    return (
        len(line)
        if line.isascii()
        else sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
    )


def _first_word_width(line: str) -> int:
    word = line.split(None, 1)[0]
    return len(word) if word.isascii() else 2


def _is_full(line: str, following: str, width: int) -> bool:
    """Whether the first word of the following line would not have fitted on this one."""
    return _width(line) + 1 + _first_word_width(following) > width - 2


def _wrap_width(lines: list[str]) -> int:
    """Column at which the text is wrapped, 0 if it is not: most lines that others follow are full."""
    pairs = [(a, b) for a, b in zip(lines, lines[1:], strict=False) if not a.isspace() and not b.isspace()]
    if len(pairs) < 2:
        return 0
    widths = sorted(_width(a) for a, _ in pairs)
    width = widths[int(0.98 * (len(widths) - 1))]
    if not 30 <= width <= 130:
        return 0
    full = sum(_is_full(a, b, width) for a, b in pairs)
    return width if full >= 0.7 * len(pairs) else 0


# --- where segments end --------------------------------------------------------------------------------------

_NOTE = (
    r"(?:\[(?:注|註|note )?\s?\d{1,3}(?:\s?[-–,，、]\s?\d{1,3})*\]|［\d{1,3}］|〔\d{1,3}〕"
    r"|[①-⑳㉑-㉟¹²³⁰-⁹†‡]+)"
)
_CITATION = r"(?<=[。！？”」』])[（(][^（）()。！？!?\n]{1,60}[）)](?![，、；：。！？,;:.!?])"
_CLOSERS = "”’」』﹂﹄》〉）)\\]】〕］〗｝}\"'»›"
_CANDIDATE = re.compile(rf"([。！？｡!?…⋯‥．.～~—]+)((?:[{_CLOSERS}]|{_NOTE}|{_CITATION})*)(\s*)")
_STRONG = re.compile("[。！？｡!?]")
_QUOTE_END = re.compile("[”’」』﹂﹄\"']")
_WIDE = "\u2e80"  # from here on, characters and marks are Chinese, Japanese or Korean
_CONTINUES = frozenset("，、；：,;:。！？｡…⋯—～·）)》〉」』”’】〕］]}%％=/\\")
_AFTER_EMBEDDED = frozenset("的之等与與和及或是为為而后後时時地")
_PARTICLES = frozenset("啊哦呢吧啦呀嘛哈耶哟喔咯噢喽呵嘻嗯了的")
_SPANS = "《[^《》]{1,80}》|〈[^〈〉]{1,80}〉|（[^（）]{1,300}）|\\([^()]{1,300}\\)"
_PROTECTED = re.compile(_SPANS)
_QUOTATION = re.compile('“[^“”]*”|「[^「」]*」|‘[^‘’]*’(?![a-z])|『[^『』]*』|"[^"\\n]*"')


def _boundaries(text: str, paragraphs: Sequence[int]) -> list[tuple[int, int]]:
    """Where segments end within the text: pairs (end of the marks, start of what follows), in order."""
    openers = {m.start() for m in _QUOTATION.finditer(text) if m.group()[0] == '"'} if '"' in text else ()
    found = []
    for match in _CANDIDATE.finditer(text):
        run, tail, gap = match.groups()
        end, after = match.end(2), match.end()
        if openers and '"' in tail:
            cut = next((i for i, c in enumerate(tail) if c == '"' and match.start(2) + i in openers), None)
            if cut is not None:
                tail, gap, end = tail[:cut], "", match.start(2) + cut
                after = end
        before, following = text[match.start() - 1 : match.start()], text[after : after + 1]
        if not following or following in _CONTINUES:
            continue
        if before >= _WIDE or following >= _WIDE or run[0] >= _WIDE:
            ends = _ends_chinese(text, match.start(), run, tail, gap, following)
        else:
            ends = bool(gap) and _ends_english(text, match.start(), run, tail, after)
        if ends:
            found.append((end, after))
    return _unprotected(text, found, paragraphs)


def _ends_chinese(text: str, at: int, run: str, tail: str, gap: str, following: str) -> bool:
    if "》" in tail or "〉" in tail:
        return False
    before = text[at - 1 : at]
    if tail and _QUOTE_END.search(tail):
        return following not in _AFTER_EMBEDDED and before not in "“‘「『"
    if not _STRONG.search(run):
        if run[0] in ".．" and len(run) == 1:
            return _full_stop(text, at, tail, gap, following)
        return run[0] in "～~" and (before in _PARTICLES) and following >= _WIDE
    if run[0] in "!?" and following < _WIDE and not gap and not tail:
        return not following.isalnum() and following not in "&=#"
    if run[0] in "!?" and not gap and before.isascii() and before.isalnum():
        return not _TITLE_BEFORE.search(text, max(0, at - 40), at)
    return True


_TITLE_BEFORE = re.compile(r"(?:[A-Z][\w']*\s+(?:[\w']+\s+)*[A-Z][\w']*|Yahoo)$")
_NUMERALS = "一二三四五六七八九十0123456789"


def _full_stop(text: str, at: int, tail: str, gap: str, following: str) -> bool:
    """Whether an ASCII full stop next to Chinese ends a segment."""
    before = text[at - 1 : at]
    if before in _NUMERALS:
        start = at - 1
        while start > 0 and at - start < 5 and text[start - 1] in _NUMERALS:
            start -= 1
        lead = text[start - 1 : start]
        if not lead or not lead.isalnum() or following in _NUMERALS:
            return False
    if before >= _WIDE:
        return bool(gap) or following >= _WIDE or following.isdigit() or following.isupper()
    if tail:
        return True
    return (bool(gap) or before.islower()) and not _is_abbreviation(text, at)


def _ends_english(text: str, at: int, run: str, tail: str, after: int) -> bool:
    following = text[after]
    i = after
    while following in _OPENERS and i + 1 < len(text):
        i += 1
        following = text[i]
    if following.islower():
        return False
    if run == ".":
        if _is_abbreviation(text, at):
            return False
        word = text[max(0, at - 14) : at].rpartition(" ")[2]
        if word in _BEFORE_NUMBER and following.isdigit():
            return False
        if (word in _MAY_END or _ACRONYM.fullmatch(word)) and not _starts_sentence(text, i):
            return False
        if word.isdigit() and at - len(word) - 1 <= 0:
            return False
    elif run[0] in "—~…" and not _STRONG.search(run):
        return run[0] == "…"
    return True


_OPENERS = frozenset("\"'“‘([{«*_•-–—")
_ACRONYM = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_NEVER_END = frozenset(
    "Mr Mrs Ms Messrs Mmes Dr Prof Rev Hon St Ste Gen Lt Col Capt Cpt Cmdr Maj Sgt Cpl Pvt Adm Gov Sen Rep Pres Supt "
    "Insp Det Fr Sr Sra Srta Mt Ft vs v viz cf al e.g i.e eg ie ca approx resp esp ed eds trans incl Univ Dept Assn "
    "Bros Ald Amb Atty Brig Drs Esq".split()
)
_BEFORE_NUMBER = frozenset(
    "No no Nos nos p pp Fig fig Figs figs Vol vol Eq eq Sec sec Ch ch Art art pt Pt Ref ref Tab n c".split()
)
_MAY_END = frozenset(
    "Inc Co Corp Ltd Jr etc Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thurs Fri Sat Sun Ave Blvd Rd "
    "Calif Mass Conn Ala Ariz Ark Colo Del Fla Ga Ill Ind Kan Ky La Md Mich Minn Miss Mo Mont Neb Nev Okla Ore Pa Tenn Tex Va Vt Wash Wis "
    "hr min max Ph.D".split()
)
_STARTER = re.compile(
    r"(?:The|This|That|These|Those|It|Its|He|She|We|They|I|You|His|Her|Their|Our|My|Your|A|An|In|On|At|By|For|From|With|"
    r"As|If|When|While|After|Before|Since|But|And|Or|So|Yet|However|There|Here|What|Who|Where|Why|How|Is|Are|Was|Were|"
    r"Do|Does|Did|Can|Could|Will|Would|Not|No|Yes|Then|Thus|All|Some|Many|Most|One|To|Of|Although|Though|Because|Now|Once)\b"
)


def _starts_sentence(text: str, at: int) -> bool:
    return _STARTER.match(text, at) is not None


def _is_abbreviation(text: str, at: int) -> bool:
    word = text[max(0, at - 14) : at].rpartition(" ")[2].lstrip("\"'“‘([")
    if word in _NEVER_END:
        return True
    return len(word) == 1 and word.isupper() and word != "I"


def _unprotected(text: str, found: list[tuple[int, int]], paragraphs: Sequence[int]) -> list[tuple[int, int]]:
    """Drop what lies in titles, in parentheses that do not start a segment, and in quotations in quotations."""
    starts = {after for _, after in found}
    starts.update(paragraphs)
    spans = [m.span() for m in _PROTECTED.finditer(text) if m.start() not in starts or m.group()[0] in "《〈"]
    for outer in _QUOTATION.finditer(text):
        start, end = outer.span()
        spans += [
            m.span() for m in _QUOTATION.finditer(text, start + 1, end - 1) if m.group()[0] not in "\"'"
        ]
    return _outside(found, sorted(spans))


def _outside(found: list[tuple[int, int]], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The boundaries whose marks end in none of the `spans` (sorted by start)."""
    if not spans:
        return found
    starts = np.array([s for s, _ in spans])
    reach = np.maximum.accumulate(np.array([e for _, e in spans]))
    ends = np.array([end for end, _ in found], dtype=np.int64)
    at = np.searchsorted(starts, ends, side="left") - 1
    inside = (at >= 0) & (reach[np.maximum(at, 0)] >= ends)
    return [pair for pair, drop in zip(found, inside, strict=True) if not drop]


_ATTRIBUTION = re.compile(r"[^，。！？：；…“”\n]{0,8}?[说說道问問喊叫答嚷骂罵讲講]")


def _without_quoted(text: str, found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Drop the boundaries within quotations, and those between a quotation and its attribution."""
    spans = []
    for match in _QUOTATION.finditer(text):
        attributed = _ATTRIBUTION.match(text, match.end()) is not None
        spans.append((match.start(), match.end() if attributed else match.end() - 1))
    return _outside(found, spans)


_WEAKER = re.compile(rf"(?:([；;])|([，：]|[,:](?=[\s{_CLOSERS}])|——)|(、))[{_CLOSERS}]*\s*|\s+")


def _limited(text: str, cuts: Sequence[int], limit: int) -> Iterator[int]:
    """Further cuts, at weaker marks and white space, so that segments have at most `limit` characters.

    Only where neither stands within the limit is a segment longer: a word is never divided.
    """
    for start, end in zip(cuts, cuts[1:], strict=False):
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
