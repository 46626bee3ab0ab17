"""Errors against the references, the criterion of convergence, marching, and fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.forecast.horizon import valid_prediction_time
from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.causal_pinn.judged import Kind, kind_of, networks, relative
from studies.causal_pinn.params import Params
from studies.causal_pinn.problems import START, Curves, Line, profile

METHODS = ("plain", "causal")


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """Errors (method, seed) of curves, those of all checkpoints, of windows one after the other, and of fields."""
    kinds = {name: chosen(case, trained, name) for name in {*METHODS, "long", *case.params.forecast.kinds}}
    variables = ended(case, data, kinds) | criterion(case, data, kinds) | front(kinds["causal"])
    found = march(case, trained) if case.params.forecast.windows else states(case, kinds["long"], -1)
    variables |= marched(case, data, found)
    for name in case.params.fields:
        variables |= fields(case, data, trained, name)
    return xr.Dataset(
        variables,
        {
            "method": list(METHODS),
            "seed": np.arange(case.params.train.seeds),
            "component": data["component"].values,
            "time": data["time"].values,
            "handover": np.arange(1, variables["handover_error"][1].shape[1] + 1) * case.params.lorenz.window,
            **{name: data[name].values for name in data.coords if str(name).endswith(("_x", "_time"))},
        },
    )


def chosen(case: Case[Params], trained: xr.Dataset, name: str) -> Kind:
    """The runs that are judged as a kind."""
    settings = case.params.forecast
    stand_in = "plain" if not settings.causal and name in ("causal", "short") else name
    stand_in = "brief" if settings.brief and stand_in == "plain" else stand_in
    return kind_of(case.params, trained, stand_in, case.device, settings.networks == "untrained", settings.denser)


def states(case: Case[Params], kind: Kind, snapshot: int) -> np.ndarray:
    """What the networks make at the times of the reference, (seeds, times, 3)."""
    return kind.curves.at(kind.snapshots[snapshot], case.params.lorenz.times(kind.end) / kind.end)


def errors(case: Case[Params], data: xr.Dataset, kind: Kind, snapshot: int) -> np.ndarray:
    """Relative L2 errors over all components, (seeds,)."""
    found = states(case, kind, snapshot)
    return relative(found, np.broadcast_to(data["state"].values[: found.shape[1]], found.shape), (1, 2))


def ended(case: Case[Params], data: xr.Dataset, kinds: dict[str, Kind]) -> dict[str, tuple]:
    """At the end of the training: errors, losses at the training's points and between them, and states."""
    pair = [kinds[name] for name in METHODS]
    error = np.stack([errors(case, data, kind, -1) for kind in pair])
    true, seeds = data["state"].values, case.params.train.seeds
    shown = np.full((2, seeds, *true.shape), np.nan)
    parts = np.full((2, seeds, 3), np.nan)
    for i, kind in enumerate(pair):
        found = states(case, kind, -1)
        shown[i, :, : found.shape[1]] = found
        parts[i] = relative(found, np.broadcast_to(true[: found.shape[1]], found.shape), (1,))
    with torch.no_grad():
        between = [profile(k.dense.residual(k.snapshots[-1]), k.dense.times).mean(1).numpy(force=True) for k in pair]
    grid = ("method", "seed")
    return {
        "error": labelled(grid, error, "relative L2 error", nan=DIVERGED, may_be_constant=1),
        "log_error": labelled(grid, np.log10(error), "log10 of the relative L2 error", nan=DIVERGED, may_be_constant=1),
        "component_error": labelled((*grid, "component"), parts, "relative L2 error", nan=DIVERGED),
        "log_loss": labelled(
            grid, np.log10([k.loss[-1] for k in pair]), "log10 of the mean squared residual", nan=DIVERGED
        ),
        "log_dense_loss": labelled(
            grid, np.log10(between), "log10 of the mean squared residual on more points", nan=DIVERGED
        ),
        "states": labelled((*grid, "time", "component"), shown, "state", nan="times that were not learnt"),
    }


def criterion(case: Case[Params], data: xr.Dataset, kinds: dict[str, Kind]) -> dict[str, tuple]:
    """Errors and least weights at the largest steepness of all checkpoints, and how they go together."""
    params, steepness = case.params, max(case.params.train.ladder)
    rows: list[np.ndarray] = []
    least: list[np.ndarray] = []
    loss: list[np.ndarray] = []
    which = []
    for i, name in enumerate(params.forecast.kinds):
        kind = kinds[name]
        for snapshot in range(len(kind.snapshots)):
            rows.append(errors(case, data, kind, snapshot))
            least.append(kind.log_weights(snapshot, steepness)[:, -1])
            loss.append(kind.loss[snapshot])
            which.append(i)
    error, logs = np.stack(rows), np.stack(least)
    plain = np.array(which) == params.forecast.kinds.index("plain")
    rho = [spearman(logs[~plain, seed], -np.log10(error[~plain, seed])) for seed in range(error.shape[1])]
    sure = logs > np.log(params.forecast.surely)
    wrong = sure & ~(error < params.forecast.good)
    grid = ("checkpoint", "seed")
    more: dict[str, Any] = {"may_be_constant": 1}
    return {
        "checkpoint_kind": labelled("checkpoint", which, "kind of run, by its place in the list", **more),
        "checkpoint_error": labelled(grid, error, "relative L2 error", nan=DIVERGED, **more),
        "checkpoint_log_least": labelled(grid, logs, "ln of the least weight", nan=DIVERGED, **more),
        "checkpoint_loss": labelled(grid, np.stack(loss), "mean squared residual", nan=DIVERGED, **more),
        "rank_correlation": labelled("seed", rho, "rank correlation of least weight and accuracy",
                                     nan="least weights that are all alike", **more),
        "sure": labelled("seed", sure[~plain].sum(0), "causal checkpoints with a large least weight", **more),
        "sure_wrong": labelled("seed", wrong[~plain].sum(0), "of them, those with a large error", **more),
        "plain_sure_wrong": labelled("seed", wrong[plain].sum(0),
                                     "plain checkpoints with a large least weight and a large error", **more),
    }  # fmt: skip


