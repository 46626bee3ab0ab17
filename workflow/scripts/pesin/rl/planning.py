"""Model-predictive control by the cross-entropy method, on any law of motion, many models at once.

Chua et al. 2018, arXiv 1805.12114; Huang et al. 2021, arXiv 2009.11997. Before each step a plan of actions is improved
by `pesin.stats.cross_entropy.search`, its first action is taken, and the rest is where the next search begins.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from pesin.stats.cross_entropy import search

Move = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(observations (..., observations), actions (..., 1) in [-1, 1]) -> next observations."""
Reward = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(observations (..., observations), actions (..., 1)) -> rewards (...)."""


class World(Protocol):
    """What is asked of the task: as of an `Environment`, with one action and no noise."""

    def observe(self, state: np.ndarray) -> np.ndarray:
        """(..., state) -> (..., observations)."""
        ...

    def step(self, state: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Next state (..., state), reward (...) and whether it ended for good (...)."""
        ...


class Planner(Protocol):
    """Sizes of a search."""

    @property
    def particles(self) -> int:
        """Plans that are drawn in each iteration."""
        ...

    @property
    def elite(self) -> int:
        """The best of them, which the next law is fitted to: 2 or more."""
        ...

    @property
    def iterations(self) -> int:
        """Times that the law is fitted before a step."""
        ...

    @property
    def horizon(self) -> int:
        """Steps that a plan looks ahead."""
        ...


def controlled(
    world: World,
    starts: np.ndarray,
    move: Move | None,
    reward: Reward,
    p: Planner,
    steps: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return of episodes in a world whose law the planner takes to be `move`.

    Parameters
    ----------
    starts : ndarray, shape (models, episodes, state)
    move
        Handed (models, episodes x particles, ...): each model plans its own episodes. A prediction that isn't a number
        makes its plan the worst. None: actions are drawn, not planned.
    reward
        What the planner takes a step to pay.
    steps
        Of an episode.

    Returns
    -------
    ndarray, shape (models,)
        Sum of rewards, mean over episodes.
    """
    models, episodes = starts.shape[:2]
    state, total, plan = starts, np.zeros(starts.shape[:2]), np.zeros((models * episodes, p.horizon))
    for _ in range(steps):
        if move is None:
            action = rng.uniform(-1, 1, (models, episodes, 1))
        else:
            plan = improved(plan, move, reward, world.observe(state), p, rng)
            action = plan[:, 0].reshape(models, episodes, 1)
            plan = np.concatenate([plan[:, 1:], np.zeros((models * episodes, 1))], 1)
        state, now, _ = world.step(state, action)
        total += now
    return total.mean(1)


def improved(
    plan: np.ndarray, move: Move, reward: Reward, seen: np.ndarray, p: Planner, rng: np.random.Generator
) -> np.ndarray:
    """Plans (models x episodes, horizon) after a search around them, from what is seen (models, episodes, ...)."""
    found = search(
        lambda points: costs(move, reward, seen, points), plan, np.ones_like(plan), p.particles, p.elite, 1.0,
        p.iterations, rng, (-1.0, 1.0),
    )  # fmt: skip
    return found.mean[-1]


def costs(move: Move, reward: Reward, seen: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Minus the reward that a model foresees for plans, that of the last state without an action among it.

    Parameters
    ----------
    seen : ndarray, shape (models, episodes, observations)
    points : ndarray, shape (models x episodes, particles, horizon)
        Actions.

    Returns
    -------
    ndarray, shape (models x episodes, particles)
    """
    searches, particles, horizon = points.shape
    models, episodes = seen.shape[:2]
    now = np.repeat(seen, particles, 1)
    actions = points.reshape(models, episodes * particles, horizon)
    total = np.zeros(now.shape[:2])
    for step in range(horizon):
        action = actions[..., step, None]
        total -= reward(now, action)
        now = move(now, action)
    return (total - reward(now, np.zeros_like(action))).reshape(searches, particles)
