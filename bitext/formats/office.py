"""Word and Excel files to text: the archive opened safely, its XML walked by hand.

A DOCX file gives the text that will be printed once all tracked changes are accepted: insertions are in,
deletions and hidden text are out; tables cell by cell, text boxes after the paragraph they hang on, footnotes
and endnotes at the end.  Headers, footers, comments and equations are left out.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bitext.errors import MissingExtraError, ReadError
from bitext.formats._origin import Extracted, Origin
from bitext.formats._xml import Element, trees
from bitext.formats.text import decode, read_bytes, shown

_WORD = frozenset(
    {
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "http://purl.oclc.org/ooxml/wordprocessingml/main",
    }
)
_LEFT_OUT = frozenset(
    {"del", "moveFrom", "delText", "instrText", "delInstrText", "rt", "rPr", "pPr", "tblPr"}
)
_SIGNS = {"tab": "\t", "ptab": "\t", "cr": "\n", "noBreakHyphen": "-"}
_BLOCK_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo"})
_MAX_ARCHIVE = 1 << 29  # bytes unpacked; a thousand-page book is under 50 MB
_MAX_RATIO = 200  # of unpacked to packed size, for what is larger than _SMALL; real documents stay under 60
_SMALL = 1 << 22
# what zipfile raises on damaged archives, beside what it documents
_ARCHIVE_FAULTS = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)

Blocks = list[tuple[str, str]]  # unit name and text


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters of a paragraph and the element they stand in, behind its first `skip` characters."""

    text: str
    element: Element
    skip: int = 0


Paragraphs = list[tuple[str, list[Piece]]]  # unit name and content


def read_docx(path: str | Path) -> Extracted:
    """Read the running text of a Word document, a paragraph a block.

    Raises
    ------
    ReadError
        If the file is no DOCX archive, its XML is broken, or it unpacks to an unreasonable size.
    """
    name = shown(path)
    with open_archive(path) as archive:
        paragraphs = [p for root in docx_roots(archive, name) for p in docx_paragraphs(root)]
    blocks = [(unit, "".join(piece.text for piece in pieces)) for unit, pieces in paragraphs]
    return _extracted(blocks, name, "docx")


def docx_roots(archive: zipfile.ZipFile, name: str) -> list[Element]:
    """Return the root elements of the parts of a Word document that hold text: body, footnotes, endnotes."""
    return [_tree(archive, part, root, name) for part, root in _parts(archive, name)]


def docx_paragraphs(root: Element) -> Paragraphs:
    """Return the paragraphs of one part that hold text, in the order in which they are read."""
    return _Walker().paragraphs(root)


def read_xlsx(path: str | Path) -> Extracted:
    """Read the text cells of an Excel workbook, sheet by sheet and row by row, without numbers and dates."""
    name = shown(path)
    with _workbook(path) as workbook:
        blocks = [
            (f"{sheet.title}!{cell.coordinate}", cell.value)
            for sheet in workbook.worksheets
            for row in sheet.iter_rows()
            for cell in row
            if isinstance(cell.value, str) and cell.value.strip()
        ]
    return _extracted(blocks, name, "xlsx")


