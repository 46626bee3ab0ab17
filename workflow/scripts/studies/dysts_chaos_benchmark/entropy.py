"""Entropies and exponents of every system, what is annotated of them, and features of their trajectories."""

import xarray as xr

from pesin.steps.case import Case
from studies.dysts_chaos_benchmark import annotations, features, spectra


def entropy(case: Case, data=None, spectra_of_all=None, zoo=None) -> xr.Dataset:
    kind = case.params.kind
    if kind == "zoo":
        return spectra.entropy(case, data)
    if kind == "annotations":
        return annotations.entropy(case, spectra_of_all)
    return features.entropy(case, zoo)
