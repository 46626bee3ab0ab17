"""Gradient-boosted trees on the last points of all coordinates (XGBoost)."""

from __future__ import annotations

import json
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

NAME = "XGBoost"
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


def fit(history: np.ndarray, *, lags: int = 10, rounds: int = 100, bins: int = 256) -> State:
    """Boost trees for each series, one tree a coordinate in each round; XGBoost's defaults elsewhere.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    lags
        Points that are features.
    rounds
        Of boosting.
    bins
        Of the features' histograms; fewer are faster.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer than lags + 2 points.
    """
    import xgboost

    history = checked(NAME, history, lags + 2, lags)
    z, mean, deviation = standardise(history)
    settings = {"nthread": 1, "max_bin": bins, "base_score": 0.0, "seed": 0}  # no subsampling: the seed isn't used
    features, targets = lagged(z, lags)
    forests = []
    for f, y in zip(features, targets, strict=True):
        booster = xgboost.train(settings, xgboost.DMatrix(f, y, nthread=1), rounds)
        forests.append(_trees(booster, z.shape[2]))
    return State(join_trees(forests), z[:, -lags:], mean, deviation, *limits(z))


def _trees(booster, dim: int) -> list[tuple]:
    """Read the trees from the booster's JSON; a leaf's value stands in the column of its tree's coordinate."""
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    trees = []
    for tree, coordinate in zip(model["trees"], model["tree_info"], strict=True):
        left, condition = np.array(tree["left_children"]), np.array(tree["split_conditions"], np.float32)
        value = np.zeros((len(left), dim))
        value[:, coordinate] = np.where(left < 0, condition, 0)
        # XGBoost goes left below the condition, not at it.
        threshold = np.nextafter(condition, np.float32(-np.inf))
        trees.append((np.array(tree["split_indices"]), threshold, left, np.array(tree["right_children"]), value))
    return trees


def forecast(state: State, steps: int) -> np.ndarray:
    """Continue recursively, clipped: shape (series, steps, dim)."""

    def predict(window):
        return walk_trees(state.forest, window[:, ::-1].reshape(len(window), -1)).sum(1)

    return roll(predict, state.past, steps, state.low, state.high) * state.deviation + state.mean
