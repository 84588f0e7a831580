"""How surely a rendering is wrong, with no termbase: linked passages of translations in, doubts out.

Every occurrence of a term is described by numbers: whether what this translation usually has is there, whether
what the others have is there (weighed by how far each agrees with the rest), whether any known translation of the
term's words is, and how good the passage is as a whole.  Two small forests of decision trees, one for a
translation alone and one for several, make a probability of them; ``models/fit_doubts.py`` grows them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from math import log

import numpy as np
from numpy.typing import NDArray

from bitext._names import glosses
from bitext._renderings import FUNCTION_KEYS, Key, Occurrence, Passages, term_counts
from bitext._termmatch import HAN, lemma, root
from bitext._wordalign import lexicon

Place = tuple[int, Occurrence]
"""Translation and occurrence."""

OWN = (
    "usual absent", "usual share", "usual share absent", "words unsupported", "a word unsupported", "not linked",
    "rendering unknown", "term words", "term characters", "log occurrences", "like own others", "own others present",
    "capital", "length ratio", "once only", "words unheard of", "passage coverage", "translation coverage",
)  # fmt: skip
CROSS = (
    "agreement", "consensus absent", "agreement on absent", "unlike others", "others absent",
    "agreement on others absent", "votes present", "votes absent", "supported absent", "rare supported absent",
    "unlike any", "consensus known", "log translations", "own votes", "is consensus",
    "passage likeness", "translation likeness",
)  # fmt: skip
OWN_MEANS = ("usual absent", "words unsupported", "not linked", "rendering unknown", "like own others")
CROSS_MEANS = ("agreement on absent", "unlike others", "others absent")
"""What `Doubt.features` are: `OWN` of a translation alone with the means of some over its terms, since a bad
translation is more often wrong; and, if there are several, `CROSS` and means of those behind them."""
_TYPICAL = 120
"""The means are over the occurrences of at most so many terms, the most frequent ones."""
_SAME = 0.6
"""Renderings with this share of their words in common count as the same."""
_ABBREVIATED = 0.9
"""An abbreviation and its long form have this much in common."""
_GLOSS, _CHARACTER_GLOSS = 0.3, 0.1
"""Probabilities lent to the glosses of a word, and of its characters where nothing else is known."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """One occurrence of a term and what speaks for and against its rendering.

    Attributes
    ----------
    occurrence : Occurrence
    features : tuple of float
        What the evidence looks like in numbers, as `OWN` and `CROSS` name them.
    probability : float
        How surely the rendering is wrong, in [0, 1].
    usual : Place or None
        Where this translation has its most frequent other rendering of the term.
    consensus : Place or None
        Where another translation has here what is most like all the others.
    agreement : float
        Share of the others that have it, each weighed by how far it agrees with the rest.
    """

    occurrence: Occurrence
    features: tuple[float, ...]
    probability: float
    usual: Place | None
    consensus: Place | None
    agreement: float


def doubts(passages: Passages, terms: Iterable[Key]) -> list[list[Doubt]]:
    """Judge all occurrences of `terms`, in each translation."""
    document = _Document(passages)
    found: list[list[tuple[Occurrence, list[float], Place | None, Place | None, float]]]
    found = [[] for _ in passages.translations]
    for term in terms:
        everywhere = [passages.occurrences(term, j) for j in range(len(found))]
        for j, occurrences in enumerate(everywhere):
            found[j] += (document.judged(term, everywhere, j, k) for k in range(len(occurrences)))
    return [_with_probabilities(of_one, several=len(found) > 1) for of_one in found]


def _with_probabilities(
    found: list[tuple[Occurrence, list[float], Place | None, Place | None, float]], *, several: bool
) -> list[Doubt]:
    if not found:
        return []
    probabilities = forest(several=several).probabilities(np.array([features for _, features, *_ in found]))
    return [
        Doubt(occurrence, tuple(features), float(p), usual, consensus, agreement)
        for (occurrence, features, usual, consensus, agreement), p in zip(found, probabilities, strict=True)
    ]


# -------------------------------------------------------------------------------- forests


@dataclass(frozen=True, slots=True)
class Forest:
    """Decision trees whose values add up to the logit of a probability.

    Attributes
    ----------
    bias : float
    roots : ndarray of int
        Of the trees, as numbers of nodes.
    features, left, right : ndarray of int, shape (n_nodes,)
        What a node asks, and where to go; a leaf leads to itself.
    thresholds, values : ndarray of float, shape (n_nodes,)
        Left where the feature is not above the threshold; the value of a leaf.
    """

    bias: float
    roots: NDArray[np.int64]
    features: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    values: NDArray[np.float64]

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a probability for each row of `features`."""
        logit = np.full(len(features), self.bias)
        rows = np.arange(len(features))
        for start in self.roots.tolist():
            node = np.full(len(features), start)
            while (moved := node != self.left[node]).any():
                goes_left = features[rows, self.features[node]] <= self.thresholds[node]
                node = np.where(moved, np.where(goes_left, self.left[node], self.right[node]), node)
            logit += self.values[node]
        result: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logit))
        return result


