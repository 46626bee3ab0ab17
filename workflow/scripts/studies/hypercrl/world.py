"""Pendulums, what networks see of them, and a planner on any law of motion."""

from __future__ import annotations

import numpy as np

from pesin.environments.pendulum import Pendulum
from pesin.rl import planning
from pesin.rl.planning import Move
from studies.hypercrl.params import Planner, Simulate, Task

INPUTS = np.array([1.0, 1.0, 8.0, 2.0])
"""cos, sin, rate [rad/s] and torque [N m] are divided by these, for all tasks alike."""
TARGETS = np.array([0.25, 0.25, 0.75])
"""Likewise the changes of cos, sin and rate."""


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
    """Return of episodes (models,), as `planning.controlled` has it: starts (models, episodes, 2)."""
    return planning.controlled(world, starts, move, reward, p, p.steps, rng)


def costs(move: Move, seen: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Minus the reward that a model foresees for plans, as `planning.costs` has it."""
    return planning.costs(move, reward, seen, points)
