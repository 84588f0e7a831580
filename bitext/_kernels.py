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

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating]
Ints = NDArray[np.int64]
NEVER = np.float32(-1e9)
"""Score of a bead that must not be used."""

_ROWS_PER_BLOCK = 32
_CELLS_PER_BLOCK = 1 << 15
_TILE = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Which cells the dynamic program visits.

    The path may be made to pass certain cells; they cut the band into parts that have nothing to do with each
    other, and the program walks through all parts side by side.  The cell at a cut is there twice, as the end of
    a part and as the start of the next.

    Attributes
    ----------
    rows : ndarray of shape (n_source + n_parts,)
        How many source segments are consumed in each row of the band; the row of a cut is there twice.
    low, high : ndarray of shape (n_source + n_parts,)
        Each row covers the target positions from low to high inclusive; both are non-decreasing.  A part begins in
        the first cell of its first row and ends in the last of its last.
    first : ndarray of shape (n_parts,)
        The first row of each part.
    part : ndarray of shape (n_source + n_parts,)
        The part that each row belongs to.
    offsets : ndarray of shape (n_source + n_parts,)
        Number of the first cell of each row.  Cells are numbered first rows first, then the second rows of all
        parts, and so on.
    order, levels, bounds : ndarray
        The rows in the order of their cells, where in it the first, second … rows of all parts start, and the number
        of their first cells; both with an end.
    """

    rows: Ints
    low: Ints
    high: Ints
    first: Ints
    part: Ints = field(init=False)
    offsets: Ints = field(init=False)
    order: Ints = field(init=False)
    levels: Ints = field(init=False)
    bounds: Ints = field(init=False)

    @classmethod
    def full(cls, n_source: int, n_target: int) -> Band:
        """Visit every cell."""
        return cls.around(
            np.zeros(n_source + 1, dtype=np.int64), np.full(n_source + 1, n_target, dtype=np.int64)
        )

    @classmethod
    def around(cls, low: Ints, high: Ints, cuts: Ints | None = None) -> Band:
        """Visit target positions ``low[i] … high[i]`` in row `i`, and pass the cells `cuts`.

        Parameters
        ----------
        low, high : ndarray of shape (n_source + 1,)
        cuts : ndarray of shape (n_cuts, 2), optional
            Source and target position of each, both increasing, inside the band.
        """
        cuts = np.empty((0, 2), dtype=np.int64) if cuts is None else cuts
        n = len(low) - 1
        rows = np.sort(np.concatenate([np.arange(n + 1), cuts[:, 0]]))
        first = np.concatenate([[0], cuts[:, 0] + 1 + np.arange(len(cuts))])
        part = np.searchsorted(first, np.arange(len(rows)), side="right") - 1
        begin = np.concatenate([[0], cuts[:, 1]])[part]
        end = np.concatenate([cuts[:, 1], [high[-1]]])[part]
        return cls(rows, np.maximum(low[rows], begin), np.minimum(high[rows], end), first)

    def __post_init__(self) -> None:
        numbers = np.arange(len(self.rows))
        part = np.searchsorted(self.first, numbers, side="right") - 1
        level = numbers - self.first[part]
        order = np.lexsort((part, level))
        widths = (self.high - self.low + 1)[order]
        ends = np.concatenate([[0], np.cumsum(widths)])
        offsets = np.empty_like(order)
        offsets[order] = ends[:-1]
        levels = np.searchsorted(level[order], np.arange(level.max() + 2))
        for name, value in {
            "part": part,
            "offsets": offsets,
            "order": order,
            "levels": levels,
            "bounds": ends[levels],
        }.items():
            object.__setattr__(self, name, value)

    @property
    def n_source(self) -> int:
        """Segments of the source."""
        return int(self.rows[-1])

    @property
    def n_target(self) -> int:
        """Segments of the target."""
        return int(self.high[-1])

    @property
    def n_cells(self) -> int:
        """How many cells the dynamic program will visit."""
        return int(self.bounds[-1])

    @property
    def entries(self) -> Ints:
        """Number of the cell where each part begins."""
        return self.offsets[self.first]

    @property
    def exits(self) -> Ints:
        """Number of the cell where each part ends."""
        last = np.concatenate([self.first[1:], [len(self.rows)]]) - 1
        return np.asarray(self.offsets[last] + self.high[last] - self.low[last])

    def cells(self, rows: Ints, columns: Ints) -> Ints:
        """Numbers of the cells at some target positions of some rows; `n_cells` for those outside."""
        row = np.clip(rows, 0, len(self.rows) - 1)
        inside = (row == rows) & (columns >= self.low[row]) & (columns <= self.high[row])
        return np.where(inside, self.offsets[row] + columns - self.low[row], self.n_cells)

    def starting(self, i: Ints) -> Ints:
        """Row where what starts after `i` source segments starts."""
        return i + np.searchsorted(self.rows[self.first[1:]], i, side="right")

    def ending(self, i: Ints) -> Ints:
        """Row where what ends after `i` source segments ends."""
        return i + np.searchsorted(self.rows[self.first[1:]], i, side="left")

    def positions(self, rows: Ints) -> tuple[Ints, Ints]:
        """Row and target position of each cell of some rows."""
        widths = self.high[rows] - self.low[rows] + 1
        ahead = np.repeat(np.cumsum(widths) - widths, widths)
        rows = np.repeat(rows, widths)
        return rows, np.arange(len(rows)) - ahead + self.low[rows]

    def moved(self, rows: Ints, columns: Ints, moves: Sequence[tuple[int, int]]) -> Ints:
        """Numbers of the cells some rows and positions from some cells, `n_cells` for those outside their part.

        Returns
        -------
        ndarray of shape (len(moves), n)
        """
        cells = np.empty((len(moves), len(rows)), dtype=np.int64)
        for a in {a for a, _ in moves}:
            there = np.clip(rows + a, 0, len(self.rows) - 1)
            same = (there == rows + a) & (self.part[there] == self.part[rows])
            ahead = np.where(same, columns - self.low[there], -(1 << 40))
            first, width = self.offsets[there], (self.high - self.low)[there].view(np.uint64)
            for k in (k for k, move in enumerate(moves) if move[0] == a):
                place = ahead + moves[k][1]
                inside = place.view(np.uint64) <= width  # what is negative is large without its sign
                cells[k] = np.where(inside, first + place, self.n_cells)
        return cells

    def blocks(self, n_cells: int) -> list[range]:
        """Cut the levels into runs of at most about `n_cells` cells."""
        blocks, start = [], 0
        while start < len(self.bounds) - 1:
            stop = int(np.searchsorted(self.bounds, self.bounds[start] + n_cells, side="right")) - 1
            blocks.append(range(start, max(stop, start + 1)))
            start = blocks[-1].stop
        return blocks

    def block(self, levels: range) -> tuple[Ints, Ints]:
        """Row and target position of each cell of some levels."""
        return self.positions(self.order[self.levels[levels.start] : self.levels[levels.stop]])


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
            _keep_best(forth, left, right, *_largest(block, forth.indices.shape[1], axis=1))
            _keep_best(back, right, left, *_largest(block, back.indices.shape[1], axis=0))
    return forth, back


def _no_neighbors(n: int, n_neighbors: int) -> Neighbors:
    shape = (n, n_neighbors)
    return Neighbors(np.full(shape, -1, dtype=np.int64), np.full(shape, -np.inf, dtype=np.float32))


def _keep_best(found: Neighbors, first: int, column: int, best: Ints, values: Float) -> None:
    """Let the largest products of one tile take their places among the nearest neighbors of its rows."""
    here = slice(first, first + len(best))
    cosines = np.concatenate([found.cosines[here], values], axis=1)
    indices = np.concatenate([found.indices[here], best + column], axis=1)
    rank = np.argsort(-cosines, axis=1, kind="stable")[:, : found.indices.shape[1]]
    found.cosines[here] = np.take_along_axis(cosines, rank, axis=1)
    found.indices[here] = np.take_along_axis(indices, rank, axis=1)


_GROUP = 32


def _largest(block: Any, k: int, *, axis: int) -> tuple[Ints, Float]:
    """Places and values of the `k` largest entries of each row (axis 1) or column (axis 0), in no order.

    The k largest lie in the k groups with the largest maxima, so that all but those are looked at only once; the
    members of a group are far apart, which is how maxima are taken fastest.

    Returns
    -------
    best, values : ndarray of shape (n, k)
        A row for each row or column; fewer than k where there are not so many.
    """
    size, n = block.shape[axis], block.shape[1 - axis]
    k = min(k, size)
    if not isinstance(block, np.ndarray):
        values, best = block.topk(k, dim=axis)
        return (to_numpy(best), to_numpy(values)) if axis == 1 else (to_numpy(best).T, to_numpy(values).T)
    n_groups = size // _GROUP
    if n_groups < 2 * k:
        columns = np.broadcast_to(np.arange(size), (n, size))
    else:
        if axis == 1:
            maxima = block[:, : n_groups * _GROUP].reshape(n, _GROUP, n_groups).max(axis=1)
        else:
            maxima = block[: n_groups * _GROUP].reshape(_GROUP, n_groups, n).max(axis=0).T
        groups = np.argpartition(-maxima, k - 1, axis=1)[:, :k]
        members = np.arange(_GROUP) * n_groups
        columns = (groups[:, :, None] + members).reshape(n, -1)
        rest = np.arange(n_groups * _GROUP, size)
        columns = np.concatenate([columns, np.broadcast_to(rest, (n, len(rest)))], axis=1)
    rows = np.arange(n)[:, None]
    values = block[rows, columns] if axis == 1 else block[columns, rows]
    best = np.argpartition(-values, k - 1, axis=1)[:, :k]
    return np.take_along_axis(columns, best, axis=1), np.take_along_axis(values, best, axis=1)


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
    lengths = [of_side / np.float32(weights.spread) for of_side in lengths]
    gains = np.empty((len(shapes), band.n_cells + 1), dtype=np.float32)
    gains[:, -1] = NEVER
    for rows in _row_blocks(band):
        i = slice(int(band.rows[rows[0]]), int(band.rows[rows[-1]]) + 1)
        j = slice(int(band.low[rows].min()), int(band.high[rows].max()) + 1)
        cosines = _padded_similarities(left, right, i, j)
        at, columns = band.positions(rows)
        inside = (band.rows[at] - i.start) * (j.stop - j.start) + columns - j.start
        cells = band.cells(at, columns)
        for s, (a, b) in enumerate(shapes):
            # 1 when the sides are as long as they should be, falling to 0 as a Cauchy density does: its long tails
            # forgive a free translation what a normal density would not
            fit = lengths[1][b - 1, None, j] - lengths[0][a - 1, i, None]
            fit *= fit
            fit += 1
            score = _margin(cosines, a, b, weights.margin) * np.float32((a + b) ** weights.size)
            score /= fit
            there = known[0][a - 1, i], known[1][b - 1, j]
            if not (there[0].all() and there[1].all()):
                score[~(there[0][:, None] & there[1])] = NEVER
            gains[s, cells] = score.take(inside)
    return BeadScores(shapes, band, gains)


def _row_blocks(band: Band) -> list[Ints]:
    """Cut the rows into runs whose beads are scored together: few, where they cover many target positions."""
    blocks, start, n_rows = [], 0, len(band.rows)
    while start < n_rows:
        stop = min(start + _ROWS_PER_BLOCK, n_rows)
        while (
            stop > start + 4
            and (stop - start) * int(band.high[stop - 1] - band.low[start]) > _CELLS_PER_BLOCK
        ):
            stop -= (stop - start) // 2
        blocks.append(np.arange(start, stop))
        start = stop
    return blocks


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
    baseline = cosines[a - 1, here_i, 0, 0:columns] + cosines[a - 1, here_i, 0, 1 + b : 1 + b + columns]
    baseline += cosines[0, 0:rows, b - 1, here_j]
    baseline += cosines[0, 1 + a : 1 + a + rows, b - 1, here_j]
    baseline *= np.float32(-weight / 4)
    baseline += cosines[a - 1, here_i, b - 1, here_j]
    return baseline


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Totals of all partial paths into each cell.

    Attributes
    ----------
    closed : ndarray of shape (n_cells + 1,)
        Over all ways to reach a cell; the last entry stands for all cells outside the band.
    beads, omissions : ndarray of shape (n_cells + 1,)
        Its parts by the last step; what is left came by additions.
    steps : ndarray of int8 of shape (n_cells + 1,)
        The last step of the best path: the shape of a bead, `_OMISSION` or `_ADDITION`.
    """

    closed: Float
    beads: Float
    omissions: Float
    steps: NDArray[np.int8]


