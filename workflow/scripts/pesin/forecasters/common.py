"""What forecasters share: length checks, scaling, lagged features, ridge regression, seasons, trees, and the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pesin.door import numbers
from pesin.errors import UserError

LARGEST_DEVIATION = 10.0  # forecasts are clipped this many standard deviations of the history from its mean


def checked(name: str, history: np.ndarray, points: int = 1, lags: int = 1) -> np.ndarray:
    """Return a history as float64 numbers, through the one door; refuse one that is too short.

    NaN and infinities pass: a series that holds them fails, and those beside it don't.

    Parameters
    ----------
    name
        The forecaster, as its NAME says.
    history : ndarray, shape (series, time, dim)
    points
        Smallest length in points that the forecaster can work with.
    lags
        Its longest lag in points, for the message.

    Raises
    ------
    TypeError, ValueError
        If the history holds no real numbers, or masked ones.
    UserError
        If the history has fewer points.
    """
    history = np.ascontiguousarray(numbers(history, "history"))  # sums round by the order in memory
    if history.shape[1] < points:
        raise UserError(
            f"{name}: needs a history of at least {points} points (lags {lags}), and got {history.shape[1]}"
        )
    return history


def standardise(history: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale each coordinate of each series to mean 0 and standard deviation 1 over the history.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)

    Returns
    -------
    scaled : ndarray, shape (series, time, dim)
    mean, deviation : ndarray, shape (series, 1, dim)
        scaled * deviation + mean is the history again. A constant coordinate has deviation 1.
    """
    mean, deviation = history.mean(1, keepdims=True), history.std(1, keepdims=True)
    # A constant's deviation is rounding, not 0.
    deviation = np.where(deviation > 1e-12 * np.abs(mean), deviation, 1.0)
    return (history - mean) / deviation, mean, deviation


