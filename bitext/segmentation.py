"""Segments of a text: in comes a string, out comes a `Document` whose spans tile it.

First the lines are grouped into paragraphs, then `bitext._boundaries` finds where segments end within
them, for Chinese and English and both in one text.  No character is lost: white space belongs to the
segment it follows, that at the start of the text to the first.  Any other segmenter can take the place
of the built-in `Rules`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Protocol
from unicodedata import category

import numpy as np
from numpy.typing import NDArray

from bitext._boundaries import CLOSERS, sentence_boundaries, without_quoted, words
from bitext.data import Document
from bitext.errors import BitextError, MissingExtraError, SpanError

Quotes = Literal["fine", "keep"]
Newline = Literal["hard", "soft", "auto"]


class Segmenter(Protocol):
    """Turns a text into the spans of its segments.

    Any callable from a text to spans, or to the texts of the segments in order, can stand in for one:
    for example ``pysbd.Segmenter(language="zh").segment``, ``SaT("sat-3l-sm").split`` of wtpsplit, or
    with a spaCy pipeline ``lambda text: [s.text for s in nlp(text).sents]``.  `name` goes into the
    signature of what is computed.
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
        found = sentence_boundaries(text, paragraphs)
        if self.quotes == "keep":
            found = without_quoted(text, found)
        lead = len(text) - len(text.lstrip())
        cuts = sorted({0, *(at for at in (*paragraphs, *(after for _, after in found)) if at > lead)})
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
        divide: Any = getattr(segmenter, "spans", segmenter)
        spans = _as_tiles(text, divide(text))
    numbers = np.maximum(np.searchsorted(paragraphs, spans[:, 0], side="right") - 1, 0)
    name = rules.name if segmenter is None else getattr(segmenter, "name", type(segmenter).__name__)
    return Document(text, lang or detect_language(text), spans, numbers, path, name)


def load_segmenter(name: str, *, lang: str) -> Callable[[str], Any]:
    """Return the segmenter of another library, to be passed as ``segmenter=``.

    Parameters
    ----------
    name : str
        ``"pysbd"``, ``"spacy"`` (its sentencizer), or ``"wtpsplit:FOLDER"`` with the folder of a SaT model.
    lang : str
        "zh" or "en".

    Returns
    -------
    callable
        From a text to its segments, or their spans; `segment` refuses a result that loses text.

    Raises
    ------
    MissingExtraError
        If the library is not installed.
    BitextError
        If `name` is none of these.
    """
    library, _, folder = name.partition(":")
    if library not in _LIBRARIES or (library == "wtpsplit") != bool(folder):
        raise BitextError(f"no segmenter {name!r}; expected pysbd, spacy or wtpsplit:FOLDER.")
    try:
        return _LIBRARIES[library](lang.split("-")[0], folder)
    except ImportError as error:
        raise MissingExtraError(library, library, f"the segmenter {library!r}") from error


def _pysbd(lang: str, _: str) -> Callable[[str], Any]:
    import pysbd

    split: Callable[[str], Any] = pysbd.Segmenter(language=lang, clean=False).segment
    return split


def _spacy(lang: str, _: str) -> Callable[[str], Any]:
    import spacy

    pipeline = spacy.blank(lang)
    # its own marks are those of English and a few more scripts
    pipeline.add_pipe("sentencizer", config={"punct_chars": [".", "!", "?", "。", "！", "？"]})
    return lambda text: [(s.start_char, s.end_char) for s in pipeline(text).sents]


def _wtpsplit(_: str, folder: str) -> Callable[[str], Any]:
    from wtpsplit import SaT

    split: Callable[[str], Any] = SaT(folder).split
    return split


_LIBRARIES: dict[str, Callable[[str, str], Callable[[str], Any]]] = {
    "pysbd": _pysbd,
    "spacy": _spacy,
    "wtpsplit": _wtpsplit,
}


def segment_lines(text: str, *, lang: str, path: str | None = None) -> Document:
    r"""Take each line of `text` as one segment, blank lines too; each span holds its own line end.

    Lines end with ``\n``, ``\r\n`` or ``\r``.  A blank line ends a paragraph and belongs to it.
    """
    cuts = [0, *(m.end() for m in _LINE_END.finditer(text))]
    spans = _tiles([c for c in cuts if c < len(text)], len(text))
    blank = np.array([not text[start:end].strip() for start, end in spans], dtype=bool)
    after_blank = np.concatenate(([False], blank[:-1] & ~blank[1:])) if len(blank) else blank
    return Document(text, lang, spans, np.cumsum(after_blank), path, "lines")


