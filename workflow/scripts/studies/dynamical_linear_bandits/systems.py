"""The systems of a case as a Dataset, with their h and arms, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.problems import Problem


def problems(systems: xr.Dataset) -> list[Problem]:
    """The problems of a simulated case, one for each element of `system`."""
    found = []
    for i in range(systems.sizes["system"]):
        one = systems.isel(system=i)
        channels, arms, states = int(one.channel_count), int(one.arm_count), int(one.state_count)
        found.append(
            Problem(
                np.ascontiguousarray(one.a.values[:states, :states]),
                np.ascontiguousarray(one.b.values[:states, :channels]),
                np.ascontiguousarray(one.omega.values[:states]),
                np.ascontiguousarray(one.theta.values[:channels]),
                np.ascontiguousarray(one.arms.values[:arms, :channels]),
                int(one.outputs),
                tuple(map(float, one.norms.values)),
            )
        )
    return found


def laid_out(found: list[Problem]) -> xr.Dataset:
    """Systems side by side; smaller ones are filled up with zeros, and say how large they are."""
    constant: dict[str, Any] = {"may_be_constant": 1}
    values = [problem.values for problem in found]
    counts = {
        "channel": [len(p.theta) for p in found],
        "arm": [len(p.arms) for p in found],
        "state": [len(p.omega) for p in found],
    }
    variables = {
        "a": labelled(("system", "state", "previous_state"), _stack([p.a for p in found]), "matrix A of the state"),
        "b": labelled(("system", "state", "channel"), _stack([p.b for p in found]), "matrix B of the actions"),
        "omega": labelled(("system", "state"), _stack([p.omega for p in found]), "omega = C^T 1", **constant),
        "theta": labelled(("system", "channel"), _stack([p.theta for p in found]), "theta = D^T 1", **constant),
        "arms": labelled(("system", "arm", "channel"), _stack([p.arms for p in found]), "arms"),
        "h": labelled(("system", "channel"), _stack([p.h for p in found]), "h = theta + B^T (I - A)^-T omega"),
        "value": labelled(("system", "arm"), _stack(values), "J(u) = h u of each arm, 0 where there is no arm"),
        "radius": labelled("system", [p.radius for p in found], "spectral radius of A", **constant),
        "growth": labelled("system", [p.growth for p in found], "Phi of A", **constant),
        "outputs": labelled("system", [p.outputs for p in found], "outputs that the reward sums"),
        "norms": labelled(("system", "norm"), np.array([p.norms for p in found]), "norms that learners are told"),
    }
    for name, sizes in counts.items():
        variables[f"{name}_count"] = labelled("system", sizes, f"number of {name}s")
    coordinates = {"system": np.arange(len(found)), "norm": ["theta", "omega", "b"]}
    return xr.Dataset(variables, coordinates)


def _stack(arrays) -> np.ndarray:
    shape = np.max([np.shape(array) for array in arrays], axis=0)
    return np.stack(
        [np.pad(array, [(0, n - m) for n, m in zip(shape, np.shape(array), strict=True)]) for array in arrays]
    )
