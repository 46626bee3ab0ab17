"""All networks in one loop: each horizon, each number of pairs of frames, each seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.trajcast_force_free_md.network import Units, World, big_step, init_network
from studies.trajcast_force_free_md.params import Params


def arms(params: Params) -> list[tuple[int, int]]:
    """(stride, pairs of frames): each horizon with the most pairs, then the main one with fewer."""
    most = params.train.pairs[-1]
    return [(stride, most) for stride in params.train.strides] + [
        (params.simulate.stride, pairs) for pairs in params.train.pairs[:-1]
    ]


def runs_of(params: Params, stride: int, pairs: int | None = None) -> list[int]:
    """Places of an arm's seeds along the runs; the most pairs unless said otherwise."""
    place = arms(params).index((stride, pairs or params.train.pairs[-1]))
    return [place * params.train.seeds + seed for seed in range(params.train.seeds)]


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """Fit all; networks of one seed begin alike. Groups `start` (one run each seed) and `end` (arm by arm)."""
    params, seeds = case.params.train, case.params.train.seeds
    group = data["train"].to_dataset()
    x, v = (torch.as_tensor(group[key].values, device=case.device) for key in ("position", "velocity"))
    world = World.of(group, case.params, case.params.simulate.cells, case.device)
    found = arms(case.params)
    ahead = np.repeat([stride // case.params.simulate.every for stride, _ in found], seeds)
    pairs = chosen(case, (x.shape[0], x.shape[1]))
    units, scale = units_of(case.params, x, v, ahead)
    generator = torch.Generator().manual_seed(case.seed("networks"))
    species = int(group["species"].max()) + 1
    sizes = params.width, params.basis, params.layers
    start = init_network(seeds, species, *sizes, generator, case.device)
    parameters = repeat_runs(start, len(found))
    rng = case.rng("batches")
    noise = params.noise * torch.stack([units.displacement, units.kick])

    def loss_of(_: int) -> torch.Tensor:
        draws = rng.integers(0, np.array([[len(p)] for p in pairs]), size=(len(pairs), params.batch))
        at = np.stack([p[draw] for p, draw in zip(pairs, draws, strict=True)])
        replica, frame = torch.as_tensor(at[..., 0]), torch.as_tensor(at[..., 1])
        later = frame + torch.as_tensor(ahead)[:, None]
        drawn = rng.standard_normal((2, len(pairs), params.batch, *x.shape[2:]), np.float32)
        shaken = noise * torch.as_tensor(drawn, device=case.device)
        after = big_step(parameters, world, units, x[replica, frame] + shaken[0], v[replica, frame] + shaken[1])
        return ((after[0] - x[replica, later]) / units.displacement).square().mean((1, 2, 3)) + (
            (after[1] - v[replica, later]) / units.kick
        ).square().mean((1, 2, 3))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((len(pairs),), params.lr * half_cosine(step, params.steps), device=case.device)

    losses, _ = fit_runs(
        RunsOptimiser(parameters, "adam"),
        loss_of,
        rate_of,
        params.steps,
        case.progress,
        case.checkpoint("networks", [rng]),
    )
    curves = losses.reshape(len(found), seeds, -1), scale[::seeds], units.speed
    groups = {"/": kept(case.params, *curves), "start": stored(start, seeds), "end": stored(parameters, len(pairs))}
    return xr.DataTree.from_dict(groups)


def kept(params: Params, losses: np.ndarray, scale: np.ndarray, speed: float) -> xr.Dataset:
    """Losses (arm, seed, update) and the units of each arm."""
    curves = {
        "loss": labelled(("arm", "seed", "update"), losses, "loss in training", nan=DIVERGED),
        "units": labelled(("arm", "unit"), scale, "deviations of what ballistic motion leaves"),
        "speed": labelled((), speed, "root mean square of a component of the velocities", "sqrt(epsilon/m)"),
    }
    names = {
        "arm": [f"{stride} steps, {many} pairs" for stride, many in arms(params)],
        "unit": ["displacement", "kick"],
    }
    return xr.Dataset(curves, names | {"seed": np.arange(params.train.seeds)})


def stored(parameters, runs: int) -> xr.Dataset:
    """Weights as a Dataset; names in a file can't hold a slash."""
    return weights_dataset({name.replace("/", "."): value for name, value in parameters.items()}, range(runs))


def chosen(case: Case[Params], shape: tuple[int, int]) -> list[np.ndarray]:
    """For each run, the (replica, frame) of the pairs it is trained on; those of one seed and horizon are nested."""
    params, found = case.params, []
    for stride, many in arms(params):
        last = shape[1] - stride // params.simulate.every
        for seed in range(params.train.seeds):
            order = case.rng(f"pairs {stride} {seed}").permutation(shape[0] * last)[:many]
            found.append(np.stack(np.unravel_index(order, (shape[0], last)), -1))
    return found


def units_of(params: Params, x: torch.Tensor, v: torch.Tensor, ahead: np.ndarray) -> tuple[Units, np.ndarray]:
    """Deviations, over the training data, of displacement - dt v and of the velocity's change; also as (runs, 2)."""
    step, scale = params.simulate.dt * params.simulate.every, []
    for many in map(int, ahead):
        kick = v[:, many:] - v[:, :-many]
        left = x[:, many:] - x[:, :-many] - many * step * v[:, :-many]
        scale.append([float(left.std()), float(kick.std())])
    values = np.array(scale)
    return restored_units(values, ahead * step, float(v.std()), x.device), values


def restored_units(scale: np.ndarray, dt: np.ndarray, speed: float, device, dtype=torch.float32) -> Units:
    """Units from deviations of shape (runs, 2) and big steps of shape (runs,)."""
    columns = np.column_stack([dt, scale])
    step, displacement, kick = torch.as_tensor(columns, dtype=dtype, device=device).T.reshape(3, -1, 1, 1, 1)
    return Units(step, displacement, kick, speed)
