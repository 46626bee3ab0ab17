"""Errors on every task after every task, rollouts, which task a window is of, and returns of planning on the models."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.forecast.continual import backward_transfer
from pesin.models.mlp import apply_mlp
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.hypercrl.networks import hidden_of, mean_square, predicted, shaped
from studies.hypercrl.params import Params
from studies.hypercrl.world import INPUTS, TARGETS, Move, advanced, controlled, pendulum

WORST = 1e6
"""Mean squared error that a network counts as that has diverged."""


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`error` (arm, seed, after, task), its mean at the end, forgetting, rollouts; returns of arms that plan."""
    arms = case.params.train.arms
    parts, judged = [], {}
    for arm in arms:
        judged[arm] = at_setting(arm, data, trained[arm], case)
        parts.append(scores(arm, data, judged[arm], case))
    found = xr.concat(parts, xr.Variable("arm", list(arms)), join="exact")
    found["silent"] = labelled(
        "task", (data["test_y"].values ** 2).mean((1, 2)), "mean squared change: the error of no change"
    )
    planned = [arm for arm in case.params.forecast.planned if arm in arms]
    return xr.merge([found, returns(case, data, {arm: judged[arm] for arm in planned})], join="exact")


def matrix(weights: torch.Tensor, x: np.ndarray, y: np.ndarray, hidden: list[int]) -> np.ndarray:
    """Errors (..., task) of networks (..., task, weights) on (task, sample, .)."""
    given, asked = (torch.as_tensor(values.astype(np.float32)) for values in (x, y))
    found = mean_square(weights, given, asked, hidden).double().numpy()
    return np.where(np.isfinite(found), np.minimum(found, WORST), WORST)


def at_setting(arm: str, data: Any, trained: Any, case: Case[Params]) -> tuple[torch.Tensor, np.ndarray]:
    """Networks (seed, after, task, weights) in the judged order at each seed's setting, and these settings.

    A seed's setting is that of the least final error in the other order of tasks, on validation data, over the other
    seeds: nothing of what it is judged on.
    """
    weights = torch.as_tensor(trained["weights"].values)
    settings = trained["setting"].values
    if len(settings) == 1:
        return weights[0, 0], np.repeat(settings, weights.shape[2])
    hidden = hidden_of(arm, case.params.train.network)
    final = matrix(weights[1, :, :, -1], data["validation_x"].values, data["validation_y"].values, hidden)
    place = chosen(np.log(final.mean(-1)))
    return weights[0, torch.as_tensor(place), torch.arange(len(place))], settings[place]


def chosen(error: np.ndarray) -> np.ndarray:
    """Of errors (setting, seed) the place of the setting that is best on all seeds but this one, (seed,)."""
    return (error.sum(1, keepdims=True) - error).argmin(0)


def scores(arm: str, data: Any, judged: tuple[torch.Tensor, np.ndarray], case: Case[Params]) -> xr.Dataset:
    """One-step errors, what they come to, and rollouts of one arm."""
    weights, setting = judged
    hidden = hidden_of(arm, case.params.train.network)
    error = matrix(weights, data["test_x"].values, data["test_y"].values, hidden)
    final = error[:, -1].mean(-1)
    paths = rolled(weights[:, -1], data, hidden, case.params.simulate.rate_limit)
    at = ("seed", "after", "task")
    return xr.Dataset(
        {
            "error": labelled(at, error, "mean squared error of scaled changes"),
            "final": labelled("seed", final, "mean squared error over tasks after the last"),
            "log_final": labelled("seed", np.log10(final), "log10 of the error after the last task"),
            "learnt": labelled(
                "seed", np.log10(np.diagonal(error, axis1=1, axis2=2)).mean(-1), "log10 of the error when just learnt"
            ),
            "forgetting": labelled(
                "seed", -backward_transfer(-error), "rise of the error on earlier tasks", may_be_constant=1
            ),
            "rollout": labelled(("seed", "task"), paths, "error of rollouts over their spread", nan=DIVERGED),
            "recognised": labelled(
                "seed", recognised(weights[:, -1], data, hidden), "share of paths whose task is told", may_be_constant=1
            ),
            "chosen": labelled("seed", setting.astype(float), "chosen setting", may_be_constant=1),
        },
        {"seed": np.arange(len(error)), "after": data["task"].values, "task": data["task"].values},
    )


