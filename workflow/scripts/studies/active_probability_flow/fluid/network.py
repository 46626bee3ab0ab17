"""A transformer over each particle's neighbourhood, with a leading runs axis: what the score adds to -g.

Tokens are a particle's k nearest neighbours, told by numbers that no rotation changes; attention lets them see each
other; each then gives coefficients of a few vectors (towards it, velocities relative to it, the force), and their sum
is the answer. So the score is local, goes with the particles when they are renamed, and turns with the box.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch.nn.functional import silu

from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.models.neighbourhoods import gather, nearest
from pesin.systems.particles import Swimmers, minimum_image

INVARIANTS, VECTORS = 6, 5


def neighbourhoods(law: Swimmers, x: np.ndarray, g: np.ndarray, k: int) -> dict[str, np.ndarray]:
    """What networks see of each particle, float32.

    Parameters
    ----------
    x, g : ndarray, shape (..., particles, 2)

    Returns
    -------
    dict
        `own` (..., particles, 2), the propulsion; `apart` (..., particles, k, 2), towards each neighbour; `others`
        (..., particles, k, 4), their propulsions and velocities; `pushed` (..., particles, 2), the force.
    """
    force, _ = law.force(x)
    index = nearest(x, k, law.box)
    found = {
        "own": g,
        "apart": minimum_image(gather(x, index) - x[..., None, :], law.box),
        "others": gather(np.concatenate([g, law.speed * g + force], -1), index),
        "pushed": force,
    }
    return {name: part.astype(np.float32) for name, part in found.items()}


def init_network(runs: int, width: int, layers: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw the weights: an embedding, layers of attention and feed-forward, a head."""
    parts: dict[str, tuple[int, ...]] = {"embed": (INVARIANTS, width, width), "head": (width, width, VECTORS)}
    for i in range(layers):
        parts[f"layer_{i}/attend"] = (width, 3 * width)
        parts[f"layer_{i}/mix"] = (width, width)
        parts[f"layer_{i}/feed"] = (width, 2 * width, width)
    return {
        f"{part}/{name}": value
        for part, sizes in parts.items()
        for name, value in init_mlp(runs, sizes, generator, device).items()
    }


def correction(parameters: Parameters, heads: int, law: Swimmers) -> Callable[..., torch.Tensor]:
    """The networks as a function of the particles' own propulsions and of what else they see.

    Returns
    -------
    function
        (own, apart, others, pushed) -> what the score adds to -g, (runs, samples, 2), for samples of shapes
        (runs, samples, 2), (runs, samples, k, 2), (runs, samples, k, 4) and (runs, samples, 2).
    """
    layers = sum(name.endswith("attend/weight_0") for name in parameters)
    parts: dict[str, Parameters] = {}
    for name, value in parameters.items():
        part, _, what = name.rpartition("/")
        parts.setdefault(part, {})[what] = value

    def apply(part: str, x: torch.Tensor) -> torch.Tensor:
        return apply_mlp(parts[part], x.flatten(1, -2), silu).unflatten(1, x.shape[1:-1])

    def network(own, apart, others, pushed) -> torch.Tensor:
        vectors, invariants = described(law, own, apart, others, pushed)
        hidden = apply("embed", invariants)
        for i in range(layers):
            q, k, v = (
                part.unflatten(-1, (heads, -1)).transpose(2, 3)
                for part in apply(f"layer_{i}/attend", normal(hidden)).chunk(3, -1)
            )
            weight = torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1)
            hidden = hidden + apply(f"layer_{i}/mix", (weight @ v).transpose(2, 3).flatten(-2))
            hidden = hidden + apply(f"layer_{i}/feed", normal(hidden))
        return (apply("head", hidden)[..., None] * vectors).sum((-3, -2))

    return network


def described(law: Swimmers, own, apart, others, pushed) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors (runs, samples, k, VECTORS, 2) of each neighbour, and numbers (..., k, INVARIANTS) that don't turn.

    Relative velocities are in units of v0 gamma, in which they enter the score of stiff contacts.
    """
    moved = (law.speed * own + pushed)[:, :, None]
    distance = apart.square().sum(-1, keepdim=True).sqrt()
    along = apart / distance
    away = (moved - others[..., 2:]) / (law.speed * law.turning)
    closing = (along * away).sum(-1, keepdim=True)
    steady = [part.expand_as(away) / law.speed for part in (moved, pushed[:, :, None])]
    vectors = torch.stack([along, away, along * closing, *steady], -2)
    touching = torch.sigmoid(law.sharpness / 2 * (2 * law.radius - distance))
    projected = [(along * part).sum(-1, keepdim=True) for part in (*steady, others[..., :2])]
    return vectors, torch.cat([distance / 2 - law.radius, touching, closing * law.turning, *projected], -1)


def normal(x: torch.Tensor) -> torch.Tensor:
    """Each token with mean zero and variance one."""
    x = x - x.mean(-1, keepdim=True)
    return x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
