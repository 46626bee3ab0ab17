"""The 0-1 test, surrogates, bootstraps, classification, sample and spectral entropy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.entropy.chaos_tests import zero_one_test
from pesin.entropy.ordinal import complexity_entropy, pattern_codes
from pesin.entropy.spectral import periodogram_entropy
from pesin.entropy.templates import sample_entropy
from pesin.forecast.classify import area_under_curve, cohens_kappa, confusion, macro_f1, nearest_centroid
from pesin.stats.bootstrap import block_counts, moving_blocks, unit_bootstrap
from pesin.stats.surrogates import iaaft, rank_p_value
from pesin.systems.maps import iterate, logistic


def test_zero_one_test_tells_chaos_from_order():
    start = np.linspace(0.11, 0.43, 6)[:, None]
    chaotic = iterate(logistic, start, 1000, 200)[..., 0]
    regular = iterate(logistic, start, 1000, 200, (3.55,))[..., 0]
    rng = np.random.default_rng(0)
    assert zero_one_test(rng, chaotic).min() > 0.95
    assert np.abs(zero_one_test(rng, regular)).max() < 0.1


def test_zero_one_test_is_the_definition():
    x = np.random.default_rng(1).normal(size=(2, 60)) + 0.3
    found = zero_one_test(np.random.default_rng(2), x, 3)
    x = x - x.mean(-1, keepdims=True)  # then the oscillating part, which goes with the square of the mean, is 0
    expected = []
    for c in np.random.default_rng(2).uniform(np.pi / 5, 4 * np.pi / 5, 3):
        walk = np.cumsum(x * np.exp(1j * c * np.arange(1, 61)), -1)
        lags = np.arange(1, 7)
        moved = np.stack([(np.abs(walk[:, n : n + 54] - walk[:, :54]) ** 2).mean(-1) for n in lags], -1)
        expected.append([np.corrcoef(lags, row)[0, 1] for row in moved])
    np.testing.assert_allclose(found, np.median(expected, 0), rtol=1e-9)


def test_iaaft_keeps_values_and_spectrum_and_nothing_else():
    x = iterate(logistic, np.array([0.1234]), 1000)[:, 0]
    surrogates = iaaft(np.random.default_rng(0), x, 20)
    assert surrogates.shape == (20, 1000)
    np.testing.assert_array_equal(np.sort(surrogates, -1), np.broadcast_to(np.sort(x), (20, 1000)))
    power, own = np.abs(np.fft.rfft(surrogates)), np.abs(np.fft.rfft(x))
    assert np.sqrt(((power - own) ** 2).sum(-1) / (own**2).sum()).max() < 0.03
    p = rank_p_value(complexity_entropy(x).permutation_entropy, complexity_entropy(surrogates).permutation_entropy)
    assert p == pytest.approx(1 / 21)


def test_iaaft_p_values_of_noise_are_uniform():
    x = np.random.default_rng(1).normal(size=(100, 200))
    null = complexity_entropy(iaaft(np.random.default_rng(2), x, 19, 10), 4).permutation_entropy
    p = rank_p_value(complexity_entropy(x, 4).permutation_entropy, null)
    assert 0.4 < p.mean() < 0.65 and (p <= 0.05).mean() < 0.13


def test_unit_bootstrap():
    x = np.random.default_rng(0).normal(size=200)
    value, low, high = unit_bootstrap(np.random.default_rng(1), np.mean, (x,))
    assert value == pytest.approx(x.mean(), rel=1e-12) and low < value < high
    assert (high - low) / 2 == pytest.approx(1.96 * x.std() / np.sqrt(200), rel=0.15)
    assert unit_bootstrap(np.random.default_rng(1), lambda x: np.nan, (x,))[1:] == (-np.inf, np.inf)


@settings(max_examples=30, deadline=None)
@given(st.integers(5, 60), st.integers(1, 70), st.integers(0, 99))
def test_block_counts_are_those_of_the_resampled_series(length, block, seed):
    codes = np.random.default_rng(seed).integers(6, size=length)
    counts = block_counts(np.random.default_rng(seed), codes, 6, block, 4)
    starts = moving_blocks(np.random.default_rng(seed), length, block, 4)
    for row, first in zip(counts, starts, strict=True):
        series = np.concatenate([codes[s : s + min(block, length)] for s in first])
        assert series.size >= length
        np.testing.assert_array_equal(row, np.bincount(series, minlength=6))


def test_block_bootstrap_error_covers_the_spread_over_seeds():
    x = iterate(logistic, np.random.default_rng(0).uniform(0.1, 0.9, (60, 1)), 3000, 100)[..., 0]
    spread = complexity_entropy(x).permutation_entropy.std()
    counts = block_counts(np.random.default_rng(1), pattern_codes(x[0]), 120, 20, 200)
    p = counts / counts.sum(1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropies = -np.nansum(p * np.log(p), 1) / np.log(120)
    assert entropies.std() == pytest.approx(spread, rel=0.5)


def test_nearest_centroid():
    found = nearest_centroid([[0.1, 0], [0.9, 1], [np.nan, 0]], [[0, 0], [1, 1]])
    np.testing.assert_array_equal(found, [0, 1, -1])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9), st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_area_under_curve_is_a_probability_of_pairs(positive, negative):
    pairs = [(a > b) + (a == b) / 2 for a in positive for b in negative]
    assert area_under_curve(positive, negative) == pytest.approx(np.mean(pairs))


def test_kappa_and_f1():
    from sklearn.metrics import cohen_kappa_score, f1_score

    rng = np.random.default_rng(0)
    first, second = rng.random((2, 50)) < 0.4
    assert cohens_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))
    assert np.isnan(cohens_kappa([True] * 3, [True] * 3))
    truth, guess = rng.integers(3, size=(2, 60))
    assert macro_f1(truth, guess, 3) == pytest.approx(f1_score(truth, guess, average="macro"))
    assert confusion([0, 0, 1], [0, -1, 1], 2).tolist() == [[1, 0], [0, 1]]
    assert macro_f1([0, 0, 1], [0, -1, 1], 2) == pytest.approx((2 / 3 + 1) / 2)


def test_sample_entropy_of_the_standard_series():
    logistic_series = iterate(logistic, np.array([0.1234]), 2000)[:, 0]
    assert sample_entropy(logistic_series).value == pytest.approx(0.637561, abs=1e-6)
    assert sample_entropy(np.random.default_rng(0).normal(size=2000)).value == pytest.approx(2.187112, abs=1e-6)
    assert sample_entropy(np.sin(2 * np.pi * np.arange(2000) / 50)).value == pytest.approx(0.246631, abs=1e-6)
    with pytest.warns(RuntimeWarning, match="no match"):
        assert sample_entropy(2.0 ** np.arange(8), tolerance=0.5).value == np.inf
    with pytest.raises(ValueError, match="needs at least 4 points"):
        sample_entropy([1, 2, 3])


def test_periodogram_entropy_of_the_standard_series():
    logistic_series = iterate(logistic, np.array([0.1234]), 2000)[:, 0]
    found = periodogram_entropy(np.stack([logistic_series, np.random.default_rng(0).normal(size=2000)])).value
    np.testing.assert_allclose(found, [0.937862, 0.939863], atol=1e-6)
    assert periodogram_entropy(np.sin(2 * np.pi * np.arange(2000) / 50)).value == pytest.approx(0, abs=1e-9)
    assert periodogram_entropy(np.ones(10)).value == 0
