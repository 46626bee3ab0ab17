"""Every measure of every series: clean and long, with noise, short, and with its order destroyed."""

from __future__ import annotations

import warnings
from functools import partial

import numpy as np
import xarray as xr

from pesin.entropy.registry import get
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from studies.entropy_atlas.measurement.params import Measures, Params

CONDITIONS = ("long", "noisy", "short", "shuffled")


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """value(measure, condition, system) with its standard error, of series brought to mean 0 and deviation 1."""
    p = case.params.entropy
    x = data.series.transpose("system", "time").values
    seeds = case.rng("noise and order").integers(2**63, size=len(x))
    rows = each(partial(_measured, p=p), list(zip(x, seeds, strict=True)), case.threads)
    value, error = np.stack(rows, -1)  # each (2, measure, condition, system)
    dims = ("measure", "condition", "system")
    return xr.Dataset(
        {
            "value": labelled(
                dims,
                value,
                "value of the measure, in its unit",
                nan="NaN where the measure isn't defined or there is no series, infinity where nothing matched",
            ),
            "standard_error": labelled(
                dims, error, "standard error of the value", nan="a measure without a formula for its error"
            ),
        },
        coords={
            "measure": list(p.measures),
            "condition": list(CONDITIONS),
            "system": data.system,
            "section": ("measure", [get(name).section for name in p.measures]),
            "measure_units": ("measure", [get(name).units for name in p.measures]),
        },
    )


def _measured(job, p: Measures) -> np.ndarray:
    """Values and errors of one system, (2, measure, condition); NaN where a measure is not defined."""
    x, seed = job
    rng = np.random.default_rng(seed)
    out = np.full((2, len(p.measures), len(CONDITIONS)), np.nan)
    if not np.isfinite(x).all() or x.std() == 0:
        return out
    x = (x - x.mean()) / x.std()
    noisy = x + p.noise * rng.standard_normal(x.size)
    series = {"long": x, "noisy": noisy, "short": x[: p.short], "shuffled": rng.permutation(x)}
    for i, name in enumerate(p.measures):
        for j, condition in enumerate(CONDITIONS):
            out[:, i, j] = _one(name, series[condition], p.settings.get(name, {}))
    return out


def _one(name: str, x: np.ndarray, settings: dict) -> tuple[float, float]:
    """Value and error; the mean over scales of a multiscale measure, of those where templates match."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no match: the infinity is kept as the value
        try:
            found = get(name)(x, **settings)
        except ValueError:
            return np.nan, np.nan
    value = np.ravel(found.value)
    matched = value[np.isfinite(value)]
    error = np.nan if found.standard_error is None else float(found.standard_error)
    return float(matched.mean()) if matched.size else np.inf, error
