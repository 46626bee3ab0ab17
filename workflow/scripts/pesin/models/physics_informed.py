"""Parts of physics-informed networks: where they start, and inputs that repeat in space."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from pesin.models.mlp import Parameters


def init_xavier(runs: int, sizes: Iterable[int], generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw weights evenly within sqrt(6 / (in + out)), biases 0 (Glorot and Bengio, AISTATS 2010, equation 16).

    Parameters
    ----------
    runs
        Number of networks.
    sizes
        Widths: input, hidden ones, output.
    generator
        CPU generator; the draws don't depend on the device.

    Returns
    -------
    dict
        As `pesin.models.mlp.init_mlp`: weight_i of shape (runs, in, out), bias_i of shape (runs, 1, out).
    """
    sizes, parameters = list(sizes), {}
    for layer, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
        bound = (6 / (fan_in + fan_out)) ** 0.5
        weight = (torch.rand((runs, fan_in, fan_out), generator=generator) * 2 - 1) * bound
        parameters[f"weight_{layer}"] = weight.to(device).requires_grad_()
        parameters[f"bias_{layer}"] = torch.zeros((runs, 1, fan_out), device=device).requires_grad_()
    return parameters


def periodic_inputs(x: torch.Tensor, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inputs (cos x, sin x, t), so that a network has the period 2 pi in x, for `pesin.models.jets.mlp_jet`.

    Parameters
    ----------
    x, t : Tensor, shape (runs, samples)
        x in rad.

    Returns
    -------
    (inputs, directions, curvature)
        Shapes (runs, samples, 3), (runs, samples, 2, 3), (runs, samples, 2, 3): inputs, and their first and second
        derivatives with respect to x and to t, in that order.
    """
    cos, sin = torch.cos(x), torch.sin(x)
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    along_t = torch.stack([zero, zero, one], -1)
    directions = torch.stack([torch.stack([-sin, cos, zero], -1), along_t], -2)
    curvature = torch.stack([torch.stack([-cos, -sin, zero], -1), torch.zeros_like(along_t)], -2)
    return torch.stack([cos, sin, t], -1), directions, curvature
