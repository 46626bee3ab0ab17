"""Entropies of what the looks saw, and which tells the runs that will fail from those that will not."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import rankdata

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.foretold_failures.params import Params
from studies.foretold_failures.quantities import NONE, QUANTITIES, of_world

UNDECIDED = "a world without attention, or a seed in which all runs have one fate"


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """`value` (world, quantity, look, seed, draw), `auc` of it (..., seed), `failed` (world, seed), fates, scores."""
    p = case.params
    worlds = list(map(str, p.simulate.worlds))
    value = np.stack([of_world(data[name].to_dataset(), trained[name].to_dataset()) for name in worlds])
    score = np.stack(
        [relative_score(data[name].to_dataset(), trained[name].to_dataset()["score"].values) for name in worlds]
    )
    bars = np.array([drawn.bar for drawn in p.simulate.worlds.values()])
    failed = ~(score >= bars[:, None, None])  # one that diverged has failed
    labels = failed
    if p.entropy.labels == "dealt":
        rng = case.rng("labels")
        labels = rng.permuted(failed, axis=-1)
    auc = np.stack([foretold(one, own) for one, own in zip(value, labels, strict=True)])
    return xr.Dataset(
        {
            "auc": labelled(
                ("world", "quantity", "look", "seed"),
                auc,
                "area under the curve of failed runs foretold",
                nan=UNDECIDED,
            ),
            "value": labelled(("world", "quantity", "look", "seed", "draw"), value, "what a look finds", nan=NONE),
            "failed": labelled(("world", "seed"), failed.mean(-1), "share of runs that failed"),
            "fate": labelled(("world", "seed", "draw"), failed, "whether a run failed"),
            "bar": labelled("world", bars, "score below which a run has failed", may_be_constant=1),
            "score": labelled(("world", "seed", "draw"), np.nan_to_num(score, nan=-1), "score, 0 trivial, 1 perfect"),
        },
        {
            "world": worlds,
            "quantity": list(QUANTITIES),
            "named": ("quantity", list(QUANTITIES.values())),
            "look": p.train.looks,
            "seed": np.arange(p.simulate.seeds),
        },
    )


def relative_score(data: xr.Dataset, score: np.ndarray) -> np.ndarray:
    """Scores (seed, draw), 0 where no network is needed and 1 where nothing is left to learn."""
    trivial, perfect = data["trivial"].values[:, None], data["perfect"].values[:, None]
    return (score - trivial) / (perfect - trivial)


def foretold(value: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Area under the curve within each seed, (quantity, look, seed).

    Which side of a quantity foretells failure is learned from the other seeds: a quantity that knows nothing comes to
    about 0.5 and may fall below. Runs that had stopped count as the most suspicious.

    Parameters
    ----------
    value : ndarray, shape (quantity, look, seed, draw)
    failed : ndarray, bool, shape (seed, draw)
    """
    seeds = value.shape[2]
    high = np.stack([area(value[:, :, i], failed[i]) for i in range(seeds)], -1)
    low = np.stack([area(-value[:, :, i], failed[i]) for i in range(seeds)], -1)
    others = [np.delete(np.arange(seeds), i) for i in range(seeds)]
    with np.errstate(invalid="ignore"):
        tilt = np.stack([_mean((high - low)[..., rest]) for rest in others], -1)
    return np.where(tilt >= 0, high, low)


def area(value: np.ndarray, failed: np.ndarray) -> np.ndarray:
    """Chance that a failed run has the larger value, ties a half: (..., draw) and (draw,) -> (...)."""
    if failed.all() or not failed.any():
        return np.full(value.shape[:-1], np.nan)
    ranks = rankdata(np.nan_to_num(value, nan=np.inf, posinf=np.inf, neginf=-np.inf), axis=-1)
    number = failed.sum()
    found = (ranks[..., failed].sum(-1) - number * (number + 1) / 2) / (number * (~failed).sum())
    return np.where(np.isnan(value).all(-1), np.nan, found)


def _mean(x: np.ndarray) -> np.ndarray:
    """Mean of the last axis over what there is; 0 if there is nothing."""
    there = np.isfinite(x)
    return np.where(there, x, 0).sum(-1) / np.maximum(there.sum(-1), 1)
