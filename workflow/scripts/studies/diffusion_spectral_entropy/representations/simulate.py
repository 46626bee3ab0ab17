"""Labelled images for several modes of training and seeds."""

from __future__ import annotations

import xarray as xr

from pesin.steps.case import Case
from studies.diffusion_spectral_entropy.images import labelled_images
from studies.diffusion_spectral_entropy.representations.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return images with the labels that each mode and seed is trained on."""
    return labelled_images(case, case.params.simulate, list(case.params.modes), case.params.seeds)
