"""Parts of segments: texts in, clauses as arrays out, and in which segments of the other side each is found again.

Translators cut sentences at other places than authors do.  A clause that has moved across the end of a segment
resembles the neighbor of its segment's counterpart more than the counterpart: that is what tells two beads from one
of both together, and which side of a boundary a segment belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitext._kernels import Float, Ints, unit_rows
from bitext.embedding import Composing

_END = re.compile(
    r"(?<=[，；：,;:。！？!?.…—])(?![，；：,;:。！？!?.…—\d])[\"'”’」』)）]*\s*"
    r"|\s+(?=(?:and|but|so|until|as|when|while|where|which|who|before|after|because|though|then)\s)"
)
_SHORTEST = 12
"""Letters that make a clause; a Chinese character counts for 3.75."""
_LONGEST_RUN = 2
_CLAUSES_PER_TILE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Clauses:
    """The clauses of one document, in order; every segment has at least one.

    Attributes
    ----------
    starts : ndarray of shape (n_segments + 1,)
        Number of the first clause of each segment, and how many there are in all.
    lengths : ndarray of shape (n_clauses,)
        In letters.
    words : tuple of ndarray of int
        Numbers of the words of each clause.
    sums : ndarray of shape (n_clauses, dim_sum)
        Of an additive encoder.
    """

    starts: Ints
    lengths: NDArray[np.float64]
    words: tuple[Ints, ...]
    sums: Float

    @classmethod
    def of(cls, texts: Sequence[str], words: Callable[[str], Ints], encoder: Composing) -> Clauses:
        """Divide the texts of segments; `words` numbers the words of a text."""
        clauses = [_divided(text) for text in texts]
        flat = [clause for own in clauses for clause in own]
        return cls(
            starts_of(np.array([len(own) for own in clauses], dtype=np.int64)),
            np.array([_letters(clause) for clause in flat], dtype=np.float64),
            tuple(words(clause) for clause in flat),
            encoder.sums(flat),
        )

    def part(self, rows: Ints) -> Clauses:
        """Only those of some segments."""
        sizes = np.diff(self.starts)[rows]
        chosen = np.repeat(self.starts[rows], sizes) + counting(sizes)
        words = tuple(self.words[k] for k in chosen.tolist())
        return Clauses(starts_of(sizes), self.lengths[chosen], words, self.sums[chosen])


def _divided(text: str) -> list[str]:
    """Divide a segment at marks and conjunctions; what is too short for a clause goes with what follows."""
    clauses, start = [], 0
    for end in [*(match.end() for match in _END.finditer(text)), len(text)]:
        if _letters(text[start:end]) >= _SHORTEST:
            clauses.append(text[start:end])
            start = end
    return [*clauses[:-1], "".join([*clauses[-1:], text[start:]])]


def _letters(text: str) -> float:
    return len(text) + 2.75 * sum(c >= "\u2e80" for c in text)


def starts_of(sizes: Ints) -> Ints:
    """Where stretches of these sizes start that lie end to end, and where the last ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def counting(sizes: Ints) -> Ints:
    """0, 1, … up to each size, one after the other."""
    starts = np.cumsum(sizes) - sizes
    return np.asarray(np.arange(int(sizes.sum())) - np.repeat(starts, sizes))


class Runs:
    """Vectors of the clauses of each segment, of each two in a row, and of all of them.

    Parameters
    ----------
    clauses : Clauses
    head : callable
        Turns sums into unit vectors.
    shift : ndarray of shape (dim,)
        Taken off all vectors.
    """

    def __init__(self, clauses: Clauses, head: Callable[[Float], Float], shift: Float) -> None:
        n = len(clauses.lengths)
        owner = np.repeat(np.arange(len(clauses.starts) - 1), np.diff(clauses.starts))
        begin = np.concatenate([np.arange(max(0, n - k)) for k in range(_LONGEST_RUN)])
        end = np.concatenate([np.arange(min(k, n), n) for k in range(_LONGEST_RUN)])  # the last one
        long = np.flatnonzero(np.diff(clauses.starts) > _LONGEST_RUN)
        inside = owner[begin] == owner[end]
        begin = np.concatenate([begin[inside], clauses.starts[long]])
        end = np.concatenate([end[inside], clauses.starts[long + 1] - 1])
        sums = np.concatenate(
            [np.zeros((1, clauses.sums.shape[1])), np.cumsum(clauses.sums, axis=0, dtype=float)]
        )
        vectors = unit_rows(head((sums[end + 1] - sums[begin]).astype(np.float32)) - shift)
        self.clauses = vectors[:n]
        order = np.argsort(owner[begin], kind="stable")
        self._vectors = vectors[order]
        self._starts = np.searchsorted(owner[begin][order], np.arange(len(clauses.starts)))

    def likeness(self, other: Runs, clause: Ints, segment: Ints) -> NDArray[np.float32]:
        """Cosines of clauses with the run in a segment of the other side that is most like them.

        Parameters
        ----------
        other : Runs
            The other side.
        clause, segment : ndarray of int of the same shape (n,)
            Ascending in `clause`.
        """
        found = np.zeros(len(clause), dtype=np.float32)
        for start in range(0, len(self.clauses), _CLAUSES_PER_TILE):
            here = slice(*np.searchsorted(clause, (start, start + _CLAUSES_PER_TILE)).tolist())
            if here.start == here.stop:
                continue
            low, high = int(segment[here].min()), int(segment[here].max()) + 1
            runs = other._vectors[other._starts[low] : other._starts[high]]
            cosines = self.clauses[start : start + _CLAUSES_PER_TILE] @ runs.T
            best = np.maximum.reduceat(cosines, other._starts[low:high] - other._starts[low], axis=1)
            found[here] = best[clause[here] - start, segment[here] - low]
        return found
