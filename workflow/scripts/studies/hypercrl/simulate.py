"""Transitions of each pendulum, held-out trajectories, and what a planner reaches that knows the true law."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.pendulum import Pendulum
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.hypercrl.params import Params, Simulate
from studies.hypercrl.world import controlled, exact, pendulum, scaled, transitions


def simulate(case: Case[Params]) -> xr.Dataset:
    """`x`, `y` (seed, task, sample, .) to learn from; `test_`, `validation_`, `path_`; `starts`, returns, `room`."""
    p = case.params.simulate
    found: dict[str, list] = {}
    for number, task in enumerate(p.tasks):
        world = pendulum(task, p)
        parts = {"": (p.seeds, p.samples), "test_": (p.test,), "validation_": (p.validation,)}
        pairs = {name: transitions(world, p, case.rng(f"{name} {number}"), shape) for name, shape in parts.items()}
        pairs["path_"] = paths(world, p, case.rng(f"paths {number}"))
        for name, (x, y) in pairs.items():
            found.setdefault(f"{name}x", []).append(x)
            found.setdefault(f"{name}y", []).append(y)
        starts = world.starts(case.rng(f"starts {number}"), (p.seeds, p.planner.episodes))
        rng = case.rng(f"planner {number}")
        found.setdefault("starts", []).append(starts)
        found.setdefault("oracle", []).append(controlled(world, starts, exact(world), p.planner, rng))
        found.setdefault("random", []).append(controlled(world, starts, None, p.planner, rng))
    return dataset({name: np.stack(values) for name, values in found.items()}, p)


def paths(world: Pendulum, p: Simulate, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Trajectories under random torques: x (trajectory, step, 4) and y (trajectory, step, 3)."""
    state = world.starts(rng, (p.trajectories,))
    found = []
    for _ in range(p.rollout):
        action = rng.uniform(-1, 1, (p.trajectories, 1))
        found.append(scaled(world, state, action))
        state = world.step(state, action)[0]
    x, y = zip(*found, strict=True)
    return np.stack(x, 1), np.stack(y, 1)


def dataset(found: dict[str, np.ndarray], p: Simulate) -> xr.Dataset:
    """All with names and units. Inputs and changes are scaled alike for all tasks."""
    of = {"": ("task", "seed", "sample"), "test_": ("task", "test"), "validation_": ("task", "validation")}
    of["path_"] = ("task", "trajectory", "step")
    variables = {}
    for name, dims in of.items():
        truth = {"role": "truth"} if name else {}
        x, y = (found[f"{name}{part}"] for part in "xy")
        said = f"{name.strip('_') or 'training'}"
        variables[f"{name}x"] = labelled((*dims, "input"), x, f"scaled observation and torque, {said}", **truth)
        variables[f"{name}y"] = labelled((*dims, "output"), y, f"scaled change of the observation, {said}", **truth)
    at = ("task", "seed")
    variables["starts"] = labelled((*at, "episode", "state"), found["starts"], "start states, angle and rate")
    variables["oracle"] = labelled(at, found["oracle"], "return of a planner that knows the law", role="truth")
    variables["random"] = labelled(at, found["random"], "return of random torques", role="truth")
    room = found["oracle"] - found["random"]
    variables["room"] = labelled(at, room, "return of that planner above that of random torques", role="truth")
    for key, unit in (("gravity", "m s-2"), ("length", "m"), ("mass", "kg")):
        variables[key] = labelled("task", [getattr(task, key) for task in p.tasks], key, unit, may_be_constant=1)
    return xr.Dataset(
        variables,
        {
            "task": np.arange(1, len(p.tasks) + 1),
            "seed": np.arange(p.seeds),
            "input": ["cos", "sin", "rate", "torque"],
            "output": ["cos", "sin", "rate"],
        },
    )
