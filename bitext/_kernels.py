"""The vectorized hot path of alignment: arrays in, arrays out, no model and no text.

A *window* is one or more consecutive segments taken as one unit.  Window arrays have shape
``(max_overlap, n_segments, dim)``: entry ``[k, i]`` is the unit vector of segments ``i … i + k``.  A window that
does not exist (it would run past the end) or was not embedded is a row of zeros, and no bead may use it.

The dynamic program walks over cells ``(i, j)``: `i` source and `j` target segments consumed.  From a cell it may
take a bead of `a` source and `b` target segments, or open a gap on one side and extend it.  Gap costs are affine,
so a block of any size can be left out at a price that hardly depends on its size.  Rows are whole-array
operations; the only Python loop is over source segments.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
_NEVER = np.float32(-1e9)
_ROWS_PER_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Band:
    """Which target positions the dynamic program visits in each row.

    Attributes
    ----------
    low, high : ndarray of shape (n_source + 1,)
        Row `i` covers target positions ``low[i] … high[i]`` inclusive; both are non-decreasing, row 0 contains 0
        and the last row contains ``n_target``.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @classmethod
    def full(cls, n_source: int, n_target: int) -> Band:
        """Visit every cell."""
        rows = n_source + 1
        return cls(np.zeros(rows, dtype=np.int64), np.full(rows, n_target, dtype=np.int64))

    @property
    def n_cells(self) -> int:
        """How many cells the dynamic program will visit."""
        return int((self.high - self.low + 1).sum())


@dataclass(frozen=True, slots=True)
class Costs:
    """What the dynamic program pays and is paid.

    Attributes
    ----------
    shapes : tuple of (int, int)
        Allowed beads ``(a, b)``, both at least 1.
    gap_open, gap_extend : float
        Added when a gap starts, and for each segment in it; negative.
    """

    shapes: tuple[tuple[int, int], ...]
    gap_open: float
    gap_extend: float


@dataclass(frozen=True, slots=True)
class Weights:
    """How a bead is scored.

    Attributes
    ----------
    margin : float
        How much of the neighbors' mean cosine is subtracted.
    spread : float
        Log length ratio at which a bead counts half.
    size : float
        A bead of n segments counts n to this power, so that larger ones are not split for the number's sake.
    ratio : float
        Target length over source length where both say the same.
    """

    margin: float
    spread: float
    size: float
    ratio: float


def compose_windows(vectors: Float, lengths: NDArray[np.float64], max_overlap: int) -> Float:
    """Approximate window vectors from segment vectors: weighted sums, rescaled to unit length.

    Parameters
    ----------
    vectors : ndarray of shape (n_segments, dim)
        Unit rows.
    lengths : ndarray of shape (n_segments,)
        Segment lengths; a segment counts with the square root of its length.
    max_overlap : int
        Longest window.

    Returns
    -------
    ndarray of shape (max_overlap, n_segments, dim)
        Zeros where the window would run past the end.
    """
    n, dim = vectors.shape
    weighted = vectors * np.sqrt(np.maximum(lengths, 1.0)).astype(np.float32)[:, None]
    total = np.concatenate([np.zeros((1, dim)), np.cumsum(weighted, axis=0, dtype=np.float64)])
    windows = np.zeros((max_overlap, n, dim), dtype=np.float32)
    for k in range(min(max_overlap, n)):
        windows[k, : n - k] = total[k + 1 :] - total[: n - k]
    return unit_rows(windows)


