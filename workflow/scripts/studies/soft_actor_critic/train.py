"""The learning: all agents and seeds of a case in one loop; soft policy iteration where there is a table."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.environment import Environment
from pesin.environments.tabular import bandit, chain, first_goal, two_goal_chain
from pesin.models.mlp import weights_dataset
from pesin.rl import ppo
from pesin.rl.networks import LinearGaussian, Perceptron, Quadratic
from pesin.rl.soft_actor_critic import Agents, History, Learner, Settings
from pesin.rl.soft_actor_critic import train as learn
from pesin.rl.soft_iteration import soft_policy_iteration
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.soft_actor_critic.gymnasium_runs import train_gymnasium
from studies.soft_actor_critic.simulate import agent_names, regulator
from studies.soft_actor_critic.tasks import ENVIRONMENTS, FEWER, by_agent, each_run, names, runs, target_entropies

BLOCK = 25  # updates averaged in a point of the curves
GRID = ("agent", "seed")


def train(case: Case, data) -> xr.DataTree:
    """Return curves, visited states and weights of a task; what was learned of the solvable problems."""
    if case.params.kind == "solvable":
        return _solvable(case, data)
    return _task(case, data) if case.params.own else train_gymnasium(case, data)


def settings(learning, entropy_weight: float = 1.0, squash: bool = True) -> Settings:
    """The loop's settings as the parameters give them."""
    return Settings(
        learning.steps,
        learning.warmup,
        learning.batch,
        learning.discount,
        learning.tau,
        learning.lr,
        learning.lr,
        learning.lr_temperature,
        learning.buffer,
        squash,
        entropy_weight,
    )


# -------------------------------------------------------------------------------------------------------------- tasks


def task_agents(params, actions: int) -> Agents:
    """All runs of the case as vectors."""
    return Agents(
        seed=np.array([seed for _, seed in runs(params)]),
        target_entropy=target_entropies(params, actions),
        **{
            field: each_run(params, field)
            for field in "reward_scale temperature automatic deterministic twin exploration_noise target_noise".split()
        },
    )


def _task(case: Case, data) -> xr.DataTree:
    params = case.params
    env, learning = ENVIRONMENTS[params.environment], params.learning
    net = Perceptron(tuple(learning.hidden))
    agents = task_agents(params, env.actions)
    learner = Learner(net, net, env, agents, settings(learning), case.seed("networks"), case.device)
    bank, examined = data["bank"].values, data["examined"].values
    progress = lambda turns: case.progress(turns, what="agents")  # noqa: E731
    rng = case.rng("loop")
    kept = case.checkpoint("agents", [rng])
    history = learn(learner, env, bank, examined, learning.every, rng, progress, kept)
    own = by_agent(params, history.returns), np.tile(history.checkpoints, (len(params.run), 1)).astype(float)
    returns, steps = _with_ppo(case, env, data, *own) if params.ppo else own
    labels = ["/".join(map(str, run)) for run in runs(params)]
    pairs = [f"critic {i}/{label}" for i in (1, 2) for label in labels]
    return xr.DataTree.from_dict(
        {
            "curves": _curves(params, history, returns, steps),
            "visits": _visits(params, history),
            "weights/actor": weights_dataset(learner.actor.now, labels),
            "weights/critic": weights_dataset(learner.critic.now, pairs),
        }
    )


