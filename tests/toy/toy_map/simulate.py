"""A tent map of a given slope from random starts."""

import numpy as np
import xarray as xr


def simulate(case) -> xr.Dataset:
    p = case.params.simulate
    x = np.empty((p.seeds, p.steps))
    x[:, 0] = case.rng("start").uniform(0.2, 0.8, p.seeds)
    for t in range(1, p.steps):
        x[:, t] = p.slope * np.minimum(x[:, t - 1], 1 - x[:, t - 1])
    attributes = {"units": "1", "long_name": "state"}
    truth = {"units": "1", "long_name": "slope", "role": "truth", "may_be_constant": 1}
    return xr.Dataset(
        {"x": (("seed", "time"), x, attributes), "slope": ((), p.slope, truth)},
        coords={"seed": np.arange(p.seeds), "time": np.arange(p.steps)},
    )
