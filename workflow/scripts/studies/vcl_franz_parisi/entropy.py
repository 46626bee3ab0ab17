"""Theory and students side by side: order parameters, free energy, errors, entropies, and how uncertainty modulates."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.vcl_franz_parisi import replica
from studies.vcl_franz_parisi.params import Params
from studies.vcl_franz_parisi.spins import divergence, spin_entropy

TASKS = (1, 2)
STEP = 2e-3
"""Largest change of a field at which the divergence is expanded."""


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Theory (load), students (alpha, run), both of two tasks, the modulation, and the expansion of the divergence."""
    theory, first = one_task(case.params)
    students = trained["single/theta"]
    error = errors(students.values, data["single/teacher"].values[: students.sizes["run"]])
    reached = theory["theory_error"].sel(load=list(case.params.train.alphas)).values
    said = {"nan": DIVERGED}
    measured = {
        "error": labelled(("alpha", "run"), error, "generalisation error of students", **said),
        "difference": labelled(("alpha", "run"), reached[:, None] - error, "theory less students", **said),
        "spin_entropy": labelled(
            ("alpha", "run"), of_fields(spin_entropy, students.values).mean(-1), "entropy per weight", "nat", **said
        ),
    }
    parts = [theory, xr.Dataset(measured, {"alpha": students["alpha"].values, "run": students["run"].values})]
    parts += [two_tasks(case.params, data, trained["pair"], first), expansion(case.params)]
    parts += [modulation(case, trained["pair"])]
    return xr.merge(parts, join="exact")


def errors(theta: np.ndarray, teacher: np.ndarray) -> np.ndarray:
    """arccos(overlap of signs) / pi, shapes (..., run, weight), (run, weight) -> (..., run). A sign of 0 is +1."""
    overlap = np.where(np.isnan(theta), np.nan, np.where(theta < 0, -1.0, 1.0)) * teacher
    return np.arccos(np.clip(overlap.mean(-1), -1, 1)) / np.pi


def of_fields(function, *theta: np.ndarray) -> np.ndarray:
    """A function of tensors, of arrays, in float64."""
    return function(*(torch.as_tensor(np.asarray(one, np.float64)) for one in theta)).numpy()


def one_task(params: Params) -> tuple[xr.Dataset, replica.State]:
    """The branch that starts from no knowledge, along the loads; and its state at the load of task 1."""
    p, g = params.entropy, replica.grids(params.entropy)
    states: dict[float, replica.State] = {}
    order = None
    for alpha in p.alphas:
        states[alpha] = replica.solve(alpha, p, g, order)
        order = states[alpha].order
    found = list(states.values())
    variables = {
        "order_parameter": labelled(("load", "order"), np.stack([s.order.numpy() for s in found]), "order parameter"),
        "theory_error": labelled(
            "load", [replica.error(s.overlap[0]) for s in found], "generalisation error of theory"
        ),
        "potential": labelled("load", [s.potential for s in found], "free energy over -kT per weight", "nat"),
        "sweeps": labelled("load", [s.sweeps for s in found], "updates until the saddle point"),
    }
    return xr.Dataset(variables, {"load": p.alphas, "order": ["q", "r", "Q"]}), states[params.simulate.pair.alpha]


def two_tasks(params: Params, data: Any, trained: Any, first: replica.State) -> xr.Dataset:
    """Errors on both tasks after task 2 of theory and students, their gap, and entropies."""
    p, world, g = params.entropy, params.simulate.pair, replica.grids(params.entropy)
    theory = np.zeros((len(p.pair_alphas), len(world.overlaps), 2))
    for j, overlap in enumerate(world.overlaps):
        prior = replica.prior_of(first, overlap, p.beta * params.train.gamma, g)
        for i, alpha in enumerate(p.pair_alphas):
            theory[i, j] = [replica.error(x) for x in replica.solve(alpha, p, g, None, prior).overlap]
    theta_1, theta_2 = trained["theta_1"].values, trained["theta_2"].values
    runs = len(theta_1)
    old = errors(theta_2, data["pair/teacher_1"].values[:runs])
    new = errors(theta_2, data["pair/teacher_2"].values[:, None, :runs])
    students = np.stack([old, new], -1)  # (alpha_2, overlap, arm, run, task)
    shared = [list(world.alphas).index(alpha) for alpha in p.pair_alphas]
    gap = abs(theory - students[shared][:, :, 0].mean(2))
    dims, said = ("alpha_2", "overlap", "arm", "run"), {"nan": DIVERGED}
    kept = {
        "pair_theory": labelled(("pair_alpha", "overlap", "task"), theory, "error of theory after task 2"),
        "pair_error": labelled((*dims, "task"), students, "error of students after task 2", **said),
        "gap": labelled("comparison", gap.ravel(), "theory less the mean of students, its size", **said),
        "pair_divergence": labelled(
            dims, of_fields(divergence, theta_2, np.broadcast_to(theta_1, theta_2.shape)).mean(-1),
            "divergence from task 1 per weight", "nat", **said,
        ),
    }  # fmt: skip
    coordinates = {"pair_alpha": p.pair_alphas, "task": list(TASKS), "comparison": np.arange(gap.size)}
    return xr.Dataset(kept, coordinates | {name: trained[name].values for name in dims})


def modulation(case: Case[Params], trained: Any) -> xr.Dataset:
    """Rank correlation over weights of 1 - m^2 before task 2 with the way there: of means, and of fields at the end and
    after one epoch; and of means where the ways of fields are dealt out, so that only the slope of tanh is left."""
    before, after, early = (trained[f"theta_{name}"].values.astype(np.float64) for name in ("1", "2", "early"))
    unsure, way = np.broadcast_to(1 - np.tanh(before) ** 2, after.shape), after - before
    dealt = case.rng("dealt out").permuted(way, axis=-1)
    ways = {
        "": (np.tanh(after) - np.tanh(before), "means"),
        "_of_fields": (way, "fields"),
        "_early": (early - before, "fields in the first epoch"),
        "_dealt": (np.tanh(before + dealt) - np.tanh(before), "means, fields' ways dealt out among weights"),
    }
    dims = ("alpha_2", "overlap", "arm", "run")
    return xr.Dataset(
        {
            f"modulation{name}": labelled(
                dims,
                correlations(unsure, abs(value)),
                f"rank correlation of uncertainty and the way of {said}",
                nan=DIVERGED,
            )
            for name, (value, said) in ways.items()
        },
        {name: trained[name].values for name in dims},
    )


def correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank correlation along the last axis; 0 where nothing moves (y is constant), NaN where y isn't finite."""

    def one(a: np.ndarray, b: np.ndarray) -> float:
        return 0.0 if (b == b[0]).all() else spearman(a, b)

    rows = zip(x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]), strict=True)
    return np.reshape([one(a, b) for a, b in rows], y.shape[:-1])


def expansion(params: Params) -> xr.Dataset:
    """Quadratic coefficient of KL(theta + d || theta), from both sides and two steps, against (1 - m^2) / 2."""
    theta = np.array(params.entropy.identity)

    def second(d: float) -> np.ndarray:
        above, below = (of_fields(divergence, theta + s * d, theta) for s in (1, -1))
        return (above + below) / (2 * d**2)

    found = (4 * second(STEP / 2) - second(STEP)) / 3  # Richardson: an error of fourth order
    return xr.Dataset(
        {
            "coefficient": labelled("field", found, "quadratic coefficient of the divergence", "nat"),
            "fisher": labelled("field", (1 - np.tanh(theta) ** 2) / 2, "half the Fisher information of a spin", "nat"),
        },
        {"field": theta},
    )
