"""Two bags of segments come in, in any order and mostly without a counterpart; pairs that translate each other go out.

A pair is found by its *margin*: the cosine of its sides over the mean cosine of each with its nearest neighbors
on the other side (Artetxe & Schwenk 2019).  A segment that resembles everything has a low margin however high
its cosines are.  The search is exact and compares in tiles, so that memory is bounded whatever the size of the
bags; FAISS can take its place.

What a margin is worth depends on the bags: among a thousand pairs of translations one may trust it, among a
million segments with few translations chance makes margins as high.  So each pair gets a probability, from its
margin as seen against the margins of those that were not chosen, from how much its sides have in common, and from
the share of translations in these bags, which is estimated from all their pairs (Saerens et al. 2002).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bitext._kernels import Float, Ints, Neighbors, nearest_neighbors
from bitext.embedding import Embedder, load_embedder
from bitext.errors import AlignmentError, MissingExtraError

Retrieval = Literal["mutual", "max", "forward", "backward"]
RETRIEVALS: tuple[Retrieval, ...] = ("mutual", "max", "forward", "backward")

# logistic weights of `Links.evidence`, the bias, and the share of right pairs that they were fitted with, by
# `python benchmarks/mining.py DATA --fit`
_WEIGHTS = (1.8297, 6.9744)
_BIAS = -11.1822
_SHARE = 0.3537
# what the log margins of pairs that were not chosen look like, for bags that are too small to tell
_USUAL, _SPREAD, _FEW = -0.043, 0.036, 50
_FLAT = 50_000  # up to so many segments FAISS searches exactly, too


@dataclass(frozen=True, slots=True)
class MinedPair:
    """Segments that are likely to translate each other.

    Attributes
    ----------
    source, target : tuple of int
        Where they are in their bags: all places, if the same text is there more than once.
    probability : float
        That they do.
    margin : float
        Above 1, they resemble each other more than what else is near them.
    similarity : float
        Cosine, rescaled so that segments of these bags taken at random have 0.
    """

    source: tuple[int, ...]
    target: tuple[int, ...]
    probability: float
    margin: float
    similarity: float


@dataclass(frozen=True, slots=True)
class Mined(Sequence[MinedPair]):
    """The pairs, most probable first, and what became of the rest.

    Attributes
    ----------
    pairs : tuple of MinedPair
    precision : float
        Share of right pairs among them by estimate; 1 if there are none.
    n_segments, n_blank, n_repeated : tuple of (int, int)
        Source and target: how many segments there were, how many of them without text, and how many that repeat
        an earlier one.
    n_copied : int
        Texts that are in both bags; none is paired with itself.
    n_left_out : int
        Pairs that were retrieved and are not good enough.
    """

    pairs: tuple[MinedPair, ...]
    precision: float
    n_segments: tuple[int, int]
    n_blank: tuple[int, int]
    n_repeated: tuple[int, int]
    n_copied: int
    n_left_out: int

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: Any) -> Any:
        return self.pairs[index]

    def __iter__(self) -> Iterator[MinedPair]:
        return iter(self.pairs)


def mine(
    source_segments: Sequence[str],
    target_segments: Sequence[str],
    *,
    embedder: str | Embedder = "zh-en",
    precision: float | None = None,
    threshold: float | None = None,
    retrieval: Retrieval = "mutual",
    search: Literal["exact", "faiss"] = "exact",
    device: str | None = None,
) -> Mined:
    """Find the pairs that translate each other in two bags of segments.

    Taken are the pairs that are more likely right than wrong, or as `precision` or `threshold` says.

    Parameters
    ----------
    source_segments, target_segments : sequence of str
        In any order.  Blank segments are left out; those that repeat are taken as one.
    embedder : str or Embedder
        A packaged name, a folder, a SentenceTransformer name, or an object with ``embed``.
    precision : float, optional
        As many pairs are taken as leave this share of them right by estimate.
    threshold : float, optional
        Pairs of this margin or better are taken.
    retrieval : {"mutual", "max", "forward", "backward"}
        "mutual": both are the best for each other; "max": each is used once, best pairs first; "forward" and
        "backward": the best for each source, for each target.
    search : {"exact", "faiss"}
        "faiss" needs ``pip install 'bitext[faiss]'``; above 50,000 segments it is approximate.
    device : str, optional
        ``"cpu"``, ``"cuda"``; by default CUDA where there is one for the encoder, and the CPU for the search.

    Returns
    -------
    Mined

    Raises
    ------
    AlignmentError
        If the settings contradict each other, or one string is given instead of segments.
    MissingExtraError
        If FAISS is asked for and not installed.
    """
    _require_valid(threshold, precision, retrieval, search)
    encoder = load_embedder(embedder, device=device) if isinstance(embedder, str) else embedder
    left, right = _Bag.of(source_segments), _Bag.of(target_segments)
    source, target = encoder.embed(left.texts), encoder.embed(right.texts)
    links = link(source, target, search=search, device=device or "cpu")
    differ = np.array([left.texts[i] != right.texts[j] for i, j in links.ends.tolist()], dtype=bool)
    links = links.where(differ)
    found = links.retrieved(retrieval)
    evidence = links.evidence(found, mean_cosine(source, target))
    probabilities = probabilities_of(evidence)
    order = np.lexsort((*links.ends[found].T[::-1], -probabilities))
    found, probabilities, evidence = found[order], probabilities[order], evidence[order]
    if threshold is not None:
        taken = links.margins[found] >= threshold
    elif precision is not None:
        taken = np.arange(len(found)) < _largest_with(probabilities, precision)
    else:
        taken = probabilities >= 0.5
    return Mined(
        tuple(
            MinedPair(left.places[i], right.places[j], probability, margin, similarity)
            for (i, j), probability, margin, similarity in zip(
                links.ends[found[taken]].tolist(),
                probabilities[taken].tolist(),
                links.margins[found[taken]].tolist(),
                evidence[taken, 1].tolist(),
                strict=True,
            )
        ),
        precision=float(probabilities[taken].mean()) if taken.any() else 1.0,
        n_segments=(len(source_segments), len(target_segments)),
        n_blank=(left.n_blank, right.n_blank),
        n_repeated=(left.n_repeated, right.n_repeated),
        n_copied=len(set(left.texts) & set(right.texts)),
        n_left_out=int((~taken).sum()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Pairs of which one is among the nearest neighbors of the other.

    Attributes
    ----------
    ends : ndarray of int64 of shape (n, 2)
        Number of the source and the target, in this order.
    margins, cosines : ndarray of shape (n,)
    """

    ends: Ints
    margins: Float
    cosines: Float

    def where(self, kept: NDArray[np.bool_]) -> Links:
        """Only some of them."""
        return Links(self.ends[kept], self.margins[kept], self.cosines[kept])

    def retrieved(self, retrieval: Retrieval) -> Ints:
        """Choose links; see `mine`.

        Returns
        -------
        ndarray of indices, best margin first
        """
        sides = {"forward": (True, False), "backward": (False, True)}.get(retrieval, (True, True))
        best = [self._best(side) for side, wanted in enumerate(sides) if wanted]
        chosen = np.unique(np.concatenate(best))
        if retrieval == "mutual":
            chosen = chosen[np.isin(chosen, best[0]) & np.isin(chosen, best[1])]
        chosen = chosen[np.lexsort((*self.ends[chosen].T[::-1], -self.margins[chosen]))]
        return self._each_once(chosen) if retrieval == "max" else chosen

    def evidence(self, found: Ints, mean_cosine: float) -> Float:
        """Return what the probability of some links is told from.

        Parameters
        ----------
        found : ndarray of indices
        mean_cosine : float
            Of all sources with all targets.

        Returns
        -------
        ndarray of shape (len(found), 2)
            How many spreads the log margin is above what links that were not found usually have, and the similarity.
        """
        logs = np.log(np.maximum(self.margins, 1e-3))
        others = np.delete(logs, found)
        weight = len(others) / (len(others) + _FEW)
        middle = float(np.median(others)) if len(others) else _USUAL
        spread = 1.4826 * float(np.median(np.abs(others - middle))) if len(others) else _SPREAD
        usual, spread = (
            weight * seen + (1 - weight) * known for seen, known in ((middle, _USUAL), (spread, _SPREAD))
        )
        similarity = (self.cosines[found] - mean_cosine) / (1 - mean_cosine)
        return np.stack([(logs[found] - usual) / max(spread, 1e-3), similarity], axis=1)

    def _best(self, side: int) -> Ints:
        """Link of the highest margin for each source (0) or target (1)."""
        order = np.lexsort((self.ends[:, 1 - side], -self.margins, self.ends[:, side]))
        ordered = self.ends[order, side]
        return order[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(order) else order

    def _each_once(self, links: Ints) -> Ints:
        used: tuple[set[int], set[int]] = (set(), set())
        chosen = []
        for link_, (i, j) in zip(links.tolist(), self.ends[links].tolist(), strict=True):
            if i not in used[0] and j not in used[1]:
                used[0].add(i)
                used[1].add(j)
                chosen.append(link_)
        return np.array(chosen, dtype=np.int64)


def link(
    source: Float,
    target: Float,
    *,
    n_neighbors: int = 4,
    search: Literal["exact", "faiss"] = "exact",
    device: str = "cpu",
) -> Links:
    """Find the nearest neighbors on both sides and their margins.

    Parameters
    ----------
    source, target : ndarray of shape (n, dim)
        Unit vectors.
    n_neighbors : int
    search : {"exact", "faiss"}
    device : str
        Where the exact search multiplies.
    """
    if not len(source) or not len(target):
        return Links(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0))
    find = nearest_neighbors if search == "exact" else _faiss_neighbors
    forth, back = find(source, target, n_neighbors, device=device)
    ends = np.concatenate([_numbered(forth), _numbered(back)[:, ::-1]])
    cosines = np.concatenate([forth.cosines.ravel(), back.cosines.ravel()])
    first = np.unique(ends[:, 0] * len(target) + ends[:, 1], return_index=True)[1]
    ends, cosines = ends[first], cosines[first].astype(np.float64)
    usual = (forth.cosines.mean(axis=1)[ends[:, 0]] + back.cosines.mean(axis=1)[ends[:, 1]]) / 2
    return Links(ends, cosines / np.maximum(usual, 1e-3), cosines)


