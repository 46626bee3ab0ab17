"""Fields of the networks against the exact ones, their errors along time, and the curvature of their losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models.loss_curvature import top_eigenpair
from pesin.models.mlp import Parameters
from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.lagrangian_pinn.learned.params import Params
from studies.lagrangian_pinn.learned.residuals import (
    FAMILIES,
    Points,
    Runs,
    arms_of,
    draw_places,
    loss,
    path_at,
    state_at,
)
from studies.lagrangian_pinn.learned.train import networks
from studies.lagrangian_pinn.problems import ROUND, Problem, at_places, initial, modes_needed, snapshots

METHODS = ("pinn", "lpinn")
Arms = list[tuple[Problem, float]]


def forecast(case: Case[Params], trained: xr.DataTree, exact: xr.Dataset) -> xr.Dataset:
    """Errors (method, speed, seed) of sine and Burgers, of the pulse (speed, seed) and its windows; curvatures."""
    problems, seeds = case.params.problems, case.params.train.seeds
    fields = {str(name): exact["u_ref"].sel(problem=name).values for name in exact["problem"].values}
    made = {family: make(case, family, trained, fields) for family in FAMILIES}
    variables: dict[str, Any] = {}
    for problem, families in (("sine", METHODS), ("burgers", ("pinn_burgers", "lpinn_burgers"))):
        variables |= compared(problem, [made[family] for family in families], problem)
    pulse, windows = made["pinn"].of("pulse"), made["windows"]
    whole = pulse.some([problems.speeds["pulse"].index(problems.window_speed)])
    pieces = windows if case.params.forecast.moving else whole
    errors = pulse.error
    widths = [modes_needed(snapshots(problems, fields["pulse"], speed)) for _, speed in pulse.judged]
    correlation = [spearman(widths, np.log(errors[:, seed])) for seed in range(seeds)]
    variables |= {
        "pulse_error": labelled(("pulse_speed", "seed"), errors, "relative L2 error", nan=DIVERGED, may_be_constant=1),
        "pulse_modes": labelled("pulse_speed", widths, "modes that leave out 1e-4 of the energy", may_be_constant=1),
        "rank_correlation": labelled(
            "seed", correlation, "rank correlation of modes and error", nan="all speeds alike", may_be_constant=1
        ),
        "whole_error": labelled("seed", whole.error[0], "relative L2 error of the whole", nan=DIVERGED),
        "windows_error": labelled(
            "seed", pieces.error[0], "relative L2 error of windows one after the other", nan=DIVERGED
        ),
        "pulse_field": labelled(
            ("pulse_way", "seed", "time", "x"),
            np.stack([whole.field[0], pieces.field[0]]),
            "field of the pulse whose time is cut into windows",
            nan=DIVERGED,
        ),
    }
    variables |= curvatures(case, made) | landscape(case, made)
    x = problems.x[:: case.params.forecast.every]
    speeds = {f"{name}_speed": problems.speeds[name] for name in ("sine", "burgers", "pulse")}
    names = {"method": list(METHODS), "pulse_way": ["whole", "windows"], "ends": ["slow", "fast"]}
    reach, lattice = case.params.forecast.reach, case.params.forecast.lattice
    along = np.linspace(-reach, reach, lattice)
    return xr.Dataset(
        variables,
        names | speeds | {"seed": np.arange(seeds), "time": problems.t, "x": x, "first": along, "second": along},
    )


@dataclass(frozen=True)
class Made:
    """What the networks of one family make, arm by arm and seed by seed.

    Attributes
    ----------
    arms, judged
        Problem and speed each arm is called after, and those that stand for it: the same, but for the control `slow`.
    parameters, runs
        Of the networks that are judged, arm by arm and seed by seed along the runs.
    state, paths, field, exact, there : ndarray, shape (arms, seeds, times, points)
        The network's field, at labels x; x_L in rad; the field on the fixed grid, of an LPINN interpolated from where
        its characteristics are, in their order on the circle; the exact field there, and on the paths.
    """

    arms: Arms
    judged: Arms
    parameters: Parameters
    runs: Runs
    state: np.ndarray
    paths: np.ndarray
    field: np.ndarray
    exact: np.ndarray
    there: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """Relative L2 error of the field over place and time, (arms, seeds)."""
        return relative(self.field, self.exact, (2, 3))

    def of(self, problem: str) -> Made:
        """The arms of one problem."""
        return self.some([i for i, (name, _) in enumerate(self.arms) if name == problem])

    def some(self, chosen: list[int]) -> Made:
        """Some of the arms."""
        seeds = self.state.shape[1]
        rows = np.concatenate([i * seeds + np.arange(seeds) for i in chosen])
        arrays = {n: getattr(self, n)[chosen] for n in ("state", "paths", "field", "exact", "there")}
        arms, judged = ([row[i] for i in chosen] for row in (self.arms, self.judged))
        return Made(arms, judged, {k: v[rows] for k, v in self.parameters.items()}, self.runs.at(rows), **arrays)


def relative(found: np.ndarray, true: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Root of the summed squares of the difference over those of the truth."""
    return np.sqrt(((found - true) ** 2).sum(axes) / (true**2).sum(axes))


