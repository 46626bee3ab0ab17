"""Trainings of all networks, those of a family in one loop, and what they make of sequences of other people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters, weights_dataset
from pesin.models.optimisers import SGD, Adam
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.gait_parsing_sequence.networks import Family, draw, embed, losses
from studies.gait_parsing_sequence.params import Params, Train
from studies.gait_parsing_sequence.representations import families
from studies.gait_parsing_sequence.walkers import CONDITIONS

AT_ONCE = 50  # sequences of each seed that are embedded in one piece
STATES = ("trained", "untrained")


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """For each family, by its first network: <family>/weights, <family>/curves, and <family>/codes of the test sets.

    The codes are taken here, before and after the training, so that no later step needs the networks; who walks in
    the test sets no network is told.
    """
    groups = {}
    for name, arms in families().items():
        made = [_fit(case, name, some, seeds, data) for some, seeds in _loops(case.params, arms)]
        weights, curves, codes = zip(*made, strict=True)
        run = [f"{arm}/{seed}" for seed in range(case.params.simulate.seeds) for arm in arms]
        together = {key: torch.cat([one[key] for one in weights]) for key in weights[0]}
        groups[f"{name}/weights"] = weights_dataset(together, run)
        groups[f"{name}/curves"] = _curves(np.concatenate(curves), run)
        groups[f"{name}/codes"] = _codes(np.concatenate(codes, 1), arms, [c for c in CONDITIONS if c in data])
    return xr.DataTree.from_dict(groups)


def _loops(params: Params, arms: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Networks and seeds of each loop, in the order of the runs."""
    seeds = tuple(range(params.simulate.seeds))
    if params.train.together:
        yield arms, seeds
    else:
        yield from (((arm,), (seed,)) for seed in seeds for arm in arms)


def _fit(case: Case[Params], name: str, arms: tuple[str, ...], seeds: tuple[int, ...], data: xr.DataTree):
    """Weights at the end, losses (runs, updates), and codes (state, runs, condition, sequence, part, code)."""
    params, device = case.params.train, case.device
    people = case.params.simulate.train
    family = Family.of(arms, seeds, [case.rng(f"graph {seed}") for seed in seeds], device)
    generators = [torch.Generator().manual_seed(case.seed(f"network {seed}")) for seed in seeds]
    weights, moments = draw(family, params, people, generators, device)
    tests = [_shown(family, data[group], device) for group in CONDITIONS if group in data]
    untrained = [_embedded(family, params, weights, moments, test) for test in tests]
    shown = _shown(family, data["train"], device)
    rngs = [case.rng(f"batches {seed}") for seed in seeds]
    row = torch.arange(len(seeds), device=device)[:, None]
    optimiser, seen, kept = _optimiser(params, weights), Seen(), _Kept(moments)
    checkpoint = case.checkpoint(f"{name} {arms[0]} {seeds[0]}".replace(" ", "-"), rngs)
    for step in checkpoint.turns(params.steps, optimiser, seen, kept, progress=case.progress):
        picked = [batch(rng, people, case.params.simulate.sequences, params) for rng in rngs]
        who, which = (torch.as_tensor(np.stack(part), device=device) for part in zip(*picked, strict=True))
        here = {key: values[row, which] for key, values in shown.items()}
        codes = embed(family, params, weights, moments, here, True)
        loss = losses(params, weights, moments, codes, who.repeat_interleave(len(arms), 0))
        gradients = torch.autograd.grad(loss.sum(), list(weights.values()))
        optimiser.step(gradients, params.rate * 0.1 ** sum(step >= drop * params.steps for drop in params.drops))
        seen.add({"loss": loss.detach().numpy(force=True)})
    trained = [_embedded(family, params, weights, moments, test) for test in tests]
    curves = seen.arrays().get("loss", np.empty((0, len(arms) * len(seeds)))).T
    codes = np.stack([np.stack(state, 1) for state in (trained, untrained)])
    return {key: value.detach() for key, value in (weights | moments).items()}, curves, codes


def batch(rng: np.random.Generator, people: int, sequences: int, params: Train) -> tuple[np.ndarray, np.ndarray]:
    """Who is in a batch, and which sequences: both of shape (people x each,), those of a person side by side."""
    who = np.repeat(rng.choice(people, params.people, replace=False), params.each)
    taken = rng.permuted(np.tile(np.arange(sequences), (params.people, 1)), axis=1)[:, : params.each]
    return who, who * sequences + taken.ravel()


def _shown(family: Family, data, device: str) -> dict[str, torch.Tensor]:
    """What the networks of a family see of a group, for each of its seeds."""
    names = {"labels": {"own": "labels", "shuffled": "shuffled"}[family.first.labels]}
    if family.first.masks:
        names["masks"] = {"own": "labels", "shuffled": "shuffled"}[family.first.masks]
    if family.first.kind == "joints":
        places = data["joints"].values[list(family.seeds)] / data.sizes["y"]
        return {"joints": torch.as_tensor(places - places[..., 2:3, :], device=device)}  # seen from the neck
    return {name: torch.as_tensor(data[key].values[list(family.seeds)], device=device) for name, key in names.items()}


@torch.no_grad()
def _embedded(family: Family, params: Train, weights: Parameters, moments: Parameters, shown) -> np.ndarray:
    many = next(iter(shown.values())).shape[1]
    parts = [{key: values[:, i : i + AT_ONCE] for key, values in shown.items()} for i in range(0, many, AT_ONCE)]
    return torch.cat([embed(family, params, weights, moments, part, False) for part in parts], 1).numpy(force=True)


def _optimiser(params: Train, weights: Parameters) -> Adam | SGD:
    values = list(weights.values())
    return Adam(values) if params.optimiser == "adam" else SGD(values, params.momentum, params.weight_decay)


class _Kept:
    """Moments of the batch normalisations, for checkpoints."""

    def __init__(self, moments: Parameters) -> None:
        self.moments = moments

    def arrays(self) -> dict[str, np.ndarray]:
        return {name: value.numpy(force=True).copy() for name, value in self.moments.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        for name, value in self.moments.items():
            value.copy_(torch.as_tensor(arrays[name]))


def _curves(loss: np.ndarray, run: list[str]) -> xr.Dataset:
    status = np.where(np.isfinite(loss).all(1), "ok", "diverged")
    return xr.Dataset(
        {
            "loss": labelled(("run", "update"), loss, "triplet loss and cross-entropy of a batch", nan=DIVERGED),
            "status": labelled("run", status, "how the training went", may_be_constant=1),
        },
        {"run": run},
    )


def _codes(codes: np.ndarray, arms: tuple[str, ...], conditions: list[str]) -> xr.Dataset:
    """From (state, runs, condition, sequence, part, code), the runs by seed and network."""
    apart = codes.reshape(len(codes), -1, len(arms), *codes.shape[2:])
    dims = ("state", "seed", "arm", "condition", "sequence", "part", "number")
    return xr.Dataset(
        {"codes": labelled(dims, apart, "code of a sequence", nan=DIVERGED)},
        {"state": list(STATES), "seed": np.arange(apart.shape[1]), "arm": list(arms), "condition": conditions},
    )
