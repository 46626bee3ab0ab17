"""All networks in one loop: ensembles with anchored weights for each set of sensors and number of runs, and a twin.

Network 0 of each arm is deterministic: no anchor holds it. The others are the ensemble, each anchored to its own random
start (Pearce and others 2020). All networks of a campaign and arm see the same batches; arms share their starts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.gaussian_nets import anchored, gaussian_head, nll
from pesin.models.mlp import Parameters, apply_mlp, init_mlp, repeat_runs
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.thermoacoustic_bayesian_forecast import windows
from studies.thermoacoustic_bayesian_forecast.arms import Arm, arms_of
from studies.thermoacoustic_bayesian_forecast.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """`scale`: of inputs and target; `start`, `weights`: of all networks; `curves`: losses."""
    params = case.params.train
    arms = arms_of(params)
    seeds, networks = case.params.simulate.seeds, params.members + 1
    x = windows.inputs(windows.given(data, params.sensors))
    y = windows.target(data["hfA"].values.astype(float))
    scale = scales(x, y, params.sizes)
    generator = torch.Generator().manual_seed(case.seed("networks"))
    start = init_mlp(seeds * networks, [x.shape[-1], *params.hidden, 2], generator, case.device)
    parameters = repeat_runs(start, len(arms))
    losses = fit(case, arms, parameters, Batches(case, arms, x, y, scale))
    shape = (len(arms), seeds, networks)
    loss = labelled(("arm", "seed", "network", "update"), losses.reshape(*shape, -1), "loss", nan=DIVERGED)
    names = {"arm": [arm.name for arm in arms], "seed": np.arange(seeds)}
    return xr.DataTree.from_dict(
        {
            "scale": scale,
            "start": weights(start, shape[1:]).assign_coords(seed=names["seed"]),
            "weights": weights(parameters, shape).assign_coords(names),
            "curves": xr.Dataset({"loss": loss}, names),
        }
    )


def scales(x: np.ndarray, y: np.ndarray, sizes: list[int]) -> xr.Dataset:
    """Means and deviations of inputs and target over the first training runs, for each number of them."""
    of_x, of_y = (
        [np.stack(part) for part in zip(*(windows.standard(v, n) for n in sizes), strict=True)] for v in (x, y)
    )
    dims = ("size", "seed")
    return xr.Dataset(
        {
            "input_mean": labelled((*dims, "input"), of_x[0], "mean of an input"),
            "input_scale": labelled((*dims, "input"), of_x[1], "standard deviation of an input"),
            "target_mean": labelled(dims, of_y[0], "mean of the target"),
            "target_scale": labelled(dims, of_y[1], "standard deviation of the target"),
        },
        {"size": sizes},
    )


class Batches:
    """Draws windows: the same of a campaign and number of runs for all networks, less what an arm isn't given."""

    def __init__(self, case: Case[Params], arms: list[Arm], x: np.ndarray, y: np.ndarray, scale: xr.Dataset) -> None:
        params, seeds = case.params.train, case.params.simulate.seeds
        self.rng, self.size = case.rng("batches"), params.batch
        self.networks = params.members + 1
        most = params.sizes[-1]
        self.counts = np.array(params.sizes) * x.shape[2]
        flat_x, flat_y = x[:, :most].reshape(seeds, -1, x.shape[-1]), y[:, :most].reshape(seeds, -1)
        z = (flat_x - scale["input_mean"].values[:, :, None]) / scale["input_scale"].values[:, :, None]
        t = (flat_y - scale["target_mean"].values[..., None]) / scale["target_scale"].values[..., None]
        self.x, self.y = (torch.as_tensor(v, dtype=torch.float32, device=case.device) for v in (z, t))
        self.arm = torch.as_tensor([arm.size for arm in arms], device=case.device)
        kept = np.stack([windows.mask(arm.sensors) for arm in arms])
        self.mask = torch.as_tensor(kept, dtype=torch.float32, device=case.device)[:, None, None]

    def draw(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs (runs, batch, inputs) and targets (runs, batch, 1), in standard deviations."""
        sizes, seeds = self.x.shape[:2]
        place = (self.rng.random((sizes, seeds, self.size)) * self.counts[:, None, None]).astype(int)
        at = (np.arange(sizes)[:, None, None], np.arange(seeds)[:, None], place)
        x, y = self.x[at][self.arm] * self.mask, self.y[at][self.arm]
        x = x[:, :, None].expand(-1, -1, self.networks, -1, -1).flatten(0, 2)
        return x, y[:, :, None].expand(-1, -1, self.networks, -1).flatten(0, 2)[..., None]


def fit(case: Case[Params], arms: list[Arm], parameters: Parameters, batches: Batches) -> np.ndarray:
    """Losses of all runs, (runs, updates); the parameters are changed in place."""
    params, seeds = case.params.train, case.params.simulate.seeds
    anchors = {name: value.detach().clone() for name, value in parameters.items()}
    free = np.arange(params.members + 1) > 0
    counts = batches.counts[[arm.size for arm in arms]]
    pull = params.anchor / counts[:, None, None] * np.broadcast_to(free, (len(arms), seeds, free.size))
    weight = torch.as_tensor(pull.ravel(), dtype=torch.float32, device=case.device)

    def loss_of(_: int) -> torch.Tensor:
        x, y = batches.draw()
        mean, log_std = gaussian_head(apply_mlp(parameters, x, torch.tanh), params.floor, params.ceiling)
        return nll(mean, log_std, y, params.beta) + weight * anchored(parameters, anchors, 1.0)

    losses, _ = fit_runs(
        RunsOptimiser(parameters, "adam"),
        loss_of,
        lambda step: torch.full_like(weight, params.lr * half_cosine(step, params.steps)),
        params.steps,
        case.progress,
        case.checkpoint("networks", [batches.rng]),
    )
    return losses


def weights(parameters: Parameters, shape: tuple[int, ...]) -> xr.Dataset:
    """All parameters, their runs as ([arm,] seed, network)."""
    dims = ("arm", "seed", "network")[-len(shape) :]
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        values = value.numpy(force=True).reshape(*shape, *value.shape[1:])
        found[name] = labelled((*dims, f"{name}_row", f"{name}_column"), values, f"parameters {name}", nan=DIVERGED)
    return xr.Dataset(found)
