"""Errors of networks that adapt to tasks of a held-out system, their roll-outs, and the Hamiltonian they came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.forecast.horizon import valid_prediction_time
from pesin.integrate.steppers import follow
from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.meta_hamiltonian_generalization.adaptation import Fit, Points, drawn, fitted, starting, support
from studies.meta_hamiltonian_generalization.network import field, hamiltonian
from studies.meta_hamiltonian_generalization.params import Params
from studies.meta_hamiltonian_generalization.simulate import CONSTANTS
from studies.meta_hamiltonian_generalization.systems import SYSTEMS, energy

ARMS = {"meta": "meta", "pretrained": "pretrained", "scratch": "start", "oracle": "single"}
"""Who adapts, and its networks: oracle learnt the held-out system itself."""
UNSTUDIED = "not studied with all constants one"
RELATIVE = "relative error of the derivatives"
LEAST = 1e-12  # below it rounding decides
OFF = 0.1  # of the spread of the orbits: how far a roll-out may be off


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Adapt all arms to each held-out system, a task for each draw, and measure."""
    params, simulate, adapt = case.params.forecast, case.params.simulate, case.params.forecast.adapt
    systems = simulate.systems
    fits = [(c, held, held) for held, name in enumerate(systems) for c in studied(simulate, name)]
    ends = fitted(
        case, data, trained, groups(case), fits, adapt.points, adapt.rate, adapt.at, params.targets == "scrambled"
    )
    variables = _errors(case, data, ends) | _one_law(case, data, trained)
    curve = [_curve(case, data, trained, ends, points) for points in params.supports]
    variables["learning_curve"] = labelled(("support", "heldout", "arm", "draw"), curve, RELATIVE)
    rolled = [
        _rolled(case, ends[0, k, k][-1], data, k) | _maps(case, ends[0, k, k][-1], data, k) for k in range(len(systems))
    ]
    for name, (own, what, units) in ROLLED.items():
        variables[name] = labelled(own, np.stack([one[name] for one in rolled]), what, units, may_be_constant=1)
    share = np.linspace(-1, 1, params.grid)
    named: dict[str, Any] = {"constants": list(CONSTANTS), "heldout": systems, "arm": list(ARMS), "step": adapt.at}
    named |= {"support": params.supports, "taught": simulate.unit, "asked": simulate.unit, "x": share, "y": share}
    return xr.Dataset(
        variables, named | {"source": ["true", *ARMS], "coord": data["coord"], "time": data["time"].values}
    )


ROLLED = {
    "rollout_error": (("heldout", "arm", "draw", "time"), "root mean square error over the spread of the orbits", "1"),
    "log_rollout_to_rest": (("heldout", "arm", "draw"), "ln of the roll-out's error over that of a state at rest", "1"),
    "log_energy_error": (("heldout", "arm", "draw"), "ln of the root mean square relative error of the energy", "1"),
    "valid_time": (("heldout", "arm", "draw"), "time to an error of a tenth of the spread", "1"),
    "path": (("heldout", "source", "time", "body", "coord"), "state along the first orbit", "1"),
    "path_energy": (("heldout", "source", "time"), "energy along the first orbit over the first", "1"),
    "map": (("heldout", "source", "x", "y"), "H, fitted to the true one by a line", "1"),
}
"""What `_rolled` and `_maps` give of each held-out system: dimensions, name, unit."""


# ---------------------------------------------------------------------------------------------------------- adaptation


def studied(simulate, name: str) -> Sequence[int]:
    """Places of the settings of the constants in which a system is studied."""
    return (0, 1) if name in simulate.unit else (0,)


def groups(case: Case[Params]) -> dict[str, str]:
    """Networks of each arm; in the null all are those before training."""
    return dict.fromkeys(ARMS, "start") if case.params.forecast.meta == "untrained" else ARMS


