"""What the score of the propulsions adds to -g, by a network over each particle's nearest neighbours.

A particle is described in the frame of its own force, its neighbours by their distance, the nearest first: so the score
is local, goes with the particles when they are renamed, and turns with the box. In a contact of stiffness k velocities
relax to v0 sqrt(gamma / k), and the score is of size sqrt(k / gamma): these two are the units of inputs and outputs.
"""

from __future__ import annotations

import numpy as np
import torch

from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.mlp import Parameters
from pesin.models.neighbourhoods import gather, nearest
from pesin.systems.particles import Swimmers, minimum_image
from studies.active_probability_flow.fluid.params import Simulate

FAR = 1.5  # radii between surfaces from which on distances look the same


def inputs(neighbours: int) -> int:
    """Width of the networks' input."""
    return 11 * neighbours + 5


def neighbourhoods(
    params: Simulate, law: Swimmers, x: np.ndarray, g: np.ndarray, k: int, mirrored: bool = False
) -> dict[str, np.ndarray]:
    """What networks see of each particle.

    Parameters
    ----------
    x, g : ndarray, shape (..., particles, 2)
    mirrored
        Whether the frame is left-handed.

    Returns
    -------
    dict
        All in the particle's frame: `own` (..., particles, 2), its propulsion; `velocity`, of the same shape; `unit`
        (..., particles, k, 2), the directions of its neighbours; `others`, their velocities; `soft` (..., particles,
        k), near 1 where they touch; `still` (..., particles, 8 k + 1), inputs that its own propulsion doesn't change;
        `frame` (..., particles, 2, 2), whose rows are the axes.
    """
    force, _ = law.force(x)
    velocity, index = law.speed * g + force, nearest(x, k, law.box)
    apart = minimum_image(gather(x, index) - x[..., None, :], law.box)
    distance, push = (np.linalg.norm(part, axis=-1, keepdims=True) for part in (apart, force))
    along = np.where(push > 1e-9, force / np.maximum(push, 1e-9), [1.0, 0.0])
    across = np.stack([-along[..., 1], along[..., 0]], -1) * (-1 if mirrored else 1)
    frame = np.stack([along, across], -2)
    own, moved = ((frame @ part[..., None])[..., 0] for part in (g, velocity))
    unit, others = (part @ frame.swapaxes(-1, -2) for part in (apart / distance, gather(velocity, index)))
    gap = distance[..., 0] - 2 * law.radius
    soft, stiff = (1 / (1 + np.exp(law.sharpness * gap / n)) for n in (2, 1))
    pressed = params.repulsion / params.speed * np.logaddexp(0, -law.sharpness * gap) / law.sharpness
    touching = [(soft[..., None] * part).reshape(*soft.shape[:-1], -1) for part in (unit, others / law.speed)]
    still = [np.minimum(gap, FAR), soft, stiff, pressed, *touching, push / law.speed]
    return {
        "own": own,
        "velocity": moved,
        "unit": unit,
        "others": others,
        "soft": soft,
        "still": np.concatenate(still, -1),
        "frame": frame,
    }


def correction(
    parameters: Parameters, params: Simulate, seen: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the score adds to -g in the particle's frame, and its divergence by the particle's own propulsion.

    Returns
    -------
    (value, divergence)
        Shapes (runs, samples, 2) and (runs, samples).
    """
    steep, speed = (params.repulsion / params.turning) ** 0.5, params.speed
    velocity, unit, soft, still = (seen[name] for name in ("velocity", "unit", "soft", "still"))
    away = (velocity[:, :, None] - seen["others"]) * soft[..., None]
    moving = torch.cat([away.flatten(2), (away * unit).sum(-1), velocity], -1) * steep / speed
    # Derivatives along the two axes of the particle's own propulsion, in units of the speed.
    axes = torch.eye(2, dtype=soft.dtype, device=soft.device)
    bare = axes.expand(*soft.shape[:2], 2, 2)
    by_away = (soft[:, :, None, :, None] * axes[:, None]).flatten(3)
    by_moving = torch.cat([by_away, soft[:, :, None] * unit.movedim(-1, 2), bare], -1) * steep
    slope = by_moving / (1 + moving.square()).sqrt()[:, :, None]
    directions = torch.cat([torch.zeros_like(still)[:, :, None].expand(-1, -1, 2, -1), slope, bare], -1)
    x = torch.cat([still, torch.asinh(moving), velocity / speed], -1)
    value, first = mlp_jet(parameters, x, directions, ACTIVATIONS["silu"], order=1)
    size = steep * torch.tanh(soft.sum(-1))
    return value * size[..., None], first.diagonal(dim1=-2, dim2=-1).sum(-1) * size
