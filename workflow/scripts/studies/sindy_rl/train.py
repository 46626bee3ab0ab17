"""Models of each task from its random transitions, and agents that learn in the models and in the real task."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.environments.learned import LearnedEnvironment, Panel
from pesin.models.mlp import apply_mlp, init_mlp, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.sparse_regression import fit_bagged, polynomial_library
from pesin.rl.networks import Perceptron
from pesin.rl.soft_actor_critic import Agents, History, Learner, Settings
from pesin.rl.soft_actor_critic import train as learn
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.sindy_rl.models import arm_worlds, network_arrays, wake_worlds
from studies.sindy_rl.params import Learning, Params, Sparse
from studies.sindy_rl.worlds import PENDULUM, as_environment, pendulum, wake

BLOCKS = 20
SATURATED = PENDULUM.rate_limit - 1e-9


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Return models, learning curves and weights of the actors."""
    swing = _shuffled(case, "pendulum", data["pendulum"].to_dataset())
    flow = _shuffled(case, "wake", data["wake"].to_dataset())
    models = {
        "models": _sparse_models(case, swing),
        "networks": _networks(case, swing),
        "wake_models": _wake(case, flow),
    }
    found = xr.DataTree.from_dict(models)
    count, chosen = case.params.train.agents, case.params.train
    worlds = arm_worlds(case.params, found, network_arrays(case.params, found, [-1]))
    names, arms = list[str](chosen.arms), [worlds[name] for name in chosen.arms]
    curves, weights = _agents(case, "pendulum", swing, arms, names, count, pendulum(), chosen.learning)
    theirs = wake_worlds(case.params, found)
    slow, _ = _agents(
        case, "wake", flow, list(theirs.values()), list(theirs), len(flow["seed"]), wake(), chosen.wake_learning
    )
    return xr.DataTree.from_dict({**models, "curves": curves, "actor": weights, "wake_curves": slow})


def _shuffled(case: Case[Params], name: str, data: xr.Dataset) -> xr.Dataset:
    """The transitions, or with `shuffled` those whose ends belong to others of the same set."""
    if not case.params.train.shuffled:
        return data
    order = case.rng(f"{name} shuffled").permutation(data.sizes["sample"])
    return data.assign({key: data[key].copy(data=data[key].values[:, order]) for key in ("next", "reward")})


def _bagged(case: Case[Params], stream: str, data: xr.Dataset, samples: int, how: Sparse, goal: str) -> np.ndarray:
    """Ensembles of sparse models of `goal` from the first samples of each set, (seeds, members, terms, dim).

    Transitions that end at the pendulum's limit of the rate are left out: no polynomial has a clip.
    """
    params, found = case.params.train, []
    x = np.concatenate([data["state"].values, data["action"].values], -1)[:, :samples]
    y = data[goal].values[:, :samples].reshape(*x.shape[:2], -1)
    free = abs(data["next"].values[:, :samples, 2]) < SATURATED
    for seed in range(len(x)):
        features = polynomial_library(x[seed, free[seed]], how.degree)
        rng = case.rng(f"{stream} {samples} {seed}")
        found.append(
            fit_bagged(rng, features, y[seed, free[seed]], how.threshold, how.ridge, params.members, params.dropped)
        )
    return np.array(found)


