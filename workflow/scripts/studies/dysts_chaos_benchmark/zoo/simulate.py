"""One trajectory of every system, and whether it moves and stays finite."""

from functools import partial

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from pesin.systems import zoo
from pesin.systems.sampling import series, with_period
from studies.dysts_chaos_benchmark.chosen import chosen_systems, label, turned
from studies.dysts_chaos_benchmark.zoo.params import Params

TRANSIENT = 20.0


def simulate(case: Case[Params]) -> xr.Dataset:
    """A trajectory of every system, and which of them are finite and move."""
    p = case.params.simulate
    wanted = chosen_systems(p.systems, p.own)
    seeds = case.rng("trajectories").integers(2**63, size=len(wanted))
    job = partial(_trajectory, periods=p.periods, points=p.points_per_period, tolerance=p.tolerance, way=p.direction)
    return _zoo(each(job, [(*system, seed) for system, seed in zip(wanted, seeds, strict=True)], case.threads))


def _trajectory(job, periods, points, tolerance, way) -> dict:
    name, kind, seed = job
    system = zoo.get(name, kind)
    system = turned(system, way)
    found = {"name": label(system.name, system.kind), "kind": system.kind, "dim": system.dim, "x": None, "t": None}
    try:
        system = with_period(system)
        per_period = 1 if system.kind == "map" else points
        length = (int(periods * points),)
        engine = "dop853" if way == "still" and system.kind == "flow" else "auto"
        times, values, run = series(
            system, length, per_period, np.random.default_rng(seed), TRANSIENT, tolerance, engine
        )
    except ValueError as error:
        return found | {"reason": str(error), "engine": "none", "period": np.nan}
    found |= {"x": values[0], "t": times[0], "engine": run.engine, "period": system.period, "reason": run.reason[0]}
    spread = np.ptp(run.x[0], axis=0)
    if not found["reason"] and not (spread > 1e-9 * (1 + np.abs(system.x0))).any():
        found["reason"] = "at rest: it ran into a fixed point"
    return found


def _zoo(done: list[dict]) -> xr.Dataset:
    size = max(item["x"].shape[0] for item in done if item["x"] is not None)
    coords = max(item["x"].shape[1] for item in done if item["x"] is not None)
    x, t = np.full((len(done), size, coords), np.nan), np.full((len(done), size), np.nan)
    for i, item in enumerate(done):
        if item["x"] is not None:
            x[i, :, : item["x"].shape[1]], t[i] = item["x"], item["t"]
    fine = np.array([not item["reason"] for item in done])
    continuous = np.array([item["kind"] != "map" for item in done])

    constant = partial(labelled, may_be_constant=1)
    share = float((~fine[continuous]).mean()) if continuous.any() else 1.0
    count, lost = int(continuous.sum()), "a system that can't be integrated"
    return xr.Dataset(
        {
            "x": labelled(
                ("system", "time", "coord"),
                x,
                "trajectory, bounded coordinates",
                "model unit",
                nan=f"beyond a system's coordinates, or {lost}",
            ),
            "t": labelled(("system", "time"), t, "time", "model time", nan=lost),
            "period": constant("system", [item["period"] for item in done], "dominant period", "model time", nan=lost),
            "kind": constant("system", [item["kind"] for item in done], "flow, delay or map"),
            "dim": constant("system", [item["dim"] for item in done], "coordinates"),
            "integrates": constant("system", fine.astype(np.int8), "integrates to a finite, moving trajectory"),
            "reason": constant("system", [item["reason"] for item in done], "why it doesn't"),
            "engine": constant("system", [item["engine"] for item in done], "what integrated"),
            "continuous": constant((), count, "flows and delay systems in the zoo"),
            "short_of_131": constant((), max(0, 131 - count), "flows and delay systems short of 131"),
            "share_failing": constant((), share, "share of the flows and delay systems that don't integrate"),
        },
        {"system": [item["name"] for item in done]},
    )
