"""Returns on starts never trained from, steps until learned, what the critics foretell, and other pendulums."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from pesin.environments.pendulum import Pendulum
from pesin.rl.playback import roll_out
from pesin.stats.bootstrap import unit_bootstrap
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.benchmark.params import Params
from studies.soft_actor_critic.benchmark.simulate import PENDULUM
from studies.soft_actor_critic.policies import GRID, player
from studies.soft_actor_critic.tasks import FEWER, LAST, by_agent, each_run, learners, most_seeds, names, runs

FORESIGHT = 2  # fresh episodes go on for so many horizons, so that little discounted reward is cut off


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return scores over (agent, seed)."""
    result = _scores(case, trained["curves"].to_dataset())
    if case.params.simulate.environment != "pendulum":
        return result
    result = result.merge(_calibration(case, data, trained), join="outer")
    return result.merge(_robustness(case, data, trained), join="outer")


def _scores(case: Case[Params], curves: xr.Dataset) -> xr.Dataset:
    params = case.params
    chosen = names(params)
    curves = curves.sel(agent=chosen)
    returns, steps = curves["returns"].values, curves["env_step"].values
    final = late(returns, steps)
    first = steps_to(params.forecast.goal_return, returns, steps)
    own = first <= params.train.learning.steps
    away = abs(final - np.nanmedian(final, 1, keepdims=True))
    censored = f"infinity for a run that never gets there; NaN for {FEWER}"
    horizon, longest = params.train.learning.steps, int(np.nanmax(steps))
    variables = {
        "returns": curves["returns"],
        "env_step": curves["env_step"],
        "untrained_return": labelled(GRID, returns[..., 0], "return before learning", nan=FEWER),
        "final_return": labelled(GRID, final, "return of the mean action, last quarter", nan=FEWER),
        "steps_to_goal": labelled(GRID, first, "environment steps to the goal's return", "step", nan=censored),
        "goal_reached": labelled(GRID, np.where(np.isnan(first), np.nan, own), "goal reached in time", nan=FEWER),
        "restricted_steps": labelled(
            GRID, np.minimum(first, horizon), f"steps to the goal, restricted to {horizon}", "step", nan=FEWER
        ),
        "longest_steps": labelled(
            GRID, np.minimum(first, longest), f"steps to the goal, {longest} if it never comes", "step", nan=FEWER
        ),
        "change_from_first": labelled(GRID, final - final[0], f"final return minus that of {chosen[0]}", nan=FEWER),
        "deviation": labelled(GRID, away, "final return's distance from the median", nan=FEWER),
    }
    spread = np.array(
        [_spread(values[np.isfinite(values)], case, name) for values, name in zip(final, chosen, strict=True)]
    )
    for i, what in enumerate(("", "_low", "_high")):
        label = f"interquartile range of final returns{what.replace('_', ', ')}"
        variables[f"spread{what}"] = labelled("agent", spread[:, i], label, nan="an agent with fewer than two seeds")
    return xr.Dataset(variables, {"agent": chosen, "seed": np.arange(most_seeds(params))})


