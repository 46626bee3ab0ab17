"""The synthetic electrocardiogram, mutual information and delay embedding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pesin.systems import ecg


def test_without_variability_the_beat_repeats_every_second():
    # Breathing at 0.25 Hz repeats after four beats.
    v = ecg.voltage(1200, 0.01, np.random.default_rng(0), rr_sd=0.0)[0]
    np.testing.assert_allclose(v[400:800], v[800:1200], atol=1e-3)
    peaks = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] > v[2:]) & (v[1:-1] > 0.6 * v.max()))
    np.testing.assert_allclose(np.diff(peaks), 100, atol=1)


def test_interval_has_mean_spread_and_the_two_bands():
    rr = ecg.rr_intervals(40_000, 0.05, np.random.default_rng(0), records=2, sd=0.04)
    np.testing.assert_allclose(rr.mean(1), 1.0, atol=1e-9)
    np.testing.assert_allclose(rr.std(1), 0.04, rtol=1e-9)
    power = np.abs(np.fft.rfft(rr - 1)) ** 2
    f = np.fft.rfftfreq(40_000, 0.05)
    low, high = power[:, np.abs(f - 0.1) < 0.05].sum(1), power[:, np.abs(f - 0.25) < 0.05].sum(1)
    np.testing.assert_allclose(low / high, 0.5, rtol=0.02)


@pytest.mark.parametrize(("rho", "exact"), [(0.9, 0.830366), (0.5, 0.143841)])
def test_mutual_information_of_a_gaussian_process(rho, exact):
    rng = np.random.default_rng(0)
    x = np.empty(200_000)
    x[0], noise = 0.0, np.sqrt(1 - rho**2) * rng.standard_normal(200_000)
    for t in range(1, len(x)):
        x[t] = rho * x[t - 1] + noise[t]
    assert ecg.mutual_information(x, [1])[0] == pytest.approx(exact, abs=0.03)  # bins lose a little
    assert ecg.mutual_information(x, [200])[0] == pytest.approx(0, abs=0.002)


def test_first_minimum_of_a_noisy_sine_is_a_quarter_period():
    t = np.arange(20_000)
    x = np.sin(2 * np.pi * t / 40) + 0.05 * np.random.default_rng(0).standard_normal(t.size)
    assert abs(ecg.first_minimum_lag(x, 30, bins=16) - 10) <= 3
    assert ecg.first_minimum_lag(np.cumsum(np.random.default_rng(0).standard_normal(4000)), 3) == 3


@given(st.integers(1, 5), st.integers(1, 7), st.integers(40, 60))
def test_delay_vectors(dim, lag, n):
    x = np.arange(n, dtype=float)
    vectors = ecg.delay_embed(x, dim, lag)
    assert vectors.shape == (n - (dim - 1) * lag, dim)
    np.testing.assert_array_equal(vectors[:, 0] - vectors[:, -1], (dim - 1) * lag)
    assert vectors[-1, 0] == n - 1


def test_too_short_to_embed():
    with pytest.raises(ValueError, match="too short"):
        ecg.delay_embed(np.zeros(10), 5, 3)
