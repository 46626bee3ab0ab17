"""Attractor statistics: known divergences, and scores of runs that died or left."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.forecast.attractor import (
    block_bootstrap_divergence,
    hellinger_distance,
    mixture_divergence,
    power_spectrum,
    state_space_divergence,
)
from pesin.integrate.ode import rk4
from pesin.systems.flows import lorenz63


@pytest.fixture(scope="module")
def lorenz():
    """Ten independent orbits of 10 000 points, 0.03 time units apart, standardised."""
    start = np.array([0, 0, 25.0]) + 5 * np.random.default_rng(0).standard_normal((10, 3))
    x = rk4(lorenz63, start, 0.015, 2000 + 20_000, 2)[:, 1001:]
    return (x - x.mean((0, 1))) / x.std((0, 1))


def by_histogram(true, generated, bins=30, eps=1e-5):
    """The definition, with all cells in memory."""
    edges = [np.linspace(x.min() - 0.1 * x.std(), x.max() + 0.1 * x.std(), bins + 1) for x in true.T]
    p, q = (np.histogramdd(x, edges)[0].ravel() + eps for x in (true, generated))
    p, q = p / (len(true) + eps * p.size), q / (len(generated) + eps * q.size)
    return np.sum(p * np.log(p / q))


def test_sparse_cells_are_the_full_histogram(lorenz):
    rng = np.random.default_rng(1)
    inside = np.clip(lorenz[1, :3000] + 0.1 * rng.standard_normal((3000, 3)), lorenz[0].min(0), lorenz[0].max(0))
    assert state_space_divergence(lorenz[0], inside) == pytest.approx(by_histogram(lorenz[0], inside), rel=1e-10)


def test_an_orbit_is_at_no_distance_from_itself(lorenz):
    assert state_space_divergence(lorenz[0], lorenz[0]) == pytest.approx(0, abs=1e-12)
    assert hellinger_distance(lorenz[0], lorenz[0]) == pytest.approx(0, abs=1e-7)


def test_a_fixed_point_scores_fourteen_and_more(lorenz):
    """Nearly ln((n + eps K) / eps) - H(p): it grows with the logarithm of the generated length n."""
    long = lorenz.reshape(-1, 3)
    assert state_space_divergence(long, np.full((20_000, 3), 0.1)) == pytest.approx(14.7, abs=0.2)
    assert state_space_divergence(long, np.full((100_000, 3), 0.1)) == pytest.approx(14.7 + np.log(5), abs=0.2)
    assert 14.1 < state_space_divergence(long[:15_000], np.full((15_000, 3), 0.1)) < 14.6


def test_floor_of_two_true_orbits(lorenz):
    pieces = lorenz.reshape(5, -1, 3)[:, :15_000]
    floors = [float(state_space_divergence(a, b)) for a, b in zip(pieces[:-1], pieces[1:], strict=True)]
    assert 0.15 < np.mean(floors) < 0.6


def test_leaving_or_diverging_is_as_bad_as_dying(lorenz):
    true = lorenz[0]
    dead = state_space_divergence(true, np.full_like(true, 0.1))
    for lost in (np.full_like(true, 1e9), np.full_like(true, np.nan), np.full_like(true, np.inf)):
        assert state_space_divergence(true, lost) == pytest.approx(dead, abs=0.05)
        assert hellinger_distance(true, lost) == 1


def test_batch_is_the_loop(lorenz):
    batch = lorenz[1:7].reshape(2, 3, *lorenz.shape[1:])
    for score in (state_space_divergence, hellinger_distance):
        loop = [score(lorenz[0], orbit) for orbit in lorenz[1:7]]
        np.testing.assert_allclose(score(lorenz[0], batch), np.reshape(loop, (2, 3)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 5), st.floats(-3, 3), st.integers(2, 3))
def test_bounds(seed, scale, shift, dim):
    rng = np.random.default_rng(seed)
    true, other = rng.standard_normal((400, dim)), scale * rng.standard_normal((400, dim)) + shift
    assert state_space_divergence(true, other, bins=10) >= -1e-12
    assert 0 <= hellinger_distance(true, other) <= 1


def test_hellinger_of_disjoint_lines_is_one():
    t = np.arange(4000)
    slow, fast = np.sin(2 * np.pi * t / 200)[:, None], np.sin(2 * np.pi * t / 8)[:, None]
    assert hellinger_distance(slow, fast) > 0.99
    assert power_spectrum(slow).sum() == pytest.approx(1)


def test_mixture_of_two_points_is_the_gaussian_divergence():
    a, b = np.zeros((5, 6)), np.zeros((5, 6))
    b[:, 0] = 1.5
    got = mixture_divergence(a, b, np.random.default_rng(0), variance=0.5, samples=40_000)
    assert got == pytest.approx(1.5**2 / (2 * 0.5), rel=0.02)
    assert mixture_divergence(a, a, np.random.default_rng(0)) == pytest.approx(0, abs=1e-12)
    assert mixture_divergence(a, a + np.nan, np.random.default_rng(0)) == np.inf


def test_bootstrap_interval_is_where_other_orbits_of_the_system_fall(lorenz):
    biased = lorenz * [1.1, 1.1, 1.0]
    low, high = block_bootstrap_divergence(lorenz[0], biased[1], np.random.default_rng(0))
    others = state_space_divergence(lorenz[0], biased[2:])
    assert low < high
    assert low - 0.3 < np.median(others) < high + 0.3
