"""The law of alignment: every segment in exactly one bead, and no path scores better than the one returned."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import _kernels as kernels
from bitext.alignment import (
    Options,
    Side,
    align_windows,
    assemble_windows,
    center,
    drop_unsupported,
    find_moved,
    needed_windows,
)
from bitext.data import Alignment, Bead, Document
from bitext.errors import AlignmentError

OPTIONS = Options(max_overlap=2, max_size=3)


def side(seed: int, n: int, *, overlap: int = 2) -> Side:
    """Make a document of random unit vectors."""
    rng = np.random.default_rng(seed)
    vectors = kernels.unit_rows(rng.standard_normal((n, 8)).astype(np.float32))
    lengths = rng.integers(5, 60, n).astype(np.float64)
    return Side(kernels.compose_windows(vectors, lengths, overlap), lengths)


def translation(rng: np.random.Generator, n: int, dim: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Make a document and a noisy copy of it."""
    source = rng.standard_normal((n, dim)).astype(np.float32)
    target = source + 0.4 * rng.standard_normal((n, dim)).astype(np.float32)
    return kernels.unit_rows(source), kernels.unit_rows(target)


def whole(vectors: np.ndarray, *, overlap: int = 5) -> Side:
    lengths = np.full(len(vectors), 30.0)
    return Side(kernels.compose_windows(center(vectors), lengths, overlap), lengths)


def kinds(beads: list[Bead]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [(tuple(b.source), tuple(b.target)) for b in beads]


def brute_force(source: Side, target: Side, options: Options) -> float:
    """Best total over all paths, written for reading: gaps are taken one segment at a time."""
    n, m = len(source), len(target)
    rows = scores_of(source, target, options)
    memo: dict[tuple[int, int, str], float] = {}

    def best(i: int, j: int, gap: str) -> float:
        if (i, j) == (n, m):
            return 0.0
        if (i, j, gap) not in memo:
            moves = []
            for s, (a, b) in enumerate(options.shapes):
                if i + a <= n and j + b <= m:
                    moves.append(float(rows.gains[s, rows.band.offsets[i] + j]) + best(i + a, j + b, ""))
            for kind, di, dj in (("omission", 1, 0), ("addition", 0, 1)):
                if i + di <= n and j + dj <= m:
                    price = options.gap_extend + (0.0 if gap == kind else options.gap_open)
                    moves.append(price + best(i + di, j + dj, kind))
            memo[i, j, gap] = max(moves)
        return memo[i, j, gap]

    return best(0, 0, "")


def scores_of(source: Side, target: Side, options: Options) -> kernels.BeadScores:
    band = kernels.Band.full(len(source), len(target))
    weights = kernels.Weights(options.margin, options.spread, options.size, 1.1)
    return kernels.score_beads(
        source.windows, target.windows, source.lengths, target.lengths, options.shapes, band, weights
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10_000))
def test_the_dynamic_program_finds_the_best_path(n: int, m: int, seed: int) -> None:
    """The fast kernel and the slow readable twin agree on the best total."""
    source, target = side(seed, n), side(seed + 1, m)
    scores = scores_of(source, target, OPTIONS)
    lattice = kernels.forward(scores, OPTIONS.costs, best=True)
    assert lattice.closed[-2] == pytest.approx(brute_force(source, target, OPTIONS), abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 10_000), st.sampled_from(["monotone", "free"]))
def test_every_segment_is_in_exactly_one_bead(n: int, m: int, seed: int, order: str) -> None:
    """Whatever the vectors say, nothing is lost; `Alignment` itself refuses anything else."""
    beads = align_windows(side(seed, n), side(seed + 1, m), order=order, options=OPTIONS)
    source, target = (
        Document("x" * k, lang, [(i, i + 1) for i in range(k)]) for k, lang in ((n, "zh"), (m, "en"))
    )
    alignment = Alignment(source, target, tuple(beads), order=order)
    assert all(b.score is None if b.is_null else 0.0 <= b.score <= 1.0 for b in alignment)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 10_000))
