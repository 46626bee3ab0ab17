"""Maps keep to their ranges and don't collapse; noise has the spectrum asked for."""

import numpy as np
import pytest

from pesin.integrate.variational import finite_time_exponent, follow_tangents
from pesin.systems.maps import henon, iterate, logistic, skew_tent
from pesin.systems.noise import coloured_noise


@pytest.mark.parametrize(
    ("step", "dim", "exponent"),
    [(logistic, 1, np.log(2)), (henon, 2, 0.4192), (skew_tent, 1, 0.478446)],
)
def test_lyapunov_exponents(step, dim, exponent):
    start = iterate(step, np.random.default_rng(0).uniform(0.05, 0.2, (20, dim)), 1, 100)[:, 0]
    deviations = np.random.default_rng(1).normal(size=(20, 1, dim))
    tangents = follow_tangents(lambda z, _: iterate(step, z, 11), start, deviations, 500)
    assert finite_time_exponent(tangents.growth[:, 0], 10).mean() == pytest.approx(exponent, abs=0.006)


@pytest.mark.parametrize("step", [logistic, skew_tent])
def test_maps_of_the_interval_fill_it(step):
    x = iterate(step, np.linspace(0.1, 0.45, 20)[:, None], 2000)
    assert x.shape == (20, 2000, 1) and 0 <= x.min() < 0.01 and 0.99 < x.max() <= 1
    assert np.ptp(x[:, -100:, 0], axis=1).min() > 0.5


def test_logistic_map_survives_one_half():
    x = iterate(logistic, np.array([0.5]), 200)[:, 0]
    assert x[1] == 1 - 2.0**-53
    assert np.ptp(x[-50:]) > 0.5


def test_iterate_starts_after_the_transient():
    x = iterate(henon, np.array([0.1, 0.1]), 30)
    np.testing.assert_allclose(iterate(henon, np.array([0.1, 0.1]), 10, 20), x[20:], rtol=1e-9)


@pytest.mark.parametrize("exponent", [-2, -1, 0, 1, 2])
def test_spectral_slope(exponent):
    x = coloured_noise(np.random.default_rng(0), exponent, (50, 4096))
    power = (np.abs(np.fft.rfft(x)) ** 2).mean(0)[1:-1]
    slope = np.polyfit(np.log(np.arange(1, power.size + 1)), np.log(power), 1)[0]
    assert slope == pytest.approx(exponent, abs=0.05)
    np.testing.assert_allclose(x.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(x.std(-1), 1)
