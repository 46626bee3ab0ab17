"""Networks that learn what propulsion and places know of each other, by score matching: one for each seed or set."""

from __future__ import annotations

import torch
import xarray as xr

from pesin.models.mlp import Parameters, init_mlp, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.particles import Swimmers
from studies.active_probability_flow.solvable.params import Learning, Params
from studies.active_probability_flow.solvable.scores import (
    Network,
    Points,
    in_open,
    loss,
    on_ring,
    ring_points,
    trap_points,
)
from studies.active_probability_flow.solvable.simulate import ring_law, trap_law


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Return the networks of each system before (`start`) and after (`end`) the training, and their losses."""
    params, simulated = case.params.train, case.params.simulate
    points = ring_points(data["ring"].to_dataset(), params.shuffle, case.device, simulated.ring.walkers)
    found = _fit(case, "ring", params.ring, points, ring_law(simulated.ring), on_ring(simulated.ring.box), 5)
    for many in params.traps:
        name = f"trap_{many}"
        points = trap_points(data[name].to_dataset(), simulated.trap.stiffness, case.device)
        found |= _fit(case, name, params.trap, points, trap_law(simulated.trap), in_open, 2 * many)
    return xr.DataTree.from_dict(found)


def _fit(
    case: Case[Params], name: str, learning: Learning, points: Points, law: Swimmers, network: Network, inputs: int
) -> dict[str, xr.Dataset]:
    runs, samples, particles = points.x.shape
    draw = torch.Generator().manual_seed(case.seed(f"networks {name}"))
    optimiser = RunsOptimiser(init_mlp(runs, [inputs, *learning.hidden, 2 * particles], draw, case.device), "adam")
    start, rng = repeat_runs(optimiser.parameters, 1), case.rng(f"batches {name}")

    def loss_of(_step: int) -> torch.Tensor:
        some = points.at(torch.as_tensor(rng.integers(samples, size=(runs, learning.batch)), device=case.device))
        return loss(law, some, network(optimiser.parameters, some), learning.stationarity)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((runs,), learning.rate * half_cosine(step, learning.steps), device=case.device)

    kept = case.checkpoint(name, [rng])
    curves, _ = fit_runs(optimiser, loss_of, rate_of, learning.steps, case.progress, kept)
    run = range(runs)
    curve = xr.Dataset({"loss": labelled(("run", "update"), curves, "loss of a batch", nan=DIVERGED)}, {"run": run})
    weights = {"start": start, "end": optimiser.parameters}
    return {name: curve} | {f"{name}/{when}": weights_dataset(w, run) for when, w in weights.items()}


def networks(trained: xr.DataTree, group: str, device: str) -> Parameters:
    """The networks of a group, such as ring/end."""
    return {str(name): torch.as_tensor(v.values, device=device) for name, v in trained[group].data_vars.items()}
