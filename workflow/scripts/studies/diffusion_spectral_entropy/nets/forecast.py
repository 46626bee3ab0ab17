"""How well the final accuracy of many networks is foretold after a tenth of their training."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.stats import kendalltau

from pesin.stats.bootstrap import unit_bootstrap
from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.diffusion_spectral_entropy.measures import UNDEFINED, bits_between
from studies.diffusion_spectral_entropy.nets.params import Params

NO_SCORE = "a predictor that is the same for all networks, or missing for one"


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return the scores of DSMI with the label, the training loss and the number of parameters as predictors."""
    train, p = case.params.train, case.params.forecast
    kept = trained["kept"].to_dataset().isel(run=slice(train.choices.nets))
    held, how = train.evaluation, p.information
    label = data[f"{held.split}_label"].values[0, 0, : held.samples]
    rng = case.rng("information")
    early = kept.sel(progress="early", drop=True)
    predictors = {
        "dsmi_label": np.array([float(bits_between(z, label, rng, how, p.subsets)) for z in early["z"].values]),
        "training_loss": -early["loss"].values.astype(float),
        "parameters": np.log(kept["parameters"].values),
    }
    accuracy = kept["test_accuracy"].sel(progress="end", drop=True).values.astype(float)
    scores = {
        "spearman": (spearman, "Spearman correlation with the final accuracy"),
        "kendall": (kendall, "Kendall's tau-b with the final accuracy"),
        "r_squared": (left_out_r_squared, "R^2 of a straight line, each network predicted by the others"),
    }
    variables = {}
    for name, (score, label_of) in scores.items():
        draws = case.rng("bootstrap")
        found = np.array([unit_bootstrap(draws, score, (x, accuracy), p.resamples) for x in predictors.values()]).T
        for suffix, values, what in zip(("", "_low", "_high"), found, ("", ", lower end", ", upper end"), strict=True):
            variables[f"{name}{suffix}"] = labelled("predictor", values, label_of + what, nan=NO_SCORE)
    variables["early_value"] = labelled(
        ("predictor", "net"),
        np.stack(list(predictors.values())),
        "predictor after a tenth of the training: DSMI, minus the loss, ln of the parameters",
        "bit, nat, 1",
        nan=UNDEFINED,
    )
    return xr.Dataset(variables, {"predictor": list(predictors), "net": np.arange(len(accuracy))})


def kendall(x: np.ndarray, y: np.ndarray) -> float:
    """Kendall's tau-b."""
    return float(kendalltau(x, y).statistic)


def left_out_r_squared(x: np.ndarray, y: np.ndarray) -> float:
    """1 - (squared error of each y predicted by the line through the other points) / (its variance around their mean).

    NaN if x or y is constant.
    """
    x, n = x - x.mean(), len(x)
    if not (x**2).sum() > 0 or not np.ptp(y) > 0:
        return np.nan
    leverage = 1 / n + x**2 / (x**2).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        error = (y - y.mean() - x * (x @ y) / (x @ x)) / (1 - leverage)
    around = (y - y.mean()) * n / (n - 1)  # from the mean of the others
    return float(1 - (error**2).sum() / (around**2).sum())
