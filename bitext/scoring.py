"""Aligned texts -> fidelity and drift.  (The computation follows; these are the types that carry the result.)"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a translation departs from its source, itemised.  Everything rises with trouble.

    Attributes
    ----------
    omitted : float
        Share of source characters without a translation, in [0, 1].
    added : float
        Share of target characters without a source, in [0, 1].
    reordered : float
        (1 - Kendall tau of the bead order) / 2, in [0, 1]; 0 = the order of the source.
    shifted : float
        How far meaning moved in what is aligned, in [0, 1].
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
    """

    fidelity: float
    beads: tuple[float | None, ...]
    drift: Drift
    signature: str
    reference: tuple[tuple[str, float, str], ...] = ()
