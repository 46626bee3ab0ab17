"""Flow matching of all settings and seeds in one loop, and what the networks paint at the checkpoints on the way.

Pictures are read out while the weights are there: those of all checkpoints would be a hundred times as much. Networks
of one seed share their start, batches, noise and times; prompts and checkpoints share the sampler's noise.
"""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, weights_dataset
from pesin.models.optimisers import Adam
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.concept_space_hidden_capabilities.images import (
    CLASSES,
    CONCEPTS,
    UNSEEN,
    condition,
    coordinates,
    factors,
    places,
)
from studies.concept_space_hidden_capabilities.networks import draw, embed, loss, sample
from studies.concept_space_hidden_capabilities.params import Params, Train

PUSHES = ("latent", "over", "random", "pushed_00")
"""Embedding pushed along the weak concept; prompt exaggerated; embedding pushed at random; the first, of class 00."""


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """`/`: coordinates of what the networks paint, by checkpoint and prompt; the losses. `weights`: the last ones."""
    p, device = case.params.train, case.device
    chosen = data.sel(point=[p.settings[name].point for name in p.run]).isel(seed=slice(p.seeds))
    image = 2 * torch.as_tensor(chosen["image"].values, device=device).flatten(0, 1).flatten(2) - 1
    told = torch.as_tensor(_told(case, chosen["condition"].values), device=device).flatten(0, 1)
    sizes = (image.shape[-1], told.shape[-1], p.width, p.embedding)
    start = draw(case.params.simulate.seeds, *sizes, torch.Generator().manual_seed(case.seed("networks")))
    weights = {k: v.detach()[: p.seeds].repeat(len(p.run), 1, 1).to(device).requires_grad_() for k, v in start.items()}
    rng, painter = case.rng("batches"), Painter(case, device)
    marks, optimiser, seen, curve = set(checkpoints(p).tolist()), Adam(weights.values()), Seen(), Seen()
    row = torch.arange(len(image), device=device)[:, None]
    turns = case.checkpoint("train", [rng]).turns(p.steps + 1, optimiser, seen, curve, progress=case.progress)
    for step in turns:
        if step in marks:
            seen.add(painter.paint(weights))
        if step == p.steps:
            break
        index, noise, t, shown = (torch.as_tensor(x, device=device) for x in batch(case, image.shape, rng))
        h = told[row, index] * torch.cat([shown.unsqueeze(-1).expand(-1, -1, 3), torch.ones_like(t)], -1)
        losses = loss(weights, noise, image[row, index], t, h)
        optimiser.descend(losses.sum(), p.rate)
        curve.add({"loss": losses.numpy(force=True)})
    return _result(case, seen.arrays(), curve.arrays()["loss"].T, weights, painter.prompts)


def checkpoints(p: Train) -> np.ndarray:
    """Updates after which pictures are painted; 0 is the untrained network."""
    return np.r_[0, np.unique(np.geomspace(p.first, p.steps, p.checkpoints).round().astype(int))]


def _told(case: Case[Params], told: np.ndarray) -> np.ndarray:
    """Conditions of the training pictures; shuffled, each seed's are those of others."""
    if case.params.train.conditions == "own":
        return told
    orders = [rng.permutation(told.shape[2]) for rng in case.rng("shuffled").spawn(told.shape[1])]
    return np.stack([told[:, seed, order] for seed, order in enumerate(orders)], 1)


