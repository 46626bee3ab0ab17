"""The system of a case as a Dataset, with its h and arms, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.problems import Problem


def problem_of(system: xr.Dataset) -> Problem:
    """The problem of a simulated case."""
    a, b, omega, theta, arms = (np.ascontiguousarray(system[name]) for name in ("a", "b", "omega", "theta", "arms"))
    return Problem(a, b, omega, theta, arms, int(system.outputs), tuple(map(float, system.norms.values)))


def laid_out(problem: Problem) -> xr.Dataset:
    """A system, its h and arms, and what learners are told."""
    constant: dict[str, Any] = {"may_be_constant": 1}
    return xr.Dataset(
        {
            "a": labelled(("state", "previous_state"), problem.a, "matrix A of the state"),
            "b": labelled(("state", "channel"), problem.b, "matrix B of the actions"),
            "omega": labelled("state", problem.omega, "omega = C^T 1", **constant),
            "theta": labelled("channel", problem.theta, "theta = D^T 1", **constant),
            "arms": labelled(("arm", "channel"), problem.arms, "arms"),
            "h": labelled("channel", problem.h, "h = theta + B^T (I - A)^-T omega"),
            "value": labelled("arm", problem.values, "J(u) = h u of each arm"),
            "radius": labelled((), problem.radius, "spectral radius of A"),
            "growth": labelled((), problem.growth, "Phi of A"),
            "outputs": labelled((), problem.outputs, "outputs that the reward sums"),
            "norms": labelled("norm", np.array(problem.norms), "norms that learners are told"),
        },
        {"norm": ["theta", "omega", "b"]},
    )