@lru_cache(maxsize=2)
def forest(*, several: bool) -> Forest:
    """Return the trees for several translations, or for one alone."""
    text = resources.files("bitext").joinpath("_doubts.tsv").read_text(encoding="utf-8")
    wanted = "several" if several else "one"
    rows = [line.split("\t")[1:] for line in text.splitlines() if line.startswith(wanted + "\t")]
    bias = next(float(row[1]) for row in rows if row[0] == "bias")
    nodes = [row for row in rows if row[0] != "bias"]
    kinds = np.array([row[0] for row in nodes])
    features, left, right = (np.array([int(row[i]) for row in nodes]) for i in (1, 3, 4))
    thresholds, values = (np.array([float(row[i]) for row in nodes]) for i in (2, 5))
    return Forest(bias, np.flatnonzero(kinds == "tree"), features, thresholds, left, right, values)


# -------------------------------------------------------------------------------- evidence

_ACRONYM = re.compile(r"\b[A-Z][A-Za-z]?[A-Z]{1,5}(?=s?\b)")
_WORD = re.compile(r"[A-Za-z][\w’'-]*")


@dataclass(frozen=True, slots=True)
class _Bead:
    """What stands in a target: its words as they are compared, its acronyms, the initials of its words."""

    words: frozenset[str]
    acronyms: frozenset[str]
    initials: str

    def has(self, key: Key) -> float:
        """Return the share of the words of a rendering that are there, or whether it is abbreviated or spelled out."""
        if not key:
            return 0.0
        share = sum(word in self.words for word in key) / len(key)
        if share == 1.0:
            return share
        if len(key) == 1:
            spelled = 2 <= len(key[0]) <= 6 and key[0].isalpha() and key[0] in self.initials
            return max(share, _ABBREVIATED) if spelled and key[0] not in _english() else share
        return max(share, _ABBREVIATED) if any(_abbreviates(a, key) for a in self.acronyms) else share


