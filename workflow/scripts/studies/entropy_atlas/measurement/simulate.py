"""One coordinate of every system of the zoo, on one clock."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.integrate.trajectories import time_limit
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from pesin.systems import zoo
from pesin.systems.sampling import TRANSIENT, series, with_period
from studies.entropy_atlas.measurement.params import Params, Series

SECONDS = 60.0  # wall time that one system's series may take


def simulate(case: Case[Params]) -> xr.Dataset:
    """The first coordinate of each system: a series to measure, and what follows it."""
    p = case.params.simulate
    if p.systems == "all":
        wanted: list[tuple[str, str]] = [(name, kind) for kind in p.kinds for name in zoo.names(kind)]
    else:
        wanted = [(name, zoo.get(name).kind) for name in p.systems]
    seeds = case.rng("starts").integers(2**63, size=len(wanted))
    rows = each(partial(_sampled, p=p), [(*w, s) for w, s in zip(wanted, seeds, strict=True)], case.threads)
    x = np.stack([row["x"] for row in rows])
    unit, none = "units of the model", "a system without a series; `reason` says why"
    told = {
        "per_period": "samples in a dominant period",
        "kind": "flow, delay or map",
        "reason": "why there is no series",
    }
    of_system = {
        key: labelled("system", [row[key] for row in rows], said, may_be_constant=1) for key, said in told.items()
    }
    return xr.Dataset(
        {
            "series": labelled(("system", "time"), x[:, : p.points], "first coordinate", unit, nan=none),
            "future": labelled(("system", "lead"), x[:, p.points :], "what follows it", unit, nan=none),
            **of_system,
        },
        coords={"system": [row["name"] for row in rows]},
    )


def _sampled(job, p: Series) -> dict:
    name, kind, seed = job
    per_period = 1 if kind == "map" else p.points_per_period
    length = p.points + p.future
    row = {
        "name": f"{name} map" if kind == "map" else name,  # as in the spectra: some maps share a flow's name
        "kind": kind,
        "per_period": per_period,
        "x": np.full(length, np.nan),
    }
    try:
        with time_limit(SECONDS):
            system = with_period(zoo.get(name, kind))
            rng = np.random.default_rng(seed)
            late = TRANSIENT * (1 + rng.random())  # each seed's series is from a part of the attractor of its own
            _, values, run = series(system, (length,), per_period, rng, late, p.tolerance)
    except ValueError as error:
        return row | {"reason": str(error)}
    except TimeoutError:
        return row | {"reason": f"more than {SECONDS:g} s"}
    if run.reason[0]:
        return row | {"reason": run.reason[0]}
    return row | {"x": values[0][:, 0], "reason": ""}
