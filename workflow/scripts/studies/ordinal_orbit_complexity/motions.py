"""Pendulum motions and orbits: brought into shape, measured, and classified."""

from math import factorial
from typing import NamedTuple

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import complexity_entropy, delay_for, from_counts, pattern_codes, periodic_bound
from pesin.forecast.classify import area_under_curve, cohens_kappa
from pesin.stats.bootstrap import block_counts, unit_bootstrap
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.classes import LOST
from studies.ordinal_orbit_complexity.features import QUANTITIES, classify, features
from studies.ordinal_orbit_complexity.measures import ordinal_variables
from studies.ordinal_orbit_complexity.ordinal import Ordinal


class Motions(NamedTuple):
    """Series of motions, ready to measure.

    Attributes
    ----------
    dims
        Names of the two dimensions, kind and unit.
    x : ndarray, shape (kind x unit, time)
    period, delay : ndarray, shape (kind x unit,)
        Natural period and delay, in samples.
    is_lost : ndarray of bool, shape (kind, unit)
        Motions that blew up or never crossed their mean; they stand as a ramp.
    """

    dims: tuple[str, str]
    x: np.ndarray
    period: np.ndarray
    delay: np.ndarray
    is_lost: np.ndarray


def motions(ordinal: Ordinal, data: xr.Dataset, series: str) -> Motions:
    """All motions of a variable of the simulation, over kind, unit and time."""
    dims = (str(data[series].dims[0]), str(data[series].dims[1]))
    dt = np.broadcast_to(np.reshape(data.dt.values, (-1, 1)), data.natural_period.shape)
    x, period = data[series].values.copy(), data.natural_period.values / dt
    is_lost = ~np.isfinite(x).all(-1) | ~np.isfinite(period)
    x[is_lost], period[is_lost] = np.arange(x.shape[-1]), x.shape[-1] / 10
    delay = delay_for(ordinal.ratio, period, 1, ordinal.order)
    return Motions(dims, x.reshape(-1, x.shape[-1]), period.ravel(), delay.ravel(), is_lost)


def measure(case: Case, data: xr.Dataset, moving: Motions) -> xr.Dataset:
    """(H, C) of every motion with a moving-block bootstrap error."""
    dims, x, period, delay, is_lost = moving
    order, shape = case.params.train.order, is_lost.shape
    found = [complexity_entropy(one, order, int(step)) for one, step in zip(x, delay, strict=True)]
    result = xr.Dataset(
        ordinal_variables(dims, found, order, shape) | _bootstrap(case, x, delay, period, dims, shape),
        {dim: data[dim].values for dim in dims},
    )
    for name in ("permutation_entropy", "statistical_complexity"):
        result[name] = result[name].where(~is_lost).assign_attrs(nan=LOST)
    return result


def _bootstrap(case: Case, x, delay, period, dims, shape) -> dict:
    """Standard errors of H and C of each series; a block is five natural periods, as windows overlap."""
    order, rng = case.params.train.order, case.rng("blocks")
    errors = []
    for series, step, samples in zip(case.progress(x, what="bootstrap"), delay, period, strict=True):
        codes = pattern_codes(series, order, int(step))
        block = round(min(5 * samples, codes.size / 2))
        resampled = from_counts(block_counts(rng, codes, factorial(order), block, case.params.entropy.resamples))
        # The spread alone: a resample of few blocks misses patterns, so its mean lies below H.
        errors.append(np.std(resampled[:2], axis=1))
    names = {"permutation_entropy": "H", "statistical_complexity": "C"}
    return {
        f"{name}_error": labelled(dims, values.reshape(shape), f"standard error of {said}, moving-block bootstrap")
        for (name, said), values in zip(names.items(), np.transpose(errors), strict=True)
    }


def judge(case: Case, data: xr.Dataset, moving: Motions, rule: xr.Dataset) -> xr.Dataset:
    """Regular or complex: by the periodic bound, by the trained rule, and by the Lyapunov exponents."""
    dims, x, _, delay, is_lost = moving
    order, shape = case.params.train.order, is_lost.shape
    measured = features(case.rng("zero-one angles"), x, order, delay).reshape(*shape, -1)
    measured[is_lost] = np.nan
    complex_ = measured[..., 0] > periodic_bound(order)
    chaotic = data.is_chaotic.values
    scores = {name: measured[..., i] for i, name in enumerate(QUANTITIES)}
    scores["alignment_index"] = -data.sali.values
    assigned = classify(measured, rule.centroid.values[-1], "hc_plane")
    groups = [*np.arange(shape[0]), slice(None)]
    agreement = [_kappa(case, complex_[group].ravel(), chaotic[group].ravel()) for group in groups]
    aucs = [[_auc(score[group].ravel(), chaotic[group].ravel()) for group in groups] for score in scores.values()]
    alone = "only one label occurs"
    return xr.Dataset(
        {
            "exceeds_periodic_bound": labelled(
                dims, np.where(is_lost, np.nan, complex_), "1 if H > H_per, else 0", nan=LOST
            ),
            "agrees_with_lyapunov": labelled(
                dims, (complex_ == chaotic) & ~is_lost, "H > H_per and the Lyapunov exponent agree"
            ),
            "assigned_class": labelled(dims, assigned, "class by the trained rule, by its index; -1: none"),
            "kappa": labelled(
                ("group", "bound"), agreement, "Cohen's kappa of H > H_per and the Lyapunov label", nan=alone
            ),
            "auc": labelled(("score", "group"), aucs, "AUC of a quantity for the Lyapunov label", nan=alone),
            "quantity_value": labelled((*dims, "quantity"), measured, "quantities of the series", nan=LOST),
        },
        {
            **{dim: data[dim].values for dim in dims},
            "group": [*data[dims[0]].values, "all"],
            "bound": ["centre", "low", "high"],
            "score": list(scores),
            "quantity": list(QUANTITIES),
        },
    )


def _kappa(case: Case, complex_, chaotic) -> tuple[float, float, float]:
    """Kappa with a bootstrap interval over motions; NaN where kappa isn't defined."""
    found = unit_bootstrap(case.rng("kappa"), cohens_kappa, (complex_, chaotic))
    centre, low, high = (value if np.isfinite(value) else np.nan for value in found)
    return centre, low, high


def _auc(score, label) -> float:
    """AUC of a score for a label; a lost orbit, which has no score, ranks on the wrong side of its label."""
    score = np.where(np.isnan(score), np.where(label, -np.inf, np.inf), score)
    return float(area_under_curve(score[label], score[~label])) if 0 < label.sum() < label.size else np.nan
