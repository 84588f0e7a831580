"""Scores and issues -> what people and programs read.

In: an `Alignment`, its `Scores` and the `Issue` tuples the checks found.  Out: a `Report`, which shows itself
in one line (REPL), as a table (notebook) or as a page (`to_html`), and turns into JSON, SARIF, GitHub
annotations, terminal text and rows.  Nothing is judged anew here and nothing is printed: every function
returns a value, only `Report.write` touches the disk.  The page is laid out in `_report_html.py`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import import_module, resources
from os import PathLike
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

import numpy as np

import bitext
from bitext.data import SEVERITIES, Alignment, Document, Issue, Severity, Span
from bitext.errors import BitextError, MissingExtraError
from bitext.formats.exchange import write_whole
from bitext.scoring import Scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure


Writer = TypeVar("Writer", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Suppressed:
    """An issue that a person has settled: by a comment in a text, or by taking it into the baseline."""

    issue: Issue
    by: Literal["comment", "baseline"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding about a file rather than about the translation in it: a comment without use, a missing counterpart.

    Parameters
    ----------
    check : str
    severity : {"neutral", "minor", "major", "critical"}
    message : str
    path : str
    line, column, end_column : int, optional
        1-based, in code points, the end exclusive; without a line it is about the whole file.
    """

    check: str
    severity: Severity
    message: str
    path: str
    line: int | None = None
    column: int = 1
    end_column: int = 1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """What is known about one translation: how good it is and what to look at.

    Parameters
    ----------
    alignment : Alignment
    scores : Scores
        One fidelity and one profile value per bead of `alignment`.
    issues : tuple of Issue
        In any order; kept worst first: by severity, then confidence, then position.
    signature : str
        What made the numbers and the issues.
    suppressed : tuple of Suppressed
        What was found too, but is settled.

    Raises
    ------
    BitextError
        If scores or issues belong to another alignment: wrong number of beads, or a span outside its text.
    """

    alignment: Alignment
    scores: Scores
    issues: tuple[Issue, ...]
    signature: str
    suppressed: tuple[Suppressed, ...] = ()

    def __post_init__(self) -> None:
        for name, values in (
            ("fidelities", self.scores.beads),
            ("profile values", self.scores.drift.profile),
        ):
            if len(values) != len(self.alignment):
                raise BitextError(
                    f"{len(values)} {name} for {len(self.alignment)} beads; expected one per bead. "
                    "Score the alignment that is reported."
                )
        for issue in (*self.issues, *(settled.issue for settled in self.suppressed)):
            _require_inside(issue, self.alignment)
        object.__setattr__(self, "issues", tuple(sorted(self.issues, key=_badness)))

    def __repr__(self) -> str:
        a = self.alignment
        return (
            f"<Report {a.source.lang}→{a.target.lang}: {_counted(len(a), 'bead')}, "
            f"fidelity {_decimal(self.scores.fidelity)}, {_issue_count(self.issues, worst_only=True)}, "
            f"drift: {_drift_parts(self.scores)}>"
        )

    def _repr_html_(self) -> str:
        from bitext._report_html import notebook_table

        return notebook_table(self.alignment, self)

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat dict per bead, ready for a data frame.

        Returns
        -------
        list of dict
            Keys: ``bead`` (index), ``kind`` ("1-2"), ``source`` and ``target`` (text, empty on a null side),
            ``fidelity`` in [0, 1], ``profile`` (MADs below the baseline) and ``score`` in [0, 1] (the
            aligner's), each float or None; ``severity`` (the worst, or None); ``issues`` (list of str,
            worst first).
        """
        messages: dict[int, list[Issue]] = defaultdict(list)
        for issue in self.issues:
            messages[issue.bead].append(issue)
        a = self.alignment
        return [
            {
                "bead": i,
                "kind": bead.kind,
                "source": a.source_text(bead),
                "target": a.target_text(bead),
                "fidelity": _number(self.scores.beads[i]),
                "profile": _number(self.scores.drift.profile[i]),
                "score": _number(bead.score),
                "severity": messages[i][0].severity if messages[i] else None,
                "issues": [f"{issue.severity} {issue.check}: {_message(issue)}" for issue in messages[i]],
            }
            for i, bead in enumerate(a)
        ]

    def to_pandas(self) -> Any:
        """Return `rows` as a ``pandas.DataFrame``; needs the extra ``[pandas]``."""
        pandas = _optional("pandas", "Report.to_pandas()")
        return pandas.DataFrame(self.rows(), columns=list(_COLUMNS))

    def to_polars(self) -> Any:
        """Return `rows` as a ``polars.DataFrame``; needs the extra ``[polars]``."""
        polars = _optional("polars", "Report.to_polars()")
        kinds = {
            int: polars.Int64,
            float: polars.Float64,
            str: polars.String,
            list: polars.List(polars.String),
        }
        return polars.DataFrame(self.rows(), schema={name: kinds[kind] for name, kind in _COLUMNS.items()})

    def plot(self, *, lang: Literal["en", "zh"] = "en") -> Figure:
        """Draw the drift profile, the fidelity of the beads, and how they lie along both texts.

        Parameters
        ----------
        lang : {"en", "zh"}, default "en"
            Language of the words in the figure.  Without a Chinese font on this machine they are English.

        Returns
        -------
        matplotlib.figure.Figure
            Of three axes; a notebook shows it, ``savefig`` writes it.  Nothing is opened.

        Raises
        ------
        MissingExtraError
            Without matplotlib, the extra ``[plot]``.
        """
        from bitext._plot import figure

        return figure(self, lang=lang)

    def to_dict(self) -> dict[str, Any]:
        """Return one element of the ``targets`` list of `to_json`."""
        return {
            "path": self.alignment.target.path,
            "lang": self.alignment.target.lang,
            "order": self.alignment.order,
            "scores": _scores_dict(self.alignment, self.scores),
            "issues": [issue_dict(self.alignment, issue) for issue in self.issues],
            "suppressed": [
                issue_dict(self.alignment, settled.issue) | {"by": settled.by, "reason": settled.reason}
                for settled in self.suppressed
            ],
        }

    def write(self, path: str | PathLike[str]) -> None:
        """Write the report to `path` in the format its suffix names; the file is replaced when all is ready.

        ``.html``, ``.json``, ``.sarif``, ``.csv`` and ``.tsv`` hold the report.  ``.docx`` is the translation with a
        comment at each issue and ``.xlf`` or ``.xliff`` with a note at each: the very file it was read from, where
        that is of the same format.  ``.xlsx`` is a workbook of the rows and the issues.

        Raises
        ------
        BitextError
            If the suffix is none of these, or the file the translation was read from has changed.
        MissingExtraError
            If the format needs a package that is not installed: the extras ``[docx]`` and ``[xlsx]``.
        """
        path = Path(path)
        write_whole(path, writer_for(path, _WRITERS)(self))


def writer_for(path: Path, writers: Mapping[str, Writer]) -> Writer:
    """Return the one of `writers` that the suffix of `path` asks for.

    Raises
    ------
    BitextError
        If the suffix is none of these.
    """
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise BitextError(
            f"{path.name!r} has the suffix {path.suffix!r}; expected one of {', '.join(writers)}. "
            "Rename the file to say the format."
        )
    return writer


def alignment_html(alignment: Alignment) -> str:
    """Return `alignment` as a two-column HTML table for a notebook: escaped, no script, first 50 beads."""
    from bitext._report_html import notebook_table

    return notebook_table(alignment, None)


def fingerprint(alignment: Alignment, issue: Issue) -> str:
    """Return a digest of what an issue is about: its check and the texts, not where they stand.

    It survives moved lines and changed white space, and changes when either side of the bead is edited.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    bead = alignment[issue.bead]
    texts = (
        alignment.source_text(bead),
        alignment.target_text(bead),
        _spanned(alignment.source, issue.source_span),
        _spanned(alignment.target, issue.target_span),
    )
    key = "\0".join((issue.check, *(" ".join(text.split()) for text in texts)))
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def issue_checks() -> list[str]:
    """Return the slugs of all checks that look at a translation."""
    return sorted(key.removeprefix("check.") for key in _labels() if key.startswith("check."))


