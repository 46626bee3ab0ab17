"""The Lyapunov exponent."""

import numpy as np
import xarray as xr


def entropy(case, data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    burnt = data.x.isel(time=slice(case.params.entropy.burn_in, None))
    exponent = np.full(burnt.sizes["seed"], np.log(float(data.slope)))
    return xr.Dataset(
        {"lyapunov_exponent": ("seed", exponent, {"units": "nat", "long_name": "Lyapunov exponent"})},
        {"seed": data.seed},
    )
