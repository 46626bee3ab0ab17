"""Snapshots of swimmers in periodic boxes, with their repulsion and, from the same propulsions' law, without."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.particles import Swimmers, box_edge, lattice
from studies.active_probability_flow.fluid.params import Params, Simulate

WORLDS = ("repulsive", "ideal")


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return one group for each number of particles and packing."""
    params = case.params.simulate
    found = {}
    for many, packing in systems(params):
        name = group(many, packing)
        found[name] = _fluid(params, many, packing, case.rng(name))
    return xr.DataTree.from_dict(found)


def systems(params: Simulate) -> list[tuple[int, float]]:
    """Numbers of particles and packings: all sizes at one packing, then all packings at the first size."""
    of_size = [(many, params.packing) for many in params.sizes]
    return of_size + [(params.sizes[0], packing) for packing in params.packings if packing != params.packing]


def group(many: int, packing: float) -> str:
    """Name of a system's results."""
    return f"particles_{many}_percent_{100 * packing:g}".replace(".", "_")


def law_of(params: Simulate, world: str, many: int, packing: float) -> Swimmers:
    """The law of motion in one world."""
    repulsion = params.repulsion if world == "repulsive" else 0.0
    box = box_edge(many, packing)
    return Swimmers(params.speed, params.turning, repulsion=repulsion, sharpness=params.sharpness, box=box)


def _fluid(params: Simulate, many: int, packing: float, rng: np.random.Generator) -> xr.Dataset:
    """States of each world (world, seed, copy, snapshot, particle, axis)."""
    shape = (params.seeds, params.copies, many, 2)
    states = []
    for world in WORLDS:
        law = law_of(params, world, many, packing)
        x, g = np.broadcast_to(lattice(many, law.box), shape), rng.standard_normal(shape)
        x, g = law.run(rng, x, g, params.dt, round(params.warm / params.dt))
        found = []
        for _ in range(params.snapshots):
            x, g = law.run(rng, x, g, params.dt, round(params.every / params.dt))
            found.append((x, g))
        states.append([np.stack(part, 2) for part in zip(*found, strict=True)])
    places, propulsion = (np.stack(part) for part in zip(*states, strict=True))
    dims = ("world", "seed", "copy", "snapshot", "particle", "axis")
    return xr.Dataset(
        {
            "place": labelled(dims, places, "place", "R"),
            "propulsion": labelled(dims, propulsion, "propulsion"),
        },
        {"world": list(WORLDS), "seed": np.arange(params.seeds), "axis": ["x", "y"]},
    )
