"""A point in the plane between two goals: is one solution kept, or both?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TwoGoals:
    """State: x, y, left goal reached, right goal reached. Each goal pays once; every step costs.

    Attributes
    ----------
    distance, radius
        Goals lie at (-distance, 0) and (distance, 0) and are reached within `radius`.
    stride
        Largest |step| along each axis: that of action 1.
    prize, cost
        Reward of a goal, and what each step costs.
    """

    distance: float = 2.0
    radius: float = 0.5
    stride: float = 0.3
    prize: float = 10.0
    cost: float = 0.1
    horizon: int = 30
    observations: int = 4
    actions: int = 2
    noises: int = 0

    def starts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """The origin, no goal reached; shape (*shape, 4)."""
        return np.zeros((*shape, 4))

    def observe(self, state: np.ndarray) -> np.ndarray:
        """The state, places in units of `distance`."""
        return state / np.array([self.distance, self.distance, 1, 1])

    def step(self, state: np.ndarray, action: np.ndarray, noise: np.ndarray | None = None):
        """One step; actions (..., 2) are clipped to [-1, 1]. Nothing ends an episode."""
        place = state[..., :2] + self.stride * np.clip(action, -1, 1)
        goals = np.array([[-self.distance, 0.0], [self.distance, 0.0]])
        near = np.linalg.norm(place[..., None, :] - goals, axis=-1) <= self.radius
        before = state[..., 2:] > 0
        reward = self.prize * (near & ~before).sum(-1) - self.cost
        return np.concatenate([place, (before | near).astype(float)], -1), reward, np.zeros(reward.shape, bool)
