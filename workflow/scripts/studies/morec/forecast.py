"""Errors of one step and of rollouts with and without the filter, controllers chosen inside the model, and agents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import softmax

from pesin.forecast.classify import area_under_curve
from pesin.stats.intervals import ranks
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.morec.fridge import linear, step
from studies.morec.models import World, chosen, roll_out, world
from studies.morec.params import Pair, Params

METHODS = ["random", "mean", "filter", "softmax", "last", "regression", "oracle"]
"""random: any candidate; last: filtered by the latest discriminator alone; regression: the one nearest the mean of
an ensemble with the reward's activation, learned from the same data without a reward; oracle: nearest the truth."""
FOLLOWED = ["random", "mean", "filter"]
RANKED = {
    "rank": ("rank_correlation", "-reward"),
    "central": ("central", "distance from the mean"),
    "regression": ("regression", "distance from a regression"),
}
ALARMS = ["score", "spread"]
"""What foretells a large error: a low reward of the mean model's next state, or members that disagree."""
FAR = 3.0
"""Standard deviations of the process from which an error counts as large."""
PLACES = ((12.0, 0.2), (7.0, 4.5), (-4.0, 3.0))
"""Distant temperatures and powers at which the reward is drawn over the next state."""
OFFSETS = np.linspace(-1.5, 1.5, 61)
MAP = ((-8.0, 18.0), (0.0, 5.0))
ABSOLUTE = "mean absolute error of one step"


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Groups `steps`, `variants`, `maps`, `rollouts` and `agents`."""
    how = case.params.forecast
    judged = world(case.params, data, trained, how.pair.models, how.pair.reward, how.trained)
    parts = {
        "steps": _steps(case, data, judged, plain(case, data, trained, how.pair)),
        "maps": _maps(case, judged),
        "rollouts": _rollouts(case, data, judged),
    }
    if how.variants:
        few = xr.DataTree.from_dict({"tests": data["tests"].to_dataset().isel(test=slice(None, None, how.every))})
        errors = [
            _steps(
                case, few, world(case.params, data, trained, pair.models, pair.reward), plain(case, data, trained, pair)
            )["error"]
            for pair in how.variants
        ]
        names = [f"{pair.models} models, {pair.reward} reward" for pair in how.variants]
        parts["variants"] = xr.concat(errors, "variant").assign_coords(variant=names).to_dataset(name="error")
    return xr.DataTree.from_dict(parts | {"agents": agents(trained)})


def plain(case: Case[Params], data: xr.DataTree, trained: xr.DataTree, pair: Pair) -> World:
    """The ensemble that has the activation of the pair's reward."""
    return world(case.params, data, trained, pair.reward, pair.reward)


# ------------------------------------------------------------------------------------------------------------ one step


def offers(case: Case[Params], model: World, state: np.ndarray, action: np.ndarray, stream: str) -> tuple:
    """Candidates, their rewards and the mean model's next state: (seeds, n, k) twice, (seeds, n)."""
    shape = (len(state), model.members, state.shape[1], case.params.forecast.filter.samples)
    offered = model.candidates(state, action, case.rng(stream).standard_normal(shape))
    return offered, model.rewards(state, action, offered), model.laws(state, action)[0].mean(1)


