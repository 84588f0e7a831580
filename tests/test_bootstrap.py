"""Intervals over passages: seeded, paired, and honest about how little a short text says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from bitext import _bootstrap
from bitext._bootstrap import interval, mean_interval, resampled_means


def test_means_are_those_of_units_drawn_by_hand() -> None:
    """The slow twin: draw indices, average what they point at."""
    values, weights = np.array([[0.2, 1.0], [0.9, 0.0], [0.5, 0.5]]), np.array([1.0, 3.0, 2.0])
    rng = np.random.default_rng(_bootstrap._SEED)
    drawn = rng.integers(3, size=(50, 3))
    expected = [
        [sum(weights[i] * values[i, c] for i in row) / sum(weights[i] for i in row) for c in range(2)]
        for row in drawn
    ]
    np.testing.assert_allclose(resampled_means(values, weights, n_resamples=50), expected)


def test_blocks_of_draws_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long text is drawn in blocks to bound memory; the answer must not show it."""
    rng = np.random.default_rng(1)
    values, weights = rng.random((40, 2)), rng.random(40)
    whole = resampled_means(values, weights)
    monkeypatch.setattr(_bootstrap, "_AT_ONCE", 1000)
    np.testing.assert_allclose(resampled_means(values, weights), whole)


def test_units_without_weight_take_no_part() -> None:
    """Blank lines and additions have no source characters."""
    values, weights = np.array([[0.3], [0.0], [0.8]]), np.array([2.0, 0.0, 1.0])
    assert_array_equal(resampled_means(values, weights), resampled_means(values[[0, 2]], weights[[0, 2]]))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 100)), min_size=2, max_size=30))
@settings(deadline=None, max_examples=30)
def test_the_interval_stays_within_the_values(units: list[tuple[float, float]]) -> None:
    """A fidelity interval outside [0, 1] would be nonsense on its face."""
    values, weights = (np.array(column) for column in zip(*units, strict=True))
    found = mean_interval(values, weights)
    assert found is not None
    low, high = found
    assert values.min() - 1e-12 <= low <= high <= values.max() + 1e-12


def test_one_unit_or_none_has_no_interval() -> None:
    """Zero width would claim certainty that a single sentence cannot give."""
    assert mean_interval([0.7], [5.0]) is None
    assert mean_interval([0.7, 0.1], [5.0, 0.0]) is None
    assert mean_interval([], []) is None


def test_few_units_get_a_wider_interval_than_percentiles() -> None:
    """Plain percentiles are too narrow for short texts."""
    means = np.linspace(0, 1, 1001)
    few, many = interval(means, np.ones(6)), interval(means, np.ones(10_000))
    assert few is not None
    assert many is not None
    assert few[0] < 0.006
    assert many == pytest.approx((0.025, 0.975), abs=1e-3)


def test_95_percent_of_intervals_hold_the_mean_of_a_normal_population() -> None:
    """Coverage, the one thing an interval promises."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        found = mean_interval(rng.normal(0.5, 0.1, 12), np.ones(12))
        assert found is not None
        hits += found[0] <= 0.5 <= found[1]
    assert 0.92 <= hits / 300 <= 0.98
