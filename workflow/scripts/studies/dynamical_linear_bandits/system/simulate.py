"""A given system with its h and arms, and the check that a constant action is best."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_linear_bandits.problems import Problem, given_system
from studies.dynamical_linear_bandits.response import Noise, draw_noise, respond
from studies.dynamical_linear_bandits.system.params import Params
from studies.dynamical_linear_bandits.systems import laid_out


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return the system, and the check of C1."""
    params = case.params.simulate
    problem = given_system(params.a, params.b, params.c, params.d, params.budget, params.memory)
    return xr.DataTree.from_dict({"system": laid_out(problem), "check": _check(case, problem)})


def _check(case: Case[Params], problem: Problem) -> xr.Dataset:
    """Mean rewards of constant actions against J, without noise against h, and of periodic sequences of actions."""
    params, check = case.params.simulate, case.params.simulate.check
    rounds, states = check.burn_in + check.rounds, len(problem.omega)
    noises, seeds, arms = params.noises, check.seeds, len(problem.arms)
    rng = case.rng("sequences")
    orders = rng.integers(arms, size=(check.sequences, check.period))
    orders[:, 1] = (orders[:, 0] + rng.integers(1, arms, size=check.sequences)) % arms  # at least two arms each

    def after(rewards):
        return rewards[..., check.burn_in :].mean(-1)

    constant = after(respond(problem, np.repeat(problem.arms[:, None], rounds, 1)))
    periodic = after(respond(problem, problem.arms[np.resize(orders.T, (rounds, check.sequences)).T]))
    # The system is linear: noise adds the same to the rewards of all actions, in proportion to its deviation.
    draws = [draw_noise(case.rng(f"check {seed}"), rounds, states) for seed in range(seeds)]
    noise = Noise(*map(np.stack, zip(*draws, strict=True)))
    idle = after(respond(problem, np.zeros((rounds, len(problem.theta))), 1.0, noise))
    noisy = np.multiply.outer(noises, idle)[..., None]
    means, varied = noisy + constant, noisy + periodic
    value = problem.arms @ (problem.h if check.value == "steady" else problem.theta)
    error = means - value
    spread = means.std(1, ddof=1) / np.sqrt(seeds)
    settled = respond(problem, np.repeat(np.eye(len(problem.theta))[:, None], rounds, 1))[:, -1]
    dims = ("noise", "seed", "arm")
    return xr.Dataset(
        {
            "mean_reward": labelled(dims, means, "mean reward of a constant action after the transient"),
            "stated_value": labelled("arm", value, "stated value J(u) of an arm"),
            "error_in_standard_errors": labelled(
                ("noise", "arm"), error.mean(1) / spread, "mean reward minus J, in standard errors over seeds"
            ),
            "settled_reward": labelled("channel", settled, "last reward of a unit of one channel without noise"),
            "h": labelled("channel", problem.h, "h in closed form", may_be_constant=1),
            "best_constant": labelled(dims[:2], means.max(2), "mean reward of the best constant action"),
            "best_sequence": labelled(dims[:2], varied.max(2), "mean reward of the best periodic sequence"),
            "sequence_reward": labelled(("noise", "seed", "sequence"), varied, "mean reward of periodic sequences"),
        },
        {"noise": noises, "seed": np.arange(seeds), "arm": np.arange(arms), "channel": np.arange(len(problem.h))},
    )