def late(returns: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Mean of the evaluations over the last quarter of each agent's steps.

    Parameters
    ----------
    returns : ndarray, shape (agents, seeds, checkpoints)
    steps : ndarray, shape (agents, checkpoints)
        Environment steps before each; NaN where an agent has fewer checkpoints.

    Returns
    -------
    ndarray, shape (agents, seeds)
        NaN for a seed that an agent wasn't run with.
    """
    last = steps > (1 - LAST) * np.nanmax(steps, -1, keepdims=True)
    return np.stack([row[:, chosen].mean(-1) for row, chosen in zip(returns, last, strict=True)])


def steps_to(goal: float, returns: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Environment steps at which the evaluated return first reaches the goal; shapes as in `late`.

    Infinity for a run that never gets there, NaN for one that there isn't.
    """
    reached = returns >= goal
    first = np.take_along_axis(steps, reached.argmax(-1), -1)
    return np.where(np.isfinite(returns[..., 0]), np.where(reached.any(-1), first, np.inf), np.nan)


def _spread(values, case: Case[Params], name: str) -> tuple[float, float, float]:
    if len(values) < 2:
        return np.nan, np.nan, np.nan

    def statistic(x):
        return np.subtract(*np.quantile(x, [0.75, 0.25]))

    return unit_bootstrap(case.rng(f"spread {name}"), statistic, (values,), case.params.forecast.bootstrap)


def _calibration(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """What the critics say of fresh starts, against what then comes: scaled rewards and entropy bonus, discounted.

    The value of the first action, r0 + sum_{t >= 1} gamma^t (r_t - alpha ln pi_t), is one sample; the spread of the
    samples around it is noise of the policy, so R^2 has a ceiling below 1.
    """
    params, curves = case.params, trained["curves"].to_dataset().sel(agent=learners(case.params))
    env, agents, gamma = PENDULUM, player(params, trained), params.train.learning.discount
    steps = FORESIGHT * env.horizon
    roll = roll_out(agents, env, data["fresh"].values, steps, case.rng("calibration"))
    stochastic = ~each_run(params, "deterministic")
    alpha = (
        np.stack([curves["temperature"].sel(agent=name).values[seed, -1] for name, seed in runs(params)]) * stochastic
    )
    scale = each_run(params, "reward_scale")[:, None]
    soft = scale * roll.reward - alpha[:, None] * roll.log_density
    discounts = gamma ** np.arange(steps)[:, None, None]
    realised = (discounts * soft).sum(0) + alpha[:, None] * roll.log_density[0]
    said = np.stack([agents.values(env.observe(s), a) for s, a in zip(roll.state[:2], roll.action[:2], strict=True)])
    residual = said[0] - (scale * roll.reward[0] + gamma * (said[1] - alpha[:, None] * roll.log_density[1]))
    error = said[0] - realised
    with np.errstate(divide="ignore", invalid="ignore"):
        r_squared = 1 - (error**2).sum(-1) / ((realised - realised.mean(-1, keepdims=True)) ** 2).sum(-1)
    rows = {
        "calibration_r_squared": (np.where(np.isfinite(r_squared), r_squared, np.nan), "R^2 of the critic's forecast"),
        "calibration_bias": ((error / scale).mean(-1), "critic minus realised soft return, in unscaled rewards"),
        "bellman_residual": (np.sqrt(((residual / scale) ** 2).mean(-1)), "rms one-step Bellman residual, unscaled"),
    }
    dims = (*GRID, "rollout")
    return xr.Dataset(
        {name: labelled(GRID, by_agent(params, values), label, nan=FEWER) for name, (values, label) in rows.items()}
        | {
            "foretold": labelled(
                dims, by_agent(params, said[0] / scale), "what the critic said, in unscaled rewards", nan=FEWER
            ),
            "realised": labelled(
                dims, by_agent(params, realised / scale), "realised soft return, in unscaled rewards", nan=FEWER
            ),
        },
        {
            "agent": learners(params),
            "seed": np.arange(most_seeds(params)),
            "rollout": np.arange(params.simulate.rollouts),
        },
    )


def _robustness(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Returns of the mean action on pendulums of other mass and length."""
    params, env = case.params, Pendulum()
    up, down = 1 + params.forecast.perturbation, 1 - params.forecast.perturbation
    others: dict[str, Any] = {
        "as trained": env,
        "lighter": replace(env, mass=down),
        "heavier": replace(env, mass=up),
        "shorter": replace(env, length=down),
        "longer": replace(env, length=up),
    }
    agents = player(params, trained)
    totals = [
        by_agent(params, roll_out(agents, other, data["examined"].values, env.horizon).reward.sum(0).mean(-1))
        for other in others.values()
    ]
    return xr.Dataset(
        {"perturbed_return": labelled(("pendulum", *GRID), totals, "return of the mean action", nan=FEWER)},
        {"pendulum": list(others), "agent": learners(params), "seed": np.arange(most_seeds(params))},
    )
