"""Networks applied to their own outputs, and what is asked of the paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from pesin.models.mlp import Parameters
from studies.trajcast_force_free_md.network import Units, World, as_tensors, big_step
from studies.trajcast_force_free_md.params import Params
from studies.trajcast_force_free_md.thermostat import temperature
from studies.trajcast_force_free_md.train import arms, restored_units, runs_of

Paths = tuple[np.ndarray, np.ndarray]
"""Positions and velocities, shape (seed, replica, frame, atom, xyz)."""


def networks_of(
    params: Params,
    trained: Any,
    stride: int,
    pairs: int | None = None,
    which: str = "trained",
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Parameters | None, Units]:
    """The networks of an arm, one run each seed, with their units; None where they are `ballistic`."""
    seeds = params.train.seeds
    arm = arms(params).index((stride, pairs or params.train.pairs[-1]))
    scale = np.repeat(trained["units"].values[arm : arm + 1], seeds, 0)
    units = restored_units(scale, np.full(seeds, stride * params.simulate.dt), float(trained["speed"]), device, dtype)
    if which == "ballistic":
        return None, units
    runs = range(seeds) if which == "untrained" else runs_of(params, stride, pairs)
    return as_tensors(trained, "start" if which == "untrained" else "end", runs, device, dtype), units


@torch.no_grad()
def roll_out(
    made: tuple[Parameters | None, Units],
    world: World,
    x: np.ndarray,
    v: np.ndarray,
    steps: int,
    factor: Callable[[np.ndarray], np.ndarray] | None = None,
    conserve: bool = True,
) -> Paths:
    """Follow all seeds from the same states, of shape (replica, atom, xyz).

    Parameters
    ----------
    factor
        Thermostat: temperatures (seed, replica) -> factors of the velocities after each big step.

    Returns
    -------
    Paths
        With steps + 1 frames; NaN from where a copy isn't finite any more.
    """
    parameters, units = made
    runs, device = len(units.dt), units.dt.device
    place, pace = (torch.as_tensor(a, dtype=torch.float32, device=device).expand(runs, *a.shape) for a in (x, v))
    path = np.full((2, steps + 1, *place.shape), np.nan, np.float32)
    path[0, 0], path[1, 0] = x, v
    mass = world.mass.numpy(force=True)
    for i in range(1, steps + 1):
        place, pace = big_step(parameters, world, units, place, pace, conserve)
        if factor is not None:
            by = factor(temperature(pace.numpy(force=True), mass))[..., None, None]
            pace = pace * torch.as_tensor(by, dtype=pace.dtype, device=device)
        path[0, i], path[1, i] = place.numpy(force=True), pace.numpy(force=True)
        if not torch.isfinite(pace).any():
            break
    lost = ~np.logical_and.accumulate(np.isfinite(path).all((0, -1, -2)), axis=0)
    path[:, lost] = np.nan
    return np.moveaxis(path[0], 0, 2), np.moveaxis(path[1], 0, 2)


def spread(x: np.ndarray, site: np.ndarray) -> np.ndarray:
    """Mean squared distance from the sites: (..., atom, xyz) -> (...)."""
    return ((x - site) ** 2).sum(-1).mean(-1)


def autocorrelation(v: np.ndarray, lags: int) -> np.ndarray:
    """Velocity autocorrelation over that at lag 0: (..., replica, frame, atom, xyz) -> (..., lags)."""
    v = v.astype(float)
    last = v.shape[-3]
    found = [(v[..., : last - lag, :, :] * v[..., lag:, :, :]).mean((-1, -2, -3, -4)) for lag in range(lags)]
    with np.errstate(invalid="ignore"):
        return np.stack(found, -1) / found[0][..., None]


def frequencies(dt: float, points: int = 400) -> np.ndarray:
    """Angular frequencies from 0 to Nyquist's, pi / dt."""
    return np.linspace(0, np.pi / dt, points)


def density_of_states(correlation: np.ndarray, dt: float) -> np.ndarray:
    """Cosine transform of a velocity autocorrelation (..., lags) under Hann's window: (..., frequency)."""
    lag = np.arange(correlation.shape[-1])
    window = 0.5 * (1 + np.cos(np.pi * lag / len(lag))) * np.where(lag == 0, 1, 2)
    return dt * (correlation * window) @ np.cos(np.outer(lag * dt, frequencies(dt)))


def median_frequency(density: np.ndarray, dt: float) -> np.ndarray:
    """Frequency below which half of (..., frequency) lies; NaN where there is any."""
    bad = ~np.isfinite(density).all(-1)
    below = np.cumsum(np.where(bad[..., None], 0, density), -1)
    return np.where(bad, np.nan, frequencies(dt)[(below >= below[..., -1:] / 2).argmax(-1)])


def first_above(error: np.ndarray, level: float) -> np.ndarray:
    """First frame at which (..., frame) exceeds the level or isn't finite; the number of frames if none does."""
    above = ~(error <= level)
    return np.where(above.any(-1), above.argmax(-1), error.shape[-1])
