"""Reports -> HTML: the page that opens from disk and the table in a notebook.

In: what `bitext.report` holds.  Out: strings rendered from `templates/`, with every text escaped.  The work
here is layout: which beads of several translations share a row, which issues underline which stretch of text.
"""

from __future__ import annotations

import base64
import hashlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, zip_longest
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from bitext.data import SEVERITIES, Alignment, Document, Severity, Span
from bitext.report import (
    Report,
    _badness,
    _common_source,
    _decimal,
    _in_reading_order,
    _labels,
    _name,
    _number,
    _percent,
    _range,
    _settled,
    _signatures,
    _static,
)
from bitext.scoring import common_cuts

if TYPE_CHECKING:
    from jinja2 import Environment

NOTEBOOK_BEADS = 50
"""How many beads a notebook table shows before it only counts the rest."""


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What the page needs to take decisions: those made so far, and the term each finding could settle.

    Both are by the id of the issue on the page, see `issue_id`.
    """

    decisions: Mapping[str, Mapping[str, Any]]
    terms: Mapping[str, str]


def page(
    reports: Sequence[Report],
    *,
    comparison: Mapping[str, Any] | None = None,
    review: ReviewView | None = None,
) -> str:
    """Render `bitext.report.to_html`.

    With `comparison` it also says what `bitext.comparison` found; with `review` it is the page that
    `bitext.review` serves.
    """
    source = _common_source(reports)
    rows = _joint_rows([report.alignment for report in reports])
    style = _static("report.css") + _grid_rules(rows, len(reports))
    script = _static("report.js")
    if review:
        style += _static("review.css")
        script = script.replace("  // @review\n", _static("review.js"))
    html: str = (
        _templates()
        .get_template("report.html.j2")
        .render(
            checks=sorted({issue.check for report in reports for issue in report.issues}),
            comparison=comparison,
            labels=_labels(),
            severities=tuple(reversed(SEVERITIES)),
            signatures=[comparison["signature"]] if comparison else _signatures(reports),
            source=source,
            source_name=_name(source, "source"),
            style=style,
            style_digest=_digest(style),
            script=script,
            script_digest=_digest(script),
            targets=[_target_view(t, report) for t, report in enumerate(reports)],
            worst=_worst(reports),
            settled=[view for report in reports for view in _settled_views(report)],
            review=review,
            rows=_row_views(reports, rows),
            many_rows=len(rows) > 200,
        )
    )
    return html


def notebook_table(alignment: Alignment, report: Report | None) -> str:
    """Render a table without script or style sheet: notebooks strip both from untrusted output."""
    issues = report.issues if report else ()
    messages = {issue_id(0, rank): issue for rank, issue in enumerate(issues)}
    source_marks = _marks(alignment.source, ((i.source_span, key, i.severity) for key, i in messages.items()))
    target_marks = _marks(alignment.target, ((i.target_span, key, i.severity) for key, i in messages.items()))
    rows = [
        {
            "bead": bead,
            "fidelity": _decimal(report.scores.beads[i] if report else bead.score),
            "source": [_pieces(alignment.source, q, source_marks) for q in bead.source],
            "target": [_pieces(alignment.target, q, target_marks) for q in bead.target],
            "issues": [issue for issue in issues if issue.bead == i],
        }
        for i, bead in enumerate(alignment.beads[:NOTEBOOK_BEADS])
    ]
    table: str = (
        _templates()
        .get_template("notebook.html.j2")
        .render(
            head=repr(report or alignment)[1:-1].removeprefix("Report ").removeprefix("Alignment "),
            score_name="fidelity" if report else "score",
            source=alignment.source,
            target=alignment.target,
            rows=rows,
            n_more=len(alignment) - len(rows),
            messages=messages,
            signature=report.signature if report else alignment.signature,
        )
    )
    return table


Piece = tuple[str, tuple[str, ...], str]
"""Text, the ids of the issues that underline it, the worst severity among them."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """A bead of one target in a joint row: the first of the row's slots it takes, and how many."""

    slot: int
    n_slots: int
    bead: int


@dataclass(frozen=True, slots=True)
class _Row:
    """The smallest group of beads that starts and ends at the same source segments in every target.

    `segments` holds what each slot of the source column shows, ``None`` opposite an addition; `cells` the
    beads per target.
    """

    segments: tuple[int | None, ...]
    cells: tuple[tuple[_Cell, ...], ...]