_OMISSION, _ADDITION = -1, -2


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
    band = scores.band
    closed = np.full(band.n_cells + 1, NEVER, dtype=np.float64)
    beads, omissions = closed.copy(), closed.copy()
    closed[band.entries] = 0.0
    steps = np.full(band.n_cells + 1, _ADDITION, dtype=np.int8)
    for levels in band.blocks(_CELLS_PER_BLOCK):
        rows, columns = band.block(levels)
        before = band.moved(rows, columns, [*((-a, -b) for a, b in scores.shapes), (-1, 0)])
        starts, above = before[:-1], before[-1]
        gains = np.take_along_axis(scores.gains, starts, axis=1) / np.float32(temperature)
        for level, here, inside in _walk(band, levels):
            total(closed.take(starts[:, inside]) + gains[:, inside], out=beads[here])
            up = above[inside]
            omissions[here] = join(closed.take(up) + open_, omissions.take(up)) + extend
            reached = join(join(beads[here], omissions[here]), closed[here])
            join(reached, _additions(reached, _widths(band, level), open_, extend, join), out=closed[here])
        if best:
            cells = slice(band.bounds[levels.start], band.bounds[levels.stop])
            steps[cells][closed[cells] == omissions[cells]] = _OMISSION
            for s in reversed(range(len(starts))):
                steps[cells][closed.take(starts[s]) + gains[s] == closed[cells]] = s
    return Lattice(closed, beads, omissions, steps)


