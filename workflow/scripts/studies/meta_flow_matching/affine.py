"""Optimal transport between normal laws: for each treatment the best map that is affine, the same for every patient."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled
from pesin.steps.packages import needs_package

ENDS = ("before", "after")


def affine_maps(train: Any) -> xr.Dataset:
    """The map x -> x A + b of all training cells of a label, for each seed.

    It is the gradient of a quadratic convex potential (Peyre and Cuturi, 2019, remark 2.31).
    """
    with needs_package("pot"):
        from ot.gaussian import bures_wasserstein_mapping

    found, labels = [], np.unique(train["label"].values)
    for seed, label in np.ndindex(train.sizes["seed"], len(labels)):
        some = train["label"].values[seed] == labels[label]
        clouds = [train[name].values[seed, some].reshape(-1, train.sizes["axis"]).astype(float) for name in ENDS]
        found.append(bures_wasserstein_mapping(*[x.mean(0) for x in clouds], *[np.cov(x.T) for x in clouds]))
    matrix, shift = (np.stack(part) for part in zip(*found, strict=True))
    shape, dims = (train.sizes["seed"], len(labels)), ("seed", "known", "axis", "to")
    return xr.Dataset(
        {
            "matrix": labelled(dims, matrix.reshape(*shape, *matrix.shape[1:]), "matrix of the affine transport"),
            "shift": labelled((*dims[:2], "to"), shift.reshape(*shape, -1), "shift of the affine transport"),
        },
        {"known": labels},
    )


def moved_by(maps: Any, start: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Where points, (seeds, populations, points, dim), get to by the maps of their labels, (seeds, populations)."""
    place, seeds = np.searchsorted(maps["known"].values, label), np.arange(len(start))[:, None]
    return start @ maps["matrix"].values[seeds, place] + maps["shift"].values[seeds, place][:, :, None]
