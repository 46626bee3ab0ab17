"""Trains perceptrons and keeps their last hidden layer: modes and seeds along training, or many different networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import cross_entropy, normalize, pad

from pesin.models.mlp import Parameters, weights_dataset
from pesin.models.optimisers import RunsOptimiser
from pesin.models.ragged import Ragged, apply_ragged, init_ragged
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen, set_state, state_of
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.images import CLASSES

CLIP = 4.0  # standard deviations: a shifted digit may light a pixel that hardly ever is lit
LOSS_SAMPLES = 2000  # training images on which losses and accuracies are taken, at most
PROGRESS = ("start", "early", "end")


def train(case: Case, data: xr.Dataset) -> xr.DataTree:
    """Return the kept representations (`kept/z`), training curves and the final weights."""
    return nets(case, data) if case.params.kind == "nets" else representations(case, data)


def standardised(data: xr.Dataset, pixels: np.ndarray) -> np.ndarray:
    """Flatten images and bring every pixel to mean 0 and standard deviation 1 over the training images."""
    reference = data["train_images"].values.reshape(data.sizes["train_sample"], -1)
    spread = reference.std(0)
    flat = pixels.reshape(*pixels.shape[:-3], -1)
    return ((flat - reference.mean(0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def inputs(case: Case, data: xr.Dataset) -> dict[str, torch.Tensor]:
    """Standardised images of each split, shape (samples, pixels)."""
    return {
        split: torch.as_tensor(standardised(data, data[f"{split}_images"].values), device=case.device)
        for split in ("train", "test")
    }


def labels(case: Case, data: xr.Dataset) -> dict[str, torch.Tensor]:
    """Labels of each split, shape (modes * seeds, samples)."""
    return {
        split: torch.as_tensor(data[f"{split}_label"].values.astype(np.int64), device=case.device).flatten(0, 1)
        for split in ("train", "test")
    }


def classification(shape: Ragged, parameters: Parameters, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each run, shape (runs,); x (runs or 1, batch, inputs), label (runs, batch)."""
    logits, _ = apply_ragged(shape, parameters, x)
    return cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="none").view(label.shape).mean(1)


# ---------------------------------------------------------------------------------------------------- along training


def representations(case: Case, data: xr.Dataset) -> xr.DataTree:
    """Train every mode and seed together: those with labels in one loop, the self-supervised ones in another."""
    p, seeds = case.params.train, case.params.seeds
    parts, weights = {}, {}
    with_labels = [mode for mode in case.params.modes if mode != "self_supervised"]
    for name, modes in (("labelled", with_labels), ("self_supervised", ["self_supervised"])):
        if not set(modes) <= set(case.params.modes):
            continue
        runs = len(modes) * seeds
        shape = Ragged(data["train_images"][0].size, (tuple(p.hidden),) * runs, ("relu",) * runs, CLASSES)
        generator = torch.Generator().manual_seed(case.seed(f"init {name}"))
        parameters = init_ragged(shape, generator, device=case.device)
        part, views = data.sel(mode=modes), case.rng("views")
        make_loss = {"labelled": labelled_loss, "self_supervised": contrastive_loss}[name]
        kept = fit(case, part, name, shape, parameters, make_loss(case, part, shape, parameters, views), views)
        for mode, part in zip(modes, np.split(np.arange(runs), len(modes)), strict=True):
            parts[mode] = {key: value[part] for key, value in kept.items()}
        weights[f"weights/{name}"] = weights_dataset(parameters, [f"{m}/{s}" for m in modes for s in range(seeds)])
    together = {key: np.stack([parts[mode][key] for mode in case.params.modes]) for key in parts[case.params.modes[0]]}
    if "self_supervised" in case.params.modes:  # its outputs are no classes
        for key in ("accuracy", "test"):
            together[key][case.params.modes.index("self_supervised")] = np.nan
    return xr.DataTree.from_dict({"kept": kept_representations(case, together)} | weights)


def kept_representations(case: Case, found: dict[str, np.ndarray]) -> xr.Dataset:
    """What `fit` kept, of all modes: shapes (mode, seed, checkpoint, ...)."""
    diverged = ~np.isfinite(found["z"]).all((2, 3, 4))
    run, classless = ("mode", "seed"), "self-supervised networks, whose outputs are no classes"
    return xr.Dataset(
        {
            "z": labelled(
                (*run, "epoch", "sample", "hidden"),
                found["z"],
                "last hidden layer of the evaluation samples",
                nan=DIVERGED,
            ),
            "z_other": labelled(
                (*run, "moment", "other_sample", "hidden"),
                found["z_other"],
                "last hidden layer of images of the other split, at the first and the last checkpoint",
                nan=DIVERGED,
            ),
            "accuracy": labelled(
                (*run, "epoch"), found["accuracy"], "share of training images given their training label", nan=classless
            ),
            "test_accuracy": labelled(
                (*run, "epoch"), found["test"], "share of test images given their label", nan=classless
            ),
            "status": labelled(run, np.where(diverged, "diverged", "ok"), "how the run went"),
        },
        {
            "mode": case.params.modes,
            "seed": np.arange(case.params.seeds),
            "epoch": case.params.train.checkpoints,
            "moment": ["first", "last"],
        },
    )


