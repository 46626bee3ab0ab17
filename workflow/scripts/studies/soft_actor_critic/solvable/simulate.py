"""Problems with their exact soft-optimal solutions: a bandit, two chains, and the linear-quadratic regulator."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.environments.environment import Environment, start_bank
from pesin.environments.lqr import LinearQuadratic
from pesin.environments.tabular import bandit, chain, first_goal, two_goal_chain
from pesin.rl.soft_iteration import soft_value_iteration
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.solvable.params import Params, Regulator

TRUTH: dict[str, Any] = {"role": "truth", "may_be_constant": 1}


def regulator(params: Params) -> LinearQuadratic:
    """The case's linear-quadratic regulator."""
    return LinearQuadratic(rho=params.simulate.regulator.rho, noise=params.simulate.regulator.noise)


def simulate(case: Case[Params]) -> xr.DataTree:
    """Return each problem's truth, and start states of the regulator's agents."""
    params = case.params.simulate
    walk, goals = chain(params.chain.states), two_goal_chain(params.two_goals.states)
    exact = [soft_value_iteration(walk, alpha, params.chain.discount) for alpha in params.chain.temperatures]
    table = xr.Dataset(
        {
            "value": labelled(("temperature", "state"), [s.value for s in exact], "soft-optimal value", **TRUTH),
            "policy": labelled(
                ("temperature", "state", "action"), [s.policy for s in exact], "soft-optimal policy", **TRUTH
            ),
        },
        {"temperature": params.chain.temperatures},
    )
    ends = [
        first_goal(goals, soft_value_iteration(goals, alpha, params.two_goals.discount).policy, len(goals.reward) // 2)
        for alpha in params.two_goals.temperatures
    ]
    two = xr.Dataset(
        {
            "goal_probability": labelled(
                ("temperature", "goal"),
                [[end[: len(end) // 2].sum(), end[len(end) // 2 :].sum()] for end in ends],
                "probability that the soft-optimal policy ends at this goal",
                **TRUTH,
            )
        },
        {"temperature": params.two_goals.temperatures, "goal": ["left", "right"]},
    )
    arms = [
        soft_value_iteration(bandit(params.bandit.rewards), alpha, 0.0).policy[0]
        for alpha in params.bandit.temperatures
    ]
    lottery = xr.Dataset(
        {"policy": labelled(("temperature", "action"), arms, "exp(Q / alpha), normalised", **TRUTH)},
        {"temperature": params.bandit.temperatures},
    )
    return xr.DataTree.from_dict({"chain": table, "two_goals": two, "bandit": lottery, "regulator": _regulator(case)})


def _regulator(case: Case[Params]) -> xr.Dataset:
    params, env = case.params.simulate.regulator, regulator(case.params)
    world: Environment = env  # type: ignore[assignment]  # the protocol wants members that can be set
    _, gain, per_temperature = env.solution(params.discount)
    agents = agent_names(params)
    fixed = np.array([*params.temperatures, *(env.temperature(params.discount, target) for target in params.targets)])
    return xr.Dataset(
        {
            "bank": labelled(
                ("seed", "episode", "component"),
                start_bank(world, case.rng("bank"), params.seeds, params.episodes),
                "start states of the training episodes",
            ),
            "gain": labelled("agent", np.full(len(agents), gain), "K of the soft-optimal policy", **TRUTH),
            "variance": labelled("agent", fixed * per_temperature, "variance of the soft-optimal policy", **TRUTH),
            "temperature": labelled("agent", fixed, "alpha, given or that which holds the entropy", **TRUTH),
        },
        {"agent": agents, "seed": np.arange(params.seeds)},
    )


def agent_names(params: Regulator) -> list[str]:
    """Agents on the regulator: fixed temperatures, then entropies to hold."""
    return [f"alpha {alpha:g}" for alpha in params.temperatures] + [f"H {target:g}" for target in params.targets]
