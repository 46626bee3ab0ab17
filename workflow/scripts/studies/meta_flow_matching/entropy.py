"""What embeddings know of a population, and the entropy that each field makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.neighbours import differential_entropy, mutual_information
from pesin.forecast.classify import area_under_curve
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.meta_flow_matching.networks import Trained
from studies.meta_flow_matching.params import Arm, Params
from studies.meta_flow_matching.particles import Kind, clouds

DIM = 2
LOOKED_AT: tuple[Arm, ...] = ("none", "graph")  # arms whose flows' entropy is computed
FAR = 4.0  # how far the means of populations outside the training's support are moved


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Groups of the worlds of particles."""
    worlds = [world for world in ("drift", "shape") if world in case.params.train.worlds]
    return xr.DataTree.from_dict({world: _world(case, world, data[f"{world}/test"], trained) for world in worlds})


def _world(case: Case[Params], kind: Kind, test: Any, trained: xr.DataTree) -> xr.Dataset:
    networks = Trained(trained, kind, case.params.train, "trained", "own", case.device, LOOKED_AT)
    found = _embeddings(case, kind, networks) | _entropies(case, test, networks)
    coordinates = {"arm": list(LOOKED_AT), "seed": np.arange(networks.runs.seeds), "component": [1, 2]}
    return xr.Dataset(
        {name: labelled(*value, nan=DIVERGED, may_be_constant=1) for name, value in found.items()}, coordinates
    )


def _embeddings(case: Case[Params], kind: Kind, networks: Trained) -> dict[str, tuple]:
    """What `graph` knows: information on the mean (drift) or the shape, and whether it sees what it never saw."""
    block, width, seeds = networks.runs.arms.index("graph"), case.params.train.code, networks.runs.seeds
    rng, many = case.rng(f"new {kind}"), case.params.entropy.populations
    before = np.stack([clouds(rng, kind, many, case.params.simulate.particles.points) for _ in range(seeds)])
    angle = rng.uniform(0, 2 * np.pi, before.shape[:2])
    far = before + FAR * np.stack([np.cos(angle), np.sin(angle)], -1)[:, :, None]
    label = np.full(before.shape[:2], -1)
    here, there = (networks.by_block(networks.codes(x, label))[block][..., :width] for x in (before, far))
    half, found = many // 2, []
    for inside, outside, cloud in zip(here, there, before, strict=True):
        if not np.isfinite(inside).all():
            found.append((np.full((len(cloud), 2), np.nan), np.nan, np.nan))
            continue
        centre = inside[:half].mean(0)
        _, sizes, axes = np.linalg.svd(inside[:half] - centre, full_matrices=False)
        scores = (inside - centre) @ axes[:2].T
        information = mutual_information(_standard(scores), _standard(statistic(kind, cloud))).value
        scale = np.maximum(sizes, 1e-3 * sizes[0])
        apart = [np.linalg.norm((x - centre) @ axes.T / scale, axis=-1) for x in (outside, inside[half:])]
        found.append((scores, float(information), float(area_under_curve(*apart))))
    shown, information, seen = (np.stack(part) for part in zip(*found, strict=True))
    known = np.stack([statistic(kind, cloud) for cloud in before])
    said = "mean of the population" if kind == "drift" else "log ratio of the covariance's eigenvalues"
    return {
        "information": (("seed",), information, f"information of the embedding on the {said}", "nat"),
        "detection": (("seed",), seen, "AUC of the embedding's Mahalanobis distance, populations moved away"),
        "scores": (("seed", "new", "component"), shown, "principal component of the embedding"),
        "statistic": (("seed", "new", "part"), known, said),
    }


def statistic(kind: Kind, x: np.ndarray) -> np.ndarray:
    """What the step of a population hangs on, (populations, points, 2) -> (populations, parts)."""
    mean = x.mean(-2)
    if kind == "drift":
        return mean
    apart = x - mean[:, None]
    spread = np.linalg.eigvalsh(apart.swapaxes(-1, -2) @ apart)
    return np.log(spread[:, 1:] / spread[:, :1])


def _standard(x: np.ndarray) -> np.ndarray:
    return (x - x.mean(0)) / x.std(0)


def _entropies(case: Case[Params], test: Any, some: Trained) -> dict[str, tuple]:
    """Change of the differential entropy from before to after, predicted and true, of test populations, by k-NN."""
    before, label = test["before"].values, test["label"].values
    ends = some.ends(before, label, case.params.entropy.steps)

    def spread(x: np.ndarray) -> np.ndarray:
        finite = np.isfinite(x).all((-1, -2))
        value = differential_entropy(np.where(finite[..., None, None], x, before[0]), norm="euclidean").value
        return np.where(finite, value, np.nan)

    change = spread(ends) - spread(before)
    exact = -DIM * case.params.simulate.particles.contraction
    said = "change of the differential entropy"
    return {
        "entropy_change": (("arm", "seed", "population"), change, said, "nat"),
        "true_change": (("seed", "population"), spread(test["after"].values) - spread(before), f"true {said}", "nat"),
        "exact_change": ((), exact, f"exact {said}", "nat"),
    }
