"""Simulates the zoo, the series that forecasters see, and what the applications need."""

import xarray as xr

from pesin.steps.case import Case
from studies.dysts_chaos_benchmark import zoo_trajectories
from studies.dysts_chaos_benchmark.forecasting import simulate as forecasting
from studies.dysts_chaos_benchmark.importance import simulate as importance
from studies.dysts_chaos_benchmark.symbolic import simulate as symbolic
from studies.dysts_chaos_benchmark.transfer import simulate as transfer

KINDS = {
    "zoo": zoo_trajectories,
    "forecasting": forecasting,
    "transfer": transfer,
    "importance": importance,
    "symbolic": symbolic,
}


def simulate(case: Case) -> xr.Dataset | xr.DataTree:
    return KINDS[case.params.kind].simulate(case)
