"""The world: clusters of stars and of bodies without mass, of two densities, followed by direct sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.integrate.symplectic import leapfrog
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.gravity import gravity
from studies.massless_particles_clusters.clusters import DISPERSION, kroupa, left, plummer
from studies.massless_particles_clusters.params import Density, Params

BODIES = ("density", "seed", "time", "body", "axis")


def simulate(case: Case[Params]) -> xr.Dataset:
    """Paths `x`, `v` and potentials `phi` of all bodies, stars first; `mass` of stars at each time; `energy_error`.

    Units are Hénon's. The energy error is what the integrator has done to the energy so far, over the energy at the
    start: losses of mass and kicks fall between its pieces.
    """
    params = case.params.simulate
    start = drawn(case)
    found = [followed(case, density, *start) for density in params.densities.values()]
    x, v, phi, mass, error = (np.stack(part) for part in zip(*found, strict=True))
    times = params.stored * np.arange(x.shape[2])
    held: dict[str, Any] = {"may_be_constant": 1}  # equal masses; the null
    return xr.Dataset(
        {
            "x": labelled(BODIES, x.astype(np.float32), "place", "N-body"),
            "v": labelled(BODIES, v.astype(np.float32), "velocity", "N-body", **held),
            "phi": labelled(BODIES[:-1], phi.astype(np.float32), "potential", "N-body"),
            "mass": labelled(
                ("density", "seed", "time", "star"), mass.astype(np.float32), "mass of a star", "N-body", **held
            ),
            "energy_error": labelled(BODIES[:3], error, "error of the energy, relative", **held),
        },
        {"density": list(params.densities), "time": times},
        {"myr_per_time": params.myr, "softening": params.softening},
    )


def drawn(case: Case[Params]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, velocities (seed, body, axis) and masses (seed, star), solar, of clusters of radius 1."""
    params = case.params.simulate
    x, v = plummer(case.rng("bodies"), params.seeds, params.stars + params.tracers)
    solar = kroupa(case.rng("masses"), params.heaviest, params.seeds, params.stars)
    if params.masses == "equal":
        solar = np.broadcast_to(solar.mean(-1, keepdims=True), solar.shape)
    share = (solar / solar.sum(-1, keepdims=True))[..., None]
    for part in (x, v):  # the centre of mass stands still at the origin
        part -= (share * part[:, : params.stars]).sum(1, keepdims=True)
    return x, v, solar


def followed(case: Case[Params], density: Density, x, v, solar) -> tuple[np.ndarray, ...]:
    """One density: x and v (seed, time, body, axis), phi (seed, time, body), mass (seed, time, star), energy errors."""
    params = case.params.simulate
    stars, pieces = params.stars, round(params.duration / params.stored)
    x, v = x * density.radius, v / density.radius**0.5
    total = solar.sum(-1, keepdims=True)
    pushes = kicks(case, density, solar)
    mass, error, found = solar / total, np.zeros(params.seeds), []

    def pull(x: np.ndarray) -> np.ndarray:
        acceleration = np.zeros_like(x)
        moving = slice(stars if params.motion == "tracers" else 0, None)
        acceleration[:, moving] = gravity(x[:, moving], x[:, :stars], mass, params.softening)[0]
        return acceleration

    if params.motion != "all":
        v[:, : stars if params.motion == "tracers" else None] = 0
    for piece in case.progress(range(pieces + 1)):
        if params.evolution:
            mass = solar / total * left(solar, piece * params.stored * params.myr)
        v = v + pushes.get(piece, 0.0)
        phi = gravity(x, x[:, :stars], mass, params.softening)[1]
        found.append((x, v, phi, mass, error))
        if piece < pieces and params.motion != "none":
            before = energy(v, phi, mass)
            dt = params.stored / density.steps
            x, v = (path[-1] for path in leapfrog(pull, x, v, dt, density.steps, density.steps))
            if params.motion == "all":
                after = energy(v, gravity(x[:, :stars], x[:, :stars], mass, params.softening)[1], mass)
                error = error + (after - before) / abs(energy(*(found[0][i] for i in (1, 2, 3))))
    return tuple(np.stack(part, 1) for part in zip(*found, strict=True))


def energy(v: np.ndarray, phi: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Of the stars of each seed."""
    stars = mass.shape[-1]
    return (mass * ((v[:, :stars] ** 2).sum(-1) + phi[:, :stars])).sum(-1) / 2


def kicks(case: Case[Params], density: Density, solar: np.ndarray) -> dict[int, np.ndarray]:
    """Changes of velocity (seed, body, axis) by the place of the stored state at which they happen."""
    params = case.params.simulate
    many = round(params.kicked * params.stars)
    if not many:
        return {}
    rng = case.rng("kicks")
    last = round(params.duration / params.stored / 2)
    when = rng.integers(1, last + 1, (params.seeds, many))
    push = rng.standard_normal((params.seeds, many, 3)) * params.kick * DISPERSION / density.radius**0.5
    heavy = np.argsort(-solar, -1, kind="stable")[:, :many]
    found = {}
    for piece in np.unique(when).tolist():
        change = np.zeros((params.seeds, params.stars + params.tracers, 3))
        seed, place = np.nonzero(when == piece)
        change[seed, heavy[seed, place]] = push[seed, place]
        found[piece] = change
    return found
