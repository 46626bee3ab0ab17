"""Next samples and free runs of all methods on held-out Lorenz orbits, and forecasts of Lotka and Volterra's orbits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr

from pesin.forecast.attractor import state_space_divergence
from pesin.forecast.horizon import valid_prediction_time
from pesin.models import sindy
from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.stnn_hankel import baselines, leads
from studies.stnn_hankel.network import Operations, apply_network
from studies.stnn_hankel.params import Params
from studies.stnn_hankel.simulate import EXPONENT, environments
from studies.stnn_hankel.train import Network, network_of, networks
from studies.stnn_hankel.windows import Scaled, lorenz_series, pairs, roll

WORST = 10.0
"""Errors of free runs count up to here, in standard deviations."""
Step = Callable[[np.ndarray], np.ndarray]


class Method(NamedTuple):
    """What one way of forecasting x does on every orbit.

    Attributes
    ----------
    now : ndarray, shape (seeds, windows)
        The next sample after each held-out window.
    free : ndarray, shape (seeds, starts, steps)
        Free runs.
    parameters, operations
        Numbers that are learnt; multiply-adds of one step.
    """

    now: np.ndarray
    free: np.ndarray
    parameters: int
    operations: int


class World(NamedTuple):
    """Held-out orbits in standard deviations, and what is learnt from.

    Attributes
    ----------
    series : ndarray, shape (seeds, time)
    state : ndarray, shape (seeds, time, 3)
        In the units of the system.
    scaled : Scaled
        Of x.
    learnt, delays, steps
        Samples that are learnt from, of a window, and of free runs.
    starts : ndarray of int, shape (starts,)
        First sample of the windows that free runs begin with; the last one is for the long run.
    """

    series: np.ndarray
    state: np.ndarray
    scaled: Scaled
    learnt: int
    delays: int
    steps: int
    starts: np.ndarray

    def windows(self) -> np.ndarray:
        """All held-out windows that have a next sample, (seeds, windows, delays)."""
        return pairs(self.series[:, None, self.learnt :, None], self.delays).now

    def begins(self) -> np.ndarray:
        """Windows of the starts, (seeds, starts, delays)."""
        return self.series[:, self.starts[:, None] + np.arange(self.delays)]

    def truth(self) -> np.ndarray:
        """What follows the starts, (seeds, starts, steps)."""
        return self.series[:, self.starts[:, None] + self.delays + np.arange(self.steps)]


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Errors, counts and free runs (method, seed, ...); errors on Lotka-Volterra (environment, ...)."""
    params = case.params
    world = world_of(params, data["state"].values)
    made = closed_forms(params, world, trained["sindy"]) | by_networks(case, world, trained)
    return xr.Dataset(
        scores(params, world, made) | of_environments(case, data, trained),
        {
            "method": list(made),
            "way": ["structured", "leads", "persistence"],
            "seed": np.arange(params.simulate.seeds),
            "lead": params.simulate.dt * EXPONENT * np.arange(1, params.forecast.horizon + 1),
            "moment": data["moment"].values[params.train.delays // 2 :],
        },
    )


def world_of(params: Params, state: np.ndarray) -> World:
    """Standardised series, and starts spread evenly over what is held out."""
    learnt = round(params.simulate.samples * params.train.share)
    series, scaled = lorenz_series(state, learnt)
    last = params.simulate.samples - params.train.delays - params.forecast.horizon
    starts = np.linspace(learnt, last, params.forecast.starts).astype(int)
    return World(series, state, scaled, learnt, params.train.delays, params.forecast.horizon, starts)


def closed_forms(params: Params, world: World, identified: Any) -> dict[str, Method]:
    """Persistence, regression on all delays, HAVOK, DMD and SINDy on the full state."""
    own, n = world.series[:, : world.learnt], world.delays
    regressed = np.array([baselines.delay_regression(series, n) for series in own])
    found = {
        "persistence": by_step(lambda w: w[..., -1:], world, 0, 0),
        "delays": by_step(
            lambda w: np.einsum("rsn,rn->rs", w, regressed[:, :-1])[..., None] + regressed[:, None, -1:],
            world,
            baselines.parameters("delays", n),
            baselines.multiply_adds("delays", n),
        ),
    }
    for rank in params.forecast.havok:
        maps = np.array([baselines.havok_map(series, n, rank) for series in own])
        counted = baselines.parameters("havok", n, rank), baselines.multiply_adds("havok", n, rank)
        found[f"havok_{rank}"] = by_window(maps, world, *counted)
    return found | on_states(params, world, identified)


def by_step(step: Step, world: World, parameters: int, operations: int) -> Method:
    """A method that takes windows (seeds, m, n) to the next sample (seeds, m, 1)."""
    free = roll(step, world.begins(), world.steps)[..., 0]
    return Method(step(world.windows())[..., 0], free, parameters, operations)


def by_window(maps: np.ndarray, world: World, parameters: int, operations: int) -> Method:
    """A linear method that takes whole windows to whole windows, (seeds, n, n); in a free run again and again."""
    window, free = world.begins(), []
    for _ in range(world.steps):
        window = window @ maps
        free.append(window[..., -1])
    return Method((world.windows() @ maps)[..., -1], np.stack(free, -1), parameters, operations)


def on_states(params: Params, world: World, identified: Any) -> dict[str, Method]:
    """Methods that are given all three coordinates of the last sample in place of a window of x."""
    dt = params.simulate.dt
    made: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"dmd": [], "sindy": []}
    last = world.state[:, world.learnt + world.delays - 1 : -1]
    begins = world.state[:, world.starts + world.delays - 1]
    powers_of = identified["power"].values
    models = identified["coefficient"].values
    for orbit, now, begin, model in zip(world.state, last, begins, models, strict=True):
        centre, matrix = baselines.state_map(orbit[: world.learnt])
        powers = [np.linalg.matrix_power(matrix, k) for k in range(1, world.steps + 1)]
        free = np.stack([(begin - centre) @ power.T + centre for power in powers], 1)
        made["dmd"].append(((now - centre) @ matrix.T + centre, free))
        one, many = (
            sindy.forecast(model, powers_of, x[:, None], steps, dt)[0] for x, steps in ((now, 1), (begin, world.steps))
        )
        made["sindy"].append((one[:, 0], many))
    found = {}
    for name, rows in made.items():
        now, free = (world.scaled.to(np.array(part)[..., :1])[..., 0] for part in zip(*rows, strict=True))
        counts = baselines.parameters(name, world.delays), baselines.multiply_adds(name, world.delays)
        found[name] = Method(now, free, *counts)
    return found


