"""Scores: relative entropy of power spectra, of numpy arrays or torch tensors, and errors over climatology's."""

from __future__ import annotations

import numpy as np
import torch

BAND = (6, 10)
"""Wave numbers (2 pi / side) of the upper tail: beyond them the flow's own filter leaves too little."""


def shells(points: int) -> np.ndarray:
    """Which modes of `rfft2` are in which integer wave number 0..points // 2; shape (points, points // 2 + 1, shells).

    A mode that stands for its conjugate too counts twice; columns sum to 1, so that a shell's value is a mean.
    """
    across = np.fft.fftfreq(points, 1 / points)
    along = np.arange(points // 2 + 1)
    k = np.rint(np.hypot(across[:, None], along[None])).astype(int)
    twice = np.where((along > 0) & (along < points / 2), 2.0, 1.0)
    found = (k[..., None] == np.arange(points // 2 + 1)) * twice[None, :, None]
    return found / found.sum((0, 1))


def spectrum(fields: torch.Tensor) -> torch.Tensor:
    """Mean of |FFT|^2 in integer wave numbers, of each field alone: (..., y, x) -> (..., x // 2 + 1)."""
    weight = torch.as_tensor(shells(fields.shape[-1]), dtype=fields.dtype, device=fields.device)
    power = torch.view_as_real(torch.fft.rfft2(fields)).square().sum(-1)
    return power.flatten(-2) @ weight.flatten(0, 1)


def divergence(true, other):
    """Spectral divergence sum p ln(p / q) of spectra (..., wave number), in `BAND`, each normalised to 1; in nats.

    0 for equal shapes, whatever the amplitudes. Takes arrays or tensors.
    """
    tail = slice(BAND[0], BAND[1] + 1)
    p, q = (s[..., tail] + 1e-30 for s in (true, other))
    p, q = p / p.sum(-1)[..., None], q / q.sum(-1)[..., None]
    logarithm = torch.log if isinstance(p, torch.Tensor) else np.log
    return (p * logarithm(p / q)).sum(-1)


def information(correlation) -> np.ndarray:
    """Of two normal numbers of that correlation, -ln(1 - r^2) / 2 in nats; r is held below 1 - 1e-6."""
    return -0.5 * np.log1p(-np.minimum(np.square(correlation), 1 - 1e-6))
