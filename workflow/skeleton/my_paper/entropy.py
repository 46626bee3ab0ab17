"""What the claims are about: the Lyapunov exponent of each orbit."""

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled


def entropy(case, data: xr.Dataset) -> xr.Dataset:
    """`lyapunov_exponent` (seed): the mean of ln |f'(x)|, in nat for each step."""
    x = data.x.isel(time=slice(case.params.entropy.burn_in, None)).transpose("seed", "time").values
    slope = np.abs(float(data.r) * (1 - 2 * x))
    exponent = np.log(np.maximum(slope, np.finfo(float).tiny)).mean(1)
    return xr.Dataset(
        {"lyapunov_exponent": labelled("seed", exponent, "Lyapunov exponent", "nat")},
        {"seed": data.seed},
    )