def _joint_rows(alignments: Sequence[Alignment]) -> list[_Row]:
    """Lay the beads of several translations beside their common source."""
    n_segments = len(alignments[0].source)
    carriers = [{b.source.start: i for i, b in enumerate(a) if b.source} for a in alignments]
    additions = [_additions(a) for a in alignments]
    cuts = common_cuts(alignments).tolist()
    rows: list[_Row] = []
    for start, stop in zip(cuts, [*cuts[1:], n_segments], strict=True):
        for beads in zip_longest(*(of.get(start, []) for of in additions)):
            rows.append(_Row((None,), tuple(() if b is None else (_Cell(0, 1, b),) for b in beads)))
        if start < stop:
            rows.append(_joint_row(alignments, carriers, additions, range(start, stop)))
    return rows


def _additions(alignment: Alignment) -> dict[int, list[int]]:
    """Additions by the source segment that follows the bead before them."""
    found: dict[int, list[int]] = defaultdict(list)
    at = 0
    for i, bead in enumerate(alignment):
        if bead.source:
            at = bead.source.stop
        else:
            found[at].append(i)
    return found


def _joint_row(
    alignments: Sequence[Alignment],
    carriers: Sequence[dict[int, int]],
    additions: Sequence[dict[int, list[int]]],
    segments: range,
) -> _Row:
    slots: list[int | None] = []
    slot_of: dict[int, int] = {}
    cells: list[list[_Cell]] = [[] for _ in alignments]
    for q in segments:
        if q != segments.start:  # those before the first segment have rows of their own
            for beads in zip_longest(*(of.get(q, []) for of in additions)):
                for of_target, bead in zip(cells, beads, strict=True):
                    if bead is not None:
                        of_target.append(_Cell(len(slots), 1, bead))
                slots.append(None)
        slot_of[q] = len(slots)
        slots.append(q)
    for alignment, carrier, of_target in zip(alignments, carriers, cells, strict=True):
        for q in segments:
            if q in carrier:
                first, last = slot_of[q], slot_of[alignment[carrier[q]].source[-1]]
                of_target.append(_Cell(first, last - first + 1, carrier[q]))
        of_target.sort(key=lambda cell: cell.slot)
    return _Row(tuple(slots), tuple(tuple(of_target) for of_target in cells))


def _grid_rules(rows: Sequence[_Row], n_targets: int) -> str:
    """Place cells in their row by classes: inline styles would need a weaker Content-Security-Policy."""
    places = {(cell.slot, cell.n_slots) for row in rows for cells in row.cells for cell in cells}
    places |= {(slot, 1) for row in rows for slot in range(len(row.segments))}
    is_dense = n_targets > 2
    gutter = "2.75rem" if is_dense else "4.25rem"
    columns = f".r{{grid-template-columns:minmax(0,1fr) repeat({n_targets},{gutter} minmax(0,1fr))}}"
    columns += _DENSE * is_dense
    columns += "".join(
        f".cg{t}{{grid-column:{2 * t + 2}}}.ct{t}{{grid-column:{2 * t + 3}}}" for t in range(n_targets)
    )
    rules = "".join(f".g{slot}-{n}{{grid-row:{slot + 1}/span {n}}}" for slot, n in sorted(places))
    bars = "".join(f".q{i}{{background-size:{5 * i}% 100%}}" for i in range(21))
    bars += f".profile svg{{max-width:{3 * max(1, len(rows))}rem}}"  # few beads, no fat bars
    return f"{bars}@media (min-width:48.01em),print{{.cs{{grid-column:1}}{columns}{rules}}}"


_DENSE = (
    ".gut{padding:.25rem .15rem}.r p{padding-left:1.6rem}.r>div>p>i{width:1.2rem}"
    ".issue{margin-left:.25rem}.issue p{padding-left:0}"
)
"""Less room beside the texts where there are many columns."""

Marks = dict[int, list[tuple[Span, str, Severity]]]
"""Per segment: the spans of the issues on it, their ids and severities."""