def _walk(band: Band, levels: range) -> list[tuple[int, slice, slice]]:
    """Each level, its cells, and the same counted from the first level."""
    bounds = band.bounds[levels.start : levels.stop + 1].tolist()
    return [
        (level, slice(start, stop), slice(start - bounds[0], stop - bounds[0]))
        for level, start, stop in zip(levels, bounds[:-1], bounds[1:], strict=True)
    ]


def _widths(band: Band, level: int) -> Ints:
    rows = band.order[band.levels[level] : band.levels[level + 1]]
    return band.high[rows] - band.low[rows] + 1


def _maximum(values: Float, *, out: Float) -> None:
    values.max(axis=0, out=out)


def _log_sum(values: Float, *, out: Float) -> None:
    """Log of the sum of exponentials over the first axis; overwrites `values`."""
    top = values.max(axis=0)
    values -= top
    np.exp(values, out=values)
    np.log(values.sum(axis=0), out=out)
    out += top


def _additions(reached: Float, widths: Ints, open_: float, extend: float, join: np.ufunc) -> Float:
    """Best or total score of arriving by a run of additions, for whole rows at once that lie end to end."""
    widest = int(widths.max())
    filled = np.arange(widest) < widths[:, None]
    rows = np.full(filled.shape, NEVER, dtype=np.float64)
    rows[filled] = reached
    steps = np.arange(widest) * extend
    run = join.accumulate(rows - steps, axis=1)
    rows[:, 1:] = run[:, :-1] + steps[1:] + open_
    rows[:, 0] = NEVER
    return rows[filled]


