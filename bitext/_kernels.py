"""The vectorized hot path of alignment and mining: arrays in, arrays out, no model and no text.

A *window* is one or more consecutive segments taken as one unit.  Window arrays have shape
``(max_overlap, n_segments, dim)``: entry ``[k, i]`` is the unit vector of segments ``i … i + k``.  A window that
does not exist (it would run past the end) or was not embedded is a row of zeros, and no bead may use it.

The dynamic program walks over cells ``(i, j)``: `i` source and `j` target segments consumed.  From a cell it may
take a bead of `a` source and `b` target segments, or open a gap on one side and extend it.  Gap costs are affine,
so a block of any size can be left out at a price that hardly depends on its size.  The cells of a band are
numbered row by row, and everything about them is one flat array; the only Python loop is over source segments, a
dozen array operations each.

Matrix products run where their arrays are: NumPy on the CPU, torch on any other device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
Ints = NDArray[np.int64]
NEVER = np.float32(-1e9)
"""Score of a bead that must not be used."""

_ROWS_PER_BLOCK = 32
_CELLS_PER_BLOCK = 1 << 14
_TILE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Which target positions the dynamic program visits in each row.

    Attributes
    ----------
    low, high : ndarray of shape (n_source + 1,)
        Row `i` covers target positions ``low[i] … high[i]`` inclusive; both are non-decreasing, row 0 contains 0
        and the last row contains ``n_target``.
    offsets : ndarray of shape (n_source + 2,)
        Number of the first cell of each row, and at the end how many there are.
    """

    low: Ints
    high: Ints
    offsets: Ints = field(init=False)

    @classmethod
    def full(cls, n_source: int, n_target: int) -> Band:
        """Visit every cell."""
        rows = n_source + 1
        return cls(np.zeros(rows, dtype=np.int64), np.full(rows, n_target, dtype=np.int64))

    def __post_init__(self) -> None:
        offsets = np.concatenate([[0], np.cumsum(self.high - self.low + 1)])
        object.__setattr__(self, "offsets", offsets.astype(np.int64))

    @property
    def n_cells(self) -> int:
        """How many cells the dynamic program will visit."""
        return int(self.offsets[-1])

    def blocks(self, n_cells: int, *, most_rows: int | None = None) -> Iterator[tuple[int, int]]:
        """Cut the rows into runs ``start, stop`` of at most about `n_cells` cells."""
        start, n_rows = 0, len(self.low)
        while start < n_rows:
            stop = int(np.searchsorted(self.offsets, self.offsets[start] + n_cells, side="right")) - 1
            stop = min(max(stop, start + 1), n_rows, start + (most_rows or n_rows))
            yield start, stop
            start = stop

    def cells(self, rows: Ints, columns: Ints) -> Ints:
        """Numbers of cells; `n_cells` for those outside."""
        row = np.clip(rows, 0, len(self.low) - 1)
        inside = (row == rows) & (columns >= self.low[row]) & (columns <= self.high[row])
        return np.where(inside, self.offsets[row] + columns - self.low[row], self.n_cells)

    def positions(self, start: int, stop: int) -> tuple[Ints, Ints]:
        """Row and column of each cell of the rows ``start … stop - 1``."""
        widths = self.high[start:stop] - self.low[start:stop] + 1
        rows = np.repeat(np.arange(start, stop), widths)
        ahead = np.repeat(np.cumsum(widths) - widths, widths)
        return rows, np.arange(len(rows)) - ahead + self.low[rows]


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


def on_device(array: Float, device: str) -> Any:
    """Return `array` itself for ``"cpu"``, a tensor on any other device."""
    if device == "cpu":
        return array
    import torch

    return torch.from_numpy(np.ascontiguousarray(array)).to(device)


def to_numpy(array: Any) -> NDArray[Any]:
    """Return an array or tensor as an array."""
    return array if isinstance(array, np.ndarray) else np.asarray(array.cpu().numpy())


def window_similarities(source: Any, target: Any) -> Float:
    """Cosines of all source windows with all target windows.

    Parameters
    ----------
    source : ndarray or tensor of shape (n_sizes, rows, dim)
    target : ndarray or tensor of shape (n_sizes, columns, dim)

    Returns
    -------
    ndarray of shape (n_sizes, rows, n_sizes, columns)
    """
    (n_sizes, rows, dim), (_, columns, _) = source.shape, target.shape
    product = to_numpy(source.reshape(-1, dim) @ target.reshape(-1, dim).T)
    return product.reshape(n_sizes, rows, -1, columns)