def _marks(document: Document, spans: Iterable[tuple[Span | None, str, Severity]]) -> Marks:
    marks: Marks = defaultdict(list)
    for span, issue_id, severity in spans:
        if span and span[0] < span[1]:
            first = int(np.searchsorted(document.spans[:, 1], span[0], side="right"))
            last = int(np.searchsorted(document.spans[:, 0], span[1], side="left"))
            for segment in range(first, last):
                marks[segment].append((span, issue_id, severity))
    return marks


def _pieces(document: Document, segment: int, marks: Marks) -> list[Piece]:
    """Cut a segment where an underline starts or ends; underlines may overlap."""
    start, end = document.span(range(segment, segment + 1))
    here = marks.get(segment, [])
    inside = {offset for span, _, _ in here for offset in span if start < offset < end}
    cuts = [start, *sorted(inside), end]
    pieces: list[Piece] = []
    for a, b in pairwise(cuts):
        over = [(issue_id, severity) for (s, e), issue_id, severity in here if s < b and a < e]
        worst = max((SEVERITIES.index(severity) for _, severity in over), default=0)
        pieces.append((document.text[a:b], tuple(i for i, _ in over), SEVERITIES[worst] if over else ""))
    return pieces


def issue_id(target: int, rank: int) -> str:
    """Return the id on the page of the issue at place `rank` of the report at place `target`."""
    return f"i{target}-{rank}"


def _issue_views(t: int, report: Report) -> list[dict[str, Any]]:
    places = {id(issue): place for issue, place, _ in _in_reading_order(report)}
    return [
        {
            "id": issue_id(t, rank),
            "issue": issue,
            "place": places[id(issue)],
            "file": PurePath(places[id(issue)].path).name,
            "source": _snippet(report.alignment.source, issue.source_span),
            "target": _snippet(report.alignment.target, issue.target_span),
            "target_index": t,
        }
        for rank, issue in enumerate(report.issues)
    ]


def _snippet(document: Document, span: Span | None) -> tuple[str, str, str] | None:
    """Return what stands before, in and after `span` in its line, cut to what a card holds."""
    if span is None:
        return None
    start, end = span
    reach, longest = (18, 80) if document.lang.startswith("zh") else (48, 200)
    before = _clipped(document.text[max(0, start - reach) : start].rpartition("\n")[2][::-1], reach)[::-1]
    after = _clipped(document.text[end : end + reach].partition("\n")[0], reach)
    inside = document.text[start:end]
    if len(inside) > longest:
        inside, after = inside[:longest].rstrip() + "…", ""
    return before, inside, after


def _clipped(text: str, reach: int) -> str:
    """End a context that fills its `reach` at a word, with an ellipsis."""
    if len(text) < reach:
        return text.rstrip()
    return (text.rpartition(" ")[0] or text).rstrip() + "…"


def _target_view(t: int, report: Report) -> dict[str, Any]:
    scores, counts = report.scores, Counter(issue.severity for issue in report.issues)
    return {
        "name": _name(report.alignment.target, f"target {t + 1}"),
        "lang": report.alignment.target.lang,
        "fidelity": _decimal(scores.fidelity),
        "interval": _range(scores.interval).strip(" ()"),
        "bar": _bar(scores.fidelity),
        "drift": [
            (name, _percent(getattr(scores.drift, name)), _bar(getattr(scores.drift, name)))
            for name in ("omitted", "added", "reordered", "shifted")
        ],
        "counts": [(severity, counts[severity]) for severity in reversed(SEVERITIES) if counts[severity]],
        "n_settled": len(report.suppressed),
        "reference": [(name, _decimal(value, 1), signature) for name, value, signature in scores.reference],
        "n_beads": len(report.alignment),
        "profile": _profile_view(report),
    }


def _bar(share: float | None) -> int | None:
    number = _number(share)
    return None if number is None else round(20 * min(1.0, max(0.0, number)))


def _profile_view(report: Report) -> dict[str, Any]:
    """SVG paths of the drift profile, one unit wide per bead: 0-28 the bars, 30-40 the issues."""
    profile = [_number(value) or 0.0 for value in report.scores.drift.profile]
    scale = 28 / max(3.0, *profile) if profile else 1.0
    worst: dict[int, Severity] = {}
    for issue in report.issues:
        worst.setdefault(issue.bead, issue.severity)
    beads = list(enumerate(report.alignment))
    return {
        "bars": "".join(
            f"M{i}.2 28v-{v * scale:.1f}h.6V28z" for i, v in enumerate(profile) if v * scale >= 0.05
        ),
        "omissions": "".join(f"M{i} 0h1v28h-1z" for i, bead in beads if bead.is_omission),
        "additions": "".join(f"M{i} 0h1v28h-1z" for i, bead in beads if bead.is_addition),
        "ticks": sorted(worst.items()),
    }


