"""A translation and notes on it -> a Word document with a comment at each note.

In: the `Document` that was checked, and notes with a span of its text.  Out: the bytes of a DOCX file.  A text
that was read from a DOCX file comes back as that very file, comments added: runs are split where a comment
begins or ends, and nothing else is touched.  Any other text becomes a plain document, a paragraph a paragraph.

A comment cannot stand in a footnote or a text box: it hangs on the footnote's mark, or on what holds the box.
"""

from __future__ import annotations

import io
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bitext.data import Document, Span
from bitext.errors import BitextError, MissingExtraError
from bitext.formats._xml import Element, Text
from bitext.formats.office import Piece, docx_paragraphs, docx_roots, open_archive

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_BLANK_LINES = re.compile(r"(?:[ \t]*(?>\r\n|\n|\r)){2,}")
_LINE_END = re.compile(r"\r\n|\n|\r")

Node = Any  # lxml has no types of its own


@dataclass(frozen=True, slots=True)
class Note:
    """What a comment says: its paragraphs, the first of them a heading, on a stretch of the text."""

    span: Span
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Placed:
    """Characters of the text from `start` on, and the node they stand in, behind its first `skip` ones.

    A `whole` node holds them out of reach of comments: it is commented as a whole.
    """

    start: int
    text: str
    node: Node
    skip: int = 0
    whole: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def commented(document: Document, notes: Sequence[Note], *, author: str = "bitext") -> bytes:
    """Return `document` as a DOCX file with a comment for each of `notes`.

    Parameters
    ----------
    document : Document
        When it was read from a ``.docx`` file, that file is read again.
    notes : sequence of Note
    author : str

    Raises
    ------
    MissingExtraError
        Without python-docx.
    BitextError
        If the file has changed since it was read, or is of a kind that python-docx does not open.
    """
    try:
        import docx
    except ImportError as error:
        raise MissingExtraError("docx", "docx", "writing Word documents") from error
    if _is_docx(document):
        word, placed = _reopened(document)
    else:
        word = docx.Document()
        placed = list(_typed(document, word))
    atoms = _cut(placed, {offset for note in notes for offset in note.span})
    if notes and not atoms:
        raise BitextError(f"{document.path}: has no run of text to comment on; expected one. Save it again.")
    starts = [start for start, _, _ in atoms]
    order = {run: n for n, run in enumerate(word.element.body.iter(f"{_W}r"))}
    for note in sorted(notes, key=lambda n: n.span):
        first, last = _runs_of(note.span, atoms, starts)
        if order[last] < order[first]:
            last = first
        _comment(word, first, last, note, author)
    out = io.BytesIO()
    word.save(out)
    return out.getvalue()


def _is_docx(document: Document) -> bool:
    path = document.path
    return document.origin is not None and path is not None and Path(path).suffix.lower() == ".docx"


def _comment(word: Any, first: Node, last: Node, note: Note, author: str) -> None:
    from docx.text.run import Run

    runs = [Run(first, word), Run(last, word)]
    heading, *rest = (_ILLEGAL.sub("\ufffd", text) for text in note.paragraphs)
    comment = word.add_comment(runs, author=author, initials=author[:2])
    comment.paragraphs[0].add_run(heading).bold = True
    for text in rest:
        comment.add_paragraph(text)
    for name in list(comment._comment_elm.attrib):  # no clock: the same report gives the same comments
        if name.endswith("}date"):
            del comment._comment_elm.attrib[name]


# ---- the user's own document -------------------------------------------------------------------------------


def _reopened(document: Document) -> tuple[Any, list[_Placed]]:
    """Open the file that `document` was read from, and find its characters again."""
    import docx

    path = str(document.path)
    with open_archive(path) as archive:
        notes = [p for root in docx_roots(archive, path)[1:] for p in _note_paragraphs(root)]
    try:
        word = docx.Document(path)
    except Exception as error:  # it raises whatever the unexpected part led it to
        raise BitextError(
            f"{path}: cannot be opened for comments ({' '.join(str(error).split())}); expected a document in "
            "the transitional variant of the format. Save it again in Word as .docx."
        ) from error
    nodes: dict[int, Node] = {}
    body = [pieces for _, pieces in docx_paragraphs(_mirrored(word.element, nodes))]
    marks = {
        (tag, mark.get(f"{_W}id")): mark.getparent()
        for tag in ("footnote", "endnote")
        for mark in word.element.body.iter(f"{_W}{tag}Reference")
    }
    placed: list[_Placed] = []
    at = 0
    for pieces in body:
        for piece in pieces:
            placed += _reachable(_Placed(at, piece.text, nodes[id(piece.element)], piece.skip))
            at += len(piece.text)
        at += 2
    for identity, pieces in notes:
        length = sum(len(piece.text) for piece in pieces)
        if identity in marks:
            placed.append(_Placed(at, "".join(p.text for p in pieces), marks[identity], whole=True))
        at += length + 2
    _require_unchanged(document, body + [pieces for _, pieces in notes])
    return word, placed


def _require_unchanged(document: Document, paragraphs: Iterable[Sequence[Piece]]) -> None:
    text = "\n\n".join("".join(piece.text for piece in pieces) for pieces in paragraphs)
    if text != document.text:
        raise BitextError(
            f"{document.path}: has {len(text)} characters of text now, or others than the "
            f"{len(document.text)} that were checked; expected the same. Check it again."
        )


def _mirrored(node: Node, nodes: dict[int, Node]) -> Element:
    """Copy an lxml tree into what our reader walks; `nodes` maps the identity of a copy to its original."""
    name = _spaced(node.tag)
    attributes = {_spaced(key): value for key, value in node.attrib.items()}
    copy = Element(name, name.rpartition(" ")[2], attributes, 0, 0)
    nodes[id(copy)] = node
    if node.text:
        copy.children.append(Text(node.text, 0, 0))
    for child in node:
        if isinstance(child.tag, str):  # neither a comment nor a processing instruction
            copy.children.append(_mirrored(child, nodes))
        if child.tail:
            copy.children.append(Text(child.tail, 0, 0))
    return copy


