"""Losses of the particles' fields on new populations, and the least that a field of place and time alone can have."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from pesin.steps.case import Case
from studies.meta_flow_matching.networks import Trained
from studies.meta_flow_matching.params import Params
from studies.meta_flow_matching.particles import Kind, bridge_velocity, clouds, moved

TIME_SCALE = 2.0  # an interval of time counts as so many units of length among neighbours


def losses_on_new(case: Case[Params], kind: Kind, networks: Trained) -> dict[str, tuple]:
    """Loss of every arm and seed, of the exact field, and the least, as arguments of `labelled`."""
    before, x, t, target = fresh(case, kind, networks.runs.seeds)
    code = networks.codes(before, np.full(before.shape[:2], -1))
    learned = networks.by_block(networks.field(networks.tensor(x), networks.tensor(t), code))
    exact = bridge_velocity(case.params.simulate.particles, kind, before, x, t)
    loss, known = (((field - target) ** 2).sum(-1).mean((-1, -2)) for field in (learned, exact))
    floor = least_loss(case, kind, x, t, target)
    return {
        "loss": (("arm", "seed"), loss, "flow matching loss on new populations"),
        "floor_of_loss": (("seed",), floor, "least loss of a field of place and time alone"),
        "loss_over_floor": (("arm", "seed"), loss / floor, "loss over the least of a field of place and time alone"),
        "loss_of_exact": (("seed",), known, "loss of the exact field, from each population"),
    }


def fresh(case: Case[Params], kind: Kind, seeds: int) -> tuple[np.ndarray, ...]:
    """New populations, and of each some points of the straight paths: before, x, t and x1 - x0, by seed."""
    asked, rng, made = case.params.forecast.losses, case.rng(f"fresh {kind}"), case.params.simulate.particles
    before = np.stack([clouds(rng, kind, asked.populations, made.points) for _ in range(seeds)])
    start, end = (cloud[:, :, : asked.points] for cloud in (before, moved(made, kind, before)))
    t = rng.random((*start.shape[:-1], 1))
    return before, (1 - t) * start + t * end, t, end - start


def least_loss(case: Case[Params], kind: Kind, x: np.ndarray, t: np.ndarray, target: np.ndarray) -> np.ndarray:
    """E Var(x1 - x0 | x, t), below which no field of place and time alone can be, by seed: shape (seeds,).

    By the paths of many other populations, at the very points whose loss it is held against, so that what makes these
    populations easy or hard cancels.
    """
    asked, made, rng = case.params.forecast.losses, case.params.simulate.particles, case.rng(f"floor {kind}")
    before = clouds(rng, kind, asked.floor, made.points)
    after, when = moved(made, kind, before), rng.random((*before.shape[:2], 1))
    pool = np.concatenate([(1 - when) * before + when * after, TIME_SCALE * when], -1)
    known, velocity = pool.reshape(-1, pool.shape[-1]), (after - before).reshape(-1, x.shape[-1])
    places = np.concatenate([x, TIME_SCALE * t], -1).reshape(len(x), -1, pool.shape[-1])
    wanted = target.reshape(*places.shape[:2], -1)
    return np.array(
        [unexplained(known, velocity, *some, asked.neighbours) for some in zip(places, wanted, strict=True)]
    )


def unexplained(known: np.ndarray, values: np.ndarray, places: np.ndarray, wanted: np.ndarray, k: int) -> float:
    """Mean square of what places don't tell of values: the error of a linear regression among the k nearest known ones.

    What the regression's own scatter adds to an error, a share of its leverage at the place, is taken off.

    Parameters
    ----------
    known, values : shapes (samples, dim), (samples, out)
    places, wanted : shapes (points, dim), (points, out)
        Others, of the same law.
    """
    distance, index = cKDTree(known).query(places, k)
    near = (known[index] - places[:, None]) / distance[:, -1:, None]
    design = np.concatenate([np.ones((*near.shape[:2], 1)), near], -1)
    inverse = np.linalg.inv(design.swapaxes(-1, -2) @ design)[:, :1]
    guess = (inverse @ design.swapaxes(-1, -2) @ values[index])[:, 0]
    return float((((guess - wanted) ** 2).sum(-1) / (1 + inverse[:, 0, 0])).mean())