def make(case: Case[Params], family: str, trained: xr.DataTree, fields: dict[str, np.ndarray]) -> Made:
    """Ask the networks of a family on the grid."""
    problems, seeds = case.params.problems, case.params.train.seeds
    arms, lagrangian = arms_of(problems, family), FAMILIES[family][0] == "lpinn"
    windows = problems.windows if family == "windows" else 1
    slow = case.params.forecast.slow and windows == 1
    judged: Arms = [(name, min(problems.speeds[name]) if slow else speed) for name, speed in arms]
    if case.params.forecast.networks == "untrained":
        start = networks(trained, "start", case.device)
        parameters = {
            k: v.repeat(windows * len(arms), 1, 1) for k, v in start.items() if lagrangian or k.startswith("state_")
        }
    else:
        rows = np.concatenate([arms.index(arm) * seeds + np.arange(seeds) for arm in judged])
        every = (np.arange(windows)[:, None] * len(arms) * seeds + rows).ravel()
        parameters = {k: v[every] for k, v in networks(trained, family, case.device).items()}
    runs = Runs.of(problems, judged, seeds, case.device)
    x = problems.x[:: case.params.forecast.every]
    state, moved = asked(parameters, runs, problems.t, x, windows)
    state, moved = (v.reshape(len(arms), seeds, *v.shape[1:]) for v in (state, moved))
    paths = x + moved * case.params.forecast.moving
    shift = [speed * problems.t[:, None] for _, speed in judged]
    exact = [
        np.broadcast_to(at_places(fields[n], x - d), state.shape[1:]) for (n, _), d in zip(judged, shift, strict=True)
    ]
    there = [at_places(fields[n], own - d) for (n, _), own, d in zip(judged, paths, shift, strict=True)]
    field = on_grid(state, paths, x) if lagrangian else state
    return Made(arms, judged, parameters, runs, state, paths, field, np.stack(exact), np.stack(there))


@torch.no_grad()
def asked(
    parameters: Parameters, runs: Runs, times: np.ndarray, x: np.ndarray, windows: int
) -> tuple[np.ndarray, np.ndarray]:
    """The field, and x_L - x0 (0 of a PINN), (runs, times, points), each window by its own networks."""
    count, share = len(runs.speed), 1 / windows
    place, parts = np.minimum((times / share + 1e-9).astype(int), windows - 1), []
    for window in range(windows):
        own = {k: v[window * count : (window + 1) * count] for k, v in parameters.items()}
        when = times[place == window] - window * share
        grid = np.meshgrid(when, x, indexing="ij")
        t, labels = (
            torch.as_tensor(a.ravel(), dtype=torch.float32, device=runs.speed.device).expand(count, -1) for a in grid
        )
        lagrangian = any(name.startswith("path_") for name in own)
        moved = path_at(own, runs, labels, t) if lagrangian else torch.zeros_like(t)
        parts.append(
            [v.double().numpy(force=True).reshape(count, len(when), -1) for v in (state_at(own, labels, t), moved)]
        )
    state, far = (np.concatenate(rows, 1) for rows in zip(*parts, strict=True))
    return state, far


