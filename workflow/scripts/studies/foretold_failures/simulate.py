"""The worlds of all seeds: sequences, digits, choices; and what each run draws."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.images import load_images
from pesin.systems.token_sources import copy_and_markov, copy_and_markov_entropy, markov_matrix
from studies.foretold_failures.params import Drawn, Params, Simulate

SPREAD = 2.0
"""Of the Markov half's logits."""


def simulate(case: Case[Params]) -> xr.DataTree:
    """A group for each world: its data, `rate` and `gain` (seed, draw); `trivial` and `perfect` scores (seed)."""
    p = case.params.simulate
    groups = {}
    for name, drawn in p.worlds.items():
        world = WORLDS[name](p, case.rng(name))
        groups[str(name)] = world.assign(hyperparameters(p, drawn, case.rng(f"draws {name}")))
    return xr.DataTree.from_dict(groups)


def hyperparameters(p: Simulate, drawn: Drawn, rng: np.random.Generator) -> dict[str, tuple]:
    """Learning rates and gains of all runs."""
    shape = (p.seeds, p.draws)
    rate, gain = (low * (high / low) ** rng.random(shape) for low, high in (drawn.rate, drawn.gain))
    return {
        "rate": labelled(("seed", "draw"), rate, "learning rate"),
        "gain": labelled(("seed", "draw"), gain, "factor on the initial weights"),
    }


def sequences(p: Simulate, rng: np.random.Generator) -> xr.Dataset:
    """Half copies, half a Markov chain. Perfect: the source's entropy; trivial: a table of pairs, as counted."""
    held_out, matrices = [], []
    for _ in range(p.seeds):
        matrices.append(markov_matrix(p.symbols, SPREAD, rng))
        held_out.append(copy_and_markov((p.held_out, p.length), p.lag, matrices[-1], rng))
    return xr.Dataset(
        {
            "transition": labelled(("seed", "symbol", "next_symbol"), matrices, "transitions", may_be_constant=1),
            "held_out": labelled(("seed", "sequence", "position"), held_out, "held-out sequences"),
            "trivial": labelled("seed", [-pairs_loss(one, p.symbols) for one in held_out], "score of pairs", "nat"),
            "perfect": labelled(
                "seed",
                [-copy_and_markov_entropy(p.length, p.lag, one) for one in matrices],
                "score of the source",
                "nat",
            ),
        }
    )


def pairs_loss(tokens: np.ndarray, symbols: int) -> float:
    """Loss of the table of pairs of these very sequences, in nat per token: no table does better on them."""
    counts = np.zeros((symbols, symbols))
    np.add.at(counts, (tokens[:, :-1].ravel(), tokens[:, 1:].ravel()), 1)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    return float(-(counts * np.log(np.where(share > 0, share, 1))).sum() / counts.sum())


def digits(p: Simulate, rng: np.random.Generator) -> xr.Dataset:
    """Each seed its own split. Trivial: the nearest mean of a class."""
    train, test = p.images
    parts, trivial = [], []
    for _ in range(p.seeds):
        found = load_images("digits", train, test, rng)
        x, seen = (part.reshape(len(part), -1) for part in (found.train, found.test))
        means = np.stack([x[found.train_label == k].mean(0) for k in range(10)])
        near = ((seen[:, None] - means) ** 2).sum(-1).argmin(1)
        trivial.append(float((near == found.test_label).mean()))
        parts.append((x, found.train_label, seen, found.test_label))
    pixels, labels, seen, asked = (np.stack(part) for part in zip(*parts, strict=True))
    return xr.Dataset(
        {
            "pixels": labelled(("seed", "image", "pixel"), pixels, "images", may_be_constant=1),
            "labels": labelled(("seed", "image"), labels, "classes"),
            "held_out": labelled(("seed", "test", "pixel"), seen, "test images", may_be_constant=1),
            "asked": labelled(("seed", "test"), asked, "classes of the test images"),
            "trivial": labelled("seed", trivial, "accuracy of the nearest mean"),
            "perfect": labelled("seed", np.ones(p.seeds), "accuracy 1", may_be_constant=1),
        }
    )


def choices(p: Simulate, rng: np.random.Generator) -> xr.Dataset:
    """A contextual bandit: one action of each context pays 1, the others less than a half. Trivial: one for all."""
    contexts = rng.standard_normal((p.seeds, p.contexts, p.dim))
    pay = rng.uniform(0, 0.5, (p.seeds, p.contexts, p.actions))
    np.put_along_axis(pay, rng.integers(p.actions, size=(p.seeds, p.contexts, 1)), 1.0, -1)
    return xr.Dataset(
        {
            "contexts": labelled(("seed", "context", "feature"), contexts, "contexts"),
            "pay": labelled(("seed", "context", "action"), pay, "reward"),
            "trivial": labelled("seed", pay.mean(1).max(-1), "reward of the best action for all"),
            "perfect": labelled("seed", np.ones(p.seeds), "reward of the best actions", may_be_constant=1),
        }
    )


WORLDS = {"sequences": sequences, "digits": digits, "choices": choices}
