"""Classifies held-out records, and the Lorenz series sampled ever more coarsely."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import complexity_entropy, delay_for
from pesin.forecast.classify import area_under_curve, confusion, macro_f1
from pesin.stats.intervals import share_interval
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.classes import CLASSES
from studies.ordinal_orbit_complexity.features import METHODS, QUANTITIES, classify
from studies.ordinal_orbit_complexity.series.params import Params
from studies.ordinal_orbit_complexity.series.records import record_features


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.Dataset) -> xr.Dataset:
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


def _coarse_lorenz(case: Case[Params], records, trained) -> np.ndarray:
    """True where the rule, fitted on the longest records, takes x(t) of Lorenz for noise; shape (ratio, record)."""
    x = records.x.sel(class_label="chaotic").values
    rows = []
    for ratio in case.params.forecast.coarse_ratios:
        delay = int(delay_for(ratio, case.params.simulate.records.samples_per_period, 1, case.params.train.order))
        plane = np.stack(complexity_entropy(x, case.params.train.order, delay)[:2], -1)
        rows.append(classify(_padded(plane), trained.centroid.values[-1], "hc_plane") == CLASSES.index("stochastic"))
    return np.stack(rows)


def _padded(plane) -> np.ndarray:
    """(H, C) with the other quantities, which the HC plane doesn't look at, set to 0."""
    return np.concatenate([plane, np.zeros((*plane.shape[:-1], len(QUANTITIES) - 2))], -1)
