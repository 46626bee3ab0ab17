"""The generator: an embedding of the condition, a trunk that predicts the clean picture, Euler's sampler."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import gelu

from pesin.integrate.steppers import follow, last
from pesin.models.mlp import Parameters, apply_mlp, init_mlp

LEAST = 0.05
"""Of 1 - t: nearer the end the velocity isn't larger."""


def draw(runs: int, pixels: int, cond: int, width: int, embedding: int, generator: torch.Generator) -> Parameters:
    """Weights of `embed_*` (cond -> embedding), `trunk_*` (pixels -> pixels), `told_*` (embedding and t -> width)."""
    parts = {
        "embed": init_mlp(runs, (cond, embedding, embedding), generator),
        "trunk": init_mlp(runs, (pixels, width, width, width, pixels), generator),
    }
    found = {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}
    for layer in range(2):
        told = init_mlp(runs, (embedding + 1, width), generator)
        found[f"told_weight_{layer}"] = told["weight_0"]
    return found


def embed(parameters: Parameters, condition: torch.Tensor) -> torch.Tensor:
    """Shape (runs, n, cond) -> (runs, n, embedding)."""
    own = {k.removeprefix("embed_"): v for k, v in parameters.items() if k.startswith("embed_")}
    return apply_mlp(own, condition)


def clean(parameters: Parameters, x: torch.Tensor, t: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """The picture that x at time t will be; x (runs, n, pixels), t (runs, n, 1), code (runs, n, embedding)."""
    told = torch.cat([code, t], -1)
    for layer in range(4):
        x = torch.baddbmm(parameters[f"trunk_bias_{layer}"], x, parameters[f"trunk_weight_{layer}"])
        if layer < 2:
            x = torch.baddbmm(x, told, parameters[f"told_weight_{layer}"])
        if layer < 3:
            x = gelu(x)
    return x


def loss(parameters: Parameters, x0: torch.Tensor, x1: torch.Tensor, t: torch.Tensor, told: torch.Tensor):
    """Mean squared error of the clean picture on the straight bridge from noise x0 to x1, shape (runs,)."""
    found = clean(parameters, (1 - t) * x0 + t * x1, t, embed(parameters, told))
    return (found - x1).square().mean((1, 2))


@torch.no_grad()
def sample(parameters: Parameters, x0: torch.Tensor, code: torch.Tensor, steps: int) -> torch.Tensor:
    """Pictures from noise x0 (runs, n, pixels) by Euler's method on v = (clean - x) / (1 - t)."""

    def velocity(x, t):
        return (clean(parameters, x, torch.full_like(x[..., :1], t), code) - x) / max(1 - t, LEAST)

    return last(follow(velocity, x0, np.linspace(0, 1, steps + 1), "euler"))
