"""A slope fitted to the part left of the kink."""

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.toy_map.params import Params


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    assert "slope" not in data, "the truth must be withheld"
    now, after = data.x.isel(time=slice(None, -1)).values, data.x.isel(time=slice(1, None)).values
    left = now < 0.5
    slope = (now * after * left).sum(1) / ((now**2 * left).sum(1) + case.params.train.ridge)
    return xr.Dataset({"slope": labelled("seed", slope, "fitted slope")}, {"seed": data.seed})
