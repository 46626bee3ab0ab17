"""Orbits of the zoo: one for tuning, and a history with its future."""

from __future__ import annotations

import xarray as xr

from pesin.forecast.metrics import METRICS
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems import zoo
from pesin.systems.sampling import forecasting_data
from studies.model_scale_vs_domain_knowledge.orbits.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Sample every system from its attractor; the future is truth."""
    p = case.params.simulate
    known = [name for kind in p.kinds for name in zoo.names(kind)]
    data = forecasting_data(
        p.systems or known,
        points_per_period=p.points_per_period,
        tune_points=p.tune_points,
        history_points=p.history_points,
        future_points=p.future_points,
        rng=case.rng("starts"),
        threads=case.threads,
    )
    everything = len(zoo.names("flow")) + len(zoo.names("delay"))
    data["design"] = labelled(
        "counted",
        [everything, len(METRICS)],
        "flows and delay systems in the zoo, and metrics",
        may_be_constant=1,
    )
    return data.assign_coords(counted=["systems", "metrics"])
