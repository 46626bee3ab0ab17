"""Vector autoregression: the linear forecaster that every other must beat."""

from __future__ import annotations

import numpy as np

from pesin.door import finite


def fit(x: np.ndarray, order: int = 1, ridge: float = 0.0) -> np.ndarray:
    """Least-squares coefficients of x_t = c + B_1 x_{t-1} + ... + B_p x_{t-p}.

    Parameters
    ----------
    x : ndarray, shape (time, dim)
    order
        p, number of lags.
    ridge
        Penalty on B, for sums over time; none on c.

    Returns
    -------
    ndarray, shape (1 + order * dim, dim)
        Row 0 is c; then B_1 transposed, B_2 transposed, ...
    """
    x = finite(x)
    features = np.column_stack([x[order - k : len(x) - k] for k in range(1, order + 1)])
    centre, level = features.mean(0), x[order:].mean(0)  # a level far from 0 would eat the digits of the products
    inner = (features - centre).T @ (features - centre) + ridge * np.eye(features.shape[1])
    slopes = np.linalg.solve(inner, (features - centre).T @ (x[order:] - level))
    return np.vstack([level - centre @ slopes, slopes])


def forecast(coefficients: np.ndarray, history: np.ndarray, steps: int) -> np.ndarray:
    """Continue orbits: (starts, time, dim) -> (1, starts, steps, dim); the leading axis is the one run.

    Raises
    ------
    ValueError
        If the history is shorter than the order.
    """
    dim = history.shape[-1]
    order = (len(coefficients) - 1) // dim
    if history.shape[1] < order:
        raise ValueError(f"a history of {history.shape[1]} steps is shorter than the order {order}")
    lags = [history[:, -k] for k in range(1, order + 1)]
    path = np.empty((len(history), steps, dim))
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            path[:, t] = coefficients[0] + np.concatenate(lags, axis=1) @ coefficients[1:]
            lags = [path[:, t], *lags[:-1]]
    return path[None]
