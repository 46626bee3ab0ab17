"""Classifies the orbits, and holds the classes against the Lyapunov exponents."""

import xarray as xr

from pesin.steps.case import Case
from studies.ordinal_orbit_complexity.motions import judge, motions
from studies.ordinal_orbit_complexity.orbits.params import Params


def forecast(case: Case[Params], data: xr.Dataset, rule: xr.Dataset) -> xr.Dataset:
    """Return classes over (potential, orbit), and how well they agree with the exponents."""
    return judge(case, data, motions(case.params.train, data, "x"), rule)
