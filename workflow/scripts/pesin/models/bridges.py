"""Stochastic interpolants x_t = alpha x0 + beta x1 + gamma z, and the losses by which their fields are learned.

Albergo, Boffi and Vanden-Eijnden, Stochastic interpolants, arXiv 2303.08797 (2023). Everything works on NumPy arrays
and torch tensors alike; the losses keep a leading runs axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Array = Any
"""A float, an ndarray or a torch tensor."""

Path = Literal["linear", "trigonometric", "encoding_decoding", "variance_preserving"]
Noise = Literal["none", "brownian", "sine", "quadratic"]


@dataclass(frozen=True)
class Interpolant:
    """alpha(t), beta(t) and gamma(t) on [0, 1], with alpha = 1 and beta = 0 at t = 0, and the reverse at t = 1.

    Parameters
    ----------
    path
        linear: 1 - t and t; trigonometric: cos and sin of pi t / 2; encoding_decoding: cos^2(pi t) on either side of
        t = 1/2, nothing but noise in between; variance_preserving: sqrt(1 - t^2) and t.
    noise
        none; brownian: sqrt(amount t (1 - t)); sine: sin^2(pi t); quadratic: t (1 - t); the last two times amount.
    amount
        Of the noise. The variance of the Brownian one is proportional to it.
    """

    path: Path = "linear"
    noise: Noise = "brownian"
    amount: float = 1.0

    def values(self, t: Array) -> tuple[Array, Array, Array]:
        """(alpha, beta, gamma), each of the shape of t."""
        m, spread = _module(t), self.variance(t)[0]
        return (*_VALUES[self.path](m, t), m.sqrt(spread))

    def rates(self, t: Array) -> tuple[Array, Array, Array]:
        """Their time derivatives. That of Brownian gamma is infinite at both ends."""
        m, (spread, rate) = _module(t), self.variance(t)
        gamma_rate = 0 * t if self.noise == "none" else rate / (2 * m.sqrt(spread))
        return (*_RATES[self.path](m, t), gamma_rate)

    def variance(self, t: Array) -> tuple[Array, Array]:
        """gamma^2 and its time derivative, finite everywhere."""
        m, a = _module(t), self.amount
        if self.noise == "none":
            return 0 * t, 0 * t
        if self.noise == "brownian":
            return a * t * (1 - t), a * (1 - 2 * t)
        if self.noise == "sine":
            sine, cosine = m.sin(math.pi * t), m.cos(math.pi * t)
            return (a * sine**2) ** 2, 4 * math.pi * a**2 * sine**3 * cosine
        return (a * t * (1 - t)) ** 2, 2 * a**2 * t * (1 - t) * (1 - 2 * t)


def training_pairs(interpolant: Interpolant, x0: Array, x1: Array, z: Array, t: Array) -> tuple[Array, Array, dict]:
    """Points of the bridge, and what the networks learn there by least squares.

    Each z is used with its negative too: alone, the Brownian bridge's velocity has infinite variance at the ends.

    Parameters
    ----------
    x0, x1, z : shape (runs, samples, dim)
    t : shape (runs, samples, 1)

    Returns
    -------
    (x, t, targets)
        Shapes (runs, 2 samples, dim) and (runs, 2 samples, 1). targets: `velocity`, whose conditional mean is b of the
        transport equation; `path`, the velocity without the noise's part, whose mean is v = b - gamma' eta; `noise`,
        whose mean is the denoiser eta = -gamma score (eqs. 2.10, 2.15 and 2.17).
    """
    m = _module(t)
    (a, b, gamma), (da, db, gamma_rate) = interpolant.values(t), interpolant.rates(t)
    middle, rate = a * x0 + b * x1, da * x0 + db * x1
    ends = (1.0, -1.0)
    x, velocity = (m.concatenate([u + s * w * z for s in ends], -2) for u, w in ((middle, gamma), (rate, gamma_rate)))
    noise, path = m.concatenate([s * z + 0 * middle for s in ends], -2), m.concatenate([rate, rate], -2)
    return x, m.concatenate([t, t], -2), {"velocity": velocity, "path": path, "noise": noise}


def quadratic_loss(values: Array, targets: Array) -> Array:
    """E[|f|^2 / 2 - f.target], shape (runs, samples, dim) -> (runs,).

    The conditional mean of the target attains the least, -E|f|^2 / 2. Unlike the mean squared error it has no part that
    hangs on the targets alone (eqs. 2.13 to 2.17).
    """
    return (values * values / 2 - values * targets).sum(-1).mean(-1)


def implicit_score_loss(score: Array, divergence: Array) -> Array:
    """E[|s|^2 / 2 + div s], shapes (runs, samples, dim) and (runs, samples) -> (runs,).

    The score of the samples' law attains the least, -E|s|^2 / 2 (Hyvarinen, JMLR 6, 695, 2005). Linear in the
    divergence, so that an unbiased estimate of it does.
    """
    return ((score * score).sum(-1) / 2 + divergence).mean(-1)


def velocity_from_score(interpolant: Interpolant, x: Array, score: Array, t: Array) -> Array:
    """The velocity b where x0 is standard normal, from the score of the bridge at t > 0 (eq. 2.20 and section 5.2).

    x0 and z are then parts of one Gaussian noise of variance alpha^2 + gamma^2, and the score tells its mean.
    """
    (a, b, _), (da, db, _), (spread, spread_rate) = (
        interpolant.values(t),
        interpolant.rates(t),
        interpolant.variance(t),
    )
    end = (x + (a**2 + spread) * score) / b  # the conditional mean of x1, by Tweedie's formula
    return db * end - (a * da + spread_rate / 2) * score


def time_features(t: Array, width: int) -> Array:
    """Sines and cosines of t in [0, 1] with frequencies pi/2, pi, 2 pi, ...: shape (..., 1) -> (..., width).

    An MLP learns what changes fast more easily from them than from t (Mildenhall and others, NeRF, ECCV 2020, eq. 4).

    Raises
    ------
    ValueError
        If the width is odd.
    """
    if width % 2:
        raise ValueError(f"width must be even, a sine and a cosine for each frequency; it is {width}")
    m = _module(t)
    angles = m.concatenate([math.pi / 2 * 2**i * t for i in range(width // 2)], -1)
    return m.concatenate([m.sin(angles), m.cos(angles)], -1)


def fourier_features(x: Array, matrix: Array) -> Array:
    """Sines and cosines of 2 pi x B, shapes (..., dim) and (dim, pairs) -> (..., 2 pairs).

    B is normal, its standard deviation the inverse of the length that matters (Tancik and others, NeurIPS 2020, eq. 5).
    """
    m = _module(x)
    angles = 2 * math.pi * (x @ matrix)
    return m.concatenate([m.sin(angles), m.cos(angles)], -1)


def _decoding(m, t):
    """1 in the first half, where x0 is encoded, and 0 in the second."""
    return 0.5 * (1 + m.sign(0.5 - t)) + 0 * t


def _decoding_values(m, t):
    early, square = _decoding(m, t), m.cos(math.pi * t) ** 2
    return early * square, (1 - early) * square


def _decoding_rates(m, t):
    early, rate = _decoding(m, t), -math.pi * m.sin(2 * math.pi * t)
    return early * rate, (1 - early) * rate


_VALUES: dict[str, Callable[[Any, Array], tuple[Array, Array]]] = {
    "linear": lambda m, t: (1 - t, t),
    "trigonometric": lambda m, t: (m.cos(math.pi / 2 * t), m.sin(math.pi / 2 * t)),
    "encoding_decoding": _decoding_values,
    "variance_preserving": lambda m, t: (m.sqrt(1 - t * t), t),
}
_RATES: dict[str, Callable[[Any, Array], tuple[Array, Array]]] = {
    "linear": lambda m, t: (0 * t - 1, 0 * t + 1),
    "trigonometric": lambda m, t: (-math.pi / 2 * m.sin(math.pi / 2 * t), math.pi / 2 * m.cos(math.pi / 2 * t)),
    "encoding_decoding": _decoding_rates,
    "variance_preserving": lambda m, t: (-t / m.sqrt(1 - t * t), 0 * t + 1),
}


def _module(t: Array):
    """numpy for numbers and arrays, torch for tensors: functions of the same names."""
    if type(t).__module__.startswith("torch"):
        import torch

        return torch
    import numpy

    return numpy
