"""Seventeen scores of a forecast (W. Gilpin, Phys. Rev. Research 5, 043252, 2023, arXiv 2303.08011), for many at once.

Every function takes the truth and a prediction, shape (..., lead, dim) in the units of the data (leading axes are
broadcast against each other), and returns one number for each, shape (...). A prediction with a NaN or an infinity
scores the worst value that the metric has. `METRICS` lists them under their names, with the direction that is better.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from pesin.declared import Change, Declared, Follows
from pesin.door import centred, finite, numbers


class Metric(NamedTuple):
    """function(true, predicted), or function(true, predicted, history) for MASE; better: "lower" or "higher"; units of
    the score ("data" and "data2" for those of the data and their square); worst: the score of a failed forecast. The
    others as in `pesin.declared`."""

    function: Callable
    better: str
    units: str
    worst: float
    invariant: tuple[Change, ...] = ()
    alone: Mapping[str, tuple[Change, ...]] = {}
    follows: Follows = ""
    moves: str = ""


# ------------------------------------------------------------------------------------------------------ absolute errors


def mse(true, predicted) -> np.ndarray:
    """Mean squared error over time and coordinates."""
    y, p, failed = _both(true, predicted)
    return _scored(np.mean((y - p) ** 2, (-2, -1)), failed, np.inf)


def rmse(true, predicted) -> np.ndarray:
    """Root of the mean squared error."""
    return np.sqrt(mse(true, predicted))


def mae(true, predicted) -> np.ndarray:
    """Mean absolute error."""
    y, p, failed = _both(true, predicted)
    return _scored(np.mean(np.abs(y - p), (-2, -1)), failed, np.inf)


# ------------------------------------------------------------------------------------------------------ relative errors


def nrmse(true, predicted) -> np.ndarray:
    """Root-mean-square error, each coordinate in units of the truth's standard deviation.

    1 for the mean of the truth, sqrt(2) for an independent orbit of the same attractor.
    """
    y, p, failed = _both(true, predicted)
    return _scored(np.sqrt(np.mean(_ratio((y - p) ** 2, y.var(-2, keepdims=True)), (-2, -1))), failed, np.inf)


def marre(true, predicted) -> np.ndarray:
    """Mean absolute error in per cent of the truth's range over time and coordinates."""
    y, p, failed = _both(true, predicted)
    spread = y.max((-2, -1)) - y.min((-2, -1))
    return _scored(100 * _ratio(np.mean(np.abs(y - p), (-2, -1)), spread), failed, np.inf)


def r2(true, predicted) -> np.ndarray:
    """1 - squared error / squared deviation of each coordinate from its own mean: at most 0 for a constant forecast."""
    y, p, failed = _both(true, predicted)
    spread = np.sum((y - y.mean(-2, keepdims=True)) ** 2, (-2, -1))
    return _scored(1 - _ratio(np.sum((y - p) ** 2, (-2, -1)), spread), failed, -np.inf)


def rmsle(true, predicted) -> np.ndarray:
    """Root-mean-square error of ln(1 + x), each coordinate of both shifted to have its minimum at 0."""
    y, p, failed = _both(true, predicted)
    y, p = (np.log1p(x - x.min(-2, keepdims=True)) for x in (y, p))
    return _scored(np.sqrt(np.mean((y - p) ** 2, (-2, -1))), failed, np.inf)


def smape(true, predicted) -> np.ndarray:
    """Symmetric mean absolute percentage error, 0 to 200: the mean of `pointwise_smape` over time."""
    _, _, failed = _both(true, predicted)
    return _scored(pointwise_smape(true, predicted).mean(-1), failed, 200.0)


def pointwise_smape(true, predicted) -> np.ndarray:
    """200 |y - p| / (|y| + |p|), averaged over coordinates: the error at each lead.

    Returns
    -------
    ndarray, shape (..., lead)
        200 where the prediction isn't finite; a coordinate that is 0 in both counts as right.
    """
    with np.errstate(all="ignore"):
        y, p = finite(true, "true"), numbers(predicted, "predicted")
        share = _ratio(np.abs(y - p), np.abs(y) + np.abs(p))
        return 200 * np.where(np.isfinite(y - p), share, 1.0).mean(-1)


def mape(true, predicted) -> np.ndarray:
    """Mean absolute error in per cent of the true value; infinite if that is ever 0."""
    y, p, failed = _both(true, predicted)
    return _scored(100 * np.mean(_ratio(np.abs(y - p), np.abs(y)), (-2, -1)), failed, np.inf)


