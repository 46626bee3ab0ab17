"""Own forecasters and tree walks against scikit-learn, XGBoost, statsforecast, statsmodels, and reservoirpy."""

import numpy as np
import pytest
import xgboost
from reservoirpy.nodes import NVAR, Reservoir
from sklearn import linear_model
from sklearn.ensemble import RandomForestRegressor
from statsforecast.arima import Arima
from statsforecast.theta import auto_theta, forecast_theta
from statsmodels.tsa.seasonal import seasonal_decompose

from pesin.forecasters import arima, esn, four_theta, linear_regression, quadratic_nvar, random_forest, xgboost_trees
from pesin.forecasters.common import deseasonalise, lagged, standardise, walk_trees


@pytest.fixture
def x():
    rng = np.random.default_rng(0)
    clock = np.arange(400)[:, None]
    waves = np.sin(clock * [0.13, 0.21, 0.08]) + 0.3 * np.cos(clock * [0.4, 0.03, 0.29])
    return 2 * (waves + 0.1 * rng.standard_normal((2, 400, 3))) + 5


def one_step(module, x, **knobs):
    """Its one-step predictor, on rows of lagged standardised features, newest first."""
    state = module.fit(x, **knobs)
    return state, lagged(standardise(x)[0], 6)


def test_linear_regression_is_scikit_learns(x):
    state, (rows, targets) = one_step(linear_regression, x, lags=6)
    for i in range(2):
        peer = linear_model.LinearRegression().fit(rows[i], targets[i])
        np.testing.assert_allclose(state.coefficients[i], np.vstack([peer.coef_.T, peer.intercept_]), atol=1e-10)
    ahead = linear_regression.forecast(state, 1)[:, 0]
    window = standardise(x)[0][:, -6:][:, ::-1].reshape(2, -1)
    scaled = (ahead - state.mean[:, 0]) / state.deviation[:, 0]
    np.testing.assert_allclose(scaled[1], peer.predict(window[1:])[0], atol=1e-10)


@pytest.mark.parametrize("dim", [1, 3])
def test_forest_walk_is_scikit_learns_prediction(x, dim):
    x = x[..., :dim]
    state, (rows, targets) = one_step(random_forest, x, lags=6, trees=7, rng=np.random.default_rng(3))
    streams = np.random.default_rng(3).spawn(2)
    peers = []
    for i in range(2):
        peer = RandomForestRegressor(7, random_state=int(streams[i].integers(2**31)))
        peers.append(peer.fit(rows[i], targets[i] if dim > 1 else targets[i, :, 0]))
    new = rows + 0.05 * np.random.default_rng(4).standard_normal(rows.shape)
    for t in range(0, rows.shape[1], 5):
        ours = walk_trees(state.forest, new[:, t]).mean(1)
        theirs = [peer.predict(row[None]).reshape(-1) for peer, row in zip(peers, new[:, t], strict=True)]
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("dim", [1, 3])
def test_boosted_walk_is_xgboosts_prediction(x, dim):
    x = x[..., :dim]
    state, (rows, targets) = one_step(xgboost_trees, x, lags=6, rounds=20)
    for i in range(2):
        matrix = xgboost.DMatrix(rows[i], targets[i])
        peer = xgboost.train({"base_score": 0.0, "nthread": 1}, matrix, 20)
        at_cuts = rows[i, ::7]  # values of the training set lie on the cuts, where left and right differ
        between = at_cuts + 0.05 * np.random.default_rng(4).standard_normal(at_cuts.shape)
        for new in (at_cuts, between):
            theirs = peer.predict(xgboost.DMatrix(new)).reshape(-1, dim)
            both = [np.stack([row, row]) for row in new]
            ours = np.stack([walk_trees(state.forest, row).sum(1)[i] for row in both])
            np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_burg_is_close_to_maximum_likelihood():
    rng = np.random.default_rng(1)
    increments = np.zeros(3000)
    for t in range(2, len(increments)):
        increments[t] = 1.2 * increments[t - 1] - 0.5 * increments[t - 2] + rng.standard_normal()
    x = np.cumsum(increments)
    ours = arima.fit(x[None, :, None], lags=3).coefficients[0, 0]
    theirs = Arima(x, order=(3, 1, 0), method="ML")["coef"]
    np.testing.assert_allclose(ours, [theirs[f"ar{k}"] for k in (1, 2, 3)], atol=2e-3)


def test_four_theta_at_theta_two_is_statsforecasts_standard_model():
    rng = np.random.default_rng(0)
    x = 10 + 0.05 * np.arange(300) + np.cumsum(0.3 * rng.standard_normal(300)) + rng.standard_normal(300)
    ours = four_theta.forecast(four_theta.fit(x[None, :, None], period=10, thetas=(2.0,)), 20)[0, :, 0]
    theirs = forecast_theta(auto_theta(x, m=1, model="STM"), 20)["mean"]
    np.testing.assert_allclose(ours, theirs, rtol=0.005)


@pytest.mark.parametrize("period", [20, 21])
def test_season_is_statsmodels_decomposition(x, period):
    rest, _ = deseasonalise(x[..., 0], period, "additive")
    for ours, row in zip(rest, x[..., 0], strict=True):
        np.testing.assert_allclose(ours, row - seasonal_decompose(row, period=period).seasonal, atol=1e-10)


def test_quadratic_features_are_reservoirpys(x):
    delay, stride = 3, 2
    windows, _ = lagged(x, delay, stride)
    first = (delay - 1) * stride
    theirs = NVAR(delay=delay, order=2, strides=stride).run(x[1])[first:-1]
    np.testing.assert_allclose(quadratic_nvar.quadratic(windows)[1][:, 1:], theirs)


@pytest.mark.parametrize("leak", [0.3, 1.0])
def test_reservoir_states_are_reservoirpys(x, leak):
    rngs = [np.random.default_rng(s) for s in (0, 1)]
    network = esn.draw(rngs, 3, leak, 50, 0.9, 0.2, 0.1, 0.5)
    states = esn.listen(network, x)
    for i in range(2):
        block = slice(50 * i, 50 * (i + 1))
        weights = network.recurrent.toarray()[block, block]
        peer = Reservoir(W=weights, Win=network.inside[i], bias=network.bias[i], lr=leak)
        np.testing.assert_allclose(states[:, i], peer.run(x[i]), atol=1e-10)


def test_readout_is_scikit_learns_ridge(x):
    f = np.random.default_rng(0).standard_normal((400, 30))
    peer = linear_model.Ridge(0.3, solver="cholesky").fit(f, x[0])
    np.testing.assert_allclose(esn.fit_readout(f, x[0], 0.3), np.vstack([peer.coef_.T, peer.intercept_]), atol=1e-10)
