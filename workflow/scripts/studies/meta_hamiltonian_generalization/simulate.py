"""Points of many tasks of each system, with constants that vary or are all one, and true orbits."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.integrate.steppers import follow
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.meta_hamiltonian_generalization.params import Params, Simulate
from studies.meta_hamiltonian_generalization.systems import COORDS, SYSTEMS, System, energy, field, orbits, points

CONSTANTS = ("varied", "unit")
EACH = ("constants", "system")


def simulate(case: Case[Params]) -> xr.Dataset:
    """Draw training tasks, tasks to adapt to, their test points, and orbits of those with varied constants."""
    params = case.params.simulate
    sizes = {
        "train": (params.tasks, params.points),
        "support": (params.draws, params.support),
        "test": (params.draws, params.test),
    }
    constants = {
        name: _constants(case.rng(f"constants {name}"), params, many)
        for name, many in (("train", params.tasks), ("draw", params.draws))
    }
    variables: dict[str, Any] = {}
    for part, shape in sizes.items():
        of = constants["train" if part == "train" else "draw"]
        variables |= _sampled(case, part, shape, of)
    for name, values in constants.items():
        unit = "task" if name == "train" else "draw"
        for i, letter in enumerate("ab"):
            said = f"constant {letter} of a task"
            variables[f"{name}_{letter}"] = labelled((*EACH, unit), values[i], said, may_be_constant=1)
    bodies = [SYSTEMS[name].bodies for name in params.systems]
    variables["bodies"] = labelled("system", bodies, "number of bodies", may_be_constant=1)
    variables["orbit"] = labelled(
        ("system", "draw", "trajectory", "time", "body", "coord"),
        _orbits(case, constants["draw"][:, CONSTANTS.index("varied")]),
        "state along a true orbit",
        role="truth",
    )
    times = np.linspace(0, params.length, params.steps + 1)
    return xr.Dataset(
        variables,
        {"constants": list(CONSTANTS), "system": params.systems, "coord": list(COORDS), "time": times},
    )


def _constants(rng: np.random.Generator, params: Simulate, many: int) -> np.ndarray:
    """a and b, shape (2, constants, systems, many)."""
    drawn = rng.uniform(params.low, params.high, (2, len(params.systems), many))
    return np.stack([drawn, np.ones_like(drawn)], 1)


def _sampled(case: Case[Params], part: str, shape: tuple[int, int], constants: np.ndarray) -> dict[str, tuple]:
    """States, derivatives and energies; systems of fewer bodies are filled up with zeros."""
    params, many = case.params.simulate, max(SYSTEMS[name].bodies for name in case.params.simulate.systems)
    state = np.zeros((len(CONSTANTS), len(params.systems), *shape, many, 4), np.float32)
    rate, height = np.zeros_like(state), np.zeros(state.shape[:-2])
    for i, name in enumerate(params.systems):
        system, rng = SYSTEMS[name], case.rng(f"points {part} {name}")
        a, b = constants[:, :, i, :, None]
        x = points(system, rng, (len(CONSTANTS), *shape))
        state[:, i, ..., : system.bodies, :] = x
        rate[:, i, ..., : system.bodies, :] = field(system, x, a, b)
        height[:, i] = energy(system, x, a, b)
    dims = (*EACH, "task" if part == "train" else "draw", f"{part}_point")
    role = {} if part == "train" else {"role": "truth"}
    return {
        f"{part}_state": labelled((*dims, "body", "coord"), state, "state", **role),
        f"{part}_rate": labelled((*dims, "body", "coord"), rate, "derivative of the state", **role),
        f"{part}_energy": labelled(dims, height, "energy", role="truth"),
    }


def _orbits(case: Case[Params], constants: np.ndarray) -> np.ndarray:
    """Shape (systems, draws, trajectories, times, bodies, 4)."""
    params, many = case.params.simulate, max(SYSTEMS[name].bodies for name in case.params.simulate.systems)
    found = np.zeros((len(params.systems), params.draws, params.orbits, params.steps + 1, many, 4))
    times = np.linspace(0, params.length, params.steps * params.finer + 1)
    for i, name in enumerate(params.systems):
        system, (a, b) = SYSTEMS[name], constants[:, i]
        start = orbits(name, case.rng(f"orbits {name}"), a, b, params.orbits)
        path = [start, *follow(_motion(system, a[:, None], b[:, None]), start, times)]
        found[i, ..., : system.bodies, :] = np.stack(path[:: params.finer], 2)
    return found


def _motion(system: System, a: np.ndarray, b: np.ndarray):
    """The field as `follow` takes it."""
    return lambda x, _: field(system, x, a, b)
