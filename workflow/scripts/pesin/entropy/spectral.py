"""Entropies of the spectrum of a series."""

from __future__ import annotations

import numpy as np
from scipy.special import entr


def spectral_entropy(x) -> np.ndarray:
    """Normalised Shannon entropy of the periodogram, mean removed (Inouye et al. 1991).

    Parameters
    ----------
    x : array_like, shape (..., time)

    Returns
    -------
    ndarray, shape (...)
        In [0, 1]: over ln of the number of frequencies, the zero included. White noise does not reach 1 but about
        1 - 0.4228 / ln(frequencies), since a periodogram isn't averaged. 0 for a constant series.
    """
    x = np.asarray(x, float)
    spectrum = np.abs(np.fft.rfft(x - x.mean(-1, keepdims=True))) ** 2
    # One-sided: every frequency but 0 and Nyquist stands for two.
    last = spectrum.shape[-1] - 1 if x.shape[-1] % 2 == 0 else spectrum.shape[-1]
    spectrum[..., 1:last] *= 2
    total = spectrum.sum(-1, keepdims=True)
    return entr(spectrum / np.where(total > 0, total, 1)).sum(-1) / np.log(spectrum.shape[-1])
