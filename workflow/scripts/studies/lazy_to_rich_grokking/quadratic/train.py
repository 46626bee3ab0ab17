"""Gradient descent at all settings and widths, by the moments; losses, and when they fall."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import xarray as xr

from pesin.stats.intervals import spearman
from pesin.stats.similarity import kernel_alignment
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.lazy_to_rich_grokking.moments import (
    PARTS,
    Descent,
    Followed,
    form,
    kernel,
    kernel_regression,
    loss_parts,
    moments,
    with_one,
)
from studies.lazy_to_rich_grokking.quadratic.params import Params, Setting
from studies.lazy_to_rich_grokking.quadratic.simulate import drawn, target

STOPPED = "a run that had stopped, since its losses had fallen, or diverged"
UNRELATED = "an alignment that doesn't change, or losses that have not fallen"
CENSORED = "a loss that had not fallen to the threshold by the end"


def train(case: Case[Params], data: Any) -> xr.Dataset:
    """All settings of `train.run`, the moments at `base`, and the widths; each function below names its variables."""
    params = case.params.train
    log = logged(params.time, params.rate, params.per_decade)
    chosen = [params.settings[name] for name in params.run]
    distinct = list(dict.fromkeys(chosen))  # a control may make several alike
    checkpoint = case.checkpoint("settings")
    done, kept = checkpoint.load()
    found = [Followed(**{one.name: kept[f"{one.name}_{i}"] for one in fields(Followed)}) for i in range(done)]

    def state() -> dict[str, np.ndarray]:
        return {f"{name}_{i}": value for i, one in enumerate(found) for name, value in vars(one).items()}

    for i in checkpoint.over(case.progress(range(done, len(distinct))), state):
        found.append(followed(case, data, distinct[i], start(case, params.width), log))
    at = [found[distinct.index(setting)] for setting in chosen]
    variables = losses(at) | times(at, params.rate) | of_base(case, data, at[params.run.index("base")])
    variables |= alignment(case, data, at[params.run.index("base")], log) | of_widths(case, data)
    coordinates = {
        "setting": params.run,
        "seed": np.arange(params.seeds),
        "time": log * params.rate,
        "part": list(PARTS),
        "width": params.widths,
    }
    return xr.Dataset(variables, coordinates)


def logged(time: float, rate: float, per_decade: int) -> np.ndarray:
    """Steps at which a run is looked at: 0, and so many a decade."""
    steps = 10 ** (np.arange(int(np.log10(int(time / rate)) * per_decade) + 1) / per_decade)
    return np.unique(np.r_[0, steps.astype(int)])


def start(case: Case[Params], width: int | None, spread: float = 1.0, draw: str = "") -> np.ndarray:
    """Moments of untrained networks, shape (seed, dim + 1, dim + 1); width None: infinite."""
    seeds, dim = case.params.train.seeds, case.params.simulate.dim
    if width is None:
        return np.broadcast_to(np.eye(dim + 1), (seeds, dim + 1, dim + 1)).copy()
    return moments(spread * case.rng(f"weights {width}{draw}").normal(size=(seeds, width, dim)))


def of_seeds(case: Case[Params], data: Any, samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inputs, targets and hidden vectors of the seeds that are trained."""
    some = data.isel(seed=slice(case.params.train.seeds))
    return some["x"].values[:, :samples], some["y"].values[:, :samples], some["beta"].values


def followed(case: Case[Params], data: Any, setting: Setting, q: np.ndarray, log: np.ndarray, **other: Any) -> Followed:
    """All seeds at one setting from moments q; `other` values of the descent than those of the parameters."""
    params = case.params.train
    usual = {name: getattr(params, name) for name in ("rate", "threshold", "until", "fitted")} | other
    usual = {"steps": int(params.time / usual["rate"])} | usual | ({} if params.trained else {"steps": 0})
    descent = Descent(setting.alpha, setting.epsilon, frozen=setting.frozen, log=log, **usual)
    return descent.follow(q, *of_seeds(case, data, setting.known))


def losses(at: list[Followed]) -> dict:
    """`train_loss` (setting, seed, time), `parts` (.., part), and what is left of the losses in the end."""
    first = np.array([[one.train[:, 0], one.parts[:, 0].sum(-1)] for one in at])
    last = np.array([one.last.T for one in at])
    dims, flat = ("setting", "seed", "time"), ("setting", "seed")
    still: dict[str, Any] = {"may_be_constant": 1, "nan": DIVERGED}
    return {
        "train_loss": labelled(dims, [one.train for one in at], "training loss", nan=STOPPED),
        "parts": labelled((*dims, "part"), [one.parts for one in at], "part of the test loss", nan=STOPPED),
        "last_train": labelled(flat, last[:, 0], "last training loss", **still),
        "last_test": labelled(flat, last[:, 1], "last test loss", **still),
        "last_train_share": labelled(flat, last[:, 0] / first[:, 0], "last training loss, of the first", **still),
        "last_share": labelled(flat, last[:, 1] / first[:, 1], "last test loss, of the first", **still),
        "fell": labelled(flat, 1 - last[:, 1] / first[:, 1], "fall of the test loss", **still),
        "rise": labelled(flat, [one.rise for one in at], "largest rise of the training loss in a step", **still),
    }


