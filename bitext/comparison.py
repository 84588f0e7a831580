"""Several translations of one source, side by side: who is better, by how much, and where they part.

In: a source and its translations, or the reports on them.  Out: a `Comparison`.  The alignments are joined
through the source into rows, the finest runs of source segments that no bead of any translation cuts through;
"A is better than B" is a paired bootstrap over these rows; terms are set against each other rendering by
rendering, and what most of the others have is evidence in the issues of the one that has something else.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path, PurePath
from typing import Any, Literal

import numpy as np

from bitext import pipeline
from bitext._bootstrap import N_RESAMPLES, interval, resampled_means
from bitext._comparison_terms import TermRow, linked_passages, term_rows, with_consensus
from bitext.data import Document
from bitext.embedding import Embedder
from bitext.errors import BitextError
from bitext.formats.exchange import write_whole
from bitext.report import Report, _common_source, to_json, writer_for
from bitext.scoring import common_cuts, content_size
from bitext.terminology import Termbase

__all__ = [
    "Comparison",
    "JoinedRow",
    "Pairing",
    "TermRow",
    "compare",
    "compare_reports",
    "joined_rows",
    "require_several",
    "with_consensus",
]

_EQUAL = 1e-9
"""Fidelities no further apart than this differ by rounding only."""


@dataclass(frozen=True, slots=True)
class JoinedRow:
    """Source segments that start and end a bead in every translation, or additions between two of them.

    Attributes
    ----------
    source : range
        Segments; empty for additions, where its `start` says before which segment they stand.
    beads : tuple of tuple of int
        Per translation: indices of its beads.
    fidelity : tuple of (float or None)
        Per translation: mean over source characters, in [0, 1]; ``None`` where there is no source.
    """

    source: range
    beads: tuple[tuple[int, ...], ...]
    fidelity: tuple[float | None, ...]

    @property
    def spread(self) -> float:
        """How far the best translation is ahead of the worst here, in [0, 1]."""
        known = [f for f in self.fidelity if f is not None]
        return max(known) - min(known) if known else 0.0


@dataclass(frozen=True, slots=True)
class Pairing:
    """How much better one translation is than another.

    Attributes
    ----------
    first, second : int
        Which translations.
    difference : float
        Fidelity of the first minus that of the second, in [-1, 1].
    interval : tuple of (float, float), optional
        95 % bootstrap interval of the difference; ``None`` with fewer than two rows.
    probability : float
        Share of resampled texts in which the first is better, in [0, 1]; equal ones count half.
    where_both : float, optional
        The difference over the rows that both translate, in [-1, 1]; ``None`` if there are none.
    """

    first: int
    second: int
    difference: float
    interval: tuple[float, float] | None
    probability: float
    where_both: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """Translations of one source, compared.

    Attributes
    ----------
    reports : tuple of Report
        One per translation, in the order given.
    names : tuple of str
        What to call the translations.
    rows : tuple of JoinedRow
        In source order; every source segment is in exactly one, every bead in exactly one.
    pairings : tuple of Pairing
        Every pair, the better one first.
    terms : tuple of TermRow
        Those that the translations render differently first; empty if the source is not Chinese.
    signature : str
        What made the numbers.
    """

    reports: tuple[Report, ...]
    names: tuple[str, ...]
    rows: tuple[JoinedRow, ...]
    pairings: tuple[Pairing, ...]
    terms: tuple[TermRow, ...]
    signature: str

    @property
    def source(self) -> Document:
        """The common source."""
        return self.reports[0].alignment.source

    @property
    def ranking(self) -> tuple[int, ...]:
        """Translations, best fidelity first."""
        return tuple(sorted(range(len(self.reports)), key=lambda t: -self.reports[t].scores.fidelity))

    def differences(self, limit: int | None = None) -> list[JoinedRow]:
        """List the rows in which the translations differ, those that differ most first."""
        found = sorted((row for row in self.rows if row.spread > _EQUAL), key=lambda row: -row.spread)
        return found[:limit]

    def source_text(self, row: JoinedRow) -> str:
        """Source side of `row`; empty for additions."""
        return self.source.joined(row.source)

    def target_text(self, row: JoinedRow, translation: int) -> str:
        """Return what `translation` has in `row`, in source order; empty for an omission."""
        a = self.reports[translation].alignment
        return " ".join(text for text in (a.target_text(a[i]) for i in row.beads[translation]) if text)

    def __repr__(self) -> str:
        best = self.ranking[0]
        scores = ", ".join(f"{self.names[t]} {self.reports[t].scores.fidelity:.2f}" for t in self.ranking)
        sure = min((p.probability for p in self.pairings if p.first == best), default=0.5)
        return (
            f"<Comparison {self.source.lang}: {len(self.reports)} translations, {len(self.rows)} rows; "
            f"{scores}; first is best with probability {sure:.2f}>"
        )

    def _repr_html_(self) -> str:
        from bitext._comparison_views import notebook

        return notebook(self)

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one flat dict per row, ready for a data frame.

        Returns
        -------
        list of dict
            Keys: ``row``, ``source`` (text), ``spread``, and per translation ``NAME text`` and ``NAME fidelity``
            (float or None).
        """
        return [
            {"row": n, "source": self.source_text(row), "spread": round(row.spread, 6)}
            | {f"{name} text": self.target_text(row, t) for t, name in enumerate(self.names)}
            | {f"{name} fidelity": _rounded(row.fidelity[t]) for t, name in enumerate(self.names)}
            for n, row in enumerate(self.rows)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON; lists over translations are in the order given."""
        whole = to_json(self.reports)
        return {
            "signature": self.signature,
            "source": whole["source"],
            "translations": [
                {"name": name, "rank": self.ranking.index(t) + 1} | target
                for t, (name, target) in enumerate(zip(self.names, whole["targets"], strict=True))
            ],
            "pairings": [
                {
                    "first": self.names[p.first],
                    "second": self.names[p.second],
                    "difference": _rounded(p.difference),
                    "interval": None if p.interval is None else [_rounded(bound) for bound in p.interval],
                    "probability": _rounded(p.probability),
                    "where_both": _rounded(p.where_both),
                }
                for p in self.pairings
            ],
            "rows": [
                {
                    "source": list(row.source),
                    "beads": [list(beads) for beads in row.beads],
                    "fidelity": [_rounded(f) for f in row.fidelity],
                    "spread": _rounded(row.spread),
                    "source_text": self.source_text(row),
                    "target_texts": [self.target_text(row, t) for t in range(len(self.reports))],
                }
                for row in self.rows
            ],
            "terms": [
                {
                    "text": term.text,
                    "count": term.count,
                    "known": list(term.known),
                    "renderings": [[{"text": x, "count": n} for x, n in side] for side in term.renderings],
                    "dissenting": [self.names[t] for t in term.dissenting],
                }
                for term in self.terms
            ],
        }

    def write(self, path: str | PathLike[str]) -> None:
        """Write to `path` in the format its suffix names, .html, .json, .csv or .txt; it is replaced when all is ready.

        Raises
        ------
        BitextError
            If the suffix is none of these.
        """
        from bitext._comparison_views import WRITERS

        path = Path(path)
        write_whole(path, writer_for(path, WRITERS)(self))


def compare(
    source: Document | str,
    targets: Sequence[Document | str],
    *,
    names: Sequence[str] | None = None,
    termbase: Termbase | None = None,
    embedder: str | Embedder = "zh-en",
    order: Literal["monotone", "free", "auto"] = "auto",
    device: str | None = None,
    fluency: bool = False,
) -> Comparison:
    """Compare translations of one source.

    Parameters
    ----------
    source : Document or str
        A `str` is text, never a path.
    targets : sequence of (Document or str)
        Two translations or more.
    names : sequence of str, optional
        What to call them; by default their file names, or A, B, C.
    termbase : Termbase, optional
        The project's terms.
    embedder, order, device
        As for `bitext.align`.
    fluency : bool
        As for `bitext.score`.

    Returns
    -------
    Comparison

    Raises
    ------
    BitextError
        If there are fewer than two translations, or one is given twice.
    LanguageError
        If a translation is in the language of the source.
    """
    if isinstance(targets, str | Document):
        raise BitextError("the translations are one text; expected a sequence of two or more.")
    document = pipeline.segment(source) if isinstance(source, str) else source
    documents = [pipeline.segment(t) if isinstance(t, str) else t for t in targets]
    require_several([d.path for d in documents])
    names = _names(documents, names)
    encoder = pipeline.remembering(embedder, device=device)
    reports = [
        pipeline.check(
            pipeline.align(document, target, embedder=encoder, order=order, device=device),
            termbase=termbase,
            embedder=encoder,
            device=device,
            fluency=fluency,
        )
        for target in documents
    ]
    return compare_reports(reports, names=names, termbase=termbase)


def compare_reports(
    reports: Sequence[Report], *, names: Sequence[str] | None = None, termbase: Termbase | None = None
) -> Comparison:
    """Compare translations that are checked already.

    Parameters
    ----------
    reports : sequence of Report
        On alignments of one source.
    names, termbase
        As for `compare`.

    Returns
    -------
    Comparison
        Its reports also have what the translations say about each other's terms.

    Raises
    ------
    BitextError
        If there are fewer than two, one is given twice, or they are about different sources.
    """
    require_several([report.alignment.target.path for report in reports])
    _common_source(reports)
    alignments = [report.alignment for report in reports]
    names = _names([a.target for a in alignments], names)
    passages = linked_passages(alignments)
    reports = with_consensus(reports, termbase=termbase, passages=passages)
    rows = tuple(joined_rows(reports))
    return Comparison(
        tuple(reports),
        names,
        rows,
        _pairings(reports, rows),
        () if passages is None else term_rows(reports, passages, termbase=termbase),
        signature=f"{' '.join(dict.fromkeys(r.signature for r in reports))}|boot:{N_RESAMPLES}",
    )


def require_several(paths: Sequence[str | None]) -> None:
    """Check that there are translations to compare, before anything is read or embedded.

    Parameters
    ----------
    paths : sequence of (str or None)
        Of the translations; ``None`` where one is no file.

    Raises
    ------
    BitextError
        If there are fewer than two, or one is given twice.
    """
    if len(paths) < 2:
        raise BitextError(f"compare needs at least two translations of the source, got {len(paths)}.")
    files = [Path(p).resolve() for p in paths if p and p != "-"]
    twice = next((p for p in files if files.count(p) > 1), None)
    if twice is not None:
        raise BitextError(f"{twice} is given twice; expected different translations.")


def joined_rows(reports: Sequence[Report]) -> list[JoinedRow]:
    """Align translations of one source to each other through it.

    Returns
    -------
    list of JoinedRow
        In source order; additions stand in rows of their own between the segments they stand between, and in
        the row around them where another translation has a bead across that place.
    """
    alignments = [report.alignment for report in reports]
    cuts = common_cuts(alignments)
    # rows by number: 2k for what stands at cut k, 2k + 1 for the segments from cut k to the next
    members: list[list[list[int]]] = [[[] for _ in alignments] for _ in range(2 * len(cuts))]
    for t, alignment in enumerate(alignments):
        at = 0
        for i, bead in enumerate(alignment):
            start = bead.source.start if bead.source else at
            k = int(np.searchsorted(cuts, start, side="right")) - 1
            members[2 * k + (bool(bead.source) or int(cuts[k]) != start)][t].append(i)
            at = bead.source.stop if bead.source else at
    limits = [*cuts.tolist(), int(cuts[-1])]
    rows = []
    for n, beads in enumerate(members):
        source = range(limits[n // 2], limits[n // 2 + n % 2])
        if len(source) or any(beads):
            fidelity = tuple(
                _mean_fidelity(report, of_target) for report, of_target in zip(reports, beads, strict=True)
            )
            rows.append(JoinedRow(source, tuple(map(tuple, beads)), fidelity))
    return rows


def _mean_fidelity(report: Report, beads: Sequence[int]) -> float | None:
    a = report.alignment
    known = [
        (f, content_size(a.source_text(a[i]))) for i in beads if (f := report.scores.beads[i]) is not None
    ]
    total = sum(size for _, size in known)
    if not known:
        return None
    return sum(f * size for f, size in known) / total if total else sum(f for f, _ in known) / len(known)


def _pairings(reports: Sequence[Report], rows: Sequence[JoinedRow]) -> tuple[Pairing, ...]:
    """Resample the rows of the source, the same ones for all translations."""
    source = reports[0].alignment.source
    kept = [row for row in rows if row.source]
    sizes = np.array([content_size(source.joined(row.source)) for row in kept], dtype=np.float64)
    values = np.array([[f or 0.0 for f in row.fidelity] for row in kept]).reshape(len(kept), len(reports))
    means = resampled_means(values, sizes)
    present = np.array([_translated(reports, row) for row in kept], dtype=bool)
    found = []
    for a, b in itertools.combinations(range(len(reports)), 2):
        difference = reports[a].scores.fidelity - reports[b].scores.fidelity
        first, second = (b, a) if difference < -_EQUAL else (a, b)
        ahead = means[:, first] - means[:, second]
        better = float((ahead > _EQUAL).mean() + 0.5 * (np.abs(ahead) <= _EQUAL).mean())
        both = sizes * present.reshape(values.shape)[:, [first, second]].all(axis=1)
        where_both = (values[:, first] - values[:, second]) @ both / both.sum() if both.any() else None
        found.append(
            Pairing(
                first,
                second,
                abs(difference),
                interval(ahead, sizes),
                better,
                None if where_both is None else float(where_both),
            )
        )
    return tuple(sorted(found, key=lambda p: -p.difference))


def _translated(reports: Sequence[Report], row: JoinedRow) -> list[bool]:
    """Tell which translations have anything in `row`."""
    return [
        any(report.alignment[i].target for i in beads)
        for report, beads in zip(reports, row.beads, strict=True)
    ]


# -------------------------------------------------------------------------------- who they are


def _names(documents: Sequence[Document], names: Sequence[str] | None) -> tuple[str, ...]:
    """Name translations by their files, with as many folders as tell them apart, else by letters."""
    if names is not None:
        if len(names) != len(documents) or len(set(names)) != len(names):
            raise BitextError(
                f"{len(names)} names ({', '.join(names):.60}) for {len(documents)} translations; "
                "expected a different one for each."
            )
        return tuple(names)
    paths = [PurePath(d.path) if d.path else None for d in documents]
    depth = 1
    while True:
        found = [str(PurePath(*p.parts[-depth:])) if p else _letter(t) for t, p in enumerate(paths)]
        if len(set(found)) == len(found) or depth > max(len(p.parts) for p in paths if p):
            return tuple(found)
        depth += 1


def _letter(t: int) -> str:
    letters = string.ascii_uppercase
    return letters[t] if t < len(letters) else f"T{t + 1}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 6)