def by_networks(case: Case[Params], world: World, trained: Any) -> dict[str, Method]:
    """All networks of all arms."""
    ending, found = "_start" if case.params.forecast.networks == "untrained" else "", {}
    for family, arms in case.params.train.arms.items():
        for blocks in arms:
            name = f"{family}_{blocks}"
            parameters = networks(trained, name + ending, case.device)
            step = partial(next_sample, network_of(family), parameters, dim=1)
            counted = sum(value[0].numel() for value in parameters.values())
            found[name] = by_step(step, world, counted, operations_of(network_of(family), parameters, world.delays))
    return found


@torch.no_grad()
def next_sample(network: Network, parameters: Parameters, windows: np.ndarray, dim: int) -> np.ndarray:
    """The end of the windows that networks make: (runs, m, n) -> (runs, m, dim)."""
    device = next(iter(parameters.values())).device
    given = torch.as_tensor(np.clip(windows, -1e6, 1e6), dtype=torch.float32, device=device)
    return network(parameters, given)[..., -dim:].double().numpy(force=True)


def operations_of(network: Network, parameters: Parameters, delays: int) -> int:
    """What one window costs one network, counted as it runs."""
    one = {name: value[:1] for name, value in parameters.items()}
    with torch.no_grad(), Operations() as counter:
        network(one, next(iter(one.values())).new_zeros(1, 1, delays))
    return counter.number


