"""The kernels against slow twins that are written to be read, NumPy against torch, and bands against the whole."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitext import _anchors as anchors
from bitext import _kernels as kernels
from bitext.alignment import Options, Side, align_windows, center

SHAPES = ((1, 1), (1, 2), (2, 1), (2, 2))
COSTS = kernels.Costs(SHAPES, -0.2, -0.05)
WEIGHTS = kernels.Weights(0.5, 0.8, 0.1, 1.1)

Bead = tuple[range, range]


def windows(seed: int, n: int, *, dim: int = 8, overlap: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    vectors = kernels.unit_rows(rng.standard_normal((n, dim)).astype(np.float32))
    lengths = rng.integers(5, 60, n).astype(np.float64)
    return kernels.compose_windows(vectors, lengths, overlap), lengths


def scored(
    seed: int, n: int, m: int, band: kernels.Band | None = None, device: str = "cpu"
) -> kernels.BeadScores:
    (source, source_lengths), (target, target_lengths) = windows(seed, n), windows(seed + 1, m)
    band = band or kernels.Band.full(n, m)
    return kernels.score_beads(
        source, target, source_lengths, target_lengths, SHAPES, band, WEIGHTS, device=device
    )


def documents(seed: int, n: int, *, noise: float = 0.5, dim: int = 32) -> tuple[Side, Side]:
    """Make a document and its translation, cut at different places."""
    rng = np.random.default_rng(seed)
    units = rng.standard_normal((2 * n, dim)).astype(np.float32)
    sides = []
    for mean in (2.0, 1.6):
        starts = np.cumsum(rng.geometric(1 / mean, 2 * n))
        starts = np.concatenate([[0], starts[starts < len(units)]])
        vectors = kernels.unit_rows(np.add.reduceat(units, starts, axis=0))
        vectors += noise * rng.standard_normal(vectors.shape).astype(np.float32) / np.sqrt(dim)
        lengths = np.diff([*starts, len(units)]) * 30.0
        vectors = center(kernels.unit_rows(vectors))
        sides.append(Side(kernels.compose_windows(vectors, lengths, 5), lengths))
    return sides[0], sides[1]


def all_paths(scores: kernels.BeadScores, n: int, m: int) -> Iterator[tuple[float, tuple[Bead, ...]]]:
    """Every path with its total, one step at a time: the slow twin of the dynamic program."""

    def gain(s: int, i: int, j: int) -> float:
        return float(scores.gains[s, scores.band.cells(np.array([i]), np.array([j]))[0]])

    def walk(i: int, j: int, last: str) -> Iterator[tuple[float, tuple[Bead, ...]]]:
        if (i, j) == (n, m):
            yield 0.0, ()
        for s, (a, b) in enumerate(SHAPES):
            if i + a <= n and j + b <= m:
                for total, path in walk(i + a, j + b, "bead"):
                    yield total + gain(s, i, j), ((range(i, i + a), range(j, j + b)), *path)
        if i < n:  # a gap may be opened anew behind another
            prices = [COSTS.gap_open] + [0.0] * (last == "omission")
            for price in prices:
                for total, path in walk(i + 1, j, "omission"):
                    yield total + price + COSTS.gap_extend, path
        if last != "addition":
            for size in range(1, m - j + 1):
                for total, path in walk(i, j + size, "addition"):
                    yield total + COSTS.gap_open + size * COSTS.gap_extend, path

    yield from walk(0, 0, "")


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 10_000))
def test_totals_and_posteriors_are_those_of_all_paths_written_out(n: int, m: int, seed: int) -> None:
    """Best total and every bead's probability, by enumeration."""
    scores, temperature = scored(seed, n, m), 0.1
    totals, paths = zip(*all_paths(scores, n, m), strict=True)
    lattice = kernels.forward(scores, COSTS, best=True)
    assert lattice.closed[scores.band.exits[0]] == pytest.approx(max(totals), abs=1e-5)
    best = kernels.best_path(scores, COSTS)
    assert tuple(bead for bead in best if bead[0] and bead[1]) == paths[int(np.argmax(totals))]
    weights = np.exp((np.array(totals) - max(totals)) / temperature)
    posteriors = kernels.Posteriors.of(scores, COSTS, temperature=temperature)
    likely = {(i, j, s) for i, j, s in zip(*(part.tolist() for part in posteriors.likely(0.01)), strict=True)}
    for s, (a, b) in enumerate(SHAPES):
        for i in range(n - a + 1):
            for j in range(m - b + 1):
                bead = range(i, i + a), range(j, j + b)
                right = weights[[bead in path for path in paths]].sum() / weights.sum()
                assert posteriors.path([bead])[0] == pytest.approx(right, abs=1e-5)
                assert ((i, j, s) in likely) == (right >= 0.01)