def detect_language(text: str) -> str:
    """Tell Chinese from English by their letters: "zh", "zh-Hant", "en" or "und".

    A Han character counts as four Latin letters, about what it takes to translate one, so that a
    Chinese text full of English names is still Chinese.  "zh-Hant" if Traditional-only characters
    outnumber Simplified-only ones.  "und" if other scripts prevail, or the function words of other
    languages that are written in Latin.
    """
    middle = len(text) // 2
    sample = text if len(text) < 60_000 else text[:20_000] + text[middle : middle + 20_000] + text[-20_000:]
    n_han, n_latin, n_kana, n_other = (
        len(letters.findall(sample)) for letters in (_HAN, _LATIN, _KANA, _OTHER)
    )
    if not n_han + n_latin or n_other > n_han + n_latin / 4 or n_kana > n_han / 10 + n_latin / 4:
        return "und"
    if 4 * n_han > n_latin:
        return "zh-Hant" if len(_TRADITIONAL.findall(sample)) > len(_SIMPLIFIED.findall(sample)) else "zh"
    found = _WORD.findall(sample[:10_000].lower())
    n_english, n_foreign = (sum(word in group for word in found) for group in (_ENGLISH, _FOREIGN))
    return "und" if n_foreign > n_english else "en"


# --- scripts ------------------------------------------------------------------------------------------------

_HAN = re.compile("[㐀-䶿一-鿿\U00020000-\U000323af]")
_LATIN = re.compile("[A-Za-zÀ-ɏ]")
_KANA = re.compile("[\u3040-ヿ]")
_OTHER = re.compile("[\u0370-\u1fff\uac00-\ud7a3]")
_WORD = re.compile(r"[^\W\d_]+")
_SIMPLIFIED = re.compile(
    "[们这个国来时说为会对过还进没样经学开关问见长头实发现让东车书无间种动话边门马鸟鱼龙风飞电气]"
)
_TRADITIONAL = re.compile(
    "[們這個國來時說為會對過還進沒樣經學開關問見長頭實發現讓東車書無間種動話邊門馬鳥魚龍風飛電氣]"
)
_ENGLISH = words("the of and to a in is that for it with as was on be are this by at from he she i you not")
_FOREIGN = words(
    "der die das und ist nicht ein eine le la les des et est une dans pour el los las que en del por con"
    " il di che per un een het van dat och att som är o os do da não em uma się nie na że w z"
)


# --- paragraphs ---------------------------------------------------------------------------------------------

_LINE_END = re.compile(r"\r\n|\n|\r")
_ITEM = re.compile(
    r"\s*(?:[-*•·●▪‣◦■□◆○–—>#|]\s*\S|\(?(?:\d{1,3}|[a-z])[.)、．）]\s?\S"
    r"|[（(][一二三四五六七八九十\d]{1,3}[）)]|[①-⑳])|　　"
)
_OPENING_LINE = re.compile(r"\s*[“‘「『（(《【\[]+\s*")
_CLOSING_LINE = re.compile(r"\s*[”’」』）)》】\]\"]+\s*")
_PROSE = re.compile(r"[，。！？]\S|[,.!?] \S")
_STOP_AT_LINE_END = re.compile(r"[。！？.!?…:：;；][”’」』）)\"']*\s*\Z")


def _paragraph_starts(text: str, newline: Newline) -> list[int]:
    """Offsets of the first visible character of each line that starts a paragraph; the first is 0.

    A line of nothing but quotation marks or brackets joins the text that it opens or closes.
    """
    lines = text.splitlines(keepends=True)
    goes_on = _wrapping(lines, newline)
    starts: list[int] = []
    offset, previous = 0, ""
    for line in lines:
        if line.isspace():
            previous = ""
        else:
            joined = bool(previous) and goes_on(previous, line)
            quoted = starts and (
                _CLOSING_LINE.fullmatch(line) or _OPENING_LINE.fullmatch(text, starts[-1], offset)
            )
            if not joined and not quoted:
                starts.append(offset + len(line) - len(line.lstrip()))
            previous = line
        offset += len(line)
    return [0, *starts[1:]]


