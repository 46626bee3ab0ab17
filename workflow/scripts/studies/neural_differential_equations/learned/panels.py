"""What is learned in each panel: fields, controlled equations, recurrent networks, a stochastic equation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import softplus

from pesin.integrate.steppers import follow, last
from pesin.models.mlp import Parameters, apply_mlp
from studies.neural_differential_equations.learned.simulate import BIRTH, CHANNELS, CLASSES, DEATH

CROSSING_ARMS = ["plain", "augmented"]
PREDATOR_ARMS = ["network", "hybrid"]
PATH = CHANNELS + 2
"""Time, data, share of the points observed so far."""


# ------------------------------------------------------------------------------------------------------ crossing flows


def flow(parameters: Parameters, mask: torch.Tensor, x: torch.Tensor, steps: int) -> torch.Tensor:
    """Carry points, (runs, n, 2), over a unit of time; the mask, (runs, 1, 2), says what the field moves."""
    times = np.linspace(0, 1, steps + 1)
    return last(follow(lambda x, t: mask * apply_mlp(parameters, x, torch.tanh), x, times, "heun"))


def line(points: int, runs: int) -> torch.Tensor:
    """Even points in [-1, 1], a zero beside each, (runs, points, 2)."""
    x = torch.linspace(-1, 1, points)
    return torch.stack([x, torch.zeros(points)], -1).repeat(runs, 1, 1)


def dimensions(seeds: int) -> torch.Tensor:
    """The mask of plain and augmented runs, arm-major."""
    return torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]]]).repeat_interleave(seeds, 0)


# -------------------------------------------------------------------------------------------------- predators and prey


def abundance_field(parameters: Parameters, known: torch.Tensor):
    """Linear terms, where known, (runs, 1, 1) of zeros and ones, and a network: a field of (runs, n, 2)."""
    linear = known * torch.tensor([BIRTH, -DEATH], device=known.device)
    return lambda x, t: linear * x + missing(parameters, x)


def missing(parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """The network's part of the field."""
    return apply_mlp(parameters, x / 3, torch.tanh)


def mechanism(seeds: int) -> torch.Tensor:
    """Which runs know the linear terms, arm-major: shape (runs, 1, 1)."""
    return torch.tensor([0.0, 1.0]).repeat_interleave(seeds).view(-1, 1, 1)


def ahead(field, x: torch.Tensor, steps: int, step: float) -> Iterator[torch.Tensor]:
    """States after each step."""
    return follow(field, x, step * np.arange(steps + 1))


# ---------------------------------------------------------------------------------------------------- irregular series