def fit(case: Case, data: xr.Dataset, name: str, shape: Ragged, parameters: Parameters, loss: Callable, views) -> dict:
    """Train all runs; return z (run, checkpoint, sample, hidden) and accuracies (run, checkpoint).

    `z_other` is that of images of the other split, at the first and the last checkpoint only. `loss` may draw from
    `views`.
    """
    p, runs = case.params.train, len(shape.hidden)
    rng = case.rng(f"batches {data['mode'].values[0]}")
    count, held = data.sizes["train_sample"], p.evaluation
    x, label = inputs(case, data), labels(case, data)
    optimiser, rate = RunsOptimiser(parameters, "adam"), torch.full((runs,), float(p.rate), device=case.device)
    other, seen = "test" if held.split == "train" else "train", Seen()
    kept = case.checkpoint(name, [rng, views])
    done, saved = kept.load()
    if saved:
        set_state(saved, optimiser, seen)

    def layer(split: str) -> np.ndarray:
        return apply_ragged(shape, parameters, x[split][None, : held.samples])[1].numpy(force=True)

    turns = case.progress(range(done, p.checkpoints[-1] + 1), what=name)
    for epoch in kept.over(turns, lambda: state_of(optimiser, seen)):
        if epoch in p.checkpoints:
            with torch.no_grad():
                for key, split in (("accuracy", "train"), ("test", "test")):
                    logits, _ = apply_ragged(shape, parameters, x[split][None, :LOSS_SAMPLES])
                    right = logits.argmax(-1) == label[split][:, :LOSS_SAMPLES]
                    seen.add({key: right.float().mean(1).numpy(force=True)})
                seen.add({"z": layer(held.split)})
                if epoch in (0, p.checkpoints[-1]):
                    seen.add({"z_other": layer(other)})
        if epoch == p.checkpoints[-1]:
            break
        order = torch.as_tensor(rng.permuted(np.tile(np.arange(count), (runs, 1)), axis=1), device=case.device)
        for start in range(0, count, p.batch):
            optimiser.descend(loss(order[:, start : start + p.batch]), rate)
    return {key: values.swapaxes(0, 1) for key, values in seen.arrays().items()}


def labelled_loss(case: Case, data: xr.Dataset, shape: Ragged, parameters: Parameters, _) -> Callable:
    """Cross-entropy of a batch, as a function of the rows (runs, batch)."""
    x, label = inputs(case, data)["train"], labels(case, data)["train"]
    return lambda rows: classification(shape, parameters, x[rows], label.gather(1, rows))


def contrastive_loss(case: Case, data: xr.Dataset, shape: Ragged, parameters: Parameters, rng) -> Callable:
    """NT-Xent of two views of each image of a batch (Chen et al., SimCLR, ICML 2020), as a function of the rows."""
    p, pixels = case.params.train.contrast, data["train_images"].values
    edge = torch.as_tensor(pixels, device=case.device)
    edge = pad(edge, (0, 0, p.shift, p.shift, p.shift, p.shift))
    high, wide = pixels.shape[1:3]
    down, right = (torch.arange(n, device=case.device) for n in (high, wide))
    reference = pixels.reshape(len(pixels), -1)
    mean, spread = reference.mean(0), reference.std(0)
    mean, spread = (torch.as_tensor(v, device=case.device) for v in (mean, np.where(spread > 0, spread, 1)))

    def view(rows: torch.Tensor) -> torch.Tensor:
        drawn = rng.integers(2 * p.shift + 1, size=(2, *rows.shape))
        top, left = (torch.as_tensor(one, device=case.device)[..., None, None] for one in drawn)
        seen = edge[rows[..., None, None], top + down[:, None], left + right]
        seen = seen + p.noise * torch.as_tensor(rng.standard_normal(seen.shape, dtype=np.float32), device=case.device)
        return ((seen.flatten(2) - mean) / spread).clamp(-CLIP, CLIP)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return nt_xent(apply_ragged(shape, parameters, view(rows.repeat(1, 2)))[0], p.temperature)

    return loss


def nt_xent(projected: torch.Tensor, temperature: float) -> torch.Tensor:
    """NT-Xent of each run, shape (runs,); projected (runs, 2 batch, outputs), the two views one after the other."""
    half = projected.shape[1] // 2
    unit = normalize(projected, dim=-1)
    alike = unit @ unit.transpose(-1, -2) / temperature
    alike = alike.masked_fill(torch.eye(2 * half, dtype=torch.bool, device=alike.device), -torch.inf)
    partner = torch.arange(2 * half, device=alike.device).roll(half).expand(len(alike), -1)
    return cross_entropy(alike.flatten(0, 1), partner.flatten(), reduction="none").view(partner.shape).mean(1)


# ----------------------------------------------------------------------------------------------------- many networks


def settings(case: Case) -> dict[str, list]:
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


def nets(case: Case, data: xr.Dataset) -> xr.DataTree:
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
        seen = fit_nets(case, epochs, own, runs, shape.part(own), part, rate[own], x, told[own], label["test"])
        for key, values in seen.items():
            kept.setdefault(key, np.empty((runs, *values.shape[1:]), np.float32))[own] = values
        with torch.no_grad():
            for name, value in part.items():
                parameters[name][own] = value
    weights = weights_dataset(parameters, range(runs))
    return xr.DataTree.from_dict({"kept": kept_nets(chosen, shape, kept), "weights": weights})


def fit_nets(
    case: Case, epochs: int, own: list[int], runs: int, shape: Ragged, parameters, rate, x, told, truth
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


def noisy_labels(case: Case, label: torch.Tensor, noise: list[float]) -> torch.Tensor:
    """Labels of each run, shape (runs, samples): a share of the given ones, shape (1, samples), drawn at random."""
    rng = case.rng("label noise")
    size = (len(noise), label.shape[1])
    drawn = torch.as_tensor(rng.random(size) < np.array(noise)[:, None], device=case.device)
    return torch.where(drawn, torch.as_tensor(rng.integers(CLASSES, size=size), device=case.device), label)


@torch.no_grad()
def examine(case: Case, shape, parameters, x, told, truth) -> dict[str, np.ndarray]:
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


def kept_nets(chosen: dict[str, list], shape: Ragged, kept: dict[str, np.ndarray]) -> xr.Dataset:
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
