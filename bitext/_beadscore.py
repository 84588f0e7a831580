"""Scores of single beads, learned from alignments that people made: candidate beads in, scores out.

The plain program of `bitext.alignment` leaves a few beads per segment that are worth considering.  Each is described
here by what its two sides have in common: vectors of the whole, of the whole with a segment more or less at either
end, and of what lies outside; lengths; punctuation, and how regularly this translator keeps it; words, by a lexicon
adapted to the document.  A score is the weighted sum, in nats: differences of scores are log odds.  The weights
(`_beadscore.json`) maximize the probability of people's alignments among all paths through the candidates
(`models/fit_alignment.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bitext._clauses import Runs, counting
from bitext._evidence import FLAGS, MARKS, Evidence, translation_tables
from bitext._kernels import Float, Ints, unit_rows

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BEADS_PER_BLOCK = 8192
_MOST_PASSAGES = 4000
"""So many passages suffice to learn words from."""


class Segments(Protocol):
    """One side of a document, as `bitext.alignment.Side`."""

    @property
    def windows(self) -> Float:
        """Vectors of windows."""

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Lengths of segments."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned.

    Attributes
    ----------
    features : dict of str to float
        Weight of each feature; features that are not in it are not used.
    gap_open : float
        Added when an omission or addition starts.
    """

    features: dict[str, float]
    gap_open: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Beads, as arrays of one entry each.

    Attributes
    ----------
    i, j : ndarray of int
        First source and target segment; ascending in `i`.
    a, b : ndarray of int
        Number of source and target segments.
    base : ndarray of float
        Score by the plain program, over its temperature.
    posterior : ndarray of float
        Probability by the plain program.
    """

    i: Ints
    j: Ints
    a: Ints
    b: Ints
    base: Float
    posterior: Float

    def __len__(self) -> int:
        return len(self.i)

    def turned(self) -> Candidates:
        """Return the same with source and target exchanged."""
        return Candidates(self.j, self.i, self.b, self.a, self.base, self.posterior)

    def part(self, chosen: Ints) -> Candidates:
        """Only some of them."""
        return Candidates(*(getattr(self, name)[chosen] for name in Candidates.__slots__))


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """Return the weights that come with bitext."""
    data = json.loads(resources.files("bitext").joinpath("_beadscore.json").read_text(encoding="utf-8"))
    return Weights(data["features"], data["gap_open"])


def scores(
    source: tuple[Segments, Evidence],
    target: tuple[Segments, Evidence],
    beads: Candidates,
    ratio: float,
    passages: Sequence[tuple[range, range]],
    *,
    weights: Weights | None = None,
) -> NDArray[np.float64]:
    """Score candidate beads.

    Parameters
    ----------
    source, target : (Segments, Evidence)
        One of them Chinese.
    beads : Candidates
    ratio : float
        Target length over source length where both say the same.
    passages : sequence of (range, range)
        A first alignment; words and habits are learned from it.
    weights : Weights, optional
        By default those that come with bitext.

    Returns
    -------
    ndarray of shape (len(beads),)
        In nats.
    """
    weights = weights or shipped_weights()
    result = np.zeros(len(beads))
    for chosen, columns in features(source, target, beads, ratio, passages):
        result[chosen] = sum(columns[name] * weight for name, weight in weights.features.items())
    return result


def features(
    source: tuple[Segments, Evidence],
    target: tuple[Segments, Evidence],
    beads: Candidates,
    ratio: float,
    passages: Sequence[tuple[range, range]],
) -> Iterator[tuple[Ints, dict[str, Float]]]:
    """Describe candidate beads, block by block; parameters as for `scores`.

    Features are named for the Chinese side (zh) and the other (en), whichever is the source.

    Yields
    ------
    chosen : ndarray of int
        Which beads.
    columns : dict of str to ndarray of shape (len(chosen),)
    """
    if not source[1].is_chinese:
        turned = [(t, s) for s, t in passages]
        yield from features(target, source, beads.turned(), 1.0 / ratio, turned)
        return
    habits = _habits(source[1], target[1], passages)
    some = passages[:: -(-len(passages) // _MOST_PASSAGES) or 1]
    words = _Words(source[1], target[1], translation_tables(source[1], target[1], some))
    alone = [
        lone(start, size, len(side.lengths), beads.posterior)
        for (side, _), start, size in ((source, beads.i, beads.a), (target, beads.j, beads.b))
    ]
    shift = [_shift(evidence) for _, evidence in (source, target)]
    order = np.argsort(beads.i, kind="stable")
    for at in range(0, len(beads), _BEADS_PER_BLOCK):
        chosen = order[at : at + _BEADS_PER_BLOCK]
        block = beads.part(chosen)
        zh = _View(*source, alone[0], shift[0], block.i, block.a)
        en = _View(*target, alone[1], shift[1], block.j, block.b)
        yield (
            chosen,
            {
                "base": block.base,
                **_context_features(zh, en, block.posterior),
                **_shape_features(block),
                **_vector_features(zh, en),
                **_second_features(zh, en),
                **_length_features(zh, en, ratio),
                **_mark_features(zh, en),
                **_flag_features(zh, en),
                **_habit_features(zh, en, habits),
                **words.features(block),
                **_clause_features(zh, en, words),
            },
        )


class _View:
    """One side of a block of beads."""

    def __init__(
        self, side: Segments, evidence: Evidence, lone: Float, shift: Float, start: Ints, size: Ints
    ) -> None:
        n = len(side.lengths)
        low, high = max(0, int(start.min()) - 1), min(n, int((start + size).max()) + 1)
        rows = np.arange(low, high)
        # the block is a small document of its own, with a neighbor at either end where there is one
        self.start, self.size, self.n = start - low, size, high - low
        self.stop = self.start + size
        self.evidence = evidence.part(rows)
        self.lengths, self.lone = side.lengths[low:high], lone[low:high]
        self.windows = side.windows[:, low:high]
        self.segments = self.windows[0]
        self.own = side.windows[size - 1, start]
        weighted = self.segments * np.sqrt(np.maximum(self.lengths, 1.0))[:, None]
        self._sums = _running(weighted).astype(np.float32)
        self._second = _SecondWindows(self.evidence, shift, self.start, self.size)
        self.runs = Runs(self.evidence.clauses, evidence.head, shift)
        self.low, self.first_clause = low, int(evidence.clauses.starts[low])

    def composed(self, more_left: int = 0, more_right: int = 0) -> tuple[Float, NDArray[np.bool_]]:
        """Composed windows with a segment more (or, negative, less) at the ends, and which of them exist."""
        start, stop = self.start - more_left, self.stop + more_right
        exists = (start >= 0) & (stop <= self.n) & (start < stop)
        window = self._sums[np.clip(stop, 0, self.n)] - self._sums[np.clip(start, 0, self.n)]
        return unit_rows(window), exists

    def whole(self, more_left: int, more_right: int) -> tuple[Float, NDArray[np.bool_]]:
        """Windows as embedded, with segments added or taken at the ends, and which of them exist."""
        start, size = self.start - more_left, self.size + more_left + more_right
        inside = (start >= 0) & (size >= 1) & (size <= len(self.windows)) & (start + size <= self.n)
        windows = self.windows[np.where(inside, size - 1, 0), np.where(inside, start, 0)]
        return windows, inside & (np.abs(windows).max(axis=1) > 0)

    def second(self, more_left: int = 0, more_right: int = 0) -> tuple[Float, NDArray[np.bool_]]:
        """Windows by the second encoder, with segments added or taken at the ends, and which of them exist."""
        return self._second.of(self.start - more_left, self.stop + more_right)

    def second_segments(self, at: Ints) -> Float:
        """Segments by the second encoder."""
        return self._second.of(at, at + 1)[0]

    def at(self, offset: int, *, end: bool) -> tuple[Ints, NDArray[np.bool_]]:
        """Segments at some distance from the first or the last of each bead, and which of them exist."""
        at = (self.stop - 1 if end else self.start) + offset
        return np.clip(at, 0, self.n - 1), (at >= 0) & (at < self.n)

    def total(self, values: Float) -> Float:
        """Add up a value of segments over the segments of each bead."""
        sums = _running(values)
        return np.asarray(sums[self.stop] - sums[self.start])

    def flag(self, name: str) -> NDArray[np.bool_]:
        """One of `FLAGS` of all segments."""
        return self.evidence.flags[:, FLAGS.index(name)]


class _SecondWindows:
    """Windows by the second encoder, each computed once: those of the beads, a segment more or less, and segments."""

    def __init__(self, evidence: Evidence, shift: Float, start: Ints, size: Ints) -> None:
        self._n = len(evidence.words)
        ends = [(start - left, start + size + right) for left, right in _CHANGES]
        rows = np.arange(self._n)
        first, stop = (np.concatenate(sides) for sides in zip(*ends, (rows, rows + 1), strict=True))
        exists = (first >= 0) & (stop <= self._n) & (first < stop)
        self._keys = np.unique(self._key(first[exists], stop[exists]))
        sums = _running(evidence.sums)
        windows = sums[self._keys % (self._n + 1)] - sums[self._keys // (self._n + 1)]
        self._vectors = unit_rows(evidence.head(windows.astype(np.float32)) - shift)

    def _key(self, start: Ints, stop: Ints) -> Ints:
        return start * (self._n + 1) + stop

    def of(self, start: Ints, stop: Ints) -> tuple[Float, NDArray[np.bool_]]:
        """Vectors of windows, and which of them exist."""
        exists = (start >= 0) & (stop <= self._n) & (start < stop)
        at = np.searchsorted(self._keys, np.where(exists, self._key(start, stop), 0))
        return self._vectors[np.minimum(at, len(self._keys) - 1)], exists


_CHANGES = ((0, 0), (1, 0), (0, 1), (-1, 0), (0, -1))


def _shift(evidence: Evidence) -> Float:
    """Return what all segments share in the second encoder, trusted less the fewer there are."""
    n = len(evidence.sums)
    return np.asarray(evidence.head(evidence.sums).mean(axis=0) * (n / (n + 8.0)))


_ENDS = ((False, "left", -1), (True, "right", 1))


def _running(values: Float) -> Float:
    return np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0, dtype=np.float64)])


def _dot(a: Float, b: Float) -> Float:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def lone(start: Ints, size: Ints, n: int, posterior: Float) -> Float:
    """Probability that a segment is in no bead, from those of the beads."""
    steps = np.bincount(start, posterior, minlength=n + 1) - np.bincount(
        start + size, posterior, minlength=n + 1
    )
    return np.asarray(1.0 - np.clip(np.cumsum(steps)[:-1], 0.0, 1.0))


def _context_features(zh: _View, en: _View, posterior: Float) -> dict[str, Float]:
    columns: dict[str, Float] = {
        "log posterior": np.log(np.clip(posterior, 1e-5, 1.0)),
        "posterior": posterior,
    }
    for name, view in (("zh", zh), ("en", en)):
        sizes = np.log(np.maximum(view.lengths, 4.0)) - 4.0
        columns[f"{name} lone"] = view.total(view.lone)
        columns[f"{name} sizes"] = view.total(sizes)
        for end, where, step in _ENDS:
            at, exists = view.at(step, end=end)
            columns[f"{name} {where} size outside"] = np.where(exists, sizes[at], 0.0)
            columns[f"{name} {where} lone outside"] = np.where(exists, view.lone[at], 0.0)
            at, _ = view.at(0, end=end)
            columns[f"{name} {where} size inside"] = np.where(view.size > 1, sizes[at], 0.0)
    return columns


def _shape_features(beads: Candidates) -> dict[str, Float]:
    small, large = np.minimum(beads.a, beads.b), np.maximum(beads.a, beads.b)
    columns = {
        f"{a}-{b}": (beads.a == a) & (beads.b == b)
        for a, b in ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (1, 4), (2, 2), (2, 3), (3, 2))
    }
    columns |= {
        "zh more": beads.a - 1,
        "en more": beads.b - 1,
        "fewest more": small - 1,
        "many": np.maximum(large - 2, 0),
        "several to several": small >= 2,
    }
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _vector_features(zh: _View, en: _View) -> dict[str, Float]:
    cosine = _dot(zh.own, en.own)
    columns: dict[str, Float] = {"cosine": cosine, "composed": _dot(zh.composed()[0], en.composed()[0])}
    for name, here, there in (("zh", zh, en), ("en", en, zh)):
        plain = _dot(here.composed()[0], there.own)
        for end, where, step in _ENDS:
            outside, exists = here.at(step, end=end)
            columns[f"{name} {where} outside"] = np.where(
                exists, _dot(here.segments[outside], there.own), 0.0
            )
            for change, more in (("longer", 1), ("shorter", -1)):
                by = (more * int(not end), more * int(end))
                window, exists = here.composed(*by)
                gain = np.where(exists, _dot(window, there.own) - plain, -0.1)
                columns[f"{name} {where} {change}"] = gain
                window, exists = here.whole(*by)
                columns[f"{name} {where} {change} whole"] = np.where(
                    exists, _dot(window, there.own) - cosine, np.minimum(gain, 0.0)
                )
            last = here.segments[here.at(0, end=end)[0]]
            columns[f"{name} {where} inside"] = np.where(here.size > 1, _dot(last, there.own), cosine)
            beyond, exists = there.at(step, end=end)
            columns[f"{name} {where} beyond"] = np.where(exists, _dot(last, there.segments[beyond]), 0.0)
    ends = [f"{name} {where}" for name in ("zh", "en") for _, where, _ in _ENDS]
    columns["outside"] = np.sum([columns[f"{end} outside"] for end in ends], axis=0)
    columns["best outside"] = np.max([columns[f"{end} outside"] for end in ends], axis=0) - cosine
    columns["best shorter"] = np.max([columns[f"{end} shorter"] for end in ends], axis=0)
    columns["best longer"] = np.max([columns[f"{end} longer"] for end in ends], axis=0)
    columns["best longer whole"] = np.max([columns[f"{end} longer whole"] for end in ends], axis=0)
    columns["best shorter whole"] = np.max([columns[f"{end} shorter whole"] for end in ends], axis=0)
    return columns


def _second_features(zh: _View, en: _View) -> dict[str, Float]:
    """Describe beads as `_vector_features` does, by the second encoder."""
    own = {"zh": zh.second()[0], "en": en.second()[0]}
    cosine = _dot(own["zh"], own["en"])
    columns: dict[str, Float] = {"second cosine": cosine}
    for name, here, there in (("zh", zh, "en"), ("en", en, "zh")):
        for end, where, step in _ENDS:
            outside, exists = here.at(step, end=end)
            values = _dot(here.second_segments(outside), own[there])
            columns[f"second {name} {where} outside"] = np.where(exists, values, 0.0)
            for change, more in (("longer", 1), ("shorter", -1)):
                window, exists = here.second(more * int(not end), more * int(end))
                gain = _dot(window, own[there]) - cosine
                columns[f"second {name} {where} {change}"] = np.where(exists, gain, -0.1)
            last = here.second_segments(here.at(0, end=end)[0])
            columns[f"second {name} {where} inside"] = _dot(last, own[there])
            view = en if there == "en" else zh
            beyond, exists = view.at(step, end=end)
            values = _dot(last, view.second_segments(beyond))
            columns[f"second {name} {where} beyond"] = np.where(exists, values, 0.0)
    ends = [f"second {name} {where}" for name in ("zh", "en") for _, where, _ in _ENDS]
    neighbors = [columns[f"{end} outside"] for end in ends]
    columns["second margin"] = cosine - 0.125 * np.sum(neighbors, axis=0)
    columns["second best outside"] = np.max(neighbors, axis=0) - cosine
    for change in ("longer", "shorter"):
        columns[f"second best {change}"] = np.max([columns[f"{end} {change}"] for end in ends], axis=0)
    return columns


def _length_features(zh: _View, en: _View, ratio: float) -> dict[str, Float]:
    x, y = zh.total(zh.lengths) * ratio, en.total(en.lengths)
    off = np.log(np.maximum(y, 1.0)) - np.log(np.maximum(x, 1.0))
    deviation = np.abs(y - x) / np.sqrt(10.0 * (x + y) + 50.0)
    return {
        "length off": off,
        "length misfit": np.log1p((off / 0.5) ** 2),
        "length deviation": deviation,
        "length deviation squared": np.minimum(deviation**2, 25.0),
        "length": np.log(x + y + 1.0),
    }


def _mark_features(zh: _View, en: _View) -> dict[str, Float]:
    x, y = zh.total(zh.evidence.marks), en.total(en.evidence.marks)
    columns: dict[str, Float] = {}
    for k, name in enumerate(MARKS):
        columns[f"{name} off"] = np.abs(np.minimum(x[:, k], 4) - np.minimum(y[:, k], 4))
        columns[f"{name} both"] = np.minimum(np.minimum(x[:, k], y[:, k]), 3)
    pauses = [MARKS.index(name) for name in ("clause", "pause", "stop")]
    columns["clauses off"] = np.abs(np.log1p(x[:, pauses].sum(axis=1)) - np.log1p(y[:, pauses].sum(axis=1)))
    return columns


def _flag_features(zh: _View, en: _View) -> dict[str, Float]:
    columns: dict[str, NDArray[np.bool_] | Float] = {}
    for name in (
        "starts_quote",
        "ends_sentence",
        "ends_question",
        "ends_exclamation",
        "ends_open",
        "ends_quote",
    ):
        p, q = (v.flag(name)[v.at(0, end=name.startswith("ends"))[0]] for v in (zh, en))
        columns[f"{name} differs"], columns[f"{name} both"] = p != q, p & q
    for name, view in (("zh", zh), ("en", en)):
        columns[f"{name} starts small"] = view.flag("starts_small")[view.start]
        columns[f"{name} ends open"] = view.flag("ends_open")[view.stop - 1]
        after, exists = view.at(1, end=True)
        columns[f"{name} small follows"] = view.flag("starts_small")[after] & exists
        before, exists = view.at(-1, end=False)
        columns[f"{name} open precedes"] = view.flag("ends_open")[before] & exists
    quoted = [(v.evidence.quoted[v.start], np.append(v.evidence.quoted, False)[v.stop]) for v in (zh, en)]
    columns["quoted differs"] = quoted[0][0] != quoted[1][0]
    columns["quoted after differs"] = quoted[0][1] != quoted[1][1]
    for name, (start, stop) in zip(("zh", "en"), quoted, strict=True):
        columns[f"{name} quoted"], columns[f"{name} quoted after"] = start, stop
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _signs(evidence: Evidence) -> dict[str, tuple[bool, Ints]]:
    """List what is compared at the starts or ends (True) of beads, and which segments have it."""
    flags = {name: evidence.flags[:, k].astype(np.int64) for k, name in enumerate(FLAGS)}
    return {
        "starts_quote": (False, flags["starts_quote"]),
        "starts_quoted": (False, evidence.quoted.astype(np.int64)),
        "ends_quote": (True, flags["ends_quote"]),
        "ends_quoted": (True, np.append(evidence.quoted, False)[1:].astype(np.int64)),
        "ends_question": (True, flags["ends_question"]),
        "ends_exclamation": (True, flags["ends_exclamation"]),
        "ends_open": (True, flags["ends_open"]),
    }


def _habits(zh: Evidence, en: Evidence, passages: Sequence[tuple[range, range]]) -> dict[str, Float]:
    """How much likelier the signs at the ends of a bead are together than apart, in this document.

    One translator keeps quotation marks, another drops them; the first alignment tells.
    """
    tables = {}
    signs = _signs(zh), _signs(en)
    for name, (at_end, _) in signs[0].items():
        p, q = (
            signs[k][name][1][[r[k].stop - 1 if at_end else r[k].start for r in passages]] for k in (0, 1)
        )
        counts = np.bincount(p * 2 + q, minlength=4).reshape(2, 2) + 0.5
        counts /= counts.sum()
        odds = np.log(counts / (counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True)))
        tables[name] = np.clip(odds, -3.0, 3.0)
    return tables


def _habit_features(zh: _View, en: _View, habits: dict[str, Float]) -> dict[str, Float]:
    signs = _signs(zh.evidence), _signs(en.evidence)
    return {
        f"habit {name}": table[
            signs[0][name][1][zh.at(0, end=signs[0][name][0])[0]],
            signs[1][name][1][en.at(0, end=signs[0][name][0])[0]],
        ]
        for name, table in habits.items()
    }


class _Words:
    """What the words of two sides tell of each other."""

    def __init__(self, zh: Evidence, en: Evidence, tables: tuple[csr_array, csr_array]) -> None:
        self.forth = _Information(zh, en, tables[0])
        self.back = _Information(en, zh, tables[1])

    def features(self, beads: Candidates) -> dict[str, Float]:
        columns: dict[str, Float] = {}
        for name, information, own in (
            ("forth", self.forth, (beads.i, beads.a, beads.j, beads.b)),
            ("back", self.back, (beads.j, beads.b, beads.i, beads.a)),
        ):
            gain, found, weight = information.of_segments(*own)
            columns[f"{name} gain"] = gain
            columns[f"{name} mean"] = gain / np.maximum(weight, 1.0)
            columns[f"{name} cover"] = found / np.maximum(weight, 1.0)
            columns[f"{name} missing"] = np.log1p(weight - found)
        columns["gain"] = columns["forth gain"] + columns["back gain"]
        columns["mean"] = columns["forth mean"] + columns["back mean"]
        columns["least cover"] = np.minimum(columns["forth cover"], columns["back cover"])
        return columns


_UNEXPLAINED = 0.3
"""Share of words that come from nothing on the other side."""


class _Information:
    """How much likelier the words of one side become by those of the other."""

    def __init__(self, given: Evidence, made: Evidence, table: csr_array) -> None:
        from scipy.sparse import csr_array

        sizes = np.array([len(w) for w in given.words], dtype=np.int64)
        flat = np.concatenate([*given.words, np.zeros(0, np.int64)])
        rows = np.repeat(np.arange(len(sizes)), sizes)
        shape = (len(sizes), len(given.vocabulary))
        counts = csr_array((np.ones(len(flat), np.float32), (rows, flat)), shape=shape)
        self._reach = (counts @ table.astype(np.float32)).tocsr()  # what each segment lets expect
        self._given_lengths = np.concatenate([[0], np.cumsum(sizes)])
        self._clauses = made.clauses.starts
        self._sizes = np.array([len(w) for w in made.clauses.words], dtype=np.int64)
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._words = np.concatenate([*made.clauses.words, np.zeros(0, np.int64)])
        seen = np.bincount(self._words, minlength=len(made.vocabulary)) + 1.0
        self._frequency = seen / seen.sum()
        self._rarity = np.clip(-np.log(self._frequency) / 8.0, 0.1, 1.2)

    def of_segments(self, i: Ints, a: Ints, j: Ints, b: Ints) -> tuple[Float, Float, Float]:
        """Sum of log likelihood ratios, weight of the words explained, weight of all words of each bead."""
        return self.of_clauses(i, a, self._clauses[j], self._clauses[j + b] - self._clauses[j])

    def of_clauses(self, i: Ints, a: Ints, j: Ints, b: Ints) -> tuple[Float, Float, Float]:
        """Do the same for `b` clauses from clause `j` on."""
        # each clause with each window of the other side once, then its words
        owner = np.repeat(np.arange(len(i)), b)
        clause = np.repeat(j, b) + counting(b)
        n = len(self._sizes)
        kinds, kind = np.unique((i[owner] * 16 + a[owner]) * n + clause, return_inverse=True)
        window, clause = kinds // n, kinds % n
        first, size = window // 16, window % 16
        which = np.repeat(np.arange(len(kinds)), self._sizes[clause])
        word = self._words[
            np.repeat(self._starts[clause], self._sizes[clause]) + counting(self._sizes[clause])
        ]

        low, high = int(first.min()), int((first + size).max())
        sums = _running(self._reach[low:high].toarray())
        expected = sums[(first + size - low)[which], word] - sums[(first - low)[which], word]
        length = self._given_lengths[first + size] - self._given_lengths[first]
        share = expected / np.maximum(length, 1)[which]
        ratio = np.log(_UNEXPLAINED + (1 - _UNEXPLAINED) * share / self._frequency[word])
        rarity = self._rarity[word]
        of_kind = (
            np.bincount(which, values, minlength=len(kinds))
            for values in (np.minimum(ratio, 4.0), rarity * np.minimum(expected * 2.5, 1.0), rarity)
        )
        gain, found, weight = (
            np.bincount(owner, values[kind], minlength=len(i)).astype(np.float64) for values in of_kind
        )
        return gain, found, weight


_WORDS_SHARE = 0.25
"""What the words of a clause that are found again count, beside its cosine."""


def _clause_features(zh: _View, en: _View, words: _Words) -> dict[str, Float]:
    """How well the clauses of a bead are found in its other side, and in the segments next to that."""
    columns: dict[str, Float] = {}
    for name, here, there, information in (("zh", zh, en, words.back), ("en", en, zh, words.forth)):
        for what, values in _found_again(here, there, information).items():
            columns[f"{name} {what}"] = values
    for what in ("leak", "edge leak"):
        ends = [columns[f"{name} {where} {what}"] for name in ("zh", "en") for _, where, _ in _ENDS]
        columns[what] = np.sum(ends, axis=0)
    columns["least found"] = np.minimum(columns["zh least found"], columns["en least found"])
    return columns


def _found_again(here: _View, there: _View, information: _Information) -> dict[str, Float]:
    """Describe one side: a clause that is better found outside the bead than in it *leaks*."""
    clauses = here.evidence.clauses
    start, sizes = clauses.starts[here.start], clauses.starts[here.stop] - clauses.starts[here.start]
    owner, clause = np.repeat(np.arange(len(sizes)), sizes), np.repeat(start, sizes) + counting(sizes)
    first, last = np.cumsum(sizes) - sizes, np.cumsum(sizes) - 1
    inside, *outside = _likeness(here, there, owner, clause, information)
    columns = {"least found": np.minimum.reduceat(inside, first)}
    for beside, edge, (_, where, _) in zip(outside, (first, last), _ENDS, strict=True):
        leak = np.maximum(beside - inside, 0.0) * clauses.lengths[clause] / 40.0
        columns[f"{where} leak"] = np.bincount(owner, leak, minlength=len(sizes))
        columns[f"{where} edge leak"] = np.clip(beside - inside, -0.5, 1.0)[edge]
        columns[f"{where} edge found"] = inside[edge]
    return columns


def _likeness(
    here: _View, there: _View, owner: Ints, clause: Ints, information: _Information
) -> tuple[Float, Float, Float]:
    """How well clauses are found in the other side of their bead, in the segment before it, and in that behind."""
    n = there.size[owner] + 2
    segment = np.repeat(there.start[owner] - 1, n) + counting(n)
    exists = (segment >= 0) & (segment < there.n)
    keys, kind = np.unique(np.repeat(clause, n)[exists] * there.n + segment[exists], return_inverse=True)
    one, pairs = np.ones(len(keys), dtype=np.int64), (keys // there.n, keys % there.n)
    _, found, weight = information.of_clauses(pairs[1] + there.low, one, pairs[0] + here.first_clause, one)
    values = here.runs.likeness(there.runs, *pairs) + _WORDS_SHARE * (found + 0.1) / (weight + 0.2)
    likeness = np.zeros(len(segment))
    likeness[exists] = values[kind]
    before, behind = np.cumsum(n) - n, np.cumsum(n) - 1
    beside = likeness[before], likeness[behind]
    likeness[before] = likeness[behind] = -1.0
    return np.maximum.reduceat(likeness, before), *beside