class _Document:
    """All that is the same for every term of a document."""

    def __init__(self, passages: Passages) -> None:
        self.passages = passages
        self.beads = [
            [_bead(words, target) for words, (_, target) in zip(side, beads, strict=True)]
            for side, beads in zip(passages.words, passages.translations, strict=True)
        ]
        self.coverage = [self._coverage(j) for j in range(len(self.beads))]
        self.likeness = [self._likeness(j) for j in range(len(self.beads))]
        self.weights = [float(np.mean(of_one)) ** 3 if of_one else 0.0 for of_one in self.likeness]
        self.means = self._means()

    def _coverage(self, j: int) -> list[float]:
        """Per bead: share of the source words with known translations of which one is there; 0.5 if there are none."""
        shares = []
        for words, bead in zip(self.passages.source[j], self.beads[j], strict=True):
            known = [t for w in words if (t := translations(w.key))]
            there = sum(not bead.words.isdisjoint(t) for t in known)
            shares.append(there / len(known) if known else 0.5)
        return shares

    def _likeness(self, j: int) -> list[float]:
        """Per bead: mean share of words in common with the other translations; 0 where there are no others."""
        shares = []
        for n, bead in enumerate(self.beads[j]):
            others = [side[n].words for i, side in enumerate(self.beads) if i != j and n < len(side)]
            common = [len(bead.words & o) / max(1, len(bead.words | o)) for o in others]
            shares.append(sum(common) / len(common) if common else 0.0)
        return shares

    def _means(self) -> list[tuple[list[float], list[float]]]:
        """Per translation: the means of its own features and of those across translations, over its usual terms."""
        counts = term_counts(self.passages.source[0], 2, nested=False) if self.passages.source else {}
        usual = sorted(counts, key=lambda key: (-counts[key], key))[:_TYPICAL]
        several = len(self.beads) > 1
        found: list[list[list[float]]] = [[] for _ in self.beads]
        for term in usual:
            everywhere = [self.passages.occurrences(term, j) for j in range(len(self.beads))]
            for j, occurrences in enumerate(everywhere):
                for k in range(len(occurrences)):
                    own = self._own(term, occurrences, j, k)[0]
                    cross = self._cross(term, everywhere, j, k)[0] if several else []
                    found[j].append(own + cross)
        means = [
            np.mean(rows, axis=0).tolist() if rows else [0.5] * (len(OWN) + len(CROSS)) for rows in found
        ]
        return [
            (
                [of_one[OWN.index(name)] for name in OWN_MEANS],
                [of_one[len(OWN) + CROSS.index(name)] for name in CROSS_MEANS] if several else [],
            )
            for of_one in means
        ]

    def judged(
        self, term: Key, everywhere: Sequence[Sequence[Occurrence]], j: int, k: int
    ) -> tuple[Occurrence, list[float], Place | None, Place | None, float]:
        """Put what speaks for and against the `k`-th rendering of `term` in translation `j` into numbers."""
        here = everywhere[j][k]
        features, usual = self._own(term, everywhere[j], j, k)
        own_means, cross_means = self.means[j]
        if len(everywhere) == 1:
            return here, features + own_means, usual, None, 0.0
        cross, consensus = self._cross(term, everywhere, j, k)
        return here, features + own_means + cross + cross_means, usual, consensus, cross[0]

    def _own(
        self, term: Key, occurrences: Sequence[Occurrence], j: int, k: int
    ) -> tuple[list[float], Place | None]:
        here = occurrences[k]
        bead, target = self.beads[j][here.bead], self.passages.translations[j][here.bead][1]
        known = [translations(word) for word in term]
        supports = [max((p for e, p in of.items() if e in bead.words), default=0.0) for of in known]
        others = [o for o in occurrences if o.bead != here.bead and o.key]
        counts = Counter(o.key for o in others)
        usual, share = counts.most_common(1)[0] if counts else ((), 0)
        share_of_usual = share / max(1, len(others))
        absent = 1.0 - bead.has(usual) if counts else 0.0
        alike = sum(o.key == here.key for o in occurrences) - 1
        features = [
            absent,
            share_of_usual,
            absent * share_of_usual,
            1.0 - sum(supports) / len(supports),
            1.0 - min(supports),
            float(not here.key),
            1.0 - _known_share(here.key, known),
            float(len(term)),
            float(sum(map(len, term))),
            log(len(occurrences)),
            alike / (len(occurrences) - 1) if here.key and len(occurrences) > 1 else 0.5,
            max((n * bead.has(key) for key, n in counts.items()), default=0.0) / max(1, len(others)),
            float(here.target_span is not None and target[here.target_span[0]].isupper()),
            len(here.key) / len(term),
            float(not others),
            sum(not of for of in known) / len(term),
            self.coverage[j][here.bead],
            float(np.mean(self.coverage[j])),
        ]
        place = next(((j, o) for o in others if o.key == usual), None)
        return features, place

    def _cross(
        self, term: Key, everywhere: Sequence[Sequence[Occurrence]], j: int, k: int
    ) -> tuple[list[float], Place | None]:
        here, bead = everywhere[j][k], self.beads[j][everywhere[j][k].bead]
        known = [translations(word) for word in term]
        others = [(i, os[k]) for i, os in enumerate(everywhere) if i != j and k < len(os)]
        total = sum(self.weights[i] for i, _ in others) or 1.0
        rendered = [(i, o) for i, o in others if o.key]
        consensus = max(
            rendered,
            key=lambda p: sum(self.weights[i] * likeness(p[1].key, o.key) for i, o in rendered),
            default=None,
        )
        usual = consensus[1].key if consensus else ()
        agreement = sum(self.weights[i] for i, o in rendered if likeness(usual, o.key) >= _SAME) / total
        absent = 1.0 - bead.has(usual) if consensus else 0.0
        others_absent = 0.5
        if of_rendered := sum(self.weights[i] for i, _ in rendered):
            others_absent = 1.0 - sum(self.weights[i] * bead.has(o.key) for i, o in rendered) / of_rendered
        votes: Counter[Key] = Counter()
        for i, occurrences in enumerate(everywhere):
            if i != j:
                for o in occurrences:
                    if o.key:
                        votes[o.key] += self.weights[i]  # type: ignore[assignment]
        cast = sum(votes.values()) or 1.0
        there = {key: bead.has(key) for key in votes}
        features = [
            agreement,
            absent,
            agreement * absent,
            1.0 - sum(self.weights[i] * likeness(here.key, o.key) for i, o in others) / total,
            others_absent,
            agreement * others_absent,
            max((n * there[key] for key, n in votes.items()), default=0.0) / cast,
            max((n * (there[key] < 0.5) for key, n in votes.items()), default=0.0) / cast,
            1.0 - max((there[key] for key, n in votes.items() if n >= 0.15 * cast), default=0.5),
            1.0 - max((there[key] for key, n in votes.items() if n >= 0.06 * cast), default=0.5),
            1.0 - max((likeness(here.key, o.key) for _, o in others), default=0.0),
            _known_share(usual, known),
            log(len(everywhere)),
            votes[here.key] / cast,
            float(likeness(here.key, usual) >= _SAME),
            self.likeness[j][here.bead],
            float(np.mean(self.likeness[j])),
        ]
        return features, consensus


