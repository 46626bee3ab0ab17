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
from studies.meta_hamiltonian_generalization.adaptation import drawn, fitted, starting
from studies.meta_hamiltonian_generalization.network import field, hamiltonian
from studies.meta_hamiltonian_generalization.params import Params
from studies.meta_hamiltonian_generalization.simulate import CONSTANTS
from studies.meta_hamiltonian_generalization.systems import SYSTEMS, energy

ARMS = {"meta": "meta", "pretrained": "pretrained", "scratch": "start", "oracle": "single"}
"""Who adapts, and its networks: oracle learnt the held-out system itself."""
UNSTUDIED = "not studied with all constants one"
OFF = 0.1  # of the spread of the orbits: how far a roll-out may be off


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Adapt all arms to each held-out system, a task for each draw, and measure."""
    params, simulate, at = case.params.forecast, case.params.simulate, case.params.adapt.at
    scrambled = params.targets == "scrambled"
    systems, many = simulate.systems, (len(ARMS), simulate.draws)
    error = np.full((len(CONSTANTS), len(systems), len(at), *many), np.nan)
    r2 = np.full((len(CONSTANTS), len(systems), *many), np.nan)
    curve = np.full((len(params.supports), len(systems), *many), np.nan)
    rolled: list[dict[str, np.ndarray]] = []
    for held, name in enumerate(systems):
        for c in studied(simulate, name):
            own = starting(case, trained, groups(case), c, held)
            ends = list(fitted(case, data, own, c, held, case.params.adapt.points, at, scrambled))
            for i, end in enumerate(ends):
                error[c, held, i] = _error(case, end, *drawn(case, data, "test", c, held, many[0])).reshape(many)
            r2[c, held] = _energy_r2(case, ends[-1], data, c, held).reshape(many)
            if c == 0:
                rolled.append(_rolled(case, ends[-1], data, held) | _maps(case, ends[-1], data, held))
        for i, points in enumerate(params.supports):
            own = starting(case, trained, groups(case), 0, held)
            (end,) = fitted(case, data, own, 0, held, points, at[-1:], scrambled)
            curve[i, held] = _error(case, end, *drawn(case, data, "test", 0, held, many[0])).reshape(many)
    dims, some = ("constants", "heldout"), {"nan": UNSTUDIED}
    one_law = _one_law(case, data, trained)
    asked, taught = (simulate.unit.index(getattr(params, name)) for name in ("asked", "taught"))
    said = "relative error of the derivatives"
    runs = ("heldout", "arm", "draw")
    variables = {
        "error": labelled((*dims, "step", "arm", "draw"), error, said, **some),
        "log_error": labelled((*dims, "step", "arm", "draw"), np.log(error), f"ln of the {said}", **some),
        "good": labelled(
            (*dims, "step", "arm", "draw"),
            np.where(np.isnan(error), np.nan, error <= params.good),
            "whether the system is predicted",
            may_be_constant=1,
            **some,
        ),
        "energy_r2": labelled((*dims, "arm", "draw"), r2, "squared correlation of learned and true H", **some),
        "learning_curve": labelled(("support", *runs), curve, said),
        "one_law": labelled(("constants", "asked", "draw"), one_law, f"{said}, one system learnt"),
        "foreign_to_own": labelled(
            ("constants", "draw"),
            np.log(one_law[:, asked] / one_law[:, taught]),
            "ln of the error on another law over that on its own",
            may_be_constant=1,
        ),
    }
    for name, (own, what, units) in ROLLED.items():
        variables[name] = labelled(own, np.stack([one[name] for one in rolled]), what, units, may_be_constant=1)
    named: dict[str, Any] = {
        "constants": list(CONSTANTS),
        "heldout": systems,
        "arm": list(ARMS),
        "coord": data["coord"],
    }
    named |= {"step": at, "support": params.supports, "asked": simulate.unit, "time": data["time"].values}
    share = np.linspace(-1, 1, params.grid)
    return xr.Dataset(variables, named | {"source": ["true", *ARMS], "x": share, "y": share})


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


def _one_law(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> np.ndarray:
    """Error of the network that learnt `taught` alone, unadapted, on each system: (constants, systems, draws)."""
    params, simulate = case.params.forecast, case.params.simulate
    taught, found = simulate.systems.index(params.taught), []
    for c in range(len(CONSTANTS)):
        own = starting(case, trained, {"oracle": groups(case)["oracle"]}, c, taught)
        places = [simulate.systems.index(name) for name in simulate.unit]
        found.append([_error(case, own, *drawn(case, data, "test", c, place)) for place in places])
    return np.array(found)


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
        "log_energy_error": np.log(np.maximum(capped(drift, worst), 1e-12)),
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
