"""Trains perceptrons in several modes and seeds and keeps their last hidden layer along training."""

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
from studies.diffusion_spectral_entropy.perceptrons import LOSS_SAMPLES, classification, inputs, labels
from studies.diffusion_spectral_entropy.representations.params import Params

CLIP = 4.0  # standard deviations: a shifted digit may light a pixel that hardly ever is lit


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
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
        if name == "labelled":
            loss = labelled_loss(case, part, shape, parameters)
        else:
            loss = contrastive_loss(case, part, shape, parameters, views)
        kept = fit(case, part, name, shape, parameters, loss, views)
        for mode, own in zip(modes, np.split(np.arange(runs), len(modes)), strict=True):
            parts[mode] = {key: value[own] for key, value in kept.items()}
        weights[f"weights/{name}"] = weights_dataset(parameters, [f"{m}/{s}" for m in modes for s in range(seeds)])
    together = {key: np.stack([parts[mode][key] for mode in case.params.modes]) for key in parts[case.params.modes[0]]}
    if "self_supervised" in case.params.modes:  # its outputs are no classes
        for key in ("accuracy", "test"):
            together[key][case.params.modes.index("self_supervised")] = np.nan
    return xr.DataTree.from_dict({"kept": kept_representations(case, together)} | weights)


def kept_representations(case: Case[Params], found: dict[str, np.ndarray]) -> xr.Dataset:
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


def fit(
    case: Case[Params], data: xr.Dataset, name: str, shape: Ragged, parameters: Parameters, loss: Callable, views
) -> dict[str, np.ndarray]:
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


def labelled_loss(case: Case[Params], data: xr.Dataset, shape: Ragged, parameters: Parameters) -> Callable:
    """Cross-entropy of a batch, as a function of the rows (runs, batch)."""
    x, label = inputs(case, data)["train"], labels(case, data)["train"]
    return lambda rows: classification(shape, parameters, x[rows], label.gather(1, rows))


def contrastive_loss(case: Case[Params], data: xr.Dataset, shape: Ragged, parameters: Parameters, rng) -> Callable:
    """NT-Xent of two views of each image of a batch (Chen et al., SimCLR, ICML 2020), as a function of the rows."""
    p, pixels = case.params.train.contrast, data["train_images"].values
    assert p is not None  # Params asks for it where self-supervision is a mode
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
