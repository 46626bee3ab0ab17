"""Known answers of the scores of forecasts that are laws."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from pesin.forecast.probabilistic import (
    brier_score,
    coverage,
    crps_ensemble,
    crps_gaussian,
    gaussian_nll,
    half_width,
    interval_score,
    pit,
    reliability,
    widening,
)


def test_the_density_is_that_of_scipy():
    rng = np.random.default_rng(0)
    mean, sd, y = rng.normal(size=(3, 8)), rng.random((3, 8)) + 0.2, rng.normal(size=(3, 8))
    np.testing.assert_allclose(gaussian_nll(mean, sd, y), -norm(mean, sd).logpdf(y).mean(-1), rtol=1e-12)


@pytest.mark.parametrize(("mean", "sd", "y"), [(0.0, 1.0, 0.0), (1.0, 0.5, 2.5), (-2.0, 3.0, 4.0)])
def test_the_normal_score_is_the_integral_that_defines_it(mean, sd, y):
    low = quad(lambda x: norm.cdf(x, mean, sd) ** 2, mean - 12 * sd, y, epsabs=1e-12)[0]
    high = quad(lambda x: norm.sf(x, mean, sd) ** 2, y, mean + 12 * sd, epsabs=1e-12)[0]
    assert crps_gaussian([mean], [sd], [y]) == pytest.approx(low + high, abs=1e-9)


def test_an_ensembles_score_by_all_its_pairs():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(4, 6)), rng.normal(size=4)
    for fair in (True, False):
        pairs = np.abs(x[:, :, None] - x[:, None]).sum((-1, -2)) / (6 * (6 - fair))
        expected = np.abs(x - y[:, None]).mean(-1) - pairs / 2
        assert crps_ensemble(x, y, fair) == pytest.approx(expected.mean(), rel=1e-12)
    assert crps_ensemble([[2.0]], [5.0], fair=False) == 3


def test_a_fair_ensemble_scores_as_its_law_and_an_unfair_one_worse():
    rng = np.random.default_rng(2)
    y = rng.normal(size=200_000)
    x = rng.normal(size=(y.size, 3))
    exact = 1 / np.sqrt(np.pi)  # of the standard normal law for truths of its own
    assert crps_ensemble(x, y) == pytest.approx(exact, abs=0.006)
    assert crps_ensemble(x, y, fair=False) == pytest.approx(exact * (1 + 1 / 3), abs=0.006)


def test_shares_ranks_and_classes():
    assert coverage([0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.1, -0.1]) == 0.5
    np.testing.assert_array_equal(pit([[1, 2, 3, 4], [1, 2, 2, 4]], [2.5, 2]), [0.5, 0.5])
    assert brier_score([[1.0, 0.0], [0.0, 1.0]], [0, 1]) == 0
    assert brier_score([[1.0, 0.0]], [1]) == 2
    assert brier_score(np.full((5, 4), 0.25), [0, 1, 2, 3, 0]) == pytest.approx(0.75)


def test_laws_hold_what_they_claim_and_narrow_ones_less():
    rng, levels = np.random.default_rng(3), np.array([0.2, 0.5, 0.8, 0.95])
    mean, sd = rng.normal(size=(2, 100_000)), rng.random((2, 100_000)) + 0.5
    y = mean + sd * rng.normal(size=sd.shape)
    np.testing.assert_allclose(reliability(mean, sd, y, levels), np.repeat(levels[:, None], 2, 1), atol=0.006)
    narrow = reliability(mean, sd / 2, y, levels)
    np.testing.assert_allclose(narrow[:, 0], 2 * norm.cdf(norm.ppf((1 + levels) / 2) / 2) - 1, atol=0.006)
    assert half_width(0.95) == pytest.approx(1.959963984540054, rel=1e-12)


def test_one_factor_mends_laws_that_are_too_narrow_everywhere():
    rng = np.random.default_rng(4)
    mean, sd = rng.normal(size=(3, 50_000)), rng.random((3, 50_000)) + 0.5
    y = mean + 2.5 * sd * rng.normal(size=sd.shape)
    factor = widening(mean, sd, y)
    np.testing.assert_allclose(factor, 2.5, rtol=0.02)
    mended = reliability(mean, factor[:, None] * sd, y, [0.95])
    np.testing.assert_allclose(mended, 0.95, atol=1e-4)


def test_an_interval_score_is_its_width_and_forty_times_what_it_misses():
    assert interval_score([0.0], [2.0], [1.0]) == 2
    assert interval_score([0.0], [2.0], [3.0]) == pytest.approx(2 + 40)
    assert interval_score([0.0], [2.0], [-0.5], level=0.5) == pytest.approx(2 + 4 * 0.5)


def test_true_quantiles_have_the_least_interval_score():
    y = np.random.default_rng(5).normal(size=200_000)
    score = [interval_score(*np.broadcast_arrays(-half, half, y)) for half in (1.4, 1.96, 2.6)]
    assert score[1] < min(score[0], score[2])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: reliability([0.0], [0.0], [1.0], [0.5]), "deviation must be above 0"),
        (lambda: reliability([0.0], [1.0], [1.0], [1.0]), "level must be between 0 and 1"),
        (lambda: widening([0.0], [1.0], [1.0], 1.0), "between 0 and 1"),
        (lambda: interval_score([1.0], [0.0], [1.0]), "low must not lie above high"),
        (lambda: interval_score([0.0], [1.0], [1.0], 0.0), "level must be between 0 and 1"),
        (lambda: gaussian_nll([0.0], [0.0], [1.0]), "deviation must be above 0"),
        (lambda: crps_ensemble([[1.0]], [1.0]), "an axis of 2 or more"),
        (lambda: crps_ensemble([[1.0, 2.0]], [1.0, 2.0]), "truth's shape"),
        (lambda: brier_score([[0.5, 0.4]], [0]), "sum to 1"),
        (lambda: brier_score([[0.5, 0.5]], [2]), "below 2"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
