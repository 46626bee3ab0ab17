"""A tent map of a given slope from random starts."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.toy_map.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    p = case.params.simulate
    x = np.empty((p.seeds, p.steps))
    x[:, 0] = case.rng("start").uniform(0.2, 0.8, p.seeds)
    for t in range(1, p.steps):
        x[:, t] = p.slope * np.minimum(x[:, t - 1], 1 - x[:, t - 1])
    return xr.Dataset(
        {
            "x": labelled(("seed", "time"), x, "state"),
            "slope": labelled((), p.slope, "slope", role="truth", may_be_constant=1),
        },
        coords={"seed": np.arange(p.seeds), "time": np.arange(p.steps)},
    )
