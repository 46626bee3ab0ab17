"""What a learner needs of a control task, as pure functions of arrays, and banks of start states.

All of them take any leading shape (agents, starts, ...), so that many agents step together. A step is a function of
state, action and noise: whoever calls it holds the states and draws the noise, so runs can be repeated and paired.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Environment(Protocol):
    """A continuous-control task. Actions lie in [-1, 1] unless the task says otherwise."""

    observations: int
    """Length of an observation."""
    actions: int
    """Length of an action."""
    noises: int
    """Standard normal numbers that a step needs."""
    horizon: int
    """Steps of an episode. A time limit, no terminal state: values are bootstrapped through it."""

    def starts(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw start states, shape (*shape, state)."""
        ...

    def observe(self, state: np.ndarray) -> np.ndarray:
        """Observation of states of shape (..., state), shape (..., observations)."""
        ...

    def step(
        self, state: np.ndarray, action: np.ndarray, noise: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Next state (..., state), reward (...) and whether it ended for good (...)."""
        ...


def start_bank(env: Environment, rng: np.random.Generator, seeds: int, episodes: int) -> np.ndarray:
    """Start states of each seed's episodes, shape (seeds, episodes, state): agents of one seed begin alike."""
    return env.starts(rng, (seeds, episodes))