def _errors(case: Case[Params], data: xr.Dataset, ends: dict[Fit, list[Parameters]]) -> dict[str, tuple]:
    """Errors after each number of steps, correlation of learned and true H after the last, and a spring's errors."""
    params, systems, many = case.params, case.params.simulate.systems, (len(ARMS), case.params.simulate.draws)
    error = np.full((len(CONSTANTS), len(systems), len(params.forecast.adapt.at), *many), np.nan)
    r2, spring = np.full((*error.shape[:2], *many), np.nan), np.full((*error.shape[:2], many[1]), np.nan)
    for fit, own in ends.items():
        c, held, _ = fit
        test = drawn(case, data, "test", c, held, many[0])
        error[c, held] = [_error(case, end, *test).reshape(many) for end in own]
        r2[c, held] = _energy_r2(case, own[-1], data, c, held).reshape(many)
        given = support(case, data, fit, params.forecast.adapt.points, 1, params.forecast.targets == "scrambled")
        spring[c, held] = spring_error(given, drawn(case, data, "test", c, held))
    dims, runs = ("constants", "heldout"), ("step", "arm", "draw")
    good = np.where(np.isnan(error), np.nan, error <= params.forecast.good)
    return {
        "error": labelled((*dims, *runs), error, RELATIVE, nan=UNSTUDIED),
        "log_error": labelled((*dims, *runs), np.log(error), f"ln of the {RELATIVE}", nan=UNSTUDIED),
        "good": labelled((*dims, *runs), good, "whether the system is predicted", may_be_constant=1, nan=UNSTUDIED),
        "energy_r2": labelled((*dims, "arm", "draw"), r2, "squared correlation of learned and true H", nan=UNSTUDIED),
        "log_spring_error": labelled(
            (*dims, "draw"), np.log(np.maximum(spring, LEAST)), f"ln of a fitted spring's {RELATIVE}", nan=UNSTUDIED
        ),
    }


def spring_error(given: Points, test: Points) -> np.ndarray:
    """Relative error on test points of dq/dt = a p, dp/dt = -b q, a and b by least squares on those given, (tasks,).

    What anyone would try who has seen one mass on a spring, and nothing else.
    """
    (x, rate), (y, true) = ([part.double().numpy(force=True) for part in pair] for pair in (given, test))
    a, b = (
        (rate[..., to] * x[..., by]).sum((1, 2, 3)) / (x[..., by] ** 2).sum((1, 2, 3))
        for to, by in ((slice(2), slice(2, None)), (slice(2, None), slice(2)))
    )
    made = np.concatenate([a[:, None, None, None] * y[..., 2:], b[:, None, None, None] * y[..., :2]], -1)
    return ((made - true) ** 2).mean((1, 2, 3)) / (true**2).mean((1, 2, 3))


def _curve(case: Case[Params], data: xr.Dataset, trained: xr.DataTree, ends, points: int) -> np.ndarray:
    """Errors after the last step on so many points, constants that vary: (systems, arms, draws)."""
    systems, adapt = case.params.simulate.systems, case.params.forecast.adapt
    fits = [(0, held, held) for held in range(len(systems))]
    if points != adapt.points:
        scrambled = case.params.forecast.targets == "scrambled"
        ends = fitted(case, data, trained, groups(case), fits, points, adapt.rate, adapt.at[-1:], scrambled)
    many = (len(ARMS), case.params.simulate.draws)
    found = [_error(case, ends[fit][-1], *drawn(case, data, "test", *fit[:2], many[0])) for fit in fits]
    return np.reshape(found, (len(systems), *many))


def _error(case: Case[Params], own: Parameters, state: torch.Tensor, rate: torch.Tensor) -> np.ndarray:
    """Mean squared error over the mean square of the derivatives, (tasks,); capped."""
    with torch.no_grad():
        squares = (field(own, state) - rate).double().square().mean((1, 2, 3)) / rate.double().square().mean((1, 2, 3))
    return capped(squares.numpy(force=True), case.params.forecast.worst)


def capped(values: np.ndarray, worst: float) -> np.ndarray:
    """`worst` in place of what is above it or isn't finite."""
    return np.where(np.isfinite(values), np.minimum(values, worst), worst)


def _energy_r2(case: Case[Params], own: Parameters, data: xr.Dataset, constants: int, held: int) -> np.ndarray:
    """Squared correlation of learned and true H on the test points, (tasks,); 0 where it is not defined."""
    state, _ = drawn(case, data, "test", constants, held, len(ARMS))
    true = np.tile(data["test_energy"].values[constants, held], (len(ARMS), 1))
    with torch.no_grad():
        found = hamiltonian(own, state).double().numpy(force=True)
    found, true = (x - x.mean(1, keepdims=True) for x in (found, true))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.nan_to_num((found * true).sum(1) ** 2 / ((found**2).sum(1) * (true**2).sum(1)))


