"""The learning of a task of the library's: all agents and seeds of a case in one loop, and what it leaves."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.environment import Environment
from pesin.models.mlp import weights_dataset
from pesin.rl.networks import Perceptron
from pesin.rl.soft_actor_critic import Agents, History, Learner, Settings, train
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.agents import TaskParams
from studies.soft_actor_critic.tasks import FEWER, by_agent, each_run, learners, names, runs, target_entropies

BLOCK = 25  # updates averaged in a point of the curves
GRID = ("agent", "seed")


def task_agents(params: TaskParams, actions: int) -> Agents:
    """All runs of the case as vectors."""
    return Agents(
        seed=np.array([seed for _, seed in runs(params)]),
        target_entropy=target_entropies(params, actions),
        **{
            field: each_run(params, field)
            for field in "reward_scale temperature automatic deterministic twin exploration_noise target_noise".split()
        },
    )


def train_agents(case: Case, data: xr.Dataset, env: Environment) -> tuple[History, dict[str, xr.Dataset]]:
    """Train all runs; return what happened, and for the result visited states and weights."""
    params: TaskParams = case.params
    learning = params.train.learning
    shared = learning.model_dump(exclude={"lr", "hidden", "every"})
    settings = Settings(**shared, lr_actor=learning.lr, lr_critic=learning.lr)
    net = Perceptron(tuple(learning.hidden))
    learner = Learner(net, net, env, task_agents(params, env.actions), settings, case.seed("networks"), case.device)
    bank, examined = data["bank"].values, data["examined"].values
    progress = lambda turns: case.progress(turns, what="agents")  # noqa: E731
    rng = case.rng("loop")
    history = train(learner, env, bank, examined, learning.every, rng, progress, case.checkpoint("agents", [rng]))
    labels = ["/".join(map(str, run)) for run in runs(params)]
    pairs = [f"critic {i}/{label}" for i in (1, 2) for label in labels]
    return history, {
        "visits": _visits(params, history),
        "weights/actor": weights_dataset(learner.actor.now, labels),
        "weights/critic": weights_dataset(learner.critic.now, pairs),
    }


def evaluations(params: TaskParams, history: History) -> tuple[np.ndarray, np.ndarray]:
    """Returns of the evaluations and the environment steps before each, shapes (agent, seed, checkpoint), without."""
    steps = np.tile(history.checkpoints, (len(learners(params)), 1)).astype(float)
    return by_agent(params, history.returns), steps


def curves(params: TaskParams, history: History, returns: np.ndarray, steps: np.ndarray) -> xr.Dataset:
    """Evaluations over (agent, seed, checkpoint), PPO's among them; entropy and temperature over (..., block)."""
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
            "block_step": labelled("block", params.train.learning.warmup + edges[1:], "environment steps done", "step"),
        },
        {"agent": learners(params)},
    )
    return evaluated.merge(updated, join="outer")


def _visits(params: TaskParams, history: History) -> xr.Dataset:
    def spread(values, name):
        return labelled((*GRID, "step", name.split()[0]), by_agent(params, values), name, nan=FEWER)

    return xr.Dataset(
        {
            "state": spread(history.states, "component of the visited state"),
            "mean": spread(history.mean, "action mean before squashing"),
            "log_std": spread(history.log_std, "action ln sigma before squashing"),
        },
        {"agent": learners(params)},
    )
