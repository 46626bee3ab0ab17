"""Students of one task and of two in a runs axis, and networks on permuted digits."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.vcl_franz_parisi.deep import METHODS, learn
from studies.vcl_franz_parisi.params import Params
from studies.vcl_franz_parisi.simulate import count
from studies.vcl_franz_parisi.spins import descend

ARMS = ("prior", "free")
"""Task 2 with the divergence from what task 1 has left, and without it."""


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """Groups `single` and `pair`: fields; `deep`: binary weights after each task."""
    return xr.DataTree.from_dict({"single": single(case, data), "pair": pair(case, data), "deep": deep(case, data)})


def tensor(case: Case[Params], values: np.ndarray) -> torch.Tensor:
    """Float32, on the device."""
    return torch.as_tensor(np.asarray(values, np.float32), device=case.device)


def start(case: Case[Params], stream: str) -> torch.Tensor:
    """Standard normal fields, shape (run, weight, 1)."""
    p = case.params
    drawn = case.rng(stream).normal(size=(p.simulate.runs, p.simulate.weights, 1))
    return tensor(case, drawn[: p.train.runs])


def logged(epochs: int) -> list[int]:
    """Epochs at which fields are kept: 0, 1, 2, 5, 10, ... and the last."""
    found = {0, epochs} | {int(m * 10**k) for k in range(6) for m in (1, 2, 5) if m * 10**k <= epochs}
    return sorted(found)


def single(case: Case[Params], data: Any) -> xr.Dataset:
    """`theta` (alpha, run, weight) at the end, and `course` (alpha, epoch, run, weight) on the way."""
    p, first = case.params.train, start(case, "single start")
    kept, epochs = logged(p.single.epochs if p.trained else 0), p.single.epochs if p.trained else 0
    how, courses = p.single.model_copy(update={"epochs": epochs}), []
    for alpha in p.alphas:
        known, rng = count(alpha, case.params.simulate.weights), case.rng(f"single {alpha}")
        label = data["single/label"].values[: p.runs, :known]
        if p.labels == "shuffled":
            label = case.rng(f"shuffled {alpha}").permuted(label, axis=1)
        xi = tensor(case, data["single/xi"].values[: p.runs, :known])
        keeper = case.checkpoint(f"single_{alpha}", [rng])
        told = tensor(case, label)[..., None]
        _, found = descend(
            first, xi, told, how, p.momentum, rng, 0.0, p.modulated, kept, keeper,
            partial(case.progress, what=f"alpha {alpha}"),
        )  # fmt: skip
        courses.append(found[..., 0])
    course = np.stack(courses)
    return xr.Dataset(
        {
            "theta": labelled(("alpha", "run", "weight"), course[:, -1], "fields of the students", nan=DIVERGED),
            "course": labelled(("alpha", "epoch", "run", "weight"), course, "fields on the way", nan=DIVERGED),
        },
        {"alpha": p.alphas, "run": np.arange(p.runs), "epoch": kept},
    )


def pair(case: Case[Params], data: Any) -> xr.Dataset:
    """`theta_1` (run, weight) after task 1; `theta_2` (alpha_2, overlap, arm, run, weight) after task 2, `theta_early`
    after its first epoch."""
    p, world = case.params.train, case.params.simulate
    how = p.pair.model_copy(update={"epochs": p.pair.epochs if p.trained else 0})

    def learnt(name: str, theta, xi, label, gamma) -> tuple[torch.Tensor, np.ndarray]:
        rng = case.rng(name)
        return descend(
            theta, xi, label, how, p.momentum, rng, gamma, p.modulated, [min(1, how.epochs)],
            case.checkpoint(name, [rng]), partial(case.progress, what=name),
        )  # fmt: skip

    xi_1, label_1 = (tensor(case, data[f"pair/{key}"].values[: p.runs]) for key in ("xi_1", "label_1"))
    theta_1, _ = learnt("task_1", start(case, "pair start"), xi_1, label_1[..., None], 0.0)
    arms, overlaps = len(ARMS), len(world.pair.overlaps)
    ends: dict[str, list[np.ndarray]] = {"early": [], "2": []}
    gamma = torch.tensor([p.gamma, 0.0], device=case.device).repeat(overlaps)
    for alpha in world.pair.alphas:
        known = count(alpha, world.weights)
        xi = tensor(case, data["pair/xi_2"].values[: p.runs, :known])
        label = tensor(case, data["pair/label_2"].values[:, : p.runs, :known]).permute(1, 2, 0)
        told, begun = label.repeat_interleave(arms, 2).contiguous(), theta_1.repeat(1, 1, overlaps * arms)
        found, (early,) = learnt(f"task_2_{alpha}", begun, xi, told, gamma)
        for name, value in (("early", early), ("2", found.numpy(force=True))):
            ends[name].append(value.transpose(2, 0, 1).reshape(overlaps, arms, *value.shape[:2]))
    dims = ("alpha_2", "overlap", "arm", "run", "weight")
    return xr.Dataset(
        {
            "theta_1": labelled(dims[3:], theta_1[..., 0].numpy(force=True), "fields after task 1", nan=DIVERGED),
            "theta_2": labelled(dims, np.stack(ends["2"]), "fields after task 2", nan=DIVERGED),
            "theta_early": labelled(
                dims, np.stack(ends["early"]), "fields after the first epoch of task 2", nan=DIVERGED
            ),
        },
        {
            "alpha_2": world.pair.alphas,
            "overlap": world.pair.overlaps,
            "arm": list(ARMS),
            "run": np.arange(p.runs),
        },
    )


def deep(case: Case[Params], data: Any) -> xr.Dataset:
    """`weight_<layer>` (method, seed, after, ...): signs after each task, int8."""
    p, found = case.params.train, learn(case, data["digits"])
    variables = {
        name: labelled(
            ("method", "setting", "seed", "after", f"{name}_in", f"{name}_out"),
            value,
            f"binary weights, {name.replace('_', ' ')}",
        )
        for name, value in found.items()
    }
    coordinates = {
        "method": list(METHODS),
        "setting": np.arange(len(p.deep.starts)),
        "seed": np.arange(p.seeds),
        "after": np.arange(case.params.simulate.digits.tasks),
    }
    return xr.Dataset(variables, coordinates)
