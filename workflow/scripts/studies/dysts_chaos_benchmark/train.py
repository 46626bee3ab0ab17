"""Fits forecasters, encoders and equations; predictions are made here too, where the future can't be seen."""

import xarray as xr

from pesin.steps.case import Case
from studies.dysts_chaos_benchmark.forecasting import train as forecasting
from studies.dysts_chaos_benchmark.importance import train as importance
from studies.dysts_chaos_benchmark.symbolic import train as symbolic
from studies.dysts_chaos_benchmark.transfer import train as transfer

KINDS = {"forecasting": forecasting, "transfer": transfer, "importance": importance, "symbolic": symbolic}


def train(case: Case, data) -> xr.Dataset | xr.DataTree:
    return KINDS[case.params.kind].train(case, data)
