"""Soft policy iteration on tables, and the soft-optimal values by value iteration (Haarnoja et al. 2018, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, xlogy

from pesin.environments.tabular import Tabular


@dataclass(frozen=True)
class Solution:
    """Values of a policy.

    Attributes
    ----------
    q : ndarray, shape (states, actions)
    value : ndarray, shape (states,)
    policy : ndarray, shape (states, actions)
    changes : ndarray, shape (iterations,)
        Largest change of the policy at each iteration.
    """

    q: np.ndarray
    value: np.ndarray
    policy: np.ndarray
    changes: np.ndarray


def boltzmann(q: np.ndarray, temperature: float) -> np.ndarray:
    """exp(q / temperature), normalised over the last axis; at 0 the first of the best actions."""
    if temperature == 0:
        return np.eye(q.shape[-1])[q.argmax(-1)]
    return np.exp(q / temperature - logsumexp(q / temperature, axis=-1, keepdims=True))


def soft_value_iteration(process: Tabular, temperature: float, discount: float, tolerance: float = 1e-13) -> Solution:
    """Fixed point of V = temperature logsumexp(Q / temperature), Q = r + discount V(s').

    Raises
    ------
    ValueError
        If the temperature isn't positive or the discount isn't below 1.
    """
    if temperature <= 0 or not 0 <= discount < 1:
        raise ValueError("temperature must be positive and discount in [0, 1)")
    value, going, changes = np.zeros(len(process.reward)), ~process.terminal, []
    for _ in range(100_000):
        q = process.reward + discount * going * value[process.next_state]
        new = temperature * logsumexp(q / temperature, axis=-1)
        changes.append(float(np.abs(new - value).max()))
        value = new
        if changes[-1] <= tolerance * max(1.0, np.abs(value).max()):
            break
    q = process.reward + discount * going * value[process.next_state]
    return Solution(q, value, boltzmann(q, temperature), np.array(changes))


def soft_policy_iteration(process: Tabular, temperature: float, discount: float, iterations: int) -> Solution:
    """Evaluate the policy exactly, then take exp(Q / temperature); from the uniform policy.

    At temperature 0 this is ordinary policy iteration.
    """
    n, actions = process.reward.shape
    policy = np.full((n, actions), 1 / actions)
    changes = []
    for _ in range(iterations):
        q, _ = evaluate_policy(process, policy, temperature, discount)
        new = boltzmann(q, temperature)
        changes.append(float(np.abs(new - policy).max()))
        policy = new
    q, value = evaluate_policy(process, policy, temperature, discount)
    return Solution(q, value, policy, np.array(changes))


def evaluate_policy(process: Tabular, policy: np.ndarray, temperature: float, discount: float):
    """Exact soft values of a policy by a linear solve.

    Returns
    -------
    (q, value)
        Shapes (states, actions) and (states,): value = E[q - temperature ln pi].
    """
    n, actions = policy.shape
    going = np.where(process.terminal, 0.0, policy)
    move = np.zeros((n, n))
    np.add.at(move, (np.repeat(np.arange(n), actions), process.next_state.ravel()), going.ravel())
    gain = (policy * process.reward).sum(-1) - temperature * xlogy(policy, policy).sum(-1)
    value = np.linalg.solve(np.eye(n) - discount * move, gain)
    return process.reward + discount * np.where(process.terminal, 0.0, value[process.next_state]), value
