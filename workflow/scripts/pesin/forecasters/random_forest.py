"""A random forest on the last points of all coordinates (scikit-learn)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import (
    Forest,
    checked,
    join_trees,
    lagged,
    limits,
    roll,
    standardise,
    walk_trees,
)

NAME = "RandomForest"
FAMILY = "regression"


class State(NamedTuple):
    """The trees; last standardised points (series, lags, dim); mean and deviation (series, 1, dim); limits of the
    standardised points (series, dim)."""

    forest: Forest
    past: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(history: np.ndarray, *, rng: np.random.Generator, lags: int = 10, trees: int = 25) -> State:
    """Grow a forest for each series, all coordinates its targets.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    rng
        Bootstrap and splits.
    lags
        Points that are features.
    trees
        Trees in a forest, grown to pure leaves; 100 is scikit-learn's own default.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer than lags + 2 points.
    """
    from sklearn.ensemble import RandomForestRegressor

    history = checked(NAME, history, lags + 2, lags)
    z, mean, deviation = standardise(history)
    features, targets = lagged(z, lags)
    forests = []
    for f, y, stream in zip(features, targets, rng.spawn(len(z)), strict=True):
        seed = int(stream.integers(2**31))
        model = RandomForestRegressor(trees, random_state=seed, n_jobs=1).fit(f, y if y.shape[1] > 1 else y[:, 0])
        grown = [estimator.tree_ for estimator in model.estimators_]
        forests.append([(t.feature, t.threshold, t.children_left, t.children_right, t.value[..., 0]) for t in grown])
    return State(join_trees(forests), z[:, -lags:], mean, deviation, *limits(z))


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue recursively: shape (series, steps, dim)."""

    def predict(window):
        return walk_trees(state.forest, window[:, ::-1].reshape(len(window), -1)).mean(1)

    return roll(predict, state.past, steps, state.low, state.high) * state.deviation + state.mean