def batch(case: Case[Params], shape, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Which pictures, noise, times, and whether the condition says the colour: one draw for all settings.

    Drawn for all seeds simulated, so that fewer are the first of them.
    """
    p, seeds = case.params.train, case.params.simulate.seeds
    index = rng.integers(shape[1], size=(seeds, p.batch))
    noise = rng.standard_normal((seeds, p.batch, shape[2]), np.float32)
    t = rng.random((seeds, p.batch, 1), np.float32)
    luck = rng.random((seeds, p.batch), np.float32)[: p.seeds]
    shown = [(luck >= p.masking * p.settings[name].masked).astype(np.float32) for name in p.run]
    return *(np.concatenate([part[: p.seeds]] * len(p.run)) for part in (index, noise, t)), np.concatenate(shown)


class Painter:
    """Paints what all prompts ask for, one call of the sampler for all, and reads the concepts out."""

    def __init__(self, case: Case[Params], device: str) -> None:
        p, world = case.params.train, case.params.simulate
        self.p, self.world = p, world
        self.points = [world.points[p.settings[name].point] for name in p.run]
        self.prompts = [*CLASSES, *(f"{push}_{dose:g}" for push in PUSHES for dose in p.doses)]
        prompts = np.stack([condition(world, factors(world, point, places())) for point in self.points])
        self.classes = torch.as_tensor(np.repeat(prompts, p.seeds, 0), dtype=torch.float32, device=device)
        toward = ["10" if point.weak == "colour" else "01" for point in self.points]
        self.toward = torch.as_tensor(np.repeat([CLASSES.index(name) for name in toward], p.seeds), device=device)
        rng, pixels = case.rng("painting"), 3 * world.image_size**2
        noise = rng.standard_normal((world.seeds, 1, p.samples, pixels), np.float32)[: p.seeds]
        noise = np.tile(noise, (len(p.run), len(self.prompts), 1, 1)).reshape(len(prompts) * p.seeds, -1, pixels)
        self.noise = torch.as_tensor(noise, device=device)
        away = rng.standard_normal((world.seeds, p.embedding), np.float32)[: p.seeds]
        away = np.tile(away, (len(p.run), 1))
        self.away = torch.as_tensor(away / np.linalg.norm(away, axis=1, keepdims=True), device=device)

    def codes(self, weights: Parameters) -> torch.Tensor:
        """Embeddings of all prompts, shape (runs, prompts, embedding)."""
        h, row = self.classes, torch.arange(len(self.classes), device=self.classes.device)
        z, unseen = embed(weights, h), CLASSES.index(UNSEEN)
        push, exaggeration = z[row, self.toward] - z[:, 0], h[row, self.toward] - h[:, 0]
        aside = self.away * push.norm(dim=-1, keepdim=True)
        found, over = [z], torch.stack([h[:, unseen] + (k - 1) * exaggeration for k in self.p.doses], 1)
        for name in PUSHES:
            start, way = z[:, 0 if name == "pushed_00" else unseen], aside if name == "random" else push
            pushed = torch.stack([start + (k - 1) * way for k in self.p.doses], 1)
            found.append(embed(weights, over) if name == "over" else pushed)
        return torch.cat(found, 1)

    @torch.no_grad()
    def paint(self, weights: Parameters) -> dict[str, np.ndarray]:
        """`readout` (setting, seed, prompt, sample, concept) and the first seed's first `picture` of each prompt."""
        p, size = self.p, self.world.image_size
        code = self.codes(weights).repeat_interleave(p.samples, 1)
        flat = (1 + sample(weights, self.noise, code, p.euler).numpy(force=True)) / 2  # networks see -1 to 1
        images = flat.reshape(len(p.run), p.seeds, len(self.prompts), p.samples, 3, size, size)
        readout = [coordinates(self.world, point, one) for point, one in zip(self.points, images, strict=True)]
        return {"readout": np.stack(readout).astype(np.float32), "picture": images[:, 0, :, 0]}


def _result(case: Case[Params], seen: dict, curve: np.ndarray, weights: Parameters, prompts: list[str]) -> xr.DataTree:
    p = case.params.train
    runs = [f"{name}/{seed}" for name in p.run for seed in range(p.seeds)]
    axes = ("step", "setting", "seed", "prompt", "sample", "concept")
    tables = {
        "readout": labelled(axes, seen["readout"], "concept coordinate of a picture", nan=DIVERGED),
        "picture": labelled(
            ("step", "setting", "prompt", "channel", "y", "x"), seen["picture"], "a picture painted", nan=DIVERGED
        ),
        "loss": labelled(("run", "update"), curve, "squared error of the clean picture", nan=DIVERGED),
        "status": labelled("run", np.where(np.isfinite(curve).all(1), "ok", "diverged"), "how the training went"),
    }
    coords = {"step": checkpoints(p), "setting": p.run, "seed": np.arange(p.seeds), "prompt": prompts, "run": runs}
    found = xr.Dataset(tables, coords | {"concept": list(CONCEPTS), "update": np.arange(p.steps)})
    return xr.DataTree.from_dict({"/": found, "weights": weights_dataset(weights, runs)})
