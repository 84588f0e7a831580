"""Vectors -> beads.  Arrays in, beads out; never sees a model or a text.

A bead is scored by the margin of its two sides, embedded whole, over their neighbors (the idea of Bertalign,
Liu & Zhu 2022), times how well the lengths agree.  An exact dynamic program finds the best monotone path.  Three
things differ from the field: gaps cost the same whatever their size (affine), so a preface or a dropped chapter is
left out rather than forced onto something; long documents are searched between anchors (mutual nearest
neighbors in one chain), without a diagonal window that an omission could push the truth out of; and the
forward-backward posterior of each bead is its confidence.

Where the sides come with evidence from their texts, the few beads that this leaves in play are scored again by
weights learned from people's alignments (`bitext._beadscore`), and the same program decides between them.

Windows of several segments are first *composed* from segment vectors; only those that then still matter
(`needed_windows`) have to be embedded for real.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitext import _beadscore as beadscore
from bitext import _kernels as kernels
from bitext._anchors import anchored_band
from bitext._beadscore import Candidates
from bitext._evidence import Evidence
from bitext._kernels import NEVER, Band, BeadScores, Costs, Float, Posteriors, Weights
from bitext.data import Bead, Order
from bitext.errors import AlignmentError

Lengths = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the aligner; the defaults were chosen on MAC-Dev (`docs/decisions.md`).

    Attributes
    ----------
    max_overlap : int
        Most segments on one side of a bead.
    max_size : int
        Most segments in a bead, both sides together.
    gap_open, gap_extend : float
        Price of starting an omission or addition, and of each segment in it.
    margin, spread, size : float
        See `bitext._kernels.Weights`.
    temperature : float
        Turns score differences into probabilities; calibrated.
    full_cells : int
        Up to this many cells the whole matrix is searched; beyond, the band between anchors.
    learned : bool
        Whether likely beads are scored again by learned weights, where the sides come with evidence.
    """

    max_overlap: int = 5
    max_size: int = 7
    gap_open: float = -0.15
    gap_extend: float = 0.0
    margin: float = 0.5
    spread: float = 0.8
    size: float = 0.1
    temperature: float = 0.045
    full_cells: int = 1_000_000
    learned: bool = True

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Beads the aligner may use."""
        sizes = range(1, self.max_overlap + 1)
        return tuple((a, b) for a in sizes for b in sizes if a + b <= self.max_size)

    @property
    def costs(self) -> Costs:
        """What the dynamic program needs of the settings."""
        return Costs(self.shapes, self.gap_open, self.gap_extend)


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One document as arrays.

    Attributes
    ----------
    windows : ndarray of shape (max_overlap, n_segments, dim)
        Unit vectors of windows; rows of zeros are not used.
    lengths : ndarray of shape (n_segments,)
        Lengths in units that are comparable between the languages.
    evidence : Evidence, optional
        What the texts of the segments tell.
    """

    windows: Float
    lengths: Lengths
    evidence: Evidence | None = None

    def __len__(self) -> int:
        return int(self.windows.shape[1])


def center(vectors: Float) -> Float:
    """Move segment vectors so that what all of a document's segments share no longer counts.

    Sentence encoders squeeze cosines into a narrow range (0.75-0.92 for e5).  The mean is trusted less the fewer
    segments there are, so that a document of one segment keeps its vector.
    """
    n = len(vectors)
    if not n:
        return vectors
    return kernels.unit_rows(vectors - vectors.mean(axis=0) * (n / (n + 8.0)))


