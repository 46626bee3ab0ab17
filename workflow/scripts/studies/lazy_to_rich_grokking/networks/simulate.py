"""The worlds: inputs with the outputs of a teacher, and images with their classes."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.images import CLASSES, load_images
from studies.lazy_to_rich_grokking.networks.params import Params


def simulate(case: Case[Params]) -> xr.DataTree:
    """Of each task `x` (seed, sample, input) and `y` (seed, sample, output), training samples first."""
    seeds = range(case.params.simulate.seeds)
    made = {
        "student_teacher": [taught(case, case.rng(f"teacher {seed}")) for seed in seeds],
        "images": [pictures(case, case.rng(f"images {seed}")) for seed in seeds],
    }
    return xr.DataTree.from_dict({name: as_dataset(parts) for name, parts in made.items()})


def as_dataset(parts: list[tuple[np.ndarray, np.ndarray]]) -> xr.Dataset:
    """Inputs and targets of all seeds."""
    x, y = (np.stack(some).astype(np.float32) for some in zip(*parts, strict=True))
    dims = ("seed", "sample")
    return xr.Dataset(
        {"x": labelled((*dims, "input"), x, "input"), "y": labelled((*dims, "output"), y, "target")},
    )


def taught(case: Case[Params], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Normal inputs, and a sum of rectified units of alternating sign, in standard units of the training samples."""
    teacher = case.params.simulate.teacher
    x = rng.normal(size=(teacher.train + teacher.test, teacher.dim))
    sign = np.where(np.arange(teacher.units) % 2, 1.0, -1.0)
    y = np.maximum(x @ rng.normal(size=(teacher.dim, teacher.units)), 0) @ sign
    known = y[: teacher.train]
    return x, ((y - known.mean()) / known.std())[:, None]


def pictures(case: Case[Params], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pixels less the mean training image, of mean square 1; classes as vectors of zeros and a one."""
    data = case.params.simulate.data
    found = load_images(data.source, data.train, data.test, rng, data.folder)
    x = np.concatenate([found.train, found.test]).reshape(data.train + data.test, -1).astype(float)
    x -= x[: data.train].mean(0)
    x /= np.sqrt((x[: data.train] ** 2).mean())
    return x, np.eye(CLASSES)[np.concatenate([found.train_label, found.test_label])]
