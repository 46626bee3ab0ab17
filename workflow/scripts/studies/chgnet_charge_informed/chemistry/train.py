"""Trains the students: seeds x {without, with a moment head} in one runs axis, on the same frames in the same order."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import huber_loss

from pesin.errors import UserError
from pesin.models.message_passing import energy_and_forces, init_message_passing
from pesin.models.mlp import repeat_runs, weights_dataset
from pesin.models.optimisers import Adam, half_cosine
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.chgnet_charge_informed.chemistry.params import Params
from studies.chgnet_charge_informed.chemistry.student import SPECIES, composition_model, frames

HEADS = ("without", "with")


def train(case: Case[Params], manganate: xr.DataTree) -> xr.DataTree:
    """Return losses over the steps, the baseline of composition, and the weights; runs are head-major."""
    p = case.params.train
    torch.set_num_threads(1)  # sums over neighbours in another order would give other bits
    data = frames(manganate["dynamics"].to_dataset(), p.cutoff, case.device)
    have, wanted = set(data.lithium.tolist()), set(p.lithium)
    if not wanted < have:
        raise UserError(
            f"train.lithium is {sorted(wanted)}, and the trajectories hold cells with {sorted(have)} lithium atoms. The"
            " students need all that they are trained on, and others to be tested on."
        )
    chosen = np.flatnonzero(np.isin(data.lithium, p.lithium))
    baseline = composition_model(data.lithium[chosen], data.energy.numpy(force=True)[chosen])
    target = (data.energy - torch.as_tensor(baseline[0] + baseline[1] * data.lithium, device=case.device)).float()
    moment = data.moment if p.moments == "true" else _dealt_out(data, chosen, case.rng("shuffled moments"))
    generator = torch.Generator().manual_seed(case.seed("init"))
    parameters = init_message_passing(p.seeds, len(SPECIES), p.width, p.basis, p.layers, generator, case.device)
    parameters = repeat_runs(parameters, len(HEADS))
    headed = torch.arange(len(HEADS), device=case.device).repeat_interleave(p.seeds).float()
    optimiser, rng, seen = Adam(parameters.values()), case.rng("batches"), Seen()
    progress = partial(case.progress, what="students")
    for step in case.checkpoint("students", [rng]).turns(p.steps, optimiser, seen, progress=progress):
        rows = rng.choice(chosen, size=min(p.batch, len(chosen)), replace=False)
        energy, force, site, _ = energy_and_forces(parameters, *data.inputs(rows), p.cutoff)
        parts = torch.stack(
            [
                _per_run((energy - target[rows]) / data.atoms[rows]),
                _per_run(force - data.force[rows], data.present[rows][..., None].expand(-1, -1, 3)),
                _per_run(site - moment[rows], data.present[rows]),
            ]
        )
        weighted = p.weights["energy"] * parts[0] + p.weights["force"] * parts[1]
        loss = weighted + headed * p.weights["moment"] * parts[2]
        optimiser.descend(loss.sum(), p.lr * half_cosine(step, p.steps))
        seen.add({"loss": parts.numpy(force=True).reshape(3, len(HEADS), p.seeds)})
    runs = [f"{head}/{seed}" for head in HEADS for seed in range(p.seeds)]
    return xr.DataTree.from_dict(
        {
            "curves": _curves(np.moveaxis(seen.arrays()["loss"], 0, -1), baseline),
            "weights": weights_dataset(_flat_names(parameters), runs),
        }
    )


def _curves(loss: np.ndarray, baseline: np.ndarray) -> xr.Dataset:
    """Losses (part, head, seed, step), what is left of them at the end, and the baseline of composition."""
    *_, seeds, steps = loss.shape
    few = max(1, steps // 20)
    ratio = loss[:2, ..., -few:].mean(-1).sum(0) / loss[:2, ..., :few].mean(-1).sum(0)
    told = loss[2, HEADS.index("with"), :, -few:].mean(-1) / loss[2, HEADS.index("with"), :, :few].mean(-1)
    dims = ("head", "seed")
    said = "energy and force loss at the end over that at the start"
    return xr.Dataset(
        {
            "loss": labelled(("part", *dims, "step"), loss, "Huber loss of a batch", nan=DIVERGED),
            "loss_ratio": labelled(dims, ratio, said, nan=DIVERGED),
            "moment_ratio": labelled("seed", told, "moment loss at the end over that at the start", nan=DIVERGED),
            "composition": labelled("coefficient", baseline, "energy against the number of Li atoms", "eV"),
        },
        {
            "part": ["energy", "force", "moment"],
            "head": list(HEADS),
            "seed": np.arange(seeds),
            "step": np.arange(1, steps + 1),
            "coefficient": ["intercept", "slope"],
        },
    )


def _per_run(error: torch.Tensor, there: torch.Tensor | None = None) -> torch.Tensor:
    """Mean Huber loss (threshold 0.1) of each run; shape (runs, ...) -> (runs,)."""
    if there is None:
        return huber_loss(error, torch.zeros_like(error), reduction="none", delta=0.1).flatten(1).mean(1)
    loss = huber_loss(error, torch.zeros_like(error), reduction="none", delta=0.1) * there
    return loss.flatten(1).sum(1) / there.sum()


def _dealt_out(data, chosen: np.ndarray, rng) -> torch.Tensor:
    """The moments of the training frames, exchanged among all sites of one element."""
    moment, species = data.moment.clone(), data.species[chosen].numpy(force=True)
    values, there = moment[chosen], data.present[chosen].numpy(force=True)
    for element in range(len(SPECIES)):
        sites = torch.as_tensor((species == element) & there)
        mine = values[sites]
        values[sites] = mine[torch.as_tensor(rng.permutation(len(mine)))]
    moment[chosen] = values
    return moment


def _flat_names(parameters) -> dict:
    """A NetCDF variable's name can't hold a slash."""
    return {name.replace("/", "."): value for name, value in parameters.items()}