def test_forward_and_backward_agree_on_the_total(n: int, m: int, seed: int) -> None:
    """Posteriors are only probabilities if both passes sum over the same paths."""
    scores = scores_of(side(seed, n), side(seed + 1, m), OPTIONS)
    lattice = kernels.forward(scores, OPTIONS.costs, best=False, temperature=0.1)
    ahead = kernels.backward(scores, OPTIONS.costs, temperature=0.1)
    assert lattice.closed[-2] == pytest.approx(ahead[0], rel=1e-6, abs=1e-6)


def test_swapping_the_languages_mirrors_the_beads() -> None:
    """Nothing in the aligner may favor the source side."""
    source, target = translation(np.random.default_rng(3), 20)
    target = np.delete(target, [4, 5], axis=0)
    forward = kinds(align_windows(whole(source), whole(target)))
    backward = kinds(align_windows(whole(target), whole(source)))
    assert sorted((t, s) for s, t in backward) == sorted(forward)


def test_a_large_inserted_block_comes_out_as_additions() -> None:
    """A preface must not be forced onto the text that follows it."""
    rng = np.random.default_rng(5)
    source, target = translation(rng, 30)
    preface = kernels.unit_rows(rng.standard_normal((12, 48)).astype(np.float32))
    beads = align_windows(whole(source), whole(np.concatenate([preface, target])))
    assert kinds(beads)[:12] == [((), (j,)) for j in range(12)]
    assert (
        sum(
            (b.source, b.target) == (range(i, i + 1), range(i + 12, i + 13)) for i, b in enumerate(beads[12:])
        )
        >= 28
    )


def test_a_dropped_block_comes_out_as_omissions_also_between_anchors() -> None:
    """An omission far larger than any window does not push the search off the truth."""
    source, target = translation(np.random.default_rng(6), 400)
    target = np.delete(target, np.arange(100, 250), axis=0)
    beads = align_windows(whole(source), whole(target), options=Options(full_cells=1000))
    omitted = [i for b in beads if b.is_omission for i in b.source]
    assert set(range(105, 245)) <= set(omitted)
    assert len(omitted) <= 160


def test_the_band_gives_the_beads_of_the_full_matrix() -> None:
    """Searching between anchors is a saving, not another method."""
    source, target = translation(np.random.default_rng(7), 150)
    full = align_windows(whole(source), whole(target))
    banded = align_windows(whole(source), whole(target), options=Options(full_cells=1000))
    assert kinds(full) == kinds(banded)


def test_moved_passages_are_found_in_free_order() -> None:
    """A report that quotes the second half first is still aligned."""
    source, target = translation(np.random.default_rng(8), 24)
    moved = np.concatenate([target[12:], target[:12]])
    beads = align_windows(whole(source), whole(moved), order="free")
    right = sum(
        b.target == range((b.source.start + 12) % 24, (b.source.start + 12) % 24 + 1)
        for b in beads
        if not b.is_null
    )
    assert right >= 22


def test_a_gap_is_not_filled_when_the_passage_belongs_elsewhere() -> None:
    """A report inserts an earlier sentence where it leaves out one that is a little like it."""
    source, target = translation(np.random.default_rng(9), 24)
    quoted = 0.3 * source[12] + 0.8 * source[2]
    report = np.concatenate([target[3:12], [quoted / np.linalg.norm(quoted)], target[13:]])
    sides = whole(source), whole(report)
    in_order = [Bead(range(i + 3, i + 4), range(i, i + 1), 0.99) for i in range(21)]
    in_order[9] = Bead(range(12, 13), range(9, 10), 0.6)
    beads = find_moved(in_order, *sides)
    assert Bead(range(2, 3), range(9, 10)) in [Bead(b.source, b.target) for b in beads]


