"""Every measure of every series, or all of them against each other and against the truth."""

import xarray as xr

from pesin.steps.case import Case
from studies.entropy_atlas import compared, measured


def entropy(case: Case, data=None, measures=None, valid_times=None, spectra=None) -> xr.Dataset:
    if case.params.kind == "atlas":
        return measured.entropy(case, data)
    return compared.entropy(case, measures, valid_times, spectra)