class Neighbors(NamedTuple):
    """Nearest rows of another array, best first.

    Attributes
    ----------
    indices : ndarray of int64 of shape (n, n_neighbors)
    cosines : ndarray of float32 of shape (n, n_neighbors)
    """

    indices: Ints
    cosines: Float


def nearest_neighbors(
    source: Float, target: Float, n_neighbors: int, *, device: str = "cpu", tile: int = _TILE
) -> tuple[Neighbors, Neighbors]:
    """Exact nearest rows of `target` for each row of `source`, and of `source` for each of `target`.

    The matrix of products is never whole in memory: each tile of it is computed once and serves both sides.

    Parameters
    ----------
    source, target : ndarray of shape (n, dim)
        Unit rows.
    n_neighbors : int
    device : str
        ``"cpu"`` multiplies with NumPy, any other with torch on that device.
    tile : int
        Rows and columns of a tile.

    Returns
    -------
    forth, back : Neighbors
        With fewer than `n_neighbors` where the other side has fewer rows.
    """
    forth = _no_neighbors(len(source), min(n_neighbors, len(target)))
    back = _no_neighbors(len(target), min(n_neighbors, len(source)))
    for left in range(0, len(source), tile):
        rows = on_device(source[left : left + tile], device)
        for right in range(0, len(target), tile):
            block = rows @ on_device(target[right : right + tile], device).T
            _keep_best(forth, left, right, block)
            _keep_best(back, right, left, block.T)
    return forth, back


def _no_neighbors(n: int, n_neighbors: int) -> Neighbors:
    shape = (n, n_neighbors)
    return Neighbors(np.full(shape, -1, dtype=np.int64), np.full(shape, -np.inf, dtype=np.float32))


def _keep_best(found: Neighbors, first: int, column: int, block: Any) -> None:
    """Let the products of one tile take their places among the nearest neighbors of its rows."""
    here = slice(first, first + len(block))
    n_neighbors = found.indices.shape[1]
    best, values = _largest(block, min(n_neighbors, block.shape[1]))
    cosines = np.concatenate([found.cosines[here], values], axis=1)
    indices = np.concatenate([found.indices[here], best + column], axis=1)
    rank = np.argsort(-cosines, axis=1, kind="stable")[:, :n_neighbors]
    found.cosines[here] = np.take_along_axis(cosines, rank, axis=1)
    found.indices[here] = np.take_along_axis(indices, rank, axis=1)


def _largest(block: Any, k: int, *, group: int = 32) -> tuple[Ints, Float]:
    """Columns and values of the `k` largest entries of each row, in no order.

    The k largest of a row lie in the k groups of columns with the largest maxima, so all but those are looked at
    only once.
    """
    if not isinstance(block, np.ndarray):
        values, best = block.topk(k, dim=1)
        return to_numpy(best), to_numpy(values)
    if k == 1:
        best = block.argmax(axis=1)[:, None]
        return best, np.take_along_axis(block, best, axis=1)
    n_groups = block.shape[1] // group
    if n_groups > 2 * k:
        block = np.ascontiguousarray(block)
        grouped = block[:, : n_groups * group].reshape(len(block), n_groups, group)
        groups = np.argpartition(-grouped.max(axis=2), k - 1, axis=1)[:, :k]
        columns = (groups[:, :, None] * group + np.arange(group)).reshape(len(block), -1)
        rest = np.arange(n_groups * group, block.shape[1])
        columns = np.concatenate([columns, np.broadcast_to(rest, (len(block), len(rest)))], axis=1)
        values = np.take_along_axis(block, columns, axis=1)
        best = np.argpartition(-values, k - 1, axis=1)[:, :k]
        return np.take_along_axis(columns, best, axis=1), np.take_along_axis(values, best, axis=1)
    best = np.argpartition(-block, k - 1, axis=1)[:, :k]
    return best, np.take_along_axis(block, best, axis=1)


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


@dataclass(frozen=True, slots=True, eq=False)
class BeadScores:
    """Scores of all beads inside a band.

    Attributes
    ----------
    shapes : tuple of (int, int)
        Allowed beads, source and target segments of each.
    band : Band
    gains : ndarray of float32 of shape (n_shapes, n_cells + 1)
        ``[s, c]`` is the score of the bead of shape `s` that starts in cell `c`, `NEVER` where there must be none;
        the last column stands for all cells outside the band.
    """

    shapes: tuple[tuple[int, int], ...]
    band: Band
    gains: Float

    @property
    def n_source(self) -> int:
        """Segments of the source."""
        return len(self.band.low) - 1

    @property
    def n_target(self) -> int:
        """Segments of the target."""
        return int(self.band.high[-1])

    def starts(self, start: int, stop: int) -> Ints:
        """Cells where the beads of each shape start that end in the cells of some rows."""
        return self._shifted(start, stop, -1)

    def ends(self, start: int, stop: int) -> Ints:
        """Cells where the beads of each shape end that start in the cells of some rows."""
        return self._shifted(start, stop, 1)

    def _shifted(self, start: int, stop: int, sign: int) -> Ints:
        rows, columns = self.band.positions(start, stop)
        return np.stack([self.band.cells(rows + sign * a, columns + sign * b) for a, b in self.shapes])


