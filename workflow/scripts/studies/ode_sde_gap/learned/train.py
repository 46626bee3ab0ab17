"""Networks whose gradient is the score: denoising loss plus a weight times the squared Fokker-Planck residual."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr

from pesin.models.jets import softplus_activation
from pesin.models.mlp import Parameters, apply_mlp, init_mlp, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.ode_sde_gap.laws import LAWS
from studies.ode_sde_gap.learned.params import Params, Train
from studies.ode_sde_gap.process import kept, network_residual, with_time


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Fit all weights and seeds in one loop, weight-major along the runs; those of one seed share start and batches."""
    params, seeds = case.params.train, case.params.simulate.seeds
    many, activation = len(params.weights), softplus_activation(params.sharpness)
    sizes = [3, *[params.width] * params.layers, 1]
    generator = torch.Generator().manual_seed(case.seed("networks"))
    start = init_mlp(seeds, sizes, generator, case.device)
    parameters, rng = repeat_runs(start, many), case.rng("batches")
    weights = torch.tensor(params.weights, device=case.device).repeat_interleave(seeds)
    penalised = slice(seeds, None)  # the first weight is zero
    learnt = {
        name: value for name, value in parameters.items() if name != f"bias_{params.layers}"
    }  # phi + c is as good

    def loss_of(_: int) -> torch.Tensor:
        x, t, z = (torch.as_tensor(a, device=case.device).repeat(many, 1, 1) for a in batch(case.params, rng))
        inputs = torch.as_tensor(collocation(case.params, rng), device=case.device).repeat(many - 1, 1, 1)
        denoising = denoising_loss(parameters, x, t, z, params.loss, activation)
        some = {name: value[penalised] for name, value in parameters.items()}
        squares = network_residual(some, inputs, activation).square().mean(-1)
        return denoising + torch.cat([torch.zeros_like(weights[:seeds]), weights[penalised] * squares])

    losses, norms = fit_runs(
        RunsOptimiser(learnt, "adam"),
        loss_of,
        lambda step: torch.full((seeds * many,), rate(params, step), device=case.device),
        params.steps,
        case.progress,
        case.checkpoint("training", [rng]),
    )
    grid, dims = (many, seeds, params.steps), ("weight", "seed", "update")
    alive = np.isfinite(norms[:, -1]).reshape(grid[:2])
    curves = xr.Dataset(
        {
            "loss": labelled(dims, losses.reshape(grid), "denoising loss and penalty", nan=DIVERGED),
            "status": labelled(dims[:2], np.where(alive, "ok", "diverged"), "how the training went"),
        },
        {"weight": params.weights, "seed": np.arange(seeds), "update": np.arange(params.steps)},
    )
    run = np.arange(seeds * many)
    groups = {"start": weights_dataset(repeat_runs(start, many), run), "end": weights_dataset(parameters, run)}
    return xr.DataTree.from_dict({"/": curves, **groups})


def batch(params: Params, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fresh data, noised: points (seeds, batch, 2), times (seeds, batch, 1) and the noise, all float32.

    Each noise comes with its negative: at small times their 1 / sd in the gradient, which is all variance, cancel.
    """
    seeds, half, law = params.simulate.seeds, params.train.batch // 2, LAWS[params.simulate.law]
    clean = law.sample(rng, seeds * half).reshape(seeds, half, 2)
    t = params.train.start + (params.train.horizon - params.train.start) * rng.beta(1, 2, (seeds, half, 1))
    z = rng.standard_normal(clean.shape)
    scale, sd = np.exp(-t), np.sqrt(-np.expm1(-2 * t) / 2)
    pairs = ((scale * clean + sd * z, scale * clean - sd * z), (t, t), (z, -z))
    points, when, noise = (np.concatenate(pair, 1).astype(np.float32) for pair in pairs)
    return points, when, noise


def collocation(params: Params, rng: np.random.Generator, points: int | None = None) -> np.ndarray:
    """Inputs (t, x, y) drawn evenly from all times and a square: shape (seeds, points, 3), float32."""
    shape = (params.simulate.seeds, points or params.train.collocation, 3)
    low = [params.train.start, -params.train.reach, -params.train.reach]
    high = [params.train.horizon, params.train.reach, params.train.reach]
    return rng.uniform(low, high, shape).astype(np.float32)


def denoising_loss(parameters: Parameters, x, t, z, kind: str, activation) -> torch.Tensor:
    """Mean of |score + z / sd|^2 (by_variance: times sd^2), shape (runs,)."""
    x = x.requires_grad_()
    value = apply_mlp(parameters, with_time(x, t), activation.value)
    (score,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    _, sd = kept(t)
    apart = sd * score + z if kind == "by_variance" else score + z / sd
    return apart.square().sum(-1).mean(-1)


def rate(params: Train, step: int) -> float:
    """Learning rate of an update."""
    done = step / params.steps
    if params.schedule == "official":
        return params.lr * (1 if done < 0.25 else 0.1 if done < 0.9 else 0.01)
    if done < 0.3:
        return params.lr * (0.04 + 0.96 * (1 - math.cos(math.pi * done / 0.3)) / 2)
    return params.lr * (1 + math.cos(math.pi * (done - 0.3) / 0.7)) / 2


def networks(trained: xr.DataTree, group: str, device: str) -> Parameters:
    """The networks as they were before (`start`) or after (`end`) the training."""
    return {str(name): torch.as_tensor(v.values, device=device) for name, v in trained[group].data_vars.items()}
