"""Models of both pendulums from few and many real steps, and agents that learn in them and in the real task.

A set is a pendulum, a budget of real steps and a seed: sets are one axis, in this order.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.environments.environment import Environment
from pesin.environments.learned import LearnedEnvironment, Panel
from pesin.environments.pendulum import observed
from pesin.models.hypernetwork import Hypernetwork
from pesin.models.sparse_regression import fit_bagged, polynomial_library
from pesin.rl.networks import Perceptron
from pesin.rl.soft_actor_critic import Agents, History, Learner, Settings
from pesin.rl.soft_actor_critic import train as learn
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.sample_efficiency_bill import filtered
from studies.sample_efficiency_bill.params import Params
from studies.sample_efficiency_bill.worlds import INPUTS, RATE_LIMIT, TARGETS, pendulums, sparse_law

AGENTS = ("sac", "sparse", "filtered")
"""Arms whose agent is soft actor-critic: in the real task, and in two learned ones."""
ORDERS = ("as listed", "reversed")
SATURATED = RATE_LIMIT - 1e-9


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """`sparse`: coefficients; `hyper`: networks made; `agents`: returns along learning; `bill`: measured seconds."""
    whose, spent, dealt = case.params.train.shuffled, dict[str, float](), _shuffled(case, data)
    data = dealt if whose == "all" else data
    with Clock(spent, "sparse"):
        coefficients = sparse(case, data)
    with Clock(spent, "hyper"):
        made, numbers = hypernetworks(case, data)
    if whose == "other":
        made[:, 1:] = hypernetworks(case, data, dealt, "hyper after shuffled")[0][:, 1:]
    with Clock(spent, "filtered"):
        scales, draw = batches(case, data)
        networks = filtered.ensembles(case, len(scales.shift), draw)
        history = filtered.rewards(case, len(scales.shift), draw)
    how, rng = case.params.train.ensemble, case.rng("imagined")
    imagined = filtered.Imagined(scales, networks, history, how.members, how.samples, rng)
    p = case.params.simulate
    grid = ("world", "budget", "seed")
    shape = tuple(len(v) for v in (p.worlds, p.budgets, range(p.seeds)))
    spent["sparse_plan"] = spent["sparse"]
    curves = agents(case, data, coefficients, imagined, spent)
    sets = len(coefficients)
    count = dict.fromkeys((*AGENTS, "sparse_plan"), sets) | {
        "sac": len(p.worlds) * p.seeds,
        "hyper": int(np.prod(made.shape[:-1])),
    }
    return xr.DataTree.from_dict(
        {
            "sparse": xr.Dataset(
                {
                    "coefficient": labelled(
                        (*grid, "term", "coordinate"), coefficients.reshape(*shape, *coefficients.shape[1:]),
                        "median coefficient",
                    )
                }
            ),
            "hyper": xr.Dataset(
                {
                    "weights": labelled(
                        ("order", "session", "budget", "seed", "weight"), made, "weights of each session's network",
                        nan=DIVERGED,
                    ),
                    "numbers": labelled((), numbers, "numbers of a hypernetwork"),
                },
                {"order": list(ORDERS)},
            ),
            "agents": curves,
            "bill": paid(spent, count),
        }
    )  # fmt: skip


def paid(spent: dict[str, float], count: dict[str, int]) -> xr.Dataset:
    """Core seconds of each arm, shared out over so many models and agents."""
    seconds = [spent[arm] / n for arm, n in count.items()]
    said = "core time of one model and agent to learn"
    return xr.Dataset({"seconds": labelled("arm", seconds, said, "s", role="timing")}, {"arm": list(count)})


class Clock:
    """Adds the core seconds of a block to `spent[name]`."""

    def __init__(self, spent: dict[str, float], name: str) -> None:
        self.spent, self.name = spent, name

    def __enter__(self) -> None:
        self.start = time.process_time()

    def __exit__(self, *_) -> None:
        self.spent[self.name] = self.spent.get(self.name, 0.0) + time.process_time() - self.start


def _shuffled(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """The transitions, or with `shuffled` those whose ends belong to others of the same budget."""
    if case.params.train.shuffled == "none":
        return data
    rng, first, order = case.rng("shuffled"), 0, np.arange(data.sizes["sample"])
    for last in case.params.simulate.budgets:
        order[first:last], first = rng.permutation(order[first:last]), last
    return data.assign(next=data["next"].copy(data=data["next"].values[:, :, order]))


def pairs(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """What is given, (world, seed, sample, 4), and next observations, (world, seed, sample, 3)."""
    state = data["state"].values
    action = np.broadcast_to(data["action"].values, (*state.shape[:3], 1))
    return np.concatenate([state, action], -1), data["next"].values


def sparse(case: Case[Params], data: xr.Dataset) -> np.ndarray:
    """Medians of bagged sparse polynomials, (sets, terms, 3); transitions that end at the largest rate are left out."""
    how, p = case.params.train.sparse, case.params.simulate
    x, after = pairs(data)
    found = []
    for world in range(len(x)):
        for budget in p.budgets:
            for seed in range(p.seeds):
                free = abs(after[world, seed, :budget, 2]) < SATURATED
                features = polynomial_library(x[world, seed, :budget][free], how.degree)
                goal, rng = after[world, seed, :budget][free], case.rng(f"sparse {budget} {seed}")
                members = fit_bagged(rng, features, goal, how.threshold, how.ridge, how.members, how.dropped)
                found.append(np.median(members, 0))
    return np.array(found)


def batches(case: Case[Params], data: xr.Dataset) -> tuple[filtered.Scales, Callable]:
    """Scales of each set, and rng -> (batch size -> standardised batches of all sets); all worlds draw alike."""
    p = case.params.simulate
    x, after = pairs(data)
    values = np.concatenate([x, after - x[..., :3]], -1)
    shift, scale = (
        np.stack([statistic(values[:, :, :budget], 2) for budget in p.budgets], 1).reshape(-1, values.shape[-1])
        for statistic in (np.mean, np.std)
    )
    limit = np.repeat(p.budgets, p.seeds)[:, None]
    sets = len(shift)
    world, seed = np.repeat(np.arange(len(x)), len(limit)), np.tile(np.arange(p.seeds), sets // p.seeds)

    def drawn(rng: np.random.Generator) -> filtered.Draw:
        def batch(size: int) -> tuple[torch.Tensor, torch.Tensor]:
            places = np.tile((rng.random((len(limit), size)) * limit).astype(int), (len(x), 1))
            rows = (values[world[:, None], seed[:, None], places] - shift[:, None]) / scale[:, None]
            both = torch.as_tensor(rows, dtype=torch.float32, device=case.device)
            return both[..., : filtered.GIVEN], both[..., filtered.GIVEN :]

        return batch

    return filtered.Scales(shift, scale), drawn


def hypernetworks(
    case: Case[Params], data: xr.Dataset, before: xr.Dataset | None = None, name: str = "hyper"
) -> tuple[np.ndarray, int]:
    """Both pendulums one after the other, in both orders: (order, session, budget, seed, weight), and their numbers.

    A session's network as it was at the session's end. `before`: the transitions of the first session, if not `data`.
    """
    how, p = case.params.train.hyper, case.params.simulate
    seen_in = [pairs(data if before is None else before), pairs(data)]
    limit = np.repeat(p.budgets, p.seeds)[:, None]
    seed = np.tile(np.arange(p.seeds), len(p.budgets))[:, None]
    model = Hypernetwork(
        len(ORDERS) * len(limit), len(seen_in), [filtered.GIVEN, *how.hidden, filtered.ASKED], how.generator,
        how.embedding, how.spread, how.beta, how.rate, "all", torch.Generator().manual_seed(case.seed("hyper")),
        case.device,
    )  # fmt: skip
    with torch.no_grad():  # both orders begin alike
        for value in (*model.parameters.values(), model.embeddings):
            value[len(limit) :] = value[: len(limit)]
    rng, seen = case.rng("hyper"), Made()
    for session in case.checkpoint(name, [rng]).turns(
        len(seen_in), model, seen, progress=partial(case.progress, what=name)
    ):
        x, after = seen_in[session]
        given, change = x / INPUTS, (after - x[..., :3]) / TARGETS
        model.begin(np.array([[session]]))
        worlds = [session, len(x) - 1 - session]
        for _ in range(how.iterations):
            places = (rng.random((len(limit), how.batch)) * limit).astype(int)
            part = [
                torch.as_tensor(
                    np.concatenate([of[world][seed, places] for world in worlds])[:, None], dtype=torch.float32,
                    device=case.device,
                )
                for of in (given, change)
            ]  # fmt: skip
            model.step(part[0], part[1], rng)
        model.end(None, torch.Generator())
        seen.add(model.networks()[:, session].numpy(force=True))
    made = np.stack(seen.found, 1).reshape(len(ORDERS), len(p.budgets), p.seeds, len(seen_in), -1)
    return np.moveaxis(made, 3, 1), model.numbers()


class Made:
    """The networks that sessions ended with, (runs, weights) each, for checkpoints."""

    def __init__(self) -> None:
        self.found: list[np.ndarray] = []

    def add(self, networks: np.ndarray) -> None:
        """Keep one more session's."""
        self.found.append(networks)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was kept."""
        return {f"session_{i}": one for i, one in enumerate(self.found)}

    def restore(self, arrays) -> None:
        """Set what `arrays` gave."""
        self.found = [np.array(arrays[f"session_{i}"]) for i in range(len([k for k in arrays if "session_" in k]))]


@dataclass
class Timed:
    """A function whose core seconds are summed up."""

    call: Callable
    spent: dict[str, float] = field(default_factory=dict)
    name: str = ""

    def __call__(self, *given: Any) -> Any:
        with Clock(self.spent, self.name):
            return self.call(*given)


def agents(
    case: Case[Params], data: xr.Dataset, coefficients: np.ndarray, imagined: filtered.Imagined, spent: dict
) -> xr.Dataset:
    """Soft actor-critic of all arms in one batch: returns in the real task and in each one's own, along learning.

    The agents of the real task have no budget of their own: theirs is where along learning one looks.
    """
    p, how = case.params.simulate, case.params.train.learning
    real = [observed(world) for world in pendulums(p).values()]
    worlds, seeds, sets = len(real), p.seeds, len(coefficients)
    moves = dict[str, float]()
    laws = learned(case, real[0], coefficients, imagined, moves)
    of_real = np.repeat(np.arange(worlds), seeds)
    of_sets = np.repeat(np.arange(worlds), sets // worlds)
    own = Panel(
        as_environments([*real, *laws]),
        np.concatenate([of_real, np.repeat([worlds, worlds + 1], sets)]),
    )
    true = Panel(as_environments(real), np.concatenate([of_real, of_sets, of_sets]))
    seed = np.concatenate([np.tile(np.arange(seeds), worlds), *[np.tile(np.arange(seeds), sets // seeds)] * 2])
    total = len(seed)
    shared = how.model_dump(exclude={"lr", "hidden", "every", "reward_scale"})
    settings = Settings(**shared, lr_actor=how.lr, lr_critic=how.lr)
    net, rng = Perceptron(tuple(how.hidden)), case.rng("agents")
    some = next(iter(pendulums(p).values()))
    starts = some.observe(data["starts"].values)[seed]
    bank = some.observe(some.starts(case.rng("bank"), (seeds, -(-how.steps // p.horizon))))  # a new one each episode
    settled = Agents.standard(seed, how.reward_scale, some.actions)
    learner = Learner(net, net, as_environments([own])[0], settled, settings, case.seed("actors"), case.device)
    start = time.process_time()
    history = learn(
        learner,
        as_environments([own])[0],
        bank,
        starts,
        how.every,
        rng,
        partial(case.progress, what="agents"),
        case.checkpoint("agents", [rng, imagined.rng]),
        as_environments([true])[0],
    )
    shared_time = time.process_time() - start - sum(moves.values())
    counts = dict(zip(AGENTS, (len(of_real), sets, sets), strict=True))
    for arm, count in counts.items():
        spent[arm] = spent.get(arm, 0.0) + moves.get(arm, 0.0) + shared_time * count / total
    return curves_of(case.params, history, np.cumsum(list(counts.values()))[:-1])


def learned(
    case: Case[Params], real: LearnedEnvironment, coefficients: np.ndarray, imagined: filtered.Imagined, moves: dict
) -> list[LearnedEnvironment]:
    """The task in the sparse models and in the filtered networks; `moves` is told their core seconds."""
    doubt, degree = case.params.train.ensemble.penalty, case.params.train.sparse.degree

    def reward(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        return real.reward(seen, action) - doubt * imagined.doubt(seen, action)

    return [
        replace(real, move=Timed(sparse_law(coefficients, degree), moves, "sparse")),
        replace(real, move=Timed(imagined.move, moves, "filtered"), reward=Timed(reward, moves, "filtered")),
    ]


def curves_of(params: Params, history: History, split: np.ndarray) -> xr.Dataset:
    """Returns of all arms along learning; `split`: where in the batch an arm ends."""
    p = params.simulate
    worlds, seeds = len(p.worlds), p.seeds
    shape = (worlds, len(p.budgets), seeds, -1)
    variables = {}
    for name, values, said in (
        ("returns", history.returns, "return in the real task"),
        ("own", history.own_returns, "return in its own world"),
    ):
        alone, *others = np.split(values, split)
        alone = np.repeat(alone.reshape(worlds, 1, seeds, -1), len(p.budgets), 1)
        found = np.stack([alone, *(part.reshape(shape) for part in others)])
        variables[name] = labelled(("arm", "world", "budget", "seed", "step"), found, said, nan=DIVERGED)
    return xr.Dataset(
        variables,
        {
            "arm": list(AGENTS),
            "world": list(p.worlds),
            "budget": p.budgets,
            "seed": np.arange(seeds),
            "step": history.checkpoints,
        },
    )


def as_environments(worlds: list) -> list[Environment]:
    """The same objects: the protocol wants members that can be set."""
    return worlds