def describe_check(slug: str) -> str:
    """Return what a check finds, in a sentence."""
    return _labels()[f"about.{slug}"]["en"]


def issue_dict(alignment: Alignment, issue: Issue) -> dict[str, Any]:
    """Return `issue` as the contract's JSON object: spans with their texts, offsets in code points."""
    return {
        "check": issue.check,
        "category": issue.category,
        "severity": issue.severity,
        "confidence": _number(issue.confidence),
        "message": issue.message,
        "source": _span_dict(alignment.source, issue.source_span),
        "target": _span_dict(alignment.target, issue.target_span),
        "suggestion": issue.suggestion,
        "evidence": list(issue.evidence),
        "bead": issue.bead,
    }


def to_json(reports: Sequence[Report], *, remarks: Sequence[Remark] = ()) -> dict[str, Any]:
    """Return the contract's object, ``{"signature", "source", "targets", "remarks"}``; never NaN or infinity.

    Raises
    ------
    BitextError
        If there is no report, or the reports are about different sources.
    """
    source = _common_source(reports)
    return {
        "signature": " ".join(_signatures(reports)),
        "source": source.path,
        "targets": [report.to_dict() for report in reports],
        "remarks": [asdict(remark) for remark in remarks],
    }


def project_json(reports: Sequence[Report], *, remarks: Sequence[Remark] = ()) -> dict[str, Any]:
    """Return `to_json` for translations of several sources: ``{"signature", "pairs": [...], "remarks": [...]}``."""
    by_source: dict[str | None, list[Report]] = defaultdict(list)
    for report in reports:
        by_source[report.alignment.source.path].append(report)
    return {
        "signature": " ".join(_signatures(reports)),
        "pairs": [
            {"source": path, "targets": [report.to_dict() for report in group]}
            for path, group in by_source.items()
        ],
        "remarks": [asdict(remark) for remark in remarks],
    }


