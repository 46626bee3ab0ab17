"""Classifies held-out records, pendulum motions and orbits, and holds the classes against the Lyapunov exponents."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import complexity_entropy, delay_for, periodic_bound
from pesin.forecast.classify import area_under_curve, cohens_kappa, confusion, macro_f1
from pesin.stats.bootstrap import unit_bootstrap
from pesin.stats.intervals import share_interval
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.classes import CLASSES, LOST
from studies.ordinal_orbit_complexity.features import METHODS, QUANTITIES, classify, features, motions, record_features


def forecast(case: Case, data, trained, rule=None) -> xr.Dataset:
    if case.params.kind == "series":
        return _series(case, data, trained)
    return _motions(case, data, rule)


def _series(case: Case, data, trained) -> xr.Dataset:
    """Held-out records against duration; the Lorenz series against the coarseness of its sampling."""
    records = data["records"].to_dataset()
    records = records.isel(record=records.held_out.values)
    durations = case.params.train.durations
    measured = record_features(case, records, durations)
    truth = np.repeat(np.arange(len(CLASSES)), records.sizes["record"])
    predicted = np.stack([_assigned(measured, trained, method) for method in METHODS])
    correct = predicted == truth
    accuracy = [[share_interval(row) for row in rows] for rows in correct]
    f1 = [[macro_f1(truth, row, len(CLASSES)) for row in rows] for rows in predicted]
    counts = [[confusion(truth, row, len(CLASSES)) for row in rows] for rows in predicted]
    by = ("method", "duration")
    return xr.Dataset(
        {
            "predicted": labelled((*by, "unseen"), predicted, "class assigned, by its index; -1: none"),
            "is_correct": labelled((*by, "unseen"), correct, "assigned to its own class"),
            "accuracy": labelled((*by, "bound"), accuracy, "share assigned to their own class"),
            "macro_f1": labelled(by, f1, "macro-averaged F1"),
            "confusion": labelled((*by, "class_label", "class_assigned"), counts, "records of a class given a class"),
            "auc": labelled(("quantity", "duration"), _record_auc(measured), "AUC of chaotic against periodic records"),
            "looks_stochastic": labelled(
                ("coarse_ratio", "record"),
                _coarse_lorenz(case, records, trained),
                "Lorenz x classified as stochastic",
            ),
        },
        {
            "method": list(METHODS),
            "duration": durations,
            "unseen": np.arange(truth.size),
            "true_class": ("unseen", np.array(CLASSES)[truth]),
            "bound": ["centre", "low", "high"],
            "class_label": list(CLASSES),
            "class_assigned": list(CLASSES),
            "quantity": list(QUANTITIES),
            "record": records.record.values,
            "coarse_ratio": case.params.forecast.coarse_ratios,
        },
    )


def _assigned(measured, trained, method: str) -> np.ndarray:
    """Class index of every record at every duration, shape (duration, class x record)."""
    centroids = trained.centroid.values
    if METHODS[method][1] == "longest":
        centroids = np.broadcast_to(centroids[-1], centroids.shape)
    return np.stack([classify(row, own, method).ravel() for row, own in zip(measured, centroids, strict=True)])


def _record_auc(measured) -> np.ndarray:
    chaotic, periodic = (measured[:, CLASSES.index(label)] for label in ("chaotic", "periodic"))
    return area_under_curve(np.moveaxis(chaotic, 1, -1), np.moveaxis(periodic, 1, -1)).T


def _coarse_lorenz(case: Case, records, trained) -> np.ndarray:
    """True where the rule, fitted on the longest records, takes x(t) of Lorenz for noise; shape (ratio, record)."""
    x = records.x.sel(class_label="chaotic").values
    rows = []
    for ratio in case.params.forecast.coarse_ratios:
        delay = int(delay_for(ratio, case.params.simulate.records.samples_per_period, 1, case.params.order))
        plane = np.stack(complexity_entropy(x, case.params.order, delay)[:2], -1)
        rows.append(classify(_padded(plane), trained.centroid.values[-1], "hc_plane") == CLASSES.index("stochastic"))
    return np.stack(rows)


def _padded(plane) -> np.ndarray:
    """(H, C) with the other quantities, which the HC plane doesn't look at, set to 0."""
    return np.concatenate([plane, np.zeros((*plane.shape[:-1], len(QUANTITIES) - 2))], -1)


def _motions(case: Case, data, rule) -> xr.Dataset:
    """Pendulum motions or orbits: regular or complex by the periodic bound, and by the trained rule."""
    dims, x, _, delay, is_lost = motions(case, data)
    order, shape = case.params.order, is_lost.shape
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
    return tuple(value if np.isfinite(value) else np.nan for value in found)


def _auc(score, label) -> float:
    return float(area_under_curve(score[label], score[~label])) if 0 < label.sum() < label.size else np.nan
