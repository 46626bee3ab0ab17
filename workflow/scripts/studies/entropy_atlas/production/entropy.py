"""Entropy production of each sample by five estimators, against the closed form."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.spatial import cKDTree
from torch.nn.functional import silu

from pesin.entropy.nonequilibrium import langevin_entropy_production
from pesin.models.mlp import apply_mlp
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.entropy_atlas.production.params import Params
from studies.entropy_atlas.production.train import samples_of
from studies.entropy_atlas.production.worlds import WORLDS, World

ESTIMATORS = {
    "exact_score": "the exact score",
    "score_free": "no score: the steady state's identity",
    "learned": "a score learned by a network",
    "gaussian": "the score of a Gaussian",
    "neighbours": "a score by nearest neighbours",
}


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """`rate` and its errors (world, estimator, dim, size, seed) beside `exact` (world, dim)."""
    p = case.params.simulate
    found = np.array([[_of_world(case, data, trained, name, dim) for dim in p.dims] for name in p.worlds])
    exact = np.array([[float(data[f"{name}_{dim}"]["production"]) for dim in p.dims] for name in p.worlds])
    rate = np.moveaxis(found, 2, 1)  # (world, estimator, dim, size, seed)
    error = rate / exact[:, None, :, None, None] - 1
    dims = ("world", "estimator", "dim", "size", "seed")
    return xr.Dataset(
        {
            "rate": labelled(dims, rate, "entropy production", "nat per time", nan=DIVERGED),
            "error": labelled(dims, error, "relative error", nan=DIVERGED),
            "miss": labelled(dims, abs(error), "absolute relative error of the entropy production", nan=DIVERGED),
            "exact": labelled(("world", "dim"), exact, "entropy production, exact", "nat per time"),
        },
        {
            "world": p.worlds,
            "estimator": list(ESTIMATORS),
            "named": ("estimator", list(ESTIMATORS.values())),
            "dim": p.dims,
            "size": p.samples,
            "seed": np.arange(p.seeds),
        },
    )


def _of_world(case: Case[Params], data: xr.DataTree, trained: xr.DataTree, name: str, dim: int) -> np.ndarray:
    """Rates of one world in one dimension: (estimator, size, seed)."""
    p, world, group = case.params, WORLDS[name](dim), f"{name}_{dim}"
    state = data[group].to_dataset()["state"].values
    learned = iter(_learned(trained[group].to_dataset(), samples_of(state, p.simulate.samples)))
    found = np.empty((len(ESTIMATORS), len(p.simulate.samples), len(state)))
    for place, size in enumerate(p.simulate.samples):
        for seed in range(len(state)):
            x = state[seed, :size]
            if p.entropy.scores == "none":
                scores = dict.fromkeys(("learned", "gaussian", "neighbours"), np.zeros_like(x))
            else:
                scores = {
                    "learned": next(learned) / x.std(0),
                    "gaussian": (x.mean(0) - x) @ np.linalg.inv(np.cov(x.T)),
                    "neighbours": by_neighbours(x, p.entropy.neighbours_in == "pairs"),
                }
            scores["exact_score"] = world.score(x / p.simulate.broad) / p.simulate.broad
            for row, estimator in enumerate(ESTIMATORS):
                found[row, place, seed] = (
                    score_free(world, x) if estimator == "score_free" else from_score(world, x, scores[estimator])
                )
    return found


def from_score(world: World, x: np.ndarray, score: np.ndarray) -> float:
    """Mean of the squared local velocity b - D s, in units of D."""
    if not np.isfinite(score).all():
        return np.nan
    return float(langevin_entropy_production(world.drift(x), score, np.diag(world.diffusion)).value)


def score_free(world: World, x: np.ndarray) -> float:
    """<b' D^-1 b> + <div b>, since in a steady state <v . s> = 0 and <b . s> = -<div b>."""
    drift = world.drift(x)
    return float(((drift**2 / world.diffusion).sum(-1) + world.divergence(x)).mean())


def by_neighbours(x: np.ndarray, pairs: bool = False) -> np.ndarray:
    """Gradient of the log density at each x: (dim + 2) (mean of its k nearest - x) / (distance of the kth)^2.

    Fukunaga and Hostetler, IEEE Trans. Inf. Theory 21, 32 (1975); k = n^(4 / (dim + 4)), coordinates in units of their
    standard deviation. With `pairs`, each two coordinates by themselves.
    """
    samples, dim = x.shape
    if pairs and dim > 2:
        return np.concatenate([by_neighbours(x[:, i : i + 2]) for i in range(0, dim, 2)], 1)
    scale = x.std(0)
    z, k = x / scale, max(2, round(samples ** (4 / (dim + 4))))
    distance, index = cKDTree(z).query(z, k + 1)
    return (dim + 2) * (z[index[:, 1:]].mean(1) - z) / distance[:, -1:] ** 2 / scale


def _learned(weights: xr.Dataset, samples: list[np.ndarray]) -> list[np.ndarray]:
    """Scores at standardised samples, one network each."""
    told = {str(name): torch.as_tensor(value.values) for name, value in weights.data_vars.items()}
    with torch.no_grad():
        found = [
            apply_mlp(
                {name: value[[run]] for name, value in told.items()}, torch.tensor(x[None], dtype=torch.float32), silu
            )
            for run, x in enumerate(samples)
        ]
    return [score[0].double().numpy() for score in found]
