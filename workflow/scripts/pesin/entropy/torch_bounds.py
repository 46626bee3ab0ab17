"""The bounds of `bounds` as torch functions with gradients, to train critics by; scores[i, j] = f(x_i, y_j).

All take scores of shape (..., size, size) and return (...), in nats: maximise them.
"""

from __future__ import annotations

from math import log

import torch


def infonce(scores: torch.Tensor) -> torch.Tensor:
    """<f(x_i, y_i) - ln mean_j exp f(x_i, y_j)>, at most ln(size)."""
    joint = torch.diagonal(scores, dim1=-2, dim2=-1)
    return (joint - torch.logsumexp(scores, -1)).mean(-1) + log(scores.shape[-1])


def donsker_varadhan(scores: torch.Tensor) -> torch.Tensor:
    """<f>_joint - ln <exp f>_product."""
    return _joint(scores) - _log_mean_product(scores)


def nwj(scores: torch.Tensor) -> torch.Tensor:
    """<f>_joint - <exp(f - 1)>_product."""
    return _joint(scores) - torch.exp(_log_mean_product(scores) - 1)


def smile(scores: torch.Tensor, clip: float = 5.0) -> torch.Tensor:
    """Donsker and Varadhan's with f clipped in the second term."""
    return _joint(scores) - _log_mean_product(scores.clamp(-clip, clip))


def _joint(scores: torch.Tensor) -> torch.Tensor:
    return torch.diagonal(scores, dim1=-2, dim2=-1).mean(-1)


def _log_mean_product(scores: torch.Tensor) -> torch.Tensor:
    size = scores.shape[-1]
    together = torch.eye(size, dtype=torch.bool, device=scores.device)
    return torch.logsumexp(scores.masked_fill(together, -torch.inf), (-2, -1)) - log(size * (size - 1))
