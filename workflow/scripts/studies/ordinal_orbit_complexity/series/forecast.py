"""Classifies records of systems that the rule hasn't seen, and the Lorenz series sampled ever more coarsely."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import complexity_entropy, delay_for
from pesin.forecast.classify import area_under_curve
from pesin.stats.intervals import interval
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.classes import CLASSES
from studies.ordinal_orbit_complexity.features import METHODS, QUANTITIES, classify
from studies.ordinal_orbit_complexity.series.params import Params
from studies.ordinal_orbit_complexity.series.records import class_indices


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.Dataset) -> xr.Dataset:
    """Records of each system by the rule of all other systems, against duration; Lorenz against the sampling."""
    systems = trained.system.values
    truth = class_indices(systems)
    assigned = np.stack([_assigned(trained, method) for method in METHODS])
    given = np.stack([(assigned == index).mean(-1) for index in range(len(CLASSES))], -1)
    correct = np.take_along_axis(given, truth[None, None, :, None], -1)[..., 0]
    accuracy = [[interval(row)[:3] for row in rows] for rows in correct]
    by = ("method", "duration")
    return xr.Dataset(
        {
            "share_given": labelled((*by, "system", "class_assigned"), given, "share of records given a class"),
            "share_correct": labelled((*by, "system"), correct, "share of records given their own class"),
            "accuracy": labelled((*by, "bound"), accuracy, "share given their own class, mean over systems"),
            "auc": labelled(("quantity", "duration"), _record_auc(trained, truth), "AUC of chaotic against periodic"),
            "looks_stochastic": labelled(
                ("coarse_ratio", "record"),
                _coarse_lorenz(case, data["records"].x.sel(system="lorenz_x").values, trained),
                "Lorenz x classified as stochastic",
            ),
        },
        {
            "method": list(METHODS),
            "duration": trained.duration.values,
            "system": systems,
            "true_class": ("system", np.array(CLASSES)[truth]),
            "bound": ["centre", "low", "high"],
            "class_assigned": list(CLASSES),
            "quantity": list(QUANTITIES),
            "record": data["records"].record.values,
            "coarse_ratio": case.params.forecast.coarse_ratios,
        },
    )


def _assigned(trained, method: str) -> np.ndarray:
    """Class index of every record by the centroids of the other systems, shape (duration, system, record)."""
    centroids, values = trained.centroid_without.values, trained.quantity_value.values
    if METHODS[method][1] == "longest":
        centroids = np.broadcast_to(centroids[-1], centroids.shape)
    return np.stack(
        [
            [classify(records, own, method) for records, own in zip(row, rule, strict=True)]
            for row, rule in zip(values, centroids, strict=True)
        ]
    )


def _record_auc(trained, truth) -> np.ndarray:
    """AUC of every quantity over all records of two classes, shape (quantity, duration)."""
    pooled = []
    for label in ("chaotic", "periodic"):
        values = trained.quantity_value.values[:, truth == CLASSES.index(label)]
        pooled.append(np.moveaxis(values.reshape(len(values), -1, values.shape[-1]), 1, -1))
    return area_under_curve(*pooled).T


def _coarse_lorenz(case: Case[Params], x, trained) -> np.ndarray:
    """True where the rule, fitted on the longest records, takes x(t) of Lorenz for noise; shape (ratio, record)."""
    rows = []
    for ratio in case.params.forecast.coarse_ratios:
        delay = int(delay_for(ratio, case.params.simulate.records.samples_per_period, 1, case.params.train.order))
        plane = np.stack(complexity_entropy(x, case.params.train.order, delay)[:2], -1)
        rows.append(classify(_padded(plane), trained.centroid.values[-1], "hc_plane") == CLASSES.index("stochastic"))
    return np.stack(rows)


def _padded(plane) -> np.ndarray:
    """(H, C) with the other quantities, which the HC plane doesn't look at, set to 0."""
    return np.concatenate([plane, np.zeros((*plane.shape[:-1], len(QUANTITIES) - 2))], -1)
