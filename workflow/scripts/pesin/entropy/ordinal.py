"""Ordinal patterns: permutation entropy, statistical complexity, their bounds, and the choice of the delay.

All functions take series of shape (..., time) and work on every leading axis. A pattern is the rank order of `order`
samples `delay` samples apart; all overlapping windows count, P = N - (order - 1) delay of them. Equal values rank in
the order of time (a stable sort). Entropies are in units of ln(order!), so they need no base.
"""

from __future__ import annotations

from math import factorial, log
from typing import NamedTuple

import numpy as np
from scipy.special import entr


class Ordinal(NamedTuple):
    """What `complexity_entropy` returns; every entry has the shape of the batch."""

    permutation_entropy: np.ndarray
    """H in [0, 1]."""
    statistical_complexity: np.ndarray
    """C = H x (normalised Jensen-Shannon divergence from the uniform distribution)."""
    patterns: np.ndarray
    """Number of different patterns seen."""
    windows: np.ndarray
    """Number of windows, P."""
    bias: np.ndarray
    """Miller-Madow estimate of the bias of H, -(patterns - 1) / (2 P ln order!)."""


def pattern_codes(x, order: int = 5, delay: int = 1) -> np.ndarray:
    """Number of the ordinal pattern of every window.

    Parameters
    ----------
    x : array_like, shape (..., time)
        Finite values.
    order
        Samples in a pattern (2 to 8).
    delay
        Samples between two samples of a pattern.

    Returns
    -------
    ndarray of int, shape (..., time - (order - 1) delay)
        Lehmer code of the window: 0 for a rising (or constant) one, order! - 1 for a falling one.

    Raises
    ------
    ValueError
        If a value isn't finite, the order is outside 2..8, or not a single window fits.
    """
    x = np.asarray(x)
    if not 2 <= order <= 8:
        raise ValueError(f"order must lie between 2 and 8, it is {order}")
    windows = x.shape[-1] - (order - 1) * delay
    if delay < 1 or windows < 1:
        raise ValueError(f"no window of {order} samples {delay} apart fits into {x.shape[-1]} samples")
    if not np.isfinite(x).all():
        raise ValueError("the series holds a NaN or an infinity")
    column = [x[..., i * delay : i * delay + windows] for i in range(order)]
    codes = np.zeros((*x.shape[:-1], windows), np.uint16)
    for i in range(order - 1):
        smaller_later = np.zeros(codes.shape, np.uint8)
        for later in column[i + 1 :]:
            smaller_later += later < column[i]
        codes += smaller_later * np.uint16(factorial(order - 1 - i))
    return codes


def pattern_counts(x, order: int = 5, delay: int = 1) -> np.ndarray:
    """Histogram of the ordinal patterns.

    Parameters
    ----------
    x, order, delay
        As in `pattern_codes`.

    Returns
    -------
    ndarray of int, shape (..., order!)
    """
    codes = pattern_codes(x, order, delay)
    return code_counts(codes, order)


def code_counts(codes, order: int = 5) -> np.ndarray:
    """Histogram, of shape (..., order!), of pattern codes of shape (..., windows)."""
    codes = np.asarray(codes)
    size = factorial(order)
    rows = codes.reshape(-1, codes.shape[-1])
    counts = np.stack([np.bincount(row, minlength=size) for row in rows])
    return counts.reshape(*codes.shape[:-1], size)


def permutation_entropy(counts) -> np.ndarray:
    """Normalised Shannon entropy of pattern counts (Bandt and Pompe, PRL 88, 174102, 2002).

    Parameters
    ----------
    counts : array_like, shape (..., order!)
        Counts or probabilities.

    Returns
    -------
    ndarray, shape (...)
        H = -sum p ln p / ln order!, in [0, 1].
    """
    p = _probabilities(counts)
    return entr(p).sum(-1) / log(p.shape[-1])


def statistical_complexity(counts) -> np.ndarray:
    """Jensen-Shannon complexity of pattern counts (Lamberti et al. 2004; Rosso et al., PRL 99, 154102, 2007).

    Parameters
    ----------
    counts : array_like, shape (..., order!)
        Counts or probabilities, absent patterns included as zeros.

    Returns
    -------
    ndarray, shape (...)
        C = H JS(p, u) / JS_max, u the uniform distribution, JS_max that of a single pattern.
    """
    p = _probabilities(counts)
    n = p.shape[-1]
    divergence = entr((p + 1 / n) / 2).sum(-1) - entr(p).sum(-1) / 2 - log(n) / 2
    largest = -0.5 * ((n + 1) / n * log(n + 1) - 2 * log(2 * n) + log(n))
    # The divergence is never negative; rounding makes it -1e-16 for equal counts.
    return permutation_entropy(p) * np.maximum(divergence, 0) / largest


