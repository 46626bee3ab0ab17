"""Do forecasters keep their ranks when the data are coarse, or noisy?"""

import numpy as np
import xarray as xr


def forecast(case, fine: xr.Dataset, coarse: xr.Dataset, noisy: xr.Dataset) -> xr.Dataset:
    conditions = {"fine": fine, "coarse": coarse, "noisy": noisy}
    listed = [name for name, family in zip(fine["forecaster"].values, fine["family"].values, strict=True)]
    listed = [name for name in listed if fine["family"].sel(forecaster=name) != "baseline"]
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
            "median_smape": (
                ("condition", "forecaster"),
                medians,
                {"units": "1", "long_name": "median sMAPE over systems"},
            ),
            "smape": (
                ("noise", "forecaster", "system"),
                both,
                {"units": "1", "long_name": "sMAPE without and with noise on the history"},
            ),
        },
        coords={
            "condition": list(conditions),
            "forecaster": listed,
            "noise": ["clean", "noisy"],
            "system": shared,
        },
    )
