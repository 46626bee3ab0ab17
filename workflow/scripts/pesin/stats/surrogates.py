"""Surrogate series: what a series would look like if it were coloured noise, and the p-value of saying it isn't."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared


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
    x = np.asarray(x, float)
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
    return series


def rank_p_value(statistic, null, axis: int = -1) -> np.ndarray:
    """One-sided p-value that the statistic lies below its null: (1 + #{null <= statistic}) / (1 + #null).

    Parameters
    ----------
    statistic : array_like, shape (...)
    null : array_like, shape (...) with one more axis, at `axis`

    Returns
    -------
    ndarray, shape (...)
        Never below 1 / (1 + #null).
    """
    null = np.moveaxis(np.asarray(null), axis, -1)
    return (1 + (null <= np.asarray(statistic)[..., None]).sum(-1)) / (1 + null.shape[-1])


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