def wape(true, predicted) -> np.ndarray:
    """Sum of absolute errors in per cent of the sum of absolute true values."""
    y, p, failed = _both(true, predicted)
    return _scored(100 * _ratio(np.abs(y - p).sum((-2, -1)), np.abs(y).sum((-2, -1))), failed, np.inf)


def coefficient_of_variation(true, predicted) -> np.ndarray:
    """Standard deviation of the errors in per cent of the size of the truth's mean.

    Without the size a negative mean would make the worst forecast the best.
    """
    y, p, failed = _both(true, predicted)
    return _scored(100 * _ratio((y - p).std((-2, -1)), np.abs(y.mean((-2, -1)))), failed, np.inf)


def mase(true, predicted, history) -> np.ndarray:
    """Mean absolute error over the history's mean absolute step, that is over the error of "no change" at one step.

    Parameters
    ----------
    history : array_like, shape (..., time, dim)
        What the forecaster was fitted to.
    """
    y, p, failed = _both(true, predicted)
    step = np.mean(np.abs(np.diff(finite(history, "history"), axis=-2)), (-2, -1))
    return _scored(_ratio(np.mean(np.abs(y - p), (-2, -1)), step), failed, np.inf)


def ope(true, predicted) -> np.ndarray:
    """Sum of absolute errors over that of the truth's mean as a forecast, coordinate by coordinate."""
    y, p, failed = _both(true, predicted)
    level = centred(y, -2)
    spread = np.abs(level - level.mean(-2, keepdims=True)).sum((-2, -1))
    return _scored(_ratio(np.abs(y - p).sum((-2, -1)), spread), failed, np.inf)


# -------------------------------------------------------------------------------------------------------- associations


def pearson(true, predicted) -> np.ndarray:
    """Pearson's correlation over time, mean over coordinates; 0 where one of the two is constant."""
    y, p, failed = _both(true, predicted)
    return _scored(_correlation(y, p).mean(-1), failed, -1.0)


def spearman(true, predicted) -> np.ndarray:
    """Spearman's rank correlation over time, mean over coordinates; 0 where one of the two is constant."""
    from scipy.stats import rankdata

    y, p, failed = _both(true, predicted)
    # The truth is ranked before it is repeated for each forecast.
    ranks = rankdata(finite(true, "true"), axis=-2)
    return _scored(_correlation(np.broadcast_to(ranks, y.shape), rankdata(p, axis=-2)).mean(-1), failed, -1.0)


def kendall(true, predicted) -> np.ndarray:
    """Kendall's tau-b over time, mean over coordinates; 0 where one of the two is constant."""
    from scipy.stats import kendalltau

    y, p, failed = _both(true, predicted)

    def tau(one, other):
        constant = np.ptp(one) == 0 or np.ptp(other) == 0
        return 0.0 if constant else float(kendalltau(one, other, method="asymptotic").statistic)

    return _scored(_by_coordinate(tau, y, p, failed), failed, -1.0)


def mutual_information(true, predicted, k: int = 3) -> np.ndarray:
    """Mutual information of truth and forecast over time, mean over coordinates [nat].

    The first estimator of Kraskov, Stogbauer and Grassberger (Phys. Rev. E 69, 066138, 2004), from the k nearest
    neighbours in the maximum norm, each series in its own standard deviations; never below 0. Successive points of an
    orbit are not independent, so that it is not 0 for an independent orbit.
    """
    from scipy.spatial import cKDTree
    from scipy.special import digamma

    y, p, failed = _both(true, predicted)

    def nats(one, other):
        pair = centred(np.stack([one, other], -1), 0)
        spread = np.where(np.ptp(pair, 0) == 0, 0.0, pair.std(0))  # the deviation of a constant may be a rounding error
        if not spread.all():
            return 0.0
        pair = pair / spread
        radius = cKDTree(pair).query(pair, k + 1, p=np.inf)[0][:, -1] * (1 - 1e-10)  # strictly nearer than the k-th
        inside = 0.0
        for x in pair.T:
            line = np.sort(x)
            count = np.searchsorted(line, x + radius, "right") - np.searchsorted(line, x - radius, "left")
            inside += digamma(count).mean()
        return max(0.0, float(digamma(k) + digamma(len(pair)) - inside))

    return _scored(_by_coordinate(nats, y, p, failed), failed, 0.0)


