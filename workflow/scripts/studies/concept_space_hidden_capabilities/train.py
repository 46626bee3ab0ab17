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
    kept = (data["class"] != UNSEEN).values if p.held_out else slice(None)
    chosen = data.isel(seed=slice(p.seeds), sample=kept).sel(point=[p.settings[name].point for name in p.run])
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
    return _result(case, seen.arrays(), curve.arrays()["loss"].T, weights, painter.pushes)


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
    shown = [(luck >= p.settings[name].masked).astype(np.float32) for name in p.run]
    return *(np.concatenate([part[: p.seeds]] * len(p.run)) for part in (index, noise, t)), np.concatenate(shown)


class Painter:
    """Paints what the prompts ask for, one call of the sampler for all prompts of a kind, and reads the concepts out.

    The four plain prompts go to all networks, the interventions to those of the probed settings.
    """

    def __init__(self, case: Case[Params], device: str) -> None:
        p, world = case.params.train, case.params.simulate
        self.p, self.world = p, world
        self.points = [world.points[p.settings[name].point] for name in p.run]
        self.pushes = [f"{push}_{dose:g}" for push in PUSHES for dose in p.doses]
        prompts = np.stack([condition(world, factors(world, point, places())) for point in self.points])
        self.classes = torch.as_tensor(np.repeat(prompts, p.seeds, 0), dtype=torch.float32, device=device)
        self.settings = [p.run.index(name) for name in p.probed]
        self.probed = torch.as_tensor([i * p.seeds + seed for i in self.settings for seed in range(p.seeds)])
        toward = ["10" if self.points[i].weak == "colour" else "01" for i in self.settings]
        self.toward = torch.as_tensor(np.repeat([CLASSES.index(name) for name in toward], p.seeds), device=device)
        rng, pixels = case.rng("painting"), 3 * world.image_size**2
        noise = rng.standard_normal((world.seeds, 1, p.samples, pixels), np.float32)[: p.seeds]
        self.noise = torch.as_tensor(noise, device=device)
        away = rng.standard_normal((world.seeds, p.embedding), np.float32)[: p.seeds]
        self.away = torch.as_tensor(np.tile(away, (len(self.settings), 1)), device=device)

    def codes(self, weights: Parameters) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings of the plain prompts (runs, 4, embedding) and of the probed networks' pushes.

        The random push is as long as that of the weak concept, and at right angles to those of both.
        """
        plain, unseen = embed(weights, self.classes), CLASSES.index(UNSEEN)
        own = {name: value[self.probed] for name, value in weights.items() if name.startswith("embed_")}
        z, h = plain[self.probed], self.classes[self.probed]
        row = torch.arange(len(z), device=z.device)
        push, exaggeration = z[row, self.toward] - z[:, 0], h[row, self.toward] - h[:, 0]
        ways = torch.linalg.qr((z[:, 1:3] - z[:, :1]).mT).Q
        aside = self.away - (ways @ (ways.mT @ self.away[..., None]))[..., 0]
        aside = aside * (push.norm(dim=-1, keepdim=True) / aside.norm(dim=-1, keepdim=True))
        over = torch.stack([h[:, unseen] + (k - 1) * exaggeration for k in self.p.doses], 1)
        found = []
        for name in PUSHES:
            start, way = z[:, 0 if name == "pushed_00" else unseen], aside if name == "random" else push
            pushed = torch.stack([start + (k - 1) * way for k in self.p.doses], 1)
            found.append(embed(own, over) if name == "over" else pushed)
        return plain, torch.cat(found, 1)

    @torch.no_grad()
    def paint(self, weights: Parameters) -> dict[str, np.ndarray]:
        """`plain` and `pushed`: (setting, seed, prompt, sample, concept), and pictures of the probed settings.

        The pictures are the first sample of the first seed.
        """
        plain, pushed = self.codes(weights)
        own = {name: value[self.probed] for name, value in weights.items()}
        asked = self._images(weights, plain), self._images(own, pushed)
        points = self.points, [self.points[i] for i in self.settings]
        read = [
            np.stack([coordinates(self.world, *pair) for pair in zip(of, images, strict=True)])
            for of, images in zip(points, asked, strict=True)
        ]
        pictures = np.concatenate([asked[0][self.settings, 0, :, 0], asked[1][:, 0, :, 0]], 1)
        return {"plain": read[0].astype(np.float32), "pushed": read[1].astype(np.float32), "picture": pictures}

    def _images(self, weights: Parameters, code: torch.Tensor) -> np.ndarray:
        """Shape (setting, seed, prompt, sample, channel, y, x), from 0 to 1; networks see -1 to 1."""
        p, size, (runs, prompts, _) = self.p, self.world.image_size, code.shape
        noise = self.noise.repeat(runs // p.seeds, prompts, 1, 1).flatten(1, 2)
        flat = sample(weights, noise, code.repeat_interleave(p.samples, 1), p.euler)
        return (1 + flat.numpy(force=True).reshape(-1, p.seeds, prompts, p.samples, 3, size, size)) / 2


def _result(case: Case[Params], seen: dict, curve: np.ndarray, weights: Parameters, pushes: list[str]) -> xr.DataTree:
    p = case.params.train
    runs = [f"{name}/{seed}" for name in p.run for seed in range(p.seeds)]
    each = ("seed", "prompt", "sample", "concept")
    image = ("step", "probed", "said", "channel", "y", "x")
    said = "concept coordinate of a picture"
    tables = {
        "plain": labelled(("step", "setting", *each), seen["plain"], f"{said}, plain prompt", nan=DIVERGED),
        "pushed": labelled(
            ("step", "probed", "seed", "push", *each[2:]), seen["pushed"], f"{said}, intervention", nan=DIVERGED
        ),
        "picture": labelled(image, seen["picture"], "a picture painted", nan=DIVERGED),
        "loss": labelled(("run", "update"), curve, "squared error of the clean picture", nan=DIVERGED),
        "status": labelled("run", np.where(np.isfinite(curve).all(1), "ok", "diverged"), "how the training went"),
    }
    coords = {"step": checkpoints(p), "setting": p.run, "probed": p.probed, "seed": np.arange(p.seeds), "run": runs}
    asked = {"prompt": list(CLASSES), "push": pushes, "said": [*CLASSES, *pushes]}
    coords |= asked | {"concept": list(CONCEPTS), "update": np.arange(p.steps)}
    return xr.DataTree.from_dict({"/": xr.Dataset(tables, coords), "weights": weights_dataset(weights, runs)})
