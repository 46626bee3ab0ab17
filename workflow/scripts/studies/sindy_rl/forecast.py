"""Errors of the models on held-out paths, returns with all real steps counted, distilled policies, and the wake."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.learned import LearnedEnvironment
from pesin.rl.playback import roll_out
from pesin.stats.bootstrap import unit_bootstrap
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.sindy_rl.distil import distil, polynomial_returns
from studies.sindy_rl.models import arm_worlds, medians, network_arrays, players
from studies.sindy_rl.params import Params
from studies.sindy_rl.worlds import (
    ACTION_COST,
    REWARD_SCALE,
    applied,
    as_environment,
    network_world,
    pendulum,
    sparse_world,
    wake,
)

MODELS = ("sindy", "linear", "nn", "unprojected", "persistence")
LAST = 0.25
"""Share of the wake's training, from its end, that final drags are means over."""
RESAMPLES = 500
SAVES = "model-free learning took many times as many real steps"


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Return the errors of the models, the returns of the arms, the polynomials, and the wake."""
    return xr.DataTree.from_dict(
        {
            "models": _models(case, data, trained),
            "returns": _returns(case, data, trained),
            "policies": _policies(case, data, trained),
            "wake": _wake(case, data, trained),
        }
    )


def windows(values: np.ndarray, leads: int) -> np.ndarray:
    """Cut paths (path, time, ...) into pieces of so many steps: (pieces, leads, ...)."""
    count = values.shape[1] // leads
    return values[:, : count * leads].reshape(-1, leads, *values.shape[2:])


def rollout(world: LearnedEnvironment, models: int, start: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Follow given actions: start (pieces, dim), actions (pieces, leads, 1) -> (models, pieces, leads, dim)."""
    state = np.broadcast_to(start, (models, *start.shape))
    path = np.empty((models, *actions.shape[:2], start.shape[-1]))
    for lead in range(actions.shape[1]):
        action = np.broadcast_to(actions[:, lead], (models, *actions[:, lead].shape))
        state = world.project(world.move(state, action))
        path[:, :, lead] = state
    return path


def model_worlds(case: Case[Params], trained: xr.DataTree) -> dict[str, LearnedEnvironment]:
    """A world for each of `MODELS`, with (samples x seeds) models; stand-ins taken."""
    params, true = case.params, pendulum()
    flat = {name: medians(trained, name) for name in ("sindy", "linear")}
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in flat.items()}
    degrees = {"sindy": params.train.dynamics.degree, "linear": params.train.linear.degree}
    worlds = {name: sparse_world(true, flat[name], degrees[name]) for name in flat}
    sizes = list(range(len(params.simulate.samples)))
    worlds["nn"] = network_world(true, network_arrays(params, trained, sizes))
    worlds = {name: worlds[params.forecast.stand_ins.get(name, name)] for name in worlds}  # type: ignore[call-overload]
    box = 1e3  # only so that what blows up stays a number
    loose = LearnedEnvironment(
        3, 1, true.horizon, worlds["sindy"].move, true.reward, true.begin, lambda s: np.clip(s, -box, box)
    )
    still = LearnedEnvironment(3, 1, true.horizon, lambda state, action: state, true.reward, true.begin)
    return worlds | {"unprojected": loose, "persistence": still}


