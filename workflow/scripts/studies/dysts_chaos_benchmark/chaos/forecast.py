"""Does forecasting fail where chaos is strong: scores beside the recomputed exponents and entropies."""

import numpy as np
import xarray as xr

from pesin.stats.intervals import correlation_interval, spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.chaos.params import Params

PER_PERIOD = "nat per period"
CONSTANT = "NaiveMean"
INVARIANTS = {
    "lambda_1": ("largest Lyapunov exponent", PER_PERIOD),
    "pesin_entropy": ("Pesin entropy", PER_PERIOD),
    "correlation_dimension": ("correlation dimension", "1"),
    "kaplan_yorke_dimension": ("Kaplan-Yorke dimension", "1"),
    "multiscale_entropy": ("sample entropy, mean over scales", "nat"),
    "lambda_1_stored": ("largest Lyapunov exponent stored in dysts", PER_PERIOD),
}


def forecast(case: Case[Params], spectra: xr.Dataset, scores: xr.Dataset) -> xr.Dataset:
    """Scores of the systems whose invariants are all known, these per period, and their rank correlations."""
    p, rng = case.params.forecast, case.rng("shuffle")
    shared = [s for s in scores["system"].values if s in set(spectra["system"].values)]
    own, scored = spectra.sel(system=shared), scores.sel(system=shared)
    period = own["period"].values
    columns = {
        name: own[name].values * (period if units == PER_PERIOD else 1) for name, (_, units) in INVARIANTS.items()
    }
    usable = np.flatnonzero(np.all([np.isfinite(values) for values in columns.values()], axis=0))
    order = rng.permutation(usable) if p.exponents == "shuffled" else usable
    columns = {name: values[order] for name, values in columns.items()}
    scored = scored.isel(system=usable)
    mine = scored["smape"].sel(forecaster=p.forecaster).values
    rho = np.full((scored.sizes["forecaster"], len(INVARIANTS), 3), np.nan)
    for i in range(scored.sizes["forecaster"]):
        for j, name in enumerate(INVARIANTS):
            rho[i, j] = correlation_interval(columns[name], scored["smape"].values[i])
    measured = {name: labelled("system", columns[name], *said) for name, said in INVARIANTS.items()}
    measured["watched_smape"] = labelled("system", mine, f"sMAPE of {p.forecaster}", "%")
    measured["watched_median"] = labelled((), float(np.median(mine)), f"median sMAPE of {p.forecaster}", "%")
    measured["watched_rho"] = labelled(
        (), spearman(columns["lambda_1"], mine), f"Spearman correlation of {p.forecaster}'s sMAPE with the exponent"
    )
    measured["constant_median"] = labelled(
        (), float(scored["smape"].sel(forecaster=CONSTANT).median()), "median sMAPE of the history's mean", "%"
    )
    measured["rho"] = labelled(
        ("forecaster", "invariant", "bound"),
        rho,
        "Spearman correlation of sMAPE with the invariant",
        nan="fewer than five systems, or the same score on all",
    )
    of_all = {"smape": scored["smape"], "nrmse": scored["nrmse"], "vpt": scored["vpt_pointwise_smape"]}
    return xr.Dataset(
        measured | of_all,
        {
            "system": scored["system"].values,
            "forecaster": scored["forecaster"].values,
            "invariant": list(INVARIANTS),
            "bound": ["value", "low", "high"],
        },
    )
