"""Transformers of one task and of all, and diffusion models, each kind in one loop for all seeds."""

from __future__ import annotations

import math

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import cross_entropy

from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.molecular_generative_design.diffusion import DIRECTIONS, canvas, diffusion_loss, init_unet
from studies.molecular_generative_design.language import TASKS, UNSCORED, Language, lesson
from studies.molecular_generative_design.params import Params
from studies.molecular_generative_design.tables import Table, prepared

SHARES: dict[str, dict[str, int]] = {
    "forward": {"forward": 6},
    "inverse": {"inverse": 6},
    "pairs": {"mixture": 3, "design": 3},
    "multi": {"forward": 2, "inverse": 2, "mixture": 1, "design": 1},
}
"""Sixths of a batch that a network is taught of each task."""
SINGLE = tuple(name for name in SHARES if name != "multi")
WARM, WAVES = 0.1, 3
BETAS = (0.9, 0.99)
"""Of Adam: trainings are short."""


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """`gpt`: networks arm/seed, those of one task for the same number of updates as `multi` and for a third (`_third`).

    `diffusion`: networks direction/seed.
    """
    language, molecules, pairs = prepared(case.params, data)
    order = case.rng("labels")
    if case.params.train.labels == "shuffled":
        orders = [[order.permutation(rows) for rows in table.train] for table in (molecules, pairs)]
    else:
        orders = [table.train for table in (molecules, pairs)]
    lessons = Lessons(case, language, (molecules, pairs), orders)
    p, seeds = case.params.train, case.params.simulate.seeds
    whole, loss = taught(case, lessons, p.whole, p.gpt.steps)
    losses = {
        "gpt_loss": labelled(("arm", "seed", "update"), loss, "cross-entropy of the answers", "nat", nan=DIVERGED)
    }
    if p.third:
        single = [name.removesuffix("_third") for name in p.third]
        third, loss = taught(case, lessons, single, p.gpt.steps // 3)
        losses["third_loss"] = labelled(
            ("single", "seed", "third"), loss, "cross-entropy of the answers", "nat", nan=DIVERGED
        )
        whole = {name: torch.cat([value, third[name]]) for name, value in whole.items()}
    gpt = weights_dataset(whole, [f"{arm}/{seed}" for arm in [*p.whole, *p.third] for seed in range(seeds)])
    unet, loss = diffused(case, lessons)
    diffusion = weights_dataset(unet, [f"{direction}/{seed}" for direction in DIRECTIONS for seed in range(seeds)])
    losses["diffusion_loss"] = labelled(
        ("direction", "seed", "turn"), loss, "squared error of what is clean", nan=DIVERGED
    )
    coords = {"arm": p.whole, "direction": list(DIRECTIONS), "seed": np.arange(seeds)}
    coords |= {"single": p.third} if p.third else {}
    return xr.DataTree.from_dict({"/": xr.Dataset(losses, coords), "gpt": gpt, "diffusion": diffusion})


class Lessons:
    """Batches of each seed: the same molecules, pairs and hidden properties for all networks of a seed."""

    def __init__(
        self, case: Case[Params], language: Language, tables: tuple[Table, Table], labels: list[list[np.ndarray]]
    ) -> None:
        self.language, self.tables, self.hide = language, tables, case.params.train.gpt.hide
        self.seeds = range(case.params.simulate.seeds)
        self.values = [
            [table.scaled(seed, table.values[rows]) for seed, rows in zip(self.seeds, told, strict=True)]
            for table, told in zip(tables, labels, strict=True)
        ]
        self.bins = [[language.binned(one) for one in table] for table in self.values]

    def batch(self, rngs: list[np.random.Generator], task: str, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and targets, shape (seeds, n, length)."""
        which = TASKS.index(task) // 2
        made = []
        for seed, rng in zip(self.seeds, rngs, strict=True):
            rows = self.tables[which].train[seed]
            index = rng.integers(len(rows), size=n)
            share = np.where(rng.random((n, 1)) < self.hide, rng.random((n, 1)), 0)
            given = rng.random((n, self.language.slots)) >= share
            made.append(lesson(task, self.tables[which].strings[rows[index]], self.bins[which][seed][index], given))
        return np.stack([tokens for tokens, _ in made]), np.stack([target for _, target in made])


def network(params: Params, language: Language) -> Transformer:
    """The decoder-only transformer of all tasks."""
    p = params.train.gpt
    return Transformer(
        language.symbols,
        language.symbols,
        language.length,
        p.width,
        p.layers,
        p.heads,
        activation="relu",
        expansion=2,
        embedding_std=0.1,
    )


def first_weights(case: Case[Params], language: Language) -> Parameters:
    """Of each seed's networks. Embeddings of a slot's bins start on a smooth curve: neighbours mean nearly the same."""
    net, generator = network(case.params, language), torch.Generator().manual_seed(case.seed("gpt"))
    weights = net.init_parameters(case.params.simulate.seeds, generator)
    waves = torch.arange(1, WAVES + 1)
    angle = torch.as_tensor(language.centres, dtype=torch.float32)[:, None] * waves * math.pi / 2
    curve = torch.cat([angle.sin() / waves, angle.cos() / waves], -1)  # (bins, 2 WAVES)
    ways = torch.randn(len(weights["embed"]), language.slots, 2 * WAVES, net.width, generator=generator)
    with torch.no_grad():
        weights["embed"][:, language.first_bin :] += net.embedding_std * (curve @ ways).flatten(1, 2)
    return weights


def taught(case: Case[Params], lessons: Lessons, arms: list[str], steps: int) -> tuple[Parameters, np.ndarray]:
    """Weights of runs arm x seed, and the losses (arm, seed, step). Arms share the batches as far as they have them."""
    p, device, seeds = case.params.train.gpt, case.device, len(lessons.seeds)
    net = network(case.params, lessons.language)
    start = {name: value.detach().to(device) for name, value in first_weights(case, lessons.language).items()}
    weights = repeat_runs(start, len(arms))
    optimiser = RunsOptimiser(weights, "adam", betas=BETAS, weight_decay=0.01, decayed=set(net.matrices))
    rngs = case.rng("lessons").spawn(seeds)

    def loss_of(step: int) -> torch.Tensor:
        found = {task: lessons.batch(rngs, task, p.batch) for task in TASKS}
        both = []
        for part in range(2):
            rows = [
                np.concatenate([found[task][part][:, : p.batch * n // 6] for task, n in SHARES[arm].items()], 1)
                for arm in arms
            ]
            both.append(torch.as_tensor(np.concatenate(rows), device=device))
        return answers_loss(net(weights, both[0]), both[1])

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((len(arms) * seeds,), p.rate * one_cycle((step + 0.5) / steps), device=device)

    kept = case.checkpoint(f"gpt_{steps}_{len(arms)}", rngs)
    curve, _ = fit_runs(optimiser, loss_of, rate_of, steps, case.progress, kept)
    return {name: value.detach() for name, value in weights.items()}, curve.reshape(len(arms), seeds, steps)


def answers_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean over prompts of the mean cross-entropy of the slots that are answered, shape (runs,)."""
    scored = target != UNSCORED
    losses = cross_entropy(logits.flatten(0, -2), target.flatten(), ignore_index=UNSCORED, reduction="none")
    return (losses.view(target.shape) * scored / scored.sum(-1, keepdim=True).clamp(min=1)).sum(-1).mean(-1)


def one_cycle(done: float) -> float:
    """Of the largest learning rate, when so much of the training is done."""
    return done / WARM if done < WARM else (1 + math.cos(math.pi * (done - WARM) / (1 - WARM))) / 2


def diffused(case: Case[Params], lessons: Lessons) -> tuple[Parameters, np.ndarray]:
    """Weights of the U-Nets direction x seed, and the losses (direction, seed, step)."""
    p, device, language, seeds = case.params.train.diffusion, case.device, lessons.language, len(lessons.seeds)
    generator = torch.Generator().manual_seed(case.seed("diffusion"))
    start = init_unet(seeds, language, p.channels, generator)
    weights = repeat_runs({name: value.detach().to(device) for name, value in start.items()}, len(DIRECTIONS))
    optimiser, rngs, molecules = (
        RunsOptimiser(weights, "adam", betas=BETAS),
        case.rng("diffusion").spawn(seeds),
        lessons.tables[0],
    )

    def loss_of(step: int) -> torch.Tensor:
        rows = [rng.integers(len(rows), size=p.batch) for rng, rows in zip(rngs, molecules.train, strict=True)]
        strings = np.stack([molecules.strings[molecules.train[seed][index]] for seed, index in enumerate(rows)])
        values = np.stack([lessons.values[0][seed][index] for seed, index in enumerate(rows)])
        clean = canvas(language, torch.as_tensor(strings, device=device), torch.as_tensor(values, device=device))
        noise = np.stack([rng.standard_normal(clean.shape[1:], np.float32) for rng in rngs])
        t = np.stack([rng.random((p.batch, 1, 1), np.float32) for rng in rngs])
        return diffusion_loss(
            weights, language, clean, torch.as_tensor(noise, device=device), torch.as_tensor(t, device=device)
        )

    def rate_of(step: int) -> torch.Tensor:
        rate = p.rate * one_cycle((step + 0.5) / p.steps)
        return torch.full((len(DIRECTIONS) * seeds,), rate, device=device)

    curve, _ = fit_runs(optimiser, loss_of, rate_of, p.steps, case.progress, case.checkpoint("diffusion", rngs))
    return {name: value.detach() for name, value in weights.items()}, curve.reshape(len(DIRECTIONS), seeds, p.steps)
