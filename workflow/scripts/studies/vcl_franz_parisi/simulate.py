"""Teachers of binary weights with patterns and labels, for one task and for two; and permuted digits."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.images import load_images
from studies.vcl_franz_parisi.params import Params


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `single`, `pair` and `digits`."""
    return xr.DataTree.from_dict({"single": single(case), "pair": pair(case), "digits": digits(case)})


def count(alpha: float, weights: int) -> int:
    """Number of patterns at a load."""
    return max(1, round(alpha * weights))


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Independent -1 and +1, int8."""
    return (2 * rng.integers(2, size=shape, dtype=np.int8) - 1).astype(np.int8)


def taught(xi: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """Labels sign(teacher . xi): (run, pattern, weight), (run, weight) -> (run, pattern), int8."""
    field = np.einsum("rpw,rw->rp", xi.astype(np.float32), teacher.astype(np.float32))
    return np.sign(field).astype(np.int8)


def single(case: Case[Params]) -> xr.Dataset:
    """`xi`, `label`, and the truth `teacher`, of one task at the largest load."""
    p, rng = case.params.simulate, case.rng("single")
    teacher = signs(rng, p.runs, p.weights)
    xi = signs(rng, p.runs, count(p.alphas[-1], p.weights), p.weights)
    return xr.Dataset(
        {
            "teacher": labelled(("run", "weight"), teacher, "weights of the teacher", role="truth"),
            "xi": labelled(("run", "pattern", "weight"), xi, "patterns"),
            "label": labelled(("run", "pattern"), taught(xi, teacher), "labels of the teacher"),
        },
        {"run": np.arange(p.runs)},
    )


def pair(case: Case[Params]) -> xr.Dataset:
    """Two tasks with fresh patterns each: T2 = B T1, P(B_i = 1) = (1 + r0) / 2.

    Uniform numbers behind B, and the patterns of task 2, are the same for all r0.
    """
    p, rng = case.params.simulate, case.rng("pair")
    first, uniform = signs(rng, p.runs, p.weights), rng.random((p.runs, p.weights))
    second = [first * np.where(uniform < (1 + r0) / 2, 1, -1).astype(np.int8) for r0 in p.pair.overlaps]
    xi_1 = signs(rng, p.runs, count(p.pair.alpha, p.weights), p.weights)
    xi_2 = signs(rng, p.runs, count(max(p.pair.alphas), p.weights), p.weights)
    label_2 = np.stack([taught(xi_2, one) for one in second])
    return xr.Dataset(
        {
            "teacher_1": labelled(("run", "weight"), first, "weights of the teacher of task 1", role="truth"),
            "teacher_2": labelled(
                ("overlap", "run", "weight"), np.stack(second), "weights of the teacher of task 2", role="truth"
            ),
            "xi_1": labelled(("run", "pattern_1", "weight"), xi_1, "patterns of task 1"),
            "xi_2": labelled(("run", "pattern_2", "weight"), xi_2, "patterns of task 2"),
            "label_1": labelled(("run", "pattern_1"), taught(xi_1, first), "labels of task 1"),
            "label_2": labelled(("overlap", "run", "pattern_2"), label_2, "labels of task 2"),
        },
        {"run": np.arange(p.runs), "overlap": p.pair.overlaps},
    )


def digits(case: Case[Params]) -> xr.Dataset:
    """Images less their mean in training, and for each seed and task an order of the pixels."""
    p, rng = case.params.simulate.digits, case.rng("digits")
    found = load_images(p.source, p.train, p.test, rng, p.folder)
    train, test = found.train.reshape(p.train, -1), found.test.reshape(p.test, -1)
    order = rng.permuted(np.tile(np.arange(train.shape[1]), (p.seeds, p.tasks, 1)), axis=-1)
    return xr.Dataset(
        {
            "train_image": labelled(("train_sample", "pixel"), train - train.mean(0), "training images"),
            "train_label": labelled("train_sample", found.train_label, "class of training images"),
            "test_image": labelled(("test_sample", "pixel"), test - train.mean(0), "test images"),
            "test_label": labelled("test_sample", found.test_label, "class of test images", role="truth"),
            "order": labelled(("seed", "task", "pixel"), order, "pixel that stands at each place"),
        },
        {"seed": np.arange(p.seeds), "task": np.arange(p.tasks)},
    )