def probabilities_of(evidence: Float) -> Float:
    """Turn evidence into the probability that a link is right, given the share of right ones in these bags.

    The share is the one at which it is the mean of the probabilities that it leads to.
    """
    odds = np.exp(np.clip(evidence @ np.array(_WEIGHTS) + _BIAS, -30, 30)) * (1 - _SHARE) / _SHARE
    share = _SHARE
    for _ in range(100):
        probabilities = odds * share / (odds * share + 1 - share)
        # a few links as in the bags that the weights are from, so that a handful cannot make it 0 or 1
        before, share = share, (probabilities.sum() + 4 * _SHARE) / (len(odds) + 4)
        if abs(share - before) < 1e-6:
            break
    return np.asarray(probabilities)


def _largest_with(probabilities: Float, precision: float) -> int:
    """How many of the first have this mean."""
    means = np.cumsum(probabilities) / np.arange(1, len(probabilities) + 1)
    enough = np.flatnonzero(means >= precision)
    return int(enough[-1]) + 1 if len(enough) else 0


def mean_cosine(source: Float, target: Float) -> float:
    """Of all sources with all targets, less the more so the fewer there are."""
    n = len(source) * len(target)
    return float(source.sum(axis=0) @ target.sum(axis=0)) / (n + 100) if n else 0.0