def score_beads(
    source: Float,
    target: Float,
    source_lengths: NDArray[np.float64],
    target_lengths: NDArray[np.float64],
    shapes: tuple[tuple[int, int], ...],
    band: Band,
    weights: Weights,
    *,
    device: str = "cpu",
) -> BeadScores:
    """Score all beads inside a band, a block of rows at a time.

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
    sizes = source.shape[0]
    left, right = on_device(source, device), on_device(target, device)
    known = [_known_windows(windows) for windows in (source, target)]
    lengths = [_log_lengths(of_side, sizes) for of_side in (source_lengths, target_lengths)]
    lengths[0] += np.log(weights.ratio)
    gains = np.full((len(shapes), band.n_cells + 1), NEVER, dtype=np.float32)
    offsets = band.offsets
    for start, stop in band.blocks(_CELLS_PER_BLOCK, most_rows=_ROWS_PER_BLOCK):
        i, j = slice(start, stop), slice(int(band.low[start]), int(band.high[stop - 1]) + 1)
        cosines = _padded_similarities(left, right, i, j)
        rows, columns = band.positions(start, stop)
        inside = (rows - i.start) * (j.stop - j.start) + columns - j.start
        for s, (a, b) in enumerate(shapes):
            off = (lengths[1][b - 1, None, j] - lengths[0][a - 1, i, None]) / weights.spread
            # 1 when the sides are as long as they should be, falling to 0 as a Cauchy density does: its long tails
            # forgive a free translation what a normal density would not
            score = (
                _margin(cosines, a, b, weights.margin) * np.float32((a + b) ** weights.size) / (1 + off * off)
            )
            score[~(known[0][a - 1, i, None] & known[1][b - 1, None, j])] = NEVER
            score.take(inside, out=gains[s, offsets[start] : offsets[stop]])
    return BeadScores(shapes, band, gains)


def _known_windows(windows: Float) -> NDArray[np.bool_]:
    """Which windows there are, and that none starts behind the last segment."""
    return np.pad(np.einsum("knd,knd->kn", windows, windows) > 0, ((0, 0), (0, 1)))


def _log_lengths(lengths: NDArray[np.float64], sizes: int) -> NDArray[np.float32]:
    """Logarithm of the length of each window, those that run past the end as far as it."""
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    n = len(lengths)
    starts = np.arange(n + 1)
    windows = [ends[np.minimum(starts + size, n)] - ends[starts] for size in range(1, sizes + 1)]
    return np.log(np.maximum(windows, 1.0)).astype(np.float32)


def _padded_similarities(left: Any, right: Any, i: slice, j: slice) -> Float:
    """Similarities of a block with one more segment before it and `sizes` behind it: what a bead is compared with.

    Zeros where that runs over an edge.
    """
    sizes = left.shape[0]
    wide = [slice(at.start - 1, at.stop + sizes) for at in (i, j)]
    there = [
        slice(max(at.start, 0), min(at.stop, side.shape[1]))
        for at, side in zip(wide, (left, right), strict=True)
    ]
    inner = [slice(t.start - w.start, t.stop - w.start) for t, w in zip(there, wide, strict=True)]
    cosines = np.zeros(
        (sizes, wide[0].stop - wide[0].start, sizes, wide[1].stop - wide[1].start), dtype=np.float32
    )
    cosines[:, inner[0], :, inner[1]] = window_similarities(left[:, there[0]], right[:, there[1]])
    return cosines


def _margin(cosines: Float, a: int, b: int, weight: float) -> Float:
    """Cosine of the two sides less part of the mean cosine of each side with the other's neighbors.

    A window that is one segment too short has a neighbor that fits as well, one that is too long fits less by
    itself: the margin tells both from the right one (Liu & Zhu 2022).
    """
    sizes = len(cosines)
    rows, columns = cosines.shape[1] - sizes - 1, cosines.shape[3] - sizes - 1
    here_i, here_j = slice(1, 1 + rows), slice(1, 1 + columns)
    baseline = (
        cosines[a - 1, here_i, 0, 0:columns]
        + cosines[a - 1, here_i, 0, 1 + b : 1 + b + columns]
        + cosines[0, 0:rows, b - 1, here_j]
        + cosines[0, 1 + a : 1 + a + rows, b - 1, here_j]
    )
    return cosines[a - 1, here_i, b - 1, here_j] - baseline * np.float32(weight / 4)


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Totals of all partial paths into each cell.

    Attributes
    ----------
    closed : ndarray of shape (n_cells + 1,)
        Over all ways to reach a cell; the last entry stands for all cells outside the band.
    beads, omissions : ndarray of shape (n_cells,)
        Its parts by the last step; what is left came by additions.
    """

    closed: Float
    beads: Float
    omissions: Float


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
    total = _maximum if best else _log_sum
    open_, extend = costs.gap_open / temperature, costs.gap_extend / temperature
    low, offsets = scores.band.low, scores.band.offsets.tolist()
    closed = np.full(offsets[-1] + 1, NEVER, dtype=np.float64)
    beads = np.full(offsets[-1], NEVER, dtype=np.float64)
    omissions = beads.copy()
    for start, stop in scores.band.blocks(_CELLS_PER_BLOCK):
        starts = scores.starts(start, stop)
        gains = np.take_along_axis(scores.gains, starts, axis=1) / np.float32(temperature)
        for i in range(start, stop):
            here = slice(offsets[i], offsets[i + 1])
            inside = slice(here.start - offsets[start], here.stop - offsets[start])
            total(closed.take(starts[:, inside]) + gains[:, inside], out=beads[here])
            if i:
                before = slice(offsets[i - 1] + int(low[i] - low[i - 1]), here.start)
                gap = join(closed[before] + open_, omissions[before]) + extend
                omissions[here.start : here.start + len(gap)] = gap
            reached = join(beads[here], omissions[here])
            if not i:
                reached[0] = 0.0
            join(reached, _additions(reached, open_, extend, join), out=closed[here])
    return Lattice(closed, beads, omissions)


