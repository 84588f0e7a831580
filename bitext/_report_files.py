"""A report -> files for the programs editors work in: Word, translation tools, Excel.

In: a `Report`.  Out: the bytes of a DOCX file with a comment at each issue, of an XLIFF file with a note at the
unit of each issue, or of an XLSX workbook of the beads and the issues.  Where the translation came from a DOCX
or XLIFF file, that file comes back with nothing else changed.
"""

from __future__ import annotations

import codecs
import io
import re
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.parsers import expat

from bitext import formats
from bitext._docx_comments import Note, commented
from bitext.data import Alignment, Document, Issue, Severity, Span
from bitext.errors import BitextError, MissingExtraError
from bitext.formats._units import units_of
from bitext.formats._xml import escape, local_name
from bitext.formats.text import read_bytes
from bitext.report import Report, _in_reading_order, _labels, _message, _settled, _spanned

_WORD = re.compile(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+")
_LONGEST_QUOTATION = 300
_PRIORITIES: dict[Severity, int] = {"critical": 1, "major": 2, "minor": 3, "neutral": 4}
_FILLS: dict[Severity, str] = {
    "critical": "FBE0DD",
    "major": "FDEBD3",
    "minor": "E1EEF8",
    "neutral": "EFEFEF",
}
_LONGEST_CELL = 32_767  # characters, a limit of Excel
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARED = re.compile(rb'^(<\?xml[^>]*?encoding=["\'])([^"\']+)')


def docx_bytes(report: Report) -> bytes:
    """Return the translation as a Word document with a comment by "bitext" at each issue."""
    alignment = report.alignment
    notes = [Note(where_in_target(alignment, issue), _comment(alignment, issue)) for issue in report.issues]
    return commented(alignment.target, notes)


def xliff_bytes(report: Report) -> bytes:
    """Return the XLIFF file of the translation, or the beads as XLIFF 2.1, with a note for each issue."""
    if _is_xliff(report.alignment.target):
        return _with_notes(report)
    notes: dict[int, list[str]] = defaultdict(list)
    for issue in report.issues:
        notes[issue.bead].append(_note(issue))
    units = units_of(report.alignment, report.scores.beads)
    out = io.StringIO()
    formats.write_xliff((replace(unit, notes=tuple(notes[n])) for n, unit in enumerate(units)), out)
    return out.getvalue().encode()


def xlsx_bytes(report: Report) -> bytes:
    """Return a workbook with a sheet of the beads, as `Report.rows` has them, one of the issues and one of the settled.

    Text is text: nothing in it is run as a formula.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise MissingExtraError("openpyxl", "xlsx", "writing Excel workbooks") from error
    workbook = openpyxl.Workbook(write_only=True)
    rows = [row | {"issues": "\n".join(row["issues"])} for row in report.rows()]
    _add_sheet(workbook, "beads", rows, {"source": 50, "target": 60, "issues": 60})
    wide = {"message": 60, "suggestion": 24, "source": 40, "target": 40, "place": 24, "reason": 40}
    _add_sheet(workbook, "issues", [_issue_row(report, *found) for found in _in_reading_order(report)], wide)
    if report.suppressed:
        _add_sheet(workbook, "settled", _settled_rows(report), wide)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def where_in_target(alignment: Alignment, issue: Issue) -> Span:
    """Return the characters of the target to mark for `issue`: for an omission, the last word before it."""
    target = alignment.target
    if issue.target_span and issue.target_span[0] < issue.target_span[1]:
        return issue.target_span
    start, end = target.span(alignment[issue.bead].target)
    if issue.target_span is None and start < end:
        return start, end
    at = issue.target_span[0] if issue.target_span else start
    words = _WORD.finditer(target.text, max(0, at - 1000), at)
    before = [match.span() for match in words][-1:] or [m.span() for m in _WORD.finditer(target.text)][:1]
    return before[0] if before else (at, at)


def _comment(alignment: Alignment, issue: Issue) -> tuple[str, ...]:
    """Paragraphs of a comment: what, why, what to write, what the source says."""
    label = _labels().get(f"check.{issue.check}")
    bead = alignment[issue.bead]
    source = _spanned(alignment.source, issue.source_span) or alignment.source_text(bead)
    if len(source) > _LONGEST_QUOTATION:
        source = source[:_LONGEST_QUOTATION].rstrip() + "…"
    paragraphs = [
        f"{label['en'] if label else issue.check} ({issue.severity})",
        " ".join(issue.message.split()),
        f"Write: {issue.suggestion}" if issue.suggestion else "",
        f"Source: {' '.join(source.split())}" if source.strip() else "",
    ]
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _note(issue: Issue) -> str:
    return f"{issue.severity} {issue.check}: {_message(issue)}"


# ---- XLIFF -------------------------------------------------------------------------------------------------


def _is_xliff(document: Document) -> bool:
    if document.origin is None or document.path is None:
        return False
    return formats.PAIR_FORMATS.get(Path(document.path).suffix.lower()) == "xliff"


def _with_notes(report: Report) -> bytes:
    """Put notes into the file that the translation was read from, and leave every other byte as it is."""
    source, target = report.alignment.source, report.alignment.target
    path = str(target.path)
    extracted = formats.read_text(path, side="target")
    if extracted.text != target.text:
        raise BitextError(
            f"{path}: has {len(extracted.text)} characters of text now, or others than the {len(target.text)} "
            "that were checked; expected the same. Check it again."
        )
    data = read_bytes(path)
    raw = formats.decode(data, path=path)
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    notes: dict[int, list[Issue]] = defaultdict(list)
    units = _unit_places(raw.encode("utf-8", "surrogatepass"))
    starts = [unit.start for unit in units]
    for issue in report.issues:
        document, span = target, where_in_target(report.alignment, issue)
        if not issue.target_span and issue.source_span and source.path == target.path:
            document, span = source, issue.source_span
        at = len(raw[: document.file_span(span)[0]].encode("utf-8", "surrogatepass"))
        notes[max(0, bisect_right(starts, at) - 1)].append(issue)
    pieces, done, data = [bom], 0, raw.encode("utf-8", "surrogatepass")
    for n in sorted(notes):
        at, inserted = units[n].insertion(data, notes[n])
        pieces += [data[done:at], inserted]
        done = at
    return _DECLARED.sub(_as_utf8, b"".join([*pieces, data[done:]]), count=1)


def _as_utf8(declaration: re.Match[bytes]) -> bytes:
    return declaration[0] if declaration[2].lower() == b"utf-8" else declaration[1] + b"UTF-8"


@dataclass(slots=True)
class _UnitPlace:
    """Where a unit stands in an XLIFF file, and where its notes go; offsets in bytes."""

    start: int
    is_second: bool  # of XLIFF 2, where notes come before the segments and in an element of their own
    first_child: int = -1
    notes_at: int = -1
    has_notes: bool = False
    end: int = -1

    def insertion(self, data: bytes, issues: list[Issue]) -> tuple[int, bytes]:
        """Return the notes that are not there yet, indented as the unit's children are, and their place."""
        at = len(data[: self.notes_at if self.notes_at >= 0 else self.end].rstrip())
        indent = data[len(data[: self.first_child].rstrip()) : self.first_child].decode()
        there = data[self.start : self.end].decode("utf-8", "surrogatepass")
        notes = [m for issue in issues if (m := _note_markup(issue, second=self.is_second)) not in there]
        if self.is_second and not self.has_notes and notes:
            notes = [f"<notes>{''.join(notes)}</notes>"]
        return at, "".join(indent + markup for markup in notes).encode("utf-8", "surrogatepass")


def _note_markup(issue: Issue, *, second: bool) -> str:
    name = 'category="bitext" appliesTo' if second else 'from="bitext" annotates'
    side = "target" if issue.target_span else "source"
    return f'<note {name}="{side}" priority="{_PRIORITIES[issue.severity]}">{escape(_note(issue))}</note>'


def _unit_places(data: bytes) -> list[_UnitPlace]:
    """Find the units of an XLIFF file, which has been read before and is well-formed."""
    found: list[_UnitPlace] = []
    stack: list[str] = []
    is_second = False
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal is_second
        local = local_name(name)
        if not stack:
            is_second = attributes.get("version", "").startswith("2")
        if local in ("unit", "trans-unit"):
            found.append(_UnitPlace(parser.CurrentByteIndex, is_second))
        elif stack and local_name(stack[-1]) in ("unit", "trans-unit"):
            unit = found[-1]
            unit.first_child = unit.first_child if unit.first_child >= 0 else parser.CurrentByteIndex
            if is_second:
                follows = local in ("originalData", "segment", "ignorable")
            else:
                follows = name.rpartition(" ")[0] != stack[-1].rpartition(" ")[0]
            if follows and unit.notes_at < 0:
                unit.notes_at = parser.CurrentByteIndex
        stack.append(name)

    def end(name: str) -> None:
        stack.pop()
        if local_name(name) in ("unit", "trans-unit"):
            found[-1].end = parser.CurrentByteIndex
        elif local_name(name) == "notes" and stack and local_name(stack[-1]) == "unit":
            found[-1].notes_at, found[-1].has_notes = parser.CurrentByteIndex, True

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(data, True)
    return found


# ---- Excel -------------------------------------------------------------------------------------------------


def _issue_row(report: Report, issue: Issue, place: Any, _: Any) -> dict[str, Any]:
    alignment = report.alignment
    return {
        "bead": issue.bead,
        "severity": issue.severity,
        "check": issue.check,
        "message": issue.message,
        "suggestion": issue.suggestion,
        "source": _spanned(alignment.source, issue.source_span),
        "target": _spanned(alignment.target, issue.target_span),
        "confidence": issue.confidence,
        "place": str(place),
    }


def _settled_rows(report: Report) -> list[dict[str, Any]]:
    return [
        _issue_row(report, one.issue, *places) | {"by": one.by, "reason": one.reason}
        for one, *places in _settled(report)
    ]


def _add_sheet(workbook: Any, title: str, rows: list[dict[str, Any]], widths: dict[str, int]) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    names = list(rows[0]) if rows else ["bead", "severity", "check", "message"]
    sheet = workbook.create_sheet(title)
    sheet.freeze_panes = "A2"
    for column, name in enumerate(names, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = widths.get(name, 11)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(rows) + 1}"
    header = [_cell(sheet, name) for name in names]
    for cell in header:
        cell.font = Font(bold=True)
    sheet.append(header)
    for row in rows:
        sheet.append([_cell(sheet, row[name], row.get("severity")) for name in names])


def _cell(sheet: Any, value: Any, severity: Severity | None = None) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment as Layout
    from openpyxl.styles import PatternFill

    if isinstance(value, str):
        value = _ILLEGAL.sub("\ufffd", value)
        value = value if len(value) <= _LONGEST_CELL else value[: _LONGEST_CELL - 1] + "…"
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"  # openpyxl takes what begins with = for a formula
        cell.quotePrefix = value.startswith(("=", "+", "-", "@"))  # and Excel would, once the cell is edited
    cell.alignment = Layout(vertical="top", wrap_text=True)
    if severity:
        cell.fill = PatternFill("solid", fgColor=_FILLS[severity])
    return cell
