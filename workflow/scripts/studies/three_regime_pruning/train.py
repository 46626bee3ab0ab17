"""Dense training, pruning, retraining: all networks of a phase in loops with a runs axis.

Networks are the runs of one flat axis, in the order of arm (a temperature), density, seed, copy. Networks of one seed
share their start and their labels, and copies of one number the order of images, so that arms and densities are paired.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import SGD
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen, set_state, state_of
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.images import CLASSES
from studies.three_regime_pruning.nets import error, init, outputs, prune
from studies.three_regime_pruning.params import Params, Phase, Train

GRID = ("arm", "density", "seed", "copy")


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """`/`: labels told, errors of the dense networks, losses; `weights`: those of the retrained networks."""
    p = case.params.train
    label = data["train_label"].values
    told = np.stack([noisy(one, p.noise, rng) for one, rng in _each(label, case, p.seeds)])
    snapshots = dense(case, data, told)
    validation = [error(p.net, one, *images(case, data, "validation")).numpy(force=True) for one in snapshots]
    loss, networks = retrained(case, data, told, snapshots)
    shape = (len(snapshots), len(p.densities), p.seeds, p.copies)
    tables = {
        "told": labelled(("seed", "train_sample"), told, "class of each training image, as the networks are told"),
        "dense_error": labelled(("arm", "seed"), validation, "error of dense networks on validation images"),
        "loss": labelled(
            (*GRID, "epoch"), loss.reshape(*shape, -1), "mean training loss of each epoch", "nat", nan=DIVERGED
        ),
    }
    coords = {"arm": arms(p), "density": p.densities, "seed": np.arange(p.seeds), "copy": np.arange(p.copies)}
    weights = weights_dataset(networks, range(loss.shape[0]))
    return xr.DataTree.from_dict({"/": xr.Dataset(tables, coords), "weights": weights})


def arms(p: Train) -> list[str]:
    """Names of the temperatures: epochs of plain training, then radii of SAM."""
    return [f"{epochs} epochs" for epochs in p.epochs] + [f"rho {rho:g}" for rho in p.rho]


def _each(label: np.ndarray, case: Case[Params], seeds: int):
    return zip([label] * seeds, case.rng("noise").spawn(seeds), strict=True)


def noisy(label: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Labels, a share of which is drawn at random; more noise changes those that less noise does, and others."""
    order, drawn = rng.permutation(len(label)), rng.integers(CLASSES, size=len(label))
    chosen = order[: round(noise * len(label))]
    found = label.copy()
    found[chosen] = drawn[chosen]
    return found