def _worst(reports: Sequence[Report], count: int = 6) -> list[dict[str, Any]]:
    views = [
        (view["issue"], view) for t, report in enumerate(reports) for view in _issue_views(t, report)[:count]
    ]
    return [view for _, view in sorted(views, key=lambda pair: _badness(pair[0]))[:count]]


def _settled_views(report: Report) -> Iterator[dict[str, Any]]:
    """Yield what was found too, but is settled, in reading order."""
    for one, place, _ in _settled(report):
        yield {"issue": one.issue, "place": place, "by": one.by, "reason": one.reason}


def _row_views(reports: Sequence[Report], rows: Sequence[_Row]) -> Iterator[dict[str, Any]]:
    source = reports[0].alignment.source
    marks = _marks(
        source,
        (
            (issue.source_span, issue_id(t, rank), issue.severity)
            for t, report in enumerate(reports)
            for rank, issue in enumerate(report.issues)
        ),
    )
    columns = [_BeadViews(t, report) for t, report in enumerate(reports)]
    for n, row in enumerate(rows):
        cells = [
            [column.view(cell) for cell in of_target]
            for column, of_target in zip(columns, row.cells, strict=True)
        ]
        fidelities = [view["value"] for of_target in cells for view in of_target if view["value"] is not None]
        yield {
            "n": n,
            "fidelity": min(fidelities, default=None),
            "omitted": all(view["bead"].is_omission for of_target in cells for view in of_target),
            "source": [
                (slot, q, None if q is None else _pieces(source, q, marks))
                for slot, q in enumerate(row.segments)
            ],
            "targets": cells,
        }


class _BeadViews:
    """What the cells of one target show."""

    def __init__(self, t: int, report: Report) -> None:
        self.report, self.t = report, t
        target = report.alignment.target
        self.marks = _marks(
            target,
            (
                (issue.target_span, issue_id(t, rank), issue.severity)
                for rank, issue in enumerate(report.issues)
            ),
        )
        self.moved = _moved(report.alignment)
        self.issues: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for view in _issue_views(t, report):
            self.issues[view["issue"].bead].append(view)

    def view(self, cell: _Cell) -> dict[str, Any]:
        a = self.report.alignment
        bead, fidelity = a[cell.bead], _number(self.report.scores.beads[cell.bead])
        profile = _number(self.report.scores.drift.profile[cell.bead])
        return {
            "id": f"b{self.t}-{cell.bead}",
            "slot": f" g{cell.slot}-{cell.n_slots}" if cell.slot or cell.n_slots > 1 else "",
            "index": cell.bead,
            "bead": bead,
            "value": fidelity,
            "fidelity": _decimal(fidelity),
            "bar": _bar(fidelity),
            "profile": None if profile is None else f"{profile:.1f}",
            "moved": cell.bead in self.moved,
            "n_characters": len(a.source_text(bead)),
            "segments": [(j, _pieces(a.target, j, self.marks)) for j in bead.target],
            "issues": self.issues.get(cell.bead, []),
        }


def _moved(alignment: Alignment) -> set[int]:
    """Beads outside the longest run of beads whose targets stand in source order."""
    beads = [(i, bead.target.start) for i, bead in enumerate(alignment) if not bead.is_null]
    tails: list[int] = []  # last target position of the best run of each length
    lengths = []
    for _, start in beads:
        length = bisect_right(tails, start)
        tails[length : length + 1] = [start]
        lengths.append(length)
    want, kept = len(tails) - 1, set()
    for (i, _), length in zip(reversed(beads), reversed(lengths), strict=True):
        if length == want:
            kept.add(i)
            want -= 1
    return {i for i, _ in beads} - kept


@lru_cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("bitext"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _digest(text: str) -> str:
    """Content-Security-Policy source expression that allows exactly `text`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
