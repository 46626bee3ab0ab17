"""Losses of the particles' fields above the least, what embeddings know, and the entropy that each field makes."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from pesin.entropy.neighbours import differential_entropy, mutual_information
from pesin.forecast.classify import area_under_curve
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.meta_flow_matching.networks import Trained
from studies.meta_flow_matching.params import Arm, Params
from studies.meta_flow_matching.particles import Kind, bridge_velocity, clouds, moved

DIM = 2
LOOKED_AT: tuple[Arm, ...] = ("none", "graph")  # arms whose flows' entropy is computed
EMBEDDED = 300  # new populations whose embeddings are looked at
FAR = 4.0  # how far the means of populations outside the training's support are moved
TIME_SCALE = 2.0  # an interval of time counts as so many units of length among neighbours


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Groups of the worlds of particles."""
    worlds = [world for world in ("drift", "shape") if world in case.params.train.worlds]
    return xr.DataTree.from_dict({world: _world(case, world, data[f"{world}/test"], trained) for world in worlds})


def _world(case: Case[Params], kind: Kind, test: Any, trained: xr.DataTree) -> xr.Dataset:
    params = case.params.entropy
    arms = case.params.train.worlds[kind].arms
    given = (trained, kind, case.params.train, params.networks, params.embedding, case.device)
    networks = Trained(*given, arms=tuple(arms))
    seeds = networks.runs.seeds
    before, x, t, target = fresh(case, kind, seeds)
    loss, exact = losses(case, kind, networks, before, x, t, target)
    floor = least_loss(case, kind, x, t)
    found: dict[str, tuple] = {
        "loss": (("model", "seed"), loss, "flow matching loss on new populations"),
        "floor": (("seed",), floor, "least loss of a field of place and time alone"),
        "loss_over_floor": (("model", "seed"), loss / floor, "loss over the least of a field of place and time alone"),
        "loss_of_exact": (("seed",), exact, "loss of the exact field, from each population"),
    }
    coordinates: dict[str, Any] = {"model": arms, "seed": np.arange(seeds)}
    two = Trained(*given, arms=LOOKED_AT)
    parts = [found, _embeddings(case, kind, two, before[:, :EMBEDDED]), _entropies(case, kind, test, two)]
    together = {
        name: labelled(*value, nan=DIVERGED, may_be_constant=1) for part in parts for name, value in part.items()
    }
    return xr.Dataset(together, coordinates | {"arm": list(LOOKED_AT), "component": [1, 2]})


def fresh(case: Case[Params], kind: Kind, seeds: int) -> tuple[np.ndarray, ...]:
    """New populations, and of each some points of the straight paths: before, x, t and x1 - x0, by seed."""
    params, rng = case.params, case.rng(f"fresh {kind}")
    many, some = params.entropy.fresh, params.entropy.points
    made = params.simulate.particles
    before = np.stack([clouds(rng, kind, many, made.points) for _ in range(seeds)])
    after, t = moved(made, kind, before)[:, :, :some], rng.random((seeds, many, some, 1))
    start = before[:, :, :some]
    return before, (1 - t) * start + t * after, t, after - start


def losses(case: Case[Params], kind: Kind, networks: Trained, before, x, t, target) -> tuple[np.ndarray, np.ndarray]:
    """Loss of every arm and seed, (arms, seeds), and of the exact field, (seeds,)."""
    label = np.full(before.shape[:2], -1)
    code = networks.codes(before, label)
    learned = networks.by_block(networks.field(networks.tensor(x), networks.tensor(t), code))
    exact = bridge_velocity(case.params.simulate.particles, kind, before, x, t)
    first, second = (((field - target) ** 2).sum(-1).mean((-1, -2)) for field in (learned, exact))
    return first, second


def least_loss(case: Case[Params], kind: Kind, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """E Var(x1 - x0 | x, t) at places and times by seed: what no field of them alone can be below, shape (seeds,).

    Among the nearest points of many other populations' paths, the residual variance of a linear regression.
    """
    params, made, rng = case.params.entropy, case.params.simulate.particles, case.rng(f"floor {kind}")
    before = clouds(rng, kind, params.floor, made.points)
    after, when = moved(made, kind, before), rng.random((*before.shape[:2], 1))
    pool = np.concatenate([(1 - when) * before + when * after, TIME_SCALE * when], -1).reshape(-1, DIM + 1)
    velocity, tree, found = (after - before).reshape(-1, DIM), cKDTree(pool), []
    for places in np.concatenate([x, TIME_SCALE * t], -1).reshape(len(x), -1, DIM + 1):
        some = places[rng.permutation(len(places))[: params.places]]
        index = tree.query(some, params.neighbours)[1]
        near = pool[index] - some[:, None]
        design = np.concatenate([np.ones((*near.shape[:2], 1)), near], -1)
        left = velocity[index] - design @ (np.linalg.pinv(design) @ velocity[index])
        found.append((left**2).sum((-1, -2)).mean() / (params.neighbours - design.shape[-1]))
    return np.array(found)


def _embeddings(case: Case[Params], kind: Kind, networks: Trained, before: np.ndarray) -> dict[str, tuple]:
    """What `graph` knows: information on the mean (drift) or the shape, and whether it sees what it never saw."""
    block, width = networks.runs.arms.index("graph"), case.params.train.code
    far = before.copy()
    angle = case.rng(f"far {kind}").uniform(0, 2 * np.pi, before.shape[:2])
    far += FAR * np.stack([np.cos(angle), np.sin(angle)], -1)[:, :, None]
    label = np.full(before.shape[:2], -1)
    here, there = (networks.by_block(networks.codes(x, label))[block][..., :width] for x in (before, far))
    half, found = here.shape[1] // 2, []
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
        "scores": (("seed", "fresh", "component"), shown, "principal component of the embedding"),
        "statistic": (("seed", "fresh", "part"), known, said),
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


def _entropies(case: Case[Params], kind: Kind, test: Any, some: Trained) -> dict[str, tuple]:
    """Change of the differential entropy from before to after, predicted and true, of test populations, by k-NN."""
    params = case.params.entropy
    before, label = test["before"].values, test["label"].values
    ends = some.ends(before, label, before.shape[2], params.steps)

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
