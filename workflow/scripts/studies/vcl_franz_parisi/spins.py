"""Binary weights w_i = +-1 in fields theta_i: their means m_i = tanh(theta_i), energy, divergence, entropy, descent.

Fields of many students have the shape (run, weight, arm): arms share the patterns of their run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch

from pesin.models.optimisers import SGD
from pesin.steps.checkpoint import Checkpoint, Seen
from studies.vcl_franz_parisi.params import Descent

LEAST = 1e-6  # variance of a readout whose weights are all certain


def log_cosh(x: torch.Tensor) -> torch.Tensor:
    """ln cosh x without overflow."""
    return x.abs() + torch.log1p(torch.exp(-2 * x.abs())) - math.log(2)


def divergence(theta: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    """KL(theta || prior) of each spin in nats: m (theta - prior) - ln cosh theta + ln cosh prior."""
    return torch.tanh(theta) * (theta - prior) - log_cosh(theta) + log_cosh(prior)


def spin_entropy(theta: torch.Tensor) -> torch.Tensor:
    """Entropy of each spin in nats: ln(2 cosh theta) - theta tanh theta."""
    return log_cosh(theta) + math.log(2) - theta * torch.tanh(theta)


def energy(theta: torch.Tensor, xi: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """-ln H(t) summed over patterns, t = -y (m . xi) / sqrt(sum_i (1 - m_i^2)): shape (run, arm), nats.

    Parameters
    ----------
    theta : Tensor, shape (run, weight, arm)
    xi : Tensor, shape (run, pattern, weight)
    label : Tensor, shape (run, pattern, arm)
    """
    m = torch.tanh(theta)
    spread = (1 - m.square()).sum(1, keepdim=True).clamp(min=LEAST).sqrt()
    return -torch.special.log_ndtr(label * torch.bmm(xi, m) / spread).sum(1)


def energy_slope(theta: torch.Tensor, xi: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Gradient of `energy` in the means m, shape (run, weight, arm), by hand: a third of autograd's time."""
    m = torch.tanh(theta)
    variance = (1 - m.square()).sum(1, keepdim=True).clamp(min=LEAST)
    spread = variance.sqrt()
    t = -label * torch.bmm(xi, m) / spread
    # The normal density over H(t): their logarithms' difference, where each alone would underflow.
    ratio = torch.exp(-t.square() / 2 - math.log(math.sqrt(2 * math.pi)) - torch.special.log_ndtr(-t))
    return torch.bmm(xi.transpose(1, 2), -ratio * label) / spread + m / variance * (ratio * t).sum(1, keepdim=True)


def descend(
    theta: torch.Tensor,
    xi: torch.Tensor,
    label: torch.Tensor,
    how: Descent,
    momentum: float,
    rng: np.random.Generator,
    gamma: torch.Tensor | float = 0.0,
    modulated: bool = True,
    kept: Iterable[int] = (),
    checkpoint: Checkpoint | None = None,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> tuple[torch.Tensor, np.ndarray]:
    """Learn a task from where `theta` stands, which is the prior too.

    The gradients of energy and divergence in the fields are (1 - m^2) times those in m, and (1 - m^2) (theta - prior).
    The divergence from the prior counts gamma times in an epoch: each batch has its share of it.

    Parameters
    ----------
    theta, xi, label
        As of `energy`. `gamma` is a number or has the shape (arm,).
    modulated
        False leaves the factor 1 - m^2 out of every step.
    kept
        Epochs after which the fields are kept, rising; 0 is the start.

    Returns
    -------
    (Tensor, ndarray)
        Fields at the end, and those that were kept, shape (kept, run, weight, arm).
    """
    prior, theta, patterns = theta, theta.clone(), xi.shape[1]
    optimiser, seen, kept = SGD([theta], momentum), Seen(), set(kept)
    batch = min(patterns, max(how.batch, round(how.share * patterns)))
    held = bool(torch.as_tensor(gamma).any())
    if 0 in kept:
        seen.add({"theta": theta.numpy(force=True).copy()})
    for epoch in (checkpoint or Checkpoint()).turns(how.epochs, optimiser, seen, progress=progress):
        order = torch.as_tensor(rng.permutation(patterns), device=theta.device)
        for rows in order.split(batch):
            slope = energy_slope(theta, xi[:, rows], label[:, rows])
            if held:
                slope += gamma * (len(rows) / patterns) * (theta - prior)
            if modulated:
                slope *= 1 - torch.tanh(theta).square()
            optimiser.step([slope], how.rate)
        if epoch + 1 in kept:
            seen.add({"theta": theta.numpy(force=True).copy()})
    return theta, seen.arrays().get("theta", np.empty((0, *theta.shape), np.float32))
