"""Images and their true labels: for training, for choosing among dense networks, and for scoring pruned ones."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.images import load_images
from studies.three_regime_pruning.params import Params

PARTS = ("train", "validation", "test")


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return for each part `<part>_image`, pixels less the mean of the training images, and `<part>_label`."""
    p = case.params.simulate.data
    found = load_images(p.source, p.train, p.validation + p.test, case.rng("images"), p.folder)
    pixels = {"train": found.train} | dict(zip(PARTS[1:], np.split(found.test, [p.validation]), strict=True))
    labels = {"train": found.train_label} | dict(
        zip(PARTS[1:], np.split(found.test_label, [p.validation]), strict=True)
    )
    mean = found.train.mean((0, 1, 2), dtype=np.float64) if p.source == "cifar10" else found.train.mean(0)
    variables = {}
    for part in PARTS:
        centred = (pixels[part] - mean).astype(np.float32).transpose(0, 3, 1, 2)
        dims = (f"{part}_sample", "channel", "row", "column")
        variables[f"{part}_image"] = labelled(dims, centred, f"{part} images, pixels less their mean in training")
        variables[f"{part}_label"] = labelled(f"{part}_sample", labels[part], f"true class of {part} images")
    return xr.Dataset(variables)
