"""Trainings of all networks, those of a family in one loop, and what they make of sequences of other people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

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
from studies.gait_parsing_sequence.representations import HINDERED, families
from studies.gait_parsing_sequence.walkers import CONDITIONS

AT_ONCE = 20  # sequences of each seed that are embedded in one piece
STATES = ("trained", "untrained")


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """For each family, by its first network: <family>/weights, <family>/curves, and <family>/codes of the test set.

    <family>/hindered has those under all conditions, of the networks that are compared under them. They are made here,
    before and after the training, so that no later step needs the networks, which are not told who walks in the tests.
    """
    groups = {}
    for name, arms in families().items():
        made = [_fit(case, name, some, seeds, data) for some, seeds in _loops(case.params, arms)]
        weights, curves, codes, hindered = zip(*made, strict=True)
        run = [f"{arm}/{seed}" for seed in range(case.params.simulate.seeds) for arm in arms]
        together = {key: torch.cat([one[key] for one in weights]) for key in weights[0]}
        groups[f"{name}/weights"] = weights_dataset(together, run)
        groups[f"{name}/curves"] = _curves(np.concatenate(curves), run)
        groups[f"{name}/codes"] = _codes(np.concatenate(codes, 1), arms, ["wild"])
        some = [arm for arm in arms if arm in HINDERED]
        if some:
            groups[f"{name}/hindered"] = _codes(
                np.concatenate([one for one in hindered if one.shape[1]], 1), some, list(_conditions(data))
            )
    return xr.DataTree.from_dict(groups)


def _loops(params: Params, arms: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[int, ...]]]:
    """Networks and seeds of each loop, in the order of the runs."""
    seeds = tuple(range(params.simulate.seeds))
    if params.train.together:
        yield arms, seeds
    else:
        yield from (((arm,), (seed,)) for seed in seeds for arm in arms)


def _fit(case: Case[Params], name: str, arms: tuple[str, ...], seeds: tuple[int, ...], data: xr.DataTree):
    """Weights at the end, losses (runs, updates), and codes, `_of_tests` trained and untrained."""
    params, device = case.params.train, case.device
    people = case.params.simulate.train
    family = Family.of(arms, seeds, [case.rng(f"graph {seed}") for seed in seeds], device)
    generators = [torch.Generator().manual_seed(case.seed(f"network {seed}")) for seed in seeds]
    weights, moments = draw(family, params, people, generators, device)
    untrained = _of_tests(family, params, weights, moments, data, device)
    shown = _shown(family, data["train"], device)
    rngs = [case.rng(f"batches {seed}") for seed in seeds]
    row = torch.arange(len(seeds), device=device)[:, None]
    learned = [value for value in weights.values() if value.requires_grad]
    optimiser, seen, kept = _optimiser(params, learned), Seen(), _Kept(moments)
    checkpoint = case.checkpoint(f"{name} {arms[0]} {seeds[0]}".replace(" ", "-"), rngs)
    for step in checkpoint.turns(params.steps, optimiser, seen, kept, progress=case.progress):
        picked = [batch(rng, people, case.params.simulate.sequences, params) for rng in rngs]
        who, which = (torch.as_tensor(np.stack(part), device=device) for part in zip(*picked, strict=True))
        here = {key: values[row, which] for key, values in shown.items()}
        codes = embed(family, params, weights, moments, here, True)
        loss = losses(params, weights, moments, codes, who.repeat_interleave(len(arms), 0))
        gradients = torch.autograd.grad(loss.sum(), learned)
        optimiser.step(gradients, params.rate * 0.1 ** sum(step >= drop * params.steps for drop in params.drops))
        seen.add({"loss": loss.detach().numpy(force=True)})
    trained = _of_tests(family, params, weights, moments, data, device)
    curves = seen.arrays().get("loss", np.empty((0, len(arms) * len(seeds)))).T
    both = (np.stack(part) for part in zip(trained, untrained, strict=True))
    return {key: value.detach() for key, value in (weights | moments).items()}, curves, *both


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


def _conditions(data: xr.DataTree) -> Iterator[str]:
    return (name for name in CONDITIONS if name in data.children)


def _of_tests(family: Family, params: Train, weights: Parameters, moments: Parameters, data, device: str):
    """Codes of the wild test set by all runs, and of all test sets by those that are compared under all conditions.

    Both of shape (runs, condition, sequence, part, code).
    """
    wild = _embedded(family, params, weights, moments, _shown(family, data["wild"], device))[:, None]
    runs = [i for i in range(wild.shape[0]) if family.arms[i % len(family.arms)] in HINDERED]
    if not runs:
        return wild, wild[:0]
    some = replace(family, arms=tuple(arm for arm in family.arms if arm in HINDERED))
    own, kept = ({key: value[runs] for key, value in part.items()} for part in (weights, moments))
    found = [
        wild[runs, 0] if name == "wild" else _embedded(some, params, own, kept, _shown(family, data[name], device))
        for name in _conditions(data)
    ]
    return wild, np.stack(found, 1)


@torch.no_grad()
def _embedded(family: Family, params: Train, weights: Parameters, moments: Parameters, shown) -> np.ndarray:
    many = next(iter(shown.values())).shape[1]
    parts = [{key: values[:, i : i + AT_ONCE] for key, values in shown.items()} for i in range(0, many, AT_ONCE)]
    return torch.cat([embed(family, params, weights, moments, part, False) for part in parts], 1).numpy(force=True)


def _optimiser(params: Train, values: list[torch.Tensor]) -> Adam | SGD:
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


def _codes(codes: np.ndarray, arms: Sequence[str], conditions: list[str]) -> xr.Dataset:
    """From (state, runs, condition, sequence, part, code), the runs by seed and network."""
    apart = codes.reshape(len(codes), -1, len(arms), *codes.shape[2:])
    dims = ("state", "seed", "arm", "condition", "sequence", "part", "number")
    return xr.Dataset(
        {"codes": labelled(dims, apart, "code of a sequence", nan=DIVERGED)},
        {"state": list(STATES), "seed": np.arange(apart.shape[1]), "arm": list(arms), "condition": conditions},
    )
