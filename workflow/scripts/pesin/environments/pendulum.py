"""Swinging up a pendulum with a weak motor: gymnasium's Pendulum-v1, with actions in [-1, 1].

Source of the equations: Farama Foundation, gymnasium, Pendulum-v1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pesin.environments.learned import LearnedEnvironment


@dataclass(frozen=True)
class Pendulum:
    """A rod on a motor. State: angle from upright [rad] (kept in (-pi, pi]) and its rate [rad/s].

    Attributes
    ----------
    mass, length, gravity
        kg, m, m s-2.
    torque
        Torque of action 1, N m.
    rate_limit
        Largest rate, rad/s.
    timestep
        s; semi-implicit Euler.
    """

    mass: float = 1.0
    length: float = 1.0
    gravity: float = 10.0
    torque: float = 2.0
    rate_limit: float = 8.0
    timestep: float = 0.05
    horizon: int = 200
    observations: int = 3
    actions: int = 1
    noises: int = 0

    def starts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Angle uniform on the circle, rate uniform in [-1, 1]; shape (*shape, 2)."""
        return rng.uniform(-1, 1, (*shape, 2)) * [np.pi, 1.0]

    def observe(self, state: np.ndarray) -> np.ndarray:
        """cos, sin and rate; shapes (..., 2) -> (..., 3)."""
        angle, rate = state[..., 0], state[..., 1]
        return np.stack([np.cos(angle), np.sin(angle), rate], -1)

    def step(self, state: np.ndarray, action: np.ndarray, noise: np.ndarray | None = None):
        """One step; actions (..., 1) are clipped to [-1, 1]. Nothing ends an episode."""
        angle, rate = state[..., 0], state[..., 1]
        torque = self.torque * np.minimum(np.maximum(action[..., 0], -1), 1)
        reward = -(angle**2 + 0.1 * rate**2 + 0.001 * torque**2)
        pull = 1.5 * self.gravity / self.length * np.sin(angle) + 3 / (self.mass * self.length**2) * torque
        rate = np.minimum(np.maximum(rate + pull * self.timestep, -self.rate_limit), self.rate_limit)
        angle = (angle + rate * self.timestep + np.pi) % (2 * np.pi) - np.pi
        return np.stack([angle, rate], -1), reward, np.zeros(reward.shape, bool)


def angle_and_rate(seen: np.ndarray) -> np.ndarray:
    """(cos, sin, rate) -> (angle, rate)."""
    return np.stack([np.arctan2(seen[..., 1], seen[..., 0]), seen[..., 2]], -1)


def on_circle(seen: np.ndarray, rate_limit: float) -> np.ndarray:
    """(cos, sin, rate) with (cos, sin) moved to the unit circle, and the rate within its limit [rad/s]."""
    norm = np.maximum(np.hypot(seen[..., 0], seen[..., 1]), 1e-9)
    rate = np.minimum(np.maximum(seen[..., 2], -rate_limit), rate_limit)
    return np.stack([seen[..., 0] / norm, seen[..., 1] / norm, rate], -1)


def observed(world: Pendulum) -> LearnedEnvironment:
    """The pendulum in terms of what is observed: states are (cos, sin, rate). Models of it take the place of `move`."""
    return LearnedEnvironment(
        observations=world.observations,
        actions=world.actions,
        horizon=world.horizon,
        move=lambda seen, action: world.observe(world.step(angle_and_rate(seen), action)[0]),
        reward=lambda seen, action: world.step(angle_and_rate(seen), action)[1],
        begin=lambda rng, shape: world.observe(world.starts(rng, shape)),
        project=lambda seen: on_circle(seen, world.rate_limit),
    )
