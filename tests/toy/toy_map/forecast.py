"""The error of the fitted map."""

import numpy as np
import xarray as xr


def forecast(case, data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    error = np.abs(trained.slope.values - float(data.slope)) * case.params.forecast.horizon
    return xr.Dataset({"error": ("seed", error, {"units": "1", "long_name": "error"})}, {"seed": data.seed})
