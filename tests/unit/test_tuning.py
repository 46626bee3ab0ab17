"""Tuning harness: picks knobs on the tuning orbit alone, and keeps one series' failure to itself."""

from types import SimpleNamespace

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.forecasters.common import checked, lagged, limits, ridge_regression, roll, standardise
from pesin.forecasters.tuning import tuned_forecasts


def repeat(history, *, lag=1):
    checked("Repeat", history, lag, lag)
    return history[:, -lag:]


def forecaster(fit=repeat, forecast=None):
    def tiled(state, steps):
        return np.tile(state, (1, steps // state.shape[1] + 1, 1))[:, :steps]

    return SimpleNamespace(NAME="Repeat", fit=fit, forecast=forecast or tiled)


def cycles(periods, time=120):
    return np.stack([np.resize(np.arange(1.0, p + 1), time) for p in periods])[..., None]


def run(module, history=None, tune=None, steps=7, **more):
    history = cycles([3, 5, 8]) if history is None else history
    tune = history if tune is None else tune
    return tuned_forecasts(module, tune, history, steps, period=10, rng=np.random.default_rng(0), **more)


def test_each_series_gets_its_own_lag_and_the_last_fit_uses_the_history():
    history = cycles([3, 5, 8]) + 100
    tuned = run(forecaster(), history, cycles([3, 5, 8]), grid={"lag": [1, 3, 5, 8]})
    np.testing.assert_array_equal(tuned.chosen["lag"], [3, 5, 8])
    np.testing.assert_array_equal(tuned.forecast, (cycles([3, 5, 8], 127) + 100)[:, 120:])
    assert tuned.tuning_error.shape == (4, 3)
    np.testing.assert_array_equal(tuned.tuning_error == 0, np.eye(4, dtype=bool)[:, 1:])
    assert not tuned.failed.any() and (tuned.reason == "").all()
    assert (tuned.seconds_fit > 0).all() and tuned.seconds_total > tuned.seconds_fit.sum()


def test_tuning_never_sees_what_it_is_scored_on():
    seen = []

    def fit(history, *, lag=1):
        seen.append(history.copy())
        history[:] = np.nan  # a forecaster that spoils its input spoils nobody else's
        return cycles([lag] * len(seen[-1]), lag)

    tune, history = cycles([3, 5], 60), cycles([3, 5], 40) + 50
    tuned = run(forecaster(fit), history, tune, grid={"lag": [2, 3]})
    for got in seen[:2]:
        np.testing.assert_array_equal(got, tune[:, :50])
    np.testing.assert_array_equal(np.concatenate(seen[2:]), history[np.argsort(tuned.chosen["lag"], kind="stable")])
    altered = tune.copy()
    altered[:, 50:] = altered[:, 50:][:, ::-1]
    again = run(forecaster(), history, altered, grid={"lag": [3]})
    np.testing.assert_array_equal(again.forecast, run(forecaster(), history, tune, grid={"lag": [3]}).forecast)
    assert np.isnan(again.tuning_error).all()


def test_one_point_of_grid_costs_one_fit_and_the_error_is_smape():
    calls = []

    def fit(history, *, lag=1):
        calls.append(1)
        return repeat(history, lag=lag)

    run(forecaster(fit), grid={"lag": [4]})
    assert len(calls) == 1
    two = run(forecaster(), cycles([2], 60), grid={"lag": [1, 2]})
    assert two.tuning_error[0, 0] == pytest.approx(100 / 3)  # half of the points are 2 for 1: 200 / 3


@pytest.mark.parametrize("where", ["fit", "forecast"])
def test_an_exception_fails_its_own_series_only(where):
    def bad(history):
        if (history > 10).any():
            raise FloatingPointError("too large")

    def fit(history, *, lag=1):
        if where == "fit":
            bad(history)
        return repeat(history, lag=lag)

    def forecast(state, steps):
        bad(state)
        return np.repeat(state[:, -1:], steps, 1)

    tuned = run(
        forecaster(fit, forecast), cycles([3, 8, 5]) + np.array([0, 10, 0])[:, None, None], grid={"lag": [1, 2]}
    )
    np.testing.assert_array_equal(tuned.failed, [False, True, False])
    assert tuned.reason[1] == "FloatingPointError: too large"
    np.testing.assert_array_equal(tuned.forecast[[0, 2], :, 0], np.full((2, 7), [[3], [5]]))
    assert np.isnan(tuned.forecast[1]).all()
    np.testing.assert_array_equal(tuned.tuning_error[:, 1], [200, 200])


def test_nan_fails_its_own_series_and_scores_200():
    def forecast(state, steps):
        path = np.repeat(state[:, -1:], steps, 1)
        path[1, 3:] = np.nan
        return path

    tuned = run(forecaster(forecast=forecast), grid={"lag": [1, 2]})
    np.testing.assert_array_equal(tuned.failed, [False, True, False])
    assert "not finite" in tuned.reason[1]
    assert (tuned.tuning_error[:, 1] == 200).all() and (tuned.tuning_error[:, 0] < 200).all()


def test_mistakes_a_user_can_mend_are_said():
    with pytest.raises(UserError, match=r"Repeat: forecast has shape \(3, 1, 1\), expected \(3, 7, 1\)"):
        run(forecaster(forecast=lambda state, steps: state))
    with pytest.raises(UserError, match="no knob 'lags'. Did you mean 'lag'"):
        run(forecaster(), grid={"lags": [1]})
    with pytest.raises(UserError, match=r"Repeat: needs a history of at least 500 points \(lags 500\), and got 120"):
        run(forecaster(), fixed={"lag": 500})


def test_random_forecasters_repeat_bit_for_bit_and_knobs_are_compared_at_equal_draws():
    def fit(history, *, period, rng, device, scale=1.0):
        assert (period, device) == (10, "cpu")
        return np.stack([r.normal(size=(1, history.shape[2])) for r in rng.spawn(len(history))])

    first, again = (run(forecaster(fit), grid={"scale": [1.0, 2.0]}) for _ in range(2))
    np.testing.assert_array_equal(first.forecast, again.forecast)
    np.testing.assert_array_equal(first.tuning_error[0], first.tuning_error[1])
    assert len(np.unique(first.forecast[:, 0])) == 3


def test_scaling_and_limits():
    x = np.random.default_rng(0).normal(5, [1, 10, 0.1], (2, 50, 3))
    x[1, :, 2] = 0.3
    z, mean, deviation = standardise(x)
    np.testing.assert_allclose(z * deviation + mean, x)
    np.testing.assert_allclose(z[0].std(0), 1)
    np.testing.assert_allclose(z[1, :, 2], 0, atol=1e-12)
    low, high = limits(x)
    np.testing.assert_allclose(high - low, 20 * x.std(1))


def test_lagged_is_newest_first_and_pairs_each_window_with_the_next_point():
    x = np.arange(20.0).reshape(1, 10, 2)
    windows, targets = lagged(x, 3, 2)
    np.testing.assert_array_equal(windows[0, 0], [8, 9, 4, 5, 0, 1])
    np.testing.assert_array_equal(targets[0, 0], [10, 11])
    assert windows.shape == (1, 5, 6) and targets.shape == (1, 5, 2)


def test_roll_feeds_back_clips_and_keeps_nan():
    past = np.array([[[1.0], [2.0]], [[0.0], [1.0]]])
    low, high = np.full((2, 1), -50.0), np.full((2, 1), 50.0)
    path = roll(lambda window: window.sum(1), past, 8, low, high)[..., 0]
    np.testing.assert_array_equal(path, [[3, 5, 8, 13, 21, 34, 50, 50], [1, 2, 3, 5, 8, 13, 21, 34]])
    nan = roll(lambda window: np.where(window[:, -1] > 20, np.nan, window.sum(1)), past, 8, low, high)[0, :, 0]
    assert np.isnan(nan[5:]).all() and np.isfinite(nan[:5]).all()


def test_ridge_solves_the_penalised_normal_equations():
    rng = np.random.default_rng(0)
    f, y = rng.normal(size=(3, 40, 5)), rng.normal(size=(3, 40, 2))
    got = ridge_regression(f, y, 0.7)
    for k in range(3):
        np.testing.assert_allclose(got[k], np.linalg.solve(f[k].T @ f[k] + 0.7 * np.eye(5), f[k].T @ y[k]))


def test_a_forecaster_that_raises_on_many_series_gives_no_score():
    def fit(history):
        raise ValueError("never works")

    with pytest.raises(UserError, match="Repeat: raised on 3 of 3 series. The first time: ValueError: never works"):
        run(forecaster(fit))


def test_knobs_that_cannot_work_are_refused():
    from pesin.forecasters import auto_arima
    from pesin.forecasters.tuning import check_knobs

    check_knobs(auto_arima, {"models": [5, 8]}, {})
    with pytest.raises(UserError, match="AutoARIMA: models is 3, and at least 5 are needed"):
        check_knobs(auto_arima, {}, {"models": 3})
