"""95 % intervals over independent units: Student t, order statistics, Wilson, Fisher z."""

from __future__ import annotations

import numpy as np
from scipy import special  # scipy.stats would cost every job half a second of imports


def mean_interval(values, level: float = 0.95) -> tuple[float, float, float]:
    """Mean and Student-t interval.

    Parameters
    ----------
    values : array_like, shape (units,)
        One value for each independent unit.

    Returns
    -------
    (mean, low, high)
        low and high are -inf and inf for fewer than two units.
    """
    values = np.asarray(values, float)
    n = values.size
    centre = float(values.mean()) if n else np.nan
    if n < 2:
        return centre, -np.inf, np.inf
    half = float(special.stdtrit(n - 1, 0.5 + level / 2) * values.std(ddof=1) / np.sqrt(n))
    return centre, centre - half, centre + half


def median_interval(values, level: float = 0.95) -> tuple[float, float, float]:
    """Median and the interval between two order statistics (binomial; for n < 6 the whole range, which covers less).

    Parameters
    ----------
    values : array_like, shape (units,)

    Returns
    -------
    (median, low, high)
    """
    values = np.sort(np.asarray(values, float))
    n = values.size
    if n < 2:
        return (float(values[0]) if n else np.nan), -np.inf, np.inf
    tails = special.bdtr(np.arange(n), n, 0.5)  # chance that at most k of n values lie below the median
    rank = max(int((tails <= (1 - level) / 2).sum()), 1)
    return float(np.median(values)), float(values[rank - 1]), float(values[n - rank])


def share_interval(yes, level: float = 0.95) -> tuple[float, float, float]:
    """Share of units that say yes, and Wilson's interval.

    Parameters
    ----------
    yes : array_like of bool, shape (units,)

    Returns
    -------
    (share, low, high)
    """
    yes = np.asarray(yes, bool)
    n = yes.size
    if n == 0:
        return np.nan, 0.0, 1.0
    share = float(yes.mean())
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return share, float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def correlation_interval(x, y, method: str = "spearman", level: float = 0.95) -> tuple[float, float, float]:
    """Correlation over units and its Fisher-z interval (Bonett and Wright's variance for Spearman).

    Parameters
    ----------
    x, y : array_like, shape (units,)
    method : {"spearman", "pearson"}

    Returns
    -------
    (rho, low, high)
        rho is NaN and the interval (-1, 1) if one of the two is constant or there are fewer than five units.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    n = x.size
    if n < 5 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan, -1.0, 1.0
    if method == "spearman":
        x, y = ranks(x), ranks(y)
    rho = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    variance = (1 + rho**2 / 2) / (n - 3) if method == "spearman" else 1 / (n - 3)
    half = float(special.ndtri(0.5 + level / 2) * np.sqrt(variance))
    centre = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return rho, float(np.tanh(centre - half)), float(np.tanh(centre + half))


def ranks(values) -> np.ndarray:
    """Ranks from 1 along the last axis, ties averaged. Shape (..., units)."""
    return np.apply_along_axis(_ranks, -1, np.asarray(values))


def _ranks(values: np.ndarray) -> np.ndarray:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[where]


def spearman(x, y) -> float:
    """Spearman's rho, ties averaged; NaN if one of the two is constant or holds a NaN.

    Parameters
    ----------
    x, y : array_like, shape (units,)
        Infinite values keep their rank.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if np.isnan(x).any() or np.isnan(y).any() or np.all(x == x[0]) or np.all(y == y[0]):
        return np.nan
    # Rounded: ranks are halves of integers, and a rho that is exactly 0.9 must not miss a bound of 0.9 by one bit.
    return round(float(np.corrcoef(_ranks(x), _ranks(y))[0, 1]), 12)
