"""Coloured noise: Gaussian series with a power-law spectrum."""

from __future__ import annotations

import numpy as np


def coloured_noise(rng: np.random.Generator, exponent: float, shape: tuple[int, ...]) -> np.ndarray:
    """Gaussian noise whose power spectral density goes as f^exponent.

    White noise is shaped in Fourier space: each amplitude is multiplied by f^(exponent/2), the mean is left out, and
    each series is scaled to unit variance.

    Parameters
    ----------
    rng
        Generator; one call uses prod(shape) normal deviates.
    exponent
        -2 red, -1 pink, 0 white, 1 blue, 2 violet.
    shape
        (..., time).

    Returns
    -------
    ndarray, shape `shape`
        Zero mean, unit variance (ddof 0). Periodic over its length, as all noise made in Fourier space.
    """
    spectrum = np.fft.rfft(rng.normal(size=shape))
    frequency = np.fft.rfftfreq(shape[-1])
    frequency[0] = 1.0
    spectrum *= frequency ** (exponent / 2)
    spectrum[..., 0] = 0
    x = np.fft.irfft(spectrum, shape[-1])
    return x / x.std(-1, keepdims=True)
