"""Aligned texts -> fidelity and drift.

Fidelity is an estimate of what a professional would say: one minus the expected MQM penalty over 25.  Where the
quality model applies (`bitext.quality`), the fidelities of the beads come from it.  Elsewhere (another encoder, or
into Chinese) they are predicted from a handful of features of each bead (how near the two sides are in meaning,
how well their lengths agree, numbers that do not come back, text left untranslated), with weights fitted on
professional judgements by `models/fit_fidelity.py`; these see gross faults and are blind to fine ones.  The
signature says which of the two made a number.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitext._bootstrap import mean_interval
from bitext._quality_features import content_size as content_size  # part of what this module offers
from bitext._quality_features import is_copied, length_deviation, number_trouble, wrong_script
from bitext.data import Alignment, Bead

MAX_PENALTY = 25.0
"""MQM penalties are capped here, as in WMT."""

FEATURES = ("distance", "length", "numbers", "untranslated", "copied")
CALIBRATION = "fid2"
_BIAS = -3.262
_WEIGHTS = (5.702, 0.304, 0.991, 4.279, 4.565)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a translation departs from its source, itemised.  Everything rises with trouble.

    Attributes
    ----------
    omitted : float
        Share of source characters without a translation, in [0, 1]: in omitted segments, and, as far as the quality
        model sees them, within beads.
    added : float
        Share of target characters without a source, in [0, 1]; likewise.
    reordered : float
        (1 - Kendall tau of the bead order) / 2, in [0, 1]; 0 = the order of the source.
    shifted : float
        How far meaning moved in what is aligned, in [0, 1]: one minus the mean similarity of the beads, over
        source characters.
    profile : tuple of (float or None)
        Per bead: how many MADs its fidelity lies below the document's own baseline; ``None`` on nulls.
    """

    omitted: float
    added: float
    reordered: float
    shifted: float
    profile: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """Fidelity and drift of one translation.

    Attributes
    ----------
    fidelity : float
        In [0, 1]; mean over source characters of the bead fidelities, omissions counting 0.
    beads : tuple of (float or None)
        Fidelity of each bead: 0.0 for an omission, ``None`` for an addition (it has no source).
    drift : Drift
    signature : str
        What made these numbers.
    reference : tuple of (name, score, signature)
        sacreBLEU's BLEU, chrF and TER against a reference translation, when one was given; else empty.
    interval : tuple of (float, float), optional
        95 % bootstrap interval of `fidelity` over beads: what other passages of the same kind might have given.
        ``None`` with fewer than two beads.
    """

    fidelity: float
    beads: tuple[float | None, ...]
    drift: Drift
    signature: str
    reference: tuple[tuple[str, float, str], ...] = ()
    interval: tuple[float, float] | None = None


def pair_features(
    sources: Sequence[str],
    targets: Sequence[str],
    similarities: Sequence[float],
    *,
    source_lang: str = "zh",
    target_lang: str = "en",
) -> NDArray[np.float64]:
    """Features of source-target pairs, in the order of `FEATURES`; all 0 for a perfect pair and rising with trouble.

    Parameters
    ----------
    sources, targets : sequence of str
    similarities : sequence of float
        `Bead.similarity` of each pair.

    Returns
    -------
    ndarray of shape (n_pairs, len(FEATURES))
        Each in [0, 1] but for `length`, which is at most 3.
    """
    rows = [
        (
            min(1.0, max(0.0, 1.0 - similarity)),
            # the first two spreads are nothing unusual
            min(3.0, max(0.0, abs(length_deviation(source, target, source_lang, target_lang)) - 2.0)),
            number_trouble(source, target, source_lang, target_lang),
            wrong_script(target, target_lang),
            float(is_copied(source, target)),
        )
        for source, target, similarity in zip(sources, targets, similarities, strict=True)
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(FEATURES))