def observed(data: xr.Dataset, drop: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Times and values that are kept, (..., time) and (..., time, 3): at a place among the shares dropped, or all."""
    t, x = data["t"].values, data["x"].values
    if drop is None:
        return t, x
    kept = data["kept"].values[drop].astype(bool)
    return t[kept].reshape(*t.shape[:-1], -1), x[kept].reshape(*t.shape[:-1], -1, x.shape[-1])


def control_path(t: np.ndarray, x: np.ndarray, steps: int) -> np.ndarray:
    """The path that drives a controlled equation, at even times in [0, 1].

    Cubic between two points, with the slope of the interval before at its start and its own at its end (Morrill,
    Kidger, Yang and Lyons 2021, arXiv 2106.11028): nothing after the interval is looked at. Still before the first
    point and after the last.

    Parameters
    ----------
    t : ndarray, shape (..., points)
        Rising.
    x : ndarray, shape (..., points, channels)
    steps
        Intervals.

    Returns
    -------
    float32 ndarray, shape (..., steps + 1, channels + 2)
        Time, the channels, share of the points observed so far.
    """
    grid = np.linspace(0, 1, steps + 1)
    seen = (t[..., None, :] <= grid[:, None]).sum(-1)
    left = np.clip(seen - 1, 0, t.shape[-1] - 2)

    def at(values: np.ndarray, place: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, place[..., None], -2)

    clock = t[..., None]
    length = at(clock, left + 1) - at(clock, left)
    part = np.clip((grid[:, None] - at(clock, left)) / length, 0, 1)
    start, rise = at(x, left), at(x, left + 1) - at(x, left)
    before = np.maximum(left - 1, 0)
    slope = np.where(
        left[..., None] > 0,
        (start - at(x, before)) / np.where(left[..., None] > 0, at(clock, left) - at(clock, before), 1) * length,
        rise,
    )
    bend = slope - rise
    values = start + rise * part + bend * part * (1 - part) ** 2
    share = (left[..., None] + part) / (t.shape[-1] - 1)
    even = np.broadcast_to(grid[:, None], share.shape)
    return np.concatenate([even, values, share], -1).astype(np.float32)


def read_path(parameters: Parameters, path: torch.Tensor, code: int) -> torch.Tensor:
    """Logits of the controlled equation dz = f(z) dX: path (runs, n, steps + 1, PATH) -> (runs, n, classes).

    Heun's method along the increments of the path.
    """
    enter, rest, leave = (part(parameters, name) for name in ("enter", "field", "leave"))
    z = apply_mlp(enter, path[:, :, 0])

    def moved(z: torch.Tensor, increment: torch.Tensor) -> torch.Tensor:
        matrix = torch.tanh(apply_mlp(rest, z, torch.tanh)).view(*z.shape[:2], PATH, code)
        return (matrix * increment[..., None]).sum(-2)  # in half the time of a product of so small matrices

    for increment in (path[:, :, 1:] - path[:, :, :-1]).unbind(2):
        first = moved(z, increment)
        z = z + (first + moved(z + first, increment)) / 2
    return apply_mlp(leave, z)


def part(parameters: Parameters, name: str) -> Parameters:
    """The parameters of one of several networks."""
    return {key.removeprefix(f"{name}_"): v for key, v in parameters.items() if key.startswith(f"{name}_")}


def spaced(t: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What a recurrent network reads: values, time since the last point, share seen. (..., points, PATH), float32."""
    gaps = np.diff(t, axis=-1, prepend=0) * t.shape[-1]
    share = np.broadcast_to(np.arange(1, t.shape[-1] + 1) / t.shape[-1], t.shape)
    return np.concatenate([x, gaps[..., None], share[..., None]], -1).astype(np.float32)


def cross_entropy(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Mean over a batch: (runs, n, classes), (runs, n) -> (runs,)."""
    return -torch.log_softmax(logits[..., :CLASSES], -1).gather(-1, label[..., None])[..., 0].mean(-1)


# ---------------------------------------------------------------------------------------------------- relaxing process


def drift_and_noise(parameters: Parameters, x: torch.Tensor, t: float, end: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Of the learned equation, in Ito's sense, each (runs, n): the network sees x / 5 and the share of the time."""
    inputs = torch.stack([x / 5, torch.full_like(x, t / end)], -1)
    out = apply_mlp(parameters, inputs, torch.tanh)
    return out[..., 0], softplus(out[..., 1])


def generate(parameters: Parameters, noise: torch.Tensor) -> torch.Tensor:
    """Paths from zero by Euler and Maruyama's method of step 1: (runs, n, steps) -> (runs, n, steps + 1)."""
    x, path = torch.zeros_like(noise[..., 0]), []
    for step, move in enumerate(noise.unbind(-1)):
        path.append(x)
        drift, scale = drift_and_noise(parameters, x, float(step), float(noise.shape[-1]))
        x = x + drift + scale * move
    return torch.stack([*path, x], -1)


def features(path: torch.Tensor, every: int) -> torch.Tensor:
    """Values at every so many times, and their increments over one and four of them.

    (runs, n, time) -> (runs, features, n).
    """
    values = path[..., ::every]
    increments = [values[..., lag:] - values[..., :-lag] for lag in (1, 4)]
    return torch.cat([values[..., 1:], *increments], -1).transpose(1, 2)


def discrepancy(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Squared MMD with the kernel -|x - y|, feature by feature: (..., n), (..., n) -> (...).

    In one dimension it is twice the integral of the squared difference of the two distribution functions (Szekely and
    Rizzo, J. Stat. Plan. Inference 143, 1249, 2013), which sorting gives.
    """
    n = x.shape[-1]
    both, order = torch.cat([x, y], -1).sort(-1)
    apart = torch.cumsum(torch.where(order < n, 1.0 / n, -1.0 / n), -1)
    return 2 * (apart[..., :-1] ** 2 * both.diff(dim=-1)).sum(-1)
