"""Small Markov decision processes with known dynamics: chains to walk along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tabular:
    """A deterministic decision process.

    Attributes
    ----------
    next_state : ndarray of int, shape (states, actions)
    reward : ndarray, shape (states, actions)
    terminal : ndarray of bool, shape (states, actions)
        The step ends the episode: nothing is earned afterwards.
    """

    next_state: np.ndarray
    reward: np.ndarray
    terminal: np.ndarray

    def __post_init__(self):
        if not self.next_state.shape == self.reward.shape == self.terminal.shape:
            raise ValueError("next_state, reward and terminal must have one shape (states, actions)")
        if self.next_state.min() < 0 or self.next_state.max() >= len(self.next_state):
            raise ValueError("next_state points outside the states")


def chain(states: int) -> Tabular:
    """Walk left (0) or right (1); 1 is paid whenever the next state is the right end, staying there included."""
    place = np.arange(states)
    to = np.stack([np.maximum(place - 1, 0), np.minimum(place + 1, states - 1)], -1)
    return Tabular(to, (to == states - 1).astype(float), np.zeros(to.shape, bool))


def two_goal_chain(states: int) -> Tabular:
    """Walk left (0) or right (1); reaching either end pays 1 and ends the episode. Begins in the middle."""
    if states < 3 or states % 2 == 0:
        raise ValueError("a chain with a middle has an odd number of states, 3 or more")
    walk = chain(states)
    ends = (walk.next_state == 0) | (walk.next_state == states - 1)
    return Tabular(walk.next_state, ends.astype(float), ends)


def bandit(rewards) -> Tabular:
    """One state; every action pays its reward and ends."""
    rewards = np.asarray(rewards, float)[None]
    return Tabular(np.zeros(rewards.shape, int), rewards, np.ones(rewards.shape, bool))


def first_goal(process: Tabular, policy: np.ndarray, start: int) -> np.ndarray:
    """Probability that an episode under `policy`, shape (states, actions), ends by each step.

    Returns
    -------
    ndarray, shape (states, actions)
        Adds up to the probability that the episode ends at all.
    """
    n = len(policy)
    move = np.zeros((n, n))
    going = np.where(process.terminal, 0.0, policy)
    np.add.at(move, (np.repeat(np.arange(n), policy.shape[1]), process.next_state.ravel()), going.ravel())
    # A policy that never ends would make the matrix singular: least squares gives the visits of those that do.
    visits = np.linalg.lstsq(np.eye(n) - move.T, np.eye(n)[start], rcond=None)[0]
    return np.where(process.terminal, visits[:, None] * policy, 0.0)
