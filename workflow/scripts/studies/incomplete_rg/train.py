"""Emulators (horizon radius, source) -> (4 pi r T, F / 4 pi, b) of the table, with or without thermodynamics."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.mlp import init_mlp, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.incomplete_rg.params import Params

VARIANTS = ("table", "consistent")


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """`weights` of all runs (variant by variant), `scale` of what they give, and `losses` (run, step)."""
    params = case.params.train
    inputs, outputs = table(data)
    level, size = outputs.mean(0), outputs.std(0)
    x, y = (torch.tensor(v, dtype=torch.float32) for v in (inputs, (outputs - level) / size))
    generator = torch.Generator().manual_seed(case.seed("weights"))
    first = init_mlp(params.seeds, (2, params.width, params.width, 3), generator)
    parameters = repeat_runs(first, len(VARIANTS))
    runs = len(VARIANTS) * params.seeds
    weight = torch.tensor([0.0, params.weight]).repeat_interleave(params.seeds)
    scales = [torch.tensor(v, dtype=torch.float32) for v in (level, size)]
    x, y = x.expand(runs, -1, -1), y.expand(runs, -1, -1)

    def loss_of(_: int) -> torch.Tensor:
        values, slopes = mlp_jet(parameters, x, torch.eye(2), ACTIVATIONS["tanh"], order=1)
        laws = relations(x, values * scales[1] + scales[0], slopes * scales[1])
        return ((values - y) ** 2).mean((1, 2)) + weight * (laws**2).mean((1, 2))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((runs,), params.rate * 0.5 * (1 + np.cos(np.pi * step / params.steps)))

    losses, _ = fit_runs(
        RunsOptimiser(parameters, "adam"), loss_of, rate_of, params.steps, case.progress, case.checkpoint("emulator")
    )
    return xr.DataTree.from_dict(
        {
            "weights": weights_dataset(parameters, np.arange(runs)),
            "scale": xr.Dataset(
                {"level": labelled("output", level, "mean"), "size": labelled("output", size, "standard deviation")}
            ),
            "losses": xr.Dataset({"loss": labelled(("run", "step"), losses, "loss", nan=DIVERGED)}),
        }
    )


def table(data: Any) -> tuple[np.ndarray, np.ndarray]:
    """Of the first potential: (r_h, a) and (4 pi r T, F / 4 pi, b), shapes (holes, 2) and (holes, 3)."""
    hole = data["hole"].to_dataset().isel(potential=0)
    radius, source = np.broadcast_arrays(hole["radius"].values, hole["source"].values[:, None])
    free = hole["energy"].values - hole["temperature"].values * hole["entropy"].values
    outputs = (4 * np.pi * radius * hole["temperature"].values, free / (4 * np.pi), hole["response"].values)
    return (np.stack(v, -1).reshape(radius.size, -1) for v in ((radius, source), outputs))  # type: ignore[return-value]


def relations(x: torch.Tensor, values: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """What must vanish: (dF/dT)_a + S and (dF/da)_T + 4 pi b, in radii and per 4 pi, shape (runs, holes, 2).

    `slopes` has shape (runs, holes, input, output).
    """
    radius, u, b = x[..., 0], values[..., 0], values[..., 2]
    along_radius = slopes[..., 0, 1] + radius * slopes[..., 0, 0] - u
    along_source = slopes[..., 1, 1] + radius * slopes[..., 1, 0] + b
    return torch.stack([along_radius, along_source], -1)
