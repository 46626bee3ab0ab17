"""The Lyapunov exponent."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.toy_map.params import Params


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    burnt = data.x.isel(time=slice(case.params.entropy.burn_in, None))
    exponent = np.full(burnt.sizes["seed"], np.log(float(data.slope)))
    return xr.Dataset(
        {"lyapunov_exponent": labelled("seed", exponent, "Lyapunov exponent", "nat")},
        {"seed": data.seed},
    )
