"""Where the alignment of a long document runs: segment vectors in, a band of cells out.

Segments that are each other's nearest neighbors and stand in line with others of the kind are *anchors*; the
longest chain of them leads through the document.  There is no window around the diagonal that an omission could
push the truth out of: between two anchors that are far apart the band is the whole rectangle, as long as that can
be paid.  Nothing here grows faster than the document, but for the recursion that finds the anchors.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from bitext._kernels import Band, Float, Ints, longest_chain, nearest_neighbors

_COMPARED = 16_000_000
"""Up to this many pairs of segments are all compared, four times as many where they cannot be divided."""
_SAMPLED = 256
"""In larger documents this many segments are first looked for in all of the other side, to divide it."""
_LEAF = 600
"""Segments, in the mean of both sides, of the pieces that it is divided into."""
_PART = 256
"""Fewest source segments of a part of the band."""
_SURE = 5
"""Anchors in a row, one segment each, in whose middle the band may be cut."""


def anchored_band(
    source: Float,
    target: Float,
    source_lengths: NDArray[np.float64],
    *,
    most_cells: int,
    reach: int = 8,
    device: str = "cpu",
) -> Band:
    """Corridor around a chain of anchors, cut where it is certain.

    Parameters
    ----------
    source, target : ndarray of shape (n, dim)
        Unit vectors of the segments.
    source_lengths : ndarray of shape (n_source,)
    most_cells : int
        Between two anchors, where the rectangle has more cells, the band narrows to about this many along its
        diagonal.
    reach : int
        How many segments wider the corridor is than the anchors ask for.
    device : str
        Where similarities are multiplied.
    """
    n, m = len(source), len(target)
    rows, columns = _chained(*_mutual(source, target, source_lengths, device))
    cuts = _cuts(rows, columns)
    rows, columns = _with_steps(rows, columns, n, m, most_cells)
    cells = np.arange(n + 1)
    before = np.searchsorted(rows, cells - reach, side="right") - 1
    after = np.searchsorted(rows, cells + reach, side="left")
    ends = np.concatenate([columns, [0, m]])  # where there is no anchor before or after
    low = np.maximum(ends[np.where(before < 0, len(rows), before)] - reach, 0)
    high = np.minimum(ends[np.where(after == len(rows), len(rows) + 1, after)] + reach, m)
    low[0], high[-1] = 0, m
    return Band.around(low, high, cuts)


def _mutual(source: Float, target: Float, lengths: NDArray[np.float64], device: str) -> tuple[Ints, Ints]:
    """Pairs of segments that are each other's nearest neighbors, at least within their piece of the document."""
    n, m = len(source), len(target)
    bounds = np.array([(0, 0), (n, m)])
    if n * m > _COMPARED:
        bounds = _divisions(source, target, lengths, device)
    found = [(bounds[:0, 0], bounds[:0, 1])]
    for (top, left), (bottom, right) in itertools.pairwise(bounds.tolist()):
        piece = source[top:bottom], target[left:right]
        size = len(piece[0]) * len(piece[1])
        if size > n * m // 2:  # it could hardly be divided
            # where there is too much of it to compare, the texts have nothing to do with each other
            rows, columns = _nearest_pairs(*piece, device) if size <= 4 * _COMPARED else found[0]
        elif size > _COMPARED:
            rows, columns = _mutual(*piece, lengths[top:bottom], device)
        else:
            rows, columns = _nearest_pairs(*piece, device)
        found.append((rows + top, columns + left))
    rows, columns = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return rows, columns


def _nearest_pairs(source: Float, target: Float, device: str) -> tuple[Ints, Ints]:
    """Rows that are each other's nearest neighbors."""
    forth, back = nearest_neighbors(source, target, 1, device=device)
    if not len(source) or not len(target):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    rows = np.flatnonzero(back.indices[forth.indices[:, 0], 0] == np.arange(len(source)))
    return rows, forth.indices[rows, 0]


def _divisions(source: Float, target: Float, lengths: NDArray[np.float64], device: str) -> Ints:
    """Cells at which a document can be divided, from its first to its last.

    The longest segment of every stretch is looked for in the whole target and must be what its find finds in the
    whole source.
    """
    n, m = len(source), len(target)
    edges = np.linspace(0, n, min(n, _SAMPLED) + 1).astype(np.int64)
    picked = np.array([a + int(np.argmax(lengths[a:b])) for a, b in itertools.pairwise(edges)])
    there = nearest_neighbors(source[picked], target, 1, device=device)[0].indices[:, 0]
    again = nearest_neighbors(target[there], source, 1, device=device)[0].indices[:, 0]
    kept = again == picked
    stride = max(1, n // _SAMPLED)
    rows, columns = _chained(picked[kept], there[kept], support=4 * stride * max(1, round(m / n)))
    bounds = [(0, 0)]
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if row - bounds[-1][0] + column - bounds[-1][1] >= 2 * _LEAF:
            bounds.append((row, column))
    return np.array([*bounds, (n, m)], dtype=np.int64)


def _chained(rows: Ints, columns: Ints, *, support: int = 12) -> tuple[Ints, Ints]:
    """Longest chain of those that the next or the previous continues in about the same direction."""
    close = (np.diff(rows) <= support) & (np.diff(columns) > 0) & (np.diff(columns) <= support)
    near = np.concatenate([[False], close]) | np.concatenate([close, [False]]) if len(rows) > 1 else rows >= 0
    rows, columns = rows[near], columns[near]
    chain = longest_chain(rows, columns)
    return rows[chain], columns[chain]


def _cuts(rows: Ints, columns: Ints) -> Ints:
    """Cells that the path is sure to pass: in the middle of anchors that follow each other segment by segment."""
    jumps = np.flatnonzero((np.diff(rows) != 1) | (np.diff(columns) != 1)) + 1
    starts, stops = np.concatenate([[0], jumps]), np.concatenate([jumps, [len(rows)]])
    long = stops - starts >= _SURE
    cuts: list[tuple[int, int]] = []
    last = 0
    for k in ((starts[long] + stops[long]) // 2).tolist():
        if rows[k] - last >= _PART:
            last = int(rows[k])
            cuts.append((last, int(columns[k])))
    return np.array(cuts, dtype=np.int64).reshape(-1, 2)


def _with_steps(rows: Ints, columns: Ints, n: int, m: int, most_cells: int) -> tuple[Ints, Ints]:
    """Add points on the diagonal of rectangles between anchors that have too many cells."""
    all_rows, all_columns = (np.concatenate([[0], side, [end]]) for side, end in ((rows, n), (columns, m)))
    areas = np.diff(all_rows) * np.diff(all_columns)
    while np.minimum(areas, most_cells).sum() > 2_000_000 + 64 * (n + m) and most_cells > 10_000:
        most_cells //= 2
    added = [(rows, columns)]
    for k in np.flatnonzero(areas > most_cells).tolist():
        steps = np.linspace(0, 1, int(areas[k] // most_cells) + 2)[1:-1]
        added.append(
            (
                (all_rows[k] + steps * (all_rows[k + 1] - all_rows[k])).astype(np.int64),
                (all_columns[k] + steps * (all_columns[k + 1] - all_columns[k])).astype(np.int64),
            )
        )
    rows, columns = (np.concatenate(side) for side in zip(*added, strict=True))
    order = np.argsort(rows, kind="stable")
    return rows[order], columns[order]