def test_each_cell_has_one_number() -> None:
    """Also where a band is cut into parts whose rows take turns."""
    low, high = np.array([0, 0, 1, 3, 3, 5, 6]), np.array([3, 4, 5, 6, 7, 8, 9])
    band = kernels.Band.around(low, high, np.array([[2, 3], [4, 6]]))
    rows, columns = band.positions(np.arange(len(band.rows)))
    assert sorted(band.cells(rows, columns).tolist()) == list(range(band.n_cells))
    assert band.rows.tolist() == [0, 1, 2, 2, 3, 4, 4, 5, 6]
    assert band.starting(np.array([0, 2, 3, 4])).tolist() == [0, 3, 4, 6]
    assert band.ending(np.array([0, 2, 3, 4])).tolist() == [0, 2, 4, 5]


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 9), st.integers(3, 9), st.integers(0, 1000), st.data())
def test_a_cut_is_a_cell_that_the_path_must_pass(n: int, m: int, seed: int, data: st.DataObject) -> None:
    """Parts side by side give what the two halves give one after the other."""
    i, j = data.draw(st.integers(1, n - 1)), data.draw(st.integers(0, m))
    whole = kernels.Band.full(n, m)
    cut = kernels.Band.around(whole.low, whole.high, np.array([[i, j]]))
    scores = scored(seed, n, m, cut)
    path = kernels.best_path(scores, COSTS)
    at = [(0, 0), *((s.stop, t.stop) for s, t in path)]
    assert (i, j) in at
    assert at[-1] == (n, m)
    uncut = kernels.best_path(scored(seed, n, m), COSTS)
    for before, after in itertools.pairwise(uncut):
        # a cut inside a gap would make it two gaps; `anchored_band` cuts between beads only
        if (before[0].stop, before[1].stop) == (i, j) and all(map(len, (*before, *after))):
            # an omission and an addition side by side cost the same in either order
            assert [bead for bead in path if all(bead)] == [bead for bead in uncut if all(bead)]
    posteriors = kernels.Posteriors.of(scores, COSTS, temperature=0.1)
    reached = kernels.forward(scores, COSTS, best=False, temperature=0.1).closed[cut.exits]
    np.testing.assert_allclose(reached, posteriors.totals, rtol=1e-5, atol=1e-5)


def test_a_long_document_gets_the_beads_of_the_exact_program() -> None:
    """Anchors and cuts are a saving, not another method."""
    source, target = documents(3, 700)
    exact = align_windows(source, target)
    banded = align_windows(source, target, options=Options(full_cells=50_000))
    assert [(b.source, b.target) for b in banded] == [(b.source, b.target) for b in exact]
    gaps = [abs(b.score - e.score) for b, e in zip(banded, exact, strict=True) if b.score is not None]
    assert max(gaps) < 0.01


