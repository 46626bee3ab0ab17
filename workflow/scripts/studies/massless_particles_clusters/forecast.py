"""Are MLPs bodies in a smooth potential? Their orbits in spherical ones, against what they did among the stars."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from pesin.integrate.symplectic import leapfrog
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.massless_particles_clusters.clusters import PLUMMER, core
from studies.massless_particles_clusters.params import Params

METHODS = ("persistence", "plummer", "frozen", "evolving")
SCORED = ("r", "v_r")


def forecast(case: Case[Params], data: Any) -> xr.Dataset:
    """`error` (scored, method, density, seed, horizon): mean absolute error over that of a shuffled truth.

    Nothing is fitted to MLPs. `persistence` keeps r and v_r; `plummer` is the potential at the start, in closed form;
    `frozen` is the mass that was within each radius when the forecast began, `evolving` the mass at each stored state,
    which it must be told. Each is a mean over the starts.
    """
    params = case.params
    horizons = np.array(params.forecast.horizons)
    steps = np.round(horizons / params.simulate.stored).astype(int)
    begun = np.round(np.array(params.forecast.starts) / params.simulate.stored).astype(int)
    found = np.zeros((len(METHODS), data.sizes["density"], params.simulate.seeds, steps.size, len(SCORED)))
    for d, density in enumerate(params.simulate.densities.values()):
        for s in case.progress(range(params.simulate.seeds)):
            one = data.isel(density=d, seed=s)
            cluster = [one[name].values.astype(float) for name in ("x", "v", "mass")]
            for start in begun:
                found[:, d, s] += scores(case, cluster, density.radius, start, steps) / begun.size
    error = np.moveaxis(found, -1, 0)
    return xr.Dataset(
        {
            "error": labelled(
                ("scored", "method", "density", "seed", "horizon"), error, "error over chance", may_be_constant=1
            )
        },
        {"scored": list(SCORED), "method": list(METHODS), "density": data["density"].values, "horizon": horizons},
    )


def scores(case: Case[Params], cluster: list[np.ndarray], radius: float, start: int, steps: np.ndarray) -> np.ndarray:
    """Errors over chance, (method, horizon, scored), of one cluster from one start on."""
    x, v, mass = cluster
    stars, softening = mass.shape[-1], case.params.simulate.softening
    states = range(start, start + int(steps.max()) + 1)
    centres = {at: core(x[at, :stars], mass[at])[0] for at in states}
    dt, last = case.params.simulate.stored / case.params.forecast.steps, case.params.forecast.steps
    smooth = {at: enclosed(x[at, :stars], mass[at], centres[at], softening) for at in states}
    first = x[start, stars:], v[start, stars:]
    truth = {at: radial(x[at, stars:], v[at, stars:], centres[at]) for at in states}
    found = np.empty((len(METHODS), steps.size, len(SCORED)))
    for m, method in enumerate(METHODS):
        place, motion = first
        for at in states:
            if at - start in steps:
                kept = method == "persistence"
                said = truth[start] if kept else radial(place, motion, centres[start if method != "evolving" else at])
                found[m, np.flatnonzero(steps == at - start)] = against_chance(said, truth[at])
            if method != "persistence" and at < states[-1]:
                pull = {
                    "plummer": sphere(centres[start], PLUMMER * radius),
                    "frozen": smooth[start],
                    "evolving": smooth[at],
                }[method]
                place, motion = (path[-1] for path in leapfrog(pull, place, motion, dt, last, last))
    return found


def radial(x: np.ndarray, v: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Distances from the centre and radial velocities, (scored, body)."""
    r = np.linalg.norm(x - centre, axis=-1)
    return np.stack([r, (v * (x - centre)).sum(-1) / np.maximum(r, 1e-12)])


def against_chance(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean absolute error over the mean absolute difference of two bodies' truths, (scored,)."""
    bodies = truth.shape[-1]
    ordered = np.sort(truth, -1)
    chance = 2 * ((2 * np.arange(bodies) - bodies + 1) * ordered).sum(-1) / (bodies * (bodies - 1))
    error = abs(said - truth).mean(-1)
    return np.where(chance > 0, error / np.where(chance > 0, chance, 1), 0.0)  # all at rest: nothing to err in


def enclosed(stars: np.ndarray, mass: np.ndarray, centre: np.ndarray, softening: float) -> Callable:
    """Acceleration by the stars' mass within each distance from the centre, as if it lay in spherical shells."""
    distance = np.linalg.norm(stars - centre, axis=-1)
    order = np.argsort(distance)
    edge, within = distance[order], np.concatenate([[0.0], np.cumsum(mass[order])])

    def pull(x: np.ndarray) -> np.ndarray:
        away = x - centre
        square = (away**2).sum(-1)
        inside = within[np.searchsorted(edge, np.sqrt(square))]
        return -(inside * (square + softening**2) ** -1.5)[:, None] * away

    return pull


def sphere(centre: np.ndarray, scale: float) -> Callable:
    """Acceleration by Plummer's sphere of mass 1."""

    def pull(x: np.ndarray) -> np.ndarray:
        away = x - centre
        return -(((away**2).sum(-1) + scale**2) ** -1.5)[:, None] * away

    return pull