def to_sarif(
    reports: Sequence[Report], *, remarks: Sequence[Remark] = (), baseline: bool = False
) -> dict[str, Any]:
    """Return a SARIF 2.1.0 log with one run.

    Columns count Unicode code points.  An issue is located in the target file, or in the source file when it
    has no target span.  Critical and major issues are errors, minor ones warnings, neutral ones notes.  What is
    settled is there too, with its suppression.

    Parameters
    ----------
    reports : sequence of Report
    remarks : sequence of Remark
    baseline : bool, default False
        Whether the findings were compared with a baseline: then each says whether it is new.
    """
    found = [(r, issue) for r in reports for issue in (*r.issues, *(s.issue for s in r.suppressed))]
    categories = {issue.check: issue.category for _, issue in found} | {r.check: _UPKEEP for r in remarks}
    slugs = sorted(categories)
    results = [result for report in reports for result in _sarif_results(report, slugs, baseline=baseline)]
    results += [_sarif_remark(remark, slugs) for remark in remarks]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "bitext",
                        "semanticVersion": bitext.__version__,
                        "rules": [_sarif_rule(slug, categories[slug]) for slug in slugs],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
                "properties": {"signature": " ".join(_signatures(reports))},
            }
        ],
    }


def to_github(reports: Sequence[Report], *, remarks: Sequence[Remark] = ()) -> str:
    """Return GitHub workflow commands, one annotation a line, in reading order."""
    lines = []
    for report in reports:
        for issue, place, _ in _in_reading_order(report):
            fields: dict[str, Any] = {"line": place.line, "endLine": place.end_line}
            if place.line == place.end_line:  # GitHub takes columns only within a line
                fields |= {"col": place.column, "endColumn": place.end_column}
            lines.append(_github_line(issue.severity, issue.check, place.path, _message(issue), fields))
    for remark in remarks:
        fields = {"line": remark.line, "col": remark.column} if remark.line else {}
        lines.append(_github_line(remark.severity, remark.check, remark.path, remark.message, fields))
    return "".join(lines)


