"""Entropies of the spectrum of a series, and of the singular values of its delays."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.signal import welch
from scipy.special import entr

from pesin.door import centred, series, varying
from pesin.entropy.estimate import BLOCKS, Estimate
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
    rows = centred(rows)
    spectrum = np.abs(np.fft.rfft(rows - rows.mean(-1, keepdims=True))) ** 2
    # One-sided: every frequency but 0 and Nyquist stands for two.
    last = spectrum.shape[-1] - 1 if rows.shape[-1] % 2 == 0 else spectrum.shape[-1]
    spectrum[..., 1:last] *= 2
    total = spectrum.sum(-1, keepdims=True)
    value = entr(spectrum / np.where(total > 0, total, 1)).sum(-1) / np.log(spectrum.shape[-1])
    return Estimate.of(batch, value, BLOCKS, frequencies=np.full(len(rows), spectrum.shape[-1]))


def spectral_entropy(x, segment: int = 256) -> Estimate:
    """Normalised Shannon entropy of the power spectrum after Welch, the frequency zero left out.

    Parameters
    ----------
    x : array_like, shape (..., time)
    segment
        Samples in a segment (Hann window, mean removed, half overlapping), at most the length.

    Returns
    -------
    Estimate
        In [0, 1], over ln of the number of `frequencies`. Averaging over `segments` brings white noise near 1: its
        shortfall is about 1 / (2 segments ln frequencies).

    Raises
    ------
    ValueError
        If a value isn't finite, a series is constant or shorter than 8 points, or the segment is shorter than 4.
    """
    rows, batch = series(x, 8, "spectral entropy")
    if segment < 4:
        raise ValueError(f"spectral entropy needs segments of 4 samples or more, segment is {segment}")
    rows = centred(rows)
    varying(rows, "spectral entropy")
    size = min(segment, rows.shape[-1])
    power = welch(rows, nperseg=size, axis=-1)[1][:, 1:]
    value = entr(power / power.sum(-1, keepdims=True)).sum(-1) / np.log(power.shape[-1])
    segments = (rows.shape[-1] - size // 2) // (size - size // 2)
    count = np.ones(len(rows), int)
    return Estimate.of(batch, value, BLOCKS, frequencies=power.shape[-1] * count, segments=segments * count)


def svd_entropy(x, order: int = 3, delay: int = 1) -> Estimate:
    """Normalised entropy of the singular values of the delay matrix (Roberts et al., Med. Biol. Eng. Comput. 37, 93).

    Parameters
    ----------
    x : array_like, shape (..., time)
        The mean is not taken off: it makes one large singular value.
    order, delay
        Columns of the delay matrix, and how far apart.

    Returns
    -------
    Estimate
        In [0, 1], over ln(order).
    """
    needs = (order - 1) * delay + 2
    rows, batch = series(x, needs, f"SVD entropy of order {order}, delay {delay}")
    if order < 2:
        raise ValueError(f"SVD entropy needs an order of 2 or more, it is {order}")
    if (rows == 0).all(-1).any():
        raise ValueError("SVD entropy is not defined for a series of zeros")
    delays = np.lib.stride_tricks.sliding_window_view(rows, (order - 1) * delay + 1, -1)[..., ::delay]
    values = np.linalg.svd(delays, compute_uv=False)
    value = entr(values / values.sum(-1, keepdims=True)).sum(-1) / np.log(order)
    return Estimate.of(batch, value, BLOCKS, windows=np.full(len(rows), delays.shape[1]))


_measure = partial(Measure, section="D", takes="series", units="1", bounds=(0, 1))
MEASURES = (
    _measure(
        "periodogram_entropy",
        periodogram_entropy,
        measures="How evenly the power is spread over frequencies: 0 for a sine, about 0.94 for white noise.",
        avoid="Comparing lengths: a raw periodogram never reaches 1, and its shortfall depends on N (use "
        "spectral_entropy). It sees no phases: chaos and its surrogate look alike.",
        source="Inouye et al., Electroencephalogr. Clin. Neurophysiol. 79, 204 (1991)",
        cost="N log N",
        needs=2,
        advised=200,
        peer="antropy.spectral_entropy(x - x.mean(), sf=1, method='fft', normalize=True)",
        constant=0.0,
        invariant=("shift", "scale"),
    ),
    _measure(
        "spectral_entropy",
        spectral_entropy,
        measures="How evenly the power is spread over frequencies: near 0 for a sine, near 1 for white noise.",
        avoid="Telling chaos from noise: it sees no phases. Slow rhythms longer than a segment.",
        source="Inouye et al. (1991) with Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967)",
        cost="N log(segment)",
        needs=8,
        advised=1000,
        invariant=("shift", "scale"),
    ),
    _measure(
        "svd_entropy",
        svd_entropy,
        moves="the mean counts as a direction of the delay space",
        measures="In how many directions of its delay space the series spreads: linear dependence of neighbours.",
        avoid="A mean far from zero (take it off first); flows sampled finely.",
        source="Roberts, Penny and Rezek, Med. Biol. Eng. Comput. 37, 93 (1999)",
        cost="N order^2",
        needs=4,
        advised=100,
        peer="antropy.svd_entropy(x, order=3, normalize=True)",
        constant=0.0,
        invariant=("scale",),
    ),
)
