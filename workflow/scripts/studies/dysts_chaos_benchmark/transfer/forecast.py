"""Scores the predicted classes."""

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.transfer.params import Params


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """Share of the test series that each arm classifies right."""
    there = data.test_label >= 0
    accuracy = ((trained.prediction == data.test_label) & there).sum("test_series") / there.sum("test_series")
    return xr.Dataset(
        {
            "accuracy": labelled(("arm", "task"), accuracy.transpose("arm", "task"), "share of test series right"),
            "chance": labelled("task", 1 / data.classes.values, "share of the classes, which guessing reaches"),
        },
        {"arm": trained.arm.values, "task": trained.task.values},
    )
