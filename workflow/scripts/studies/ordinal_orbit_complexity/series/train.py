"""Fits the decision rule: the centroid of each class in (H, C), and of the rival quantities, at each record length."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.classes import CLASSES
from studies.ordinal_orbit_complexity.features import QUANTITIES
from studies.ordinal_orbit_complexity.series.params import Params
from studies.ordinal_orbit_complexity.series.records import class_indices, record_features


def train(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Return the centroids over (duration, class, quantity): of all systems, and with each of them left out."""
    measured, systems = record_features(case, data)
    means, truth = measured.mean(2), class_indices(systems)
    others = ~np.eye(len(systems), dtype=bool)
    groups = truth == np.arange(len(CLASSES))[:, None]
    dims, said = ("duration", "class_label", "quantity"), "mean over the class's systems"
    left_out = np.stack([_centroids(means, groups & kept) for kept in others], 1)
    return xr.Dataset(
        {
            "centroid": labelled(dims, _centroids(means, groups), said),
            "centroid_without": labelled((dims[0], "system", *dims[1:]), left_out, f"{said} but one"),
            "quantity_value": labelled(("duration", "system", "record", "quantity"), measured, "quantities"),
        },
        {
            "duration": case.params.train.durations,
            "class_label": list(CLASSES),
            "system": systems,
            "true_class": ("system", np.array(CLASSES)[truth]),
            "quantity": list(QUANTITIES),
        },
    )


def _centroids(means: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Centroids of groups of systems; (duration, system, quantity), (class, system) -> (duration, class, quantity)."""
    return np.stack([means[:, group].mean(1) for group in groups], 1)
