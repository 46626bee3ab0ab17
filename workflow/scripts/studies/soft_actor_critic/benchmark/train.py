"""The learning of the benchmark: SAC's loop and PPO on the pendulum; stable-baselines3 on the tasks of gymnasium."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.rl import ppo
from pesin.steps.case import Case
from studies.soft_actor_critic.agents import PPO
from studies.soft_actor_critic.benchmark.gymnasium_runs import train_gymnasium
from studies.soft_actor_critic.benchmark.params import Params
from studies.soft_actor_critic.benchmark.simulate import PENDULUM
from studies.soft_actor_critic.tasks import names
from studies.soft_actor_critic.training import curves, evaluations, train_agents


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return curves, visited states and weights."""
    if case.params.simulate.environment != "pendulum":
        return train_gymnasium(case, data)
    history, left = train_agents(case, data, PENDULUM)
    returns, steps = evaluations(case.params, history)
    if PPO in names(case.params):
        returns, steps = _with_ppo(case, data, returns, steps)
    return xr.DataTree.from_dict({"curves": curves(case.params, history, returns, steps), **left})


def _with_ppo(case: Case[Params], data: xr.Dataset, returns: np.ndarray, steps: np.ndarray):
    """Train PPO on the same starts, and lay its curve beside the others, NaN where it has fewer seeds or points."""
    params = case.params
    settings = ppo.Settings(**params.train.ppo.model_dump(), hidden=tuple(params.train.learning.hidden))
    bank = data["bank"].values[: params.simulate.seeds[PPO]]
    progress = lambda turns: case.progress(turns, what="ppo")  # noqa: E731
    theirs, when = ppo.train(
        PENDULUM,
        bank,
        data["examined"].values,
        settings,
        case.rng("ppo"),
        case.seed("ppo networks"),
        case.device,
        progress,
    )
    points = max(returns.shape[-1], len(when))
    all_returns = np.full((len(returns) + 1, returns.shape[1], points), np.nan)
    all_steps = np.full((len(returns) + 1, points), np.nan)
    all_returns[:-1, :, : returns.shape[-1]], all_steps[:-1, : steps.shape[-1]] = returns, steps
    all_returns[-1, : len(theirs), : len(when)], all_steps[-1, : len(when)] = theirs, when
    return all_returns, all_steps