def _maximum(values: Float, *, out: Float) -> None:
    values.max(axis=0, out=out)


def _log_sum(values: Float, *, out: Float) -> None:
    """Log of the sum of exponentials over the first axis; overwrites `values`."""
    top = values.max(axis=0)
    values -= top
    np.exp(values, out=values)
    np.log(values.sum(axis=0), out=out)
    out += top


def _additions(reached: Float, open_: float, extend: float, join: np.ufunc) -> Float:
    """Best or total score of arriving by a run of additions, for a whole row at once."""
    steps = np.arange(len(reached)) * extend
    run = join.accumulate(reached - steps)
    result = np.full(len(reached), NEVER, dtype=np.float64)
    result[1:] = run[:-1] + steps[1:] + open_
    return result


def backward(scores: BeadScores, costs: Costs, *, temperature: float = 1.0) -> Float:
    """Log-sum-exp of all ways from each cell to the end.

    Returns
    -------
    ndarray of shape (n_cells + 1,)
        From each cell outside a gap; the last entry stands for all cells outside the band.
    """
    open_, extend = costs.gap_open / temperature, costs.gap_extend / temperature
    low, offsets = scores.band.low, scores.band.offsets.tolist()
    closed = np.full(offsets[-1] + 1, NEVER, dtype=np.float64)
    omitting = np.full(offsets[-1], NEVER, dtype=np.float64)
    ahead = np.empty(int(np.diff(offsets).max()))
    for start, stop in reversed(list(scores.band.blocks(_CELLS_PER_BLOCK))):
        ends = scores.ends(start, stop)
        gains = scores.gains[:, offsets[start] : offsets[stop]] / np.float32(temperature)
        for i in range(stop - 1, start - 1, -1):
            here = slice(offsets[i], offsets[i + 1])
            inside = slice(here.start - offsets[start], here.stop - offsets[start])
            leaving = ahead[: here.stop - here.start]
            _log_sum(closed.take(ends[:, inside]) + gains[:, inside], out=leaving)
            if i == scores.n_source:
                leaving[-1] = 0.0
            else:
                behind = slice(here.start + int(low[i + 1] - low[i]), here.stop)
                size = max(0, behind.stop - behind.start)
                omitting[behind] = omitting[here.stop : here.stop + size] + extend
            np.logaddexp(leaving, omitting[here] + open_, out=leaving)
            run = _additions(leaving[::-1], open_, extend, np.logaddexp)[::-1]
            np.logaddexp(leaving, run, out=closed[here])
            np.logaddexp(closed[here], omitting[here], out=omitting[here])
    return closed


