"""Permutation entropy, statistical complexity, their bounds, and the choice of the delay."""

from itertools import permutations
from math import factorial, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pesin.entropy.ordinal import (
    code_counts,
    complexity_bounds,
    complexity_entropy,
    delay_for,
    from_counts,
    natural_period,
    pattern_codes,
    pattern_complexity,
    pattern_counts,
    pattern_entropy,
    periodic_bound,
)
from pesin.systems.flows import lorenz63
from pesin.systems.maps import henon, iterate, logistic
from pesin.systems.noise import coloured_noise

SERIES = arrays(float, st.integers(30, 80), elements=st.integers(-50, 50).map(float))


@pytest.fixture(scope="module")
def logistic_series():
    return iterate(logistic, np.array([0.1234]), 100_000)[:, 0]


@pytest.mark.parametrize(
    ("order", "entropy", "complexity", "patterns"),
    [(3, 0.8306, 0.1662, 5), (4, 0.7388, 0.2918, 12), (5, 0.679767, 0.399114, 31), (6, 0.629430, 0.484138, 75)],
)
def test_logistic_map(logistic_series, order, entropy, complexity, patterns):
    found = complexity_entropy(logistic_series, order)
    assert found.permutation_entropy == pytest.approx(entropy, abs=6e-5 if order < 5 else 1e-6)
    assert found.statistical_complexity == pytest.approx(complexity, abs=6e-5 if order < 5 else 1e-6)
    assert found.patterns == patterns


def test_logistic_map_short():
    found = complexity_entropy(iterate(logistic, np.array([0.1234]), 2000)[:, 0])
    assert found.permutation_entropy == pytest.approx(0.678824, abs=1e-6)


def test_logistic_pattern_probabilities(logistic_series):
    p = np.sort(pattern_counts(logistic_series, 3) / (logistic_series.size - 2))
    np.testing.assert_allclose(p, np.sort([1 / 3, 1 / 15, 4 / 15, 2 / 15, 1 / 5, 0]), atol=0.003)


def test_henon_map():
    x = iterate(henon, np.array([0.1, 0.1]), 100_000, 1000)[:, 0]
    for order, entropy, complexity in ((5, 0.616, 0.404), (6, 0.556, 0.459)):
        found = complexity_entropy(x, order)
        assert found.permutation_entropy == pytest.approx(entropy, abs=2e-3)
        assert found.statistical_complexity == pytest.approx(complexity, abs=2e-3)


def test_white_noise_and_its_bias():
    rng = np.random.default_rng(0)
    long, short = rng.normal(size=100_000), np.random.default_rng(0).normal(size=2000)
    found = complexity_entropy(long)
    assert found.permutation_entropy == pytest.approx(0.9999, abs=1e-4)
    assert found.statistical_complexity == pytest.approx(0.0002, abs=2e-4)
    assert found.patterns == 120
    found = complexity_entropy(short)
    assert found.permutation_entropy == pytest.approx(0.992984, abs=1e-6)
    assert found.statistical_complexity == pytest.approx(0.0115, abs=3e-3)
    # Miller and Madow's estimate explains the loss: 119 / (2 x 1996 ln 120) = 0.0062.
    assert found.bias == pytest.approx(-0.0062, abs=1e-4)
    assert 1 - found.permutation_entropy + found.bias == pytest.approx(0, abs=2e-3)


@pytest.mark.parametrize(("exponent", "entropy", "complexity"), [(-1, 0.979, 0.036), (1, 0.985, 0.027)])
def test_coloured_noise(exponent, entropy, complexity):
    found = complexity_entropy(coloured_noise(np.random.default_rng(1), exponent, (4, 100_000)))
    assert found.permutation_entropy.mean() == pytest.approx(entropy, abs=2e-3)
    assert found.statistical_complexity.mean() == pytest.approx(complexity, abs=3e-3)


