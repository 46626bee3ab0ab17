"""Pendulums, what networks see of them, and a planner on any law of motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pesin.environments.pendulum import Pendulum
from pesin.stats.cross_entropy import search
from studies.hypercrl.params import Planner, Simulate, Task

INPUTS = np.array([1.0, 1.0, 8.0, 2.0])
"""cos, sin, rate [rad/s] and torque [N m] are divided by these, for all tasks alike."""
TARGETS = np.array([0.25, 0.25, 0.75])
"""Likewise the changes of cos, sin and rate."""

Move = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(observations (..., 3), actions (..., 1) in [-1, 1]) -> next observations."""


def pendulum(task: Task, p: Simulate) -> Pendulum:
    """The world of a task."""
    return Pendulum(task.mass, task.length, task.gravity, rate_limit=p.rate_limit, horizon=p.planner.steps)


def scaled(world: Pendulum, state: np.ndarray, action: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a network is given and asked for: states (..., 2), actions (..., 1) -> x (..., 4), y (..., 3)."""
    before, after = world.observe(state), world.observe(world.step(state, action)[0])
    x = np.concatenate([before, world.torque * action], -1) / INPUTS
    return x, (after - before) / TARGETS


def transitions(world: Pendulum, p: Simulate, rng: np.random.Generator, shape) -> tuple[np.ndarray, np.ndarray]:
    """Angles, rates and torques uniform: x (*shape, 4) and y (*shape, 3)."""
    state = rng.uniform(-1, 1, (*shape, 2)) * [np.pi, p.speed]
    return scaled(world, state, rng.uniform(-1, 1, (*shape, 1)))


def reward(seen: np.ndarray, action: np.ndarray, torque: float = 2.0) -> np.ndarray:
    """The pendulum's reward of observations (..., 3) and actions (..., 1)."""
    angle = np.arctan2(seen[..., 1], seen[..., 0])
    return -(angle**2 + 0.1 * seen[..., 2] ** 2 + 0.001 * (torque * action[..., 0]) ** 2)


def advanced(seen: np.ndarray, change: np.ndarray, limit: float) -> np.ndarray:
    """Observations after a scaled change (..., 3), back on the circle and within the largest rate."""
    after = seen + change * TARGETS
    after[..., :2] /= np.maximum(np.hypot(after[..., 0], after[..., 1]), 1e-6)[..., None]
    after[..., 2] = np.clip(after[..., 2], -limit, limit)
    return after


def exact(world: Pendulum) -> Move:
    """The true law."""

    def move(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        state = np.stack([np.arctan2(seen[..., 1], seen[..., 0]), seen[..., 2]], -1)
        return world.observe(world.step(state, action)[0])

    return move


def controlled(
    world: Pendulum, starts: np.ndarray, move: Move | None, p: Planner, rng: np.random.Generator
) -> np.ndarray:
    """Return of episodes in a world whose law the planner takes to be `move`.

    Parameters
    ----------
    starts : ndarray, shape (models, episodes, 2)
    move
        Handed (models, episodes x particles, ...): each model plans its own episodes. A prediction that isn't a number
        makes its plan the worst. None: actions are drawn, not planned.

    Returns
    -------
    ndarray, shape (models,)
        Sum of rewards, mean over episodes.
    """
    models, episodes = starts.shape[:2]
    state, total, plan = starts, np.zeros(starts.shape[:2]), np.zeros((models * episodes, p.horizon))
    for _ in range(p.steps):
        if move is None:
            action = rng.uniform(-1, 1, (models, episodes, 1))
        else:
            plan = improved(plan, move, world.observe(state), p, rng)
            action = plan[:, 0].reshape(models, episodes, 1)
            plan = np.concatenate([plan[:, 1:], np.zeros((models * episodes, 1))], 1)
        state, now, _ = world.step(state, action)
        total += now
    return total.mean(1)


def improved(plan: np.ndarray, move: Move, seen: np.ndarray, p: Planner, rng: np.random.Generator) -> np.ndarray:
    """Plans (models x episodes, horizon) after a search around them, from what is seen (models, episodes, 3)."""
    found = search(
        lambda points: costs(move, seen, points), plan, np.ones_like(plan), p.particles, p.elite, 1.0, p.iterations,
        rng, (-1.0, 1.0),
    )  # fmt: skip
    return found.mean[-1]


def costs(move: Move, seen: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Minus the reward that a model foresees for plans.

    Parameters
    ----------
    seen : ndarray, shape (models, episodes, 3)
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
