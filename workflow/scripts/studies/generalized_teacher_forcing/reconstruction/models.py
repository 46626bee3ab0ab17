"""The trained forecasters by name, read back from the result of training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.models import linear, reservoir, shplrnn, sindy
from studies.generalized_teacher_forcing.reconstruction.params import Parts

METHODS = ("gtf", "agtf", "sparse_tf", "bptt", "full_tf", "esn", "sindy", "var", "constant", "true_orbit")
NO_EXPONENT = "a system whose Lyapunov exponent isn't known"


def shplrnn_weights(trained: xr.DataTree, noise: int) -> shplrnn.Weights:
    """Weights of one noise level, runs = forcing x seed."""
    group = trained["shplrnn"].to_dataset().isel(noise=noise)
    return shplrnn.Weights(*(torch.as_tensor(group[name].values).flatten(0, 1) for name in shplrnn.Weights._fields))


def forecasters(trained: xr.DataTree, noise: int, dt: float) -> dict[str, Callable]:
    """Functions (history (starts, time, dim), steps) -> (runs, starts, steps, dim), one for each kind of model."""
    found: dict[str, Callable] = {"shplrnn": partial(shplrnn.forecast, shplrnn_weights(trained, noise))}
    if "var" in trained.children:
        found["var"] = partial(linear.forecast, trained["var"].coefficients.values[noise])
    if "esn" in trained.children:
        group = trained["esn"].to_dataset().isel(noise=noise)
        inside, recurrent, readout = (group[name].values for name in ("inside", "recurrent", "readout"))
        weights = reservoir.Reservoir(inside, recurrent, readout, float(group.leak), group.ridge.values)
        found["esn"] = partial(reservoir.forecast, weights)
    if "sindy" in trained.children:
        group = trained["sindy"].to_dataset().isel(noise=noise)
        found["sindy"] = partial(sindy.forecast, group.coefficients.values, group.powers.values, dt=dt)
    return found


def by_method(
    forcings: list[str], scores: dict[str, np.ndarray], chosen: np.ndarray, parts: Parts
) -> dict[str, np.ndarray]:
    """Scores (seed, ...) under the names of METHODS.

    Parameters
    ----------
    forcings
        Names of the forcings, as training wrote them.
    scores
        model -> (runs, ...); the runs of the shPLRNN are forcing x seed, of others the seeds, or one run for all seeds.
    chosen : ndarray of int, shape (seeds,)
        Index of the forcing chosen for each seed.
    parts
        Which forcings play the parts of gtf and agtf.
    """
    seeds = np.arange(len(chosen))
    net = scores["shplrnn"].reshape(len(forcings), len(seeds), *scores["shplrnn"].shape[1:])
    named = {"gtf": net[chosen, seeds] if parts.gtf == "chosen" else net[forcings.index(f"{parts.gtf:g}")]}
    annealed = parts.agtf if parts.agtf == "adaptive" else f"{parts.agtf:g}"
    for method, forcing in (("agtf", annealed), ("sparse_tf", "sparse"), ("bptt", "0"), ("full_tf", "1")):
        if forcing in forcings:
            named[method] = net[forcings.index(forcing)]
    for name, values in scores.items():
        if name != "shplrnn":
            named[name] = np.broadcast_to(values, (len(seeds), *values.shape[1:]))
    return {method: named[method] for method in METHODS if method in named}


def choose_alpha(d_stsp: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Index of the forcing 0 < alpha < 1 with the smallest median divergence over the OTHER seeds, for each seed.

    Leaving the seed itself out keeps the choice from profiting of that seed's luck.

    Parameters
    ----------
    d_stsp : ndarray, shape (alphas, seeds)
    alphas : ndarray, shape (alphas,)
    """
    between = np.flatnonzero((alphas > 0) & (alphas < 1))
    others = [np.delete(d_stsp[between], seed, axis=1) for seed in range(d_stsp.shape[1])]
    return between[[int(np.argmin(np.median(scores, axis=1))) for scores in others]]


def best_alpha(d_stsp: np.ndarray, alphas: np.ndarray) -> int:
    """Index of the forcing 0 < alpha < 1 with the smallest median divergence over all seeds; see `choose_alpha`."""
    between = np.flatnonzero((alphas > 0) & (alphas < 1))
    return int(between[np.argmin(np.median(d_stsp[between], axis=1))])
