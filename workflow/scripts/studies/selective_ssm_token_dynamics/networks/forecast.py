"""What the networks make of sequences and images that they were not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.selective_ssm_token_dynamics.networks.params import Params
from studies.selective_ssm_token_dynamics.networks.train import ARMS, inputs, network, start, variants

PIECE = 64
"""Sequences or images at a time."""


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`loss` (signs, seed), its `excess` over the source's, its `gain` on a table of pairs; `accuracy` (order, seed).

    Parts are played by the runs that `signs` and `orders` of the parameters say.
    """
    params = case.params.forecast
    scores = {task: scored(case, data[task].to_dataset(), trained, task) for task in ARMS}
    loss, signs = scores["text"][0], [ARMS["text"].index(arm) for arm in params.signs.values()]
    accuracy, places = scores["images"][1], [ARMS["images"].index(arm) for arm in params.orders.values()]
    loss, accuracy = loss[signs], accuracy[places]
    dims, orders = ("signs", "seed"), ("order", "image_seed")
    pairs, majority = float(data["text/pairs_loss"]), float(data["images/majority"])
    source = float(data["text/source_loss"]) if "source_loss" in data["text"] else 0.0
    flat: dict[str, Any] = {"nan": DIVERGED, "may_be_constant": 1}
    variables = {
        "loss": labelled(dims, loss, "held-out loss", "nat", **flat),
        "excess": labelled(dims, loss - source, "held-out loss above the source's entropy", "nat", **flat),
        "gain": labelled(dims, pairs - loss, "loss below a table of pairs", "nat", **flat),
        "accuracy": labelled(orders, accuracy, "share of held-out images classified rightly", **flat),
        "above_majority": labelled(orders, accuracy - majority, "accuracy above the commonest class", **flat),
        "pairs_excess": labelled((), pairs - source, "loss of a table of pairs above the source's entropy", "nat"),
    }
    return xr.Dataset(variables, {"signs": list(params.signs), "order": list(params.orders)})


def scored(case: Case[Params], data: xr.Dataset, trained: Any, task: str) -> tuple[np.ndarray, np.ndarray]:
    """Held-out loss and share told rightly, each (arm, seed); NaN where a run diverged."""
    net, seeds, arms = network(case, data, task), getattr(case.params.train, task).seeds, len(ARMS[task])
    if case.params.forecast.weights == "initial":
        weights, alive = start(case, net, task), np.ones((arms, seeds), bool)
    else:
        kept = trained[f"{task}_weights"].data_vars.items()
        weights = {str(name): torch.as_tensor(v.values, device=case.device) for name, v in kept}
        alive = np.isfinite(trained[f"{task}/loss"].values).all(-1)
    runs = list(range(arms * seeds))
    signs, order = variants(case, task, runs)
    x, target = inputs(task, data, "held_out")
    found = torch.zeros(2, len(runs), device=case.device)
    with torch.no_grad():
        for first in range(0, len(x), PIECE):
            one, wanted = (part[first : first + PIECE].to(case.device) for part in (x, target))
            logits = net(weights, one.expand(len(runs), *one.shape), signs, order)
            wanted = wanted.expand(len(runs), *wanted.shape)
            right = (logits.argmax(-1) == wanted).float().flatten(1).mean(1)
            found += torch.stack([runs_cross_entropy(logits, wanted), right]) * len(one) / len(x)
    values = found.double().numpy(force=True).reshape(2, arms, seeds)
    return np.where(alive, values[0], np.nan), np.where(alive, values[1], np.nan)