def _sparse_models(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    params, sizes = case.params.train, case.params.simulate.samples
    dims = ("samples", "seed", "member")

    def each(how: Sparse) -> np.ndarray:
        return np.stack([_bagged(case, "dynamics", data, size, how, "next") for size in sizes])

    variables = {
        "sindy": labelled((*dims, "term", "coordinate"), each(params.dynamics), "coefficient"),
        "linear": labelled(
            (*dims, "linear_term", "coordinate"), each(params.linear), "coefficient of the linear model"
        ),
        "reward": labelled(
            (*dims[1:], "reward_term", "one"),
            _bagged(case, "reward", data, sizes[-1], params.reward, "reward"),
            "coefficient of the reward",
        ),
    }
    return xr.Dataset(variables, {"samples": sizes, "seed": data["seed"].values})


def _wake(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    found = _bagged(case, "wake dynamics", data, data.sizes["sample"], case.params.train.dynamics, "next")
    variables = {"sindy": labelled(("seed", "member", "term", "coordinate"), found, "coefficient")}
    return xr.Dataset(variables, {"seed": data["seed"].values})


def _networks(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Ensembles of perceptrons, (samples, seed, member) in one runs axis, each from its own bootstrap of the set."""
    how, sizes = case.params.train.networks, case.params.simulate.samples
    x = np.concatenate([data["state"].values, data["action"].values], -1)
    change = data["next"].values - data["state"].values
    shift, scale, unit = (
        np.stack([statistic(of[:, :n], 1) for n in sizes])
        for statistic, of in ((np.mean, x), (np.std, x), (np.std, change))
    )
    rng, runs = case.rng("networks"), (len(sizes), len(x), how.members)
    bags = np.zeros((*runs, sizes[-1]), int)
    for i, n in enumerate(sizes):
        bags[i, ..., :n] = rng.integers(n, size=(*runs[1:], n))
    seed = np.arange(len(x))[:, None, None]
    inputs = (x[seed, bags] - shift[:, :, None, None]) / scale[:, :, None, None]
    goals = change[seed, bags] / unit[:, :, None, None]
    count = int(np.prod(runs))
    inputs, goals = (
        torch.as_tensor(v.reshape(count, sizes[-1], -1), dtype=torch.float32, device=case.device)
        for v in (inputs, goals)
    )
    limit = torch.as_tensor(np.repeat(sizes, count // len(sizes)), device=case.device)[:, None]
    generator = torch.Generator().manual_seed(case.seed("networks"))
    widths = [x.shape[-1], *how.hidden, change.shape[-1]]
    parameters, rows = init_mlp(count, widths, generator, case.device), torch.arange(count, device=case.device)[:, None]
    optimiser, rate = RunsOptimiser(parameters, "adam"), torch.full((count,), how.lr, device=case.device)

    def loss(step: int) -> torch.Tensor:
        drawn = torch.as_tensor(rng.random((count, how.batch)), device=case.device)
        places = (drawn * limit).long()
        error = apply_mlp(parameters, inputs[rows, places], torch.relu) - goals[rows, places]
        return error.square().mean((1, 2))

    progress = partial(case.progress, what="networks")
    checkpoint = case.checkpoint("networks", [rng])
    losses, _ = fit_runs(optimiser, loss, lambda _: rate, how.updates, progress, checkpoint)
    last = losses[:, -max(how.updates // 4, 1) :].mean(1).reshape(runs)
    places = ("samples", "seed")
    return weights_dataset(parameters, np.arange(count)).assign(
        shift=labelled((*places, "input"), shift, "mean of the inputs"),
        scale=labelled((*places, "input"), scale, "standard deviation of the inputs"),
        unit=labelled((*places, "coordinate"), unit, "standard deviation of the changes"),
        loss=labelled((*places, "network"), last, "loss over the last quarter", nan=DIVERGED),
    )


def _agents(
    case: Case[Params],
    name: str,
    data: xr.Dataset,
    worlds: list[LearnedEnvironment],
    arms: list[str],
    count: int,
    true: LearnedEnvironment,
    learning: Learning,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Soft actor-critic of all arms in one batch: curves, and each actor where it was best in its own world."""
    agents = Agents.standard(np.tile(np.arange(count), len(arms)), learning.reward_scale, true.actions)
    shared = learning.model_dump(exclude={"lr", "hidden", "every", "reward_scale"})
    settings = Settings(**shared, lr_actor=learning.lr, lr_critic=learning.lr)
    panel = Panel([as_environment(world) for world in worlds], np.repeat(np.arange(len(arms)), count))
    net, rng = Perceptron(tuple(learning.hidden)), case.rng(f"{name} loop")
    learner = Learner(net, net, panel, agents, settings, case.seed(f"{name} actors"), case.device)
    history = learn(
        learner,
        panel,
        data["bank"].values[:count],
        data["examined"].values,
        learning.every,
        rng,
        partial(case.progress, what=name),
        case.checkpoint(name, [rng]),
        as_environment(true),
    )
    best = {name: torch.as_tensor(value) for name, value in history.best.items()}
    weights = weights_dataset(best, [f"{arm}/{i}" for arm in arms for i in range(count)])
    return _curves(history, arms, count, learning.warmup), weights


def _curves(history: History, arms: list[str], count: int, warmup: int) -> xr.Dataset:
    edges = np.linspace(0, history.entropy.shape[1], min(BLOCKS, history.entropy.shape[1]) + 1).astype(int)

    def blocked(values: np.ndarray) -> np.ndarray:
        means = [values[:, a:b].mean(1) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        return np.stack(means, -1).reshape(len(arms), count, -1)

    examined, block = ("arm", "agent", "checkpoint"), ("arm", "agent", "block")
    returns, own = (values.reshape(len(arms), count, -1) for values in (history.returns, history.own_returns))
    return xr.Dataset(
        {
            "returns": labelled(examined, returns, "return in the real task", nan=DIVERGED),
            "own_returns": labelled(examined, own, "return in its own world", nan=DIVERGED),
            "step": labelled("checkpoint", history.checkpoints, "steps in the agent's own world", "step"),
            "entropy": labelled(block, blocked(history.entropy), "policy entropy", "nat", nan=DIVERGED),
            "temperature": labelled(block, blocked(history.temperature), "alpha", nan=DIVERGED),
            "block_step": labelled("block", warmup + edges[1:], "steps done", "step"),
        },
        {"arm": arms, "agent": np.arange(count)},
    )
