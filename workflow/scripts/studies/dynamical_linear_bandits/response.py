"""What a system pays for actions that were chosen beforehand, and the noise that every learner meets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from studies.dynamical_linear_bandits.problems import Problem


class Noise(NamedTuple):
    """Standard normal numbers of one seed: state (time, state), reward (time,); uniform ones: lottery (time,)."""

    state: np.ndarray
    reward: np.ndarray
    lottery: np.ndarray


def draw_noise(rng: np.random.Generator, rounds: int, states: int) -> Noise:
    """Noise of one seed, the same for every learner, noise level and system."""
    return Noise(rng.standard_normal((rounds, states)), rng.standard_normal(rounds), rng.random(rounds))


def respond(problem: Problem, actions, sigma: float = 0.0, noise: Noise | None = None) -> np.ndarray:
    """Rewards of sequences of actions from x = 0, with noise of standard deviation sigma or without it.

    Parameters
    ----------
    actions : array_like, shape (..., time, channel)
    noise
        Numbers of at least as many rounds; with leading axes or the same for all sequences.

    Returns
    -------
    ndarray, shape (..., time)
    """
    actions = np.asarray(actions, float)
    drive, rewards = actions @ problem.b.T, actions @ problem.theta
    if noise is not None:
        rounds = actions.shape[-2]
        drive = drive + sigma * noise.state[..., :rounds, :]
        rewards = rewards + sigma * np.sqrt(problem.outputs) * noise.reward[..., :rounds]
    x, states = np.zeros(len(problem.omega)), np.empty_like(drive)
    for t in range(actions.shape[-2]):
        states[..., t, :] = x
        x = x @ problem.a.T + drive[..., t, :]
    return rewards + states @ problem.omega