def _one_law(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> dict[str, tuple]:
    """Errors of networks that learnt one system alone, unadapted, on each system."""
    params, simulate = case.params.forecast, case.params.simulate
    places, group = [simulate.systems.index(name) for name in simulate.unit], {"oracle": groups(case)["oracle"]}
    error = np.zeros((len(CONSTANTS), len(places), len(places), simulate.draws))
    for c in range(len(CONSTANTS)):
        for i, taught in enumerate(places):
            own = starting(case, trained, group, c, taught)
            error[c, i] = [_error(case, own, *drawn(case, data, "test", c, asked)) for asked in places]
    taught, asked = (simulate.unit.index(getattr(params, name)) for name in ("taught", "asked"))
    ratio = np.log(error[:, taught, asked] / error[:, taught, taught])
    said = "ln of the error on another law over that on its own"
    return {
        "one_law": labelled(("constants", "taught", "asked", "draw"), error, f"{RELATIVE}, one system learnt"),
        "foreign_to_own": labelled(("constants", "draw"), ratio, said, may_be_constant=1),
    }


# ------------------------------------------------------------------------------------------------- roll-outs and maps


def _rolled(case: Case[Params], own: Parameters, data: xr.Dataset, held: int) -> dict[str, np.ndarray]:
    """Errors of the orbits that adapted networks make from the true ones' starts; see `ROLLED`."""
    params, system = case.params, SYSTEMS[case.params.simulate.systems[held]]
    many, worst = (len(ARMS), params.simulate.draws), params.forecast.worst
    true = data["orbit"].values[held][..., : system.bodies, :]  # (draws, orbits, times, bodies, 4)
    start = torch.as_tensor(true[:, :, 0], dtype=torch.float32, device=case.device).repeat(len(ARMS), 1, 1, 1)
    with torch.no_grad():
        made = [start, *follow(lambda x, _: field(own, x), start, data["time"].values)]
    path = torch.stack(made, 2).double().numpy(force=True).reshape(*many, *true.shape[1:])
    a, b = (data[f"draw_{name}"].values[0, held][:, None, None] for name in "ab")
    with np.errstate(all="ignore"):
        height = energy(system, path, a, b)
        first = energy(system, true[:, :, :1], a, b)
        drift = np.sqrt(((height - first) ** 2).mean((-2, -1)) / (first**2).mean((-2, -1)))
        off = ((path - true) ** 2).mean((2, 4, 5))
    spread = ((true - true.mean(2, keepdims=True)) ** 2).mean((1, 2, 3, 4))
    rest = ((true - true[:, :, :1]) ** 2).mean((1, 2, 3, 4)) / spread
    error = capped(np.sqrt(off / spread[:, None]), worst)
    whole = np.sqrt((error**2).mean(-1))
    flat = path.reshape(*many, *true.shape[1:3], -1)
    truth, dt = true.reshape(*true.shape[:3], -1), float(data["time"][1] - data["time"][0])
    wide = np.sqrt(spread)[:, None] * np.ones(flat.shape[-1])
    valid = [
        [valid_prediction_time(t[:, 1:], f[:, 1:], w, dt, OFF).mean() for t, f, w in zip(truth, one, wide, strict=True)]
        for one in flat
    ]
    paths = np.concatenate([true[None, 0, 0], path[:, 0, 0]])
    with np.errstate(all="ignore"):
        along = energy(system, paths, a[0, 0, 0], b[0, 0, 0]) / first[0, 0, 0]
    bodies = data.sizes["body"] - system.bodies
    return {
        "rollout_error": error,
        "log_rollout_to_rest": np.log(whole / np.sqrt(rest)),
        "log_energy_error": np.log(np.maximum(capped(drift, worst), LEAST)),
        "valid_time": np.array(valid),
        "path": np.pad(capped(paths, 1e3), ((0, 0), (0, 0), (0, bodies), (0, 0))),
        "path_energy": capped(along, 1e3),
    }


def _maps(case: Case[Params], own: Parameters, data: xr.Dataset, held: int) -> dict[str, np.ndarray]:
    """True and learned H of the first draw in a plane, the learned ones fitted to the true one by a line.

    One body: the plane of x and its momentum, through the origin; several: the place of the first, all at rest.
    """
    system, many = SYSTEMS[case.params.simulate.systems[held]], case.params.forecast.grid
    share = np.linspace(-1, 1, many) * system.reach
    state = np.zeros((many, many, system.bodies, 4))
    second = 2
    if system.bodies > 1:
        angle = 2 * np.pi * np.arange(system.bodies) / system.bodies
        state[..., 0], state[..., 1] = 1.5 * np.cos(angle), 1.5 * np.sin(angle)  # clear of the box
        second = 1
    state[..., 0, 0], state[..., 0, second] = share[:, None] * np.ones(many), share * np.ones((many, 1))
    draws = case.params.simulate.draws
    first = {name: value[::draws] for name, value in own.items()}
    true = energy(system, state, *(data[f"draw_{name}"].values[0, held, 0] for name in "ab"))
    flat = torch.as_tensor(state.reshape(1, many**2, system.bodies, 4), dtype=torch.float32, device=case.device)
    with torch.no_grad():
        found = hamiltonian(first, flat.expand(len(ARMS), -1, -1, -1)).double().numpy(force=True)
    maps = [true]
    for one in found:
        level = capped(one, 1e3)
        design = np.stack([level, np.ones_like(level)], 1)
        maps.append((design @ np.linalg.lstsq(design, true.ravel(), rcond=None)[0]).reshape(true.shape))
    return {"map": np.stack(maps)}
