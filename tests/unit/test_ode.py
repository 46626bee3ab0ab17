"""Fixed-step and adaptive integration over a batch, and the Lorenz flows."""

import numpy as np
import pytest

from pesin.integrate.ode import rk4, solve, solve_together
from pesin.systems.flows import lorenz63, lorenz96


def oscillator(t, x, frequency=1.0):
    return np.stack([x[..., 1], -(frequency**2) * x[..., 0]], -1)


def forced(t, x):
    return np.cos(t) + 0 * x


def test_rk4_is_of_order_four():
    errors = []
    for steps in (50, 100):
        end = rk4(oscillator, [1.0, 0.0], 5 / steps, steps, steps)[-1]
        errors.append(np.linalg.norm(end - [np.cos(5), -np.sin(5)]))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4, abs=0.1)


def test_rk4_knows_the_time_and_keeps_every_nth_state():
    path = rk4(forced, np.zeros((3, 1)), 0.01, 200, 50, t0=1.0)
    assert path.shape == (3, 5, 1)
    np.testing.assert_allclose(path[0, :, 0], np.sin(1 + np.arange(5) * 0.5) - np.sin(1), atol=1e-9)
    with pytest.raises(ValueError, match="multiple"):
        rk4(forced, np.zeros((3, 1)), 0.01, 10, 3)


def test_batch_is_the_loop():
    starts = np.random.default_rng(0).normal(size=(2, 3, 3))
    whole = rk4(lorenz63, starts, 0.01, 50)
    for index in np.ndindex(2, 3):
        np.testing.assert_allclose(whole[index], rk4(lorenz63, starts[index], 0.01, 50), rtol=1e-10)


def test_a_member_that_blows_up_leaves_the_others_alone():
    path = rk4(lambda t, x: x**2, np.array([[5.0], [-1.0]]), 0.01, 300)
    assert not np.isfinite(path[0, -1]).all()
    assert path[1, -1, 0] == pytest.approx(-1 / 4, abs=1e-8)


@pytest.mark.parametrize("engine", [solve, solve_together])
@pytest.mark.parametrize("method", ["DOP853", "LSODA"])
def test_adaptive_solvers_give_the_given_times(engine, method):
    starts, times = np.array([[[1.0, 0.0], [0.0, 2.0]]]), np.linspace(0, 20, 41)
    path = engine(oscillator, starts, times, (1.3,), method, 1e-10, 1e-12)
    assert path.shape == (1, 2, 41, 2)
    np.testing.assert_allclose(path[0, 0, :, 0], np.cos(1.3 * times), atol=2e-7)
    np.testing.assert_allclose(path[0, 1, :, 0], 2 / 1.3 * np.sin(1.3 * times), atol=2e-7)


@pytest.mark.parametrize("engine", [solve, solve_together])
def test_a_failed_integration_is_nan_from_there(engine):
    with np.errstate(all="ignore"):
        path = engine(lambda t, x: x**2, np.array([[1.0]]), np.array([0, 0.5, 2.0]))
    np.testing.assert_allclose(path[0, :2, 0], [1, 2], rtol=1e-8)
    assert np.isnan(path[0, 2, 0])


def test_lorenz_flows():
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(lorenz63(0, x), [10, 23, -6])
    states = np.random.default_rng(1).normal(size=(4, 7))
    derivative = lorenz96(0, states, 8.0)
    i = 3
    expected = (states[:, 4] - states[:, 1]) * states[:, 2] - states[:, 3] + 8
    np.testing.assert_allclose(derivative[:, i], expected)
    np.testing.assert_allclose(lorenz96(0, np.full(6, 8.0)), 0)
    # Nonlinear terms conserve energy: d/dt sum x^2 / 2 = F sum x - sum x^2.
    np.testing.assert_allclose((states * derivative).sum(-1), 8 * states.sum(-1) - (states**2).sum(-1))
