"""A comparison -> text for a terminal, a table for a spreadsheet, a page, a notebook cell.

Nothing is judged anew here and nothing is printed; the page is that of `_report_html`, with the comparison in it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bitext import _report_html
from bitext.data import Document
from bitext.report import _cells, _decimal, _issue_count, _paint, _percent, _plain, _range

if TYPE_CHECKING:
    from bitext.comparison import Comparison, JoinedRow, Pairing, TermRow

SHOWN = 10
"""Rows and terms that a person is shown; JSON and CSV have them all."""


def text(comparison: Comparison, *, color: bool = False, shown: int = SHOWN) -> str:
    """Return the comparison for a terminal: ranking, pairs, rows and terms, then the signature."""
    sections = (
        _ranking_lines(comparison, color),
        [_verdict(comparison, pairing) for pairing in comparison.pairings],
        _difference_lines(comparison, shown, color),
        _term_lines(comparison, shown, color),
        [_paint(_plain(comparison.signature), "2", color)],
    )
    return "\n".join("".join(f"{line}\n" for line in lines) for lines in sections if lines)


def table(comparison: Comparison) -> str:
    """Return the rows as CSV, with a byte order mark, without which Excel takes Chinese for Latin-1."""
    out = io.StringIO()
    rows = comparison.to_rows()
    writer = csv.DictWriter(out, fieldnames=[*rows[0], "signature"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"signature": comparison.signature} for row in rows)
    return "\ufeff" + out.getvalue()


def to_json(comparison: Comparison) -> str:
    """Return everything as JSON."""
    return json.dumps(comparison.to_dict(), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def page(comparison: Comparison) -> str:
    """Return a self-contained page."""
    return _report_html.page(comparison.reports, comparison=_view(comparison))


def notebook(comparison: Comparison) -> str:
    """Return a table without script or style sheet: notebooks strip both from untrusted output."""
    html: str = (
        _report_html._templates()
        .get_template("comparison_notebook.html.j2")
        .render(head=repr(comparison)[1:-1], view=_view(comparison), source=comparison.source)
    )
    return html


WRITERS: dict[str, Callable[[Comparison], str]] = {
    ".html": page,
    ".json": to_json,
    ".csv": table,
    ".txt": text,
}


# ---- terminal ----------------------------------------------------------------------------------------------


def _ranking_lines(comparison: Comparison, color: bool) -> list[str]:
    drifts = ("omitted", "added", "reordered", "shifted")
    cells = [["fidelity", "95 %", *drifts, "translation"]]
    for t in comparison.ranking:
        report = comparison.reports[t]
        scores = report.scores
        cells.append(
            [
                _decimal(scores.fidelity, 3),
                _range(scores.interval).strip(" ()") or "–",
                *(_percent(getattr(scores.drift, name)) for name in drifts),
                f"{_plain(comparison.names[t])}: {_issue_count(report.issues)}",
            ]
        )
    widths = [max(_cells(row[c]) for row in cells) for c in range(len(cells[0]) - 1)]
    lines = [
        "  ".join([*(_padded(cell, width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in cells
    ]
    return [_paint(lines[0], "2", color), *lines[1:]]


def _padded(cell: str, width: int) -> str:
    return " " * (width - _cells(cell)) + cell


def _verdict(comparison: Comparison, pairing: Pairing) -> str:
    first, second = (_plain(comparison.names[t]) for t in (pairing.first, pairing.second))
    between = "" if pairing.interval is None else " ({:+.3f} to {:+.3f})".format(*pairing.interval)
    return (
        f"{first} {_relation(pairing)} {second}: {pairing.difference:+.3f}{between}, "
        f"probability {pairing.probability:.2f}"
        + ("" if pairing.where_both is None else f"; {pairing.where_both:+.3f} where both translate")
    )


def _relation(pairing: Pairing) -> str:
    """Say what the data allow one to say."""
    low = pairing.interval[0] if pairing.interval else 0.0
    return (
        "is better than"
        if low > 0
        else "is as good as"
        if pairing.difference == 0
        else "is not surely better than"
    )


def _difference_lines(comparison: Comparison, shown: int, color: bool) -> list[str]:
    gaps, rows = _gaps(comparison), _shared_differences(comparison)
    lines = []
    if gaps:
        lines.append(_paint(_heading("Not in every translation", len(gaps), shown), "1", color))
        for gap in gaps[:shown]:
            lines.append(f"{_where(comparison.source, gap.source)} {_excerpt(gap.text, 60)}")
            lines.append(f"  missing in {', '.join(_plain(comparison.names[t]) for t in gap.missing)}")
    if rows:
        lines += [""] if lines else []
        lines.append(_paint(_heading("Where they differ most", len(rows), shown), "1", color))
    for row in rows[:shown]:
        lines.append(f"{_where(comparison.source, row.source)} {_excerpt(comparison.source_text(row), 60)}")
        order = sorted(range(len(row.fidelity)), key=lambda t: -(row.fidelity[t] or 0.0))
        lines += [
            f"  {_decimal(row.fidelity[t])}  {_plain(comparison.names[t])}: "
            + _excerpt(comparison.target_text(row, t), 140)
            for t in order
        ]
    return lines


@dataclass(frozen=True, slots=True)
class _Gap:
    """Consecutive source segments that the same translations leave out."""

    source: range
    missing: tuple[int, ...]
    href: str
    text: str


def _gaps(comparison: Comparison) -> list[_Gap]:
    """List what some translations have and others leave out, in source order."""
    gaps: list[_Gap] = []
    for row in comparison.rows:
        missing = _missing(comparison, row)
        if not row.source or not row.spread or not missing:
            continue
        start, href = row.source.start, _anchor(row.beads)
        if gaps and gaps[-1].missing == missing and gaps[-1].source.stop == start:
            start, href = gaps[-1].source.start, gaps.pop().href
        source = range(start, row.source.stop)
        gaps.append(_Gap(source, missing, href, comparison.source.joined(source)))
    return gaps


def _shared_differences(comparison: Comparison) -> list[JoinedRow]:
    """List the rows that all translations have, those that differ most first."""
    return [row for row in comparison.differences() if not _missing(comparison, row)]


def _missing(comparison: Comparison, row: JoinedRow) -> tuple[int, ...]:
    return tuple(t for t in range(len(comparison.names)) if not comparison.target_text(row, t))


def _term_lines(comparison: Comparison, shown: int, color: bool) -> list[str]:
    rows = [row for row in comparison.terms if row.dissenting]
    if not rows:
        return []
    lines = [_paint(_heading("Terms they render differently", len(rows), shown), "1", color)]
    for row in rows[:shown]:
        known = f" (known as {_known(row)})" if row.known else ""
        lines.append(_plain(f"{row.text} ×{row.count}{known}"))
        lines += [
            _plain(f"  {'!' if t in row.dissenting else ' '} {name}: {_renderings(row, t) or '–'}")
            for t, name in enumerate(comparison.names)
        ]
    return lines


def _renderings(row: TermRow, t: int) -> str:
    return "; ".join(f"{text} ×{n}" if n > 1 else text for text, n in row.renderings[t][:3])


def _known(row: TermRow) -> str:
    return ", ".join(row.known[:3]) + (", …" if len(row.known) > 3 else "")


def _heading(words: str, count: int, shown: int) -> str:
    return f"{words} ({shown} of {count})" if count > shown else words


def _where(source: Document, segments: range) -> str:
    (line, column), _ = source.place(source.span(segments))
    return _plain(f"{source.path or '<source>'}:{line}:{column}:")


def _excerpt(text: str, width: int) -> str:
    text = _plain(" ".join(text.split()))
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


# ---- page --------------------------------------------------------------------------------------------------


def _view(comparison: Comparison) -> dict[str, Any]:
    """Lay out what the templates show."""
    return {
        "names": comparison.names,
        "ranking": [
            {
                "name": comparison.names[t],
                "fidelity": _decimal(comparison.reports[t].scores.fidelity, 3),
                "interval": _range(comparison.reports[t].scores.interval).strip(" ()"),
            }
            for t in comparison.ranking
        ],
        "pairings": [
            {
                "first": comparison.names[p.first],
                "second": comparison.names[p.second],
                "relation": _relation(p),
                "difference": f"{p.difference:+.3f}",
                "interval": "" if p.interval is None else "{:+.3f} – {:+.3f}".format(*p.interval),
                "probability": _decimal(p.probability),
                "where_both": "" if p.where_both is None else f"{p.where_both:+.3f}",
            }
            for p in comparison.pairings
        ],
        "differences": [
            {
                "href": _anchor(row.beads),
                "source": _excerpt(comparison.source_text(row), 80),
                "cells": [
                    (_decimal(row.fidelity[t]), _excerpt(comparison.target_text(row, t), 200))
                    for t in range(len(comparison.names))
                ],
            }
            for row in _shared_differences(comparison)[:SHOWN]
        ],
        "gaps": [
            {
                "href": gap.href,
                "source": _excerpt(gap.text, 160),
                "missing": ", ".join(comparison.names[t] for t in gap.missing),
            }
            for gap in _gaps(comparison)
        ],
        "terms": [
            {
                "text": row.text,
                "count": row.count,
                "known": _known(row),
                "cells": [(_renderings(row, t), t in row.dissenting) for t in range(len(comparison.names))],
            }
            for row in comparison.terms
            if row.dissenting
        ],
        "signature": comparison.signature,
    }


def _anchor(beads: Sequence[Sequence[int]]) -> str:
    """Name the element of `report.html.j2` that shows the first bead of a row."""
    return next(f"#b{t}-{of_target[0]}" for t, of_target in enumerate(beads) if of_target)
