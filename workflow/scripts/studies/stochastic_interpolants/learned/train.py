"""Networks of the bridge's fields, and of baselines; those of one world in one runs axis."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from torch.nn.functional import silu

from pesin.models.bridges import quadratic_loss, training_pairs
from pesin.models.mlp import apply_mlp, init_mlp, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.stochastic_interpolants.learned.networks import baseline, bridge
from studies.stochastic_interpolants.learned.params import Learning, Params, Train
from studies.stochastic_interpolants.worlds import PLANE, World

COUPLED = 128  # points that are paired by optimal transport at once


def train(case: Case[Params]) -> xr.DataTree:
    """Return the weights of all networks of each world, and their losses if there were any updates."""
    return xr.DataTree.from_dict({world: _fit(case, world) for world in PLANE})


def _fit(case: Case[Params], world: str) -> xr.Dataset:
    params, device = case.params.train, case.device
    learning: Learning = getattr(params, world)
    names = [f"{model}/{seed}" for model in learning.models for seed in range(params.seeds)]
    draw = torch.Generator().manual_seed(case.seed(f"networks {world}"))
    optimiser = RunsOptimiser(init_mlp(len(names), [3, *params.hidden, 2], draw, device), "adam")
    bank = PLANE[world].target.sample(case.rng(f"target {world}"), params.seeds * params.points)
    bank, rng = bank.reshape(params.seeds, params.points, 2), case.rng(f"batches {world}")

    def loss_of(_step: int) -> torch.Tensor:
        batch = batch_of(params, learning, PLANE[world], bank, rng)
        inputs, scale, target = (torch.as_tensor(part, dtype=torch.float32, device=device) for part in batch)
        return quadratic_loss(apply_mlp(optimiser.parameters, inputs, silu) * scale, target)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((len(names),), params.rate * half_cosine(step, learning.steps), device=device)

    kept = case.checkpoint(world, [rng])
    curves, _ = fit_runs(optimiser, loss_of, rate_of, learning.steps, case.progress, kept)
    found = weights_dataset(optimiser.parameters, names)
    if learning.steps:
        found["loss"] = labelled(("run", "update"), curves, "quadratic loss of a batch", nan=DIVERGED)
    return found


def batch_of(
    params: Train, learning: Learning, world: World, bank: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """One update's points with their times, scales of the outputs, and targets; first axis: the seeds of each model.

    Shapes (runs, 2 batch, 3), (runs, 2 batch, 1), (runs, 2 batch, 2).
    """
    seeds, n = params.seeds, 2 * learning.batch
    x1 = np.take_along_axis(bank, rng.integers(params.points, size=(seeds, n, 1)), 1)
    x0 = world.base.sample(rng, seeds * n).reshape(seeds, n, 2)
    t = rng.random((seeds, n, 1))
    half = (slice(None), slice(learning.batch))  # each noise is used with its negative, so half as many ends
    z = rng.standard_normal(x0[half].shape)
    x, times, targets = training_pairs(bridge(params), x0[half], x1[half], z, t[half])
    gamma = bridge(params).values(times)[2]
    parts: list[tuple[np.ndarray, ...]] = []
    for model in learning.models:
        if model in targets:
            scale = gamma if model == "noise" else np.ones_like(gamma)
            parts.append((np.concatenate([x, times], -1), scale, targets[model]))
        else:
            parts.append(_baseline(model, x0, x1, t))
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _baseline(model: str, x0: np.ndarray, x1: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, ...]:
    """The same of a model without noise of its own, which learns the rate of its path.

    Rectified flow (Liu and others, arXiv 2209.03003); coupled, the ends of a batch paired by optimal transport (Tong
    and others, arXiv 2302.00482); diffusion, in the velocity's terms (Salimans and Ho, arXiv 2202.00512).
    """
    if model == "coupled":
        x1 = np.stack([_coupled(start, end) for start, end in zip(x0, x1, strict=True)])
    (a, b, _), (da, db, _) = baseline(model).values(t), baseline(model).rates(t)
    return np.concatenate([a * x0 + b * x1, t], -1), np.ones_like(t), da * x0 + db * x1


def _coupled(x0: np.ndarray, x1: np.ndarray) -> np.ndarray:
    """Ends in the order of the starts that optimal transport pairs them with, few at a time: its cost is cubic."""
    found = x1.copy()
    for first in range(0, len(x0), COUPLED):
        part = slice(first, first + COUPLED)
        found[part] = x1[part][linear_sum_assignment(cdist(x0[part], x1[part], "sqeuclidean"))[1]]
    return found
