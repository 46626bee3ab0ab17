"""The worlds: start states of the tasks, and problems with their exact soft-optimal solutions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.environment import start_bank
from pesin.environments.lqr import LinearQuadratic
from pesin.environments.tabular import bandit, chain, first_goal, two_goal_chain
from pesin.rl.soft_iteration import soft_value_iteration
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.tasks import ENVIRONMENTS, most_seeds

TRUTH = {"role": "truth", "may_be_constant": 1}
FREE = {"may_be_constant": 1}


def simulate(case: Case) -> xr.Dataset | xr.DataTree:
    """Return banks of start states, or problems with the truth about them."""
    return _solvable(case) if case.params.kind == "solvable" else _task(case)


def _task(case: Case) -> xr.Dataset:
    params, seeds = case.params, most_seeds(case.params)
    if not params.own:  # gymnasium draws its own starts, from these seeds
        numbers = {
            name: case.rng(name).integers(2**31, size=n) for name, n in (("bank", seeds), ("examined", params.starts))
        }
        return xr.Dataset(
            {
                "bank_seed": labelled("seed", numbers["bank"], "seed of the training environment"),
                "examined_seed": labelled("start", numbers["examined"], "seed of each evaluated episode"),
            },
            {"seed": np.arange(seeds), "start": np.arange(params.starts)},
        )
    env = ENVIRONMENTS[params.environment]
    episodes = -(-max(params.learning.steps, params.ppo.steps if params.ppo else 0) // env.horizon) + 1
    episodes = max(episodes, params.ppo.environments) if params.ppo else episodes
    return xr.Dataset(
        {
            "bank": labelled(
                ("seed", "episode", "component"),
                start_bank(env, case.rng("bank"), seeds, episodes),
                "start states of the training episodes",
                **FREE,
            ),
            "examined": labelled(
                ("start", "component"), env.starts(case.rng("examined"), (params.starts,)), "evaluated starts", **FREE
            ),
            "fresh": labelled(
                ("rollout", "component"),
                env.starts(case.rng("fresh"), (params.rollouts,)),
                "start states that nobody has seen before the forecasts",
                role="truth",
                **FREE,
            ),
        },
        {"seed": np.arange(seeds), "start": np.arange(params.starts), "rollout": np.arange(params.rollouts)},
    )


def regulator(params) -> LinearQuadratic:
    """The case's linear-quadratic regulator."""
    return LinearQuadratic(rho=params.regulator.rho, noise=params.regulator.noise)


def _solvable(case: Case) -> xr.DataTree:
    params = case.params
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
    arms = [soft_value_iteration(bandit(params.bandit), alpha, 0.0).policy[0] for alpha in params.bandit_temperatures]
    lottery = xr.Dataset(
        {"policy": labelled(("temperature", "action"), arms, "exp(Q / alpha), normalised", **TRUTH)},
        {"temperature": params.bandit_temperatures},
    )
    return xr.DataTree.from_dict({"chain": table, "two_goals": two, "bandit": lottery, "regulator": _regulator(case)})


def _regulator(case: Case) -> xr.Dataset:
    params, env = case.params.regulator, regulator(case.params)
    longest = max(params.in_class.steps, params.perceptrons.steps)
    discount = params.in_class.discount
    _, gain, per_temperature = env.solution(discount)
    agents = agent_names(params)
    fixed = np.array([*params.temperatures, *(env.temperature(discount, target) for target in params.targets)])
    return xr.Dataset(
        {
            "bank": labelled(
                ("seed", "episode", "component"),
                start_bank(env, case.rng("bank"), params.seeds, longest // env.horizon + 1),
                "start states of the training episodes",
            ),
            "gain": labelled("agent", np.full(len(agents), gain), "K of the soft-optimal policy", **TRUTH),
            "variance": labelled("agent", fixed * per_temperature, "variance of the soft-optimal policy", **TRUTH),
            "temperature": labelled("agent", fixed, "alpha, given or that which holds the entropy", **TRUTH),
        },
        {"agent": agents, "seed": np.arange(params.seeds)},
    )


def agent_names(params) -> list[str]:
    """Agents on the regulator: fixed temperatures, then entropies to hold."""
    return [f"alpha {alpha:g}" for alpha in params.temperatures] + [f"H {target:g}" for target in params.targets]
