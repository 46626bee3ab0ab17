"""Forward process, networks that hold its log density, what the Fokker-Planck equation leaves of them, two samplers.

dx = -x dt + dW, so x_t = e^-t x_0 + sqrt((1 - e^-2t) / 2) z, with N(0, I/2) as the law at rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from pesin.integrate.steppers import follow, follow_sde, last
from pesin.models.jets import Activation, mlp_jet
from pesin.models.mlp import Parameters, apply_mlp

Score = Callable[[torch.Tensor, float], torch.Tensor]
"""(x, t) -> score, of the shape of x: (runs, samples, 2)."""
Grid = Literal["quadratic", "official"]


def kept(t):
    """(scale, sd) of the data and of the noise at time t; for floats and tensors."""
    m = torch if isinstance(t, torch.Tensor) else math
    return m.exp(-t), m.sqrt(-m.expm1(-2 * t) / 2)


def times(horizon: float, start: float, steps: int, grid: Grid) -> np.ndarray:
    """Falling times of the samplers, from the horizon to start.

    quadratic: steps that shrink in proportion to the root of the time left; official: equal ones, the last ten divided
    by ten each, as in the authors' code.
    """
    if grid == "quadratic":
        return start + (horizon - start) * (1 - np.linspace(0, 1, steps + 1)) ** 2
    equal = np.linspace(horizon, start, steps + 1)
    return np.concatenate([equal[:-11], np.linspace(equal[-11], start, 101)])


def learned_score(parameters: Parameters, activation: Activation) -> Score:
    """The gradient in x of networks (t, x, y) -> log density; constants, for sampling."""
    fixed = {name: value.detach() for name, value in parameters.items()}

    def score(x: torch.Tensor, t: float) -> torch.Tensor:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            value = apply_mlp(fixed, with_time(at, t), activation.value)
            return torch.autograd.grad(value.sum(), at)[0]

    return score


def with_time(x: torch.Tensor, t) -> torch.Tensor:
    """Inputs of the networks, (..., 2) -> (..., 3): time first."""
    t = torch.full_like(x[..., :1], t) if isinstance(t, float) else t
    return torch.cat([t, x], -1)


def residual(x: torch.Tensor, rate: torch.Tensor, gradient: torch.Tensor, laplacian: torch.Tensor) -> torch.Tensor:
    """What d/dt log p = d + x.grad log p + |grad log p|^2 / 2 + lap log p / 2 leaves over, shape (..., d) -> (...).

    Zero for the exact log density, its normalisation included: the Fokker-Planck equation divided by p.
    """
    spread = x.shape[-1] + (x * gradient).sum(-1)
    return rate - spread - gradient.square().sum(-1) / 2 - laplacian / 2


def network_residual(parameters: Parameters, inputs: torch.Tensor, activation: Activation) -> torch.Tensor:
    """The residual of networks at inputs (t, x, y) of shape (runs, samples, 3): (runs, samples)."""
    _, first, second = mlp_jet(parameters, inputs, torch.eye(3, dtype=inputs.dtype, device=inputs.device), activation)
    return residual(inputs[..., 1:], first[..., 0, 0], first[..., 1:, 0], second[..., 1:, 0].sum(-1))


def sample_ode(score: Score, x: torch.Tensor, steps: np.ndarray) -> torch.Tensor:
    """Follow the probability flow dx/dt = -x - score / 2 back along falling times, by Euler's method."""
    return last(follow(lambda x, t: -x - score(x, t) / 2, x, steps, "euler"))


def sample_sde(score: Score, x: torch.Tensor, steps: np.ndarray, draw: Callable) -> torch.Tensor:
    """Run the reverse process, dx = (x + score) ds + dW in its own rising clock s, by Euler and Maruyama's method."""
    end = float(steps[0])
    return last(follow_sde(lambda x, s: x + score(x, end - s), lambda s: 1.0, x, end - steps, draw))
