"""How much of each concept a generated picture tells: mutual information in bits through training."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import miller_madow_entropy
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.concept_space_hidden_capabilities.images import CLASSES, CONCEPTS, places
from studies.concept_space_hidden_capabilities.params import Params


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """I(concept asked for; coordinate painted), all four classes asked for alike."""
    seen = trained.to_dataset()
    readout = (
        seen["plain"].sel(prompt=list(CLASSES)).transpose("concept", "setting", "seed", "step", "prompt", "sample")
    )
    found = [
        information(values, place, case.params.entropy.bins)
        for values, place in zip(readout.values, places().T, strict=True)
    ]
    name = "mutual information of concept and picture"
    table = labelled(("concept", "setting", "seed", "step"), found, name, "bit")
    return xr.Dataset(
        {"information": table}, {k: seen[k] for k in ("setting", "seed", "step")} | {"concept": list(CONCEPTS)}
    )


def information(values: np.ndarray, place: np.ndarray, bins: int) -> np.ndarray:
    """Mutual information of a concept and a coordinate in equal bins, entropies corrected by Miller and Madow.

    Parameters
    ----------
    values : ndarray, shape (..., classes, samples)
        Those below -1/2 or above 3/2, or NaN, go to the outermost bins.
    place : ndarray, shape (classes,)
        0 or 1.

    Returns
    -------
    ndarray, shape (...)
        In bits; 1 if the coordinate tells equally many of both apart. An estimate may lie below 0.
    """
    kind = np.floor((np.clip(np.nan_to_num(values, nan=-1.0), -0.5, 1.49999) + 0.5) / 2 * bins).astype(int)
    one = (kind[..., None] == np.arange(bins)).sum(-2)  # (..., classes, bins)
    joint = np.stack([one[..., place == side, :].sum(-2) for side in (0, 1)], -2)
    whole = [joint.sum(-2), joint.sum(-1), joint.reshape(*joint.shape[:-2], -1)]
    readout, concept, both = (np.asarray(miller_madow_entropy(counts).value) for counts in whole)
    return (readout + concept - both) / math.log(2)
