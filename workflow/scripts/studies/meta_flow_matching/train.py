"""Flow matching of all arms and seeds of a world in one loop; those of one seed share start, batches and times."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, weights_dataset
from pesin.models.neighbourhoods import nearest
from pesin.models.optimisers import Adam
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.meta_flow_matching.affine import affine_maps
from studies.meta_flow_matching.networks import Runs, codes, draw, velocity
from studies.meta_flow_matching.params import Params, World

UNPAIRED = ("organoids",)  # worlds in which no point before belongs to one after


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Groups <world>/start and <world>/end with the weights, <world> with the losses; the organoids' affine maps."""
    groups: dict[str, xr.Dataset] = {}
    for world in case.params.train.worlds:
        populations = data[f"{world}/train"].to_dataset()
        groups |= _fit(case, world, populations)
        if world == "organoids":
            groups["organoids/affine"] = affine_maps(populations)
    return xr.DataTree.from_dict(groups)


def runs_of(case: Case[Params], world: World, data: xr.Dataset) -> Runs:
    """The runs of a world, by the labels of its training populations."""
    labels = int(data["label"].max()) + 1
    return Runs.of(case.params.train.worlds[world], case.params.simulate.seeds, labels, world)


def _fit(case: Case[Params], world: World, data: xr.Dataset) -> dict[str, xr.Dataset]:
    params, learning, device = case.params.train, case.params.train.worlds[world], case.device
    runs = runs_of(case, world, data)
    generator = torch.Generator().manual_seed(case.seed(f"networks {world}"))
    start = draw(runs, params, data.sizes["axis"], generator, device)
    parameters = {name: value.detach().clone().requires_grad_(value.requires_grad) for name, value in start.items()}
    before, after, label = (torch.as_tensor(data[name].values, device=device) for name in ("before", "after", "label"))
    near = torch.stack([nearest(of_seed, max(params.neighbours)) for of_seed in before])
    index = [near[..., :k] for k in params.neighbours]  # the nearest come first
    rng, row = case.rng(f"batches {world}"), torch.arange(runs.seeds, device=device).repeat(len(runs.arms))[:, None]

    def losses() -> torch.Tensor:
        which, points, partners, t = (
            torch.as_tensor(part, device=device) for part in batch(case.params, runs, world, data.sizes, rng)
        )
        clouds = before[row, which]
        code = codes(runs, parameters, params, clouds, label[row, which], tuple(one[row, which] for one in index))
        x0 = torch.take_along_dim(clouds, points.unsqueeze(-1), 2)
        x1 = torch.take_along_dim(after[row, which], partners.unsqueeze(-1), 2)
        found = velocity(parameters, params, (1 - t) * x0 + t * x1, t, code)
        return (found - (x1 - x0)).square().sum(-1).mean((1, 2))

    optimiser, seen = Adam([value for value in parameters.values() if value.requires_grad]), Seen()
    for step in case.checkpoint(world, [rng]).turns(learning.steps, optimiser, seen, progress=case.progress):
        loss = losses()  # of each run, and of its own weights alone
        optimiser.descend(loss.sum(), params.rate * one_cycle(step / learning.steps))
        seen.add({"loss": loss.numpy(force=True)})
    curve = seen.arrays().get("loss", np.empty((0, len(runs.names)))).T
    curves = xr.Dataset(
        {
            "loss": labelled(("run", "update"), curve, "flow matching loss of a batch", nan=DIVERGED),
            "status": labelled("run", np.where(np.isfinite(curve).all(1), "ok", "diverged"), "how the training went"),
        },
        {"run": runs.names, "update": np.arange(learning.steps)},
    )
    return {world: curves, f"{world}/start": _kept(runs, start), f"{world}/end": _kept(runs, parameters)}


def _kept(runs: Runs, weights: Parameters) -> xr.Dataset:
    """Weights by run, the labels' table by the runs that are told labels."""
    found = weights_dataset({name: value for name, value in weights.items() if name != "table"}, runs.names)
    if "table" not in weights:
        return found
    told = [runs.names[i] for i in runs.told()]
    return found.merge(weights_dataset({"table": weights["table"]}, told).rename(run="told"))


def batch(params: Params, runs: Runs, world: World, sizes, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Which populations (runs, populations), which of their points before and after, and times (..., points, 1).

    The blocks of runs share all of it, but that those of fewer populations draw among theirs, the first.
    """
    train, seeds = params.train, runs.seeds
    share = rng.random((seeds, train.populations))
    which = [(share * (size or sizes["population"])).astype(np.int64) for size in runs.sizes]
    shape = (seeds, train.populations, train.worlds[world].points)
    points = rng.integers(sizes["point"], size=shape)
    partners = rng.integers(sizes["point"], size=shape) if world in UNPAIRED else points
    t = rng.random((*shape, 1), np.float32)
    many = len(runs.arms)
    return np.concatenate(which), *(np.concatenate([part] * many) for part in (points, partners, t))


def one_cycle(done: float) -> float:
    """Share of the largest learning rate: up over three tenths of the updates, then down, along half cosines."""
    if done < 0.3:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * done / 0.3)) / 2
    return (1 + math.cos(math.pi * (done - 0.3) / 0.7)) / 2