def front(kind: Kind) -> dict[str, tuple]:
    """Losses and weights along time at the snapshots of the first seed."""
    many = range(len(kind.snapshots))
    losses = np.stack([kind.losses(i)[0] for i in many])
    logs = np.stack([kind.log_weights(i)[0] for i in many])
    grid = ("front", "front_tau")
    more: dict[str, Any] = {"nan": DIVERGED, "may_be_constant": 1}
    return {
        "front_loss": labelled(grid, losses, "squared residual", **more),
        "front_weight": labelled(grid, np.exp(logs), "causal weight", **more),
        "front_steepness": labelled("front", kind.steepness[:, 0], "steepness", **more),
        "front_time": labelled("front_tau", kind.curves.tau.numpy(force=True) * kind.end, "time"),
    }


def march(case: Case[Params], trained: xr.Dataset) -> np.ndarray:
    """States of windows one after the other, each from where the last one ended, (seeds, times, 3)."""
    params, lorenz, seeds = case.params.train, case.params.lorenz, case.params.train.seeds
    snapshot = 0 if case.params.forecast.networks == "untrained" else -1
    sizes, per = [1, *[params.march_width] * params.layers, 3], round(lorenz.window / lorenz.dt)
    begin = np.broadcast_to(np.array(START), (seeds, 3))
    parts = [begin[:, None]]
    for window in range(lorenz.windows):
        ends = np.full(seeds, lorenz.window)
        curves = Curves.of(lorenz, ends, params.march_points, params.beyond, case.device, begin)
        own = networks(trained, f"window_{window}", sizes, snapshot, device=case.device)
        parts.append(curves.at(own, np.arange(1, per + 1) / per))
        begin = parts[-1][:, -1]
    return np.concatenate(parts, 1)


def marched(case: Case[Params], data: xr.Dataset, found: np.ndarray) -> dict[str, tuple]:
    """Errors of the whole span and at hand-overs, and whether these grow as the flow's tangents carry them on."""
    lorenz = case.params.lorenz
    per = round(lorenz.window / lorenz.dt)
    true = data["state"].values[: found.shape[1]]
    whole = np.broadcast_to(true, found.shape)
    apart = np.linalg.norm(found - whole, axis=-1)
    off = (found - whole)[:, per::per][:, : lorenz.windows]
    matrices = data["propagator"].values[1 : off.shape[1]]
    onward = np.linalg.norm(np.einsum("hij,shj->shi", matrices, off[:, :-1]), axis=-1)
    carried = [off[:, 0]]
    for matrix in matrices:
        carried.append(carried[-1] @ matrix.T)
    size = np.linalg.norm(off, axis=-1)
    gap = np.median(abs(np.log(size[:, 1:] / onward)), axis=1)
    good = valid_prediction_time(true[None, 1:], found[:, None, 1:], true.std(0), lorenz.dt)[:, 0]
    more: dict[str, Any] = {"nan": DIVERGED}
    return {
        "marched_error": labelled("seed", relative(found, whole, (1, 2)), "relative L2 error", **more),
        "marched_component_error": labelled(
            ("seed", "component"), relative(found, whole, (1,)), "relative L2 error", **more
        ),
        "handover_error": labelled(("seed", "handover"), size, "distance at the hand-over", **more),
        "carried_error": labelled(
            ("seed", "handover"), np.linalg.norm(carried, axis=-1).T, "that of the first, carried by tangents", **more
        ),
        "growth_gap": labelled("seed", gap, "|ln| of hand-over error over that carried on, median", **more),
        "marched_distance": labelled(("seed", "marched_time"), apart, "distance from the reference", **more),
        "valid_time": labelled("seed", good, "valid prediction time", may_be_constant=1),
    }


def fields(case: Case[Params], data: xr.Dataset, trained: xr.Dataset, name: str) -> dict[str, tuple]:
    """Relative errors of a field (method, seed), that of a field that stands still, and the first seed's fields."""
    params, equation = case.params, case.params.fields[name]
    tau = data[f"{name}_time"].values / equation.end
    line = Line.of(equation, 2 * equation.seeds, 1, case.device, equation.points, tau)
    sizes = [line.inputs, *[params.train.width] * params.train.layers, 1]
    snapshot = 0 if params.forecast.networks == "untrained" else -1
    found = line.at(networks(trained, name, sizes, snapshot, device=case.device))
    found = found.reshape(2, equation.seeds, *found.shape[1:])
    found = found if params.forecast.causal else found[[0, 0]]
    true = data[f"{name}_u"].values
    more: dict[str, Any] = {"nan": DIVERGED, "may_be_constant": 1}
    error = relative(found, np.broadcast_to(true, found.shape), (2, 3))
    still = relative(np.broadcast_to(true[0], true.shape), true, (0, 1))
    grid = ("method", f"{name}_seed")
    return {
        f"{name}_error": labelled(grid, error, "relative L2 error", **more),
        f"{name}_still_error": labelled(
            grid, np.full(error.shape, still), "relative L2 error of the start", may_be_constant=1
        ),
        f"{name}_field": labelled(("method", f"{name}_time", f"{name}_x"), found[:, 0], "field", **more),
    }
