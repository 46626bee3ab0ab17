"""Exact fields in the frame that moves with the wave, their characteristics, and the field along these."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lagrangian_pinn.exact.params import Params
from studies.lagrangian_pinn.problems import at_places, paths, resting


def simulate(case: Case[Params]) -> xr.Dataset:
    """Fields, positions of characteristics and values along them, each (problem, time, x)."""
    problems = case.params.problems
    names = list(problems.speeds)
    fields = {name: resting(problems, name) for name in names}
    places = {name: paths(problems, name, fields[name]) for name in names}
    along = [at_places(fields[name], places[name]) for name in names]
    dims = ("problem", "time", "x")
    return xr.Dataset(
        {
            "u_ref": labelled(
                dims, [fields[n] for n in names], "field in the frame that moves with c", "1", role="truth"
            ),
            "path": labelled(
                dims, [places[n] for n in names], "characteristic in that frame, by its start", "rad", role="truth"
            ),
            "u_along": labelled(dims, np.stack(along), "field along the characteristic", "1", role="truth"),
        },
        {"problem": names, "time": problems.t, "x": problems.x},
    )