def backward(scores: BeadScores, costs: Costs, *, temperature: float = 1.0) -> Float:
    """Log-sum-exp of all ways from each cell to the end of its part.

    Returns
    -------
    ndarray of shape (n_cells + 1,)
        From each cell outside a gap; the last entry stands for all cells outside the band.
    """
    open_, extend = costs.gap_open / temperature, costs.gap_extend / temperature
    band = scores.band
    closed = np.full(band.n_cells + 1, NEVER, dtype=np.float64)
    omitting = closed.copy()
    closed[band.exits] = 0.0
    for levels in band.blocks(_CELLS_PER_BLOCK)[::-1]:
        rows, columns = band.block(levels)
        after = band.moved(rows, columns, [*scores.shapes, (1, 0)])
        ends, below = after[:-1], after[-1]
        cells = slice(band.bounds[levels.start], band.bounds[levels.stop])
        gains = scores.gains[:, cells] / np.float32(temperature)
        ahead = np.empty(cells.stop - cells.start)
        for level, here, inside in _walk(band, levels)[::-1]:
            _log_sum(closed.take(ends[:, inside]) + gains[:, inside], out=ahead[inside])
            longer = omitting.take(below[inside]) + extend
            leaving = np.logaddexp(np.logaddexp(ahead[inside], longer + open_), closed[here])
            widths = _widths(band, level)[::-1]
            run = _additions(leaving[::-1], widths, open_, extend, np.logaddexp)[::-1]
            np.logaddexp(leaving, run, out=closed[here])
            omitting[here] = np.logaddexp(closed[here], longer)
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

    @property
    def totals(self) -> Float:
        """Total of all ways through each part."""
        return self.leave[self.scores.band.entries]

    @classmethod
    def of(cls, scores: BeadScores, costs: Costs, *, temperature: float) -> Posteriors:
        """Sum over all paths, forward and backward."""
        reach = forward(scores, costs, best=False, temperature=temperature).closed
        return cls(scores, temperature, reach, backward(scores, costs, temperature=temperature))

    def of_beads(self, i: Ints, j: Ints, shapes: Ints) -> Float:
        """Probability of beads, by where they start and the number of their shape in ``scores.shapes``."""
        band = self.scores.band
        rows, sizes = band.starting(i), np.array(self.scores.shapes)[shapes]
        starts, ends = band.cells(rows, j), band.cells(rows + sizes[:, 0], j + sizes[:, 1])
        log = self.reach[starts] + self.scores.gains[shapes, starts] / np.float32(self.temperature)
        return np.exp(np.minimum(log + self.leave[ends] - self.totals[band.part[rows]], 0.0))

    def path(self, path: Sequence[tuple[range, range]]) -> list[float | None]:
        """Probability of each bead of a path; None for nulls."""
        numbers = {shape: s for s, shape in enumerate(self.scores.shapes)}
        beads = [(s.start, t.start, numbers[len(s), len(t)]) for s, t in path if s and t]
        i, j, shapes = np.array(beads, dtype=np.int64).reshape(-1, 3).T
        found = iter(self.of_beads(i, j, shapes).tolist())
        return [next(found) if s and t else None for s, t in path]

    def likely(self, threshold: float) -> tuple[Ints, Ints, Ints]:
        """Find all beads of at least this probability.

        Returns
        -------
        rows, columns, shapes : ndarray
            Segments where they start, and their numbers in ``scores.shapes``.
        """
        band, found = self.scores.band, []
        for levels in band.blocks(_CELLS_PER_BLOCK):
            rows, columns = band.block(levels)
            ends = band.moved(rows, columns, self.scores.shapes)
            cells = slice(band.bounds[levels.start], band.bounds[levels.stop])
            log = self.scores.gains[:, cells] / np.float32(self.temperature) + self.leave[ends]
            log += self.reach[cells] - self.totals[band.part[rows]]
            shapes, at = np.nonzero(log >= np.log(threshold))
            found.append((band.rows[rows[at]], columns[at], shapes))
        i, j, shapes = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return i, j, shapes