def fidelity_of(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fidelity of pairs from their features.

    Parameters
    ----------
    features : ndarray of shape (n_pairs, len(FEATURES))

    Returns
    -------
    ndarray of shape (n_pairs,)
        In [0, 1].
    """
    logit = _BIAS + features @ np.array(_WEIGHTS)
    return np.asarray(1.0 / (1.0 + np.exp(logit)))


def score(
    alignment: Alignment,
    *,
    fidelities: Sequence[float] | None = None,
    uncovered: Sequence[tuple[float, float]] | None = None,
    scheme: str = CALIBRATION,
) -> Scores:
    """Score a translation against its source.

    Parameters
    ----------
    alignment : Alignment
        Its beads carry `similarity` when it comes from `bitext.align`; a bead without one counts as similarity 0.
    fidelities : sequence of float, optional
        Of the beads that are not null, in order, each in [0, 1]; by default from their features.
    uncovered : sequence of (float, float), optional
        For the same beads: how many characters of their source are probably not translated, and how many of their
        target have no source; by default none.
    scheme : str
        What made `fidelities`, for the signature.

    Returns
    -------
    Scores
    """
    aligned = [b for b in alignment if not b.is_null]
    values = iter(_feature_fidelities(alignment, aligned) if fidelities is None else fidelities)
    beads = tuple(None if b.is_addition else 0.0 if b.is_omission else next(values) for b in alignment)
    sizes = np.array([content_size(alignment.source_text(b)) for b in alignment], dtype=np.float64)
    counted = np.array([0.0 if f is None else f for f in beads])
    total = sizes.sum()
    return Scores(
        fidelity=float(counted @ sizes / total) if total else 0.0,
        beads=beads,
        drift=_drift(alignment, beads, sizes, np.array(uncovered or [(0.0, 0.0)], dtype=np.float64)),
        signature=f"{alignment.signature}|fid:{scheme}",
        interval=mean_interval(counted, sizes),
    )


def reference_scores(alignment: Alignment, reference: Alignment) -> tuple[tuple[str, float, str], ...]:
    """Compare a translation with a reference translation of the same source.

    The two are cut into units that hold the same source segments, so neither needs the other's sentences.

    Parameters
    ----------
    alignment, reference : Alignment
        Of one source document with the translation and with the reference.

    Returns
    -------
    tuple of (name, score, signature)
        sacreBLEU's corpus BLEU, chrF and TER, each with its signature.
    """
    from sacrebleu.metrics import BLEU, CHRF, TER

    cuts = common_cuts((alignment, reference)).tolist()
    units = list(itertools.starmap(range, itertools.pairwise(cuts)))
    texts = [_unit_text(alignment, unit) for unit in units], [_unit_text(reference, unit) for unit in units]
    chinese = alignment.target.lang.startswith("zh")
    metrics = (
        BLEU(tokenize="zh" if chinese else "13a"),
        CHRF(),
        TER(asian_support=chinese, normalized=chinese),
    )
    scored = [(metric, metric.corpus_score(texts[0], [texts[1]])) for metric in metrics]
    return tuple((score.name, float(score.score), str(metric.get_signature())) for metric, score in scored)


def common_cuts(alignments: Sequence[Alignment]) -> NDArray[np.int64]:
    """Find the places between the segments of one source that no bead of any alignment stands across.

    Returns
    -------
    ndarray of shape (n_cuts,)
        Numbers of the segments that follow, ascending; both ends of the text are among them.
    """
    inside = np.zeros(len(alignments[0].source) + 1, dtype=bool)
    for bead in itertools.chain.from_iterable(alignments):
        inside[bead.source.start + 1 : bead.source.stop] = True
    return np.flatnonzero(~inside)


def _unit_text(alignment: Alignment, unit: range) -> str:
    """Join what translates a run of source segments, additions that follow it included."""
    texts = (
        alignment.target_text(bead)
        for bead in alignment
        if bead.target and (bead.source.start if bead.source else max(bead.source.start - 1, 0)) in unit
    )
    return " ".join(" ".join(texts).split())


def _feature_fidelities(alignment: Alignment, aligned: Sequence[Bead]) -> list[float]:
    features = pair_features(
        [alignment.source_text(b) for b in aligned],
        [alignment.target_text(b) for b in aligned],
        [b.similarity or 0.0 for b in aligned],
        source_lang=alignment.source.lang,
        target_lang=alignment.target.lang,
    )
    return [float(f) for f in fidelity_of(features)]


def _drift(
    alignment: Alignment,
    fidelities: tuple[float | None, ...],
    sizes: NDArray[np.float64],
    uncovered: NDArray[np.float64],
) -> Drift:
    target_sizes = np.array([content_size(alignment.target_text(b)) for b in alignment], dtype=np.float64)
    omitted = np.array([b.is_omission for b in alignment], dtype=bool)
    added = np.array([b.is_addition for b in alignment], dtype=bool)
    aligned = ~(omitted | added)
    weights = sizes[aligned]
    distance = np.array([min(1.0, max(0.0, 1.0 - (b.similarity or 0.0))) for b in alignment if not b.is_null])
    return Drift(
        omitted=_share(sizes, omitted, uncovered[:, 0]),
        added=_share(target_sizes, added, uncovered[:, 1]),
        reordered=_reordered([b.target.start for b in alignment if not b.is_null]),
        shifted=float(distance @ weights / weights.sum()) if weights.sum() else 0.0,
        profile=_profile(fidelities, aligned),
    )


def _share(sizes: NDArray[np.float64], chosen: NDArray[np.bool_], within: NDArray[np.float64]) -> float:
    """Share of the characters in the `chosen` beads, and of those `within` the others."""
    total = sizes.sum()
    return min(1.0, float((sizes[chosen].sum() + within.sum()) / total)) if total else 0.0


def _reordered(targets: list[int]) -> float:
    """Share of bead pairs whose targets stand in the opposite order: (1 - Kendall tau) / 2, by merge counting."""
    n = len(targets)
    if n < 2:
        return 0.0
    ordered: list[int] = []
    inversions = 0
    from bisect import bisect_right, insort

    for seen, target in enumerate(targets):
        inversions += seen - bisect_right(ordered, target)
        insort(ordered, target)
    return inversions / (n * (n - 1) / 2)


def _profile(fidelities: tuple[float | None, ...], aligned: NDArray[np.bool_]) -> tuple[float | None, ...]:
    values = np.array([f for f, a in zip(fidelities, aligned, strict=True) if a and f is not None])
    if not len(values):
        return tuple(None for _ in fidelities)
    baseline = float(np.median(values))
    # a floor keeps a flawless, even document from turning rounding into drift
    mad = max(float(np.median(np.abs(values - baseline))), 0.01)
    return tuple(
        None if f is None or not a else (baseline - f) / mad for f, a in zip(fidelities, aligned, strict=True)
    )
