"""Irregular series of two worlds, predators and prey, a relaxing process."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.steppers import follow
from pesin.integrate.stochastic import linear_transition
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.neural_differential_equations.learned.letters import written
from studies.neural_differential_equations.learned.params import Params, Relaxation, Series

WORLDS = ["spirals", "strokes"]
CHANNELS = 3
CLASSES = 4
RATIOS = ((1, 2), (2, 1), (2, 3), (3, 2))
BIRTH, EATEN, FED, DEATH = 1.3, 0.9, 0.8, 1.8
BEGIN = (0.44249, 4.6280)


def simulate(case: Case[Params]) -> xr.DataTree:
    """All worlds; each seed has data of its own."""
    params = case.params.simulate
    return xr.DataTree.from_dict(
        {
            "/series": series(params.series, params.seeds, case.rng("series")),
            "/dense": dense(params.series, params.seeds, case.rng("dense")),
            "/predators": predators(params, case.rng("predators")),
            "/relaxation": relaxation(params.relaxation, params.seeds, case.rng("relaxation")),
        }
    )


def series(params: Series, seeds: int, rng: np.random.Generator) -> xr.Dataset:
    """Series at their own times in [0, 1], and which points are kept at each share dropped."""
    shape = (len(WORLDS), seeds, params.train + params.test)
    t = np.sort(rng.uniform(0, 1, (*shape, params.points)), -1)
    x, label = curves(params, t, rng)
    x += params.noise * rng.standard_normal(x.shape)
    order = rng.random(t.shape).argsort(-1)
    kept = np.stack([order >= round(drop * params.points) for drop in params.drops])
    dims = ("world", "seed", "sample", "time")
    return xr.Dataset(
        {
            "x": labelled((*dims, "channel"), x.astype(np.float32), "series"),
            "t": labelled(dims, t, "time"),
            "label": labelled(dims[:3], label, "class"),
            "kept": labelled(("drop", *dims), kept.astype(np.int8), "whether the point is kept"),
        },
        {"world": WORLDS, "drop": params.drops},
    )


def dense(params: Series, seeds: int, rng: np.random.Generator) -> xr.Dataset:
    """Series of many points without noise."""
    shape = (len(WORLDS), seeds, params.denser)
    t = np.sort(rng.uniform(0, 1, (*shape, params.dense)), -1)
    x = curves(params, t, rng)[0].astype(np.float32)
    dims = ("world", "seed", "sample", "time")
    return xr.Dataset(
        {"x": labelled((*dims, "channel"), x, "series"), "t": labelled(dims, t, "time")}, {"world": WORLDS}
    )


def curves(params: Series, t: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Both worlds at given times, (worlds, seeds, n, points), and their classes."""
    label = rng.integers(0, np.array([2, CLASSES])[:, None, None], t.shape[:-1])
    x = np.stack([spirals(rng, t[0], label[0]), strokes(rng, t[1], label[1])])
    if params.letters is not None:
        x[1], label[1] = written(params.letters, t[1], CLASSES, rng)
    return x, label


def spirals(rng: np.random.Generator, t: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Two turns, outward, left or right; the third channel is empty. Shape (..., time, 3)."""
    first = rng.uniform(0, 2 * np.pi, label.shape)[..., None]
    angle = first + np.where(label, 1, -1)[..., None] * 4 * np.pi * t
    radius = rng.uniform(0.2, 0.5, label.shape)[..., None] + 0.5 * t
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros_like(t)], -1)


def strokes(rng: np.random.Generator, t: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Lissajous figures, one ratio of frequencies for each class, and the speed of the pen. Shape (..., time, 3).

    As letters they are begun in about the same way each time: the phases' standard deviation is half a radian.
    """
    p, q = 2 * np.pi * np.moveaxis(np.array(RATIOS)[label], -1, 0)[..., None]
    one, other = rng.normal(0, 0.5, (2, *label.shape, 1))
    size = rng.uniform(0.7, 1.3, label.shape)[..., None]
    speed = np.hypot(p * np.cos(p * t + one), q * np.cos(q * t + other)) / 20
    return np.stack([size * np.sin(p * t + one), size * np.sin(q * t + other), size * speed], -1)


def interacting(x: np.ndarray, t: float) -> np.ndarray:
    """The species' rates, (..., 2) -> (..., 2)."""
    prey, hunters = x[..., 0], x[..., 1]
    return np.stack([BIRTH * prey - EATEN * prey * hunters, FED * prey * hunters - DEATH * hunters], -1)


def predators(params, rng: np.random.Generator, fine: int = 40) -> xr.Dataset:
    """What is observed over the horizon, and the truth over twice of it."""
    made = params.predators
    times = np.linspace(0, 2 * made.horizon, 2 * (made.points - 1) * fine + 1)
    path = np.stack([np.array(BEGIN), *follow(interacting, np.array(BEGIN), times)])[::fine]
    seen = path[: made.points] * (1 + made.noise * rng.standard_normal((params.seeds, made.points, 2)))
    return xr.Dataset(
        {
            "seen": labelled(("seed", "seen_time", "species"), seen, "observed abundance"),
            "truth": labelled(("moment", "species"), path, "abundance", role="truth"),
        },
        {"moment": times[::fine], "seen_time": times[::fine][: made.points], "species": ["prey", "predators"]},
    )


def exact_moments(params: Relaxation) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance at all times."""
    t, rate = np.arange(params.times), params.rate
    mean = params.drift / rate * (t + np.expm1(-rate * t) / rate)
    return mean, -(params.noise**2) * np.expm1(-2 * rate * t) / (2 * rate)


def relaxation(params: Relaxation, seeds: int, rng: np.random.Generator) -> xr.Dataset:
    """Paths, exact at the times."""
    propagator, variance = linear_transition([[params.rate]], [[params.noise**2]], 1.0)
    mean, _ = exact_moments(params)
    noise = variance[0, 0] ** 0.5 * rng.standard_normal((seeds, params.paths, params.times))
    x = np.zeros_like(noise)
    for i in range(1, params.times):
        x[..., i] = propagator[0, 0] * x[..., i - 1] + noise[..., i]
    values = (x + mean).astype(np.float32)
    return xr.Dataset({"x": labelled(("seed", "path", "time"), values, "relaxing process")})