def _numbered(neighbors: Neighbors) -> Ints:
    n, k = neighbors.indices.shape
    return np.stack([np.repeat(np.arange(n), k), neighbors.indices.ravel()], axis=1)


def _faiss_neighbors(
    source: Float, target: Float, n_neighbors: int, *, device: str
) -> tuple[Neighbors, Neighbors]:
    """`nearest_neighbors` by FAISS, on the CPU."""
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError("faiss", "faiss", "searching with FAISS") from error

    def search(queries: Float, base: Float) -> Neighbors:
        index: Any = faiss.IndexFlatIP(base.shape[1])
        if len(base) > _FLAT:
            n_lists = int(4 * np.sqrt(len(base)))
            index = faiss.IndexIVFFlat(index, base.shape[1], n_lists, faiss.METRIC_INNER_PRODUCT)
            index.nprobe = max(16, n_lists // 32)
            index.train(base)
        index.add(base)
        cosines, indices = index.search(queries, min(n_neighbors, len(base)))
        return Neighbors(indices, cosines)

    return search(source, target), search(target, source)


def _require_valid(threshold: float | None, precision: float | None, retrieval: str, search: str) -> None:
    if threshold is not None and precision is not None:
        raise AlignmentError(f"threshold {threshold} and precision {precision}; expected one of them.")
    if precision is not None and not 0 < precision < 1:
        raise AlignmentError(f"precision {precision}; expected a number between 0 and 1.")
    for name, value, known in (("retrieval", retrieval, RETRIEVALS), ("search", search, ("exact", "faiss"))):
        if value not in known:
            raise AlignmentError(f"{name} {value!r}; expected one of {', '.join(known)}.")


@dataclass(frozen=True, slots=True)
class _Bag:
    """Texts of a bag, each once."""

    texts: list[str]
    places: list[tuple[int, ...]]
    n_blank: int
    n_repeated: int

    @classmethod
    def of(cls, segments: Sequence[str]) -> _Bag:
        if isinstance(segments, str):
            raise AlignmentError(
                f"mine() got one string, {segments[:20]!r}; expected a sequence of segments. Split it, or wrap it "
                "in a list."
            )
        places: dict[str, list[int]] = {}
        for number, segment in enumerate(segments):
            places.setdefault(" ".join(segment.split()), []).append(number)
        n_blank = len(places.pop("", []))
        n_repeated = len(segments) - n_blank - len(places)
        return cls(list(places), [tuple(p) for p in places.values()], n_blank, n_repeated)
