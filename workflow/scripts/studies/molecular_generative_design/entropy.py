"""What properties tell of a string, in bits, and how the molecules made differ from those trained on."""

from __future__ import annotations

from collections import Counter

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import miller_madow_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.molecular_generative_design.answers import characters_of, string_loss, weights_of
from studies.molecular_generative_design.chemistry import formulas
from studies.molecular_generative_design.language import NONE
from studies.molecular_generative_design.pairs import GAS
from studies.molecular_generative_design.params import Params
from studies.molecular_generative_design.tables import Table, prepared
from studies.molecular_generative_design.train import network

SPELLERS = ("inverse", "multi")
NOTHING = "no pair was designed"
GIVEN = ("none", "asked", "all")
"""Properties that a prompt tells: none, those of forecast.asked, all."""


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree, made: xr.Dataset) -> xr.Dataset:
    """Cross-entropy of test strings by what is given, information in properties, entropies of what was made."""
    language, molecules, _ = prepared(case.params, data)
    seeds, net = len(molecules.train), network(case.params, language)
    test = np.stack([np.setdiff1d(np.arange(len(molecules.names)), rows) for rows in molecules.train])
    strings = np.concatenate([molecules.strings[test]] * len(SPELLERS))
    bins = np.stack([language.binned(molecules.scaled(seed, molecules.values[rows])) for seed, rows in enumerate(test)])
    told = np.isin(data["property"].values, made["asked"].values)
    few = np.append(told, np.zeros(language.slots - len(told), bool))
    weights, loss = weights_of(trained, "gpt", list(SPELLERS), case.device), []
    for shown in (np.zeros(language.slots, bool), few, np.ones(language.slots, bool)):
        prompt = np.concatenate([np.where(shown, bins, NONE)] * len(SPELLERS))
        loss.append(string_loss(net, weights, language, "inverse", prompt, strings) / np.log(2))
    nats = np.stack(loss).reshape(len(GIVEN), len(SPELLERS), seeds, -1)
    gain, letters = nats[0] - nats, characters_of(molecules.strings[test]).sum(-1)
    each, error = ("given", "speller", "seed"), gain.std(-1, ddof=1) / gain.shape[-1] ** 0.5
    x = made["eutectic_x"].values
    mixing = -GAS * (x * np.log(x) + (1 - x) * np.log(1 - x))
    found = {
        "cross_entropy": labelled(each, nats.sum(-1) / letters, "cross-entropy of a character", "bit"),
        "information": labelled(each, gain.mean(-1), "information of properties in a string", "bit"),
        "information_error": labelled(each, error, "standard error of the information over molecules", "bit"),
        "uniform": labelled((), np.log2(language.symbols), "cross-entropy of a uniform model", "bit"),
        "mixing_entropy": labelled("drawn", mixing, "mixing entropy at the eutectic", "J mol-1 K-1", nan=NOTHING),
        **distributions(case, molecules, made),
    }  # fmt: skip
    coords = {"given": list(GIVEN), "speller": list(SPELLERS), "seed": data["seed"], "property": data["property"]}
    return xr.Dataset(found, coords | {"maker": made["maker"]})


def distributions(case: Case[Params], molecules: Table, made: xr.Dataset) -> dict:
    """Entropy of formulas, of molecules made and of as many trained on; divergence of their properties' histograms."""
    makers, k = made["maker"].values.tolist(), made.sizes["property"]
    entropies, divergence = (
        np.zeros((len(molecules.train), len(makers), 2)),
        np.zeros((len(molecules.train), len(makers), k)),
    )
    for seed, rows in enumerate(molecules.train):
        for j, maker in enumerate(makers):
            at = {"seed": seed, "maker": maker}
            names = [str(name) for name in made["made"].sel(at).values if name]
            if not names:
                continue
            picked = case.rng("picked").choice(rows, len(names), replace=False)
            groups = names, [molecules.names[i] for i in picked]
            counted = [list(Counter(formulas(group)).values()) for group in groups]
            entropies[seed, j] = [miller_madow_entropy(count).value / np.log(2) for count in counted]
            obtained, known = made["obtained"].sel(at).values, molecules.values[rows, :k]
            divergence[seed, j] = histogram_divergence(
                obtained[np.isfinite(obtained).all(-1)], known, case.params.entropy.bins
            )
    each, said = ("seed", "maker"), "entropy of formulas"
    return {
        "formula_entropy": labelled(each, entropies[..., 0], f"{said}, made", "bit"),
        "formula_entropy_trained": labelled(each, entropies[..., 1], f"{said}, as many trained on", "bit"),
        "divergence": labelled(
            (*each, "property"), divergence, "divergence of histograms, made from trained on", "bit"
        ),
    }


def histogram_divergence(found: np.ndarray, known: np.ndarray, bins: int) -> np.ndarray:
    """Kullback-Leibler divergence of each column's histogram from that of `known`, bit; half a count in every bin."""
    result = []
    for one, other in zip(found.T, known.T, strict=True):
        edges = np.histogram_bin_edges(np.concatenate([one, other]), bins)
        p, q = (np.histogram(values, edges)[0] + 0.5 for values in (one, other))
        p, q = p / p.sum(), q / q.sum()
        result.append((p * np.log2(p / q)).sum())
    return np.array(result)
