"""The error of the fitted map."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.toy_map.params import Params


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    error = np.abs(trained.slope.values - float(data.slope)) * case.params.forecast.horizon
    return xr.Dataset({"error": labelled("seed", error, "error")}, {"seed": data.seed})
