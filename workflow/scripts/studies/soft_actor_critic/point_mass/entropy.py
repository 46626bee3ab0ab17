"""Policy entropies and temperatures of the agents, and which of the two goals they reach first."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import shannon_entropy
from pesin.rl.playback import roll_out
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.point_mass.params import Params
from studies.soft_actor_critic.point_mass.simulate import TWO_GOALS
from studies.soft_actor_critic.policies import GRID, held_entropies, player, visited_entropies
from studies.soft_actor_critic.tasks import FEWER, by_agent, learners, most_seeds


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return entropies and goals over (agent, seed)."""
    result = held_entropies(case.params, trained).merge(visited_entropies(case.params, trained))
    return result.merge(_first_goals(case, data, trained))


def _first_goals(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Which goal the trained policies reach first, in fresh episodes."""
    params, env = case.params, TWO_GOALS
    roll = roll_out(player(params, trained), env, data["fresh"].values, env.horizon, case.rng("goals"))
    reached = roll.state[1:, ..., 2:] > 0  # step, run, rollout, goal
    when = np.where(reached.any(0), reached.argmax(0), len(reached))
    first = np.stack([when[..., 0] < when[..., 1], when[..., 1] < when[..., 0]], -1)
    counts = first.sum(1)
    some = counts.sum(-1) > 0
    mixed = np.where(some, shannon_entropy(np.where(some[:, None], counts, 1)).value, np.nan)
    which, both = (by_agent(params, shares) for shares in (first.mean(1), reached[-1].all(-1).mean(-1)))
    said, none = "share of episodes that reach this goal first", f"no goal reached, {FEWER}"
    return xr.Dataset(
        {
            "first_goal": labelled((*GRID, "goal"), which, said, nan=FEWER),
            "goal_entropy": labelled(GRID, by_agent(params, mixed), "entropy of the first goal", "nat", nan=none),
            "both_goals": labelled(GRID, both, "share of episodes that reach both", nan=FEWER),
        },
        {"agent": learners(params), "seed": np.arange(most_seeds(params)), "goal": ["left", "right"]},
    )
