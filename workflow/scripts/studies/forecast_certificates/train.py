"""Ensembles of all kinds on the orbits of all worlds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.forecast_certificates.learners import LEARNERS, Task
from studies.forecast_certificates.params import Params
from studies.forecast_certificates.worlds import WORLDS


def task_of(case: Case[Params], name: str, data: xr.Dataset) -> Task:
    """A world's orbits, once for each member: runs are seeds, members within."""
    world, orbit = WORLDS[name], np.repeat(data["orbit"].values, case.params.train.members, 0)
    mean, unit = world.scale(orbit)
    return Task(world, (orbit - mean) / unit, mean, np.asarray(unit))


def kinds_of(name: str) -> list[str]:
    """The models that a world has: a Hamiltonian network where there is a Hamiltonian."""
    return [kind for kind in LEARNERS if kind != "hamiltonian" or WORLDS[name].canonical]


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Groups `<world>_<model>`: the weights, runs first."""
    groups = {}
    for name in case.params.simulate.worlds:
        task = task_of(case, name, data[name].to_dataset())
        for kind in kinds_of(name):
            weights = LEARNERS[kind].fit(case, f"{name} {kind}", task)
            groups[f"{name}_{kind}"] = xr.Dataset(
                {
                    part: labelled(
                        ("run", *(f"{part}_{axis}" for axis in range(np.ndim(value) - 1))), value, part, nan=DIVERGED
                    )
                    for part, value in weights.items()
                }
            )
    return xr.DataTree.from_dict(groups)
