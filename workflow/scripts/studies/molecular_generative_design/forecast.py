"""Properties predicted, molecules and pairs designed, and their scores by the oracle on what training didn't see."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from scipy.stats import rankdata

from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.molecular_generative_design.answers import (
    characters_of,
    laws_of,
    played_by,
    properties_of,
    string_loss,
    strings_for,
    weights_of,
)
from studies.molecular_generative_design.chemistry import fingerprints, read
from studies.molecular_generative_design.diffusion import DIRECTIONS, canvas, on_canvas, sampled
from studies.molecular_generative_design.language import Language
from studies.molecular_generative_design.pairs import interaction, liquidus, melting_point, mixed
from studies.molecular_generative_design.params import Params
from studies.molecular_generative_design.scoring import FEW, made_scores, nearest, oracle_of, r2, ridge, sized_r2, sizes
from studies.molecular_generative_design.simulate import COMPONENTS, MIXTURE, PAIRS
from studies.molecular_generative_design.tables import Table, prepared
from studies.molecular_generative_design.train import SINGLE, network

UNSEEN = {"pairs": PAIRS, "components": COMPONENTS}
BUDGETS = {"multi": "multi", "third": "{}_third", "whole": "{}"}
"""Networks that C3 compares: one for all tasks, one for each with a third of its updates, and with as many."""
UNKNOWN, SHORT = "invalid or unknown", "too few are valid"
HIGH = 0.9
"""Quantile of the depression: from it on those of training pairs are asked for, and that of random pairs."""


class Told(NamedTuple):
    """What all parts of this step read."""

    case: Case[Params]
    language: Language
    molecules: Table
    pairs: Table
    trained: xr.DataTree
    net: Transformer

    @property
    def seeds(self) -> range:
        return range(self.case.params.simulate.seeds)

    def arms(self, single: str) -> list[str]:
        """Networks that were trained for a task: of it alone, and of all."""
        have = [str(run).split("/")[0] for run in self.trained["gpt"].to_dataset()["run"].to_numpy()]
        return [name for name in (single, f"{single}_third", "multi") if name in have]

    def weights(self, arms: list[str], task: str):
        joint = self.case.params.forecast.joint
        return weights_of(self.trained, "gpt", played_by(arms, task, joint), self.case.device)


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Scores by seed; models are networks, diffusion models and trivial ones."""
    language, molecules, pairs = prepared(case.params, data)
    told = Told(case, language, molecules, pairs, trained, network(case.params, language))
    n = case.params.forecast.requests
    rng = case.rng("tested")
    left = [np.setdiff1d(np.arange(len(molecules.names)), rows) for rows in molecules.train]
    test = np.stack([rng.permutation(rows)[:n] for rows in left])
    painted, made = painted_by_diffusion(told, test)
    found = forward(told, test, painted, data.sizes["property"])
    found |= inverse(told, test, made, data["property"].to_index().tolist())
    found |= mixtures(told, data["split"].values)
    found |= strings_of_pairs(told, data["split"].values)
    found |= designs(told, data)
    found |= balance(told, found)
    coords = {
        "seed": data["seed"], "property": data["property"], "unit": data["unit"], "quantity": list(MIXTURE),
        "model": [*told.arms("forward"), "diffusion", "fingerprints", "size"],
        "maker": [*told.arms("inverse"), "diffusion", "nearest"],
        "network": told.arms("forward"), "stat": ["mean", "deviation", "truth"],
        "mixer": [*told.arms("pairs"), "components", "size"], "writer": [*told.arms("pairs"), "by_position"],
        "unseen": list(UNSEEN), "asked": case.params.forecast.asked, "task": list(SINGLE),
        "budget": budgets(told), "side": data["side"], "fraction": np.linspace(0.02, 0.98, 49),
    }  # fmt: skip
    return xr.Dataset(found, {name: values for name, values in coords.items() if len(values)})


