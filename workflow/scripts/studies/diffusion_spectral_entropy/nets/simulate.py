"""Labelled images, the same for all networks."""

from __future__ import annotations

import xarray as xr

from pesin.steps.case import Case
from studies.diffusion_spectral_entropy.images import labelled_images
from studies.diffusion_spectral_entropy.nets.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return images with their labels."""
    return labelled_images(case, case.params.simulate, ["supervised"], 1)
