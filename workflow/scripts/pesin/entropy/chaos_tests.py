"""Tests for chaos from a scalar series alone: the 0-1 test."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import centred, finite


def zero_one_test(rng: np.random.Generator, x, frequencies: int = 50) -> np.ndarray:
    """Gottwald and Melbourne's 0-1 test (SIAM J. Appl. Dyn. Syst. 8, 129, 2009): about 0 if regular, 1 if chaotic.

    The series drives a walk p + iq in the plane, with angle c a step; the test asks whether the walk's mean square
    displacement grows linearly: K = its correlation with time. The mean of the series, which would add a bounded,
    oscillating part, is taken off first. The median over random c in (pi/5, 4 pi/5) is returned, which stays off
    resonances.

    Parameters
    ----------
    rng
        Generator, for c.
    x : array_like, shape (..., time)
        Sampled about ten times a natural period: an oversampled flow looks regular.
    frequencies
        Number of angles c.

    Returns
    -------
    ndarray, shape (...)
        K in [-1, 1].
    """
    x = centred(finite(x))
    x = x - x.mean(-1, keepdims=True)
    length = x.shape[-1]
    lags = np.arange(1, max(length // 10, 2) + 1)
    correlations = []
    for c in rng.uniform(np.pi / 5, 4 * np.pi / 5, frequencies):
        walk = np.cumsum(x * np.exp(1j * c * np.arange(1, length + 1)), -1)
        correlations.append(_correlation(_mean_square_displacement(walk, lags), lags))
    return np.median(correlations, 0)


def _mean_square_displacement(walk: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Mean of |w(t + lag) - w(t)|^2 over the same times t for all lags; (..., time) -> (..., lags), by FFT."""
    length = walk.shape[-1]
    kept = length - lags[-1]
    square = np.cumsum(np.abs(walk) ** 2, -1)
    square = np.concatenate([np.zeros_like(square[..., :1]), square], -1)
    size = 2 * length
    cross = np.fft.ifft(np.fft.fft(walk, size) * np.conj(np.fft.fft(walk[..., :kept], size)))[..., lags].real
    return (square[..., lags + kept] - square[..., lags] + square[..., kept, None] - 2 * cross) / kept


def _correlation(y: np.ndarray, lags: np.ndarray) -> np.ndarray:
    y = y - y.mean(-1, keepdims=True)
    time = lags - lags.mean()
    scale = np.sqrt((y**2).sum(-1) * (time**2).sum())
    return (y * time).sum(-1) / np.where(scale > 0, scale, 1)


DECLARED = (Declared(zero_one_test, ("x",), invariant=("shift", "scale")),)
