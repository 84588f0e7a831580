"""How far a mean depends on which passages happened to be in the text.

Values and weights of the units of one text come in (beads, or rows that several translations share); means over
units drawn anew from them come out, and the interval that holds 95 % of such means.  All columns see the same
draws, so that differences between translations of one source are paired.  The draws are seeded: same input, same
answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_RESAMPLES = 1000
LEVEL = 0.95
_SEED = 2026
_AT_ONCE = 1 << 22
"""Counts held in memory at a time."""


def resampled_means(
    values: NDArray[np.float64], weights: NDArray[np.float64], *, n_resamples: int = N_RESAMPLES
) -> NDArray[np.float64]:
    """Weighted means over units drawn with replacement.

    Parameters
    ----------
    values : ndarray of shape (n_units, n_columns)
    weights : ndarray of shape (n_units,)
        Not negative; units of weight 0 take no part.
    n_resamples : int

    Returns
    -------
    ndarray of shape (n_resamples, n_columns)
        0 where nothing has weight.  Row k of every column comes from the same draw.
    """
    values, weights = values[weights > 0], weights[weights > 0]
    n_units = len(weights)
    means = np.zeros((n_resamples, values.shape[1]))
    if not n_units:
        return means
    weighted = np.column_stack((values * weights[:, None], weights))
    rng = np.random.default_rng(_SEED)
    step = max(1, _AT_ONCE // n_units)
    for start in range(0, n_resamples, step):
        rows = min(step, n_resamples - start)
        drawn = rng.integers(n_units, size=(rows, n_units)) + n_units * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_units).reshape(rows, n_units)
        sums = counts.astype(np.float64) @ weighted
        means[start : start + rows] = sums[:, :-1] / sums[:, -1:]
    return means


def interval(
    means: NDArray[np.float64], weights: ArrayLike, *, level: float = LEVEL
) -> tuple[float, float] | None:
    """Find the interval that holds `level` of resampled means, widened for texts of few units.

    Percentiles alone are too narrow for a handful of units; they are moved outwards to where Student's
    distribution has them, counting units by how evenly they share the weight (Kish's effective number).

    Parameters
    ----------
    means : ndarray of shape (n_resamples,)
        From `resampled_means`.
    weights : array-like of shape (n_units,)
        The ones they were made with.
    level : float, default 0.95

    Returns
    -------
    (float, float) or None
        ``None`` where fewer than two units have weight: one passage says nothing about others.

    References
    ----------
    Hesterberg (2015), doi:10.1080/00031305.2015.1089789, the expanded percentile interval.
    """
    from scipy.special import ndtr, stdtrit

    sizes = np.asarray(weights, dtype=np.float64)
    if np.count_nonzero(sizes) < 2:
        return None
    n = max(1.01, float(sizes.sum() ** 2 / (sizes @ sizes)))
    tail = float(ndtr(-np.sqrt(n / (n - 1.0)) * stdtrit(n - 1.0, (1.0 + level) / 2.0)))
    low, high = np.quantile(means, (tail, 1.0 - tail)).tolist()
    return low, high


def mean_interval(values: ArrayLike, weights: ArrayLike) -> tuple[float, float] | None:
    """Find the 95 % interval of one weighted mean; see `interval`.

    Parameters
    ----------
    values, weights : array-like of shape (n_units,)
    """
    sizes = np.asarray(weights, dtype=np.float64)
    column = np.asarray(values, dtype=np.float64)[:, None]
    return interval(resampled_means(column, sizes)[:, 0], sizes)
