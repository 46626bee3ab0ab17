"""Trains many different networks and keeps their last hidden layer at the start, early, and at the end."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import weights_dataset
from pesin.models.optimisers import RunsOptimiser
from pesin.models.ragged import Ragged, apply_ragged, init_ragged
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen, set_state, state_of
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.images import CLASSES
from studies.diffusion_spectral_entropy.nets.params import Params
from studies.diffusion_spectral_entropy.perceptrons import LOSS_SAMPLES, classification, inputs, labels

PROGRESS = ("start", "early", "end")


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Train all networks, those of as many epochs in one loop; each is kept at start, early, and end."""
    chosen = settings(case)
    x, label = inputs(case, data), labels(case, data)
    told = noisy_labels(case, label["train"], chosen["label_noise"])
    shape = Ragged(x["train"].shape[1], tuple(chosen["hidden"]), tuple(chosen["activation"]), CLASSES)
    generator = torch.Generator().manual_seed(case.seed("init"))
    parameters = init_ragged(shape, generator, chosen["scale"], case.device)
    rate = torch.tensor(chosen["rate"], dtype=torch.float32, device=case.device)
    runs, kept = len(rate), dict[str, np.ndarray]()
    for epochs in sorted(set(chosen["epochs"])):
        own = [run for run in range(runs) if chosen["epochs"][run] == epochs]
        own.sort(key=chosen["activation"].__getitem__)
        part = {name: value.detach()[own].requires_grad_() for name, value in parameters.items()}
        seen = fit(case, epochs, own, runs, shape.part(own), part, rate[own], x, told[own], label["test"])
        for key, values in seen.items():
            kept.setdefault(key, np.empty((runs, *values.shape[1:]), np.float32))[own] = values
        with torch.no_grad():
            for name, value in part.items():
                parameters[name][own] = value
    weights = weights_dataset(parameters, range(runs))
    return xr.DataTree.from_dict({"kept": kept_of(chosen, shape, kept), "weights": weights})


def settings(case: Case[Params]) -> dict[str, list]:
    """What each run is: the random networks first, then the initialisations, seed by seed."""
    choices, init = case.params.train.choices, case.params.train.initialisations
    rng = case.rng("settings")
    extra = init.seeds * len(init.scales)

    def drawn(options: list) -> list:
        return [options[i] for i in rng.integers(len(options), size=choices.nets)]

    width, depth = drawn(choices.width), drawn(choices.depth)
    return {
        "hidden": [(w,) * d for w, d in zip(width, depth, strict=True)] + [tuple(init.hidden)] * extra,
        "rate": drawn(choices.rate) + [init.rate] * extra,
        "epochs": drawn(choices.epochs) + [init.epochs] * extra,
        "label_noise": drawn(choices.label_noise) + [0.0] * extra,
        "activation": drawn(choices.activation) + ["relu"] * extra,
        "scale": [1.0] * choices.nets + init.scales * init.seeds,
    }


def fit(
    case: Case[Params], epochs: int, own: list[int], runs: int, shape: Ragged, parameters, rate, x, told, truth
) -> dict:
    """Train the networks `own` of all `runs`; return what `examine` sees of them, shapes (run, progress, ...)."""
    p, count, rng = case.params.train, len(x["train"]), case.rng("batches")
    per_epoch = -(-count // p.batch)
    end = epochs * per_epoch
    due = [0, min(max(round(p.early * end), 1), end), end]
    optimiser, seen, order = RunsOptimiser(parameters, "adam"), Seen(), np.empty((len(own), 0), np.int64)
    checkpoint = case.checkpoint(f"{epochs} epochs", [rng])
    done, saved = checkpoint.load()
    if saved:
        set_state(saved, optimiser, seen)
        order = saved["order"]

    def state() -> dict[str, np.ndarray]:
        return state_of(optimiser, seen) | {"order": order}

    for step in checkpoint.over(case.progress(range(done, end + 1), what=f"{epochs} epochs"), state):
        for _ in range(due.count(step)):
            seen.add(examine(case, shape, parameters, x, told, truth))
        if step == end:
            break
        if step % per_epoch == 0:  # for all runs: no network's batches depend on which others train beside it
            order = rng.permuted(np.tile(np.arange(count), (runs, 1)), axis=1)[own]
        rows = torch.as_tensor(order[:, (step % per_epoch) * p.batch :][:, : p.batch], device=case.device)
        optimiser.descend(classification(shape, parameters, x["train"][rows], told.gather(1, rows)), rate)
    return {key: values.swapaxes(0, 1) for key, values in seen.arrays().items()}


def noisy_labels(case: Case[Params], label: torch.Tensor, noise: list[float]) -> torch.Tensor:
    """Labels of each run, shape (runs, samples): a share of the given ones, shape (1, samples), drawn at random."""
    rng = case.rng("label noise")
    size = (len(noise), label.shape[1])
    drawn = torch.as_tensor(rng.random(size) < np.array(noise)[:, None], device=case.device)
    return torch.where(drawn, torch.as_tensor(rng.integers(CLASSES, size=size), device=case.device), label)


@torch.no_grad()
def examine(case: Case[Params], shape, parameters, x, told, truth) -> dict[str, np.ndarray]:
    """Loss on training images, accuracy on test images, and the representation, of every run."""
    held = case.params.train.evaluation
    some = min(LOSS_SAMPLES, len(x["train"]))
    loss = classification(shape, parameters, x["train"][None, :some], told[:, :some])
    logits, z = apply_ragged(shape, parameters, x["test"][None])
    accuracy = (logits.argmax(-1) == truth).float().mean(1)
    if held.split == "train":
        _, z = apply_ragged(shape, parameters, x["train"][None, : held.samples])
    found = {"loss": loss, "test_accuracy": accuracy, "z": z[:, : held.samples]}
    return {key: value.numpy(force=True) for key, value in found.items()}


def kept_of(chosen: dict[str, list], shape: Ragged, kept: dict[str, np.ndarray]) -> xr.Dataset:
    """Settings and what was kept of every run, the random networks along `run` before the initialisations."""
    grid = ("run", "progress")
    variables = {
        "z": labelled(
            (*grid, "sample", "hidden"), kept["z"], "last hidden layer of the evaluation samples", nan=DIVERGED
        ),
        "loss": labelled(grid, kept["loss"], "cross-entropy on training images", "nat", nan=DIVERGED),
        "test_accuracy": labelled(grid, kept["test_accuracy"], "share of test images given their label"),
        "width": labelled("run", [h[-1] for h in chosen["hidden"]], "hidden units of a layer"),
        "depth": labelled("run", [len(h) for h in chosen["hidden"]], "hidden layers"),
        "parameters": labelled("run", shape.parameters(), "weights and biases"),
        "rate": labelled("run", chosen["rate"], "learning rate"),
        "epochs": labelled("run", chosen["epochs"], "epochs of training"),
        "label_noise": labelled("run", chosen["label_noise"], "share of training labels drawn at random"),
        "scale": labelled("run", chosen["scale"], "factor on the initial weights"),
        "activation": labelled("run", chosen["activation"], "activation"),
    }
    return xr.Dataset(variables, {"progress": list(PROGRESS)})