@pytest.mark.parametrize("exponent", [-2, -1, 1, 2])
def test_coloured_noise_has_the_exact_probability_of_a_monotone_triple(exponent):
    # Gaussian increments d1, d2 of correlation r: P(d1, d2 > 0) = 1/4 + arcsin(r) / (2 pi), for the given spectrum.
    n = 2**15
    f = np.fft.rfftfreq(n)[1:]
    power = f**exponent * np.where(f == 0.5, 1, 2) * 4 * np.sin(np.pi * f) ** 2
    r = (power * np.cos(2 * np.pi * f)).sum() / power.sum()
    counts = pattern_counts(coloured_noise(np.random.default_rng(2), exponent, (20, n)), 3)
    assert counts[:, 0].mean() / (n - 2) == pytest.approx(0.25 + np.arcsin(r) / (2 * np.pi), abs=2e-3)


@pytest.mark.parametrize(
    ("ratio", "entropy", "complexity"),
    [(0.1, 0.266, 0.229), (0.3, 0.469, 0.367), (0.4, 0.510, 0.392), (0.49, 0.538, 0.409)],
)
def test_sine(ratio, entropy, complexity):
    x = np.sin(2 * np.pi * np.arange(20_000) * 0.01 + 0.1)
    found = complexity_entropy(x, 5, int(delay_for(ratio, 1, 0.01)))
    assert found.permutation_entropy == pytest.approx(entropy, abs=6e-4)
    assert found.statistical_complexity == pytest.approx(complexity, abs=6e-4)
    assert found.patterns == 14
    assert found.permutation_entropy <= periodic_bound(5)


def test_sine_of_phase_zero_is_decided_by_rounding():
    x = np.sin(2 * np.pi * np.arange(20_000) * 0.01)
    # Exact ties: the value depends on how the times were computed (0.526 here), and isn't the generic 0.510.
    assert complexity_entropy(x, 5, 10).permutation_entropy > 0.515


def test_sums_of_sines_and_noisy_sines():
    rng, time = np.random.default_rng(3), np.arange(20_000) * 0.01
    primes = np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97])
    for count, entropy in zip((1, 2, 3, 5, 10, 25), (0.508, 0.537, 0.557, 0.613, 0.594, 0.632), strict=True):
        phases = rng.uniform(0, 2 * np.pi, (10, count, 1))
        x = np.sin(2 * np.pi * np.sqrt(primes[:count])[:, None] / 3 * time + phases).sum(1)
        found = complexity_entropy(x, 5, delay_for(0.4, natural_period(x, 0.01), 0.01))
        assert found.permutation_entropy.mean() == pytest.approx(entropy, abs=0.02)
    sine = np.sin(2 * np.pi * time + 0.1)
    for noise, entropy in zip((0.05, 0.1, 0.3, 1, 3), (0.549, 0.570, 0.708, 0.958, 0.998), strict=True):
        found = complexity_entropy(sine + noise * sine.std() * rng.normal(size=sine.size), 5, 10)
        assert found.permutation_entropy == pytest.approx(entropy, abs=6e-3)


def test_standard_sine_of_the_catalogue():
    x = np.sin(2 * np.pi * np.arange(2000) / 50)
    assert complexity_entropy(x, 5).permutation_entropy == pytest.approx(0.269431, abs=2e-3)


def test_bounds():
    assert periodic_bound(5) == pytest.approx(log(14) / log(120))
    assert periodic_bound(5) == pytest.approx(0.55124, abs=1e-5)
    counts = np.zeros(120)
    counts[[0, 119]] = 1
    assert pattern_entropy(counts) == pytest.approx(0.144783, abs=1e-6)
    for order, largest in ((3, 0.2915), (4, 0.3541), (5, 0.4248)):
        lower, upper = complexity_bounds(order)
        assert upper[:, 1].max() == pytest.approx(largest, abs=1e-4)
        assert np.all(np.diff(upper[:, 0]) >= -1e-12) and np.all(np.diff(lower[:, 0]) >= -1e-12)
        for curve in (lower, upper):
            np.testing.assert_allclose(curve[[0, -1]], [[0, 0], [1, 0]], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=24, max_size=24).filter(any))
def test_every_distribution_lies_between_the_bounds(counts):
    found = from_counts(np.array(counts))
    lower, upper = complexity_bounds(4, 2000)
    h, c = found.permutation_entropy, found.statistical_complexity
    assert np.interp(h, *lower.T) - 1e-3 <= c <= np.interp(h, *upper.T) + 1e-3


