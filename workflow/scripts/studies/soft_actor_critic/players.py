"""The trained agents of a case, brought back from their weights."""

from __future__ import annotations

from pesin.rl.playback import Playback, Rollout, roll_out
from pesin.steps.case import Case
from studies.soft_actor_critic.tasks import ENVIRONMENTS, each_run


def player(params, trained) -> Playback:
    """All runs of the case, in the order of `runs`."""
    actor, critic = (
        {str(name): v.values for name, v in trained[f"weights/{kind}"].to_dataset().data_vars.items()}
        for kind in ("actor", "critic")
    )
    return Playback(actor, critic, each_run(params, "deterministic"), each_run(params, "twin"))


def episodes(case: Case, data, trained, rng) -> Rollout:
    """One episode of every run from every fresh start, actions drawn with `rng`."""
    env = ENVIRONMENTS[case.params.environment]
    return roll_out(player(case.params, trained), env, data["fresh"].values, env.horizon, rng)