def needed_windows(
    source: Float,
    target: Float,
    source_lengths: Lengths,
    target_lengths: Lengths,
    *,
    options: Options | None = None,
    threshold: float = 1e-3,
) -> tuple[list[range], list[range]]:
    """Which windows of two or more segments must be embedded before the final pass.

    Parameters
    ----------
    source, target : ndarray of shape (n_segments, dim)
        Unit vectors of single segments.
    source_lengths, target_lengths : ndarray of shape (n_segments,)
    threshold : float
        Beads with a lower posterior under composed windows are not considered further.

    Returns
    -------
    source_windows, target_windows : list of range
    """
    options = options or Options()
    if not len(source) or not len(target):
        return [], []
    left, right = (
        Side(kernels.compose_windows(center(v), lengths, options.max_overlap), lengths)
        for v, lengths in ((source, source_lengths), (target, target_lengths))
    )
    ratio = _length_ratio(source_lengths.sum(), target_lengths.sum())
    scores = _bead_scores(left, right, options, "cpu", ratio)
    # a wide temperature: composed windows are only roughly right
    beads = _likely_beads(scores, options, temperature=2 * options.temperature, threshold=threshold)
    starts = [
        {(s.start, s.stop) for s, _ in beads if len(s) > 1},
        {(t.start, t.stop) for _, t in beads if len(t) > 1},
    ]
    needed = [[range(*window) for window in sorted(side)] for side in starts]
    return needed[0], needed[1]


def assemble_windows(segments: Float, windows: Sequence[range], vectors: Float, *, max_overlap: int) -> Float:
    """Put segment vectors and the vectors of some longer windows into one window array.

    Parameters
    ----------
    segments : ndarray of shape (n_segments, dim)
    windows : sequence of range
        Which windows `vectors` are of.
    vectors : ndarray of shape (len(windows), dim)

    Returns
    -------
    ndarray of shape (max_overlap, n_segments, dim)
        Centered like `center`; zeros where nothing was embedded.
    """
    n, dim = segments.shape
    array = np.zeros((max_overlap, n, dim), dtype=np.float32)
    if not n:
        return array
    shift = segments.mean(axis=0) * (n / (n + 8.0))
    array[0] = kernels.unit_rows(segments - shift)
    if len(windows):
        sizes = np.array([len(w) - 1 for w in windows])
        starts = np.array([w.start for w in windows])
        array[sizes, starts] = kernels.unit_rows(vectors - shift)
    return array


def align_windows(
    source: Side,
    target: Side,
    *,
    order: Order = "monotone",
    options: Options | None = None,
    device: str = "cpu",
) -> list[Bead]:
    """Find the beads.

    Parameters
    ----------
    source, target : Side
    order : {"monotone", "free"}
        "free" also finds passages that moved.
    options : Options, optional
    device : str
        Where similarities are multiplied.

    Returns
    -------
    list of Bead
        Every segment of both sides in exactly one bead, in source order; additions where they stand in the target.

    Raises
    ------
    AlignmentError
        If the sides do not fit each other.
    """
    options = options or Options()
    if source.windows.shape[0] != target.windows.shape[0] or (
        len(source) and len(target) and source.windows.shape[2] != target.windows.shape[2]
    ):
        raise AlignmentError(
            f"source windows have shape {source.windows.shape}, target windows {target.windows.shape}; "
            "expected the same max_overlap and dim on both sides. Embed both with one encoder."
        )
    beads = _monotone_beads(source, target, options, device)
    if order == "free":
        beads = _add_moved_beads(beads, source, target, options, device)
    return _in_source_order(beads)


def restore_blanks(
    beads: Sequence[Bead], source: NDArray[np.int64], target: NDArray[np.int64], n_source: int, n_target: int
) -> list[Bead]:
    """Renumber beads of documents whose blank segments were left out, and add the blanks as nulls.

    Parameters
    ----------
    beads : sequence of Bead
        Over the segments that are not blank.
    source, target : ndarray
        Original number of each of those segments.
    n_source, n_target : int
        How many segments there are with the blanks.
    """
    kept = [
        Bead(_original(source, b.source), _original(target, b.target), b.score, b.similarity)
        for b in beads
        if not b.is_null
    ]
    return _in_source_order(_with_nulls(kept, n_source, n_target))