def _models(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    params, known = case.params, data["pendulum"].to_dataset()
    sizes, leads = params.simulate.samples, params.forecast.leads
    seeds, spread = known.sizes["seed"], known["held_state"].values.reshape(-1, 3).std(0)
    truth, moves = known["held_state"].values, known["held_action"].values
    start, after = windows(truth[:, :-1], leads)[:, 0], windows(truth[:, 1:], leads)
    errors = []
    for world in model_worlds(case, trained).values():
        path = rollout(world, len(sizes) * seeds, start, windows(moves, leads))
        squared = (((path - after) / spread) ** 2).mean((1, 3))
        errors.append(squared.reshape(len(sizes), seeds, leads))
    curve = np.array(errors)
    lead = curve[..., : params.forecast.lead].mean(-1)
    long = np.sqrt(curve)
    valid = np.where((long >= 0.4).any(-1), (long >= 0.4).argmax(-1), leads)
    reward = np.median(trained["models"].to_dataset()["reward"].values, axis=1)
    x = np.concatenate([truth[:, :-1], moves], -1).reshape(-1, 4)
    said = applied(reward, params.train.reward.degree, np.broadcast_to(x, (seeds, *x.shape)))[..., 0]
    actual = known["held_reward"].values.ravel()
    r_squared = 1 - ((said - actual) ** 2).mean(1) / actual.var()
    grid = ("model", "samples", "seed")
    return xr.Dataset(
        {
            "error": labelled(
                (*grid, "lead"), long, "error of a rollout, in standard deviations of the state", nan=DIVERGED
            ),
            "rollout_error": labelled(
                grid, np.sqrt(lead), f"rms over the first {params.forecast.lead} steps", nan=DIVERGED
            ),
            "valid_steps": labelled(grid, valid, "steps until the error reaches 0.4", "step"),
            "reward_r_squared": labelled("seed", r_squared, "R^2 of the polynomial reward on held-out paths"),
        },
        {"model": list(MODELS), "samples": sizes, "seed": known["seed"].values, "lead": np.arange(1, leads + 1)},
    )


def _returns(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Final returns, and real steps until an arm has learned; the initial random data count.

    Final is each agent's policy where it was best in its own world, tried in the real task from fresh starts. An arm
    that learns in a model has seen no real step but those of its model; whether it has learned is asked of its final
    return. The one that learns in the real task has learned at the first evaluation that reaches the goal. Who doesn't
    get there counts with all steps of the real arm.
    """
    params, curves = case.params, trained["curves"].to_dataset()
    stand_ins = params.forecast.stand_ins
    curves = curves.sel(arm=[stand_ins.get(arm, arm) for arm in params.train.arms]).assign_coords(arm=params.train.arms)
    returns, step = curves["returns"].values, curves["step"].values
    fresh = data["pendulum"].to_dataset()["fresh"].values
    final = np.array([network_returns(params, trained, stand_ins.get(arm, arm), fresh) for arm in params.train.arms])
    grid = ("arm", "agent")
    steps = real_steps(returns, final, step, params.train.arms, params.simulate.samples[-1], params.forecast.goal)
    real = (np.array(params.train.arms) == "real")[:, None]
    seen = np.where(real, step, params.simulate.samples[-1])
    intervals = [
        unit_bootstrap(case.rng(f"return {arm}"), np.mean, (values,), RESAMPLES)
        for arm, values in zip(params.train.arms, final, strict=True)
    ]
    return xr.Dataset(
        {
            "along": labelled((*grid, "checkpoint"), returns, "return in the real task", nan=DIVERGED),
            "step": curves["step"],
            "interactions": labelled(("arm", "checkpoint"), seen, "real steps seen", "step"),
            "untrained_return": labelled(grid, returns[..., 0], "return before learning", nan=DIVERGED),
            "final_return": labelled(grid, final, "return of the policy that was best at home", nan=DIVERGED),
            "real_steps": labelled(grid, steps, "real steps until learned", "step"),
            "saves": labelled(grid, saves(steps, params.train.arms, params.forecast.fold), SAVES, may_be_constant=1),
            "beaten": labelled(
                grid, (final[params.train.arms.index("sindy")] > final) * 1.0, "sparse returns more", may_be_constant=1
            ),
            "mean_return": labelled(("arm", "end"), intervals, "mean final return, low, high", nan=DIVERGED),
        },
        {"arm": params.train.arms, "agent": curves["agent"].values, "end": ["mean", "low", "high"]},
    )


def network_returns(params: Params, trained: xr.DataTree, arm: str, starts: np.ndarray) -> np.ndarray:
    """Mean return in the real task of the arm's networks, (agents,)."""
    true = pendulum()
    return roll_out(players(params, trained, arm), as_environment(true), starts, true.horizon).reward.sum(0).mean(-1)


def real_steps(
    returns: np.ndarray, final: np.ndarray, step: np.ndarray, arms: list, samples: int, goal: float
) -> np.ndarray:
    """Real steps until each agent has learned, at most step[-1]: (arms, agents, checkpoints) -> (arms, agents)."""
    first = np.where((returns >= goal).any(-1), step[(returns >= goal).argmax(-1)], step[-1])
    modelled = np.where(final >= goal, samples, step[-1])
    return np.where((np.array(arms) == "real")[:, None], first, modelled).astype(float)


def saves(steps: np.ndarray, arms: list, fold: float) -> np.ndarray:
    """1 where the agent of the real task took `fold` times as many real steps or more: (arms, agents)."""
    return (steps[list(arms).index("real")] >= fold * steps).astype(float)


def _policies(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """The network of the first arm against its polynomial, in the real task from fresh starts."""
    params, known, how = case.params, data["pendulum"].to_dataset(), case.params.forecast.distillation
    arm = params.forecast.stand_ins.get("sindy", "sindy")
    world = arm_worlds(params, trained, network_arrays(params, trained, [-1]))[arm]
    player, fresh, true = players(params, trained, arm), known["fresh"].values, pendulum()
    found = distil(player, world, known["examined"].values, how, case.rng("queries"))
    agents = np.arange(len(found.chosen))
    chosen, degree = found.coefficients[agents, found.chosen], max(how.degrees)
    polynomial = polynomial_returns(true, chosen[:, None], degree, fresh)[:, 0]
    network = network_returns(params, trained, arm, fresh)
    size = sum(values[0].size for values in player.actor.values())
    terms = found.terms[agents, found.chosen]
    grid = ("agent", "degree", "threshold")
    shape = (len(agents), len(how.degrees), len(how.thresholds))
    return xr.Dataset(
        {
            "network_return": labelled("agent", network, "return of the network", nan=DIVERGED),
            "polynomial_return": labelled("agent", polynomial, "return of the polynomial", nan=DIVERGED),
            "terms": labelled("agent", terms, "terms of the polynomial"),
            "smaller": labelled("agent", size / np.maximum(terms, 1), "parameters of the network per term"),
            "coefficient": labelled(("agent", "policy_term"), chosen[..., 0], "coefficient of the policy"),
            "imagined": labelled(grid, found.imagined.reshape(shape), "return in the model", nan=DIVERGED),
            "candidate_terms": labelled(grid, found.terms.reshape(shape), "terms"),
        },
        {"agent": agents, "degree": how.degrees, "threshold": how.thresholds},
    )


def _wake(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Drag with control over drag without, from states of the limit cycle, and real steps until it is low enough."""
    params, true, curves = case.params, wake(), trained["wake_curves"].to_dataset()
    state = data["wake"].to_dataset()["examined"].values
    free = np.zeros(len(state))
    for _ in range(true.horizon):
        state, reward, _ = true.step(state, np.zeros((len(state), 1)))
        free += reward
    returns, step = curves["returns"].values / free.mean(), curves["step"].values
    final = returns[..., step > (1 - LAST) * step[-1]].mean(-1)
    arms = [str(arm) for arm in curves["arm"].values]
    goal = params.forecast.wake_goal
    steps = real_steps(-returns, -final, step, arms, params.simulate.wake_samples, -goal)
    drag = -free.mean() / REWARD_SCALE / true.horizon
    said = f"drag (a^2 + b^2 + {ACTION_COST} u^2) over that without control"
    grid = ("arm", "agent")
    return xr.Dataset(
        {
            "drag": labelled((*grid, "checkpoint"), returns, said, nan=DIVERGED),
            "step": curves["step"],
            "final_drag": labelled(grid, final, f"{said}, last quarter", nan=DIVERGED),
            "real_steps": labelled(grid, steps, "real steps until the drag is low enough", "step"),
            "saves": labelled(grid, saves(steps, arms, params.forecast.fold), SAVES, may_be_constant=1),
            "free_drag": labelled((), drag, "drag without control"),
        },
        {"arm": arms, "agent": curves["agent"].values},
    )