def images(case: Case[Params], data: xr.Dataset, part: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and true labels of a part."""
    image, label = (torch.as_tensor(data[f"{part}_{what}"].values, device=case.device) for what in ("image", "label"))
    return image, label


def dense(case: Case[Params], data: xr.Dataset, told: np.ndarray) -> list[Parameters]:
    """Train dense networks; the parameters of all seeds in each arm."""
    p = case.params.train
    x, _ = images(case, data, "train")

    def start() -> Parameters:
        return init(p.net, p.seeds, tuple(x.shape[1:]), torch.Generator().manual_seed(case.seed("start")), case.device)

    owner = np.arange(p.seeds)
    plain, _ = fit(case, "dense", start(), {}, x, told, owner, owner, p.dense, p.epochs, 0.0)
    radii = np.repeat(p.rho, p.seeds)
    many = np.tile(owner, len(p.rho))
    sharp, _ = fit(
        case, "sam", repeat_runs(start(), len(p.rho)), {}, x, told, many, many, p.dense, [p.sam_epochs], radii
    )
    split = {name: value.split(p.seeds) for name, value in sharp[0].items()}
    return plain + [{name: parts[i] for name, parts in split.items()} for i in range(len(p.rho))]


def retrained(case: Case[Params], data: xr.Dataset, told: np.ndarray, snapshots) -> tuple[np.ndarray, Parameters]:
    """Prune every dense network to every density, and retrain copies; losses (run, epoch) and final parameters."""
    p = case.params.train
    x, _ = images(case, data, "train")
    starts: list[Parameters] = []
    kept: list[dict[str, torch.Tensor]] = []
    for one in snapshots:
        for density in p.densities:
            kept.append(prune(one, density, p.scope))
            starts.append({name: value.detach() * kept[-1].get(name, 1) for name, value in one.items()})
    whole, masks = (
        {name: torch.cat([part[name] for part in parts]).repeat_interleave(p.copies, 0) for name in parts[0]}
        for parts in (starts, kept)
    )
    seed = np.tile(np.repeat(np.arange(p.seeds), p.copies), len(starts))
    copy = np.tile(np.arange(p.copies), len(starts) * p.seeds)
    ends, losses = [], []
    for first in range(0, len(seed), p.together):
        part = slice(first, first + p.together)
        own, mask = ({name: value[part] for name, value in group.items()} for group in (whole, masks))
        own = {name: value.clone().requires_grad_() for name, value in own.items()}
        stream, owner = f"retrain {first}", (seed * p.copies + copy)[part]
        (end,), loss = fit(
            case, stream, own, mask, x, told, seed[part], owner, p.retrain, [p.retrain.epochs], 0.0, p.copies
        )
        ends.append(end)
        losses.append(loss)
    return np.concatenate(losses), {name: torch.cat([end[name] for end in ends]) for name in whole}


def fit(case, name, parameters, masks, x, told, seed, owner, phase: Phase, ends, rho, copies: int = 1):
    """Train networks in one loop.

    Parameters
    ----------
    name
        Of the checkpoint; its first word names the stream of the orders of images.
    masks
        Of the weights that are there: others are 0, and stay so.
    told : ndarray, shape (seeds, samples)
    seed, owner : int ndarrays, shape (runs,)
        Which labels each run is told, and which order of images it sees: owner < seeds x copies.
    ends
        Epochs after which the parameters are kept, rising.
    rho : float or ndarray, shape (runs,)
        Radius of SAM.

    Returns
    -------
    (kept, losses)
        Parameters after each of `ends`; mean loss of each epoch, shape (runs, epochs).
    """
    p, rng = case.params.train, case.rng(name.split()[0])
    optimiser, seen = SGD(parameters.values(), p.momentum, p.weight_decay), Seen()
    checkpoint, losses = case.checkpoint(name, [rng]), Seen()
    done, saved = checkpoint.load()
    if saved:
        set_state(saved, optimiser, seen, losses)
    labels = torch.as_tensor(told, device=x.device)[seed]
    radius = torch.as_tensor(np.broadcast_to(rho, seed.shape).astype(np.float32), device=x.device)
    turns = case.progress(range(done, ends[-1]), what=name)
    for epoch in checkpoint.over(turns, lambda: state_of(optimiser, seen, losses)):
        # Of all owners: no network's order depends on which others train beside it.
        order = rng.permuted(np.tile(np.arange(len(x)), (len(told) * copies, 1)), axis=1)
        rows = torch.as_tensor(order[owner], device=x.device)
        rate = phase.lr * 0.1 ** sum(epoch >= drop for drop in phase.drops)
        losses.add({"loss": run_epoch(p, optimiser, parameters, masks, x, labels, rows, rate, radius)})
        if epoch + 1 in ends:
            seen.add({key: value.numpy(force=True).copy() for key, value in parameters.items()})
    found = seen.arrays()
    kept = [{key: torch.as_tensor(v[i], device=x.device) for key, v in found.items()} for i in range(len(ends))]
    return kept, losses.arrays()["loss"].T


def run_epoch(p: Train, optimiser: SGD, parameters, masks, x, labels, rows, rate, radius) -> np.ndarray:
    """Go once through all images, each run in its own order `rows` (runs, samples); mean loss, shape (runs,)."""
    total = torch.zeros(len(rows), device=x.device)
    sharp = bool((radius > 0).any())
    for batch in rows.split(p.batch, 1):
        seen, said = x[batch], labels.gather(1, batch)
        gradients, loss = gradient(p, parameters, masks, seen, said)
        if sharp:
            steps = ascent(gradients, radius)
            with torch.no_grad():
                torch._foreach_add_(optimiser.parameters, steps)
            gradients, _ = gradient(p, parameters, masks, seen, said)
            with torch.no_grad():
                torch._foreach_sub_(optimiser.parameters, steps)
        optimiser.step(gradients, rate)
        total += loss.detach() * batch.shape[1]
    return (total / rows.shape[1]).numpy(force=True)


def gradient(p: Train, parameters: Parameters, masks, x, label) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Gradients of the cross-entropy, 0 where a weight is pruned; and the loss, shape (runs,)."""
    z = outputs(p.net, parameters, x)
    loss = runs_cross_entropy(z, label)
    found = torch.autograd.grad(loss.sum(), list(parameters.values()))
    return [g * masks[name] if name in masks else g for name, g in zip(parameters, found, strict=True)], loss


def ascent(gradients: list[torch.Tensor], radius: torch.Tensor) -> list[torch.Tensor]:
    """Step of length `radius` (runs,) up each run's gradient (SAM; Foret et al., ICLR 2021, equation 2)."""
    norm = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    scale = radius / (norm + 1e-12)
    return [g * scale.view(-1, *[1] * (g.dim() - 1)) for g in gradients]
