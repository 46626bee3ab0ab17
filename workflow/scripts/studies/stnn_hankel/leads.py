"""A small LEADS: one field that all environments share, and a small one of each (Yin et al., NeurIPS 2021)."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from pesin.integrate.steppers import follow, last
from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from studies.stnn_hankel.simulate import STEP


def init_fields(draws: int, environments: int, width: int, generator: torch.Generator, device: str) -> Parameters:
    """`shared_...` of shape (draws, ...) and `own_...` of shape (draws, environments, ...)."""
    sizes = [2, width, width, 2]
    shared = init_mlp(draws, sizes, generator, device)
    return {f"shared_{name}": value for name, value in shared.items()} | own_fields(
        draws, environments, width, generator, device
    )


def own_fields(draws: int, environments: int, width: int, generator: torch.Generator, device: str) -> Parameters:
    """The environments' parts alone."""
    own = init_mlp(draws * environments, [2, width, width, 2], generator, device)
    return {
        f"own_{name}": value.detach().unflatten(0, (draws, environments)).requires_grad_()
        for name, value in own.items()
    }


def own_part(parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """f of each environment: (draws, environments, points, 2) -> the same shape."""
    own = {name.removeprefix("own_"): v.flatten(0, 1) for name, v in parameters.items() if name.startswith("own_")}
    return apply_mlp(own, x.flatten(0, 1), torch.tanh).reshape(x.shape)


def field(parameters: Parameters, x: torch.Tensor, t: float) -> torch.Tensor:
    """dx/dt at points of shape (draws, environments, points, 2)."""
    shared = {name.removeprefix("shared_"): v for name, v in parameters.items() if name.startswith("shared_")}
    return apply_mlp(shared, x.flatten(1, 2), torch.tanh).reshape(x.shape) + own_part(parameters, x)


def loss(parameters: Parameters, orbits: torch.Tensor, penalty: float) -> torch.Tensor:
    """Squared error of a step and the penalty on the environments' parts: orbits (environments, orbits, time, 2)."""
    draws = len(parameters["own_weight_0"])
    now, then = (part.flatten(1, 2).expand(draws, *[-1] * 3) for part in (orbits[:, :, :-1], orbits[:, :, 1:]))
    made = last(follow(partial(field, parameters), now, [0.0, STEP]))
    own = own_part(parameters, now)
    return (made - then).square().mean((1, 2, 3)) + penalty * own.square().mean((1, 2, 3))


@torch.no_grad()
def forecast(parameters: Parameters, start: np.ndarray, steps: int) -> np.ndarray:
    """Orbits from starts of shape (environments, orbits, 2): (draws, environments, orbits, steps, 2)."""
    x = torch.as_tensor(start, dtype=torch.float32, device=parameters["own_weight_0"].device)
    x = x.expand(len(parameters["own_weight_0"]), *x.shape)
    states = follow(partial(field, parameters), x, STEP * np.arange(steps + 1))
    return torch.stack(list(states), 3).double().numpy(force=True)