_ERROR = "an error is a difference: what is done to one alone is an error"
_UNIT = "it is in the unit of the data, and what is done to one alone is an error"
_ZERO = "it asks how large an error is beside the value, so where zero lies"
_BOTH: tuple[Change, ...] = ("shift", "scale")
_EACH: dict[str, tuple[Change, ...]] = {"true": _BOTH, "predicted": _BOTH}
_RANKS: dict[str, tuple[Change, ...]] = {"true": (*_BOTH, "monotone"), "predicted": (*_BOTH, "monotone")}
METRICS: dict[str, Metric] = {
    "MSE": Metric(mse, "lower", "data2", np.inf, ("shift",), {}, "square", _UNIT),
    "MAE": Metric(mae, "lower", "data", np.inf, ("shift",), {}, "unit", _UNIT),
    "RMSE": Metric(rmse, "lower", "data", np.inf, ("shift",), {}, "unit", _UNIT),
    "NRMSE": Metric(nrmse, "lower", "1", np.inf, _BOTH, {}, "", _ERROR),
    "MARRE": Metric(marre, "lower", "%", np.inf, _BOTH, {}, "", _ERROR),
    "R2": Metric(r2, "higher", "1", -np.inf, _BOTH, {}, "", _ERROR),
    "RMSLE": Metric(
        rmsle,
        "lower",
        "1",
        np.inf,
        ("shift",),
        {"true": ("shift",), "predicted": ("shift",)},
        "",
        "ln(1 + x) has a unit of its own; each is shifted to its own minimum",
    ),
    "sMAPE": Metric(smape, "lower", "%", 200.0, ("scale",), {}, "", _ZERO),
    "MAPE": Metric(mape, "lower", "%", np.inf, ("scale",), {}, "", _ZERO),
    "WAPE": Metric(wape, "lower", "%", np.inf, ("scale",), {}, "", _ZERO),
    "Spearman": Metric(spearman, "higher", "1", -1.0, (*_BOTH, "monotone"), _RANKS),
    "Pearson": Metric(pearson, "higher", "1", -1.0, _BOTH, _EACH),
    "Kendall": Metric(kendall, "higher", "1", -1.0, (*_BOTH, "monotone"), _RANKS),
    "CV": Metric(coefficient_of_variation, "lower", "%", np.inf, ("scale",), {}, "", _ZERO),
    "MI": Metric(mutual_information, "higher", "nat", 0.0, _BOTH, _EACH),
    "MASE": Metric(mase, "lower", "1", np.inf, _BOTH, {"history": ("shift",)}, "", _ERROR),
    "OPE": Metric(ope, "lower", "1", np.inf, _BOTH, {}, "", _ERROR),
}


def all_metrics(true, predicted, history) -> dict[str, np.ndarray]:
    """All scores of `METRICS`.

    Parameters
    ----------
    true, predicted : array_like, shape (..., lead, dim)
    history : array_like, shape (..., time, dim)

    Returns
    -------
    dict
        name -> ndarray of shape (...).
    """
    given = {"MASE": (true, predicted, history)}
    return {name: metric.function(*given.get(name, (true, predicted))) for name, metric in METRICS.items()}


def _both(true, predicted) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth and prediction in one shape, and which predictions failed (those are replaced by zeros)."""
    y, p = np.broadcast_arrays(finite(true, "true"), numbers(predicted, "predicted"))
    failed = ~np.isfinite(p).all((-2, -1))
    return y, np.where(failed[..., None, None], 0.0, p), failed


def _scored(score: np.ndarray, failed: np.ndarray, worst: float) -> np.ndarray:
    return np.where(failed, worst, score)


def _ratio(above, below) -> np.ndarray:
    """above / below with 0 / 0 = 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where((above == 0) & (below == 0), 0.0, above / below)


def _correlation(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Pearson's correlation along time, shape (..., dim); 0 where one of the two is constant."""
    constant = (np.ptp(y, axis=-2) == 0) | (np.ptp(p, axis=-2) == 0)
    dy, dp = y - y.mean(-2, keepdims=True), p - p.mean(-2, keepdims=True)
    size = np.sqrt((dy**2).sum(-2) * (dp**2).sum(-2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(constant | (size == 0), 0.0, np.clip((dy * dp).sum(-2) / size, -1.0, 1.0))


def _by_coordinate(function: Callable, y: np.ndarray, p: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Mean over coordinates of a function of two series, for each forecast that didn't fail."""
    out = np.zeros(failed.shape)
    for index in np.ndindex(failed.shape):
        if not failed[index]:
            out[index] = np.mean([function(*pair) for pair in zip(y[index].T, p[index].T, strict=True)])
    return out


DECLARED = (
    Declared(
        pointwise_smape,
        ("true", "predicted"),
        invariant=("scale",),
        moves="it asks how large an error is beside the value, so where zero lies",
        missing={"predicted": "the worst score"},
    ),
    Declared(
        all_metrics,
        ("true", "predicted", "history"),
        moves="by each metric's own law",
        missing={"predicted": "the worst score"},
    ),
)
