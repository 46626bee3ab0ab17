"""The network, pretrained on processes that are drawn anew for each update."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.markov_jump_inference.network import apply_network, features, init_network, losses
from studies.markov_jump_inference.params import Params, Train
from studies.markov_jump_inference.worlds import draw_processes, observe

WARM = 0.15


def train(case: Case[Params]) -> xr.DataTree:
    """The weights and the loss of each update (learnt), and the weights before the first (drawn)."""
    params = case.params.train
    generator = torch.Generator().manual_seed(case.seed("network"))
    first = init_network(params.width, generator, case.device)
    drawn = weights_dataset(first, [0]).copy(deep=True)  # updates are in place
    optimiser, rng = RunsOptimiser(first, "adam"), case.rng("processes")

    def loss_of(step: int) -> torch.Tensor:
        x, rates = (torch.as_tensor(part, device=case.device) for part in batch(params, rng, step))
        return losses(*apply_network(optimiser.parameters, x), rates)[None]

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((1,), params.rate * share(step / params.steps), device=case.device)

    kept = case.checkpoint("training", [rng])
    curves, _ = fit_runs(optimiser, loss_of, rate_of, params.steps, case.progress, kept)
    learnt = weights_dataset(optimiser.parameters, [0])
    learnt["loss"] = labelled(("run", "update"), curves, "negative log-likelihood of the rates", nan=DIVERGED)
    return xr.DataTree.from_dict({"learnt": learnt, "drawn": drawn})


def batch(params: Train, rng: np.random.Generator, step: int) -> tuple[np.ndarray, np.ndarray]:
    """What the network sees of an update's processes, and their rates per step of the grid, float32."""
    states = params.states[step % len(params.states)]
    slowest, fastest = params.scales
    scale = np.exp(rng.uniform(np.log(slowest), np.log(fastest), params.batch))
    made = draw_processes(rng, params.batch, states, scale)
    fewest, most = params.paths
    paths = int(np.exp(rng.uniform(np.log(fewest), np.log(most + 1))))
    noise = rng.choice(params.noises, size=(params.batch, 1, 1))
    labels = observe(rng, made.rates, made.start, paths, np.arange(float(params.points)), noise)
    return features(labels, states), made.rates.astype(np.float32)


def share(done: float) -> float:
    """Of the largest learning rate, when so much of the training is done."""
    return done / WARM if done < WARM else (1 + math.cos(math.pi * (done - WARM) / (1 - WARM))) / 2