def drop_unsupported(beads: Sequence[Bead]) -> list[Bead]:
    """Take apart beads whose sides do not resemble each other, as the program had to put something somewhere.

    A bead goes if it is far out among the similarities of its own document.  Where many beads are doubtful (the
    aligner gives them less than even odds, and their sides have little in common) the text is no translation
    throughout, and they go too; where they are few they are the hard places of a free translation.

    Parameters
    ----------
    beads : sequence of Bead
        With `similarity`.

    Returns
    -------
    list of Bead
        What was dropped is now nulls, in place.
    """
    if not beads:
        return []
    aligned = [b for b in beads if not b.is_null]
    similarities = np.array([b.similarity or 0.0 for b in aligned])
    outlier = -1.0
    if len(aligned) >= 8:
        middle = float(np.median(similarities))
        spread = 1.4826 * float(np.median(np.abs(similarities - middle)))
        outlier = min(_UNRELATED, middle - 5 * spread)
    doubtful = np.array([(b.score or 0.0) < 0.5 for b in aligned], dtype=bool) & (similarities < _DOUBTFUL)
    dropped = similarities < outlier
    if doubtful.sum() > _DOUBTFUL_SHARE * len(aligned):
        dropped |= doubtful
    kept = [b for b, drop in zip(aligned, dropped.tolist(), strict=True) if not drop]
    n_source, n_target = (
        max(r.stop for r in side) for side in zip(*((b.source, b.target) for b in beads), strict=True)
    )
    return _in_source_order(_with_nulls(kept, n_source, n_target))


# on the scale of `Bead.similarity`: 89 % of the pairs of unrelated segments of MAC-Dev lie below the first, 95 % of
# its 1-1 beads above the second
_UNRELATED, _DOUBTFUL = 0.25, 0.3
_DOUBTFUL_SHARE = 0.15


def is_reliable(bead: Bead) -> bool:
    """Whether the aligner gives `bead` at least even odds and its sides have something in common."""
    return (bead.score or 0.0) >= 0.5 and (bead.similarity or 0.0) >= _DOUBTFUL


def find_moved(
    beads: Sequence[Bead], source: Side, target: Side, *, options: Options | None = None, device: str = "cpu"
) -> list[Bead]:
    """Align what `beads` leave out, in any order.

    Parameters
    ----------
    beads : sequence of Bead
        A monotone alignment of the two sides; its sure beads are kept.
    source, target : Side

    Returns
    -------
    list of Bead
        As `align_windows` gives with ``order="free"``.
    """
    return _in_source_order(_add_moved_beads(list(beads), source, target, options or Options(), device))


def missing_windows(side: Side, segments: Sequence[int]) -> list[range]:
    """Windows that hold one of `segments` and have not been embedded.

    Returns
    -------
    list of range
        Each of two segments or more.
    """
    found: dict[range, None] = {}
    for k in range(1, len(side.windows)):
        starts = [i for s in segments for i in range(max(0, s - k), min(s, len(side) - 1 - k) + 1)]
        found |= dict.fromkeys(range(i, i + k + 1) for i in starts if not side.windows[k, i].any())
    return list(found)


def fill_windows(side: Side, windows: Sequence[range], vectors: NDArray[np.float32]) -> Side:
    """Return `side` with the vectors of some more windows.

    Parameters
    ----------
    windows : sequence of range
    vectors : ndarray of float32 of shape (len(windows), dim)
    """
    filled = side.windows.copy()
    for window, vector in zip(windows, vectors, strict=True):
        filled[len(window) - 1, window.start] = vector
    return Side(filled, side.lengths, side.evidence)


def _monotone_beads(source: Side, target: Side, options: Options, device: str) -> list[Bead]:
    if not len(source) or not len(target):
        return [Bead(range(i, i + 1), range(0)) for i in range(len(source))] + [
            Bead(range(0), range(j, j + 1)) for j in range(len(target))
        ]
    beads, scores, ratio = _plain_beads(source, target, options, device)
    if not options.learned or not source.evidence or not target.evidence:
        return beads
    if source.evidence.is_chinese == target.evidence.is_chinese or all(b.is_null for b in beads):
        return beads
    return _learned_beads(source, target, beads, scores, ratio, options)


