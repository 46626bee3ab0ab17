"""Networks that learn the score of the propulsions from one size and packing, by implicit score matching."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.bridges import implicit_score_loss
from pesin.models.mlp import init_mlp, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.active_probability_flow.fluid.network import correction, inputs, neighbourhoods
from studies.active_probability_flow.fluid.params import Params
from studies.active_probability_flow.fluid.simulate import TRAINING, law_of, systems


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Return the networks of all runs before (`start`) and after (`end`) the training, and their losses."""
    params, simulated = case.params.train, case.params.simulate
    seen = [seen_by(case, data, TRAINING, systems(simulated)[0], mirrored) for mirrored in (False, True)]
    both = {name: torch.cat([part[name] for part in seen], 1) for name in seen[0]}
    runs, samples = both["own"].shape[:2]
    draw = torch.Generator().manual_seed(case.seed("networks"))
    sizes = [inputs(params.neighbours), *params.hidden, 2]
    optimiser = RunsOptimiser(init_mlp(runs, sizes, draw, case.device), "adam")
    start, rng = repeat_runs(optimiser.parameters, 1), case.rng("batches")
    run = torch.arange(runs, device=case.device)[:, None]

    def loss_of(_step: int) -> torch.Tensor:
        place = torch.as_tensor(rng.integers(samples, size=(runs, params.batch)), device=case.device)
        some = {name: part[run, place] for name, part in both.items()}
        value, divergence = correction(optimiser.parameters, simulated, some)
        return implicit_score_loss(value, divergence - (value * some["own"]).sum(-1))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((runs,), params.rate * half_cosine(step, params.steps), device=case.device)

    kept = case.checkpoint("training", [rng])
    curves, _ = fit_runs(optimiser, loss_of, rate_of, params.steps, case.progress, kept)
    curve = xr.Dataset(
        {"loss": labelled(("run", "update"), curves, "loss of a batch", nan=DIVERGED)}, {"run": np.arange(runs)}
    )
    weights = {"start": start, "end": optimiser.parameters}
    groups = {when: weights_dataset(one, range(runs)) for when, one in weights.items()}
    return xr.DataTree.from_dict({"/": curve, **groups})


def seen_by(
    case: Case[Params], data: xr.DataTree, name: str, system: tuple[int, float], mirrored: bool = False
) -> dict[str, torch.Tensor]:
    """Neighbourhoods of all particles in a group of snapshots: (runs, samples, ...)."""
    params = case.params.train
    one = data[name].to_dataset().sel(world=params.world)
    x, g = one["place"].values, one["propulsion"].values
    law = law_of(case.params.simulate, params.world, *system)
    found = neighbourhoods(case.params.simulate, law, x, g, params.neighbours, mirrored)
    found.pop("frame")
    return {
        what: torch.as_tensor(part, dtype=torch.float32, device=case.device).flatten(1, 2)
        for what, part in found.items()
    }
