"""The world of the trained networks: images, and the labels that they are told."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.images import load_images
from studies.diffusion_spectral_entropy.shared_params import World


def labelled_images(case: Case, world: World, modes: list[str], seeds: int) -> xr.Dataset:
    """Images, and the labels of each mode and seed: true, or permuted within the training and within the test set."""
    found = load_images(world.data.source, world.data.train, world.data.test, case.rng("images"), world.data.folder)
    rng = case.rng("labels")
    pixel = ("row", "column", "channel")
    variables = {}
    for split, pixels, label in (
        ("train", found.train, found.train_label),
        ("test", found.test, found.test_label),
    ):
        labels = np.tile(label.astype(np.int16), (len(modes), seeds, 1))
        for i, mode in enumerate(modes):
            if mode == "random_labels" or world.labels == "shuffled":
                labels[i] = rng.permuted(labels[i], axis=-1)
        sample = f"{split}_sample"
        variables[f"{split}_images"] = labelled((sample, *pixel), pixels, f"{split} images, pixels 0 to 1")
        variables[f"{split}_label"] = labelled(
            ("mode", "seed", sample), labels, f"class of each {split} image, as each mode is told"
        )
    return xr.Dataset(variables, {"mode": modes, "seed": np.arange(seeds)})
