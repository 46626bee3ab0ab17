"""Scores forecasts, and sets them beside the exponents."""

import xarray as xr

from pesin.steps.case import Case
from studies.dysts_chaos_benchmark import chaos, ranks
from studies.dysts_chaos_benchmark.forecasting import forecast as forecasting
from studies.dysts_chaos_benchmark.importance import forecast as importance
from studies.dysts_chaos_benchmark.symbolic import forecast as symbolic
from studies.dysts_chaos_benchmark.transfer import forecast as transfer

KINDS = {"forecasting": forecasting, "transfer": transfer, "importance": importance, "symbolic": symbolic}


def forecast(
    case: Case, data=None, trained=None, spectra_of_all=None, scores=None, fine=None, coarse=None, noisy=None
) -> xr.Dataset | xr.DataTree:
    if case.params.kind == "chaos":
        return chaos.forecast(case, spectra_of_all, scores)
    if case.params.kind == "ranks":
        return ranks.forecast(case, fine, coarse, noisy)
    return KINDS[case.params.kind].forecast(case, data, trained)