def _wrapping(lines: list[str], newline: Newline) -> Callable[[str, str], bool]:
    """Give the test for whether a line goes on in the next one, both not blank.

    "auto": the text is wrapped if most lines that others follow are full, in columns or in characters, or go
    on in lower case, and few end a sentence.
    """
    if newline != "auto":
        return lambda line, following: newline == "soft" and not _starts_block(line, following)
    pairs = [
        (a, b) for a, b in pairwise(lines) if not a.isspace() and not b.isspace() and not _starts_block(a, b)
    ]
    if not pairs or sum(bool(_STOP_AT_LINE_END.search(a)) for a, _ in pairs) > len(pairs) / 2:
        return lambda line, following: False
    candidates = [_Wrap.fitted(pairs, measure) for measure in (_columns, len)]
    share, wrap = max(((wrap.share_of_full(pairs), wrap) for wrap in candidates), key=lambda pair: pair[0])
    lower = sum(b.lstrip()[0].islower() for _, b in pairs)
    # with too few lines to compare, prose has marks within its lines, titles do not
    prose = len(pairs) > 2 or all(_PROSE.search(a) and _columns(b) <= _columns(a) + 2 for a, b in pairs)
    columns = max(_columns(a) for a, _ in pairs)
    if columns >= 30 and wrap.limit <= 130 and (lower >= len(pairs) / 2 or (prose and share >= 0.7)):
        return lambda line, following: (
            not _starts_block(line, following)
            and (following.lstrip()[0].islower() or wrap.is_full(line, following))
        )
    return lambda line, following: False


@dataclass(frozen=True, slots=True)
class _Wrap:
    """Lines of at most `limit`, in what `measure` counts."""

    measure: Callable[[str], int]
    limit: int

    @classmethod
    def fitted(cls, pairs: list[tuple[str, str]], measure: Callable[[str], int]) -> _Wrap:
        lengths = sorted(measure(line.rstrip()) for line, _ in pairs)
        return cls(measure, lengths[int(0.98 * (len(lengths) - 1))])

    def is_full(self, line: str, following: str) -> bool:
        """Whether the first word of the following line would not have fitted on this one."""
        word = following.split(None, 1)[0]
        first = len(word) if word.isascii() else self.measure(word[0])
        return self.measure(line.rstrip()) + 1 + first > self.limit - 2

    def share_of_full(self, pairs: list[tuple[str, str]]) -> float:
        return sum(self.is_full(*pair) for pair in pairs) / len(pairs)


def _starts_block(line: str, following: str) -> bool:
    """Whether the following line is an item of a list, or indented."""
    indents = [len(x) - len(x.lstrip()) for x in (line, following)]
    return indents[1] > indents[0] or _ITEM.match(following) is not None


def _columns(text: str) -> int:
    """Width of `text` on a screen, wide characters counting two: in UTF-8 they take three bytes."""
    return len(text) if text.isascii() else (len(text) + len(text.encode("utf-8", "surrogatepass"))) // 2


# --- tiling -------------------------------------------------------------------------------------------------

_WEAKER = re.compile(rf"(?:([；;])|([，：]|[,:](?=[\s{CLOSERS}])|——)|(、))[{CLOSERS}]*\s*|\s+")


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
            if start < m.start() and m.end() < end and category(text[m.end()])[0] != "M"
        ]
        for i, (cut, _) in enumerate(marks):
            following = marks[i + 1][0] if i + 1 < len(marks) else end
            while following - start > limit and cut > start:
                start = _best_cut(marks, i, start + limit // 3)
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
    spans = np.empty((len(cuts) if length else 0, 2), dtype=np.int32)
    if length:
        spans[:, 0] = cuts
        spans[:-1, 1] = spans[1:, 0]
        spans[-1, 1] = length
    return spans


def _as_tiles(text: str, result: Iterable[Any]) -> NDArray[np.int32]:
    """Spans from what a segmenter gave: spans, or texts in order; what they leave out is white space."""
    items = list(result)
    if all(isinstance(item, str) for item in items):
        spans = list(_located(text, items))
    else:
        try:
            spans = [(int(start), int(end)) for start, end in items]
        except (TypeError, ValueError) as error:
            raise SpanError(
                f"the segmenter returned {items!r:.80}; expected spans (start, end) or the segments' texts."
            ) from error
    position = 0
    for start, end in [*spans, (len(text), len(text))]:
        if not position <= start <= end <= len(text) or text[position:start].strip():
            raise SpanError(
                f"the segmenter returned the span [{start}, {end}) after one that ends at {position}; "
                "expected spans in order that leave out nothing but white space."
            )
        position = end
    visible = [start for start, end in spans if text[start:end].strip()]
    return _tiles([0, *visible[1:]], len(text))


def _located(text: str, pieces: Iterable[str]) -> Iterator[tuple[int, int]]:
    end = 0
    for piece in filter(None, map(str.strip, pieces)):
        start = text.find(piece, end)
        if start < 0:
            raise SpanError(
                f"the segmenter returned {piece[:40]!r}, which is not in the text after character {end}; "
                "expected the segments' texts in order and unaltered."
            )
        end = start + len(piece)
        yield start, end


def _require_option(name: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise BitextError(f"{name} is {value!r}; expected one of {', '.join(map(repr, known))}.")
