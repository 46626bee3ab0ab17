"""Scores of forecasts that are laws: densities, ensembles, intervals, probabilities of classes. Cases last."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from pesin.declared import Declared
from pesin.door import finite, whole_numbers

HALF_LOG = 0.5 * np.log(2 * np.pi)


def gaussian_nll(mean, deviation, truth) -> np.ndarray:
    """Negative log density of the truth in a normal law, mean over cases, in nats.

    Parameters
    ----------
    mean, deviation, truth : array_like, shape (..., cases)
        Deviations above 0.

    Returns
    -------
    ndarray, shape (...)
    """
    z, sd = _standard(mean, deviation, truth)
    return (0.5 * z**2 + np.log(sd) + HALF_LOG).mean(-1)


def crps_gaussian(mean, deviation, truth) -> np.ndarray:
    """Continuous ranked probability score of normal laws (Gneiting and Raftery, JASA 102, 359, 2007), mean over cases.

    Parameters
    ----------
    mean, deviation, truth : array_like, shape (..., cases)
        Deviations above 0.

    Returns
    -------
    ndarray, shape (...)
        In the unit of the truth; 0 is best.
    """
    z, sd = _standard(mean, deviation, truth)
    density = np.exp(-0.5 * z**2 - HALF_LOG)
    return (sd * (z * (2 * ndtr(z) - 1) + 2 * density - np.pi**-0.5)).mean(-1)


def crps_ensemble(members, truth, fair: bool = True) -> np.ndarray:
    """Continuous ranked probability score of ensembles, E|x - y| - E|x - x'| / 2, mean over cases.

    Parameters
    ----------
    members : array_like, shape (..., cases, members)
    truth : array_like, shape (..., cases)
    fair
        Compare different members only: unbiased for the law they are drawn from (Ferro, QJRMS 140, 1917, 2014).

    Returns
    -------
    ndarray, shape (...)
        In the unit of the truth.
    """
    x, y = finite(members, "members"), finite(truth, "truth")
    if x.shape[:-1] != y.shape or x.shape[-1] < 1 + fair:
        raise ValueError(f"members {x.shape} must be truth's shape {y.shape} and an axis of {1 + fair} or more")
    n, ordered = x.shape[-1], np.sort(x - y[..., None], -1)
    weights = 2 * np.arange(n) - n + 1  # sum_i<j (x_j - x_i) in one pass
    return (np.abs(ordered).mean(-1) - (weights * ordered).sum(-1) / (n * (n - fair))).mean(-1)


def coverage(low, high, truth) -> np.ndarray:
    """Share of cases that lie inside their interval, both ends included.

    Parameters
    ----------
    low, high, truth : array_like, shape (..., cases)

    Returns
    -------
    ndarray, shape (...)
    """
    low, high, y = finite(low, "low"), finite(high, "high"), finite(truth, "truth")
    return ((low <= y) & (y <= high)).mean(-1)


def reliability(mean, deviation, truth, levels) -> np.ndarray:
    """Share of cases inside the central intervals of normal laws: what intervals of each claimed level hold in truth.

    Parameters
    ----------
    mean, deviation, truth : array_like, shape (..., cases)
        Deviations above 0.
    levels : array_like, shape (levels,)
        Claimed shares, between 0 and 1.

    Returns
    -------
    ndarray, shape (levels, ...)
        The levels themselves, up to chance, where the laws are right.

    Raises
    ------
    ValueError
        If a level is not between 0 and 1.
    """
    z, _ = _standard(mean, deviation, truth)
    return np.stack([(np.abs(z) <= half).mean(-1) for half in half_width(finite(levels, "levels"))])


def half_width(level) -> np.ndarray:
    """Deviations on each side of the mean between which a normal law has so much of its probability.

    Parameters
    ----------
    level : array_like
        Between 0 and 1.

    Returns
    -------
    ndarray
        1.96 for 0.95.

    Raises
    ------
    ValueError
        If a level is not between 0 and 1.
    """
    share = finite(level, "level")
    if ((share <= 0) | (share >= 1)).any():
        raise ValueError("level must be between 0 and 1")
    return ndtri((1 + share) / 2)


def widening(mean, deviation, truth, level: float = 0.95) -> np.ndarray:
    """The one factor on all deviations with which central intervals of a level hold that share of the cases.

    The quantile of errors over deviations, over what it would be in a normal law: the scale of split conformal
    prediction with normalised errors (Lei and others, JASA 113, 1094, 2018), without its correction for few cases.

    Parameters
    ----------
    mean, deviation, truth : array_like, shape (..., cases)
        Deviations above 0.
    level
        Between 0 and 1.

    Returns
    -------
    ndarray, shape (...)
        Above 1 where the laws are too narrow.

    Raises
    ------
    ValueError
        If a deviation is not above 0, or the level not between 0 and 1.
    """
    z, _ = _standard(mean, deviation, truth)
    return np.quantile(np.abs(z), level, axis=-1) / half_width(level)


def interval_score(low, high, truth, level: float = 0.95) -> np.ndarray:
    """Width of an interval and a fine for each truth outside it (Gneiting and Raftery, JASA 102, 359, 2007, eq. 43).

    Parameters
    ----------
    low, high, truth : array_like, shape (..., cases)
    level
        What the interval claims to hold, between 0 and 1.

    Returns
    -------
    ndarray, shape (...)
        Mean over cases, in the unit of the truth; least, in the mean, for the true quantiles.

    Raises
    ------
    ValueError
        If a lower end lies above an upper one, or the level is not between 0 and 1.
    """
    a, b, y = finite(low, "low"), finite(high, "high"), finite(truth, "truth")
    if (a > b).any():
        raise ValueError("low must not lie above high")
    if not 0 < level < 1:
        raise ValueError("level must be between 0 and 1")
    return (b - a + 2 / (1 - level) * (np.maximum(a - y, 0) + np.maximum(y - b, 0))).mean(-1)


def pit(members, truth) -> np.ndarray:
    """Probability integral transform of each truth in its ensemble: the share of members below it, ties counted half.

    Parameters
    ----------
    members : array_like, shape (..., members)
    truth : array_like, shape (...)

    Returns
    -------
    ndarray, shape (...)
        Even on [0, 1] for forecasts that are calibrated.
    """
    x, y = finite(members, "members"), finite(truth, "truth")[..., None]
    return (x < y).mean(-1) + (x == y).mean(-1) / 2


def brier_score(probabilities, labels) -> np.ndarray:
    """Squared distance of class probabilities from what came (Brier, 1950), summed over classes, mean over cases.

    Parameters
    ----------
    probabilities : array_like, shape (..., cases, classes)
        They sum to 1.
    labels : array_like of int, shape (..., cases)

    Returns
    -------
    ndarray, shape (...)
        0 is best, 2 worst; 1 - 1 / classes for equal probabilities.
    """
    p = finite(probabilities, "probabilities")
    if (p < 0).any() or (np.abs(p.sum(-1) - 1) > 1e-6).any():
        raise ValueError("probabilities must be 0 or more and sum to 1 over the last axis")
    y = whole_numbers(labels, "labels", 0, p.shape[-1])
    return ((p - (y[..., None] == np.arange(p.shape[-1]))) ** 2).sum(-1).mean(-1)


def _standard(mean, deviation, truth) -> tuple[np.ndarray, np.ndarray]:
    m, sd, y = finite(mean, "mean"), finite(deviation, "deviation"), finite(truth, "truth")
    if (sd <= 0).any():
        raise ValueError("deviation must be above 0")
    return (y - m) / sd, sd


_LAW = "a forecast moved alone is another forecast"
DECLARED = (
    Declared(
        gaussian_nll,
        ("mean", "deviation", "truth"),
        invariant=("shift",),
        follows="log",
        sizes=("deviation",),
        moves="a density goes with the unit: its logarithm moves by that of the scale",
    ),
    Declared(
        crps_gaussian,
        ("mean", "deviation", "truth"),
        invariant=("shift",),
        follows="unit",
        sizes=("deviation",),
        moves="it has the unit of the truth",
    ),
    Declared(
        crps_ensemble,
        ("members", "truth"),
        invariant=("shift",),
        follows="unit",
        moves="it has the unit of the truth",
    ),
    Declared(coverage, ("low", "high", "truth"), invariant=("shift", "scale", "monotone"), moves=_LAW),
    Declared(
        reliability,
        ("mean", "deviation", "truth", "levels"),
        invariant=("shift", "scale"),
        sizes=("deviation",),
        names=("levels",),
        moves=_LAW,
    ),
    Declared(half_width, ("level",), names=("level",), moves="a share has a zero and a unit of its own"),
    Declared(widening, ("mean", "deviation", "truth"), invariant=("shift", "scale"), sizes=("deviation",), moves=_LAW),
    Declared(
        interval_score,
        ("low", "high", "truth"),
        invariant=("shift",),
        follows="unit",
        moves="it has the unit of the truth",
    ),
    Declared(pit, ("members", "truth"), invariant=("shift", "scale", "monotone"), moves=_LAW),
    Declared(
        brier_score,
        ("probabilities", "labels"),
        names=("labels",),
        moves="probabilities have a zero and a unit of their own",
    ),
)