def xlsx_rows(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells, as text, of the rows of the first sheet that are not empty."""
    with _workbook(path) as workbook:
        for number, row in enumerate(workbook.worksheets[0].iter_rows(values_only=True), start=1):
            if any(value is not None for value in row):
                yield number, ["" if value is None else str(value) for value in row]


@contextmanager
def open_archive(path: str | Path) -> Iterator[zipfile.ZipFile]:
    """Open a ZIP archive after looking at what it would unpack to.

    Raises
    ------
    ReadError
        If it is no ZIP archive, is encrypted or damaged, or is a zip bomb by size or ratio.
    """
    name = shown(path)
    data = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _require_reasonable(archive, name)
            yield archive
    except ReadError:
        raise
    except _ARCHIVE_FAULTS as error:
        kind = "an old or encrypted Office document" if data.startswith(b"\xd0\xcf\x11\xe0") else str(error)
        raise ReadError(
            f"{name}: no readable DOCX or XLSX archive ({kind}); expected a ZIP of XML. "
            "Save it again as .docx or .xlsx."
        ) from error


def _require_reasonable(archive: zipfile.ZipFile, name: str) -> None:
    total = 0
    for info in archive.infolist():
        total += info.file_size
        if info.flag_bits & 1:
            raise ReadError(f"{name}: {info.filename} is encrypted; expected a document without a password.")
        ratio = info.file_size / max(1, info.compress_size)
        if total > _MAX_ARCHIVE or (info.file_size > _SMALL and ratio > _MAX_RATIO):
            raise ReadError(
                f"{name}: {info.filename} unpacks to {info.file_size:,} bytes, {ratio:.0f} times its size; "
                f"expected at most {_MAX_RATIO} times and {_MAX_ARCHIVE:,} bytes in all. "
                "It looks like a zip bomb; if it is not, save the document again."
            )


def _parts(archive: zipfile.ZipFile, name: str) -> list[tuple[str, str]]:
    """Return path and root element of the parts that hold text, from the list of contents."""
    roots = {"document.main+xml": "document", "footnotes+xml": "footnotes", "endnotes+xml": "endnotes"}
    found = {}
    for part in _tree(archive, "[Content_Types].xml", "Types", name).elements("Override"):
        kind = part.attributes.get("ContentType", "").removeprefix(
            "application/vnd.openxmlformats-officedocument."
        )
        kind = kind.removeprefix("wordprocessingml.").replace("template.main", "document.main")
        if kind in roots:
            found[roots[kind]] = part.attributes.get("PartName", "").lstrip("/")
    if "document" not in found:
        raise ReadError(
            f"{name}: the archive holds no Word document; expected a .docx file. Check the suffix."
        )
    return [(found[root], root) for root in roots.values() if root in found]


def _tree(archive: zipfile.ZipFile, part: str, root: str, name: str) -> Element:
    place = f"{name}:{part}"
    try:
        data = archive.read(part)
    except KeyError as error:
        raise ReadError(
            f"{place}: not in the archive; expected a complete document. Save it again."
        ) from error
    text = decode(data, path=place)
    return next(trees(io.StringIO(text), place, root=root, wanted=(root,), namespaces=True))[1]


class _Walker:
    """Collects the paragraphs of one part, counting tables and text boxes as it goes."""

    def __init__(self) -> None:
        self._found: Paragraphs = []
        self._boxes: list[Element] = []
        self._n_tables = 0
        self._n_boxes = 0
        self._n_paragraphs = 0
        self._carried: list[Piece] = []

    def paragraphs(self, root: Element) -> Paragraphs:
        body = root.first("body")
        if body is not None:
            self._walk(body, "")
        notes = [n for n in root.elements("footnote", "endnote") if n.attribute("type") in (None, "normal")]
        for number, note in enumerate(notes, start=1):  # the others draw the line above the notes
            self._walk(note, f"{note.local} {number}")
        return self._found

    def _walk(self, element: Element, unit: str) -> None:
        """Go through block content; `unit` is empty in the body, where paragraphs are counted."""
        for child in element.elements():
            if child.local == "p":
                self._paragraph(child, unit)
            elif child.local == "tbl":
                self._n_tables += 1
                self._table(child, f"table {self._n_tables}")
            elif child.local in _BLOCK_WRAPPERS:
                self._walk(child, unit)
            elif child.local == "AlternateContent":
                self._walk(_alternative(child), unit)

    def _table(self, table: Element, unit: str) -> None:
        rows = [row for row in _unwrapped(table, "tr") if not _is_deleted(row, "trPr")]
        for i, row in enumerate(rows, start=1):
            for j, cell in enumerate(_unwrapped(row, "tc"), start=1):
                self._walk(cell, f"{unit} row {i} cell {j}")

    def _paragraph(self, paragraph: Element, unit: str) -> None:
        pieces = _stripped(self._carried + list(self._inline(paragraph)))
        properties = paragraph.first("pPr")
        if properties is not None and _is_deleted(properties, "rPr"):
            self._carried = pieces  # the paragraph mark is deleted: the next paragraph continues this one
            return
        self._carried = []
        if any(piece.text.strip() for piece in pieces):
            self._n_paragraphs += not unit
            self._found.append((unit or f"paragraph {self._n_paragraphs}", pieces))
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self._n_boxes += 1
            self._walk(box, f"text box {self._n_boxes}")

    def _inline(self, element: Element) -> Iterator[Piece]:
        for child in element.elements():
            namespace = child.name.rpartition(" ")[0]
            if child.local == "AlternateContent":
                yield from self._inline(_alternative(child))
            elif namespace not in _WORD:
                if child.local not in ("oMath", "oMathPara"):
                    yield from self._inline(child)  # shapes and drawings, for the text boxes in them
            elif child.local == "t":
                piece = Piece(child.text(), child)
                yield piece if child.attribute("space") == "preserve" else _trimmed(piece, " \t\r\n")
            elif child.local in _SIGNS:
                yield Piece(_SIGNS[child.local], child)
            elif child.local == "br":
                if child.attribute("type") in (None, "textWrapping"):
                    yield Piece("\n", child)
            elif child.local == "txbxContent":
                self._boxes.append(child)
            elif child.local not in _LEFT_OUT and not (child.local == "r" and _is_hidden(child)):
                yield from self._inline(child)


def _trimmed(piece: Piece, characters: str, *, left: bool = True, right: bool = True) -> Piece:
    text = piece.text.lstrip(characters) if left else piece.text
    skip = piece.skip + len(piece.text) - len(text)
    return Piece(text.rstrip(characters) if right else text, piece.element, skip)


def _stripped(pieces: list[Piece]) -> list[Piece]:
    """Take white space off both ends of the text that `pieces` make up."""
    pieces = [piece for piece in pieces if piece.text]
    for at in (0, -1):
        while pieces:
            pieces[at] = _trimmed(pieces[at], " \t\n", left=at == 0, right=at == -1)
            if pieces[at].text:
                break
            del pieces[at]
    return pieces


def _alternative(element: Element) -> Element:
    """Return the first choice: the fallback says the same again for older programs."""
    return element.first("Choice") or element.first("Fallback") or element


def _unwrapped(element: Element, name: str) -> Iterator[Element]:
    for child in element.elements():
        if child.local == name:
            yield child
        elif child.local in _BLOCK_WRAPPERS:
            yield from _unwrapped(child, name)


def _is_deleted(element: Element, properties: str) -> bool:
    """Whether the mark of a paragraph or a row is a tracked deletion."""
    holder = element.first(properties)
    return holder is not None and bool(holder.elements("del", "moveFrom"))


def _is_hidden(run: Element) -> bool:
    properties = run.first("rPr")
    vanish = properties.first("vanish") if properties is not None else None
    return vanish is not None and vanish.attribute("val") not in ("0", "false", "off")


def _extracted(blocks: Blocks, name: str, format: str) -> Extracted:
    """Join blocks; each of them is a line of the map."""
    starts, pieces, length = [], [], 0
    for _, text in blocks:
        starts.append(length)
        pieces.append(text)
        length += len(text) + 2
    lines = np.array(starts or [0])
    zero = np.zeros(1, dtype=np.int64)
    units = tuple(unit for unit, _ in blocks)
    origin = Origin(zero, zero, lines, np.array(starts, dtype=np.int64), units, has_offsets=False)
    return Extracted("\n\n".join(pieces), name, format, None, origin)


@contextmanager
def _workbook(path: str | Path) -> Iterator[Any]:
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("openpyxl", "xlsx", "reading Excel workbooks") from error
    name = shown(path)
    with open_archive(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith((".xml", ".rels")):
                _require_no_dtd(archive, info.filename, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions it leaves out
        try:
            with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as workbook:
                yield workbook
        except Exception as error:  # it raises whatever the broken part led it to: KeyError, ParseError, …
            raise ReadError(
                f"{name}: no readable Excel workbook ({error}). Save it again as .xlsx."
            ) from error


def _require_no_dtd(archive: zipfile.ZipFile, part: str, name: str) -> None:
    """Refuse what declares entities: openpyxl would expand them."""
    text = decode(archive.read(part), path=f"{name}:{part}")
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ReadError(f"{name}:{part}: has a DTD; expected none in a workbook. Save it again as .xlsx.")