def _plain_beads(
    source: Side, target: Side, options: Options, device: str
) -> tuple[list[Bead], BeadScores, float]:
    """Align once, measure the length ratio on what fits, and align again where that tells something new."""
    ratio = _length_ratio(source.lengths.sum(), target.lengths.sum())
    scores = _bead_scores(source, target, options, device, ratio)
    beads = _best_beads(scores, options.costs, options.temperature)
    sure = [b for b in beads if b.score is not None and b.score >= 0.5]
    measured = _length_ratio(
        sum(source.lengths[b.source.start : b.source.stop].sum() for b in sure),
        sum(target.lengths[b.target.start : b.target.stop].sum() for b in sure),
    )
    if abs(np.log(measured / ratio)) < 0.05:
        return beads, scores, ratio
    scores = _bead_scores(source, target, options, device, measured)
    return _best_beads(scores, options.costs, options.temperature), scores, measured


def _learned_beads(
    source: Side, target: Side, beads: Sequence[Bead], scores: BeadScores, ratio: float, options: Options
) -> list[Bead]:
    """Choose again between the beads that are likely enough, by learned scores."""
    assert source.evidence is not None
    assert target.evidence is not None
    candidates = likely_candidates(scores, options)
    gains = beadscore.scores(
        (source, source.evidence),
        (target, target.evidence),
        candidates,
        ratio,
        [(b.source, b.target) for b in beads if not b.is_null],
    )
    return expected_beads(candidates, gains, beadscore.shipped_weights().gap_open, scores.band, options)


_PLAUSIBLE = 1e-4
"""Beads of a lower posterior, at twice the temperature, are not scored again."""


def likely_candidates(scores: BeadScores, options: Options) -> Candidates:
    """All beads that the plain program leaves in play."""
    posteriors = Posteriors.of(scores, options.costs, temperature=2 * options.temperature)
    i, j, shapes = posteriors.likely(_PLAUSIBLE)
    order = np.lexsort((shapes, j, i))
    i, j, shapes = i[order], j[order], shapes[order]
    a, b = np.array(scores.shapes)[shapes].T
    gains = scores.gains[shapes, scores.band.cells(scores.band.starting(i), j)]
    return Candidates(i, j, a, b, gains / options.temperature, posteriors.of_beads(i, j, shapes))


def sparse_scores(candidates: Candidates, gains: Float, band: Band, options: Options) -> BeadScores:
    """Scores of some beads only, in the narrowest band that holds them, with the cuts of `band`."""
    n, m = band.n_source, band.n_target
    low, high = np.full(n + 1, m), np.zeros(n + 1, dtype=np.int64)
    for rows, columns in (
        (candidates.i, candidates.j),
        (candidates.i + candidates.a, candidates.j + candidates.b),
        (np.array([0, n]), np.array([0, m])),
    ):
        np.minimum.at(low, rows, columns)
        np.maximum.at(high, rows, columns)
    low, high = np.minimum.accumulate(low[::-1])[::-1], np.maximum.accumulate(high)
    high[:-1] = np.maximum(high[:-1], low[1:])  # one row leads into the next
    cuts = np.stack([band.rows[band.first], band.low[band.first]], axis=1)[1:]
    narrow = Band.around(low, high, cuts)
    table = np.full((len(options.shapes), narrow.n_cells + 1), NEVER, dtype=np.float32)
    cells = narrow.cells(narrow.starting(candidates.i), candidates.j)
    table[_shape_numbers(candidates, options), cells] = gains
    return BeadScores(options.shapes, narrow, table)


def _shape_numbers(candidates: Candidates, options: Options) -> NDArray[np.int64]:
    numbers = np.zeros((options.max_overlap + 1, options.max_overlap + 1), dtype=np.int64)
    for number, shape in enumerate(options.shapes):
        numbers[shape] = number
    return numbers[candidates.a, candidates.b]


_WORTH = 0.46
"""Half of the F1 that literary texts let expect; a bead or null that is less likely right costs more than it brings."""


