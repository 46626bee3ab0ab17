"""The world: orbits of the logistic map from random starts, with the truth that no training may see."""

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled
from pesin.systems.maps import logistic


def simulate(case) -> xr.Dataset:
    """State `x` (seed, time); truth: the map's height `r`."""
    p = case.params.simulate
    x = np.empty((p.seeds, p.steps))
    x[:, 0] = case.rng("start").uniform(0.1, 0.9, p.seeds)
    for time in range(1, p.steps):
        x[:, time] = logistic(x[:, time - 1], p.r)
    return xr.Dataset(
        {
            "x": labelled(("seed", "time"), x, "state"),
            "r": labelled((), p.r, "height of the map", role="truth", may_be_constant=1),
        },
        {"seed": np.arange(p.seeds), "time": np.arange(p.steps)},
    )
