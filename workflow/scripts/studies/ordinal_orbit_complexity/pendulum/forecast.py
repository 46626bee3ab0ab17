"""Classifies the motions of the pendulum, and holds the classes against the Lyapunov exponents."""

import xarray as xr

from pesin.steps.case import Case
from studies.ordinal_orbit_complexity.motions import judge, motions
from studies.ordinal_orbit_complexity.pendulum.params import Params


def forecast(case: Case[Params], data: xr.Dataset, rule: xr.Dataset) -> xr.Dataset:
    """Return classes over (start_kind, start), and how well they agree with the exponents."""
    return judge(case, data, motions(case.params.train, data, "x2"), rule)