@dataclass(frozen=True, slots=True, eq=False)
class Posteriors:
    """Probabilities of beads among all paths.

    Attributes
    ----------
    scores : BeadScores
    temperature : float
    reach, leave : ndarray of shape (n_cells + 1,)
        Totals of all ways into and out of each cell.
    """

    scores: BeadScores
    temperature: float
    reach: Float
    leave: Float

    @classmethod
    def of(cls, scores: BeadScores, costs: Costs, *, temperature: float) -> Posteriors:
        """Sum over all paths, forward and backward."""
        reach = forward(scores, costs, best=False, temperature=temperature).closed
        return cls(scores, temperature, reach, backward(scores, costs, temperature=temperature))

    def path(self, path: Sequence[tuple[range, range]]) -> list[float | None]:
        """Probability of each bead of a path; None for nulls."""
        band, numbers = self.scores.band, {shape: s for s, shape in enumerate(self.scores.shapes)}
        beads = [(s, t) for s, t in path if s and t]
        shapes = np.array([numbers[len(s), len(t)] for s, t in beads], dtype=np.int64)
        i, j, end_i, end_j = (
            np.array([(s.start, t.start, s.stop, t.stop) for s, t in beads], dtype=np.int64).reshape(-1, 4).T
        )
        starts, ends = band.cells(i, j), band.cells(end_i, end_j)
        log = self.reach[starts] + self.scores.gains[shapes, starts] / np.float32(self.temperature)
        found = iter(np.exp(np.minimum(log + self.leave[ends] - self.leave[0], 0.0)).tolist())
        return [next(found) if s and t else None for s, t in path]

    def likely(self, threshold: float) -> tuple[Ints, Ints, Ints]:
        """Find all beads of at least this probability.

        Returns
        -------
        rows, columns, shapes : ndarray
            Segments where they start, and their numbers in ``scores.shapes``.
        """
        found, offsets = [], self.scores.band.offsets
        for start, stop in self.scores.band.blocks(_CELLS_PER_BLOCK):
            cells = slice(offsets[start], offsets[stop])
            log = self.scores.gains[:, cells] / np.float32(self.temperature) + self.reach[cells]
            log += self.leave[self.scores.ends(start, stop)]
            shapes, at = np.nonzero(log - self.leave[0] >= np.log(threshold))
            rows, columns = self.scores.band.positions(start, stop)
            found.append((rows[at], columns[at], shapes))
        rows, columns, shapes = (np.concatenate(part) for part in zip(*found, strict=True))
        return rows, columns, shapes


def best_path(scores: BeadScores, costs: Costs) -> list[tuple[range, range]]:
    """Find the path of the best total.

    Returns
    -------
    list of (source, target)
        Beads in order; nulls one segment at a time.
    """
    lattice = forward(scores, costs, best=True)
    band, offsets = scores.band, scores.band.offsets
    shapes = np.array(scores.shapes, dtype=np.int64)
    path: list[tuple[range, range]] = []
    i, j = scores.n_source, scores.n_target
    while i or j:
        at = int(offsets[i] + j - band.low[i])
        value = lattice.closed[at]
        if value == lattice.beads[at]:
            starts = band.cells(i - shapes[:, 0], j - shapes[:, 1])
            best = int(np.argmax(lattice.closed[starts] + scores.gains[np.arange(len(shapes)), starts]))
            a, b = scores.shapes[best]
            path.append((range(i - a, i), range(j - b, j)))
            i, j = i - a, j - b
        elif value == lattice.omissions[at]:
            top = _gap_opened_above(lattice, band, offsets, costs, i, j)
            path += [(range(k - 1, k), range(j, j)) for k in range(i, top, -1)]
            i = top
        else:
            left = _gap_opened_left(lattice, band, offsets, costs, i, j)
            path += [(range(i, i), range(k - 1, k)) for k in range(j, left, -1)]
            j = left
    return path[::-1]


def _gap_opened_above(lattice: Lattice, band: Band, offsets: Ints, costs: Costs, i: int, j: int) -> int:
    """Row from which the best path came to (i, j) by omissions."""
    while True:
        i -= 1
        at = offsets[i] + j - band.low[i]
        if lattice.closed[at] + costs.gap_open >= lattice.omissions[at]:
            return i


def _gap_opened_left(lattice: Lattice, band: Band, offsets: Ints, costs: Costs, i: int, j: int) -> int:
    """Column from which the best path came to (i, j) by additions."""
    low = int(band.low[i])
    before = slice(offsets[i], offsets[i] + j - low)
    reached = np.maximum(lattice.beads[before], lattice.omissions[before])
    if i == 0:
        reached[0] = 0.0
    return int(np.argmax(reached - np.arange(len(reached)) * costs.gap_extend)) + low
