"""A small set of features of a series: moments, quantiles, autocorrelations, crossings and spectrum."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import centred, finite, still

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LAGS = (1, 2, 3, 5, 8, 13)
BANDS = 6
NAMES = (
    "mean deviation skewness kurtosis minimum maximum".split()
    + [f"quantile_{100 * q:.0f}" for q in QUANTILES]
    + [f"autocorrelation_{lag}" for lag in LAGS]
    + "mean_change mean_curvature crossings longest_above turning_points spectral_centroid spectral_entropy".split()
    + [f"band_{band}" for band in range(BANDS)]
)


def series_features(x) -> np.ndarray:
    """Features of each series, the kind of set that tsfresh computes; none looks at more than one series.

    Lags are in points, bands are equal parts of the logarithm of the frequency, and all spectral features are shares of
    the power outside frequency 0. A constant series has 0 for what is not defined.

    Parameters
    ----------
    x : array_like, shape (..., time)
        At least 14 points.

    Returns
    -------
    ndarray, shape (..., features)
        In the order of NAMES.

    Raises
    ------
    ValueError
        If the series are shorter.
    """
    x = finite(x)
    time = x.shape[-1]
    if time <= max(LAGS):
        raise ValueError(f"series of {time} points are too short: features need {max(LAGS) + 1}")
    mean, deviation = x.mean(-1), x.std(-1)
    varies = ~still(x)
    z = centred(x)
    z = (z - z.mean(-1, keepdims=True)) / np.where(varies, deviation, 1)[..., None]
    square, change = z * z, np.diff(x, axis=-1)
    above = z > 0
    crossed = above[..., 1:] != above[..., :-1]
    run, longest = np.zeros(mean.shape), np.zeros(mean.shape)
    for t in range(time):
        run = (run + 1) * above[..., t]
        longest = np.maximum(longest, run)
    power = np.abs(np.fft.rfft(z, axis=-1)[..., 1:]) ** 2
    share = power / np.where(varies, power.sum(-1), 1)[..., None]
    log_frequency = np.log(np.arange(1, share.shape[-1] + 1)) / np.log(share.shape[-1])
    band = np.minimum((log_frequency * BANDS).astype(int), BANDS - 1)
    parts = [
        np.stack([mean, deviation, (square * z).mean(-1), (square * square).mean(-1), x.min(-1), x.max(-1)], -1),
        np.moveaxis(np.quantile(x, QUANTILES, axis=-1), 0, -1),
        np.stack([(z[..., lag:] * z[..., :-lag]).mean(-1) for lag in LAGS], -1),
        np.stack(
            [
                np.abs(change).mean(-1),
                np.abs(np.diff(change, axis=-1)).mean(-1),
                crossed.mean(-1),
                longest / time,
                (change[..., 1:] * change[..., :-1] < 0).mean(-1),
                share @ log_frequency,
                -(share * np.log(np.where(share > 0, share, 1))).sum(-1) / np.log(share.shape[-1]),
            ],
            -1,
        ),
        np.stack([share[..., band == b].sum(-1) for b in range(BANDS)], -1),
    ]
    return np.concatenate(parts, -1)


DECLARED = (
    Declared(
        series_features, ("x",), moves="mean, deviation, extremes and quantiles are in the unit of x; the rest stays"
    ),
)
