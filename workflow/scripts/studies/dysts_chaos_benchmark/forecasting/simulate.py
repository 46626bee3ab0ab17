"""Series of the first coordinate of every system: to tune on, to forecast from, and what follows."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.systems.sampling import forecasting_data
from studies.dysts_chaos_benchmark.chosen import chosen_systems
from studies.dysts_chaos_benchmark.forecasting.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    p = case.params.simulate
    names = [name for name, _ in chosen_systems(p.systems, p.own)]
    lengths = (p.tune_points, p.history_points, p.future_points)
    data = forecasting_data(names, p.points_per_period, *lengths, case.rng("series"), threads=case.threads)
    data = data.isel(coord=[0]).isel(system=np.flatnonzero(~data["failed"].values))
    if p.order == "shuffled":
        rng = case.rng("order")
        whole = np.concatenate([data["history"].values, data["future"].values], 1)
        whole = rng.permuted(whole, axis=1)
        data["history"].values[:] = whole[:, : p.history_points]
        data["future"].values[:] = whole[:, p.history_points :]
        data["tune"].values[:] = rng.permuted(data["tune"].values, axis=1)
    return data
