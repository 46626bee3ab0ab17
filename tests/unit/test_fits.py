"""Fits: exact recovery, the criterion's preference for the truth, coverage of the block bootstrap."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from pesin.stats.fits import (
    block_indices,
    bootstrap_entropy_law,
    compare_laws,
    fit_entropy_law,
    fit_line,
    fit_saturation,
    loglog_slope,
)

H = np.linspace(1.2, 0.1, 60)


@given(st.floats(0.05, 2), st.floats(0.1, 3))
def test_the_law_is_recovered(a, b):
    fitted = fit_entropy_law(H, b - a * np.exp(H))
    assert fitted == (pytest.approx(a, rel=1e-9), pytest.approx(b, rel=1e-9))


def test_line_is_scipys_and_a_constant_x_has_no_slope():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 3, 40))
    slope, intercept = fit_line(x, y)
    peer = [linregress(*pair) for pair in zip(x, y, strict=True)]
    assert np.allclose(slope, [p.slope for p in peer], atol=1e-9)
    assert np.allclose(intercept, [p.intercept for p in peer], atol=1e-9)
    assert np.isnan(fit_line(np.ones(5), np.arange(5.0))[0])


@given(st.floats(-3, 3), st.floats(0.1, 10))
def test_loglog_slope_of_a_power(power, factor):
    x = np.geomspace(1e-3, 1, 7)
    assert loglog_slope(x, factor * x**power) == pytest.approx(power, abs=1e-9)


@pytest.mark.parametrize(
    ("truth", "curve"),
    [("exponential", 1.3 - 0.35 * np.exp(H)), ("linear", 1 - 0.6 * H), ("quadratic", 1 - 0.9 * H + 0.4 * H**2)],
)
def test_aic_prefers_the_true_law(truth, curve):
    rng = np.random.default_rng(1)
    noisy = curve + 0.01 * rng.normal(size=(40, H.size))
    fits = compare_laws(np.broadcast_to(H, noisy.shape), noisy)
    best = np.array([fits[name]["aic"] for name in fits]).argmin(0)
    assert (best == list(fits).index(truth)).mean() > 0.6
    assert (fits[truth]["r_squared"] > 0.95).all()


def test_more_coefficients_never_fit_worse_and_a_constant_curve_has_no_r_squared():
    rng = np.random.default_rng(2)
    fits = compare_laws(H, rng.normal(size=H.size))
    r2 = {name: fit["r_squared"] for name, fit in fits.items()}
    assert r2["constant"] == pytest.approx(0, abs=1e-12)
    assert r2["quadratic"] >= r2["linear"] >= r2["constant"] - 1e-12
    assert np.isnan(compare_laws(H, np.ones(H.size))["exponential"]["r_squared"])


def test_saturation_is_recovered():
    t = np.arange(100.0)
    level, drop, scale = fit_saturation(t, 0.9 - 0.6 * np.exp(-t / 30))
    assert (level, drop, scale) == (
        pytest.approx(0.9, abs=1e-4),
        pytest.approx(0.6, abs=1e-4),
        pytest.approx(30, abs=0.02),
    )


@given(st.integers(2, 40), st.integers(1, 10))
def test_blocks_keep_neighbours_together(n, block):
    indices = block_indices(n, block, 6, np.random.default_rng(0))
    assert indices.shape == (6, n) and indices.min() >= 0 and indices.max() < n
    inside = np.arange(1, n) % block != 0
    assert (((indices[:, 1:] - indices[:, :-1]) % n)[:, inside] == 1 % n).all()


def test_bootstrap_interval_covers_the_truth():
    rng = np.random.default_rng(3)
    reward = 1.3 - 0.35 * np.exp(H) + 0.01 * rng.normal(size=(100, H.size))
    a, _ = bootstrap_entropy_law(np.broadcast_to(H, reward.shape), reward, 3, 200, rng)
    low, high = np.quantile(a, [0.025, 0.975], axis=0)
    assert 0.85 <= ((low <= 0.35) & (high >= 0.35)).mean() <= 1.0
