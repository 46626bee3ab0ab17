"""Entropies of the spectrum of a series."""

from __future__ import annotations

import numpy as np
from scipy.special import entr

from pesin.entropy.estimate import BLOCKS, Estimate, series
from pesin.entropy.measure import Measure


def periodogram_entropy(x) -> Estimate:
    """Normalised Shannon entropy of the periodogram, mean removed (Inouye et al. 1991).

    Parameters
    ----------
    x : array_like, shape (..., time)

    Returns
    -------
    Estimate
        In [0, 1]: over ln of the number of `frequencies`, the zero included. White noise does not reach 1 but about
        1 - 0.4228 / ln(frequencies), since a periodogram isn't averaged. 0 for a constant series.
    """
    rows, batch = series(x, 2, "the entropy of the periodogram")
    spectrum = np.abs(np.fft.rfft(rows - rows.mean(-1, keepdims=True))) ** 2
    # One-sided: every frequency but 0 and Nyquist stands for two.
    last = spectrum.shape[-1] - 1 if rows.shape[-1] % 2 == 0 else spectrum.shape[-1]
    spectrum[..., 1:last] *= 2
    total = spectrum.sum(-1, keepdims=True)
    value = entr(spectrum / np.where(total > 0, total, 1)).sum(-1) / np.log(spectrum.shape[-1])
    return Estimate.of(batch, value, BLOCKS, frequencies=np.full(len(rows), spectrum.shape[-1]))


MEASURES = (
    Measure(
        "periodogram_entropy",
        periodogram_entropy,
        section="D",
        takes="series",
        units="1",
        measures="How evenly the power is spread over frequencies: 0 for a sine, about 0.94 for white noise.",
        avoid="Comparing lengths: a raw periodogram never reaches 1, and its shortfall depends on N (use "
        "spectral_entropy). It sees no phases: chaos and its surrogate look alike.",
        source="Inouye et al., Electroencephalogr. Clin. Neurophysiol. 79, 204 (1991)",
        cost="N log N",
        needs=2,
        advised=200,
        peer="antropy.spectral_entropy(x - x.mean(), sf=1, method='fft', normalize=True)",
        constant=0.0,
        bounds=(0, 1),
        invariant=("shift", "scale"),
    ),
)