def to_junit(reports: Sequence[Report], *, remarks: Sequence[Remark] = (), fail_on: str = "major") -> str:
    """Return JUnit XML: a suite a translation, a test case a finding, one that passed where nothing was found.

    Parameters
    ----------
    reports : sequence of Report
    remarks : sequence of Remark
        In a suite for their file.
    fail_on : str, default "major"
        Severity from which a finding is a failure; below it the case passes and shows the finding as output.
        What is settled is a skipped case with its reason.  ``"never"`` makes nothing a failure.
    """
    from bitext._report_junit import junit

    return junit(reports, remarks, fail_on)


def to_text(
    reports: Sequence[Report],
    *,
    remarks: Sequence[Remark] = (),
    color: bool = False,
    width: int | None = None,
) -> str:
    """Return the findings for a terminal: one a line in reading order, then summaries, then the signature.

    Each translation has a summary; those of several sources have one together.

    Parameters
    ----------
    reports : sequence of Report
    remarks : sequence of Remark
    color : bool, default False
        Whether to use ANSI colors.
    width : int, optional
        Terminal width in cells.  When given, the columns are aligned and long messages wrap under themselves
        (a Chinese character is two cells wide); otherwise each finding is exactly one line.
    """
    found = [
        (issue.severity, issue.check, _message(issue), _plain(f"{place}:"))
        for report in reports
        for issue, place, _ in _in_reading_order(report)
    ]
    found += [(r.severity, r.check, r.message, _plain(f"{_place_of(r)}:")) for r in remarks]
    place_cells = max((_cells(place) for *_, place in found), default=0) if width else 0
    lines = [_finding(*one, place_cells=place_cells, color=color, width=width) for one in found]
    if len({report.alignment.source.path for report in reports}) > 1:
        lines.append(_paint(_plain(_project_summary(reports, remarks)), "1", color))
    else:
        for report in reports:
            prefix = f"{_path(report.alignment.target, 'target')}: " if len(reports) > 1 else ""
            lines.append(_paint(_plain(prefix + _summary(report)), "1", color))
    lines += [_paint(_plain(signature), "2", color) for signature in _signatures(reports)]
    return "".join(f"{line}\n" for line in lines)


def to_html(reports: Sequence[Report]) -> str:
    """Return a self-contained page: translations of one source side by side, bead by bead, with their issues.

    The page loads nothing and runs only its own script (Content-Security-Policy by digest); every text is
    escaped.

    Raises
    ------
    BitextError
        If there is no report, or the reports are about different or differently segmented sources.
    """
    from bitext._report_html import page  # lazily: only HTML needs Jinja2

    return page(reports)


# ---- numbers and words -------------------------------------------------------------------------------------

_COLUMNS: dict[str, type] = {
    "bead": int,
    "kind": str,
    "source": str,
    "target": str,
    "fidelity": float,
    "profile": float,
    "score": float,
    "severity": str,
    "issues": list,
}