def best_path(scores: BeadScores, costs: Costs) -> list[tuple[range, range]]:
    """Find the path of the best total.

    Returns
    -------
    list of (source, target)
        Beads in order; nulls one segment at a time.
    """
    lattice = forward(scores, costs, best=True)
    path: list[tuple[range, range]] = []
    lasts = np.concatenate([scores.band.first[1:], [len(scores.band.rows)]]) - 1
    for first, last in zip(scores.band.first.tolist(), lasts.tolist(), strict=True):
        path += _best_path_of_part(scores, lattice, costs, first, last)[::-1]
    return path


def _best_path_of_part(
    scores: BeadScores, lattice: Lattice, costs: Costs, first: int, last: int
) -> list[tuple[range, range]]:
    """Walk back from the last cell of row `last` to the first of row `first`."""
    band = scores.band
    path: list[tuple[range, range]] = []
    shift = int(band.rows[first]) - first
    row, j, begin = last, int(band.high[last]), int(band.low[first])
    while row > first or j > begin:
        i, step = row + shift, lattice.steps.item(band.offsets.item(row) + j - band.low.item(row))
        if step >= 0:
            a, b = scores.shapes[step]
            path.append((range(i - a, i), range(j - b, j)))
            row, j = row - a, j - b
        elif step == _OMISSION:
            top = _gap_opened_above(lattice, band, costs, row, j)
            path += [(range(k - 1, k), range(j, j)) for k in range(i, top + shift, -1)]
            row = top
        else:
            left = _gap_opened_left(lattice, band, costs, row, j)
            path += [(range(i, i), range(k - 1, k)) for k in range(j, left, -1)]
            j = left
    return path


def _gap_opened_above(lattice: Lattice, band: Band, costs: Costs, row: int, j: int) -> int:
    """Row from which the best path came to position `j` of a row by omissions."""
    while True:
        row -= 1
        at = band.offsets[row] + j - band.low[row]
        if lattice.closed[at] + costs.gap_open >= lattice.omissions[at]:
            return row


def _gap_opened_left(lattice: Lattice, band: Band, costs: Costs, row: int, j: int) -> int:
    """Position from which the best path came to position `j` of a row by additions."""
    low = int(band.low[row])
    before = slice(band.offsets[row], band.offsets[row] + j - low)
    reached = np.maximum(lattice.beads[before], lattice.omissions[before])
    if row in band.first:
        reached[0] = 0.0
    return int(np.argmax(reached - np.arange(len(reached)) * costs.gap_extend)) + low