def rank_correlation(reward: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Spearman's rho of -reward and error over the candidates of each transition; 0 where a reward ranks nothing.

    Taken among candidates that share state and action: a reward that reads only these ranks nothing.
    """
    x, y = ranks(-reward), ranks(error)
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    size = np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
    return np.divide((x * y).sum(-1), size, out=np.zeros(size.shape), where=size > 0)


def errors_of(
    case: Case[Params], error: np.ndarray, mean: np.ndarray, reward: np.ndarray, last: np.ndarray, near: np.ndarray
) -> list:
    """Of each of `METHODS`, (seeds,): errors of all candidates (seeds, n, k) and of the mean (seeds, n)."""
    weight = softmax(reward / case.params.forecast.filter.temperature, -1)
    each = (
        error.mean(-1),
        mean,
        chosen(error, reward.argmax(-1)),
        (weight * error).sum(-1),
        chosen(error, last.argmax(-1)),
        chosen(error, near.argmax(-1)),
        error.min(-1),
    )
    return [values.mean(1) for values in each]


def by_count(rng: np.random.Generator, error: np.ndarray, reward: np.ndarray, counts: list[int]) -> np.ndarray:
    """Errors of any and of the best-rewarded of the first candidates in a random order, (2, seeds, counts)."""
    order = rng.permuted(np.arange(error.size).reshape(error.shape) % error.shape[-1], axis=-1)
    error, reward = (np.take_along_axis(values, order, -1) for values in (error, reward))
    any_one = [error[..., :n].mean((1, 2)) for n in counts]
    best = [chosen(error, reward[..., :n].argmax(-1)).mean(1) for n in counts]
    return np.moveaxis(np.array([any_one, best]), 1, 2)


def _steps(case: Case[Params], data: xr.DataTree, model: World, other: World) -> xr.Dataset:
    """Errors, ranks and alarms on the tests of all policies."""
    how, tests = case.params.forecast, data["tests"].to_dataset()
    late = replace(model, history=model.history[-1:])
    found: dict[str, list] = {
        name: []
        for name in ("error", "rank", "central", "regression", "counted", "covered", "wrong", "score", "spread")
    }
    for name in tests["policy"].values:
        state, action, truth = (tests[key].sel(policy=name).values for key in ("state", "action", "next"))
        offered, reward, mean = offers(case, model, state, action, f"candidates {name}")
        error, of_mean = abs(offered - truth[..., None]), abs(mean - truth)
        near = -abs(offered - other.laws(state, action)[0].mean(1)[..., None])
        found["error"].append(errors_of(case, error, of_mean, reward, late.rewards(state, action, offered), near))
        found["rank"].append(rank_correlation(reward, error).mean(1))
        found["central"].append(rank_correlation(-abs(offered - mean[..., None]), error).mean(1))
        found["regression"].append(rank_correlation(near, error).mean(1))
        found["counted"].append(by_count(case.rng(f"order {name}"), error, reward, list(how.counts)))
        found["covered"].append(((offered.min(-1) <= truth) & (truth <= offered.max(-1))).mean(1))
        found["wrong"].append(of_mean > FAR * case.params.simulate.noise)
        found["score"].append(-model.rewards(state, action, mean[..., None])[..., 0])
        found["spread"].append(model.laws(state, action)[0].std(1))
    values = {name: np.array(parts) for name, parts in found.items()}
    return _labelled_steps(case, values, list(tests["policy"].values))


def _labelled_steps(case: Case[Params], values: dict[str, np.ndarray], policies: list[str]) -> xr.Dataset:
    """From arrays whose first axis is the policy; `wrong`, `score` and `spread` (policy, seed, test)."""
    how, unit = case.params.forecast, ("seed", "policy")
    error = np.moveaxis(values["error"], 2, 0)  # (seed, policy, choice)
    one = dict(zip(METHODS, np.moveaxis(error, -1, 0), strict=True))
    recovered = (one["filter"] <= how.recovered * one["mean"])[:, 1:]
    wins = (one["filter"] < one["random"]) * 1.0
    gain = (one["random"] - one["filter"]) / np.maximum(one["random"] - one["oracle"], 1e-9)
    policies_won = (one["filter"].mean(0) < one["random"].mean(0)).sum()
    unlike = "policies that the data's isn't among, recovered"
    alarm = [alarms(values["wrong"], values[name]) for name in ALARMS]
    none = "all errors are large, or none"
    return xr.Dataset(
        {
            "alarm": labelled(("by", "seed"), alarm, "area under the curve for large errors", nan=none),
            "error": labelled((*unit, "choice"), error, ABSOLUTE, "degC", nan=DIVERGED),
            **{
                said: labelled(unit, values[name].T, f"rank correlation of {what} and error", may_be_constant=1)
                for name, (said, what) in RANKED.items()
            },
            "wins": labelled(unit, wins, "filter errs less than a random candidate", may_be_constant=1),
            "policies_won": labelled(
                (), policies_won, "policies in which the filter errs less than random", may_be_constant=1
            ),
            "recovered": labelled((unit[0], "unseen"), recovered * 1.0, "recovered", may_be_constant=1),
            "recoveries": labelled("seed", recovered.sum(1), unlike, may_be_constant=1),
            "gain": labelled(unit, gain, "share of the possible gain that is taken", nan=DIVERGED),
            "covered": labelled(unit, values["covered"].T, "truth lies among the candidates", may_be_constant=1),
            "by_count": labelled(
                ("way", "seed", "count", "policy"),
                np.moveaxis(values["counted"], 0, -1),
                ABSOLUTE,
                "degC",
                nan=DIVERGED,
            ),
        },
        {
            "policy": policies,
            "unseen": policies[1:],
            "choice": METHODS,
            "way": ["random", "filter"],
            "count": list(how.counts),
            "by": ALARMS,
            "seed": np.arange(len(error)),
        },
    )


def alarms(wrong: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Area under the curve of a score for large errors, of each seed: (policies, seeds, tests) twice -> (seeds,)."""
    found = []
    for yes, value in zip(np.moveaxis(wrong, 1, 0), np.moveaxis(score, 1, 0), strict=True):
        both = yes.any() and not yes.all()
        found.append(float(area_under_curve(value[yes], value[~yes])) if both else np.nan)
    return np.array(found)


def _maps(case: Case[Params], model: World) -> xr.Dataset:
    """Errors over temperature and power, mean over seeds, and the reward over the next state at distant places."""
    count, seeds = case.params.forecast.map_points, case.params.simulate.seeds
    temperature, power = (np.linspace(*edge, count) for edge in MAP)
    here, cooling = (np.tile(v.ravel(), (seeds, 1)) for v in np.meshgrid(temperature, power, indexing="ij"))
    truth = step(here, cooling)
    offered, reward, mean = offers(case, model, here, cooling, "map")
    error = abs(offered - truth[..., None])
    each = [error.mean(-1), abs(mean - truth), chosen(error, reward.argmax(-1)), error.min(-1)]
    here, cooling = (np.tile(values, (seeds, 1)) for values in np.array(PLACES).T)
    truth = step(here, cooling)[..., None]
    profile = model.rewards(here, cooling, truth + OFFSETS)
    proposed = offers(case, model, here, cooling, "places")[0] - truth
    ends = np.stack([proposed.min(-1), proposed.max(-1)], -1)
    return xr.Dataset(
        {
            "error": labelled(
                ("choice", "temperature", "power"),
                [values.mean(0).reshape(count, count) for values in each],
                "absolute error of one step, mean over seeds",
                "degC",
                nan=DIVERGED,
            ),
            "profile": labelled(("seed", "place", "offset"), profile, "dynamics reward", "nat", nan=DIVERGED),
            "proposed": labelled(
                ("seed", "place", "side"), ends, "least and largest candidate, from the truth", "degC", nan=DIVERGED
            ),
        },
        {
            "choice": ["random", "mean", "filter", "oracle"],
            "temperature": temperature,
            "power": power,
            "place": [f"{t:g} degC, power {u:g}" for t, u in PLACES],
            "offset": OFFSETS,
        },
    )


# ------------------------------------------------------------------------------------------------------------ rollouts


def _rollouts(case: Case[Params], data: xr.DataTree, model: World) -> xr.Dataset:
    """The controllers inside the model, and what becomes of a search that chooses among them there."""
    params, how, known = case.params.simulate, case.params.forecast, data["controllers"].to_dataset()
    gain, centre, offset, truth = (known[name].values for name in ("gain", "centre", "offset", "path"))
    start = np.full((params.seeds, gain.size), params.start)

    def control(temperature: np.ndarray) -> np.ndarray:
        return linear(gain, centre, offset, temperature)

    found = [
        roll_out(model, case.rng("rollouts"), control, start, params.horizon, how.rollout_samples, method)  # type: ignore[arg-type]
        for method in FOLLOWED
    ]
    path = np.array([one.path for one in found])
    true_cost = costs(truth, list(how.targets))
    cost = costs(path, list(how.targets))
    stopped = [(one.reward < how.least_reward).any(-1).mean(1) for one in found]
    unit, goal = ("choice", "seed"), ("choice", "seed", "target")
    return xr.Dataset(
        {
            "error": labelled(unit, abs(path - truth).mean((2, 3)), "error of rollouts", "degC", nan=DIVERGED),
            "along": labelled((*unit, "time"), abs(path - truth).mean(2), "error of rollouts", "degC", nan=DIVERGED),
            "value_error": labelled(
                goal, abs(cost - true_cost).mean(2), "error of the imagined cost", "degC", nan=DIVERGED
            ),
            "regret": labelled(
                goal, regrets(cost, true_cost), "regret of the chosen controller", "degC", may_be_constant=1
            ),
            "stopped": labelled(unit, stopped, "share of rollouts with a low reward", may_be_constant=1),
            "clamped": labelled(unit, [one.clamped for one in found], "share of steps held", may_be_constant=1),
        },
        {"choice": FOLLOWED, "target": list(how.targets), "time": 1 + np.arange(params.horizon)},
    )


def costs(path: np.ndarray, targets: list[float]) -> np.ndarray:
    """Mean absolute distance from each target: (..., controllers, time) -> (..., controllers, targets)."""
    return np.stack([abs(path - target).mean(-1) for target in targets], -1)


def regrets(imagined: np.ndarray, true: np.ndarray) -> np.ndarray:
    """True cost of the controller that looks best in the model, above the least: (..., controllers, targets)."""
    best = np.nan_to_num(imagined, nan=np.inf).argmin(-2)
    return np.take_along_axis(true, best.reshape(-1, true.shape[-1]), 0).reshape(best.shape) - true.min(0)


def agents(trained: xr.DataTree) -> xr.Dataset:
    """Returns in the real task: at the checkpoint that is best in the agent's own world, and before learning."""
    curves: Any = trained["agents"].to_dataset()
    returns, own = curves["returns"].values, curves["own_returns"].values
    best = np.nan_to_num(own, nan=-np.inf).argmax(-1)
    grid = ("arm", "agent")
    return xr.Dataset(
        {
            "along": labelled((*grid, "checkpoint"), returns, "return in the real task", "degC step", nan=DIVERGED),
            "step": curves["step"],
            "final": labelled(
                grid, chosen(returns, best), "return of the policy best at home", "degC step", nan=DIVERGED
            ),
            "untrained": labelled(grid, returns[..., 0], "return before learning", "degC step", nan=DIVERGED),
        },
        {"arm": curves["arm"].values, "agent": curves["agent"].values},
    )
