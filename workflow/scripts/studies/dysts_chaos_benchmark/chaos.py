"""Does forecasting fail where chaos is strong: scores beside the recomputed exponents and entropies."""

import numpy as np
import xarray as xr

from pesin.stats.intervals import correlation_interval

INVARIANTS = {
    "lambda_1": "nats per period",
    "pesin_entropy": "nats per period",
    "correlation_dimension": "1",
    "kaplan_yorke_dimension": "1",
    "multiscale_entropy": "nats",
    "lambda_1_stored": "nats per period",
}


def forecast(case, spectra: xr.Dataset, scores: xr.Dataset) -> xr.Dataset:
    p, rng = case.params.forecast, case.rng("shuffle")
    shared = [s for s in scores["system"].values if s in set(spectra["system"].values)]
    own, scored = spectra.sel(system=shared), scores.sel(system=shared)
    period = own["period"].values
    rate = {"lambda_1", "pesin_entropy", "lambda_1_stored"}
    columns = {name: own[name].values * (period if name in rate else 1) for name in INVARIANTS}
    usable = np.flatnonzero(np.all([np.isfinite(values) for values in columns.values()], axis=0))
    order = rng.permutation(usable) if p.exponents == "shuffled" else usable
    columns = {name: values[order] for name, values in columns.items()}
    scored = scored.isel(system=usable)
    listed = np.flatnonzero(scored["family"].values != "baseline")
    best = listed[np.median(scored["smape"].values[listed], 1).argmin()]
    rho = np.full((scored.sizes["forecaster"], len(INVARIANTS), 3), np.nan)
    for i in range(scored.sizes["forecaster"]):
        for j, name in enumerate(INVARIANTS):
            rho[i, j] = correlation_interval(columns[name], scored["smape"].values[i])
    out = xr.Dataset(
        {
            name: ("system", columns[name], {"units": units, "long_name": name.replace("_", " ")})
            for name, units in INVARIANTS.items()
        },
        coords={
            "system": scored["system"].values,
            "forecaster": scored["forecaster"].values,
            "invariant": list(INVARIANTS),
            "bound": ["value", "low", "high"],
        },
    )
    out["smape"] = scored["smape"]
    out["nrmse"] = scored["nrmse"]
    out["vpt"] = scored["vpt_pointwise_smape"]
    best_row = scored["smape"].values[best]
    out["smape_of_the_best"] = ("system", best_row, {"units": "1", "long_name": "sMAPE of the best forecaster"})
    out["best"] = ((), str(scored["forecaster"].values[best]), {"units": "1", "long_name": "best forecaster"})
    out["rho"] = (
        ("forecaster", "invariant", "bound"),
        rho,
        {"units": "1", "long_name": "Spearman correlation of sMAPE with the invariant", "allow_nan": 1},
    )
    return out