def noise_of(told: Told, stream: str, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform numbers (seeds, *shape), those of each seed its own."""
    return np.stack([rng.random(shape) for rng in told.case.rng(stream).spawn(len(told.seeds))])


def by_arm(told: Told, values: np.ndarray) -> np.ndarray:
    """(arms * seeds, ...) -> (seeds, arms, ...)."""
    return values.reshape(-1, len(told.seeds), *values.shape[1:]).swapaxes(0, 1)


def painted_by_diffusion(told: Told, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled values (seeds, n, slots) of test molecules, and string tokens (seeds, n, string) for their values."""
    case, language, molecules = told.case, told.language, told.molecules
    strings = torch.as_tensor(molecules.strings[test], device=case.device)
    values = np.stack([molecules.scaled(seed, molecules.values[rows]) for seed, rows in enumerate(test)])
    given = canvas(language, strings, torch.as_tensor(np.nan_to_num(values), device=case.device)).repeat(2, 1, 1, 1)
    rngs = case.rng("diffusion").spawn(len(told.seeds))
    noise = np.concatenate([np.stack([rng.standard_normal(given.shape[1:], np.float32) for rng in rngs])] * 2)
    weights = weights_of(told.trained, "diffusion", list(DIRECTIONS), case.device)
    found = sampled(weights, language, given, torch.as_tensor(noise, device=case.device), case.params.forecast.euler)
    made, painted = on_canvas(language, found)
    return painted[: len(test)], made[len(test) :]


def forward(told: Told, test: np.ndarray, painted: np.ndarray, properties: int) -> dict:
    """Predictions of test molecules (seed, model, test, property) in their own units, and R2."""
    molecules, arms = told.molecules, told.arms("forward")
    strings = np.concatenate([molecules.strings[test]] * len(arms))
    said = laws_of(told.net, told.weights(arms, "forward"), told.language, "forward", strings)
    scaled, spread = (by_arm(told, part) for part in said)
    print_of, size = fingerprints(molecules.names), sizes(molecules)
    found = []
    for seed, rows in enumerate(test):
        nets = molecules.in_units(seed, np.concatenate([scaled[seed], painted[seed][None]]))
        plain = [ridge(x, molecules.values, molecules.train[seed], rows) for x in (print_of, size[:, None])]
        found.append(np.concatenate([nets, plain])[..., :properties])
    predicted, truth = np.stack(found), molecules.values[test][..., :properties]
    scores = r2(truth[:, None], predicted)
    sized = np.array(
        [[sized_r2(size[rows], y, f) for f in fs] for rows, y, fs in zip(test, truth, predicted, strict=True)]
    )
    each = ("seed", "model", "property")
    wanted = np.stack([molecules.scaled(seed, molecules.values[rows]) for seed, rows in enumerate(test)])
    law = np.stack([scaled, spread, np.broadcast_to(wanted[:, None], scaled.shape)], -1)[..., :properties, :]
    return {
        "law": labelled(
            ("seed", "network", "test", "property", "stat"),
            law.astype(np.float32),
            "mean and deviation of a predicted property, and the property, scaled",
        ),
        "truth": labelled(("seed", "test", "property"), truth, "property, in its own unit"),
        "predicted": labelled(("seed", "model", "test", "property"), predicted, "predicted property, in its own unit"),
        "r2": labelled(each, scores, "R2 of a predicted property"),
        "mae": labelled(
            each, np.abs(predicted - truth[:, None]).mean(2), "mean absolute error, in the property's unit"
        ),
        "r2_mean": labelled(("seed", "model"), scores.mean(-1), "R2, mean over properties"),
        "sized_r2": labelled(each, sized, "R2 over a line in the number of heavy atoms"),
        "sized_mean": labelled(("seed", "model"), sized.mean(-1), "R2 over heavy atoms, mean over properties"),
    }


def inverse(told: Told, test: np.ndarray, painted: np.ndarray, properties: list[str]) -> dict:
    """Molecules made for the properties of test molecules, all given or only those of `asked`; scores by the oracle."""
    p, molecules, language, k = told.case.params, told.molecules, told.language, len(properties)
    oracle, arms = oracle_of(p.simulate.source, molecules), told.arms("inverse")
    bins = np.stack([language.binned(molecules.scaled(seed, molecules.values[rows])) for seed, rows in enumerate(test)])
    uniform = noise_of(told, "inverse", (test.shape[1], language.string))
    few = [properties.index(name) for name in p.forecast.asked]
    partly = np.where(np.isin(np.arange(language.slots), few), bins, language.binned(np.full(1, np.nan)))

    def made(arms: list[str], bins: np.ndarray) -> np.ndarray:
        weights, how = told.weights(arms, "inverse"), p.forecast.temperature
        asked, luck = (np.concatenate([part] * len(arms)) for part in (bins, uniform))
        return by_arm(told, strings_for(told.net, weights, language, "inverse", asked, luck, how))

    tokens = np.concatenate([made(arms, bins), painted[:, None]], 1)
    less = made(["multi"], partly)[:, 0]
    names, obtained, scores, partial, partial_valid = [], [], [], [], []
    for seed, rows in enumerate(test):
        known = {molecules.names[i] for i in molecules.train[seed]}
        strings = [*(language.read(one) for one in tokens[seed]), nearest(molecules, seed, molecules.values[rows])]
        described = [oracle(one) for one in strings]
        names.append([found[0] for found in described])
        obtained.append([found[1][:, :k] for found in described])
        scores.append([list(made_scores(found[0], known).values()) for found in described])
        again, table = oracle(language.read(less[seed]))
        partial.append(r2(molecules.values[rows][:, few], table[:, few]))
        partial_valid.append(made_scores(again, known)["valid"])
    truth, share = molecules.values[test][:, :, :k], np.array(scores)
    got: np.ndarray = np.array(obtained)
    fit = r2(truth[:, None], got)
    each = ("seed", "maker")
    return {
        "made": labelled((*each, "request"), np.array(names), "canonical SMILES made, empty if invalid"),
        "requested": labelled(("seed", "request", "property"), truth, "property asked for, in its own unit"),
        "obtained": labelled((*each, "request", "property"), got, "property obtained, in its own unit", nan=UNKNOWN),
        **{
            name: labelled(each, share[..., i], f"share of strings that are {said}", may_be_constant=1)
            for i, (name, said) in enumerate((("valid", "valid"), ("unique", "different"), ("novel", "not trained on")))
        },
        "made_r2": labelled((*each, "property"), fit, "R2 of a property obtained, valid strings", nan=FEW),
        "made_r2_mean": labelled(each, fit.mean(-1), "R2 of what is obtained, mean over properties", nan=FEW),
        "made_score": labelled(each, share[..., 0] * fit.mean(-1), "share valid times R2 of what is obtained", nan=FEW),
        "partial_r2": labelled(("seed", "asked"), np.array(partial), "R2 of the properties asked for", nan=FEW),
        "partial_r2_mean": labelled("seed", np.mean(partial, -1), "R2 of the properties asked for, mean", nan=FEW),
        "partial_valid": labelled("seed", partial_valid, "share valid, few properties asked for"),
    }  # fmt: skip


def mixtures(told: Told, split: np.ndarray) -> dict:
    """Predictions of unseen pairs (seed, unseen, mixer, held, quantity) and their scores."""
    pairs, arms, k = told.pairs, told.arms("pairs"), len(MIXTURE)
    rows = np.array([[np.flatnonzero(one == kind)[: _held(told, split)] for kind in UNSEEN.values()] for one in split])
    strings = np.concatenate([pairs.strings[rows].reshape(len(rows), -1, pairs.strings.shape[1])] * len(arms))
    scaled = by_arm(told, properties_of(told.net, told.weights(arms, "mixture"), told.language, "mixture", strings))
    vocabulary = sorted({one for name in pairs.names for one in name.split(".")})
    counts = [Counter(name.split(".")) for name in pairs.names]
    components = np.array([[count[one] for one in vocabulary] for count in counts], float)
    size, found = sizes(pairs)[:, None], []
    for seed, chosen in enumerate(rows):
        nets = pairs.in_units(seed, scaled[seed].reshape(len(arms), *chosen.shape, -1))
        plain = [ridge(x, pairs.values, pairs.train[seed], chosen.ravel()) for x in (components, size)]
        both = np.concatenate([nets, np.stack(plain).reshape(2, *nets.shape[1:])])
        found.append(both[..., :k].swapaxes(0, 1))
    predicted, truth = np.stack(found), pairs.values[rows][..., :k]
    fit, rho = r2(truth[:, :, None], predicted), spearman(truth[:, :, None, :, 1], predicted[..., 1])
    each = ("seed", "unseen", "mixer")
    missed = np.abs(predicted - truth[:, :, None])[..., 0].mean(-1)
    return {
        "mixture_truth": labelled(("seed", "unseen", "held", "quantity"), truth, "of a mixture, in its own unit"),
        "mixture_predicted": labelled(
            (*each, "held", "quantity"), predicted, "predicted of a mixture, in its own unit"
        ),
        "mixture_r2": labelled((*each, "quantity"), fit, "R2 of a mixture's quantity"),
        "mixture_mae": labelled(each, missed, "mean absolute error of the eutectic temperature", "K"),
        "depression_rho": labelled(each, rho, "rank correlation of the depression, true and predicted"),
    }


def _held(told: Told, split: np.ndarray) -> int:
    """Unseen pairs that are scored, as many of both kinds in all seeds."""
    return min(told.case.params.forecast.requests, *((split == kind).sum(1).min() for kind in UNSEEN.values()))


def spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank correlation along the last axis; 0 where one doesn't vary."""
    ranks = [rankdata(part, axis=-1) for part in np.broadcast_arrays(x, y)]
    a, b = (rank - rank.mean(-1, keepdims=True) for rank in ranks)
    norm = np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return np.where(norm > 0, (a * b).sum(-1) / np.where(norm > 0, norm, 1), 0)


def strings_of_pairs(told: Told, split: np.ndarray) -> dict:
    """Loss on strings of unseen pairs, properties given; the writer by position knows frequencies alone."""
    pairs, arms, language = told.pairs, told.arms("pairs"), told.language
    rows = np.array([np.flatnonzero(one == PAIRS)[: _held(told, split)] for one in split])
    bins = np.stack([language.binned(pairs.scaled(seed, pairs.values[chosen])) for seed, chosen in enumerate(rows)])
    strings = pairs.strings[rows]
    asked, text = (np.concatenate([part] * len(arms)) for part in (bins, strings))
    nets = by_arm(told, string_loss(told.net, told.weights(arms, "design"), language, "design", asked, text))
    counts = np.ones((len(rows), strings.shape[-1], language.first_bin))
    for seed, known in enumerate(pairs.train):
        np.add.at(counts[seed], (np.arange(strings.shape[-1]), pairs.strings[known]), 1)
    shares = np.log(counts / counts.sum(-1, keepdims=True))
    table = -np.stack(
        [one[np.arange(strings.shape[-1]), text].sum(-1) for one, text in zip(shares, strings, strict=True)]
    )
    loss = np.concatenate([nets, table[:, None]], 1).sum(-1) / characters_of(strings).sum(-1)[:, None]
    return {
        "string_loss": labelled(("seed", "writer"), loss / np.log(2), "loss on a pair's string, of a character", "bit")
    }


def designs(told: Told, data: xr.Dataset) -> dict:
    """Pairs that the network of all tasks makes when a large depression is asked for, and its best by its own word."""
    p, pairs, language = told.case.params.forecast, told.pairs, told.language
    depression = list(MIXTURE).index("depression")
    wish = np.full((len(told.seeds), p.requests, language.slots), np.nan)
    for seed, rng in enumerate(told.case.rng("wishes").spawn(len(told.seeds))):
        known = pairs.values[pairs.train[seed], depression]
        large = known[known >= np.quantile(known, HIGH)]
        wish[seed, :, depression] = rng.choice(large, p.requests)
        wish[seed] = pairs.scaled(seed, wish[seed])
    uniform = noise_of(told, "designs", (p.requests, language.string))
    weights = told.weights(["multi"], "design")
    tokens = strings_for(told.net, weights, language, "design", language.binned(wish), uniform, p.temperature)
    guess = properties_of(told.net, told.weights(["multi"], "mixture"), language, "mixture", tokens)[..., depression]
    random = np.quantile(data["mixture"].values[:, depression], HIGH)
    tops, strings, count = [], [], []
    for seed in told.seeds:
        names, true = judged_pairs(language.read(tokens[seed]), {pairs.names[i] for i in pairs.train[seed]})
        order = [i for i in np.argsort(-guess[seed], kind="stable") if names[i]][: p.top]
        short = p.top - len(order)
        tops.append([*true[order], *[np.nan] * short])
        strings.append([*(names[i] for i in order), *[""] * short])
        count.append(sum(name != "" for name in names))
    top = np.array(tops)
    return {
        "designed": labelled(("seed", "rank"), np.array(strings), "pair designed, best first by the network's word"),
        "designed_depression": labelled(("seed", "rank"), top, "depression of a designed pair", "K", nan=SHORT),
        "designed_gain": labelled(
            "seed", top.mean(-1) - random, "mean depression of the best, over the 90th percentile of random pairs", "K",
            nan=SHORT,
        ),
        "random_depression": labelled((), random, "90th percentile of random pairs' depression", "K"),
        "designed_new": labelled("seed", np.array(count) / p.requests, "share of designs valid, different and new"),
        **diagrams(strings[0][: p.drawn]),
    }  # fmt: skip


def judged_pairs(strings: list[str], known: set[str]) -> tuple[list[str], np.ndarray]:
    """Canonical "one.two" of pairs that are valid, of two compounds, new in either order and not made before; else "".

    Returns the names and the true depressions, NaN for "".
    """
    halves = [text.split(".") if text.count(".") == 1 else ["", ""] for text in strings]
    (one, first), (two, second) = (read([half[side] for half in halves]) for side in (0, 1))
    taken, names = {frozenset(name.split(".")) for name in known}, []
    for a, b in zip(one, two, strict=True):
        fresh = a and b and a != b and frozenset((a, b)) not in taken
        names.append(f"{a}.{b}" if fresh else "")
        taken |= {frozenset((a, b))}
    return names, np.where([name != "" for name in names], mixed(first, second)["depression"], np.nan)


def diagrams(names: list[str]) -> dict:
    """Both branches of the liquidus, and the eutectic, of designed pairs; NaN where there is none."""
    halves = [name.split(".") if name else ["", ""] for name in names]
    one, two = (read([half[side] for half in halves])[1] for side in (0, 1))
    x, w = np.linspace(0.02, 0.98, 49), interaction(one, two)[:, None]
    curves = np.stack([liquidus(x, melting_point(one)[:, None], w), liquidus(1 - x, melting_point(two)[:, None], w)], 1)
    point = mixed(one, two)
    none = {"nan": "no pair was designed"}
    return {
        "liquidus": labelled(("drawn", "side", "fraction"), curves, "liquidus temperature", "K", **none),
        "eutectic_x": labelled("drawn", point["x_eut"], "mole fraction of the first compound", **none),
        "eutectic_t": labelled("drawn", point["t_eut"], "eutectic temperature", "K", **none),
    }


def budgets(told: Told) -> list[str]:
    """Of C3, those whose networks were trained."""
    return [
        name for name, arm in BUDGETS.items() if all(arm.format(single) in [*told.arms(single)] for single in SINGLE)
    ]


def balance(told: Told, found: dict) -> dict:
    """The tasks' scores from 0 to 1 (seed, budget, task), and those of the trivial models."""

    def score(budget: str, task: str) -> np.ndarray:
        arm = BUDGETS[budget].format(task)
        if task == "pairs":
            return found["mixture_r2"][1][:, 0, told.arms(task).index(arm), 0]
        return found["r2_mean" if task == "forward" else "made_score"][1][:, told.arms(task).index(arm)]

    trivial = found["r2_mean"][1][:, -1], np.zeros(len(told.seeds)), found["mixture_r2"][1][:, 0, -1, 0]
    least = np.clip(np.stack(trivial, -1), 0, 1)
    tables = {"trivial": labelled("seed", least.mean(-1), "score of the size alone, mean over tasks")}
    if budgets(told):
        each = np.stack([np.stack([score(b, t) for t in SINGLE], -1) for b in budgets(told)], 1)
        kept = np.clip(np.nan_to_num(each), 0, 1)
        tables["task_score"] = labelled(("seed", "budget", "task"), kept, "score of a task", may_be_constant=1)
        tables["score"] = labelled(("seed", "budget"), kept.mean(-1), "score, mean over tasks", may_be_constant=1)
    return tables