def on_grid(state: np.ndarray, paths: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Fields at scattered places of the circle, by linear interpolation in their order there: (..., n) -> (..., n)."""
    found = np.full(state.shape, np.nan)
    for place in np.ndindex(state.shape[:-1]):
        if np.isfinite(paths[place]).all():
            found[place] = np.interp(x, np.mod(paths[place], ROUND), state[place], period=ROUND)
    return found


def compared(problem: str, both: list[Made], dim: str) -> dict[str, tuple]:
    """Errors of PINN and LPINN on one problem, labelled; ln of late over early error."""
    pinn, lpinn = (made.of(problem) for made in both)
    grid = ("method", f"{dim}_speed", "seed")
    by_time = np.stack([relative(one.field, one.exact, (3,)) for one in (pinn, lpinn)])
    quarter = by_time.shape[-1] // 4
    growth = np.log(by_time[..., -quarter:].mean(-1) / by_time[..., :quarter].mean(-1))

    def said(dims, values, name: str, **more) -> tuple:
        return labelled(dims, values, name, nan=DIVERGED, **more)

    return {
        f"{problem}_error": said(grid, [pinn.error, lpinn.error], "relative L2 error"),
        f"{problem}_error_on_paths": said(
            grid[1:], relative(lpinn.state, lpinn.there, (2, 3)), "relative L2 error on characteristics"
        ),
        f"{problem}_error_by_time": said((*grid, "time"), by_time, "relative L2 error"),
        f"{problem}_growth": said(grid, growth, "ln of the error of the last over that of the first quarter"),
        f"{problem}_field": said((*grid, "time", "x"), np.stack([pinn.field, lpinn.field]), "field"),
        f"{problem}_exact": said((grid[1], "time", "x"), pinn.exact[:, 0], "exact field", may_be_constant=1),
        f"{problem}_path": labelled((*grid[1:], "time", "x"), lpinn.paths, "characteristic", "rad", nan=DIVERGED),
    }


# ----------------------------------------------------------------------------------------------------------- curvature


def loss_at(case: Case[Params], made: Made, rows: np.ndarray):
    """The non-dimensional loss at fixed points of networks that are copies of some rows (arms, then seeds)."""
    params, arms = case.params, len(made.judged)
    places = draw_places(case.rng("curvature"), params.train.seeds, params.forecast.points, params.train.initial)
    x, t, x0 = (torch.as_tensor(a, device=case.device).repeat(arms, 1)[rows] for a in places)
    starts = np.concatenate([initial(name, places[2], params.problems.spread) for name, _ in made.judged])
    points = Points(x, t, x0, torch.as_tensor(starts, dtype=torch.float32, device=case.device)[rows])
    weights = params.train.initial_weight, params.train.path_weight.get(made.judged[0][0], 0.0)
    runs = made.runs.at(rows)
    return lambda parameters: loss(parameters, runs, points, *weights, scaled=True)


def curvatures(case: Case[Params], made: dict[str, Made]) -> dict[str, tuple]:
    """Largest eigenvalue of the Hessian (method, speed, seed), the largest found by any probe, and how it grows."""
    params = case.params.forecast
    variables: dict[str, Any] = {}
    for problem, families in (("sine", METHODS), ("burgers", ("pinn_burgers", "lpinn_burgers"))):
        tops, apart = [], []
        for family in families:
            some = made[family].of(problem)
            shape = (params.probes, len(some.arms), case.params.train.seeds)
            start = normals(case, some, params.probes)
            many = {k: v.repeat(params.probes, 1, 1) for k, v in some.parameters.items()}
            rows = np.tile(np.arange(len(some.runs.speed)), params.probes)
            found = top_eigenpair(loss_at(case, some, rows), many, start, params.iterations)[0]
            values = found.double().numpy(force=True).reshape(shape)
            tops.append(values.max(0))
            apart.append(values.min(0) / values.max(0))
        grid, top = ("method", f"{problem}_speed", "seed"), np.stack(tops)
        growth = np.log(top[:, -1] / top[:, 0])
        variables |= {
            f"{problem}_sharpness": labelled(
                grid, top, "largest Hessian eigenvalue of the non-dimensional loss", nan=DIVERGED
            ),
            f"{problem}_probes": labelled(
                grid, np.stack(apart), "least over largest eigenvalue of the probes", nan=DIVERGED, may_be_constant=1
            ),
            f"{problem}_sharpening": labelled(
                ("method", "seed"), growth, "ln of the eigenvalue at the fastest over that at the slowest wave",
                nan=DIVERGED, may_be_constant=1,
            ),
        }  # fmt: skip
    return variables


def normals(case: Case[Params], some: Made, repeats: int, stream: str = "probes") -> Parameters:
    """Normal numbers of the shape of `repeats` copies of the networks, the same for all arms of a seed."""
    generator, seeds = torch.Generator().manual_seed(case.seed(stream)), case.params.train.seeds
    found = {}
    for name, value in some.parameters.items():
        drawn = torch.randn((repeats, 1, seeds, *value.shape[1:]), generator=generator).to(value.device)
        found[name] = drawn.expand(-1, len(some.arms), *[-1] * value.dim()).reshape(-1, *value.shape[1:])
    return found


def landscape(case: Case[Params], made: dict[str, Made]) -> dict[str, tuple]:
    """log10 of the loss on the plane of two top Hessian eigenvectors, first seed, slowest and fastest sine."""
    params, shown = case.params.forecast, []
    along = np.linspace(-params.reach, params.reach, params.lattice)
    for family in METHODS:
        some = made[family].of("sine").some([0, -1])
        rows = np.array([0, case.params.train.seeds])
        own = {k: v[rows] for k, v in some.parameters.items()}
        loss_of = loss_at(case, some, rows)
        axes: list[Parameters] = []
        for i in range(2):
            start = {k: v[rows] for k, v in normals(case, some, 1, f"axis {i}").items()}
            axes.append(top_eigenpair(loss_of, own, start, params.iterations, axes)[1])
        many = loss_at(case, some, np.tile(rows, params.lattice))
        second = torch.as_tensor(along, dtype=torch.float32, device=case.device).repeat_interleave(2)[:, None, None]
        found = []
        for first in along:
            moved = {
                k: (v + float(first) * axes[0][k]).repeat(params.lattice, 1, 1)
                + second * axes[1][k].repeat(params.lattice, 1, 1)
                for k, v in own.items()
            }
            with torch.no_grad():
                found.append(many(moved).double().numpy(force=True).reshape(params.lattice, 2))
        shown.append(np.log10(np.stack(found)).transpose(2, 0, 1))
    return {
        "landscape": labelled(
            ("method", "ends", "first", "second"), np.stack(shown), "log10 of the non-dimensional loss", nan=DIVERGED
        )
    }