def limits(history: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value a forecast may take, each of shape (series, dim): ten deviations around the mean."""
    mean, reach = history.mean(1), LARGEST_DEVIATION * history.std(1)
    return mean - reach, mean + reach


def columns(history: np.ndarray) -> np.ndarray:
    """Coordinates as series of their own: (series, time, dim) -> (series * dim, time), for univariate methods."""
    return history.transpose(0, 2, 1).reshape(-1, history.shape[1])


def from_columns(paths: np.ndarray, dim: int) -> np.ndarray:
    """Undo `columns`: (series * dim, steps) -> (series, steps, dim)."""
    return paths.reshape(-1, dim, paths.shape[1]).transpose(0, 2, 1)


def lagged(history: np.ndarray, lags: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Windows of the past and the point after each.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    lags
        Points in a window, newest first.
    stride
        Points from one lag to the next.

    Returns
    -------
    windows : ndarray, shape (series, rows, lags * dim)
        All coordinates of the newest point, then of the one `stride` points before, and so on.
    targets : ndarray, shape (series, rows, dim)
        rows = time - 1 - (lags - 1) * stride.
    """
    time, oldest = history.shape[1], (lags - 1) * stride
    windows = [history[:, oldest - k * stride : time - 1 - k * stride] for k in range(lags)]
    return np.concatenate(windows, -1), history[:, oldest + 1 :]


def ridge_regression(features: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """Minimise |targets - features @ B|^2 + ridge |B|^2 for each series.

    By QR of the matrix with the penalty's rows below it: the normal equations would lose half of the digits, which is
    what long forecasts of noise-free orbits live on.

    Parameters
    ----------
    features : ndarray, shape (series, rows, features)
    targets : ndarray, shape (series, rows, dim)
    ridge
        Penalty for sums over rows; above 0.

    Returns
    -------
    ndarray, shape (series, features, dim)

    Raises
    ------
    numpy.linalg.LinAlgError
        If a series' features are dependent and the ridge is 0.
    """
    size = features.shape[-1]
    penalty = np.broadcast_to(np.sqrt(ridge) * np.eye(size), (len(features), size, size))
    q, r = np.linalg.qr(np.concatenate([features, penalty], 1))
    return np.linalg.solve(r, q[:, : targets.shape[1]].transpose(0, 2, 1) @ targets)


def roll(
    predict: Callable[[np.ndarray], np.ndarray], past: np.ndarray, steps: int, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Forecast recursively: one step at a time, each clipped and fed back.

    Parameters
    ----------
    predict
        Windows (series, window, dim), oldest point first, -> the next points (series, dim).
    past : ndarray, shape (series, window, dim)
        The last points of the history.
    steps
        Steps ahead.
    low, high : ndarray, shape (series, dim)
        See `limits`; in the units of `past`.

    Returns
    -------
    ndarray, shape (series, steps, dim)
        NaN from the step on at which a prediction is NaN.
    """
    window = past.shape[1]
    path = np.concatenate([past, np.empty((len(past), steps, past.shape[2]))], 1)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            path[:, window + t] = np.clip(predict(path[:, t : window + t]), low, high)
    return path[:, window:]


def deseasonalise(y: np.ndarray, period: float, seasonality: str) -> tuple[np.ndarray, np.ndarray]:
    """Take an additive season off, by classical decomposition.

    Parameters
    ----------
    y : ndarray, shape (series, time)
        At least two periods.
    period
        Points per season; rounded.
    seasonality
        "additive" or "none".

    Returns
    -------
    rest : ndarray, shape (series, time)
    figure : ndarray, shape (series, phase)
        Mean over the seasons of y less its centred moving average, itself of mean 0; one zero for "none".

    Raises
    ------
    UserError
        For any other seasonality.
    """
    if seasonality == "none":
        return y, np.zeros((len(y), 1))
    if seasonality != "additive":
        raise UserError(f"seasonality is '{seasonality}': must be 'additive' or 'none'")
    m, time = round(period), y.shape[1]
    kernel = np.ones(m) / m if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5] / m
    half = len(kernel) // 2
    inner = y[:, half : time - half] - np.stack([np.convolve(row, kernel, "valid") for row in y])
    phase = np.arange(half, time - half) % m
    figure = np.stack([inner[:, phase == k].mean(1) for k in range(m)], 1)
    figure -= figure.mean(1, keepdims=True)
    return y - season(figure, 0, time), figure


def season(figure: np.ndarray, first: int, steps: int) -> np.ndarray:
    """Repeat a seasonal figure (series, phase) over the points first, first + 1, ...: shape (series, steps)."""
    return figure[:, (first + np.arange(steps)) % figure.shape[1]]


class Forest(NamedTuple):
    """Regression trees of all series as one table of nodes.

    feature, threshold, left, right (nodes,), value (nodes, dim): a row goes left if its feature is not above the
    threshold; a leaf is its own child. roots (series, trees) are nodes; depth is the longest way to a leaf.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    depth: int


def join_trees(forests: list[list[tuple]]) -> Forest:
    """Put trees into one table.

    Parameters
    ----------
    forests
        For each series its trees, equally many: (feature, threshold, left, right, value), children -1 at a leaf.
    """
    trees = [tree for forest in forests for tree in forest]
    starts = np.cumsum([0, *(len(tree[0]) for tree in trees)])
    feature, threshold, left, right, value = (np.concatenate(parts) for parts in zip(*trees, strict=True))
    own, start = np.arange(starts[-1]), np.repeat(starts[:-1], np.diff(starts))
    leaf = left < 0
    left, right = np.where(leaf, own, left + start), np.where(leaf, own, right + start)
    roots, depth, level = starts[:-1].reshape(len(forests), -1), 0, starts[:-1]
    while not leaf[level].all():
        inside = level[~leaf[level]]
        level, depth = np.concatenate([left[inside], right[inside]]), depth + 1
    return Forest(np.where(leaf, 0, feature), threshold, left, right, value, roots, depth)


def walk_trees(forest: Forest, rows: np.ndarray) -> np.ndarray:
    """Send one row of each series (series, features) through all its trees: leaf values (series, trees, dim).

    All trees of all series go down a level at a time. The packages take 0.5 (XGBoost) to 20 ms (scikit-learn) for one
    row of one series, which a recursive forecast of hundreds of steps can't afford. Like theirs, rows are rounded to
    single precision.
    """
    rows, node = rows.astype(np.float32), forest.roots
    which = np.arange(len(rows))[:, None]
    for _ in range(forest.depth):
        above = rows[which, forest.feature[node]] > forest.threshold[node]
        node = np.where(above, forest.right[node], forest.left[node])
    return forest.value[node]