def _bead(words: set[str], target: str) -> _Bead:
    acronyms = frozenset(m[0].lower() for m in _ACRONYM.finditer(target))
    found = (m[0] for m in _WORD.finditer(target))
    initials = "".join(word[0].lower() for word in found if lemma(word) not in FUNCTION_KEYS)
    return _Bead(frozenset(words), acronyms, initials)


@lru_cache(maxsize=1)
def _english() -> frozenset[str]:
    return frozenset(root(english) for of_word in lexicon().values() for english in of_word)


@lru_cache(maxsize=65536)
def translations(word: str) -> dict[str, float]:
    """Return the English words a Chinese one may be rendered by, reduced as words are compared, with probabilities."""
    if not HAN.match(word):
        return {root(lemma(word)): 1.0}
    known: dict[str, float] = {}
    for english, share in lexicon().get(word, {}).items():
        known[root(english)] = max(share, known.get(root(english), 0.0))
    characters = () if known else tuple(word)
    for piece, share in ((word, _GLOSS), *((c, _CHARACTER_GLOSS) for c in characters)):
        for gloss in glosses(piece):
            known.setdefault(root(gloss), share)
    return known


def _known_share(key: Key, known: Sequence[dict[str, float]]) -> float:
    """Return how probable the words of a rendering are as translations of the term's words, on average."""
    return sum(max((of.get(w, 0.0) for of in known), default=0.0) for w in key) / max(1, len(key))


@lru_cache(maxsize=262144)
def likeness(one: Key, other: Key) -> float:
    """Return the share of words in common of two renderings; nearly 1 if one abbreviates the other."""
    if not one or not other:
        return 0.0
    a, b = set(one), set(other)
    share = len(a & b) / len(a | b)
    short, long = sorted((one, other), key=len)
    return max(share, _ABBREVIATED) if len(short) == 1 < len(long) and _abbreviates(short[0], long) else share


def _abbreviates(short: str, key: Key) -> bool:
    """Whether the letters of `short` are the initials of the words, one of which may be left out."""
    initials = "".join(word[0] for word in key)
    if not 2 <= len(short) <= 6 or short[0] != initials[0] or not 0 <= len(initials) - len(short) <= 1:
        return False
    letters = iter(initials)
    return all(c in letters for c in short)
