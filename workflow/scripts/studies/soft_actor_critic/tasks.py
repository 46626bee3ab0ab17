"""Where the episodes of a task start, which runs a case has, and how what they leave is laid out over (agent, seed)."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.environments.environment import Environment, start_bank
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.soft_actor_critic.agents import PPO, TaskParams

LAST = 0.25  # share of the training, from its end, that "converged" and "final" are read from
FREE: dict[str, Any] = {"may_be_constant": 1}
# What a missing value stands for:
FEWER = f"a seed that an agent wasn't run with, or {DIVERGED}"
NO_ENTROPY = f"an agent without a stochastic policy or a replay, {FEWER}"


def draw_starts(case: Case, env: Environment) -> xr.Dataset:
    """Start states of the training, of the evaluations, and of the fresh episodes of the trained policies."""
    params: TaskParams = case.params
    chosen, seeds = params.simulate, most_seeds(params)
    return xr.Dataset(
        {
            "bank": labelled(
                ("seed", "episode", "component"),
                start_bank(env, case.rng("bank"), seeds, chosen.episodes),
                "start states of the training episodes",
                **FREE,
            ),
            "examined": labelled(
                ("start", "component"), env.starts(case.rng("examined"), (chosen.starts,)), "evaluated starts", **FREE
            ),
            "fresh": labelled(
                ("rollout", "component"),
                env.starts(case.rng("fresh"), (chosen.rollouts,)),
                "start states that nobody has seen before the forecasts",
                role="truth",
                **FREE,
            ),
        },
        {"seed": np.arange(seeds), "start": np.arange(chosen.starts), "rollout": np.arange(chosen.rollouts)},
    )


def learners(params: TaskParams) -> list[str]:
    """The agents of the SAC loop: all but PPO."""
    return [name for name in params.simulate.run if name != PPO]


def names(params: TaskParams) -> list[str]:
    """The agents of the case, PPO last."""
    return [*learners(params), PPO] if PPO in params.simulate.run else learners(params)


def runs(params: TaskParams) -> list[tuple[str, int]]:
    """Every run of the SAC loop as (agent, seed), in the order of its agents axis."""
    return [(name, seed) for name in learners(params) for seed in range(params.simulate.seeds[name])]


def most_seeds(params: TaskParams) -> int:
    """Number of seeds of the case: agents with fewer have the first ones."""
    return max(params.simulate.seeds[name] for name in params.simulate.run)


def by_agent(params: TaskParams, values) -> np.ndarray:
    """(runs, ...) -> (agents, seeds, ...), NaN where an agent has fewer seeds."""
    values = np.asarray(values)
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(float)
    chosen = learners(params)
    out = np.full((len(chosen), most_seeds(params), *values.shape[1:]), np.nan, kind)
    for value, (name, seed) in zip(values, runs(params), strict=True):
        out[chosen.index(name), seed] = value
    return out


def by_run(params: TaskParams, values) -> np.ndarray:
    """(agents, seeds, ...) -> (runs, ...): what `by_agent` laid out."""
    values, chosen = np.asarray(values), learners(params)
    return np.stack([values[chosen.index(name), seed] for name, seed in runs(params)])


def each_run(params: TaskParams, field: str) -> np.ndarray:
    """One setting of every run."""
    return np.array([getattr(params.train.agents[name], field) for name, _ in runs(params)])


def target_entropies(params: TaskParams, actions: int) -> np.ndarray:
    """Entropy that each run is to hold, minus the dimension of the action if none is given; nat."""
    given = [params.train.agents[name].target_entropy for name, _ in runs(params)]
    return np.array([-float(actions) if target is None else target for target in given])
