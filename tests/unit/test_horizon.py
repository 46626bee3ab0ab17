"""Errors some steps ahead, and valid prediction time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from pesin.forecast.horizon import prediction_error, valid_prediction_steps, valid_prediction_time


def test_error_by_lead_is_the_mean_over_starts_and_dimensions():
    true = np.zeros((4, 3, 2))
    predicted = np.broadcast_to(np.array([1.0, 2.0, 3.0])[:, None], (4, 3, 2))
    np.testing.assert_allclose(prediction_error(true, predicted), [1, 4, 9])


def test_a_diverged_start_counts_as_the_ceiling():
    predicted = np.zeros((2, 1, 2))
    predicted[1] = np.nan
    assert prediction_error(np.zeros((2, 1, 2)), predicted, ceiling=10) == pytest.approx([5])
    predicted[1] = np.inf
    assert prediction_error(np.zeros((2, 1, 2)), predicted, ceiling=10) == pytest.approx([5])


@given(st.integers(0, 20), st.floats(0.01, 2))
def test_valid_time_ends_at_the_first_large_error(good, dt):
    true, predicted = np.zeros((1, 20, 3)), np.zeros((5, 1, 20, 3))
    predicted[:, :, good:] = [1.0, 0.0, 0.0]  # 1/sqrt(3) = 0.58 standard deviations
    predicted[:, :, good + 3 :] = 0.0  # a later recovery doesn't count
    np.testing.assert_allclose(valid_prediction_time(true, predicted, np.ones(3), dt), good * dt)


def test_scale_and_nan():
    true, predicted = np.zeros((1, 5, 1)), np.ones((1, 5, 1))
    assert valid_prediction_time(true, predicted, [10.0]) == [5]
    predicted[0, 2] = np.nan
    assert valid_prediction_time(true, predicted, [10.0]) == [2]


# ------------------------------------------------------------------------------------------------------ the three rules


def test_each_rule_ends_where_its_error_first_exceeds():
    true, predicted = np.full((1, 10, 2), 10.0), np.full((3, 1, 10, 2), 10.0)
    predicted[0, :, 4] = 14.0  # pointwise 33.3 %, running 6.7 %, 0.8 standard deviations
    predicted[1, :, 4:] = 12.0  # 18.2 %, 0.4 standard deviations: none exceeds
    predicted[2, :, 4:] = -10.0  # 200 %: the running mean exceeds 30 at once (40 %)
    steps = valid_prediction_steps(true, predicted, [5.0, 5.0])
    assert steps["pointwise_smape"].ravel().tolist() == [4, 10, 4]
    assert steps["running_smape"].ravel().tolist() == [10, 10, 4]
    assert steps["normalised_error"].ravel().tolist() == [4, 10, 4]


def test_a_running_mean_forgives_a_late_error():
    true, predicted = np.full((20, 1), 1.0), np.full((20, 1), 1.0)
    predicted[10:] = -1.0
    steps = valid_prediction_steps(true, predicted, [1.0])
    assert steps["pointwise_smape"] == 10 and steps["running_smape"] == 11  # 200 / 11 < 30 < 400 / 12


def test_a_failed_forecast_has_no_valid_step():
    steps = valid_prediction_steps(np.ones((5, 2)), np.full((5, 2), np.nan), [1.0, 1.0])
    assert [int(n) for n in steps.values()] == [0, 0, 0]


def test_the_true_lorenz_equations_last_until_the_error_has_grown():
    """With relative error delta the forecast is valid for about ln(0.4 / delta) Lyapunov times."""
    rng, exponent, dt, starts = np.random.default_rng(0), 0.9056, 0.02, 60
    orbit = solve_ivp(lorenz, (0, 160), [1, 1, 20], "DOP853", rtol=1e-9, atol=1e-9, dense_output=True)
    states = orbit.sol(20 + 2 * np.arange(starts))
    scale = orbit.sol(np.arange(20, 140, 0.05)).std(1)
    valid = {}
    for delta in (1e-3, 1e-6):
        twins = states + delta * scale[:, None] * rng.normal(size=states.shape)
        times = np.arange(1, int(1.6 * np.log(0.4 / delta) / exponent / dt)) * dt
        path = solve_ivp(
            lambda t, x: lorenz(t, x.reshape(3, -1)).ravel(),
            (0, times[-1]),
            np.concatenate([states, twins], 1).ravel(),
            "DOP853",
            times,
            rtol=1e-10,
            atol=1e-10,
        ).y.reshape(3, 2, starts, -1)
        true, predicted = path.transpose(1, 2, 3, 0)
        steps = valid_prediction_steps(true, predicted, scale)["normalised_error"]
        valid[delta] = np.median(steps) * dt * exponent
        assert valid[delta] == pytest.approx(np.log(0.4 / delta), rel=0.25)
    # What a random direction loses before it turns to the growing one is the same for both.
    assert valid[1e-6] - valid[1e-3] == pytest.approx(np.log(1000), rel=0.15)


def lorenz(t, x):
    return np.array([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])
