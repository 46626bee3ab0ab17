"""All networks: Lorenz curves plain and causal in one loop, their windows one after the other, and fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.levenberg_marquardt import LevenbergMarquardt
from pesin.models.mlp import Parameters, repeat_runs
from pesin.models.optimisers import RunsOptimiser
from pesin.models.physics_informed import init_xavier
from pesin.models.taylor import flat
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.causal_pinn.params import Params, Train
from studies.causal_pinn.problems import START, Curves, Ladder, Line, log_weights, profile, tensor

ARMS = ("plain", "causal", "long")
"""Runs of the first loop, each seed by seed: `long` is causal too, over the longer time."""


def train(case: Case[Params]) -> xr.Dataset:
    """Snapshots of the parameters (snapshot, run, parameter) of each group, and their losses and least weights."""
    params, lorenz, device = case.params.train, case.params.lorenz, case.device
    start, seeds = start_of(case, 1, params.width, 3, params.seeds, params.first), params.seeds
    groups: dict[str, Seen] = {}

    def curves(ends: list[float]) -> Curves:
        return Curves.of(lorenz, np.repeat(ends, seeds), params.points, params.beyond, device)

    def ladder(causal: list[bool], rungs: list[float], patience: int, repeats: int) -> Ladder:
        rows = np.repeat([[r * c for r in rungs] for c in causal], repeats, 0)
        return Ladder(tensor(rows, device), params.enough, patience)

    whole = curves([lorenz.end, lorenz.end, lorenz.long_end])
    steps, rungs = params.iterations, params.ladder
    climbing = ladder([False, True, True], rungs, steps, seeds)
    groups["curves"] = fit(case, "curves", whole, repeat_runs(start, 3), climbing, steps * len(rungs))
    few = params.short_iterations
    climbing = ladder([True], rungs, few, seeds)
    groups["short"] = fit(case, "short", curves([lorenz.end]), repeat_runs(start, 1), climbing, few * len(rungs))
    climbing = ladder([False], rungs, few, seeds)
    brief = curves([lorenz.brief_end])
    groups["brief"] = fit(case, "brief", brief, repeat_runs(start, 1), climbing, few * len(rungs))
    groups |= march(case, ladder)
    for name, equation in case.params.fields.items():
        line = Line.of(equation, 2 * equation.seeds, params.beyond, device)
        own = start_of(case, line.inputs, params.width, 1, equation.seeds, params.field_first, name)
        steps, rungs = params.field_iterations, params.field_ladder
        climbing = ladder([False, True], rungs, steps, equation.seeds)
        groups[name] = fit(case, name, line, repeat_runs(own, 2), climbing, steps * len(rungs))
    return xr.Dataset({k: v for name, seen in groups.items() for k, v in variables(name, seen).items()})


def march(case: Case[Params], ladder) -> dict[str, Seen]:
    """Causal networks of each window, which begins where those of the last one ended."""
    params, lorenz = case.params.train, case.params.lorenz
    start = start_of(case, 1, params.march_width, 3, params.seeds, params.first, "march")
    begin: Any = START
    groups = {}
    for window in range(lorenz.windows):
        ends = [lorenz.window] * params.seeds
        curves = Curves.of(lorenz, ends, params.march_points, params.beyond, case.device, begin)
        parameters, steps = repeat_runs(start, 1), params.march_iterations
        name = f"window_{window}"
        climbing = ladder([True], params.ladder, steps, params.seeds)
        groups[name] = fit(case, name, curves, parameters, climbing, steps * len(params.ladder), True)
        begin = curves.at(parameters, [1.0])[:, 0]
    return groups


def fit(
    case: Case[Params],
    name: str,
    problem: Curves | Line,
    parameters: Parameters,
    ladder: Ladder,
    iterations: int,
    window: bool = False,
) -> Seen:
    """Train all runs of a problem in place; snapshots at the start, at the end, and every so often.

    Those of a `window` of time have none between, and stop once the criterion says that all have converged.
    """
    params, seen = case.params.train, Seen()
    places = len(problem.residual(parameters)[0]) // problem.times

    def weights(residual: torch.Tensor) -> torch.Tensor:
        logs = log_weights(profile(residual, problem.times), ladder.steepness)
        return logs.exp().repeat_interleave(places, 1)[..., None]

    def look(residual: torch.Tensor) -> None:
        losses, logs = profile(residual.detach(), problem.times), weights(residual)[:, -1, 0]
        kept = {"parameters": flat(parameters), "loss": losses.mean(1), "least": logs, "steepness": ladder.steepness}
        seen.add({key: value.numpy(force=True) for key, value in kept.items()})

    optimiser: Any = LevenbergMarquardt(parameters) if params.optimiser == "lm" else RunsOptimiser(parameters, "adam")
    every = iterations if window else params.every
    for step in case.checkpoint(name).turns(iterations, optimiser, ladder, seen, progress=case.progress):
        if step % every == 0:
            look(problem.residual(parameters))
        if window and ladder.done.all():
            continue
        residual = descend(optimiser, problem, weights, params, step)
        ladder.climb(weights(residual)[:, -1, 0])
    look(problem.residual(parameters))
    return seen


def descend(optimiser: Any, problem: Curves | Line, weights, params: Train, step: int) -> torch.Tensor:
    """Take one step; the residuals before it, without gradient."""
    if isinstance(optimiser, LevenbergMarquardt):
        return optimiser.step(problem.residual, weights)
    residual = problem.residual(optimiser.parameters)
    loss = (weights(residual) * residual.square()).sum(-1).mean(1)
    rate = torch.full_like(loss.detach(), params.lr * 0.9 ** (step / params.decay))
    optimiser.descend(loss, rate)
    return residual.detach()


def start_of(
    case: Case[Params], inputs: int, width: int, outputs: int, seeds: int, first: float, stream: str = ""
) -> Parameters:
    """Networks before training, one for each seed: first weights `first` times as large, first biases as wide."""
    params = case.params.train
    generator = torch.Generator().manual_seed(case.seed(f"networks{stream}"))
    drawn = init_xavier(seeds, [inputs, *[width] * params.layers, outputs], generator)
    found = {name: value.detach().double() for name, value in drawn.items()}
    found["weight_0"] = found["weight_0"] * first
    bound = first * (6 / (inputs + width)) ** 0.5
    shape = found["bias_0"].shape
    found["bias_0"] = (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * bound
    return {name: value.to(case.device).requires_grad_() for name, value in found.items()}


def variables(name: str, seen: Seen) -> dict[str, tuple]:
    """Labelled: parameters (snapshot, run, parameter), loss, least weight and steepness (snapshot, run)."""
    arrays, grid = seen.arrays(), (f"{name}_snapshot", f"{name}_run")
    more: dict[str, Any] = {"nan": DIVERGED, "may_be_constant": 1}
    return {
        f"{name}_parameters": labelled((*grid, f"{name}_parameter"), arrays["parameters"], "parameters", **more),
        f"{name}_loss": labelled(grid, arrays["loss"], "mean squared residual", **more),
        f"{name}_least": labelled(grid, arrays["least"], "least causal weight", **more),
        f"{name}_steepness": labelled(grid, arrays["steepness"][..., 0], "steepness of the weights", **more),
    }
