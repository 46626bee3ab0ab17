"""Trains all learning rates and seeds of a recipe in one batched module, and classifies images."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.sigma_reparam_attention_entropy.images.params import Params, Recipe
from studies.sigma_reparam_attention_entropy.transformers import Runs, joined, make_net, parts_of, start

RECIPE_DIMS = ("recipe", "rate_index", "seed")


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return the group `recipes`."""
    return xr.DataTree.from_dict({"recipes": recipes(case, data)})


def recipes(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Train each recipe over its learning rates and all seeds; accuracies after training."""
    params, found = case.params.train, dict[str, list[np.ndarray]]()
    for name, recipe in params.recipes.items():
        parts = parts_of(recipe.rates, params.seeds, params.at_once)
        trained = [one_recipe(case, data, f"{name}.{i}", recipe, runs) for i, runs in enumerate(parts)]
        for key, values in joined(trained).items():
            found.setdefault(key, []).append(values.reshape(len(recipe.rates), params.seeds, *values.shape[1:]))
    all_of = {key: np.stack(values) for key, values in found.items()}
    name = "attention entropy on test images, mean over heads and rows"
    variables = {
        "loss": labelled(
            (*RECIPE_DIMS, "step"), all_of["loss"], "training loss of the step's batch", "nat", nan=DIVERGED
        ),
        "attention_entropy": labelled((*RECIPE_DIMS, "layer"), all_of["attention_entropy"], name, "nat", nan=DIVERGED),
        "rate": labelled(RECIPE_DIMS[:2], [recipe.rates for recipe in params.recipes.values()], "learning rate"),
    }
    for part in ("validation", "test"):
        key = f"{part}_accuracy"
        variables[key] = labelled(RECIPE_DIMS, all_of[key], f"share of {part} images classified rightly")
    return xr.Dataset(variables, {"recipe": list(params.recipes), "seed": np.arange(params.seeds)})


def one_recipe(case: Case[Params], data: xr.Dataset, stream: str, recipe: Recipe, which: Runs) -> dict[str, np.ndarray]:
    """Train runs of one recipe in one batched module. A run that stopped classifies nothing rightly."""
    params, variant, device = case.params.train, case.params.train.variants[recipe.variant], case.device
    parts = {part: (data[f"{part}_patches"].values, data[f"{part}_labels"].values.astype(np.int64))
             for part in ("train", "validation", "test")}  # fmt: skip
    x, labels = map(torch.as_tensor, parts["train"])  # on the host: ImageNet is larger than a GPU's memory
    classes = int(max(values.max() for _, values in parts.values())) + 1
    net = make_net(params, variant, params.layers, inputs=x.shape[-1], outputs=classes, context=x.shape[-2],
                   embedding="vectors", causal=False, pooled=True)  # fmt: skip
    made, parameters = start(case, net, variant, params.seeds, which)
    optimiser = RunsOptimiser(parameters, recipe.optimiser, recipe.momentum, weight_decay=recipe.weight_decay,
                              decayed=tuple(net.matrices))  # fmt: skip
    rates, seeds = torch.tensor([rate for rate, _ in which], device=device), [seed for _, seed in which]
    rng = case.rng("batches")

    def loss_of(_: int) -> torch.Tensor:
        chosen = torch.as_tensor(rng.integers(len(x), size=(params.seeds, params.batch))[seeds])
        images, label = x[chosen].to(device), labels[chosen].to(device)
        return runs_cross_entropy(net(made.effective(parameters, update=True), images), label)

    def rate_of(step: int) -> torch.Tensor:
        return rates * min(1.0, (step + 1) / recipe.warmup) if recipe.warmup else rates

    progress, kept = partial(case.progress, what=stream), case.checkpoint(stream, [rng])
    loss, _ = fit_runs(optimiser, loss_of, rate_of, params.steps, progress, kept, [made])
    found = {"loss": loss}
    with torch.no_grad():
        weights = made.effective(parameters)
        for part in ("validation", "test"):
            accuracy, entropy = classified(net, weights, *parts[part], len(rates))
            found[f"{part}_accuracy"] = torch.where(optimiser.alive, accuracy, 0).double().numpy(force=True)
    entropy = torch.where(optimiser.alive[:, None], entropy, torch.nan)
    return found | {"attention_entropy": entropy.double().numpy(force=True)}


def classified(net: Transformer, weights: Parameters, x: np.ndarray, labels: np.ndarray, runs: int):
    """Accuracy (runs,), and attention entropy (runs, layers), a hundred images at a time."""
    right, entropies = [], []
    for first in range(0, len(x), 100):
        part = slice(first, first + 100)
        seen: list[torch.Tensor] = []

        def watch(name: str, layer: int, tensor: torch.Tensor, seen=seen) -> None:
            if name == "attention":
                seen.append(torch.special.entr(tensor).sum(-1).mean((2, 3)).sum(1))

        device = weights["place"].device
        logits = net(weights, torch.as_tensor(x[part], device=device).expand(runs, *x[part].shape), watch)
        right.append((logits.argmax(-1) == torch.as_tensor(labels[part], device=device)).sum(1))
        entropies.append(torch.stack(seen, 1))
    return torch.stack(right).sum(0) / len(x), torch.stack(entropies).sum(0) / len(x)
