"""All networks: each family's speeds and seeds in one loop, and time windows one after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.models.physics_informed import init_xavier
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.lagrangian_pinn.learned.params import Params
from studies.lagrangian_pinn.learned.residuals import FAMILIES, Points, Runs, arms_of, draw_places, loss, state_at
from studies.lagrangian_pinn.problems import Problem, initial

Start = Callable[[torch.Tensor], torch.Tensor]


def train(case: Case[Params]) -> xr.DataTree:
    """Fit all families; networks of one seed share their start and their points, whatever the family and the speed."""
    params, seeds = case.params.train, case.params.train.seeds
    generator = torch.Generator().manual_seed(case.seed("networks"))
    sizes = {
        "state": [3, *[params.width] * params.layers, 1],
        "path": [3, *[params.path_width] * params.path_layers, 1],
    }
    start = {
        f"{part}_{name}": value
        for part, widths in sizes.items()
        for name, value in init_xavier(seeds, widths, generator, case.device).items()
    }
    groups, curves = {"start": weights_dataset(start, range(seeds))}, {}
    for family, (method, _) in FAMILIES.items():
        arms = arms_of(case.params.problems, family)
        own = {name: value for name, value in start.items() if method == "lpinn" or name.startswith("state_")}
        windows = case.params.problems.windows if family == "windows" else 1
        ends, losses = fit(case, family, repeat_runs(own, len(arms)), arms, windows)
        groups[family] = weights_dataset(ends, np.arange(windows * len(arms) * seeds))
        dims = (f"{family}_arm", "seed", f"{family}_update")
        curves[f"{family}_loss"] = labelled(dims, losses.reshape(len(arms), seeds, -1), "loss", nan=DIVERGED)
    return xr.DataTree.from_dict({"/": xr.Dataset(curves, {"seed": np.arange(seeds)}), **groups})


def fit(
    case: Case[Params], family: str, parameters: Parameters, arms: list[tuple[Problem, float]], windows: int
) -> tuple[Parameters, np.ndarray]:
    """Train the networks of some arms, windows of time one after the other, each from where the last one ended.

    Returns
    -------
    (ends, losses)
        Parameters at the end of each window, window by window along the runs; losses, shape (runs, updates).
    """
    params, seeds = case.params.train, case.params.train.seeds
    runs = Runs.of(case.params.problems, arms, seeds, case.device)
    rng, share, steps = case.rng("points"), 1 / windows, params.steps // windows
    weights = params.initial_weight, params.path_weight.get(arms[0][0], 0.0)
    spread = case.params.problems.spread
    ends: list[Parameters] = []
    curves: list[np.ndarray] = []

    def field(x0: np.ndarray, on_all: torch.Tensor) -> torch.Tensor:
        """What the window begins with: the problem's start, or what the last window's networks ended with."""
        if ends:
            with torch.no_grad():
                return state_at(ends[-1], on_all, torch.full_like(on_all, share))
        rows = [initial(name, x0, spread) for name, _ in arms]
        return torch.as_tensor(np.concatenate(rows), device=case.device, dtype=torch.float32)

    def loss_of(_: int) -> torch.Tensor:
        places = draw_places(rng, seeds, params.collocation, params.initial)
        x, t, x0 = (torch.as_tensor(a, device=case.device).repeat(len(arms), 1) for a in places)
        return loss(parameters, runs, Points(x, share * t, x0, field(places[2], x0)), *weights)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((len(runs.speed),), params.lr * half_cosine(step, steps), device=case.device)

    for window in range(windows):
        name = f"{family}_{window}" if windows > 1 else family
        optimiser = RunsOptimiser(parameters, "adam")
        losses, _ = fit_runs(optimiser, loss_of, rate_of, steps, case.progress, case.checkpoint(name, [rng]))
        ends.append({key: value.detach().clone() for key, value in parameters.items()})
        curves.append(losses)
    return {key: torch.cat([end[key] for end in ends]) for key in parameters}, np.concatenate(curves, 1)


def networks(trained: xr.DataTree, group: str, device: str) -> Parameters:
    """The parameters of a family, or those at the `start`."""
    return {str(name): torch.as_tensor(v.values, device=device) for name, v in trained[group].data_vars.items()}