def expected_beads(
    candidates: Candidates, gains: Float, gap_open: float, band: Band, options: Options
) -> list[Bead]:
    """Choose the path with the most right beads to expect, nulls among them, instead of the likeliest path.

    Parameters
    ----------
    candidates : Candidates
    gains : ndarray of shape (len(candidates),)
        Their scores, in nats.
    gap_open : float
    band : Band
        Its cuts are kept.
    """
    scores = sparse_scores(candidates, gains, band, options)
    posteriors = Posteriors.of(scores, Costs(options.shapes, gap_open, 0.0), temperature=1.0)
    probability = posteriors.of_beads(candidates.i, candidates.j, _shape_numbers(candidates, options))
    worth = probability - _WORTH
    for start, size, n in (
        (candidates.i, candidates.a, band.n_source),
        (candidates.j, candidates.b, band.n_target),
    ):
        nulls = np.append(0.0, np.cumsum(beadscore.lone(start, size, n, probability) - _WORTH))
        worth -= nulls[start + size] - nulls[start]  # what its segments would bring outside
    path = kernels.best_path(sparse_scores(candidates, worth, band, options), Costs(options.shapes, 0.0, 0.0))
    return [Bead(s, t, score=p) for (s, t), p in zip(path, posteriors.path(path), strict=True)]


def _length_ratio(source: float, target: float, *, trust: float = 500.0) -> float:
    """Target over source length, held near 1 while there is little text to tell it from."""
    return float(np.clip((target + trust) / (source + trust), 0.5, 2.0))


def _best_beads(scores: BeadScores, costs: Costs, temperature: float) -> list[Bead]:
    path = kernels.best_path(scores, costs)
    posteriors = Posteriors.of(scores, costs, temperature=temperature).path(path)
    return [Bead(s, t, score=p) for (s, t), p in zip(path, posteriors, strict=True)]


def _bead_scores(source: Side, target: Side, options: Options, device: str, ratio: float) -> BeadScores:
    if (len(source) + 1) * (len(target) + 1) <= options.full_cells:
        band = Band.full(len(source), len(target))
    else:
        band = anchored_band(
            source.windows[0],
            target.windows[0],
            source.lengths,
            most_cells=options.full_cells,
            device=device,
        )
    weights = Weights(options.margin, options.spread, options.size, ratio)
    return kernels.score_beads(
        source.windows,
        target.windows,
        source.lengths,
        target.lengths,
        options.shapes,
        band,
        weights,
        device=device,
    )


def _likely_beads(
    scores: BeadScores, options: Options, *, temperature: float, threshold: float
) -> list[tuple[range, range]]:
    """All beads whose posterior is at least `threshold`."""
    posteriors = Posteriors.of(scores, options.costs, temperature=temperature)
    rows, columns, shapes = posteriors.likely(threshold)
    sizes = np.array(scores.shapes)[shapes]
    return [
        (range(i, i + a), range(j, j + b))
        for i, j, (a, b) in zip(rows.tolist(), columns.tolist(), sizes.tolist(), strict=True)
    ]


def _add_moved_beads(
    beads: list[Bead], source: Side, target: Side, options: Options, device: str
) -> list[Bead]:
    """Align what is null on both sides again and again, until nothing more fits.

    Each round finds one more monotone chain among the leftovers, so a text in any order is taken apart into
    chains.  Only beads are kept that the round is sure of and whose sides have more in common than the document
    has with itself: out of order, a wrong bead takes the place of a right one.
    """

    def sure(beads: Sequence[Bead]) -> list[Bead]:
        likely = [b for b in beads if not b.is_null and (b.score or 0.0) >= 0.5]
        cosines = [_cosine(b, source, target) for b in likely]
        alike = [(b, own) for b, own in zip(likely, cosines, strict=True) if own >= 0.3]
        doubtful = [(b, own) for b, own in alike if (b.score or 0.0) < _SURE and own < _ALIKE]
        misplaced = _fitting_elsewhere(doubtful, source, target)
        return [b for b, _ in alike if b.source.start not in misplaced]

    kept = sure(beads)
    while True:
        rows = _uncovered([b.source for b in kept], len(source))
        columns = _uncovered([b.target for b in kept], len(target))
        if not len(rows) or not len(columns):
            break
        found = _monotone_beads(_part(source, rows), _part(target, columns), options, device)
        placed = [
            Bead(_original(rows, b.source), _original(columns, b.target), score=b.score)
            for b in found
            if not b.is_null
        ]
        moved = sure(placed)
        if not moved:
            break
        kept += moved
    return _with_nulls(kept, len(source), len(target))


