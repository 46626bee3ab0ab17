"""Fits the decision rule: the centroid of each class in (H, C), and of the rival quantities, at each record length."""

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.features import QUANTITIES
from studies.ordinal_orbit_complexity.series.params import Params
from studies.ordinal_orbit_complexity.series.records import record_features


def train(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Return the centroids over (duration, class, quantity)."""
    records = data["records"].to_dataset()
    records = records.isel(record=~records.held_out.values)
    durations = case.params.train.durations
    measured = record_features(case, records, durations)
    dims = ("duration", "class_label", "quantity")
    return xr.Dataset(
        {
            "centroid": labelled(dims, measured.mean(2), "mean of the training records"),
            "spread": labelled(dims, measured.std(2), "standard deviation of the training records"),
        },
        {"duration": durations, "class_label": records.class_label.values, "quantity": list(QUANTITIES)},
    )