def test_beads_of_unrelated_texts_are_taken_apart() -> None:
    """The last sentence and a disclaimer are not a translation because nothing else was left to pair."""
    pairs = [Bead(range(i, i + 1), range(i, i + 1), 0.99, 0.8) for i in range(9)]
    beads = drop_unsupported([*pairs, Bead(range(9, 11), range(9, 10), 0.6, 0.02)])
    assert beads[:9] == pairs
    assert [b.kind for b in beads[9:]] == ["0-1", "1-0", "1-0"] or [b.kind for b in beads[9:]] == [
        "1-0",
        "1-0",
        "0-1",
    ]
    unsure = [Bead(range(1), range(1), 0.2, 0.1), Bead(range(1, 2), range(1, 2), 0.9, 0.1)]
    assert drop_unsupported([]) == []
    assert [b.kind for b in drop_unsupported(unsure) if not b.is_null] == ["1-1"]


def test_only_windows_that_matter_are_asked_for() -> None:
    """Embedding every window would cost many times the text; the likely ones are few."""
    source, target = translation(np.random.default_rng(9), 60)
    lengths = np.full(60, 30.0)
    windows = needed_windows(source, target, lengths, lengths)
    assert all(len(w) > 1 for side_windows in windows for w in side_windows)
    assert max(len(w) for w in windows) < 2 * 60


def test_windows_that_were_not_embedded_are_not_used() -> None:
    """A bead may only stand on vectors that exist."""
    source, target = translation(np.random.default_rng(10), 12)
    windows = assemble_windows(source, [range(3, 5)], source[3:4], max_overlap=5)
    assert np.abs(windows[1:]).sum(axis=2).astype(bool).sum() == 1
    other = assemble_windows(target, [], np.empty((0, 48), np.float32), max_overlap=5)
    lengths = np.full(12, 30.0)
    assert all(
        len(b.source) <= 1 or b.source == range(3, 5)
        for b in align_windows(Side(windows, lengths), Side(other, lengths))
    )


@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 0), (0, 1), (0, 0), (1, 9)])
def test_tiny_documents_do_not_crash(n: int, m: int) -> None:
    """Bertalign raises IndexError on some of these."""
    beads = align_windows(side(1, n), side(2, m), options=OPTIONS)
    assert sum(len(b.source) for b in beads) == n
    assert sum(len(b.target) for b in beads) == m


def test_two_hundred_identical_segments_align_in_order() -> None:
    """Repetition gives no information, but it must not break anything."""
    vectors = np.tile(kernels.unit_rows(np.ones((1, 16), np.float32)), (200, 1))
    beads = align_windows(whole(vectors), whole(vectors))
    assert sum(len(b.source) for b in beads) == 200


def test_sides_of_different_encoders_are_refused() -> None:
    """Vectors of two encoders have nothing to do with each other."""
    with pytest.raises(AlignmentError, match="Embed both with one encoder"):
        align_windows(side(1, 3, overlap=2), side(2, 3, overlap=3))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=9))
def test_the_longest_chain_is_the_longest(columns: list[int]) -> None:
    """Checked against all subsequences."""
    array = np.array(columns, dtype=np.int64)
    chain = kernels.longest_chain(np.arange(len(array)), array)
    picked = array[chain]
    assert np.all(np.diff(picked) > 0)
    longest = max(
        (
            k
            for k in range(len(columns) + 1)
            for c in itertools.combinations(columns, k)
            if list(c) == sorted(set(c))
        ),
        default=0,
    )
    assert len(chain) == longest


@pytest.mark.parametrize(("n", "m"), [(1, 0), (0, 1), (0, 0)])
def test_a_document_of_nothing_needs_no_windows(n: int, m: int) -> None:
    """An empty translation is an answer, not an error."""
    sides = (np.ones((n, 4), np.float32) / 2, np.ones((m, 4), np.float32) / 2)
    assert needed_windows(*sides, np.ones(n), np.ones(m)) == ([], [])