def _fitting_elsewhere(beads: Sequence[tuple[Bead, float]], source: Side, target: Side) -> set[int]:
    """Find beads, given with their cosines, whose target has far more in common with another place of the source.

    A monotone alignment fills the gap that a moved passage leaves with whatever stands there.

    Returns
    -------
    set of int
        Where their sources start.
    """
    found = set()
    for start in range(0, len(beads), _BEADS_AT_ONCE):
        some = beads[start : start + _BEADS_AT_ONCE]
        passages = np.stack([target.windows[len(b.target) - 1, b.target.start] for b, _ in some], axis=1)
        cosines = source.windows @ passages
        for column, (bead, own) in enumerate(some):
            for k in range(len(cosines)):  # windows that share a segment with the bead do not count
                cosines[k, max(0, bead.source.start - k) : bead.source.stop, column] = -1.0
            if cosines[:, :, column].max() > own + _FAR_MORE:
                found.add(bead.source.start)
    return found


_BEADS_AT_ONCE = 64  # so that their cosines with all windows of a book fit into a few tens of megabytes
# below the first two a bead out of order is doubtful; the third is how much more another place must have in common
_SURE, _ALIKE, _FAR_MORE = 0.9, 0.5, 0.15


def _cosine(bead: Bead, source: Side, target: Side) -> float:
    left = source.windows[len(bead.source) - 1, bead.source.start]
    return float(left @ target.windows[len(bead.target) - 1, bead.target.start])


def _with_nulls(beads: Sequence[Bead], n_source: int, n_target: int) -> list[Bead]:
    """Add an omission or addition for each segment that is in no bead."""
    omissions = _uncovered([b.source for b in beads], n_source).tolist()
    additions = _uncovered([b.target for b in beads], n_target).tolist()
    nulls = [Bead(range(i, i + 1), range(0)) for i in omissions] + [
        Bead(range(0), range(j, j + 1)) for j in additions
    ]
    return [*beads, *nulls]


def _uncovered(ranges: Sequence[range], n: int) -> NDArray[np.int64]:
    free = np.ones(n, dtype=bool)
    for r in ranges:
        free[r.start : r.stop] = False
    return np.flatnonzero(free)


def _part(side: Side, rows: NDArray[np.int64]) -> Side:
    """Only some segments of a side; windows over segments that were not consecutive are dropped."""
    windows = side.windows[:, rows].copy()
    for k in range(1, len(windows)):
        intact = np.zeros(len(rows), dtype=bool)
        if k < len(rows):
            intact[:-k] = rows[k:] - rows[:-k] == k
        windows[k, ~intact] = 0.0
    return Side(windows, side.lengths[rows], side.evidence.part(rows) if side.evidence else None)


def _original(rows: NDArray[np.int64], part: range) -> range:
    return range(int(rows[part.start]), int(rows[part.stop - 1]) + 1)


def _in_source_order(beads: Sequence[Bead]) -> list[Bead]:
    """Sort by source; put additions behind the bead their target follows, omissions opposite where they stand."""
    with_source = sorted((b for b in beads if b.source), key=lambda b: b.source.start)
    additions = sorted((b for b in beads if b.is_addition), key=lambda b: b.target.start)
    aligned_end = {b.target.stop: b.source.stop for b in with_source if b.target}
    placed: dict[int, list[Bead]] = {}
    for bead in additions:
        at = aligned_end.get(bead.target.start, 0)
        aligned_end[bead.target.stop] = at
        placed.setdefault(at, []).append(Bead(range(at, at), bead.target))
    ordered: list[Bead] = list(placed.get(0, []))
    target_at = ordered[-1].target.stop if ordered else 0
    for bead in with_source:
        ordered.append(bead if bead.target else Bead(bead.source, range(target_at, target_at)))
        ordered += placed.get(bead.source.stop, [])
        target_at = next((b.target.stop for b in reversed(ordered) if b.target), 0)
    return ordered