def _optional(module: str, purpose: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(module, module, purpose) from error


def _number(value: float | None) -> float | None:
    """JSON knows no NaN and no infinity; six decimals are more than any score means."""
    return round(float(value), 6) if value is not None and math.isfinite(value) else None


def _decimal(value: float | None, places: int = 2) -> str:
    number = _number(value)
    return "–" if number is None else f"{number:.{places}f}"


def _range(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({_decimal(interval[0])}–{_decimal(interval[1])})"


def _percent(share: float | None) -> str:
    """Whole percents, but one decimal below 1 %: a lost sentence of a book must not round to nothing."""
    percent = 100 * (_number(share) or 0.0)
    return f"{percent:.0f} %" if percent >= 0.95 or percent < 0.05 else f"{percent:.1f} %"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _issue_count(issues: Sequence[Issue | Remark], *, worst_only: bool = False) -> str:
    counts = Counter(issue.severity for issue in issues)
    parts = [f"{counts[severity]} {severity}" for severity in reversed(SEVERITIES) if counts[severity]]
    if not parts:
        return "no issues"
    return f"{_counted(len(issues), 'issue')} ({', '.join(parts[:1] if worst_only else parts)})"


def _settled_count(reports: Sequence[Report]) -> list[str]:
    counts = Counter(settled.by for report in reports for settled in report.suppressed)
    words = {"comment": "suppressed by comments", "baseline": "in the baseline"}
    return [f"{counts[by]} {words[by]}" for by in sorted(counts, reverse=True)]


def _project_summary(reports: Sequence[Report], remarks: Sequence[Remark]) -> str:
    issues: list[Issue | Remark] = [issue for report in reports for issue in report.issues]
    flagged = sum(bool(report.issues) for report in reports)
    parts = [
        f"{_issue_count([*issues, *remarks])} in {flagged} of {_counted(len(reports), 'translation')}",
        *_settled_count(reports),
    ]
    return "; ".join(parts)


_NEARLY_ALL = 0.8  # of either text; with less the scores speak of a part, and the reader must know


def _drift_parts(scores: Scores) -> str:
    drift = scores.drift
    shares = {name: _percent(getattr(drift, name)) for name in ("omitted", "added", "reordered", "shifted")}
    return ", ".join(f"{share} {name}" for name, share in shares.items() if share != "0 %") or "none"


def _peak(scores: Scores) -> tuple[int, float] | None:
    """Bead with the highest profile value, if any bead is below the baseline."""
    values = [(value, -i) for i, value in enumerate(scores.drift.profile) if _number(value) is not None]
    value, at = max(values, default=(0.0, 0))
    return (-at, value) if value and value > 0 else None


def _summary(report: Report) -> str:
    scores, peak = report.scores, _peak(report.scores)
    parts = [
        f"{_issue_count(report.issues)} in {_counted(len(report.alignment), 'bead')}",
        *_little_aligned(report.alignment),
        f"fidelity {_decimal(scores.fidelity)}{_range(scores.interval)}",
        f"drift: {_drift_parts(scores)}" + (f", peaks at bead {peak[0]} ({peak[1]:.1f} MAD)" if peak else ""),
        *(f"{name} {_decimal(value, 1)}" for name, value, _ in scores.reference),
        *_settled_count([report]),
    ]
    return "; ".join(parts)


def _little_aligned(alignment: Alignment) -> list[str]:
    """How much is aligned, where that is not nearly all: then the rest speaks of a part only."""
    source, target = alignment.aligned_share
    little = min(source, target) < _NEARLY_ALL
    return [f"aligned: {_percent(source)} of the source, {_percent(target)} of the target"] if little else []


def _message(issue: Issue) -> str:
    """One line: the check's sentence, how long an omission is, the suggestion, each unless already said."""
    message = " ".join(issue.message.split())
    if issue.check == "omission" and issue.source_span and "character" not in message:
        message += f" ({_counted(issue.source_span[1] - issue.source_span[0], 'character')})"
    if issue.suggestion and issue.suggestion not in message:
        message += f" → {' '.join(issue.suggestion.split())}"
    return message


def _badness(issue: Issue) -> tuple[Any, ...]:
    position = issue.target_span or issue.source_span or (0, 0)
    return -SEVERITIES.index(issue.severity), -issue.confidence, issue.bead, position, issue.check


def _signatures(reports: Sequence[Report]) -> list[str]:
    return list(dict.fromkeys(report.signature for report in reports))


def _require_inside(issue: Issue, alignment: Alignment) -> None:
    if not 0 <= issue.bead < len(alignment):
        raise BitextError(
            f"issue {issue.check!r} is in bead {issue.bead}, but there are {len(alignment)}; "
            "expected an index into the beads of the alignment that is reported."
        )
    for side, document, span in (
        ("source", alignment.source, issue.source_span),
        ("target", alignment.target, issue.target_span),
    ):
        if span is not None and not 0 <= span[0] <= span[1] <= len(document.text):
            raise BitextError(
                f"issue {issue.check!r} has the {side} span {span} in a text of {len(document.text)} "
                "characters; expected code points [start, end) inside it."
            )


def _common_source(reports: Sequence[Report]) -> Document:
    if not reports:
        raise BitextError("no report was given; expected at least one.")
    source = reports[0].alignment.source
    for report in reports:
        other = report.alignment.source
        if other is not source and (
            other.text != source.text or not np.array_equal(other.spans, source.spans)
        ):
            raise BitextError(
                f"the reports are about different sources, {_path(source, 'source')} ({len(source)} segments)"
                f" and {_path(other, 'source')} ({len(other)}); "
                "expected translations of one source, segmented once."
            )
    return source


def _static(name: str) -> str:
    return (resources.files("bitext") / "templates" / name).read_text("utf-8")


@lru_cache
def _labels() -> dict[str, dict[str, str]]:
    """Every word of the interface in English and Chinese, and what the checks are about."""
    labels: dict[str, dict[str, str]] = json.loads(_static("labels.json"))
    return labels


# ---- places ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """A stretch of a file, for people: 1-based lines and columns (code points), the end exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


def _path(document: Document, side: str) -> str:
    return document.path or f"<{side}>"


def _name(document: Document, side: str) -> str:
    return PurePath(document.path).name if document.path else side


def _spanned(document: Document, span: Span | None) -> str:
    return document.text[span[0] : span[1]] if span else ""


def _locator(document: Document, side: str) -> Callable[[Span], _Place]:
    """Find places in the file; the lines of a text are indexed once, so that many issues cost no more."""
    if document.origin is not None:

        def in_file(span: Span) -> _Place:
            (line, column), (end_line, end_column) = document.place(span)
            text = _spanned(document, span)
            return _Place(_path(document, side), line, column, end_line, end_column, text)

        return in_file
    starts = [0, *(match.end() for match in re.finditer("\n", document.text))]

    def line_column(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    def locate(span: Span) -> _Place:
        return _Place(
            _path(document, side), *line_column(span[0]), *line_column(span[1]), _spanned(document, span)
        )

    return locate


def _place_of(remark: Remark) -> str:
    return f"{remark.path}:{remark.line}:{remark.column}" if remark.line else remark.path


def _settled(report: Report) -> Iterator[tuple[Suppressed, _Place, _Place | None]]:
    """Yield what was found too, but is settled, in reading order, with the places of its issue."""
    settled = {id(one.issue): one for one in report.suppressed}
    for issue, place, related in _in_reading_order(report, [one.issue for one in report.suppressed]):
        yield settled[id(issue)], place, related


def _in_reading_order(
    report: Report, issues: Sequence[Issue] | None = None
) -> Iterator[tuple[Issue, _Place, _Place | None]]:
    """Yield each issue, where it is, and the place in the source that a place in the target goes with.

    An issue is in the target file, or in the source file when it has no target span.  `issues` are by default
    those of the report.
    """
    alignment = report.alignment
    in_source, in_target = _locator(alignment.source, "source"), _locator(alignment.target, "target")
    found = report.issues if issues is None else issues
    for issue in sorted(found, key=lambda i: (i.bead, i.target_span or (-1, -1), _badness(i))):
        bead = alignment[issue.bead]
        source = in_source(issue.source_span) if issue.source_span else None
        if issue.target_span:
            yield issue, in_target(issue.target_span), source
        elif source:
            yield issue, source, None
        elif bead.is_omission:
            yield issue, in_source(alignment.source.span(bead.source)), None
        else:
            yield issue, in_target(alignment.target.span(bead.target)), None


# ---- JSON --------------------------------------------------------------------------------------------------


def _scores_dict(alignment: Alignment, scores: Scores) -> dict[str, Any]:
    drift = scores.drift
    aligned = dict(zip(("source", "target"), map(_number, alignment.aligned_share), strict=True))
    return {
        "aligned": aligned,
        "fidelity": _number(scores.fidelity),
        "interval": None if scores.interval is None else [_number(bound) for bound in scores.interval],
        "drift": {
            name: _number(getattr(drift, name)) for name in ("omitted", "added", "reordered", "shifted")
        },
        "beads": [
            {
                "source": list(bead.source),
                "target": list(bead.target),
                "fidelity": _number(fidelity),
                "profile": _number(profile),
                "score": _number(bead.score),
            }
            for bead, fidelity, profile in zip(alignment, scores.beads, drift.profile, strict=True)
        ],
        "reference": {
            name: {"score": _number(value), "signature": signature}
            for name, value, signature in scores.reference
        },
    }


def _span_dict(document: Document, span: Span | None) -> dict[str, Any] | None:
    if not span:
        return None
    start, end = document.file_span(span)
    return {"start": int(start), "end": int(end), "text": _spanned(document, span)}


# ---- SARIF and GitHub --------------------------------------------------------------------------------------

_SARIF_LEVELS = {"critical": "error", "major": "error", "minor": "warning", "neutral": "note"}
_GITHUB_LEVELS = {"critical": "error", "major": "error", "minor": "warning", "neutral": "notice"}


def _sarif_rule(slug: str, category: str) -> dict[str, Any]:
    label, about = _labels().get(f"check.{slug}"), _labels().get(f"about.{slug}")
    rule: dict[str, Any] = {
        "id": slug,
        "name": "".join(part.capitalize() for part in slug.split("-")),
        "shortDescription": {"text": label["en"] if label else slug},
        "properties": {"category": category, "tags": ["translation", category.split("/")[0]]},
    }
    if about:
        rule["fullDescription"] = {"text": about["en"]}
    return rule


_UPKEEP = "custom/upkeep"  # what is said about comments and files, not about a translation


def _sarif_results(report: Report, slugs: Sequence[str], *, baseline: bool) -> Iterator[dict[str, Any]]:
    seen: Counter[str] = Counter()
    settled = {id(s.issue): s for s in report.suppressed}
    every = [*report.issues, *(s.issue for s in report.suppressed)]
    for issue, place, related in _in_reading_order(report, every):
        digest = fingerprint(report.alignment, issue)
        seen[digest] += 1  # the same slip twice in one bead is two results
        result: dict[str, Any] = {
            "ruleId": issue.check,
            "ruleIndex": slugs.index(issue.check),
            "level": _SARIF_LEVELS[issue.severity],
            "rank": round(100 * issue.confidence, 2),
            "message": {"text": _message(issue)},
            "locations": [_sarif_location(place)],
            "partialFingerprints": {"bitext/v1": f"{digest}:{seen[digest]}"},
            "suppressions": _sarif_suppressions(settled.get(id(issue))),
            "properties": {
                "severity": issue.severity,
                "confidence": _number(issue.confidence),
                "category": issue.category,
                "bead": issue.bead,
                "suggestion": issue.suggestion,
                "evidence": list(issue.evidence),
            },
        }
        if related:
            result["relatedLocations"] = [
                {"id": 1, "message": {"text": "source"}, **_sarif_location(related)}
            ]
        if baseline:
            known = id(issue) in settled and settled[id(issue)].by == "baseline"
            result["baselineState"] = "unchanged" if known else "new"
        yield result


def _sarif_suppressions(settled: Suppressed | None) -> list[dict[str, str]]:
    """Return none for what is open: SARIF wants the list in all results or in no one."""
    if settled is None:
        return []
    suppression = {"kind": "inSource" if settled.by == "comment" else "external"}
    return [suppression | ({"justification": settled.reason} if settled.reason else {})]


def _sarif_remark(remark: Remark, slugs: Sequence[str]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(remark.path)}}
    if remark.line:
        columns = {"startColumn": remark.column, "endColumn": max(remark.end_column, remark.column)}
        physical["region"] = {"startLine": remark.line, **columns}
    return {
        "ruleId": remark.check,
        "ruleIndex": slugs.index(remark.check),
        "level": _SARIF_LEVELS[remark.severity],
        "message": {"text": remark.message},
        "locations": [{"physicalLocation": physical}],
        "suppressions": [],
        "properties": {"severity": remark.severity, "category": _UPKEEP},
    }


def _uri(path: str) -> str:
    pure = PurePath(path)
    return pure.as_uri() if pure.is_absolute() else quote(pure.as_posix())


def _sarif_location(place: _Place) -> dict[str, Any]:
    region: dict[str, Any] = {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }
    if place.text:
        region["snippet"] = {"text": place.text}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.path)}, "region": region}}


