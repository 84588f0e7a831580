"""How well scores agree with people, computed the way the WMT metrics tasks compute it.

Two matrices come in, human judgements and scores, systems by items (translations of one source segment share a
column), higher is better in both, NaN where there is none; figures come out.  Only figures that compare
translations *of the same item* say anything about quality: correlations over all cells mostly measure how long
and how hard the source is, which is why a control that never looks at the translation stands beside ours.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_N_PERMUTATIONS = 1000
_SEED = 4
"""Of mt-metrics-eval, so that soft pairwise accuracies compare to the last digit."""


def agreement(gold: Matrix, scores: Matrix) -> dict[str, Any]:
    """Compute all figures.

    Parameters
    ----------
    gold, scores : ndarray of shape (n_systems, n_items)
        NaN = not judged, or not scored; such cells count for nothing.

    Returns
    -------
    dict
        ``system_accuracy`` (Kocmi et al. 2021): share of system pairs in the human order.  ``spa`` (Thompson et
        al. 2024): one minus the mean difference of the p-values of a paired sign-flip test.  ``item_kendall`` and
        ``item_pearson``: over systems within an item, then the mean over ``n_items_correlated`` items in which
        neither side is constant.  ``acc_eq`` (Deutsch et al. 2023): pairwise accuracy within items, where
        differences up to ``epsilon``, chosen to maximize it, count as ties; ``acc_eq_all_ties``: the same for
        a constant score.  ``kendall``, ``pearson``, ``spearman``: over all cells.  ``None`` where undefined.
    """
    judged = ~(np.isnan(gold) | np.isnan(scores))
    gold, scores = np.where(judged, gold, np.nan), np.where(judged, scores, np.nan)
    item_kendall, item_pearson, n_correlated = _within_items(gold, scores)
    return {
        **_between_systems(gold, scores),
        "spa": _soft_accuracy(gold, scores),
        "item_kendall": item_kendall,
        "item_pearson": item_pearson,
        "n_items_correlated": n_correlated,
        **_accuracy_with_ties(gold, scores),
        **_over_all(gold[judged], scores[judged]),
    }


def _between_systems(gold: Matrix, scores: Matrix) -> dict[str, float | None]:
    has_any = ~np.isnan(gold).all(axis=1)
    people, ours = np.nanmean(gold[has_any], axis=1), np.nanmean(scores[has_any], axis=1)
    i, j = np.triu_indices(len(people), 1)
    same = np.sign(people[i] - people[j]) == np.sign(ours[i] - ours[j])
    return {
        "system_accuracy": float(same.mean()) if len(same) else None,
        "system_pearson": _pearson(people, ours),
    }


def _soft_accuracy(gold: Matrix, scores: Matrix) -> float | None:
    """Compare p-values over the items that have all systems; in single precision, as the field's program does."""
    complete = ~np.isnan(gold).any(axis=0)
    if len(gold) < 2 or not complete.any():
        return None
    rng = np.random.default_rng(_SEED)
    flips = np.rint(rng.random((_N_PERMUTATIONS, int(complete.sum())), dtype=np.float32)) * 2 - 1
    i, j = np.triu_indices(len(gold), 1)

    def p_values(matrix: Matrix) -> Matrix:
        single = matrix[:, complete].astype(np.float32)
        totals, flipped = single.sum(axis=1), flips @ single.T
        return np.array(
            [
                (flipped[:, a] - flipped[:, b] >= totals[a] - totals[b]).mean()
                for a, b in zip(i, j, strict=True)
            ]
        )

    return float(1.0 - np.abs(p_values(gold) - p_values(scores)).mean())


def _differences(matrix: Matrix) -> Matrix:
    """Difference of every pair of systems in every item: shape (n_items, n_pairs)."""
    i, j = np.triu_indices(len(matrix), 1)
    return np.asarray(matrix.T[:, i] - matrix.T[:, j])


def _within_items(gold: Matrix, scores: Matrix) -> tuple[float | None, float | None, int]:
    """Mean Kendall tau-b and Pearson over systems, per item."""
    people, ours = _differences(gold), _differences(scores)
    n_pairs = (~np.isnan(people)).sum(axis=1)
    concordance = np.nansum(np.sign(people) * np.sign(ours), axis=1)
    untied = [n_pairs - (side == 0).sum(axis=1) for side in (people, ours)]
    usable = (untied[0] > 0) & (untied[1] > 0)
    if not usable.any():
        return None, None, 0
    taus = concordance[usable] / np.sqrt(untied[0][usable] * untied[1][usable].astype(np.float64))
    a, b = (side[:, usable] - np.nanmean(side[:, usable], axis=0) for side in (gold, scores))
    spread = np.sqrt(np.nansum(a * a, axis=0) * np.nansum(b * b, axis=0))
    varied = spread > 0  # differences may be too small to be squared
    pearsons = np.nansum(a * b, axis=0)[varied] / spread[varied]
    return float(taus.mean()), float(pearsons.mean()) if varied.any() else None, int(usable.sum())


def _accuracy_with_ties(gold: Matrix, scores: Matrix) -> dict[str, float | None]:
    people, ours = _differences(gold), _differences(scores)
    paired = ~np.isnan(people)
    n_pairs = paired.sum(axis=1, keepdims=True)
    n_items = int((n_pairs > 0).sum())
    if not n_items:
        return {"acc_eq": None, "epsilon": None, "acc_eq_all_ties": None}
    share = np.broadcast_to(1.0 / np.maximum(n_pairs, 1), paired.shape)[paired]
    people, distance = people[paired], np.abs(ours[paired])
    tied = people == 0
    agree = ~tied & (distance > 0) & (np.sign(people) == np.sign(ours[paired]))
    # what calling a pair a tie changes: a human tie is won, an agreement lost
    gain = np.where(tied, share, np.where(agree, -share, 0.0))
    order = np.argsort(distance, kind="stable")
    ranked = distance[order]
    total = float(share[agree].sum()) + np.concatenate(([0.0], np.cumsum(gain[order])))
    thresholds = np.concatenate(([0.0], ranked))
    # pairs that are equally far apart become ties together; those that are no distance apart are ties anyway
    last = np.append(thresholds[1:] != thresholds[:-1], True)
    last[0] &= not (ranked[:1] == 0).any()
    best = int(np.argmax(np.where(last, total, -np.inf)))
    return {
        "acc_eq": float(total[best]) / n_items,
        "epsilon": float(thresholds[best]),
        "acc_eq_all_ties": float(share[tied].sum()) / n_items,
    }


def _over_all(gold: Matrix, scores: Matrix) -> dict[str, float | None]:
    if len(gold) < 2 or np.ptp(gold) == 0 or np.ptp(scores) == 0:
        return {"kendall": None, "pearson": None, "spearman": None}
    from scipy import stats

    return {
        "kendall": _finite(float(stats.kendalltau(gold, scores).statistic)),
        "pearson": _pearson(gold, scores),
        "spearman": _finite(float(stats.spearmanr(gold, scores).statistic)),
    }


def _pearson(a: Matrix, b: Matrix) -> float | None:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore")  # nearly constant: the result is not finite, and says so
        return _finite(float(np.corrcoef(a, b)[0, 1]))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
