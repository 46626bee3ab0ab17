"""Surrogate series: what a series would look like if it were coloured noise, and the p-value of saying it isn't."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import finite, ordered, origin

TIES = 1e-12  # relative to the largest value: above the rounding of long sums, far below any step of counts


def iaaft(rng: np.random.Generator, x, surrogates: int, iterations: int = 30) -> np.ndarray:
    """Iterative amplitude-adjusted Fourier surrogates (Schreiber and Schmitz, PRL 77, 635, 1996).

    Each surrogate is a reordering of the series with (nearly) its power spectrum: all that is left is what a monotone
    function of linear Gaussian noise could have made.

    Parameters
    ----------
    rng
        Generator.
    x : array_like, shape (..., time)
        Finite values. A mismatch of the two ends adds a jump that the series doesn't have: trim it first.
    surrogates
        Number of surrogates of each series.
    iterations
        Rounds of spectrum and rank adjustment; the last one adjusts the ranks, so the values are exact.

    Returns
    -------
    ndarray, shape (..., surrogates, time)
    """
    x = finite(x)
    start = origin(x)
    x = x - start
    length = x.shape[-1]
    values = np.sort(x, -1)[..., None, :]
    modulus = np.abs(np.fft.rfft(x, axis=-1))[..., None, :]
    values = np.broadcast_to(values, (*x.shape[:-1], surrogates, length))
    series = rng.permuted(values, axis=-1)
    for _ in range(iterations):
        spectrum = np.fft.rfft(series, axis=-1)
        size = np.abs(spectrum)
        spectrum *= modulus / np.where(size > 0, size, 1)
        ranks = np.fft.irfft(spectrum, length, axis=-1).argsort(-1, kind="stable")
        series = np.empty_like(values)
        np.put_along_axis(series, ranks, values, -1)
    return series + np.expand_dims(start, -1)


def rank_p_value(statistic, null, axis: int = -1) -> np.ndarray:
    """One-sided p-value that the statistic lies below its null: (1 + #{null <= statistic}) / (1 + #null).

    Values that differ by no more than `TIES` times the largest are equal: statistics that take few values, such as
    counts or entropies of short series, tie often, and the order in which their sums were made must not break the tie.

    Parameters
    ----------
    statistic : array_like, shape (...)
    null : array_like, shape (...) with one more axis, at `axis`

    Returns
    -------
    ndarray, shape (...)
        Never below 1 / (1 + #null).
    """
    null, own = np.moveaxis(ordered(null, "null"), axis, -1), ordered(statistic, "statistic")[..., None]
    size = np.maximum(_largest(null), np.abs(np.where(np.isfinite(own), own, 0)))
    return (1 + (null <= own + TIES * size).sum(-1)) / (1 + null.shape[-1])


def _largest(values: np.ndarray) -> np.ndarray:
    """Largest size of a finite value along the last axis, which is kept; 0 if there is none."""
    return np.abs(np.where(np.isfinite(values), values, 0)).max(-1, keepdims=True, initial=0)


DECLARED = (
    Declared(iaaft, ("x",), follows="values", moves="surrogates are made of the values themselves"),
    Declared(
        rank_p_value,
        ("statistic", "null"),
        invariant=("scale",),
        moves="values that differ by no more than the rounding of the largest count as equal",
        infinite={"statistic": "an infinite value has a rank", "null": "an infinite value has a rank"},
    ),
)
