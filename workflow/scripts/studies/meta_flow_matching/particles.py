"""Interacting particles: clouds whose points move by a field of the cloud's own mean, or of its own shape.

dx/dt = -alpha (x - m) + beta J (x - m), m the cloud's mean, which stays; after unit time x is m + e^-alpha R(beta)
(x - m) with the rotation R. In `shape` beta is proportional to the log ratio of the covariance's eigenvalues, and m is
0, so that the mean tells nothing.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from studies.meta_flow_matching.params import Particles
from studies.meta_flow_matching.populations import Populations

Kind = Literal["drift", "shape"]
MOST = 3  # Gaussians of a population


def particles(rng: np.random.Generator, params: Particles, kind: Kind, seeds: int) -> tuple[Populations, Populations]:
    """Populations to learn from, others for each seed, and to test with, the same for all."""
    before = np.stack([clouds(rng, kind, params.train, params.points) for _ in range(seeds)])
    label = np.tile(np.arange(params.train), (seeds, 1))
    learnt = Populations(before, moved(params, kind, before), label)
    places, sds, share = laws(rng, kind, params.test)
    draws = [sampled(rng, kind, places, sds, share, params.points) for _ in range(3)]
    ends = [moved(params, kind, draw) for draw in draws]
    none = np.full((seeds, params.test), -1)
    start, end, first, second = (np.stack([x] * seeds) for x in (draws[0], *ends))
    return learnt, Populations(start, end, none, np.stack([first, second]))


def clouds(rng: np.random.Generator, kind: Kind, many: int, points: int) -> np.ndarray:
    """Clouds of as many laws, shape (many, points, 2)."""
    return sampled(rng, kind, *laws(rng, kind, many), points)


def laws(rng: np.random.Generator, kind: Kind, many: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (many, 3, 2), deviations (many, 3) and shares (many, 3) of mixtures of one to three round Gaussians."""
    count = rng.integers(1, MOST + 1, many)
    share = (np.arange(MOST) < count[:, None]) / count[:, None]
    middle = rng.uniform(-2, 2, (many, 1, 2)) if kind == "drift" else np.zeros((many, 1, 2))
    return middle + 1.5 * rng.standard_normal((many, MOST, 2)), rng.uniform(0.2, 0.6, (many, MOST)), share


def sampled(rng: np.random.Generator, kind: Kind, places, sds, share, points: int) -> np.ndarray:
    """A cloud of each law, shape (many, points, 2); those of `shape` are put so that their mean is 0."""
    which = (rng.random((len(share), points, 1)) > share.cumsum(-1)[:, None]).sum(-1)
    which = np.minimum(which, MOST - 1)
    middle = np.take_along_axis(places, which[..., None], 1)
    x = middle + np.take_along_axis(sds, which, 1)[..., None] * rng.standard_normal(middle.shape)
    return x - x.mean(-2, keepdims=True) if kind == "shape" else x


def propagators(params: Particles, kind: Kind, x: np.ndarray, time: float = 1.0) -> np.ndarray:
    """e^(-alpha t) R(beta t) of each cloud, shape (..., points, 2) -> (..., 2, 2)."""
    turn = np.full(x.shape[:-2], params.turn)
    if kind == "shape":
        apart = x - x.mean(-2, keepdims=True)
        spread = np.linalg.eigvalsh(apart.swapaxes(-1, -2) @ apart / x.shape[-2])
        turn = params.turn_by_shape * np.log(spread[..., 1] / spread[..., 0])
    cosine, sine = np.cos(turn * time), np.sin(turn * time)
    rotation = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    return np.exp(-params.contraction * time) * rotation


def moved(params: Particles, kind: Kind, x: np.ndarray) -> np.ndarray:
    """Where the points of each cloud are after unit time, shape (..., points, 2)."""
    mean = x.mean(-2, keepdims=True)
    return mean + (x - mean) @ propagators(params, kind, x).swapaxes(-1, -2)


def bridge_velocity(params: Particles, kind: Kind, before: np.ndarray, x: np.ndarray, t) -> np.ndarray:
    """The velocity x1 - x0 of the straight path that is at x at time t, by the population alone: the exact target.

    x_t = m + M_t (x0 - m) with M_t = (1 - t) + t M_1, so that it is (M_1 - 1) M_t^-1 (x_t - m). The time is a number,
    or one for each point, (..., points, 1).
    """
    mean, end = before.mean(-2, keepdims=True), propagators(params, kind, before)[..., None, :, :]
    one, when = np.eye(2), np.broadcast_to(t, (*x.shape[:-1], 1))[..., None]
    start = np.linalg.solve((1 - when) * one + when * end, (x - mean)[..., None])
    return ((end - one) @ start)[..., 0]
