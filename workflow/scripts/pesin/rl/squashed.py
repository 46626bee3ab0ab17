"""The squashed Gaussian policy a = tanh(u), u ~ N(mean, sigma^2): its log-density without loss of digits."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import softplus

LOG_2, HALF_LOG_2_PI = math.log(2), 0.5 * math.log(2 * math.pi)


def log_squeeze(u: torch.Tensor) -> torch.Tensor:
    """ln(1 - tanh(u)^2) = 2 (ln 2 - u - softplus(-2 u)), element by element; finite where tanh rounds to 1."""
    return 2 * (LOG_2 - u - softplus(-2 * u))


def sample_policy(
    mean: torch.Tensor, log_std: torch.Tensor, normal: torch.Tensor, squash: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """Reparameterised action and its log-density.

    Parameters
    ----------
    mean, log_std, normal : Tensor, shape (..., actions, n)
        `normal` holds standard normals.
    squash
        Whether the action is tanh(u) or u itself.

    Returns
    -------
    action, shape (..., actions, n), and log_density, shape (..., n)
        Density with respect to the action's own volume, nats.
    """
    u = mean + log_std.exp() * normal
    each = -0.5 * normal.square() - log_std - HALF_LOG_2_PI
    if not squash:
        return u, each.sum(-2)
    return u.tanh(), (each - log_squeeze(u)).sum(-2)