def scores(params: Params, world: World, made: dict[str, Method]) -> dict[str, tuple]:
    """What the claims on Lorenz are judged by."""
    truth, target = world.truth(), pairs(world.series[:, None, world.learnt :, None], world.delays).then[..., -1]
    every = list(made.values())
    unit, scale = params.simulate.dt * EXPONENT, np.ones(1)
    with np.errstate(over="ignore", invalid="ignore"):
        free = np.nan_to_num(np.stack([np.clip(one.free, -1e6, 1e6) for one in every]), nan=1e6)
        error = np.stack([((one.now - target) ** 2).mean(1) for one in every])
    off = np.minimum(abs(free - truth), WORST)
    limit = params.forecast.threshold
    times = np.stack(
        [
            [
                valid_prediction_time(t[..., None], f[..., None], scale, unit, limit)
                for t, f in zip(truth, own, strict=True)
            ]
            for own in free
        ]
    )
    said, steps = ("method", "seed"), min(params.forecast.horizon, round(1 / unit)) - 1
    histogram = [
        [state_space_divergence(t.reshape(-1, 1), f.reshape(-1, 1)) for t, f in zip(truth, own, strict=True)]
        for own in free
    ]
    return {
        "log_error": labelled(said, np.log(np.maximum(error, 1e-300)), "ln of the squared error of the next sample"),
        "skill": labelled(said, 1 - error / error[0], "one minus squared error over persistence's"),
        "parameters": labelled("method", [one.parameters for one in every], "numbers that are learnt"),
        "operations": labelled("method", [one.operations for one in every], "multiply-adds of a step"),
        "prediction_time": labelled(
            said, np.median(times, -1), "valid prediction time, median of starts", "1/lambda_1"
        ),
        "far_error": labelled(said, np.sqrt((off[..., steps] ** 2).mean(-1)), "rms error after a Lyapunov time"),
        "error_by_lead": labelled((*said, "lead"), np.sqrt((off**2).mean(2)), "rms error of x, in standard deviations"),
        "divergence": labelled(said, histogram, "divergence of the histograms of x", "nat"),
        "free": labelled((*said, "lead"), free[:, :, 0], "x of the first free run, in standard deviations"),
        "truth": labelled(("seed", "lead"), truth[:, 0], "x, in standard deviations"),
    }


def of_environments(case: Case[Params], data: Any, trained: Any) -> dict[str, tuple]:
    """Errors of structured networks and LEADS on held-out orbits, after the first window of each."""
    params = case.params
    learnt, held_out = data["learnt"].values, data["held_out"].values
    common, samples = environments(params)[1], params.train.delays // 2
    truth = held_out[:, :, samples:]
    steps = truth.shape[2]
    structured = by_structured(
        case, trained, Scaled.of(learnt.reshape(len(learnt), -1, 2)), held_out[:, :, :samples], steps
    )
    ending = "_start" if params.forecast.networks == "untrained" else ""
    starts = held_out[:, :, samples - 1]
    parts = (("leads", starts[:common]), ("adapted", starts[common:]))
    found = [leads.forecast(networks(trained, group + ending, case.device), x, steps) for group, x in parts]
    both = np.stack([structured, np.concatenate(found, 1)])
    kept = np.broadcast_to(held_out[:, :, samples - 1 : samples], truth.shape)
    both = np.concatenate([both, np.broadcast_to(kept, both[:1].shape)])
    error = np.minimum((np.nan_to_num(both, nan=1e6) - truth) ** 2, WORST**2).mean((3, 4, 5))
    logs = np.log(error).mean(1)
    ratio, names = logs[0] - logs[1], ("common_environment", "novel_environment")
    return {
        "environment_log_error": labelled(
            ("way", "environment"), logs, "ln of the squared error on held-out orbits", may_be_constant=1
        ),
        "log_ratio": labelled(names[0], ratio[:common], "ln of the structured network's error over that of LEADS"),
        "novel_log_ratio": labelled(
            names[1], ratio[common:], "ln of the structured network's error over that of LEADS"
        ),
        "orbit": labelled(
            ("way", "environment", "moment", "species"), both[:, 0, :, 0], "forecast of the first held-out orbit"
        ),
        "orbit_truth": labelled(("environment", "moment", "species"), truth[:, 0], "first held-out orbit"),
    }


def by_structured(case: Case[Params], trained: Any, scaled: Scaled, begin: np.ndarray, steps: int) -> np.ndarray:
    """Free runs of each environment's networks: (draws, environments, orbits, steps, 2), in the system's units."""
    ending = "_start" if case.params.forecast.networks == "untrained" else ""
    parameters = networks(trained, f"environments{ending}", case.device)
    count_of, draws = len(begin), case.params.train.draws
    if case.params.forecast.environments == "other":
        order = (np.arange(draws)[:, None] * count_of + np.roll(np.arange(count_of), -1)).ravel()
        parameters = {name: value[order] for name, value in parameters.items()}
    windows = np.tile(scaled.to(begin).reshape(*begin.shape[:2], -1), (draws, 1, 1))
    free = roll(partial(next_sample, apply_network, parameters, dim=2), windows, steps, dim=2)
    free = free.reshape(draws, *begin.shape[:2], steps, 2)
    shape = (-1, 1, 1, 2)
    return free * scaled.scale.reshape(shape) + scaled.centre.reshape(shape)
