"""The forecasters that aren't networks: known answers, and what all of them owe the harness."""

import importlib
from inspect import signature

import numpy as np
import pytest

from pesin.errors import UserError
from pesin.forecasters import (
    analogue,
    arima,
    auto_arima,
    climatology,
    esn,
    exponential_smoothing,
    fft,
    four_theta,
    kalman,
    linear_regression,
    naive_drift,
    naive_mean,
    naive_seasonal,
    nvar,
    persistence,
    quadratic_nvar,
    random_forest,
    theta,
    tuned_esn,
    xgboost_trees,
)
from pesin.forecasters.common import deseasonalise, season
from pesin.forecasters.tuning import tuned_forecasts
from pesin.integrate.ode import rk4
from pesin.systems.flows import lorenz63
from pesin.systems.maps import henon, iterate, logistic

NAMES = {
    analogue: "Analogue",
    arima: "ARIMA",
    auto_arima: "AutoARIMA",
    climatology: "Climatology",
    esn: "ESN",
    exponential_smoothing: "ExponentialSmoothing",
    fft: "FFT",
    four_theta: "FourTheta",
    kalman: "Kalman",
    linear_regression: "LinearRegression",
    naive_drift: "NaiveDrift",
    naive_mean: "NaiveMean",
    naive_seasonal: "NaiveSeasonal",
    nvar: "NVAR",
    persistence: "Persistence",
    quadratic_nvar: "NVAR-2",
    random_forest: "RandomForest",
    theta: "Theta",
    tuned_esn: "ESN (tuned, standardised)",
    xgboost_trees: "XGBoost",
}
ALL = pytest.mark.parametrize("module", NAMES, ids=lambda m: m.__name__.rpartition(".")[2])
SMALL = {"units": 60, "trees": 5, "rounds": 10, "models": 5, "largest_q": 1}  # what keeps the tests fast

sine = np.sin(2 * np.pi * np.arange(600) / 50)[None, :, None]


def run(module, history, steps, seed=0, **knobs):
    knobs = {knob: small for knob, small in SMALL.items() if knob in signature(module.fit).parameters} | knobs
    rng = np.random.default_rng(seed)
    return tuned_forecasts(module, history, history, steps, period=50, rng=rng, fixed=knobs)


def waves(series=2, time=250, dim=2):
    rng = np.random.default_rng(1)
    frequency, phase = rng.uniform(0.05, 0.2, (2, series, 1, dim)), rng.uniform(0, 6, (2, series, 1, dim))
    clock = np.arange(time)[:, None]
    path = np.sin(frequency[0] * clock + phase[0]) + 0.5 * np.sin(2.7 * frequency[1] * clock + phase[1])
    return 3 * path + 1 + 0.1 * rng.standard_normal(path.shape)


