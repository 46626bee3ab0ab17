"""Networks that learn the score of the propulsions from one size and packing, by implicit score matching."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.bridges import implicit_score_loss
from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.active_probability_flow.fluid.network import correction, init_network, neighbourhoods
from studies.active_probability_flow.fluid.params import Params
from studies.active_probability_flow.fluid.simulate import group, law_of, systems


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Return the networks of all seeds before (`start`) and after (`end`) the training, and their losses."""
    params, seeds, system = case.params.train, case.params.simulate.seeds, systems(case.params.simulate)[0]
    law = law_of(case.params.simulate, params.world, *system)
    seen = seen_by(case, data, system)
    samples = seen["own"].shape[1]
    draw = torch.Generator().manual_seed(case.seed("networks"))
    optimiser = RunsOptimiser(init_network(seeds, params.width, params.layers, draw, case.device), "adam")
    start, rng = repeat_runs(optimiser.parameters, 1), case.rng("batches")
    run = torch.arange(seeds, device=case.device)[:, None]

    def loss_of(_step: int) -> torch.Tensor:
        place = torch.as_tensor(rng.integers(samples, size=(seeds, params.batch)), device=case.device)
        some = {name: part[run, place] for name, part in seen.items()}
        signs = rng.choice([-1.0, 1.0], size=(seeds, params.batch, 2))
        found, slope = with_divergence(
            optimiser.parameters, params.heads, law, some, torch.as_tensor(signs, dtype=torch.float32).to(case.device)
        )
        return implicit_score_loss(found, slope - (found * some["own"]).sum(-1))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((seeds,), params.rate * half_cosine(step, params.steps), device=case.device)

    kept = case.checkpoint("training", [rng])
    curves, _ = fit_runs(optimiser, loss_of, rate_of, params.steps, case.progress, kept)
    curve = xr.Dataset(
        {"loss": labelled(("run", "update"), curves, "loss of a batch", nan=DIVERGED)}, {"run": np.arange(seeds)}
    )
    weights = {"start": start, "end": optimiser.parameters}
    groups = {when: weights_dataset(one, range(seeds)) for when, one in weights.items()}
    return xr.DataTree.from_dict({"/": curve, **groups})


def seen_by(case: Case[Params], data: xr.DataTree, system: tuple[int, float]) -> dict[str, torch.Tensor]:
    """Neighbourhoods of all particles of a system, each seed a run: (seeds, samples, ...)."""
    params, simulated = case.params.train, data[group(*system)]
    x, g = (simulated[name].sel(world=params.world).values for name in ("place", "propulsion"))
    law = law_of(case.params.simulate, params.world, *system)
    found = neighbourhoods(law, x, g, params.neighbours)
    return {name: torch.as_tensor(part, device=case.device).flatten(1, 3) for name, part in found.items()}


def with_divergence(
    parameters: Parameters, heads: int, law, seen: dict[str, torch.Tensor], probe: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Corrections, and each one's derivative along and dotted with a probe of +1 and -1: (..., 2) and (...).

    A particle's own propulsion enters no other function than its own, so that the latter's mean over probes is the
    divergence.
    """
    network = correction(parameters, heads, law)
    fixed = {name: part for name, part in seen.items() if name != "own"}
    found, rate = torch.func.jvp(lambda own: network(own=own, **fixed), (seen["own"],), (probe,))
    return found, (probe * rate).sum(-1)
