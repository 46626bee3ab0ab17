"""The world: nodes and starts on the torus, and two oscillators followed from the nodes of quadratures."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.ode import solve_together
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.koopman_learning_limits.flows import FLOWS, field, quadrature
from studies.koopman_learning_limits.params import Params
from studies.koopman_learning_limits.torus import PRIME

NODES = 2**32
"""Random nodes are integers below it, over it: their multiples are known to the last bit."""


def simulate(case: Case[Params]) -> xr.DataTree:
    """`torus`: nodes (seed, sample, axis), starts (orbit, axis). Each flow: x, y = F(x), weight; held-out orbits."""
    params = case.params.simulate
    nodes = case.rng("nodes").integers(NODES, size=(params.seeds, params.samples[-1], 2))
    starts = case.rng("starts").integers(PRIME, size=(params.starts, 2))
    torus = xr.Dataset(
        {
            "node": labelled(("seed", "sample", "axis"), nodes, "place on the torus, times 2^32"),
            "start": labelled(("orbit", "axis"), starts, "place on the torus, times 2^31 - 1"),
        }
    )
    return xr.DataTree.from_dict({"torus": torus} | {name: followed(case, name) for name in FLOWS})


def followed(case: Case[Params], name: str) -> xr.Dataset:
    """One flow's snapshots, a step apart, and the orbits that forecasts are scored on."""
    params = case.params.simulate
    x, weight = quadrature(name, params.nodes, params.cold)
    other, other_weight = quadrature(name, params.held_out, params.cold)
    times = params.step * np.arange(params.horizon + 1)
    path = solve_together(field(name), x, times[:2])
    orbit = solve_together(field(name), other, times, rtol=1e-8, atol=1e-9)
    state = ("snapshot", "state")
    return xr.Dataset(
        {
            "x": labelled(state, path[:, 0], "position and velocity"),
            "y": labelled(state, path[:, 1], "position and velocity a step later"),
            "weight": labelled("snapshot", weight, "weight in the invariant measure"),
            "orbit": labelled(("held_out", "time", "state"), orbit, "position and velocity"),
            "held_out_weight": labelled("held_out", other_weight, "weight in the invariant measure"),
        },
        {"time": times, "state": ["position", "velocity"]},
    )
