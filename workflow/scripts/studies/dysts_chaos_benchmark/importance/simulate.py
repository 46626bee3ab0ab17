"""Simulates one long orbit of each system: a history to learn from, and futures to forecast."""

import numpy as np
import xarray as xr

from pesin.integrate.trajectories import integrate
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import zoo
from studies.dysts_chaos_benchmark.importance.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """The whole state along the history, from which trajectories restart; the first coordinate is what is forecast."""
    p, window = case.params.simulate, case.params.simulate.context
    systems = [zoo.get(name) for name in p.systems]
    widest = max(system.dim for system in systems)
    history = np.full((len(systems), p.history, widest), np.nan)
    tests = np.empty((len(systems), p.tests, window + p.horizon))
    for i, system in enumerate(case.progress(systems)):
        grid = np.arange(p.history + tests[i].size) / p.points_per_period
        times = system.period * np.concatenate([[0.0], p.transient + grid])
        path = integrate(system, system.x0[None], times).x[0, 1:]
        history[i, :, : system.dim] = path[: p.history]
        tests[i] = path[p.history :, 0].reshape(p.tests, -1)
    unit, lost = "model unit", "an integration that failed"
    return xr.Dataset(
        {
            "history": labelled(
                ("system", "time", "coord"),
                history,
                "states along the training series",
                unit,
                nan=f"beyond a system's coordinates, or {lost}",
            ),
            "context": labelled(
                ("system", "test", "before"),
                tests[..., :window],
                "first coordinate before each future",
                unit,
                nan=lost,
            ),
            "future": labelled(
                ("system", "test", "lead"),
                tests[..., window:],
                "first coordinate to forecast",
                unit,
                nan=lost,
                role="truth",
            ),
            "dim": labelled("system", [system.dim for system in systems], "coordinates", may_be_constant=1),
        },
        {"system": p.systems, "lead": np.arange(1, p.horizon + 1) / p.points_per_period},
    )
