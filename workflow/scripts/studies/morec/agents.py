"""Soft actor-critic that learns to hold a temperature inside the model, with and without the filter, and outside."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from pesin.environments.learned import LearnedEnvironment, Panel
from pesin.rl.networks import Perceptron
from pesin.rl.soft_actor_critic import Agents, Learner, Settings
from pesin.rl.soft_actor_critic import train as learn
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.morec.fridge import BOX, MOST, STARTS, step
from studies.morec.models import World, chosen
from studies.morec.params import Learning, Params

CENTRE, WIDTH = 5.0, 5.0
"""Of what agents see: (T - CENTRE) / WIDTH."""
BANK = 32
"""Start states of the training episodes of each agent."""
ARMS = ["random", "filter", "real"]


def temperature(seen: np.ndarray) -> np.ndarray:
    """Of observations (..., 1), degC."""
    return CENTRE + WIDTH * seen[..., 0]


def power(action: np.ndarray) -> np.ndarray:
    """Of actions (..., 1) in [-1, 1]."""
    return (action[..., 0] + 1) * MOST / 2


def fridge(learning: Learning) -> LearnedEnvironment:
    """The true task; a reward is minus the distance from the target, in degC."""
    low, high = ((edge - CENTRE) / WIDTH for edge in BOX)
    return LearnedEnvironment(
        observations=1,
        actions=1,
        horizon=learning.horizon,
        move=lambda seen, action: (step(temperature(seen), power(action)) - CENTRE)[..., None] / WIDTH,
        reward=lambda seen, action: -abs(temperature(seen) - learning.target),
        begin=lambda rng, shape: (rng.uniform(*STARTS, (*shape, 1)) - CENTRE) / WIDTH,
        project=lambda seen: np.clip(seen, low, high),
    )


def imagined(
    model: World, learning: Learning, samples: int, filtered: bool, rng: np.random.Generator
) -> LearnedEnvironment:
    """The task inside the models, one for each agent, with MOPO's penalty: the largest deviation that a member says."""
    true = fridge(learning)

    def flat(seen: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return tuple(v.reshape(len(seen), -1) for v in (temperature(seen), power(action)))  # type: ignore[return-value]

    def move(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        here, cooling = flat(seen, action)
        normal = rng.standard_normal((len(here), model.members, here.shape[1], samples))
        offered = model.candidates(here, cooling, normal)
        place = rng.integers(offered.shape[-1], size=here.shape)
        if filtered:
            place = model.rewards(here, cooling, offered).argmax(-1)
        return ((chosen(offered, place) - CENTRE) / WIDTH).reshape(seen.shape)

    def reward(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        unsure = model.laws(*flat(seen, action))[1].max(1).reshape(seen.shape[:-1])
        return true.reward(seen, action) - learning.penalty * unsure

    return LearnedEnvironment(1, 1, true.horizon, move, reward, true.begin, true.project)


def curves(case: Case[Params], model: World) -> xr.Dataset:
    """Returns along training of agents in the three worlds, one batch: in the real task and in their own."""
    learning, count = case.params.train.learning, case.params.simulate.seeds
    loop, draws = case.rng("agents"), [case.rng("world") for _ in ARMS[:2]]
    samples = case.params.train.learning.samples
    worlds = [imagined(model, learning, samples, arm == "filter", rng) for arm, rng in zip(ARMS, draws, strict=False)]
    true = fridge(learning)
    panel = Panel([*worlds, true], np.repeat(np.arange(len(ARMS)), count))  # type: ignore[list-item]
    who = Agents.standard(np.tile(np.arange(count), len(ARMS)), learning.reward_scale, true.actions)
    net = Perceptron(tuple(learning.hidden))
    settings = Settings(**learning.settings())
    history = learn(
        Learner(net, net, panel, who, settings, case.seed("actors"), case.device),
        panel,
        true.starts(case.rng("bank"), (count, BANK)),
        true.starts(case.rng("examined"), (learning.starts,)),
        learning.every,
        loop,
        partial(case.progress, what="agents"),
        case.checkpoint("agents", [loop, *draws]),
        true,  # type: ignore[arg-type]
    )
    grid = ("arm", "agent", "checkpoint")
    returns, own = (v.reshape(len(ARMS), count, -1) for v in (history.returns, history.own_returns))
    return xr.Dataset(
        {
            "returns": labelled(grid, returns, "return in the real task", "degC step", nan=DIVERGED),
            "own_returns": labelled(grid, own, "return in its own world", "degC step", nan=DIVERGED),
            "step": labelled("checkpoint", history.checkpoints, "steps in its own world", "step"),
        },
        {"arm": ARMS, "agent": np.arange(count)},
    )
