"""References: the Lorenz curve by an adaptive solver, with its tangents; fields by exponential time differencing."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.integrate.ode import solve
from pesin.integrate.pseudospectral import advection, dealias, etdrk4, wavenumbers
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.flows import lorenz63
from studies.causal_pinn.params import Equation, Params
from studies.causal_pinn.problems import START, grid, initial


def simulate(case: Case[Params]) -> xr.Dataset:
    """`state` (time, component), `propagator` of each window's tangents, `<field>_u` (time, place) of each field."""
    lorenz = case.params.lorenz
    span = max(lorenz.long_end, lorenz.window * lorenz.windows)
    times = lorenz.times(span)
    state = solve(lorenz63, START, times, rtol=1e-11, atol=1e-11)
    per = round(lorenz.window / lorenz.dt)
    starts = state[: per * lorenz.windows : per]
    variables: dict[str, Any] = {
        "state": labelled(("time", "component"), state, "state", role="truth"),
        "propagator": labelled(
            ("window", "component", "other"),
            np.array([propagator(start, lorenz.window) for start in starts]),
            "propagator of tangents",
            role="truth",
        ),
    }
    coords: dict[str, Any] = {
        "time": times,
        "component": ["x", "y", "z"],
        "other": ["x", "y", "z"],
        "window": np.arange(lorenz.windows),
    }
    for name, equation in case.params.fields.items():
        dims = (f"{name}_time", f"{name}_x")
        variables[f"{name}_u"] = labelled(dims, solve_field(equation), "field", role="truth")
        coords |= {dims[0]: np.linspace(0, equation.end, equation.slices), dims[1]: grid(equation)[0]}
    return xr.Dataset(variables, coords)


def propagator(start: np.ndarray, window: float) -> np.ndarray:
    """Tangents after a window from a state, (3, 3): each by itself, since over many they all lie along the fastest."""
    both = np.concatenate([start, np.eye(3).ravel()])
    return solve(with_tangents, both, np.array([0, window]), rtol=1e-11, atol=1e-11)[-1, 3:].reshape(3, 3)


def with_tangents(t: float, state: np.ndarray) -> np.ndarray:
    """Lorenz's equations and those of their tangents M' = J M, (12,) -> (12,)."""
    x, y, z = state[:3]
    jacobian = np.array([[-10, 10, 0], [28 - z, -1, -x], [y, x, -8 / 3]])
    return np.concatenate([lorenz63(t, state[:3]), (jacobian @ state[3:].reshape(3, 3)).ravel()])


def solve_field(equation: Equation) -> np.ndarray:
    """The field at all slices, shape (slices, points)."""
    points = equation.points
    wave, kept = wavenumbers(points, grid(equation)[1]), dealias(points)
    carried = advection(equation.advection, wave, kept, points)

    def rate(modes: np.ndarray) -> np.ndarray:
        found = carried(modes)
        if equation.cubic:
            found = found - equation.cubic * np.fft.rfft(np.fft.irfft(modes, points) ** 3)
        return found

    linear = equation.second * wave**2 - equation.fourth * wave**4 + equation.cubic
    start, steps = np.fft.rfft(initial(equation)), (equation.slices - 1) * equation.steps
    later = etdrk4(linear, rate, start, equation.end / steps, steps, equation.steps)
    return np.fft.irfft(np.stack([start, *later]), points)
