"""Stationary samples of the pair on a ring and of trapped swimmers, and their exact entropy production."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.particles import Swimmers, minimum_image
from studies.active_probability_flow.solvable.grid import stationary
from studies.active_probability_flow.solvable.params import Params, Ring, Simulate, Trap

WATCH = 25  # steps between two looks at a walker's current


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return the groups `ring` and `trap`; the latter has one for each number of swimmers."""
    params: Simulate = case.params.simulate
    groups = {"ring": _ring(params, case.rng("ring"))}
    for many in params.trap.particles:
        groups[f"trap_{many}"] = _trap(params.trap, many, case.rng(f"trap {many}"))
    return xr.DataTree.from_dict(groups)


def ring_law(ring: Ring) -> Swimmers:
    """The pair's relative coordinate: one swimmer, and an obstacle at the origin."""
    return Swimmers(
        ring.speed, ring.turning, ring.diffusion, 0.0, ring.repulsion, ring.sharpness, box=ring.box, obstacle=True
    )


def trap_law(trap: Trap) -> Swimmers:
    """A swimmer on a line, in its trap."""
    return Swimmers(trap.speed, trap.turning, trap.diffusion, trap.stiffness)


def _ring(params: Simulate, rng: np.random.Generator) -> xr.Dataset:
    ring, law = params.ring, ring_law(params.ring)
    shape = (params.seeds, ring.walkers, 1, 1)
    x = rng.uniform(-law.box / 2, law.box / 2, shape)
    x, g = law.run(rng, x, rng.standard_normal(shape), ring.dt, round(ring.warm / ring.dt))
    current, looks, found = np.zeros(shape), round(ring.every / ring.dt / WATCH), []
    for _ in range(ring.snapshots):
        for _ in range(looks):
            before = x, g
            x, g = law.run(rng, x, g, ring.dt, WATCH)
            current += (g + before[1]) / 2 * minimum_image(x - before[0], law.box)
        found.append((x, g, *law.force(x)))
    places, propulsion, force, slope = (
        np.stack(part, 1).reshape(params.seeds, -1) for part in zip(*found, strict=True)
    )
    exact = stationary(law, ring.cells, ring.reach)
    dims, lattice, said = ("seed", "sample"), ("x", "g"), "by the Fokker-Planck equation"
    return xr.Dataset(
        {
            "place": labelled(dims, places, "distance of the pair along the ring", "R"),
            "propulsion": labelled(dims, propulsion, "propulsion"),
            "force": labelled(dims, force, "repulsion", "R per time"),
            "slope": labelled(dims, slope, "derivative of the repulsion", "per time"),
            "current": labelled(
                ("seed", "walker"), current[..., 0, 0], "propulsion along the path, integrated", "R", role="truth"
            ),
            "density": labelled(lattice, exact.density, f"density {said}", "per R", role="truth"),
            "velocity": labelled(("part", *lattice), exact.velocity, f"mean local velocity {said}", role="truth"),
            "production": labelled(
                "part", exact.parts, f"entropy production {said}", "nat per time", role="truth", may_be_constant=1
            ),
            "work": labelled((), exact.work, f"work of the propulsion {said}", "nat per time", role="truth"),
        },
        {"x": exact.x, "g": exact.g, "part": ["x", "g"], "seed": np.arange(params.seeds)},
    )


def _trap(trap: Trap, many: int, rng: np.random.Generator) -> xr.Dataset:
    """Sets of samples of the Gaussian law: columns are the places, then the propulsions."""
    cross = trap.speed / (trap.turning + trap.stiffness)
    spread = [[(trap.diffusion + trap.speed * cross) / trap.stiffness, cross], [cross, 1.0]]
    draws = rng.standard_normal((trap.sets, trap.samples, many, 2)) @ np.linalg.cholesky(spread).T
    truth = many * trap.speed**2 * trap.turning / (trap.diffusion * (trap.turning + trap.stiffness))
    return xr.Dataset(
        {
            "state": labelled(
                ("set", "sample", "column"), np.concatenate(list(np.moveaxis(draws, -1, 0)), -1), "state"
            ),
            "production": labelled((), truth, "entropy production in closed form", "nat per time", role="truth"),
        },
        {"set": np.arange(trap.sets)},
    )