def complexity_entropy(x, order: int = 5, delay=1) -> Ordinal:
    """Permutation entropy and statistical complexity of a batch of series.

    Parameters
    ----------
    x : array_like, shape (..., time)
    order
        Samples in a pattern.
    delay : int or array_like of int
        Samples between two samples of a pattern; one for all, or an array that broadcasts to the batch's shape.

    Returns
    -------
    Ordinal
    """
    x = np.asarray(x)
    delays = np.broadcast_to(delay, x.shape[:-1])
    counts = np.empty((*x.shape[:-1], factorial(order)), np.int64)
    for one in np.unique(delays):
        counts[delays == one] = pattern_counts(x[delays == one], order, int(one))
    return from_counts(counts)


def from_counts(counts) -> Ordinal:
    """The same record from pattern counts of shape (..., order!)."""
    counts = np.asarray(counts)
    patterns, windows = (counts > 0).sum(-1), counts.sum(-1)
    bias = -(patterns - 1) / (2 * windows * log(counts.shape[-1]))
    return Ordinal(permutation_entropy(counts), statistical_complexity(counts), patterns, windows, bias)


def _probabilities(counts) -> np.ndarray:
    counts = np.asarray(counts, float)
    return counts / counts.sum(-1, keepdims=True)


# ---------------------------------------------------------------------------------------------------------- bounds


def periodic_bound(order: int = 5) -> float:
    """Largest H of a periodic series with one maximum and one minimum a period: ln(2 (2 (n - 2) + 1)) / ln n!.

    It holds for pattern times up to half the period (Hyman et al., ApJ 987, 195, 2025): then no more than
    2 (2 (n - 2) + 1) patterns occur, 14 for n = 5.
    """
    return log(2 * (2 * (order - 2) + 1)) / log(factorial(order))


def complexity_bounds(order: int = 5, points: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Curves between which every (H, C) lies (Martin, Plastino and Rosso, Physica A 369, 439, 2006).

    Parameters
    ----------
    order
        Samples in a pattern; above 6 the upper curve takes long.
    points
        Points along the lower curve; the upper one is swept over order! - 1 arcs.

    Returns
    -------
    (lower, upper) : ndarrays, shape (points, 2) and (order! - 1 arcs of at least 2 points, 2)
        Pairs (H, C), H rising.
    """
    n = factorial(order)
    q = np.linspace(1 / n, 1, points)[::-1]
    lower = np.concatenate([q[:, None], np.repeat((1 - q[:, None]) / (n - 1), n - 1, 1)], 1)
    arcs = []
    for absent in range(n - 2, -1, -1):
        first = np.linspace(0, 1 / (n - absent), max(points // n, 2))
        p = np.zeros((first.size, n))
        p[:, 0] = first
        p[:, 1 : n - absent] = ((1 - first) / (n - absent - 1))[:, None]
        arcs.append(p)
    upper = np.concatenate(arcs)
    curves = [np.stack([permutation_entropy(p), statistical_complexity(p)], -1) for p in (lower, upper)]
    return curves[0], curves[1]


# -------------------------------------------------------------------------------------------------- sampling


def natural_period(x, dt: float = 1.0) -> np.ndarray:
    """Natural period by mean crossings: 2 x duration / number of crossings.

    Parameters
    ----------
    x : array_like, shape (..., time)
    dt
        Time between samples.

    Returns
    -------
    ndarray, shape (...)
        In the unit of dt; inf for a series that never crosses its mean.
    """
    x = np.asarray(x, float)
    above = x > x.mean(-1, keepdims=True)
    crossings = (above[..., 1:] != above[..., :-1]).sum(-1)
    with np.errstate(divide="ignore"):
        return 2 * dt * (x.shape[-1] - 1) / crossings


def delay_for(ratio, period, dt: float = 1.0, order: int = 5) -> np.ndarray:
    """Delay that brings the pattern time (order - 1) x delay x dt nearest to ratio x period; at least 1.

    Parameters
    ----------
    ratio, period : array_like
        Wanted t_pat / t_nat, and t_nat; broadcast against each other.
    dt
        Time between samples, in the unit of the period.

    Returns
    -------
    ndarray of int
    """
    wanted = np.asarray(ratio) * np.asarray(period, float) / ((order - 1) * dt)
    return np.maximum(np.rint(wanted), 1).astype(int)
