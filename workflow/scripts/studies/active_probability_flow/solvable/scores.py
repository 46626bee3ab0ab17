"""Learned scores: what networks add to the score of a system whose forces and propulsion know nothing of each other.

The score of (x, g) is (force / eps, -g) plus a correction, which is what the networks tell. The mean local velocity
then is v_x = v0 g - eps c_x, v_g = -gamma c_g: forces cancel, and without a correction only the propulsion moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from pesin.models.bridges import implicit_score_loss
from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.mlp import Parameters
from pesin.systems.particles import Swimmers

SILU = ACTIVATIONS["silu"]


@dataclass(frozen=True)
class Points:
    """Where a score is asked for. All of shape (runs, samples, particles)."""

    x: torch.Tensor
    g: torch.Tensor
    force: torch.Tensor
    slope: torch.Tensor
    """Derivative of each particle's force with respect to its own place."""

    def at(self, place: torch.Tensor) -> Points:
        """Samples of each run, by their place: (runs, some)."""
        index = place[..., None].expand(*place.shape, self.x.shape[-1])
        return Points(*(part.gather(1, index) for part in (self.x, self.g, self.force, self.slope)))


@dataclass(frozen=True)
class Correction:
    """What networks add to the score, and each component's derivative along its own coordinate.

    Shapes (runs, samples, 2, particles): places, then propulsions.
    """

    value: torch.Tensor
    slope: torch.Tensor


Network = Callable[[Parameters, Points], Correction]


def on_ring(box: float) -> Network:
    """Networks on a ring: periodic in x, and odd where all turns round, (x, g) -> (-x, -g)."""

    def correction(parameters: Parameters, points: Points) -> Correction:
        both = [torch.cat([part, -part], 1)[..., 0] for part in (points.x, points.g)]
        waves = [2 * math.pi * n / box for n in (1, 2)]
        sines, cosines = ([f(w * both[0]) for w in waves] for f in (torch.sin, torch.cos))
        inputs = torch.stack([*sines, *cosines, both[1]], -1)
        along_x = [w * c for w, c in zip(waves, cosines, strict=True)] + [
            -w * s for w, s in zip(waves, sines, strict=True)
        ]
        none = torch.zeros_like(both[0])
        directions = torch.stack(
            [torch.stack([*along_x, none], -1), torch.stack([none] * 4 + [none + 1], -1)],
            2,
        )
        value, first = mlp_jet(parameters, inputs, directions, SILU, order=1)
        slope = first.diagonal(dim1=-2, dim2=-1)
        here, there = value.chunk(2, 1)
        up, down = slope.chunk(2, 1)
        return Correction(((here - there) / 2)[..., None], ((up + down) / 2)[..., None])

    return correction


def in_open(parameters: Parameters, points: Points) -> Correction:
    """Networks in open space, all particles at once."""
    inputs = torch.cat([points.x, points.g], -1)
    axes = torch.eye(inputs.shape[-1], dtype=inputs.dtype, device=inputs.device)
    value, first = mlp_jet(parameters, inputs, axes, SILU, order=1)
    slope = first.diagonal(dim1=-2, dim2=-1)
    return Correction(*(part.unflatten(-1, (2, -1)) for part in (value, slope)))


def in_pieces(network: Network, parameters: Parameters, points: Points, many: int = 50_000) -> Correction:
    """What a network says of many samples, some at a time."""
    parts = [part.split(many, 1) for part in (points.x, points.g, points.force, points.slope)]
    found = [network(parameters, Points(*part)) for part in zip(*parts, strict=True)]
    return Correction(*(torch.cat([getattr(one, name) for one in found], 1) for name in ("value", "slope")))


def loss(law: Swimmers, points: Points, found: Correction, stationarity: float) -> torch.Tensor:
    """Implicit score matching less what doesn't hang on the networks, plus the squared residual: shape (runs,)."""
    base = torch.stack([points.force / law.diffusion, -points.g], 2)
    along = (found.slope + found.value * base).sum((-2, -1))
    matched = implicit_score_loss(found.value.flatten(2), along)
    return matched + stationarity * residual(law, points, found).square().mean(-1) if stationarity else matched


def velocity(law: Swimmers, points: Points, found: Correction) -> torch.Tensor:
    """Mean local velocity, shape (runs, samples, 2, particles)."""
    x, g = found.value.unbind(2)
    return torch.stack([law.speed * points.g - law.diffusion * x, -law.turning * g], 2)


def residual(law: Swimmers, points: Points, found: Correction) -> torch.Tensor:
    """div v + v.s, zero for the exact score: shape (runs, samples)."""
    base = torch.stack([points.force / law.diffusion, -points.g], 2)
    diffusion = torch.tensor([law.diffusion, law.turning], dtype=base.dtype, device=base.device)[:, None]
    flow = (velocity(law, points, found) * (base + found.value)).sum((-2, -1))
    return flow - (diffusion * found.slope).sum((-2, -1))


def production(law: Swimmers, points: Points, found: Correction) -> torch.Tensor:
    """Entropy production at each sample, by part and particle: (runs, samples, 2, particles), in nats per time."""
    diffusion = torch.tensor([law.diffusion, law.turning], dtype=points.g.dtype, device=points.g.device)
    return velocity(law, points, found).square() / diffusion[:, None]


def ring_points(data: xr.Dataset, shuffle: bool, device: str, walkers: int) -> Points:
    """All samples of the ring, each seed a run. Shuffled, each walker gets the propulsion of the next."""
    parts = {name: data[name].values for name in ("place", "propulsion", "force", "slope")}
    if shuffle:
        g = parts["propulsion"]
        parts["propulsion"] = np.roll(g.reshape(len(g), -1, walkers), 1, -1).reshape(g.shape)
    return Points(*(torch.as_tensor(p, dtype=torch.float32, device=device)[..., None] for p in parts.values()))


def trap_points(data: xr.Dataset, stiffness: float, device: str) -> Points:
    """All samples in the trap, each set a run."""
    state = torch.as_tensor(data["state"].values, dtype=torch.float32, device=device)
    x, g = state.chunk(2, -1)
    return Points(x, g, -stiffness * x, torch.full_like(x, -stiffness))
