"""The quantities that a record is classified by: (H, C), and what a reader would try instead."""

import warnings

import numpy as np

from pesin.entropy.chaos_tests import zero_one_test
from pesin.entropy.ordinal import complexity_entropy, delay_for
from pesin.entropy.spectral import periodogram_entropy
from pesin.entropy.templates import sample_entropy
from pesin.forecast.classify import nearest_centroid
from pesin.steps.case import Case

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


def record_features(case: Case, records, durations) -> np.ndarray:
    """Quantities of records cut to each duration.

    Parameters
    ----------
    records : Dataset
        The group `records`, narrowed to the records wanted.
    durations
        t_dur / t_nat, none longer than the records.

    Returns
    -------
    ndarray, shape (duration, class_label, record, quantity)
    """
    p = case.params
    per_period = p.simulate.records.samples_per_period
    x = records.x.transpose("class_label", "record", "sample").values
    delay = int(delay_for(p.ratio, per_period, 1, p.order))
    rows = []
    for duration in durations:
        length = round(duration * per_period)
        flat = x[..., :length].reshape(-1, length)
        rows.append(features(case.rng("zero-one angles"), flat, p.order, delay).reshape(*x.shape[:2], -1))
    return np.stack(rows)


def motions(case: Case, data) -> tuple[tuple[str, str], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Series of pendulum motions or orbits, ready to measure.

    Returns
    -------
    (dims, x, period, delay, is_lost)
        Names of the two dimensions, kind and unit; series, shape (kind x unit, time); natural period in samples; delay
        in samples; and, shape (kind, unit), which motions blew up or never crossed their mean. Those stand as a ramp.
    """
    series, dims = ("x2", ("start_kind", "start")) if case.params.kind == "pendulum" else ("x", ("potential", "orbit"))
    dt = np.broadcast_to(np.reshape(data.dt.values, (-1, 1)), data.natural_period.shape)
    x, period = data[series].values.copy(), data.natural_period.values / dt
    is_lost = ~np.isfinite(x).all(-1) | ~np.isfinite(period)
    x[is_lost], period[is_lost] = np.arange(x.shape[-1]), x.shape[-1] / 10
    delay = delay_for(case.params.ratio, period, 1, case.params.order)
    return dims, x.reshape(-1, x.shape[-1]), period.ravel(), delay.ravel(), is_lost


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