def _github_line(severity: Severity, check: str, path: str, message: str, fields: dict[str, Any]) -> str:
    properties = {"file": path, **fields, "title": f"{severity} {check}"}
    listed = ",".join(f"{name}={_github_property(str(value))}" for name, value in properties.items())
    return f"::{_GITHUB_LEVELS[severity]} {listed}::{_github_data(message)}\n"


def _github_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _github_property(text: str) -> str:
    return _github_data(text).replace(":", "%3A").replace(",", "%2C")


# ---- terminal ----------------------------------------------------------------------------------------------

_SEVERITY_COLORS = {"critical": "1;31", "major": "31", "minor": "33", "neutral": "36"}


def _finding(
    severity: Severity,
    check: str,
    message: str,
    place: str,
    *,
    place_cells: int,
    color: bool,
    width: int | None,
) -> str:
    """One finding; `place` is padded to `place_cells`, and the message wraps at `width` when it is given."""
    pad = " " * max(0, place_cells - _cells(place))
    padded = severity.ljust(8) if width else severity
    head = f"{place}{pad} {padded} {check}:"
    painted = (
        f"{_paint(place, '1', color)}{pad} {_paint(padded, _SEVERITY_COLORS[severity], color)} "
        f"{_paint(check + ':', '2', color)}"
    )
    message = _plain(message)
    if not width:
        return f"{painted} {message}"
    indent = min(_cells(head) + 1, max(4, width // 3))
    lines = _wrapped(message, first=width - _cells(head) - 1, rest=width - indent)
    return f"{painted} " + f"\n{' ' * indent}".join(lines)


def _wrapped(text: str, *, first: int, rest: int) -> list[str]:
    """Break `text` at spaces and between Chinese characters so that lines fit `first`, then `rest`, cells."""
    lines: list[str] = []
    line, room = "", first
    for piece in re.findall(
        r"\s+|[\u2e80-\u9fff\U00020000-\U0003ffff]|[^\s\u2e80-\u9fff\U00020000-\U0003ffff]+", text
    ):
        if _cells(line + piece.rstrip()) > room and (line.strip() or len(lines) == 0):
            lines.append(line.rstrip())
            line, room = "", max(rest, 20)
        if line or not piece.isspace():
            line += piece
    return [*lines, line.rstrip()]


def _cells(text: str) -> int:
    """Terminal cells: 2 for wide characters, 0 for combining marks and format characters."""
    shown = [c for c in text if unicodedata.category(c) not in ("Mn", "Me", "Cf")]
    return len(shown) + sum(unicodedata.east_asian_width(c) in "WF" for c in shown)


def _plain(text: str) -> str:
    """Escape control and bidirectional characters: a document must not steer the reader's terminal."""
    return re.sub(
        "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]",
        lambda match: match.group().encode("unicode_escape").decode(),
        text,
    )


def _paint(text: str, code: str, color: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if color else text


# ---- files -------------------------------------------------------------------------------------------------


def _json_bytes(value: dict[str, Any]) -> bytes:
    # a lone surrogate cannot be UTF-8; as \udXXX it is what JSON itself would write
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _table_bytes(report: Report, *, delimiter: str, encoding: str) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(_COLUMNS), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    for row in report.rows():
        writer.writerow(row | {"issues": " | ".join(row["issues"])})
    return out.getvalue().encode(encoding, "backslashreplace")


def _file_bytes(report: Report, kind: str) -> bytes:
    from bitext import _report_files  # lazily: few reports become such files

    data: bytes = getattr(_report_files, f"{kind}_bytes")(report)
    return data


_WRITERS: dict[str, Callable[[Report], bytes]] = {
    ".html": lambda report: to_html([report]).encode("utf-8", "xmlcharrefreplace"),
    ".json": lambda report: _json_bytes(to_json([report])),
    ".sarif": lambda report: _json_bytes(to_sarif([report])),
    # with a byte order mark, without which Excel takes Chinese for Latin-1
    ".csv": lambda report: _table_bytes(report, delimiter=",", encoding="utf-8-sig"),
    ".tsv": lambda report: _table_bytes(report, delimiter="\t", encoding="utf-8"),
    ".docx": lambda report: _file_bytes(report, "docx"),
    ".xlf": lambda report: _file_bytes(report, "xliff"),
    ".xliff": lambda report: _file_bytes(report, "xliff"),
    ".xlsx": lambda report: _file_bytes(report, "xlsx"),
}
