"""Which agents a case trains, and how what they leave is laid out over (agent, seed)."""

from __future__ import annotations

import numpy as np

from pesin.environments.environment import Environment
from pesin.environments.pendulum import Pendulum
from pesin.environments.point_mass import TwoGoals
from pesin.steps.labels import DIVERGED

PPO = "ppo"
# What a missing value stands for:
FEWER = f"a seed that an agent wasn't run with, or {DIVERGED}"
NO_ENTROPY = f"an agent without a stochastic policy or a replay, {FEWER}"
ENVIRONMENTS: dict[str, Environment] = {"pendulum": Pendulum(), "two_goals": TwoGoals()}


def runs(params) -> list[tuple[str, int]]:
    """Every run of the SAC loop as (agent, seed), in the order of its agents axis."""
    return [(name, seed) for name in params.run for seed in range(params.agents[name].seeds)]


def most_seeds(params) -> int:
    """Number of seeds of the case: agents with fewer have the first ones."""
    return max(seeds_of(params, name) for name in names(params))


def names(params) -> list[str]:
    """The agents of the case, PPO last."""
    return [*params.run, PPO] if params.ppo else list(params.run)


def seeds_of(params, name: str) -> int:
    """Number of seeds that an agent of the case was run with."""
    return params.ppo_seeds if name == PPO else params.agents[name].seeds


def by_agent(params, values) -> np.ndarray:
    """(runs, ...) -> (agents, seeds, ...), NaN where an agent has fewer seeds."""
    values = np.asarray(values)
    kind = values.dtype if values.dtype.kind == "f" else float
    out = np.full((len(params.run), most_seeds(params), *values.shape[1:]), np.nan, kind)
    for value, (name, seed) in zip(values, runs(params), strict=True):
        out[params.run.index(name), seed] = value
    return out


def by_run(params, values) -> np.ndarray:
    """(agents, seeds, ...) -> (runs, ...): what `by_agent` laid out."""
    values = np.asarray(values)
    return np.stack([values[params.run.index(name), seed] for name, seed in runs(params)])


def each_run(params, field: str) -> np.ndarray:
    """One setting of every run."""
    return np.array([getattr(params.agents[name], field) for name, _ in runs(params)])


def target_entropies(params, actions: int) -> np.ndarray:
    """Entropy that each run is to hold, minus the dimension of the action if none is given; nat."""
    given = [params.agents[name].target_entropy for name, _ in runs(params)]
    return np.array([-float(actions) if target is None else target for target in given])
