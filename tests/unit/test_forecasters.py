"""The closed-form forecasters: VAR, echo state network, SINDy."""

import numpy as np
import pytest

from pesin.integrate.ode import rk4
from pesin.models import linear, reservoir, sindy, sparse_regression
from pesin.systems.flows import lorenz63


@pytest.mark.parametrize("order", [1, 2])
def test_var_recovers_its_own_coefficients_and_forecasts_the_mean(order):
    rng = np.random.default_rng(0)
    B = [np.array([[0.6, 0.2], [-0.1, 0.5]]), np.array([[0.2, 0.0], [0.1, -0.3]])][:order]
    x = np.zeros((40_000, 2))
    for t in range(order, len(x)):
        x[t] = 0.3 + sum(b @ x[t - k - 1] for k, b in enumerate(B)) + 0.1 * rng.standard_normal(2)
    fit = linear.fit(x, order)
    np.testing.assert_allclose(fit, np.vstack([np.full((1, 2), 0.3), *[b.T for b in B]]), atol=0.02)
    ahead = linear.forecast(fit, x[None, -10:], 3)
    np.testing.assert_allclose(ahead[0, 0, 0], fit[0] + np.concatenate(x[: -order - 1 : -1]) @ fit[1:])
    with pytest.raises(ValueError, match="shorter"):
        linear.forecast(linear.fit(x, 3), x[None, -2:], 1)


def test_reservoir_continues_a_sine_and_batch_is_the_loop():
    x = np.stack([np.sin(0.2 * np.arange(1500)), np.cos(0.2 * np.arange(1500))], 1)

    def fit(seeds):
        return reservoir.fit(x[:1200], 60, [np.random.default_rng(s) for s in seeds], [1e-8, 1e-4, 1e8])

    both = fit([1, 2])
    assert (both.ridge < 1).all()
    path = reservoir.forecast(both, np.stack([x[1100:1200], x[1050:1150]]), 100)
    assert path.shape == (2, 2, 100, 2)
    np.testing.assert_allclose(path[:, 0], np.broadcast_to(x[1200:1300], (2, 100, 2)), atol=0.02)
    np.testing.assert_allclose(reservoir.forecast(fit([2]), x[None, 1100:1200], 20)[0], path[1, :1, :20], atol=1e-6)


def test_reservoir_has_the_spectral_radius_asked_for():
    r = reservoir.fit(np.random.default_rng(0).standard_normal((300, 2)), 40, [np.random.default_rng(0)], [1.0], 0.7)
    assert np.abs(np.linalg.eigvals(r.recurrent[0])).max() == pytest.approx(0.7)


def test_sindy_finds_the_lorenz_equations_and_continues_them():
    x = rk4(lorenz63, [1.0, 1.0, 25.0], 0.002, 20_000)[2000:]
    coefficients, powers = sindy.fit(x, 0.002)

    def term(*power):
        return coefficients[:, np.flatnonzero((powers == power).all(1))[0]]

    np.testing.assert_allclose(term(1, 0, 0), [-10, 28, 0], atol=0.1)
    np.testing.assert_allclose(term(0, 0, 1), [0, 0, -8 / 3], atol=0.05)
    np.testing.assert_allclose(term(1, 0, 1), [0, -1, 0], atol=0.01)
    ahead = sindy.forecast(coefficients, powers, x[None, :100], 100, 0.002)[0, 0]
    np.testing.assert_allclose(ahead, x[100:200], atol=0.05)


def test_var_of_a_far_level_is_that_of_a_near_one():
    x = np.cumsum(np.random.default_rng(3).standard_normal((500, 2)), 0) * 0.01
    near, far = linear.fit(x, 2, ridge=0.1), linear.fit(x + 1e6, 2, ridge=0.1)
    np.testing.assert_allclose(far[1:], near[1:], atol=1e-6)


@pytest.mark.parametrize(
    "fit",
    [
        linear.fit,
        lambda x: reservoir.fit(x, 20, [np.random.default_rng(0)], [1e-4]),
        lambda x: sindy.fit(x, 0.1),
        lambda x: sparse_regression.fit(x, x),
    ],
)
def test_fits_refuse_what_is_missing(fit):
    x = np.random.default_rng(0).standard_normal((300, 2))
    with pytest.raises(ValueError, match="masked"):
        fit(np.ma.masked_greater(x, 2))
    x[7, 1] = np.nan
    with pytest.raises(ValueError, match="7, 1"):
        fit(x)
