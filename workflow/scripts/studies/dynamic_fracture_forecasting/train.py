"""All networks of all three tasks in one loop: forecasts, histories told from the last image, and from any."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, repeat_runs
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.dynamic_fracture_forecasting.networks import TASKS, Shown, init, movie, planes, shown
from studies.dynamic_fracture_forecasting.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Weights before the first update (`start`) and after the last (`end`), by task and network; losses."""
    params, simulated = case.params.train, case.params.simulate
    learnt = np.arange(simulated.samples - case.params.train.tested)
    seen, frames, rng = shown(data, learnt).of(learnt), simulated.frames, case.rng("batches")
    generator = torch.Generator().manual_seed(case.seed("networks"))
    start = repeat_runs(init(params, params.networks, frames, generator, case.device), len(TASKS))
    runs = len(start["bias_in"])
    parameters = {name: value.detach().clone().requires_grad_() for name, value in start.items()}
    weight = torch.tensor(params.weight, device=case.device)

    def loss_of(_) -> torch.Tensor:
        place = rng.integers(len(learnt), size=(runs, params.batch))
        given = frames_given(rng, runs, params.batch, frames)
        return losses(parameters, seen.of(place), given, weight, case.device)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((runs,), params.lr * half_cosine(step, params.steps), device=case.device)

    curve, _ = fit_runs(
        RunsOptimiser(parameters, "adam"),
        loss_of,
        rate_of,
        params.steps,
        case.progress,
        case.checkpoint("networks", [rng]),
    )
    shape = len(TASKS), params.networks
    curves = labelled(("task", "network", "update"), curve.reshape(*shape, -1), "loss", nan=DIVERGED)
    groups = {"losses": xr.Dataset({"loss": curves}, {"task": list(TASKS), "network": np.arange(shape[1])})}
    return xr.DataTree.from_dict(groups | {"start": weights(start, shape), "end": weights(parameters, shape)})


def frames_given(rng: np.random.Generator, runs: int, batch: int, frames: int) -> np.ndarray:
    """Frames that are shown, (runs, batch): the first, the last, or any, a third of the runs each."""
    each = runs // len(TASKS)
    drawn = rng.integers(frames, size=(runs, batch))
    drawn[:each], drawn[each : 2 * each] = 0, frames - 1
    return drawn


def losses(parameters: Parameters, seen: Shown, given: np.ndarray, weight: torch.Tensor, device: str) -> torch.Tensor:
    """Cross-entropy of all cells of all frames, damaged ones weighted, (runs,)."""
    truth = torch.as_tensor(seen.mask, device=device)
    frame = torch.as_tensor(given, device=device)
    logits, _ = movie(parameters, planes(seen, given, device), frame, truth.shape[2])
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth, pos_weight=weight, reduction="none")
    return loss.mean((1, 2, 3, 4))


def weights(parameters: Parameters, shape: tuple[int, int]) -> xr.Dataset:
    """By task and network."""
    variables = {
        name: labelled(
            ("task", "network", *[f"{name}_axis_{axis}" for axis in range(1, value.dim())]),
            value.numpy(force=True).reshape(*shape, *value.shape[1:]),
            f"parameters {name}",
            nan=DIVERGED,
        )
        for name, value in parameters.items()
    }
    return xr.Dataset(variables, {"task": list(TASKS), "network": np.arange(shape[1])})