def rolled(weights: torch.Tensor, data: Any, hidden: list[int], limit: float) -> np.ndarray:
    """Root mean square error of free rollouts over the deviation of the truth, (seed, task, .) -> (seed, task)."""
    x = data["path_x"].values  # (task, trajectory, step, 4)
    torque = torch.as_tensor(x[..., 3:].astype(np.float32))
    seen = np.broadcast_to(x[:, :, 0, :3] * INPUTS[:3], (len(weights), *x[:, :, 0, :3].shape)).copy()
    missed = []
    for step in range(x.shape[2]):
        given = torch.as_tensor((seen / INPUTS[:3]).astype(np.float32))
        given = torch.cat([given, torque[:, :, step].expand(len(seen), -1, -1, -1)], -1)
        seen = advanced(seen, predicted(weights, given, hidden).double().numpy(), limit)
        truth = x[:, :, step, :3] * INPUTS[:3] + data["path_y"].values[:, :, step] * TARGETS
        missed.append((seen - truth) / INPUTS[:3])
    spread = x[..., :3].var((1, 2)).mean(-1)
    return np.sqrt(np.square(missed).mean((0, 3, 4)) / spread)


def recognised(weights: torch.Tensor, data: Any, hidden: list[int]) -> np.ndarray:
    """Share of held-out trajectories that the right task's network predicts best, (seed,)."""
    x, y = (torch.as_tensor(data[f"path_{part}"].values.astype(np.float32)) for part in "xy")
    right = []
    for task in range(len(x)):
        given, asked = (part[task].flatten(0, 1) for part in (x, y))
        missed = (predicted(weights, given, hidden) - asked).square().sum(-1)
        by_path = missed.unflatten(-1, x.shape[1:3]).sum(-1)  # (seed, task's network, trajectory)
        right.append((by_path.nan_to_num(torch.inf).argmin(1) == task).double().mean(-1))
    return torch.stack(right).mean(0).numpy()


def foreseen(weights: torch.Tensor, hidden: list[int], limit: float) -> Move:
    """Laws of motion of networks (models, weights), for observations (models, n, 3)."""

    parameters = shaped(weights, hidden)

    def move(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        x = torch.as_tensor(np.concatenate([seen / INPUTS[:3], action], -1).astype(np.float32))
        return advanced(seen, apply_mlp(parameters, x, torch.tanh).numpy(), limit)

    return move


def returns(case: Case[Params], data: Any, judged: dict[str, tuple[torch.Tensor, np.ndarray]]) -> xr.Dataset:
    """Returns of planning after the last task on each, and right after the first on it; from random (0) to exact (1).

    `planning` (planner, seed): of the mean over tasks; `first`, `last`: of task 1; `lost` their difference.
    """
    if not judged:
        return xr.Dataset()
    p, arms = case.params.simulate, list(judged)

    def reached(arm: str, after: int, number: int) -> np.ndarray:
        move = foreseen(judged[arm][0][:, after, number], hidden_of(arm, case.params.train.network), p.rate_limit)
        rng = case.rng(f"planner {number}")  # the same draws for all models
        return controlled(pendulum(p.tasks[number], p), data["starts"].values[number], move, p.planner, rng)

    found = np.array([[reached(arm, -1, number) for arm in arms] for number in range(len(p.tasks))])
    first = np.array([reached(arm, 0, 0) for arm in arms])
    low, high = data["random"].values, data["oracle"].values
    apart = high - low
    before, after = ((one - low[0]) / apart[0] for one in (first, found[0]))
    whole = (found.mean(0) - low.mean(0)) / apart.mean(0)
    at, unit = ("planner", "seed"), "return, from random torques (0) to the true law (1)"
    return xr.Dataset(
        {
            "reached": labelled(("task", *at), found, "return of planning after the last task"),
            "planning": labelled(at, whole, f"{unit}, all tasks"),
            "first": labelled(at, before, f"{unit}, task 1 when just learnt"),
            "last": labelled(at, after, f"{unit}, task 1 after the last task"),
            "lost": labelled(at, before - after, "return that task 1 has lost"),
        },
        {"planner": arms, "seed": np.arange(p.seeds), "task": data["task"].values},
    )
