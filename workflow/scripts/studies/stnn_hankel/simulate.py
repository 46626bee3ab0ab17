"""The world: orbits of the Lorenz system, and of Lotka and Volterra's equations in several environments."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.ode import solve_together
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.flows import lorenz63
from studies.stnn_hankel.params import Params

EXPONENT = 0.9056
"""Largest Lyapunov exponent of the Lorenz system, per unit of time: its Kolmogorov-Sinai entropy too."""
ALPHA = GAMMA = 0.5
STEP = 0.5


def lotka_volterra(t, x, beta, delta) -> np.ndarray:
    """dx = alpha x - beta x y, dy = delta x y - gamma y, for x of shape (..., 2)."""
    prey, predators = x[..., 0], x[..., 1]
    return np.stack([prey * (ALPHA - beta * predators), predators * (delta * prey - GAMMA)], -1)


def environments(params: Params) -> tuple[list[tuple[float, float]], int]:
    """(beta, delta) of all environments, the novel ones last, and how many are not novel."""
    rates = [(beta, delta) for beta in params.simulate.rates for delta in params.simulate.rates]
    return rates + list(params.simulate.novel), len(rates)


def simulate(case: Case[Params]) -> xr.Dataset:
    """`state` (seed, time, axis) of Lorenz; `learnt` and `held_out` (environment, orbit, moment, species)."""
    params = case.params.simulate
    start = 1 + case.rng("lorenz").uniform(-0.5, 0.5, (params.seeds, 3))
    first = round(params.discard / params.dt)
    times = params.dt * np.arange(first + params.samples)
    state = solve_together(lorenz63, start, times)[:, first:]
    rates, common = environments(case.params)
    orbits = params.train_orbits + params.test_orbits
    begin = case.rng("environments").uniform(1, 2, (len(rates), orbits, 2))
    beta, delta = np.array(rates).T[..., None]
    moments = STEP * np.arange(params.times)
    path = solve_together(lotka_volterra, begin, moments, (beta, delta))
    dims, said = ("environment", "{}_orbit", "moment", "species"), "prey and predators"
    learnt, held_out = np.split(path, [params.train_orbits], 1)
    return xr.Dataset(
        {
            "state": labelled(("seed", "time", "axis"), state, "state of the Lorenz system"),
            "learnt": labelled([d.format("learnt") for d in dims], learnt, said),
            "held_out": labelled([d.format("held_out") for d in dims], held_out, said),
            "rate": labelled(("environment", "rates"), np.array(rates), "beta and delta", may_be_constant=1),
            "novel": labelled("environment", np.arange(len(rates)) >= common, "whether an environment is novel"),
        },
        {
            "time": times[: params.samples],
            "moment": moments,
            "axis": ["x", "y", "z"],
            "species": ["prey", "predators"],
            "rates": ["beta", "delta"],
        },
    )