def test_monotone_and_constant_series():
    for x in (np.arange(50.0), -np.arange(50.0), np.ones(50)):
        found = complexity_entropy(x)
        assert found.permutation_entropy == 0 and found.statistical_complexity == 0 and found.patterns == 1


def test_codes_number_the_permutations():
    windows = np.array(list(permutations(range(5))), float)
    codes = pattern_codes(windows)[:, 0]
    assert sorted(codes) == list(range(120))
    assert pattern_codes(np.arange(5.0))[0] == 0 and pattern_codes(np.zeros(5))[0] == 0
    assert pattern_codes(-np.arange(5.0))[0] == 119


@settings(max_examples=40, deadline=None)
@given(SERIES, st.integers(3, 5), st.integers(1, 4))
def test_codes_are_the_stable_argsort(x, order, delay):
    codes = pattern_codes(x, order, delay)
    windows = np.stack([x[i : i + codes.size] for i in range(0, order * delay, delay)], -1)
    ranks = np.argsort(windows, axis=-1, kind="stable")
    assert len(np.unique(codes)) == len(np.unique(ranks, axis=0))
    _, counts = np.unique(ranks, axis=0, return_counts=True)
    assert sorted(counts) == sorted(code_counts(codes, order)[code_counts(codes, order) > 0])


@settings(max_examples=40, deadline=None)
@given(SERIES, st.integers(1, 3))
def test_unchanged_by_increasing_maps(x, delay):
    one = complexity_entropy(x, 4, delay)
    other = complexity_entropy(np.exp(x / 20) * 3 + 1, 4, delay)
    assert one.permutation_entropy == pytest.approx(other.permutation_entropy, rel=1e-12)
    assert one.statistical_complexity == pytest.approx(other.statistical_complexity, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_unchanged_by_time_reversal(seed, delay):
    x = np.random.default_rng(seed).normal(size=200)  # no ties: those are broken by the direction of time
    one, other = complexity_entropy(x, 4, delay), complexity_entropy(x[::-1], 4, delay)
    assert one.permutation_entropy == pytest.approx(other.permutation_entropy)
    assert one.statistical_complexity == pytest.approx(other.statistical_complexity)


def test_batch_is_the_loop():
    x = np.random.default_rng(4).normal(size=(3, 4, 300))
    delay = np.arange(1, 13).reshape(3, 4)
    whole = complexity_entropy(x, 4, delay)
    for index in np.ndindex(3, 4):
        alone = complexity_entropy(x[index], 4, int(delay[index]))
        assert all(a == pytest.approx(b[index], rel=1e-12) for a, b in zip(alone, whole, strict=True))
    assert whole.windows[2, 3] == 300 - 3 * 12


@pytest.mark.parametrize(
    ("x", "order", "delay", "said"),
    [
        ([1, np.nan, 2, 3], 3, 1, r"x\[1\] is nan"),
        ([1, 2, 3], 5, 1, "needs at least"),
        ([1, 2, 3], 1, 1, "order"),
        ([1, 2], 2, 0, "delay"),
    ],
)
def test_refuses(x, order, delay, said):
    with pytest.raises(ValueError, match=said):
        pattern_codes(x, order, delay)


def test_uniform_counts_have_no_complexity():
    assert pattern_complexity(np.full(factorial(4), 7)) == pytest.approx(0, abs=1e-12)
    assert pattern_entropy(np.full(factorial(4), 7)) == pytest.approx(1)


def test_natural_period_and_delay():
    time = np.arange(20_000) * 0.01
    assert natural_period(np.sin(2 * np.pi * time / 1.7 + 0.3), 0.01) == pytest.approx(1.7, rel=0.01)
    assert natural_period(np.ones(10)) == np.inf
    np.testing.assert_array_equal(delay_for([0.1, 0.4, 1e-9], 1, 0.01), [2, 10, 1])


def test_coarse_sampling_makes_a_flow_look_stochastic():
    from pesin.integrate.ode import rk4

    x = rk4(lorenz63, np.array([[1.0, 1.0, 20.0]]), 0.01, 30_000)[0, 3000:, 0]
    period = float(natural_period(x, 0.01))
    fine, coarse = (complexity_entropy(x, 5, int(delay_for(r, period, 0.01))).permutation_entropy for r in (0.1, 10))
    assert fine < periodic_bound(5) < 0.95 < coarse