def _with_ppo(case: Case, env: Environment, data, returns: np.ndarray, steps: np.ndarray):
    """Train PPO on the same starts, and lay its curve beside the others, NaN where it has fewer seeds or points."""
    given = case.params.ppo.model_dump() | {"hidden": tuple(case.params.learning.hidden)}
    bank = data["bank"].values[: case.params.ppo_seeds]
    progress = lambda turns: case.progress(turns, what="ppo")  # noqa: E731
    theirs, when = ppo.train(
        env,
        bank,
        data["examined"].values,
        ppo.Settings(**given),
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


def _curves(params, history: History, returns, steps) -> xr.Dataset:
    blocks = max(history.entropy.shape[1] // BLOCK, 4)
    edges = np.linspace(0, history.entropy.shape[1], blocks + 1).astype(int)

    def blocked(values):
        return by_agent(
            params, np.stack([values[:, a:b].mean(1) for a, b in zip(edges[:-1], edges[1:], strict=True)], -1)
        )

    entropy, temperature = blocked(history.entropy), blocked(history.temperature)
    said, dims = "return of the mean action on the evaluated starts", (*GRID, "block")
    shorter, absent = f"an agent evaluated fewer times, {FEWER}", f"PPO, {FEWER}"
    evaluated = xr.Dataset(
        {
            "returns": labelled((*GRID, "checkpoint"), returns, said, nan=shorter),
            "env_step": labelled(("agent", "checkpoint"), steps, "environment steps done", "step", nan=shorter),
        },
        {"agent": names(params)},
    )
    updated = xr.Dataset(
        {
            "entropy": labelled(dims, entropy, "policy entropy on replayed states", "nat", nan=absent),
            "temperature": labelled(dims, temperature, "temperature alpha", nan=absent),
            "block_step": labelled("block", params.learning.warmup + edges[1:], "environment steps done", "step"),
        },
        {"agent": params.run},
    )
    return evaluated.merge(updated, join="outer")


def _visits(params, history: History) -> xr.Dataset:
    def spread(values, name):
        return labelled((*GRID, "step", name.split()[0]), by_agent(params, values), name, nan=FEWER)

    return xr.Dataset(
        {
            "state": spread(history.states, "component of the visited state"),
            "mean": spread(history.mean, "action mean before squashing"),
            "log_std": spread(history.log_std, "action ln sigma before squashing"),
        },
        {"agent": params.run},
    )


# --------------------------------------------------------------------------------------------------- solvable problems


def _solvable(case: Case, data) -> xr.DataTree:
    params, weight = case.params, case.params.entropy_weight
    walk, goals = chain(params.chain.states), two_goal_chain(params.two_goals.states)
    table = [
        soft_policy_iteration(walk, weight * alpha, params.chain.discount, params.chain.iterations)
        for alpha in params.chain.temperatures
    ]
    ends = [
        first_goal(
            goals,
            soft_policy_iteration(goals, weight * alpha, params.two_goals.discount, params.two_goals.iterations).policy,
            len(goals.reward) // 2,
        )
        for alpha in params.two_goals.temperatures
    ]
    half = len(goals.reward) // 2
    arms = [
        soft_policy_iteration(bandit(params.bandit), weight * alpha, 0.0, 3).policy[0]
        for alpha in params.bandit_temperatures
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
                {"temperature": params.bandit_temperatures},
            ),
            "regulator": _regulator(case, data),
        }
    )


def _regulator(case: Case, data) -> xr.Dataset:
    """Train on the regulator with the right function class, and with perceptrons; read gain and variance off."""
    params, env = case.params.regulator, regulator(case.params)
    bank = data["regulator"]["bank"].values
    fixed, held, seeds = len(params.temperatures), len(params.targets), params.seeds
    kinds = fixed + held
    agents = Agents(
        seed=np.tile(np.arange(seeds), kinds),
        reward_scale=np.ones(kinds * seeds),
        temperature=np.repeat([*params.temperatures, *[params.start] * held], seeds),
        automatic=np.repeat([False] * fixed + [True] * held, seeds),
        target_entropy=np.repeat([0.0] * fixed + list(params.targets), seeds),
        deterministic=np.zeros(kinds * seeds, bool),
        twin=np.ones(kinds * seeds, bool),
        exploration_noise=np.zeros(kinds * seeds),
        target_noise=np.zeros(kinds * seeds),
    )
    grid, found = np.linspace(-1, 1, 41)[:, None], []
    for name, learning in (("in class", params.in_class), ("perceptrons", params.perceptrons)):
        actor = Perceptron(tuple(learning.hidden)) if learning.hidden else LinearGaussian()
        critic = Perceptron(tuple(learning.hidden)) if learning.hidden else Quadratic()
        chosen = settings(learning, case.params.entropy_weight, squash=False)
        learner = Learner(actor, critic, env, agents, chosen, case.seed(f"networks {name}"), case.device)
        progress = lambda turns, name=name: case.progress(turns, what=f"regulator, {name}")  # noqa: E731
        history = learn(learner, env, bank, bank[0], learning.every, case.rng(f"loop {name}"), progress)
        mean, log_std = (v.numpy(force=True)[..., 0] for v in learner.policy(np.tile(grid, (kinds * seeds, 1, 1))))
        last = max(history.temperature.shape[1] // 4, 1)
        found.append(
            np.stack(
                [
                    -(mean * grid[:, 0]).sum(1) / (grid**2).sum(),
                    np.exp(2 * log_std).mean(1),
                    history.temperature[:, -last:].mean(1),
                ]
            )
        )
    values = np.stack(found).reshape(2, 3, kinds, seeds).astype(float)
    dims = ("network", "agent", "seed")
    return xr.Dataset(
        {
            "gain": labelled(dims, values[:, 0], "gain K: -slope of the mean action over [-1, 1]", nan=DIVERGED),
            "variance": labelled(dims, values[:, 1], "mean variance of the action over [-1, 1]", nan=DIVERGED),
            "temperature": labelled(dims, values[:, 2], "alpha over the last quarter of the updates", nan=DIVERGED),
        },
        {"network": ["in class", "perceptrons"], "agent": agent_names(params), "seed": np.arange(seeds)},
    )
