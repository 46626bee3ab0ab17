"""Errors on fresh patterns, what task 2 has cost task 1, and accuracies of the networks on all tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.forecast.continual import average_final, backward_transfer, forgetting
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.vcl_franz_parisi.deep import binary_outputs, permuted
from studies.vcl_franz_parisi.params import Params
from studies.vcl_franz_parisi.simulate import signs


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`error` (alpha, run), `error_1`, `error_2`, `forgotten` of two tasks, `accuracy` (method, seed, after, task)."""
    p, rng = case.params, case.rng("patterns")
    fresh = signs(rng, p.forecast.patterns, p.simulate.weights).astype(np.float32)
    parts = [single(data, trained["single"], fresh), pair(data, trained["pair"], fresh), deep(case, data, trained)]
    return xr.merge(parts, join="exact")


def missed(theta: np.ndarray, teacher: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Share of fresh patterns on which sign(theta) and the teacher differ.

    Parameters
    ----------
    theta : ndarray, shape (..., run, weight)
        A field that isn't a number counts as one of +1.
    teacher : ndarray, shape (..., run, weight)
        Leading axes of size 1 are repeated.
    fresh : ndarray, shape (pattern, weight)

    Returns
    -------
    ndarray, shape (..., run)
    """
    student = np.where(theta < 0, -1, 1).astype(np.float32) @ fresh.T > 0
    return (student != (teacher.astype(np.float32) @ fresh.T > 0)).mean(-1)


def single(data: Any, trained: Any, fresh: np.ndarray) -> xr.Dataset:
    """Errors of the single task, at the end and on the way."""
    runs = trained.sizes["run"]
    teacher = data["single/teacher"].values[:runs]
    error = np.stack([missed(theta, teacher, fresh) for theta in trained["theta"].values])
    return xr.Dataset(
        {"error": labelled(("alpha", "run"), error, "error on fresh patterns")},
        {"alpha": trained["alpha"].values, "run": trained["run"].values},
    )


def pair(data: Any, trained: Any, fresh: np.ndarray) -> xr.Dataset:
    """Errors on both tasks after task 2, and the rise of that on task 1."""
    runs = trained.sizes["run"]
    first, second = (data[f"pair/teacher_{task}"].values[..., :runs, :] for task in (1, 2))
    before = missed(trained["theta_1"].values, first, fresh)
    theta = trained["theta_2"].values
    old = np.stack([missed(one, first, fresh) for one in theta])
    new = np.stack([missed(one, second[:, None], fresh) for one in theta])
    dims = ("alpha_2", "overlap", "arm", "run")
    return xr.Dataset(
        {
            "error_before": labelled("run", before, "error on task 1 before task 2"),
            "error_1": labelled(dims, old, "error on task 1 after task 2"),
            "error_2": labelled(dims, new, "error on task 2 after task 2"),
            "forgotten": labelled(dims, old - before, "rise of the error on task 1"),
        },
        {name: trained[name].values for name in dims},
    )


def deep(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Accuracies of the signs of all networks after each task, on the test images of each."""
    weights, digits = trained["deep"], data["digits"]
    names = sorted(name for name in weights.data_vars)
    dims = ("method", "setting", "seed")
    shape = tuple(weights.sizes[name] for name in (*dims, "after"))
    tasks = case.params.simulate.digits.tasks
    image, label = (torch.as_tensor(digits[f"test_{key}"].values) for key in ("image", "label"))
    rows, accuracy = torch.arange(len(label)), np.zeros((*shape, tasks))
    for seed in range(shape[2]):
        own = {str(name): torch.as_tensor(weights[name].values[:, :, seed].astype(np.float32)) for name in names}
        flat = {name: value.flatten(0, 2) for name, value in own.items()}  # (method x setting x after, in, out)
        for task in range(tasks):
            order = torch.as_tensor(digits["order"].values[seed, task])
            x = permuted(image, rows[None], order[None]).expand(len(flat[str(names[0])]), -1, -1)
            right = binary_outputs(flat, x).argmax(-1) == label
            accuracy[:, :, seed, :, task] = right.double().mean(-1).numpy().reshape(*shape[:2], shape[3])
    average = average_final(accuracy)
    return xr.Dataset(
        {
            "accuracy": labelled((*dims, "after", "task"), accuracy, "accuracy on test images"),
            "average": labelled(dims, average, "mean accuracy over tasks after the last"),
            "chosen": labelled(
                ("method", "seed"), chosen(average), "mean accuracy after the last task, setting chosen on other seeds"
            ),
            "forgetting": labelled(dims, forgetting(accuracy), "forgetting of accuracy"),
            "transfer": labelled(dims, backward_transfer(accuracy), "backward transfer of accuracy"),
        },
        {
            **{name: weights[name].values for name in (*dims, "after")},
            "task": np.arange(tasks),
        },
    )


def chosen(average: np.ndarray) -> np.ndarray:
    """Of scores (method, setting, seed) each seed's at the setting that is best on the other seeds: (method, seed)."""
    others = average.sum(2, keepdims=True) - average
    return np.take_along_axis(average, others.argmax(1)[:, None], 1)[:, 0]
