"""The same trajectories by two solvers, and by one that stops at each point of a coarse and of a fine grid of time."""

import numpy as np
import xarray as xr

from pesin.integrate.trajectories import integrate
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import zoo
from studies.dysts_chaos_benchmark.chosen import turned
from studies.dysts_chaos_benchmark.reintegration.params import Params

TRANSIENT = 20.0  # periods
SOLVER, OTHER = "dop853", "lsoda"
UNIT, LOST = "standard deviations", "a trajectory at rest, which agrees with itself"


def simulate(case: Case[Params], spectra: xr.Dataset) -> xr.Dataset:
    """Largest differences of each system's trajectories, in standard deviations of its coordinates.

    Points of one call of a solver lie on the same inner steps, however many are asked for. So the series of either
    granularity are made as a user extends one: from the last point to the next, the solver beginning anew at each.
    """
    p, way = case.params.simulate, case.params.simulate.direction
    found: dict[str, list[float]] = {"solver_difference": [], "granularity_difference": [], "excursion": []}
    for name in case.progress(p.systems):
        system = zoo.get(name)
        start = integrate(system, system.x0[None], [0.0, TRANSIENT * system.period]).x[:, -1]
        scale = integrate(system, start, np.linspace(0, 10 * system.period, 500)).x[0].std(0)
        step = system.period / p.coarse
        count = int(np.ceil(p.lyapunov_times / float(spectra.lambda_1.sel(system=name)) / step))
        system = turned(system, way)
        times = step * np.arange(count + 1)
        path, other = (integrate(system, start, times, engine, p.tolerance).x[0] for engine in (SOLVER, OTHER))
        excursion = float(np.abs((path - path[0]) / scale).max())
        gaps = [np.nan, np.nan]
        if excursion > 0:
            coarse = _in_pieces(system, start, step, count, p.tolerance)
            fine = _in_pieces(system, start, step / p.finer, count * p.finer, p.tolerance)[:: p.finer]
            gaps = [float(np.abs(gap / scale).max()) for gap in (path - other, coarse - fine)]
        for key, value in zip(found, (*gaps, excursion), strict=True):
            found[key].append(value)
    said = {
        "solver_difference": "largest difference of two solvers",
        "granularity_difference": "largest difference of series that were extended point by point, coarse and fine",
        "excursion": "largest distance from the start",
    }
    return xr.Dataset(
        {key: labelled("compared", found[key], text, UNIT, nan=LOST, may_be_constant=1) for key, text in said.items()},
        {"compared": list(p.systems)},
    )


def _in_pieces(
    system: zoo.System, start: np.ndarray, step: float, count: int, tolerance: float, begin: float = 0.0
) -> np.ndarray:
    """States (count + 1, dim) a `step` apart, each integrated from the one before; the first is that at `begin`."""
    path = np.empty((count + 1, system.dim))
    path[0] = start[0]
    for i in range(count):
        now = begin + i * step if system.driven else 0.0  # the same bits for each piece where time doesn't matter
        path[i + 1] = integrate(system, path[i : i + 1], [now, now + step], SOLVER, tolerance).x[0, -1]
    return path