def rotation(time=300):
    turn = np.array([[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]) * 0.999
    path = [np.array([1.0, 2.0])]
    for _ in range(time - 1):
        path.append(turn @ path[-1])
    return np.array(path)[None]


# ------------------------------------------------------------------------------------------ what all owe the harness


@ALL
def test_name_shape_determinism_limits_and_input_left_alone(module):
    assert module.NAME == NAMES[module]
    assert module.FAMILY in {"naive", "classical", "regression", "hybrid", "baseline"}
    history = waves()
    given = history.copy()
    first, again = (run(module, history, 60) for _ in range(2))
    assert first.forecast.shape == (2, 60, 2) and not first.failed.any(), first.reason
    np.testing.assert_array_equal(first.forecast, again.forecast)
    np.testing.assert_array_equal(history, given)
    reach = np.abs(first.forecast - history.mean(1, keepdims=True)) / history.std(1, keepdims=True)
    assert reach.max() <= 10 + 1e-9


@ALL
def test_a_series_doesnt_depend_on_the_others_in_its_batch(module):
    history = waves(3)
    both = run(module, history, 10).forecast
    np.testing.assert_allclose(run(module, history[:1], 10).forecast, both[:1], rtol=1e-6, atol=1e-6)
    altered = history.copy()
    altered[2] = altered[2, ::-1]
    np.testing.assert_allclose(run(module, altered, 10).forecast[:2], both[:2], rtol=1e-6, atol=1e-6)


@ALL
def test_a_constant_coordinate_is_no_failure_and_stays_constant(module):
    history = waves(1, 300, 2)
    history[..., 1] = 0.3
    path = run(module, history, 20)
    assert not path.failed.any(), path.reason
    np.testing.assert_allclose(path.forecast[..., 1], 0.3, atol=1e-6)


@ALL
def test_a_nan_in_one_history_fails_that_series_alone(module):
    history = waves(3, 200, 1)
    clean = run(module, history[[0, 2]], 5)
    history[1] = np.nan
    path = run(module, history, 5)
    np.testing.assert_array_equal(path.failed, [False, True, False])
    if "rng" not in signature(module.fit).parameters:  # after an exception each series has its own draws
        np.testing.assert_allclose(path.forecast[[0, 2]], clean.forecast, atol=1e-6)


RAW = (esn, nvar)  # by intent, as their docstrings say: their weights meet the data as they come
BY_ROUNDING = (random_forest,)  # splits between nearly equal ones turn with the last digit


@pytest.mark.parametrize("module", [m for m in NAMES if m not in (*RAW, *BY_ROUNDING)], ids=lambda m: m.NAME)
@pytest.mark.parametrize(("scale", "offset"), [(1e-12, 0), (1e12, 0), (1, 1e6)])
def test_a_forecast_goes_with_unit_and_offset(module, scale, offset):
    history = waves(1, 200)
    there = run(module, scale * history + offset, 5)
    assert not there.failed.any(), there.reason
    np.testing.assert_allclose((there.forecast - offset) / scale, run(module, history, 5).forecast, atol=1e-5)


@ALL
def test_any_kind_of_number_is_right_and_a_mask_is_refused(module):
    whole = np.round(10 * waves(1, 200))
    knobs = {knob: small for knob, small in SMALL.items() if knob in signature(module.fit).parameters}

    def ahead(history):
        drawn = {"rng": np.random.default_rng(0)} if "rng" in signature(module.fit).parameters else {}
        period = {"period": 50} if "period" in signature(module.fit).parameters else {}
        return module.forecast(module.fit(history, **knobs, **drawn, **period), 4)

    expected = ahead(whole)
    locked = whole.copy()
    locked.flags.writeable = False
    kinds = (whole.astype(kind) for kind in (np.int16, np.float32, ">f8"))
    for given in (*kinds, np.asfortranarray(whole), locked):
        np.testing.assert_array_equal(ahead(given), expected)
    with pytest.raises(ValueError, match="history.*masked"):
        ahead(np.ma.masked_less(whole, whole.mean()))


@pytest.mark.parametrize(
    ("module", "knobs", "points", "lags"),
    [
        (naive_drift, {}, 2, 1),
        (naive_seasonal, {}, 50, 50),
        (exponential_smoothing, {}, 10, 1),
        (exponential_smoothing, {"seasonality": "additive"}, 100, 50),
        (theta, {"seasonality": "additive"}, 100, 50),
        (four_theta, {}, 3, 1),
        (fft, {}, 50, 50),
        (arima, {"lags": 25}, 27, 25),
        (auto_arima, {}, 20, 5),
        (linear_regression, {"lags": 25}, 26, 25),
        (random_forest, {"lags": 25}, 27, 25),
        (xgboost_trees, {"lags": 25}, 27, 25),
        (kalman, {"states": 12}, 39, 13),
        (nvar, {"delay": 30}, 31, 30),
        (esn, {}, 10, 1),
        (tuned_esn, {}, 10, 1),
        (quadratic_nvar, {"delay": 3, "stride": 5}, 12, 11),
        (analogue, {"delay": 3, "stride": 5, "neighbours": 4}, 15, 11),
    ],
)
def test_the_shortest_history_works_and_a_shorter_one_is_refused(module, knobs, points, lags):
    history = waves(1, points, 1)
    assert run(module, history, 3, **knobs).forecast.shape == (1, 3, 1)
    sentence = rf"{module.NAME}: .* at least {points} points \(lags {lags}\), and got {points - 1}"
    with pytest.raises(UserError, match=sentence.replace("(tuned, standardised)", ".*")):
        run(module, history[:, 1:], 3, **knobs)


def test_every_forecaster_of_the_folder_that_is_not_a_network_is_tested_here():
    for module in NAMES:
        assert importlib.import_module(module.__name__) is module
    assert len(set(NAMES.values())) == len(NAMES) == 20


# ------------------------------------------------------------------------------------------------------ known answers


def test_naive_ones():
    line = np.linspace(1, 3, 101)[None, :, None]
    np.testing.assert_allclose(run(naive_drift, line, 5).forecast[0, :, 0], 3 + 0.02 * np.arange(1, 6))
    np.testing.assert_allclose(run(naive_mean, line, 3).forecast, 2)
    np.testing.assert_array_equal(run(persistence, line, 3).forecast, 3)
    np.testing.assert_allclose(run(naive_seasonal, sine[:, :510], 90).forecast, sine[:, 510:], atol=1e-12)
    far = run(naive_drift, line, 5000).forecast
    assert far.max() == pytest.approx(2 + 10 * line.std())


def test_climatology_is_a_piece_of_the_history_with_its_spread():
    history = np.random.default_rng(0).standard_normal((400, 100, 2))
    path = run(climatology, history, 30).forecast
    windows = np.lib.stride_tricks.sliding_window_view(history[7], 30, axis=0).transpose(0, 2, 1)
    assert (path[7] == windows).all((1, 2)).sum() == 1
    truth = np.random.default_rng(1).standard_normal(path.shape)
    assert np.sqrt(np.mean((path - truth) ** 2)) == pytest.approx(np.sqrt(2), rel=0.02)
    start = [(history[i, :, 0] == path[i, 0, 0]).argmax() for i in range(400)]
    assert min(start) < 5 and max(start) > 65 and max(start) <= 70
    long = run(climatology, history[:1], 250).forecast
    np.testing.assert_array_equal(long[:, :100], long[:, 100:200])
    np.testing.assert_array_equal(np.sort(long[0, :100, 0]), np.sort(history[0, :, 0]))


@pytest.mark.parametrize("period", [50, 51])
def test_deseasonalise_splits_a_line_and_a_season(period):
    clock = np.arange(400)
    wave = np.sin(2 * np.pi * clock / period) + 0.5 * np.cos(6 * np.pi * clock / period)
    rest, figure = deseasonalise((wave + 0.02 * clock)[None], period, "additive")
    np.testing.assert_allclose(season(figure, 0, 400)[0], wave, atol=1e-10)
    np.testing.assert_allclose(rest[0], 0.02 * clock, atol=1e-10)
    with pytest.raises(UserError, match="'additive' or 'none'"):
        deseasonalise(rest, period, "multiplicative")


def test_exponential_smoothing_continues_a_line_and_a_season():
    clock = np.arange(430)
    x = (0.02 * clock + np.sin(2 * np.pi * clock / 50))[None, :, None]
    path = run(exponential_smoothing, x[:, :400], 30, seasonality="additive").forecast
    np.testing.assert_allclose(path, x[:, 400:], atol=1e-3)


def test_theta_halves_the_slope_of_a_line_and_four_theta_takes_what_fits_best():
    clock = np.arange(230)
    line = (5 + 0.1 * clock)[None, :, None]
    ahead = np.arange(1, 31)
    half = run(theta, line[:, :200], 30).forecast[0, :, 0]
    np.testing.assert_allclose(np.diff(half), 0.05, rtol=1e-3)
    got = run(four_theta, line[:, :200], 30, thetas=(1.0, 2.0)).forecast[0, :, 0]
    np.testing.assert_allclose(got, line[0, 199, 0] + 0.05 * ahead, rtol=1e-6)
    # In sample, one step ahead, the largest theta misses least of a straight line.
    got = run(four_theta, line[:, :200], 30).forecast[0, :, 0]
    np.testing.assert_allclose(got, line[0, 199, 0] + 0.1 * (1 - 1 / 3) * ahead, rtol=1e-6)
    noise = np.random.default_rng(0).standard_normal((1, 200, 1))
    np.testing.assert_allclose(run(four_theta, noise, 5, thetas=(1.0,)).forecast, noise.mean(), atol=0.4)
    x = line + np.sin(2 * np.pi * clock / 50)[:, None]
    path = run(four_theta, x[:, :200], 30, seasonality="additive", thetas=(2.0,)).forecast
    np.testing.assert_allclose(path[0, :, 0] - (x - line)[0, 200:, 0], line[0, 199, 0] + 0.05 * ahead, atol=1e-6)


def test_fft_continues_sines_and_its_trend():
    np.testing.assert_allclose(run(fft, sine[:, :540], 60).forecast, sine[:, 540:], atol=1e-10)
    clock = np.arange(600)[:, None]
    x = sine + np.sin(2 * np.pi * clock / 10)
    np.testing.assert_allclose(run(fft, x[:, :500], 100, frequencies=2).forecast, x[:, 500:], atol=1e-10)
    one = run(fft, x[:, :500] + 0.5 * sine[:, :500], 100, frequencies=1).forecast
    np.testing.assert_allclose(one, 1.5 * sine[:, 500:], atol=1e-10)
    noise = 0.01 * np.random.default_rng(0).standard_normal((1, 500, 1))
    rising = run(fft, 0.01 * clock[None, :500] + noise, 100, degree=1, frequencies=1).forecast
    np.testing.assert_allclose(rising, 0.01 * clock[None, 500:], atol=0.01)


def test_burg_finds_an_autoregression_and_is_always_stable():
    rng = np.random.default_rng(0)
    x, a = np.zeros(20_000), np.array([0.5, 0.2, -0.4])
    for t in range(3, len(x)):
        x[t] = a @ x[t - 3 : t][::-1] + rng.standard_normal()
    np.testing.assert_allclose(arima.burg(x[None], 3)[0], a, atol=0.02)
    np.testing.assert_array_equal(arima.burg(np.zeros((1, 50)), 3), 0)
    smooth = waves(4, 200, 1)[..., 0]
    for row in arima.burg(np.concatenate([smooth, np.cumsum(smooth, 1)]), 25):
        assert np.abs(np.roots(np.r_[1, -row])).max() < 1 + 1e-9


def test_arima_forecasts_the_increments_of_its_autoregression():
    rng = np.random.default_rng(0)
    increments = np.zeros(5000)
    for t in range(1, len(increments)):
        increments[t] = 0.8 * increments[t - 1] + rng.standard_normal()
    x = np.cumsum(increments)[None, :, None]
    path = run(arima, x, 200, lags=3).forecast[0, :, 0]
    assert path[0] - x[0, -1, 0] == pytest.approx(0.8 * increments[-1], rel=0.1)
    assert path[-1] - x[0, -1, 0] == pytest.approx(0.8 * increments[-1] / 0.2, rel=0.15)


def test_auto_arima_finds_an_oscillating_autoregression():
    rng = np.random.default_rng(0)
    x = np.zeros(1100)
    for t in range(2, len(x)):
        x[t] = 1.8 * x[t - 1] - 0.95 * x[t - 2] + 0.1 * rng.standard_normal()
    best = list(x[98:100])
    for _ in range(30):
        best.append(1.8 * best[-1] - 0.95 * best[-2])
    path = run(auto_arima, 5 + x[None, :100, None], 30).forecast[0, :, 0]
    assert np.corrcoef(path, best[2:])[0, 1] > 0.9


@pytest.mark.parametrize(
    ("module", "knobs", "atol"),
    [
        (linear_regression, {"lags": 1}, 1e-9),
        (linear_regression, {"lags": 10}, 1e-9),
        (kalman, {"states": 3}, 1e-7),  # the mean of so short a history is one state more
        (kalman, {"states": 6}, 1e-7),
        (nvar, {"delay": 2, "ridge": 1e-10}, 1e-6),
        (quadratic_nvar, {"delay": 1, "ridge": 1e-10}, 1e-4),
    ],
)
def test_a_linear_system_is_continued_exactly(module, knobs, atol):
    x = rotation()
    np.testing.assert_allclose(run(module, x[:, :200], 100, **knobs).forecast, x[:, 200:], atol=atol)


@pytest.mark.parametrize(
    ("module", "knobs", "atol"),
    [
        (linear_regression, {"lags": 5}, 1e-8),
        (kalman, {"states": 2}, 1e-7),
        (nvar, {"delay": 5}, 1e-3),
        (arima, {"lags": 5}, 0.1),
        (analogue, {}, 1e-8),
        (esn, {}, 0.1),
        (tuned_esn, {}, 1e-3),
    ],
)
def test_a_sine_is_continued(module, knobs, atol):
    path = run(module, sine[:, :500], 100, **knobs)
    np.testing.assert_allclose(path.forecast, sine[:, 500:], atol=atol)


@pytest.mark.parametrize(("module", "knobs"), [(random_forest, {"trees": 25}), (xgboost_trees, {"rounds": 100})])
def test_trees_continue_a_sine(module, knobs):
    x = np.sin(2 * np.pi * np.arange(1100) / 47.13)[None, :, None]
    np.testing.assert_allclose(run(module, x[:, :1000], 100, **knobs).forecast, x[:, 1000:], atol=0.3)


def test_kalman_with_one_state_decays():
    path = run(kalman, waves(1, 400, 1), 2000, states=1).forecast[0, :, 0]
    assert abs(path[-1] - path[-2]) < 1e-3


def test_quadratic_nvar_learns_quadratic_systems():
    x = iterate(logistic, np.array([0.1234]), 400, 100)[None]
    np.testing.assert_allclose(
        run(quadratic_nvar, x[:, :380], 15, delay=1, ridge=1e-12).forecast, x[:, 380:395], atol=1e-4
    )
    x = iterate(henon, np.array([0.1, 0.1]), 400, 100)[None]
    np.testing.assert_allclose(
        run(quadratic_nvar, x[:, :360], 25, delay=1, ridge=1e-12).forecast, x[:, 360:385], atol=1e-4
    )
    x = rk4(lorenz63, [1.0, 1.0, 25.0], 0.01, 2500)[None, 1000:]
    path = run(quadratic_nvar, x[:, :1000], 200, delay=2, ridge=1e-8).forecast
    np.testing.assert_allclose(path, x[:, 1000:1200], atol=0.5)
    assert np.abs(run(nvar, x[:, :1000], 200, delay=2).forecast - x[:, 1000:1200]).max() > 5


def test_diverging_forecasts_are_clipped_not_lost():
    x = 1.05 ** np.arange(100)[None, :, None]
    path = run(linear_regression, x, 400, lags=2)
    assert not path.failed.any()
    assert path.forecast[0, -1, 0] == pytest.approx(x.mean() + 10 * x.std())


def test_analogue_weighs_neighbours_by_distance():
    x = np.array([0.0, 10, 1, 20, 2, 40, 0.5])[None, :, None]
    path = run(analogue, x, 1, delay=1, stride=1, neighbours=2).forecast[0, 0, 0]
    assert path == pytest.approx(0.5 + (10 + 19) / 2)  # 0 and 1 are equally near
    one = run(analogue, x + np.r_[0.01, np.zeros(6)][None, :, None], 1, delay=1, stride=1, neighbours=1).forecast
    assert one[0, 0, 0] == pytest.approx(0.5 + 9.99)


def test_reservoir_weights_are_as_asked_for():
    network = esn.draw([np.random.default_rng(s) for s in (0, 1)], 3, 0.5, 220, 0.7, 0.1, 0.4, 0.2)
    dense = network.recurrent.toarray()
    assert not dense[:220, 220:].any() and not dense[220:, :220].any()
    for block in (dense[:220, :220], dense[220:, 220:]):
        assert np.abs(np.linalg.eigvals(block)).max() == pytest.approx(0.7, rel=5e-3)
        assert (block != 0).mean() == pytest.approx(0.1, abs=0.01)
    assert set(np.unique(network.inside)) == {-0.4, 0.0, 0.4}
    assert (network.inside != 0).mean() == pytest.approx(0.2, abs=0.05)


def test_the_raw_reservoir_saturates_and_the_standardised_one_doesnt_care_about_units():
    history = waves(1, 400, 1)
    a, b = (run(tuned_esn, history * scale, 20).forecast / scale for scale in (1, 1024))
    np.testing.assert_allclose(a, b, rtol=1e-9)
    a, b = (run(esn, history * scale, 20).forecast / scale for scale in (1, 1024))
    assert np.abs(a - b).max() > 0.1
