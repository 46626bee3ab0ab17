"""Nets that learn the tidal response -Im k2 of ocean and solid. Auxiliary: no claim rests on them."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import apply_mlp, init_mlp, weights_dataset
from pesin.models.optimisers import Adam
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.lava_world_tides.recession.params import Params
from studies.lava_world_tides.recession.response import INPUTS, earth_response, ranges


def train(case: Case[Params]) -> xr.DataTree:
    """Return the weights (dimension run: seeds) and the loss, mean squared error of ln(-Im k2)."""
    wanted = case.params.train
    generator = torch.Generator().manual_seed(case.seed("weights"))
    parameters = init_mlp(wanted.seeds, (len(INPUTS), wanted.width, wanted.width, 1), generator, case.device)
    u = case.rng("samples").random((wanted.samples, len(INPUTS)))
    low, high = ranges(wanted)
    inputs = torch.as_tensor(2 * u - 1, dtype=torch.float32, device=case.device)
    targets = np.log(earth_response(*np.exp(low + (high - low) * u).T))
    middle, spread = targets.mean(), targets.std()
    goal = torch.as_tensor((targets - middle) / spread, dtype=torch.float32, device=case.device)
    optimiser, seen, pick = Adam(parameters.values()), Seen(), case.rng("batches")
    progress = partial(case.progress, what="emulator")
    for step in case.checkpoint("emulator", [pick]).turns(wanted.steps, optimiser, seen, progress=progress):
        chosen = torch.as_tensor(pick.integers(wanted.samples, size=(wanted.seeds, wanted.batch)))
        error = apply_mlp(parameters, inputs[chosen])[..., 0] - goal[chosen]
        loss = error.square().mean(1)
        optimiser.descend(loss.sum(), wanted.lr)
        if step % max(wanted.steps // 100, 1) == 0:
            seen.add({"loss": loss.numpy(force=True) * spread**2})
    scale = {
        "middle": labelled((), middle, "mean of ln(-Im k2) in training"),
        "spread": labelled((), spread, "standard deviation of ln(-Im k2) in training"),
        "loss": labelled(
            ("checkpoint", "run"), seen.arrays()["loss"], "mean squared error of ln(-Im k2)", nan=DIVERGED
        ),
    }
    return xr.DataTree.from_dict(
        {"weights": weights_dataset(parameters, range(wanted.seeds)), "scale": xr.Dataset(scale)}
    )
