"""The quantities that a series is classified by: (H, C), and what a reader would try instead."""

import warnings

import numpy as np

from pesin.entropy.chaos_tests import zero_one_test
from pesin.entropy.ordinal import complexity_entropy
from pesin.entropy.spectral import periodogram_entropy
from pesin.entropy.templates import sample_entropy
from pesin.forecast.classify import nearest_centroid

QUANTITIES = (
    "permutation_entropy",
    "statistical_complexity",
    "spectral_entropy",
    "sample_entropy",
    "zero_one_statistic",
)
# Which quantities each method looks at, and whether its centroids come from records of the same length or the longest.
METHODS = {
    "hc_plane": (QUANTITIES[:2], "same"),
    "hc_plane_longest": (QUANTITIES[:2], "longest"),
    "permutation_entropy": (QUANTITIES[:1], "same"),
    "spectral_entropy": (QUANTITIES[2:3], "same"),
    "sample_entropy": (QUANTITIES[3:4], "same"),
    "zero_one_test": (QUANTITIES[4:5], "same"),
}


def features(rng, x, order: int, delay) -> np.ndarray:
    """All quantities of a batch of series.

    The last three see one sample per delay, so that all methods get the same time base.

    Parameters
    ----------
    x : ndarray, shape (series, time)
    order
        Samples in an ordinal pattern.
    delay : int or ndarray of int, shape (series,)

    Returns
    -------
    ndarray, shape (series, quantities)
    """
    measured = complexity_entropy(x, order, delay)
    delays = np.broadcast_to(delay, len(x))
    others = np.empty((len(x), 3))
    for one in np.unique(delays):
        coarse = x[delays == one, ::one]
        others[delays == one, 2] = zero_one_test(rng, coarse)
        others[delays == one, 0] = periodogram_entropy(coarse).value
        others[delays == one, 1] = _sample_entropy(coarse)
    return np.concatenate([np.stack(measured[:2], -1), others], -1)


def _sample_entropy(x) -> np.ndarray:
    """Sample entropy (m = 2, r = 0.2 sd); where no template matches, the largest value that the length can show."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        value = sample_entropy(x).value
    return np.where(np.isfinite(value), value, np.log((x.shape[-1] - 2) * (x.shape[-1] - 3)))


def classify(values, centroids, method: str) -> np.ndarray:
    """Index of the class that a method assigns.

    Parameters
    ----------
    values : ndarray, shape (..., quantity)
    centroids : ndarray, shape (class, quantity)

    Returns
    -------
    ndarray of int, shape (...)
    """
    columns = [QUANTITIES.index(name) for name in METHODS[method][0]]
    return nearest_centroid(values[..., columns], centroids[:, columns])
