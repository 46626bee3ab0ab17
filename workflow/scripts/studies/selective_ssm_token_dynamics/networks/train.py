"""Trains the language models of three sign patterns, and the classifiers of three orders, all seeds in one loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, clip_gradients, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.selective_ssm_token_dynamics.networks.mamba import Mamba
from studies.selective_ssm_token_dynamics.networks.params import Fit, Params
from studies.selective_ssm_token_dynamics.signs import SIGNS, pattern

ORDERS = ("plain", "reordered", "random")
ARMS = {"text": SIGNS, "images": ORDERS}
MATRICES = ("in", "q", "low", "high", "out", "head")
"""What weight decay takes from."""


class Clipped(RunsOptimiser):
    """Whose gradients are first scaled down, run by run, to the norm `largest`."""

    largest = 1.0

    def step(self, gradients: Parameters, rate: torch.Tensor) -> torch.Tensor:
        clip_gradients(gradients.values(), self.largest)
        return super().step(gradients, rate)


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """Groups `text` and `images` with `loss` (arm, seed, step), and `<task>_weights` with run = arms x seeds."""
    groups = {}
    for task, arms in ARMS.items():
        weights, loss = fit(case, data[task].to_dataset(), task)
        seeds = getattr(case.params.train, task).seeds
        dims = (f"{task}_arm", "seed", f"{task}_step")
        curve = labelled(
            dims, loss.reshape(len(arms), seeds, -1), "training loss of the step's batch", "nat", nan=DIVERGED
        )
        groups[task] = xr.Dataset({"loss": curve}, {dims[0]: list(arms), "seed": np.arange(seeds)})
        groups[f"{task}_weights"] = weights_dataset(weights, range(len(arms) * seeds))
    return xr.DataTree.from_dict(groups)


def network(case: Case[Params], data: xr.Dataset, task: str) -> Mamba:
    """The architecture of a task."""
    p: Fit = getattr(case.params.train, task)
    size = p.width, p.layers, p.state, p.rank, p.chunk
    if task == "text":
        return Mamba(data.attrs["symbols"], data.attrs["symbols"], *size)
    return Mamba(data.sizes["pixel"], data.attrs["classes"], *size, embedding="vectors", pooled=True, sorts=True)


def start(case: Case[Params], net: Mamba, task: str) -> Parameters:
    """Weights before training, run = arms x seeds: those of a seed are the same in all arms."""
    generator = torch.Generator().manual_seed(case.seed(f"{task} weights"))
    own = net.init_parameters(getattr(case.params.train, task).seeds, generator, case.device)
    return repeat_runs(own, len(ARMS[task]))


def variants(case: Case[Params], task: str, runs: list[int]) -> tuple[torch.Tensor, list[str] | None]:
    """Signs (runs, state) and orders of some runs: classifiers have positive signs, language models no order."""
    p: Fit = getattr(case.params.train, task)
    arms = [ARMS[task][run // p.seeds] for run in runs]
    signs = [pattern(arm if task == "text" else "positive", p.state) for arm in arms]
    return torch.tensor(np.array(signs), dtype=torch.float32, device=case.device), None if task == "text" else arms


def inputs(task: str, data: xr.Dataset, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What a network reads and what it has to tell: (items, ...)."""
    x = torch.as_tensor(data[part].values)
    if task == "text":
        return x[:, :-1].long(), x[:, 1:].long()
    return x.float(), torch.as_tensor(data[f"{part}_label"].values).long()


def fit(case: Case[Params], data: xr.Dataset, task: str) -> tuple[Parameters, np.ndarray]:
    """Train all runs of a task: weights at the end, and losses, shape (runs, steps)."""
    p: Fit = getattr(case.params.train, task)
    net, count = network(case, data, task), len(ARMS[task]) * p.seeds
    whole = start(case, net, task)
    size = p.at_once or count
    parts = [part(case, data, task, net, whole, list(range(i, min(i + size, count)))) for i in range(0, count, size)]
    ends = {name: torch.cat([weights[name] for weights, _ in parts]) for name in whole}
    return ends, np.concatenate([loss for _, loss in parts])


def part(case: Case[Params], data: xr.Dataset, task: str, net: Mamba, whole: Parameters, runs: list[int]):
    """Train some runs together. Runs of a seed see the same batches, whichever the arm."""
    p: Fit = getattr(case.params.train, task)
    x, target = inputs(task, data, "train")
    signs, order = variants(case, task, runs)
    parameters = {name: value.detach()[runs].clone().requires_grad_() for name, value in whole.items()}
    rng = case.rng(f"{task} batches")
    seeds = [run % p.seeds for run in runs]
    optimiser = Clipped(parameters, "adam", weight_decay=p.weight_decay, decayed=MATRICES)
    optimiser.largest = p.clip

    def loss_of(_: int) -> torch.Tensor:
        chosen = torch.as_tensor(rng.integers(len(x), size=(p.seeds, p.batch))[seeds])
        return runs_cross_entropy(
            net(parameters, x[chosen].to(case.device), signs, order), target[chosen].to(case.device)
        )

    def rate_of(step: int) -> torch.Tensor:
        warm = max(1, p.steps // 10)
        share = (step + 1) / warm if step < warm else 0.1 + 0.9 * half_cosine(step - warm, p.steps - warm)
        return torch.full((len(runs),), p.lr * share, device=case.device)

    kept = case.checkpoint(f"{task}_{runs[0]}", [rng])
    loss, _ = fit_runs(optimiser, loss_of, rate_of, p.steps, case.progress, kept)
    return parameters, loss
