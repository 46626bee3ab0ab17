"""Snapshots of swimmers in periodic boxes, with their repulsion and without."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.particles import Swimmers, box_edge, lattice
from studies.active_probability_flow.fluid.params import Params, Simulate, Snapshots

WORLDS = ("repulsive", "ideal")
TRAINING = "training"


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return the group `training`, and one for each number of particles and packing."""
    params, found = case.params.simulate, {}
    for system in case.progress(systems(params)):
        name = group(*system)
        rng, many = case.rng(name), params.tests.many * max(params.sizes) // system[0]
        looks = {TRAINING: params.training} if system == systems(params)[0] else {}
        looks |= {name: Snapshots(many=many, every=params.tests.every)}
        made = _follow(params, *system, rng, looks)
        for part, (places, propulsions) in zip(looks, made, strict=True):
            found[part] = _dataset(params, box_edge(*system), rng, places, propulsions)
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


def _follow(
    params: Simulate, many: int, packing: float, rng: np.random.Generator, looks: dict[str, Snapshots]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Places and propulsions of particles that repel, at each of the looks in turn: (run, snapshot, particle, 2)."""
    law, shape, found = law_of(params, "repulsive", many, packing), (params.runs, many, 2), []
    start = np.broadcast_to(lattice(many, law.box), shape)
    state = law.run(rng, start, rng.standard_normal(shape), params.dt, round(params.warm / params.dt))
    for look in looks.values():
        states = []
        for _ in range(look.many):
            state = law.run(rng, *state, params.dt, round(look.every / params.dt))
            states.append(state)
        places, propulsions = (np.stack(part, 1) for part in zip(*states, strict=True))
        found.append((places, propulsions))
    return found


def _dataset(
    params: Simulate, box: float, rng: np.random.Generator, places: np.ndarray, propulsions: np.ndarray
) -> xr.Dataset:
    """Both worlds. The ideal one is at rest when places are uniform and propulsions normal, and is drawn so."""
    ideal = rng.uniform(-box / 2, box / 2, places.shape), rng.standard_normal(places.shape)
    dims = ("world", "run", "snapshot", "particle", "axis")
    return xr.Dataset(
        {
            "place": labelled(dims, np.stack([places, ideal[0]]), "place", "R"),
            "propulsion": labelled(dims, np.stack([propulsions, ideal[1]]), "propulsion"),
        },
        {"world": list(WORLDS), "run": np.arange(params.runs), "axis": ["x", "y"]},
    )
