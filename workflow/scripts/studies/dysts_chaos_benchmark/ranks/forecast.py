"""Do forecasters keep their ranks when the data are coarse, or noisy?"""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.ranks.params import Params


def forecast(case: Case[Params], fine: xr.Dataset, coarse: xr.Dataset, noisy: xr.Dataset) -> xr.Dataset:
    """Scores of the paper's forecasters that all conditions share; with noise and without on the same systems."""
    conditions = {"fine": fine, "coarse": coarse, "noisy": noisy}
    listed = [str(name) for name in fine["forecaster"].values[fine["family"].values != "baseline"]]
    listed = [name for name in listed if all(name in data["forecaster"].values for data in conditions.values())]
    medians = np.array([data["smape"].sel(forecaster=listed).median("system").values for data in conditions.values()])
    if case.params.forecast.labels == "shuffled":
        medians = case.rng("labels").permuted(medians, axis=1)
    shared = [name for name in fine["system"].values if name in set(noisy["system"].values)]
    both = np.array([data["smape"].sel(forecaster=listed, system=shared).values for data in (fine, noisy)])
    if case.params.forecast.labels == "shuffled":
        both = case.rng("conditions").permuted(both, axis=0)
    return xr.Dataset(
        {
            "median_smape": labelled(("condition", "forecaster"), medians, "median sMAPE over systems", "%"),
            "smape": labelled(
                ("noise", "forecaster", "system"), both, "sMAPE without and with noise on the history", "%"
            ),
        },
        {"condition": list(conditions), "forecaster": listed, "noise": ["clean", "noisy"], "system": shared},
    )