def times(at: list[Followed], rate: float) -> dict:
    """`t_train`, `t_test`, `delay`, `ratio` (setting, seed), and `.._at_least`, where the test loss may still stand."""
    dims = ("setting", "seed")
    fit, rule = np.moveaxis(np.array([one.first for one in at]), -1, 0) * rate
    seen = np.fmax(rule, np.where(np.isnan(rule), np.array([one.steps for one in at]) * rate, -np.inf))
    still: dict[str, Any] = {"may_be_constant": 1, "nan": CENSORED}
    fit = np.where(fit == 0, np.nan, fit)
    return {
        "t_train": labelled(dims, fit, "time at which the training loss has fallen", "step", **still),
        "t_test": labelled(dims, rule, "time at which the test loss has fallen", "step", **still),
        "delay": labelled(
            dims, rule - fit, "time from the fall of the training loss to that of the test loss", "step", **still
        ),
        "delay_at_least": labelled(dims, seen - fit, "the delay, or what has been seen of it", "step", **still),
        "ratio": labelled(dims, rule / fit, "fall of the test loss over that of the training loss", **still),
        "ratio_at_least": labelled(dims, seen / fit, "the ratio, or what has been seen of it", **still),
    }


def of_base(case: Case[Params], data: Any, seen: Followed) -> dict:
    """`moments` (seed, time, row, column), of networks at base, and `kernel_test` (seed), kernel regression's loss."""
    setting = case.params.train.settings["base"]
    x, y, beta = of_seeds(case, data, setting.known)
    q = start(case, case.params.train.width)
    c = kernel_regression(q, with_one(x), y, setting.alpha, setting.epsilon)
    if not case.params.train.trained:
        c = form(q, setting.alpha, setting.epsilon)
    return {
        "moments": labelled(("seed", "time", "row", "column"), seen.moments, "moments of the weights", nan=STOPPED),
        "kernel_test": labelled("seed", loss_parts(c, beta).sum(-1), "test loss of kernel regression"),
    }


def alignment(case: Case[Params], data: Any, seen: Followed, log: np.ndarray) -> dict:
    """`alignment` (seed, time) of the kernel at base with the task, and `follows` (seed).

    The latter is Spearman's correlation of the alignment with minus the test loss, at logged times from the fall of the
    training loss to that of the test loss.
    """
    setting, beta = case.params.train.settings["base"], data["beta"].values
    aligned, follows = np.full(seen.train.shape, np.nan), np.full(len(seen.train), np.nan)
    for seed in range(len(aligned)):
        x = drawn(case.rng(f"probes {seed}"), case.params.train.probes, beta.shape[-1])
        there = np.flatnonzero(np.isfinite(seen.train[seed]))
        q = seen.moments[seed, there * (not setting.frozen)]  # a linearised network keeps its kernel
        gram, y = kernel(q, with_one(x), setting.epsilon), target(x, beta[seed])[:, None]
        aligned[seed, there] = kernel_alignment(gram, np.broadcast_to(y, (len(gram), *y.shape)))
        late = (log >= seen.first[seed, 0]) & (log <= seen.first[seed, 1])
        if late.sum() > 2:
            follows[seed] = spearman(aligned[seed, late], -seen.parts[seed, late].sum(-1))
    said = "correlation of alignment and falling test loss"
    return {
        "alignment": labelled(
            ("seed", "time"), aligned, "alignment of the kernel with the task", nan=STOPPED, may_be_constant=1
        ),
        "follows": labelled("seed", follows, said, nan=UNRELATED, may_be_constant=1),
    }


def of_widths(case: Case[Params], data: Any) -> dict:
    """`theory_loss` (seed, width_time), `width_loss` (width, draw, ..), `width_error` (width, seed), and the times.

    The error is the mean of the distance over the theory's loss, over draws and logged times until that has fallen.
    """
    params = case.params.train
    setting = params.settings["base"].model_copy(update={"frozen": False})
    log = logged(params.time, params.width_rate, params.per_decade)
    descent: dict[str, Any] = {"rate": params.width_rate, "fitted": 0.0}
    theory = followed(case, data, setting, start(case, None), log, until=params.threshold, **descent)
    expected, steps = theory.parts.sum(-1), int(theory.steps.max())
    curves = np.empty((len(params.widths), params.draws, *expected.shape))
    for i, draw in case.progress(list(np.ndindex(curves.shape[:2]))):
        q = start(case, params.widths[i], params.spread, f" {draw}")
        curves[i, draw] = followed(case, data, setting, q, log, until=0.0, steps=steps, **descent).parts.sum(-1)
    curves = np.where(np.isnan(expected), np.nan, curves)
    error = np.nanmean(abs(curves / expected - 1), (1, 3))
    dims, said = ("seed", "width_time"), "test loss"
    return {
        "width_time": ("width_time", log * params.width_rate),
        "theory_loss": labelled(dims, expected, f"{said}, infinitely wide", nan=STOPPED),
        "width_loss": labelled(("width", "draw", *dims), curves, said, nan=STOPPED),
        "width_error": labelled(("width", "seed"), error, "relative error of the infinitely wide network"),
    }
