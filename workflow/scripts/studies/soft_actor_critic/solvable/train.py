"""Soft policy iteration on the tables, and SAC on the linear-quadratic regulator."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.environment import Environment
from pesin.environments.tabular import bandit, chain, first_goal, two_goal_chain
from pesin.rl.networks import LinearGaussian, Perceptron, Quadratic
from pesin.rl.soft_actor_critic import Agents, History, Learner, Settings
from pesin.rl.soft_actor_critic import train as learn
from pesin.rl.soft_iteration import soft_policy_iteration
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.soft_actor_critic.solvable.params import Params, PerceptronLearning, Regulator
from studies.soft_actor_critic.solvable.simulate import agent_names, regulator


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Return what was learned of each problem."""
    params, iterations, weight = case.params.simulate, case.params.train.iterations, case.params.train.entropy_weight
    walk, goals = chain(params.chain.states), two_goal_chain(params.two_goals.states)
    table = [
        soft_policy_iteration(walk, weight * alpha, params.chain.discount, iterations)
        for alpha in params.chain.temperatures
    ]
    ends = [
        first_goal(
            goals,
            soft_policy_iteration(goals, weight * alpha, params.two_goals.discount, iterations).policy,
            len(goals.reward) // 2,
        )
        for alpha in params.two_goals.temperatures
    ]
    half = len(goals.reward) // 2
    arms = [
        soft_policy_iteration(bandit(params.bandit.rewards), weight * alpha, 0.0, 3).policy[0]
        for alpha in params.bandit.temperatures
    ]
    return xr.DataTree.from_dict(
        {
            "chain": xr.Dataset(
                {
                    "value": labelled(("temperature", "state"), [s.value for s in table], "soft value learned"),
                    "policy": labelled(("temperature", "state", "action"), [s.policy for s in table], "policy learned"),
                    "change": labelled(
                        ("temperature", "iteration"), [s.changes for s in table], "largest change of the policy"
                    ),
                },
                {"temperature": params.chain.temperatures},
            ),
            "two_goals": xr.Dataset(
                {
                    "goal_probability": labelled(
                        ("temperature", "goal"),
                        [[end[:half].sum(), end[half:].sum()] for end in ends],
                        "probability that the learned policy ends at this goal",
                    )
                },
                {"temperature": params.two_goals.temperatures, "goal": ["left", "right"]},
            ),
            "bandit": xr.Dataset(
                {"policy": labelled(("temperature", "action"), arms, "policy learned")},
                {"temperature": params.bandit.temperatures},
            ),
            "regulator": _regulator(case, data),
        }
    )


def _agents(params: Regulator, start: float) -> Agents:
    """Agents on the regulator: each given temperature and each entropy to hold, with every seed."""
    fixed, held, seeds = len(params.temperatures), len(params.targets), params.seeds
    kinds = fixed + held
    return Agents(
        seed=np.tile(np.arange(seeds), kinds),
        reward_scale=np.ones(kinds * seeds),
        temperature=np.repeat([*params.temperatures, *[start] * held], seeds),
        automatic=np.repeat([False] * fixed + [True] * held, seeds),
        target_entropy=np.repeat([0.0] * fixed + list(params.targets), seeds),
        deterministic=np.zeros(kinds * seeds, bool),
        twin=np.ones(kinds * seeds, bool),
        exploration_noise=np.zeros(kinds * seeds),
        target_noise=np.zeros(kinds * seeds),
    )


def _regulator(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Train on the regulator with the right function class, and with perceptrons; read gain and variance off."""
    params, training, env = case.params.simulate.regulator, case.params.train, regulator(case.params)
    bank = data["regulator"].to_dataset()["bank"].values
    agents = _agents(params, training.start)
    world: Environment = env  # type: ignore[assignment]  # the protocol wants members that can be set
    found = []
    for name, learning in (("in class", training.in_class), ("perceptrons", training.perceptrons)):
        hidden = learning.hidden if isinstance(learning, PerceptronLearning) else None
        actor = Perceptron(tuple(hidden)) if hidden else LinearGaussian()
        critic = Perceptron(tuple(hidden)) if hidden else Quadratic()
        chosen = Settings(
            **learning.model_dump(exclude={"lr", "hidden"}),
            lr_actor=learning.lr,
            lr_critic=learning.lr,
            discount=params.discount,
            squash=False,
            entropy_weight=training.entropy_weight,
        )
        learner = Learner(actor, critic, world, agents, chosen, case.seed(f"networks {name}"), case.device)
        progress = lambda turns, name=name: case.progress(turns, what=f"regulator, {name}")  # noqa: E731
        found.append(_late(learn(learner, world, bank, bank[0], learning.steps, case.rng(f"loop {name}"), progress)))
    values = np.stack(found).reshape(2, 3, -1, params.seeds).astype(float)
    dims = ("network", "agent", "seed")
    return xr.Dataset(
        {
            "gain": labelled(dims, values[:, 0], "gain K over the last quarter of the updates", nan=DIVERGED),
            "variance": labelled(dims, values[:, 1], "variance of the action, likewise", nan=DIVERGED),
            "temperature": labelled(dims, values[:, 2], "alpha, likewise", nan=DIVERGED),
        },
        {"network": ["in class", "perceptrons"], "agent": agent_names(params), "seed": np.arange(params.seeds)},
    )


def _late(history: History) -> np.ndarray:
    """Gain, variance and temperature over the last quarter of the updates, shape (3, agents).

    At a constant learning rate the last policy is noise around where the learning ends. The gain is minus the slope of
    the mean action against the state, through 0, over the states visited meanwhile.
    """
    last = max(history.temperature.shape[1] // 4, 1)
    state, mean, log_std = (v[:, -last:, 0].astype(float) for v in (history.states, history.mean, history.log_std))
    gain = -(mean * state).sum(1) / (state**2).sum(1)
    return np.stack([gain, np.exp(2 * log_std).mean(1), history.temperature[:, -last:].mean(1)])