def unit_rows(vectors: Float) -> Float:
    """Scale the last axis to unit length; rows of zeros stay zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), dtype=np.float32)


def window_similarities(source: Float, target: Float, *, device: str = "cpu") -> Float:
    """Cosines of all source windows with all target windows.

    Parameters
    ----------
    source : ndarray of shape (n_sizes, rows, dim)
    target : ndarray of shape (n_sizes, columns, dim)
    device : str
        ``"cpu"`` multiplies with NumPy, any other with torch on that device.

    Returns
    -------
    ndarray of shape (n_sizes, rows, n_sizes, columns)
    """
    n_sizes, rows, dim = source.shape
    columns = target.shape[1]
    left, right = source.reshape(-1, dim), target.reshape(-1, dim)
    if device == "cpu":
        product = left @ right.T
    else:
        import torch

        product = (torch.from_numpy(left).to(device) @ torch.from_numpy(right).to(device).T).cpu().numpy()
    return product.reshape(n_sizes, rows, target.shape[0], columns)


def nearest_neighbors(source: Float, target: Float, n_neighbors: int) -> tuple[NDArray[np.int64], Float]:
    """Exact nearest rows of `target` for each row of `source`, in blocks so that memory stays bounded.

    Returns
    -------
    indices : ndarray of shape (n_source, n_neighbors), best first
    cosines : ndarray of shape (n_source, n_neighbors)
    """
    n_neighbors = min(n_neighbors, len(target))
    indices = np.empty((len(source), n_neighbors), dtype=np.int64)
    cosines = np.empty((len(source), n_neighbors), dtype=np.float32)
    step = max(1, 1 << 24 >> max(1, len(target)).bit_length())
    for start in range(0, len(source), step):
        block = source[start : start + step] @ target.T
        best = np.argpartition(-block, n_neighbors - 1, axis=1)[:, :n_neighbors]
        values = np.take_along_axis(block, best, axis=1)
        rank = np.argsort(-values, axis=1, kind="stable")
        indices[start : start + step] = np.take_along_axis(best, rank, axis=1)
        cosines[start : start + step] = np.take_along_axis(values, rank, axis=1)
    return indices, cosines


def longest_chain(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.intp]:
    """Longest subsequence of points, given in row order, whose columns strictly increase.

    Patience sorting with bisection: O(n log n).

    Returns
    -------
    ndarray of indices into `rows`, ascending
    """
    from bisect import bisect_left

    tails: list[int] = []
    tail_at: list[int] = []
    previous = np.full(len(rows), -1, dtype=np.intp)
    for k, column in enumerate(columns.tolist()):
        place = bisect_left(tails, column)
        if place == len(tails):
            tails.append(column)
            tail_at.append(k)
        else:
            tails[place] = column
            tail_at[place] = k
        previous[k] = tail_at[place - 1] if place else -1
    chain = []
    k = tail_at[-1] if tail_at else -1
    while k >= 0:
        chain.append(k)
        k = int(previous[k])
    return np.array(chain[::-1], dtype=np.intp)


class Step(NamedTuple):
    """All beads of one shape that start in one row.

    Attributes
    ----------
    a, b : int
        Source and target segments of the bead.
    start : int
        Target segment where the first of them starts; the others follow one by one.
    here, there : slice
        Columns where they start, in their row, and where they end, `a` rows further.
    gain : ndarray
        Their scores.
    """

    a: int
    b: int
    start: int
    here: slice
    there: slice
    gain: Float


class BeadScores:
    """Scores of all beads inside a band, computed block by block and kept for repeated passes.

    Parameters
    ----------
    source, target : ndarray of shape (max_overlap, n, dim)
        Window vectors; rows of zeros are windows that must not be used.
    source_lengths, target_lengths : ndarray of shape (n,)
        Segment lengths in comparable units.
    shapes : tuple of (int, int)
        Allowed beads.
    band : Band
    weights : Weights
    device : str
        Where the similarities are multiplied.
    """

    def __init__(
        self,
        source: Float,
        target: Float,
        source_lengths: NDArray[np.float64],
        target_lengths: NDArray[np.float64],
        shapes: tuple[tuple[int, int], ...],
        band: Band,
        weights: Weights,
        *,
        device: str = "cpu",
    ) -> None:
        self.shapes = shapes
        self.band = band
        self._weights = weights
        self.n_source, self.n_target = source.shape[1], target.shape[1]
        self._source, self._target = source, target
        self._source_sums = np.concatenate([[0.0], np.cumsum(source_lengths)])
        self._target_sums = np.concatenate([[0.0], np.cumsum(target_lengths)])
        self._source_known = np.abs(source).sum(axis=2) > 0
        self._target_known = np.abs(target).sum(axis=2) > 0
        self._device = device
        self._blocks: dict[int, tuple[int, Float]] = {}

    def row(self, i: int) -> tuple[int, Float]:
        """Scores of beads that start at source segment `i`.

        Returns
        -------
        first : int
            Target segment of the first column.
        scores : ndarray of shape (n_shapes, n_columns)
            ``[s, c]`` is the score of a bead of shape `s` that starts at target segment ``first + c``.
        """
        block = i // _ROWS_PER_BLOCK
        if block not in self._blocks:
            self._blocks[block] = self._compute(block)
        first, scores = self._blocks[block]
        low, high = int(self.band.low[i]), int(self.band.high[i])
        return low, scores[:, i - block * _ROWS_PER_BLOCK, low - first : high - first]

    def steps(self, i: int, temperature: float = 1.0) -> Iterator[Step]:
        """Yield the beads that start in row `i` and end inside the band, shape by shape."""
        low, row = self.row(i)
        for s, (a, b) in enumerate(self.shapes):
            if i + a > self.n_source:
                continue
            first, last = int(self.band.low[i + a]), int(self.band.high[i + a])
            start, stop = max(low, first - b), min(low + row.shape[1], last - b + 1)
            if start < stop:
                here, there = slice(start - low, stop - low), slice(start + b - first, stop + b - first)
                yield Step(a, b, start, here, there, row[s, here] / temperature)

    def _compute(self, block: int) -> tuple[int, Float]:
        start = block * _ROWS_PER_BLOCK
        stop = min(start + _ROWS_PER_BLOCK, self.n_source)
        first, last = int(self.band.low[start]), int(self.band.high[stop - 1])
        sizes = self._source.shape[0]
        # one extra segment on the left and `sizes` on the right: the neighbors a bead is compared with
        source = _slice_padded(self._source, start - 1, stop + sizes)
        target = _slice_padded(self._target, first - 1, last + sizes)
        cosines = window_similarities(source, target, device=self._device)
        rows, columns = stop - start, last - first
        scores = np.empty((len(self.shapes), rows, columns), dtype=np.float32)
        for s, (a, b) in enumerate(self.shapes):
            margin = _margin(cosines, a, b, rows, columns, self._weights.margin)
            fit = self._length_fit(a, b, start, stop, first, last)
            scores[s] = margin * fit * (a + b) ** self._weights.size
            usable = (
                _slice_padded(self._source_known[a - 1][:, None], start, stop, axis=0)
                & _slice_padded(self._target_known[b - 1][:, None], first, last, axis=0).T
            )
            scores[s][~usable] = _NEVER
        return first, scores

    def _length_fit(
        self, a: int, b: int, start: int, stop: int, first: int, last: int
    ) -> NDArray[np.float64]:
        """1 when the sides are as long as they should be, falling to 0 as a Cauchy density does.

        Its long tails forgive a free translation what a normal density would not.
        """
        i, j = np.arange(start, stop), np.arange(first, last)
        left = self._source_sums[np.minimum(i + a, self.n_source)] - self._source_sums[i]
        right = self._target_sums[np.minimum(j + b, self.n_target)] - self._target_sums[j]
        off = (
            np.log(np.maximum(right, 1.0))[None, :]
            - np.log(np.maximum(left, 1.0) * self._weights.ratio)[:, None]
        )
        return np.asarray(1.0 / (1.0 + (off / self._weights.spread) ** 2))


def _slice_padded(array: NDArray, start: int, stop: int, axis: int = 1) -> NDArray:  # type: ignore[type-arg]
    """``array[start:stop]`` along `axis`, zeros where that runs over an edge."""
    n = array.shape[axis]
    inner = np.take(array, np.arange(max(start, 0), min(stop, n)), axis=axis)
    pad = [(0, 0)] * array.ndim
    pad[axis] = (max(0, -start), max(0, stop - max(n, start)))
    return np.pad(inner, pad)


def _margin(cosines: Float, a: int, b: int, rows: int, columns: int, weight: float) -> Float:
    """Cosine of the two sides less part of the mean cosine of each side with the other's neighbors.

    A window that is one segment too short has a neighbor that fits as well, one that is too long fits less by
    itself: the margin tells both from the right one (Liu & Zhu 2022).  `cosines` starts one segment before the
    block on both axes.
    """
    here_i, here_j = slice(1, 1 + rows), slice(1, 1 + columns)
    baseline = (
        cosines[a - 1, here_i, 0, 0:columns]
        + cosines[a - 1, here_i, 0, 1 + b : 1 + b + columns]
        + cosines[0, 0:rows, b - 1, here_j]
        + cosines[0, 1 + a : 1 + a + rows, b - 1, here_j]
    )
    return cosines[a - 1, here_i, b - 1, here_j] - baseline * (weight / 4)


@dataclass(frozen=True, slots=True)
class Lattice:
    """Totals of all partial paths: one array per row for each state.

    `closed` is the total over all ways to reach a cell; `beads`, `omissions` and `additions` are its parts by the
    last step.
    """

    closed: list[Float]
    beads: list[Float]
    omissions: list[Float]
    additions: list[Float]


def forward(scores: BeadScores, costs: Costs, *, best: bool, temperature: float = 1.0) -> Lattice:
    """Total score of reaching each cell from the start.

    Parameters
    ----------
    scores : BeadScores
    costs : Costs
    best : bool
        True: the best path (max).  False: all paths (log-sum-exp), for posteriors.
    temperature : float
        All scores are divided by it.

    Returns
    -------
    Lattice
    """
    join = np.maximum if best else np.logaddexp
    open_, extend = costs.gap_open / temperature, costs.gap_extend / temperature
    band, n = scores.band, scores.n_source
    widths = band.high - band.low + 1
    beads = [np.full(w, _NEVER, dtype=np.float64) for w in widths]
    omissions = [np.full(w, _NEVER, dtype=np.float64) for w in widths]
    additions: list[Float] = []
    closed: list[Float] = []
    for i in range(n + 1):
        low = int(band.low[i])
        reached = join(beads[i], omissions[i])
        if i == 0:
            reached[0 - low] = 0.0
        additions.append(_additions(reached, open_, extend, join))
        closed.append(join(reached, additions[i]))
        if i == n:
            break
        for step in scores.steps(i, temperature):
            goal = beads[i + step.a][step.there]
            join(goal, closed[i][step.here] + step.gain, out=goal)
        shift = int(band.low[i + 1]) - low
        gap = join(closed[i] + open_, omissions[i])[shift:] + extend
        omissions[i + 1][: len(gap)] = gap[: widths[i + 1]]
    return Lattice(closed, beads, omissions, additions)


def _additions(reached: Float, open_: float, extend: float, join: np.ufunc) -> Float:
    """Best or total score of arriving by a run of additions, for a whole row at once."""
    steps = np.arange(len(reached)) * extend
    run = join.accumulate(reached - steps)
    result = np.full(len(reached), _NEVER, dtype=np.float64)
    result[1:] = run[:-1] + steps[1:] + open_
    return result


def backward(scores: BeadScores, costs: Costs, *, temperature: float = 1.0) -> list[Float]:
    """Log-sum-exp of all ways from each cell to the end.

    Returns
    -------
    list of ndarray
        One array per row, from each cell outside a gap.
    """
    open_, extend = costs.gap_open / temperature, costs.gap_extend / temperature
    band, n = scores.band, scores.n_source
    closed: list[Float] = [np.empty(0)] * (n + 1)
    omitting: list[Float] = [np.empty(0)] * (n + 1)
    for i in range(n, -1, -1):
        low, width = int(band.low[i]), int(band.high[i] - band.low[i] + 1)
        ahead = np.full(width, _NEVER, dtype=np.float64)
        longer = np.full(width, _NEVER, dtype=np.float64)
        if i == n:
            ahead[scores.n_target - low] = 0.0
        else:
            for step in scores.steps(i, temperature):
                start = ahead[step.here]
                np.logaddexp(start, closed[i + step.a][step.there] + step.gain, out=start)
            shift = int(band.low[i + 1]) - low
            size = min(width - shift, len(omitting[i + 1]))
            if size > 0:
                longer[shift : shift + size] = omitting[i + 1][:size] + extend
        leaving = np.logaddexp(ahead, longer + open_)
        run = _additions(leaving[::-1], open_, extend, np.logaddexp)[::-1]
        closed[i] = np.logaddexp(leaving, run)
        omitting[i] = np.logaddexp(closed[i], longer)
    return closed


def best_path(scores: BeadScores, costs: Costs) -> Iterator[tuple[range, range]]:
    """Walk back along the best path.

    Yields
    ------
    source, target : range
        Beads from the last to the first; nulls one segment at a time.
    """
    lattice = forward(scores, costs, best=True)
    band = scores.band
    i, j = scores.n_source, scores.n_target
    while i or j:
        at = j - int(band.low[i])
        value = lattice.closed[i][at]
        if value == lattice.beads[i][at]:
            a, b = _bead_into(lattice, scores, i, j)
            yield range(i - a, i), range(j - b, j)
            i, j = i - a, j - b
        elif value == lattice.omissions[i][at]:
            i = yield from _walk_omissions(lattice, band, costs, i, j)
        else:
            j = yield from _walk_additions(lattice, band, costs, i, j)


def _bead_into(lattice: Lattice, scores: BeadScores, i: int, j: int) -> tuple[int, int]:
    """Shape of the bead by which the best path entered cell (i, j)."""
    band = scores.band
    best, shape = -np.inf, (0, 0)
    for s, (a, b) in enumerate(scores.shapes):
        if a > i or b > j:
            continue
        low, row = scores.row(i - a)
        column = j - b - low
        if 0 <= column < row.shape[1] and j - b <= band.high[i - a]:
            value = lattice.closed[i - a][column] + np.float64(row[s, column])
            if value > best:
                best, shape = value, (a, b)
    return shape


def _walk_omissions(
    lattice: Lattice, band: Band, costs: Costs, i: int, j: int
) -> Generator[tuple[range, range], None, int]:  # returns the row where the gap was opened
    while True:
        i -= 1
        yield range(i, i + 1), range(j, j)
        at = j - int(band.low[i])
        if lattice.closed[i][at] + costs.gap_open >= lattice.omissions[i][at]:
            return i


def _walk_additions(
    lattice: Lattice, band: Band, costs: Costs, i: int, j: int
) -> Generator[tuple[range, range], None, int]:  # returns the column where the gap was opened
    low = int(band.low[i])
    reached = np.maximum(lattice.beads[i], lattice.omissions[i])[: j - low]
    if i == 0:
        reached = reached.copy()
        reached[0] = 0.0
    begin = int(np.argmax(reached - np.arange(len(reached)) * costs.gap_extend)) + low
    for k in range(j, begin, -1):
        yield range(i, i), range(k - 1, k)
    return begin
