"""Networks that foretell ln K and upward transformations, each from other inputs. They decide no verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import binary_cross_entropy_with_logits

from pesin.models import lstm
from pesin.models.gaussian_nets import gaussian_head, nll
from pesin.models.mlp import Parameters, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.cool_core_transformations.params import Params
from studies.cool_core_transformations.windows import HORIZONS, INPUTS, cut

FLOOR, CEILING = 0.02, 3.0
"""Bounds of the standard deviation of a change of ln K."""


def train(case: Case[Params], data: Any) -> xr.Dataset:
    """Weights of one network for each of `INPUTS` along the runs axis, from the same draws and batches; losses."""
    params = case.params.train
    taught, _ = cut(case.params, data)
    x, y, event = (torch.as_tensor(np.concatenate(list(part)), device=case.device) for part in taught)
    event = event.float()
    parameters = network(params.hidden, torch.Generator().manual_seed(case.seed("network")), case.device)
    optimiser, rng = RunsOptimiser(parameters, "adam"), case.rng("batches")
    batches = max(len(x) // params.batch, 1)
    orders = [rng.permutation(len(x))[: batches * params.batch].reshape(batches, -1) for _ in range(params.epochs)]
    places = torch.as_tensor(np.concatenate(orders), device=case.device)

    def loss_of(step: int) -> torch.Tensor:
        some = places[step]
        mean, log_std, logit = outlook(optimiser.parameters, x[some])
        both = binary_cross_entropy_with_logits(logit, event[some].expand_as(logit), reduction="none")
        return nll(mean, log_std, y[some][None]) + both.mean(1)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((len(INPUTS),), params.rate, device=case.device)

    curves, _ = fit_runs(optimiser, loss_of, rate_of, len(places), case.progress, case.checkpoint("networks"))
    found = weights_dataset(optimiser.parameters, list(INPUTS))
    return found.assign(loss=labelled(("run", "update"), curves, "loss of a batch", "nat", nan=DIVERGED))


def network(hidden: int, generator: torch.Generator, device: str) -> Parameters:
    """Weights of one network, drawn once and copied for each of `INPUTS`."""
    drawn = lstm.init(1, 3, hidden, 1, generator)
    outputs = 2 * len(HORIZONS) + 1
    drawn["output"] = (torch.rand((1, hidden, outputs), generator=generator) * 2 - 1) * hidden**-0.5
    drawn["output_bias"] = torch.zeros((1, 1, outputs))
    return {
        name: value.detach().repeat(len(INPUTS), *[1] * (value.dim() - 1)).to(device).requires_grad_()
        for name, value in drawn.items()
    }


def outlook(parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What each network says of windows x (batch, time, 3) through its own inputs.

    Returns
    -------
    (mean, log_std, logit)
        Of the changes of ln K, shape (runs, batch, horizon), and of an upward transformation, shape (runs, batch).
    """
    masks = torch.tensor(list(INPUTS.values()), dtype=x.dtype, device=x.device)[:, None, None]
    out = lstm.apply(parameters, x * masks)[0][:, :, -1]
    return *gaussian_head(out[..., :-1], FLOOR, CEILING), out[..., -1]