def _spaced(name: str) -> str:
    """Write a name of lxml, ``{URI}local``, as expat does."""
    return name[1:].replace("}", " ", 1) if name.startswith("{") else name


def _note_paragraphs(root: Element) -> Iterator[tuple[tuple[str, str | None], list[Piece]]]:
    """Yield the paragraphs of footnotes or endnotes with the kind and id of their note."""
    owner = {
        id(element): (note.local, note.attribute("id"))
        for note in root.elements("footnote", "endnote")
        for element in _descendants(note)
    }
    for _, pieces in docx_paragraphs(root):
        yield owner[id(pieces[0].element)], pieces


def _descendants(element: Element) -> Iterator[Element]:
    for child in element.elements():
        yield child
        yield from _descendants(child)


def _reachable(placed: _Placed) -> Iterator[_Placed]:
    """Go up to the outermost run when the characters are in a text box, a ruby or the like inside it."""
    runs = [node for node in placed.node.iterancestors() if node.tag == f"{_W}r"]
    if runs:  # text outside of any run breaks the rules of the format, and takes no comment
        inside = placed.node.getparent() is not runs[-1]
        yield replace(placed, node=runs[-1], whole=True) if inside else placed


# ---- a plain document --------------------------------------------------------------------------------------


def _typed(document: Document, word: Any) -> Iterator[_Placed]:
    """Write the text into an empty document; blank lines divide paragraphs, other line ends become breaks."""
    text = _ILLEGAL.sub("\ufffd", document.text)
    at = 0
    for blank in [*_BLANK_LINES.finditer(text), None]:
        stop = blank.start() if blank else len(text)
        body = text[at:stop].strip("\r\n")
        if body.strip():
            start = text.index(body, at)
            yield from _typed_paragraph(text, start, start + len(body), word)
        at = blank.end() if blank else stop


def _typed_paragraph(text: str, start: int, stop: int, word: Any) -> Iterator[_Placed]:
    run = word.add_paragraph().add_run()
    for end in [*_LINE_END.finditer(text, start, stop), None]:
        line_stop = end.start() if end else stop
        for number, field in enumerate(text[start:line_stop].split("\t")):
            if number:
                run.add_tab()
                yield _Placed(start, "\t", run._r[-1])
                start += 1
            if field:
                run._r.add_t(field).set(_SPACE, "preserve")
                yield _Placed(start, field, run._r[-1])
            start += len(field)
        if end:
            run.add_break()
            yield _Placed(line_stop, end[0], run._r[-1])
            start = end.end()


# ---- runs --------------------------------------------------------------------------------------------------

Atom = tuple[int, int, Node]
"""A stretch of the text that no comment divides, and its run."""


def _cut(placed: Iterable[_Placed], offsets: Iterable[int]) -> list[Atom]:
    """Split runs so that each of `offsets` is where a run begins or ends."""
    offsets = sorted(offsets)
    atoms: list[Atom] = []
    for piece in placed:
        if piece.whole:
            atoms.append((piece.start, piece.end, piece.node))
            continue
        inside = offsets[bisect_left(offsets, piece.start) : bisect_right(offsets, piece.end)]
        if piece.start in inside:
            _split_before(piece.node)
        node, start = piece.node, piece.start
        for offset in inside:
            if start < offset < piece.end and node.tag == f"{_W}t":
                rest = _split_text(
                    node, piece.skip + offset - start if node is piece.node else offset - start
                )
                atoms.append((start, offset, node.getparent()))
                node, start = rest, offset
        if piece.end in inside and node.getnext() is not None:
            _split_before(node.getnext())
        atoms.append((start, piece.end, node.getparent()))
    return sorted(atoms, key=lambda atom: atom[:2])


def _split_text(node: Node, at: int) -> Node:
    """Divide a ``<w:t>`` after `at` characters into two, each in its own run; return the second."""
    text, rest = node.text or "", deepcopy(node)
    if node.get(_SPACE) != "preserve":  # white space at its ends counts for nothing, and must not begin to
        stripped = text.lstrip(" \t\r\n")
        at -= len(text) - len(stripped)
        text, at = stripped.rstrip(" \t\r\n"), max(at, 0)
    node.text, rest.text, rest.tail = text[:at], text[at:], None
    for half in (node, rest):
        half.set(_SPACE, "preserve")
    node.addnext(rest)
    _split_before(rest)
    return rest


def _split_before(node: Node) -> None:
    """Make `node` the first content of its run: what stands before it stays in a run of the same format."""
    run = node.getparent()
    before = [sibling for sibling in node.itersiblings(preceding=True) if sibling.tag != f"{_W}rPr"]
    if not before:
        return
    moved = [node, *node.itersiblings()]
    following = run.makeelement(run.tag, dict(run.attrib))
    if run.find(f"{_W}rPr") is not None:
        following.append(deepcopy(run.find(f"{_W}rPr")))
    following.extend(moved)
    run.addnext(following)


def _runs_of(span: Span, atoms: Sequence[Atom], starts: Sequence[int]) -> tuple[Node, Node]:
    """First and last run of what `span` covers; of the text before it when it covers nothing."""
    before = max(0, bisect_right(starts, span[0]) - 1)
    near = atoms[before : bisect_left(starts, span[1])]
    covered = [run for start, end, run in near if start < span[1] and span[0] < end]
    covered = covered or [atoms[before][2]]
    return covered[0], covered[-1]