def test_dividing_a_document_finds_the_anchors_that_comparing_all_of_it_finds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A chapter left out on either side included."""
    source, target = documents(4, 3000)
    left, right = np.delete(source.windows[0], np.arange(500, 900), axis=0), target.windows[0]
    lengths = np.delete(source.lengths, np.arange(500, 900))
    bands = []
    for compared in (1 << 40, 1_000_000):
        monkeypatch.setattr(anchors, "_COMPARED", compared)
        bands.append(anchors.anchored_band(left, right, lengths, most_cells=1_000_000))
    assert bands[1].n_cells < 1.3 * bands[0].n_cells
    same = (bands[0].low[: len(left)] == bands[1].low[: len(left)]).mean()
    assert same > 0.5


def test_texts_that_have_nothing_in_common_do_not_fill_the_memory() -> None:
    """Without anchors the band is the diagonal, not the whole matrix."""
    rng = np.random.default_rng(1)
    a, b = (kernels.unit_rows(rng.standard_normal((n, 16)).astype(np.float32)) for n in (6000, 8000))
    band = anchors.anchored_band(a, b, np.ones(6000), most_cells=1_000_000)
    assert band.n_cells < 4_000_000
    assert band.low[0] == 0
    assert band.high[-1] == 8000


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 90), st.integers(1, 5), st.integers(3, 50), st.integers(0, 1000))
def test_nearest_neighbors_in_tiles_are_those_of_one_product(
    n: int, m: int, k: int, tile: int, seed: int
) -> None:
    """On both sides, whatever the tiles."""
    rng = np.random.default_rng(seed)
    a, b = (kernels.unit_rows(rng.standard_normal((size, 12)).astype(np.float32)) for size in (n, m))
    for found, product in zip(kernels.nearest_neighbors(a, b, k, tile=tile), (a @ b.T, b @ a.T), strict=True):
        wanted = np.sort(product, axis=1)[:, ::-1][:, :k]
        np.testing.assert_allclose(found.cosines, wanted, atol=1e-5)
        np.testing.assert_allclose(
            np.take_along_axis(product, found.indices, axis=1), found.cosines, atol=1e-5
        )


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("k", [1, 4])
def test_the_largest_of_wide_tiles_are_found_in_groups(axis: int, k: int) -> None:
    """The shortcut for wide tiles is the plain search, also where the groups leave a rest."""
    values = np.random.default_rng(2).standard_normal((1000, 417)).astype(np.float32)
    best, found = kernels._largest(values, k, axis=axis)
    rows = values if axis == 1 else values.T
    np.testing.assert_array_equal(np.sort(best, axis=1), np.sort(np.argsort(-rows, axis=1)[:, :k], axis=1))
    np.testing.assert_array_equal(found, np.take_along_axis(rows, best, axis=1))


def _devices() -> list[object]:
    import torch

    absent = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
    return ["cpu:0", pytest.param("cuda", marks=[pytest.mark.cuda, absent])]


@pytest.mark.parametrize("device", _devices())
def test_torch_gives_the_beads_of_numpy(device: str) -> None:
    """The CUDA path is the torch path on another device."""
    numpy, torch = scored(5, 40, 50), scored(5, 40, 50, device=device)
    np.testing.assert_allclose(numpy.gains, torch.gains, atol=1e-4)
    source, target = documents(6, 300)
    options = Options(full_cells=1000)
    beads = [align_windows(source, target, options=options, device=d) for d in ("cpu", device)]
    assert [(b.source, b.target) for b in beads[0]] == [(b.source, b.target) for b in beads[1]]


@pytest.mark.parametrize("device", _devices())
def test_torch_finds_the_neighbors_of_numpy(device: str) -> None:
    """Tiles on the device, merging in memory."""
    a, b = windows(1, 60)[0][0], windows(2, 80)[0][0]
    for numpy, torch in zip(
        kernels.nearest_neighbors(a, b, 3, tile=32),
        kernels.nearest_neighbors(a, b, 3, tile=32, device=device),
        strict=True,
    ):
        np.testing.assert_array_equal(numpy.indices, torch.indices)
        np.testing.assert_allclose(numpy.cosines, torch.cosines, atol=1e-5)
