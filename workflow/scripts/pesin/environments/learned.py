"""Worlds made of functions, such as a model that was learned from data; and agents of one batch in different worlds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pesin.environments.environment import Environment

Move = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class LearnedEnvironment:
    """A task whose state is its observation, and whose laws are functions. Nothing ends an episode.

    A model with a leading agents axis (each agent has one of its own) is handed states of all its agents, in their
    order: (agents, ..., observations).

    Attributes
    ----------
    observations, actions, horizon
        As of every `Environment`.
    move
        (state, action) -> next state.
    reward
        (state, action) -> reward, shape (...).
    begin
        (rng, shape) -> start states (*shape, observations).
    project
        Takes a next state back to where states can be (a circle, a box): without it errors pile up, and a policy
        learns to live on them.
    """

    observations: int
    actions: int
    horizon: int
    move: Move
    reward: Move
    begin: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
    project: Callable[[np.ndarray], np.ndarray] = lambda state: state
    noises: int = 0

    def starts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw start states, shape (*shape, observations)."""
        return self.begin(rng, shape)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """The state itself."""
        return state

    def step(self, state: np.ndarray, action: np.ndarray, noise: np.ndarray | None = None):
        """One step; actions (..., actions) are clipped to [-1, 1]."""
        action = np.minimum(np.maximum(action, -1), 1)
        reward = self.reward(state, action)
        return self.project(self.move(state, action)), reward, np.zeros(reward.shape, bool)


class Panel:
    """Agents of one batch, each in one of several worlds that look alike: same observations, actions and horizon.

    Parameters
    ----------
    worlds
        Their states have the same length, and their steps need no noise.
    group : ndarray of int, shape (agents,)
        World of each agent. A world is handed the states of its agents, in their order.

    Raises
    ------
    ValueError
        If the worlds differ in what an agent sees, or an agent has none.
    """

    def __init__(self, worlds: Sequence[Environment], group: np.ndarray):
        looks = {(one.observations, one.actions, one.horizon, one.noises) for one in worlds}
        if len(looks) != 1 or worlds[0].noises:
            raise ValueError(f"worlds of a panel must look alike and be free of noise, not {sorted(looks)}")
        if not np.isin(group, range(len(worlds))).all():
            raise ValueError(f"group must name worlds 0 to {len(worlds) - 1}, it holds {np.unique(group).tolist()}")
        self.observations, self.actions, self.horizon, self.noises = looks.pop()
        self._first = worlds[0]
        self._parts = [(world, np.flatnonzero(group == i)) for i, world in enumerate(worlds) if (group == i).any()]

    def starts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Start states of the first world: all begin alike."""
        return self._first.starts(rng, shape)

    def observe(self, state: np.ndarray) -> np.ndarray:
        """(agents, ..., state) -> (agents, ..., observations)."""
        seen = np.empty((*state.shape[:-1], self.observations))
        for world, mine in self._parts:
            seen[mine] = world.observe(state[mine])
        return seen

    def step(self, state: np.ndarray, action: np.ndarray, noise: np.ndarray | None = None):
        """Each agent's step in its world; the first axis is the agent."""
        after, reward = np.empty(state.shape), np.empty(state.shape[:-1])
        ended = np.zeros(reward.shape, bool)
        for world, mine in self._parts:
            after[mine], reward[mine], ended[mine] = world.step(state[mine], action[mine])
        return after, reward, ended
