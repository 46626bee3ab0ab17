"""The bandit problems: linear systems, their cumulative Markov parameter h, their arms, and what learners are told.

x' = A x + B u + eps, y = omega x + theta u + eta, with omega = C^T 1 and theta = D^T 1. Held for long, an action u
earns h u a round, with h = theta + B^T (I - A)^-T omega (Mussi, Metelli, Restelli 2023, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

import numpy as np

POWERS = 200  # A^i / rho^i underflows not much later


@dataclass(frozen=True)
class Problem:
    """One system with its arms.

    Attributes
    ----------
    a, b : ndarray, shape (state, state), (state, channel)
    omega, theta : ndarray, shape (state,), (channel,)
    arms : ndarray, shape (arm, channel)
    outputs
        Number of outputs that are summed into the reward, each with its own noise.
    norms
        Upper bounds of |theta|, |omega| and |B|_2 that a learner is told.
    """

    a: np.ndarray
    b: np.ndarray
    omega: np.ndarray
    theta: np.ndarray
    arms: np.ndarray
    outputs: int
    norms: tuple[float, ...]

    @property
    def h(self) -> np.ndarray:
        return cumulative_markov(self.a, self.b, self.omega, self.theta)

    @property
    def values(self) -> np.ndarray:
        """J of each arm, shape (arm,)."""
        return self.arms @ self.h

    @cached_property
    def radius(self) -> float:
        """Spectral radius rho of A."""
        return spectral_radius(self.a)

    @cached_property
    def growth(self) -> float:
        """Phi of A, see `transient_growth`."""
        return transient_growth(self.a)


def cumulative_markov(a, b, omega, theta) -> np.ndarray:
    """h = theta + B^T (I - A)^-T omega, shape (channel,): the steady reward of a unit of each channel."""
    return theta + b.T @ np.linalg.solve((np.eye(len(a)) - a).T, omega)


def budget_arms(channels: int, budget: float, cap: float = 1.0) -> np.ndarray:
    """Fill a budget greedily, `cap` for each channel, in every order of the channels: shape (arm, channel), sorted."""
    arms = set()
    for order in permutations(range(channels)):
        left, arm = budget, [0.0] * channels
        for channel in order:
            arm[channel] = min(cap, left)
            left -= arm[channel]
        arms.add(tuple(arm))
    return np.array(sorted(arms))


def expert_action(spending, budget: float, cap: float = 1.0) -> np.ndarray:
    """Split a budget as the past spending was split; what exceeds the cap goes to the other channels in proportion."""
    share = np.asarray(spending, float) / np.sum(spending) * budget
    capped = share >= cap
    free = budget - cap * capped.sum()
    return np.where(capped, cap, share * free / max(share[~capped].sum(), np.finfo(float).tiny))


def given_system(a, b, c, d, budget: float, memory: str) -> Problem:
    """The problem of matrices as in the paper's configuration files; `removed` memory pays h u at once."""
    a, b, c, d = (np.asarray(m, float) for m in (a, b, c, d))
    omega, theta = c.sum(0), d.sum(0)
    if memory == "removed":
        omega, theta = np.zeros_like(omega), cumulative_markov(a, b, omega, theta)
    norms = tuple(float(x) for x in (np.linalg.norm(theta), np.linalg.norm(omega), np.linalg.norm(b, 2)))
    return Problem(a, b, omega, theta, budget_arms(b.shape[1], budget), len(c), norms)


def one_good_channel(channels: int, gap: float, rho: float) -> Problem:
    """Unit arms, one for each channel; the first is worth `gap` through a state, all others nothing.

    The learner is told norms that hold for every gap up to 1, the same for all dimensions.
    """
    b = gap * (1 - rho) * np.eye(1, channels)
    return Problem(np.array([[rho]]), b, np.ones(1), np.zeros(channels), np.eye(channels), 1, (0.0, 1.0, 1 - rho))


def spectral_radius(a: np.ndarray) -> float:
    """Largest modulus of the eigenvalues (a complex pair counts by its modulus)."""
    return float(np.abs(np.linalg.eigvals(a)).max())


def transient_growth(a: np.ndarray) -> float:
    """Phi = sup_{i >= 1} |A^i|_2 / rho^i: how much worse than rho^i the powers of A are.

    Raises
    ------
    ValueError
        If A is nilpotent but not 0: then no multiple of rho^i bounds its powers.
    """
    rho = spectral_radius(a)
    if rho == 0:
        if a.any():
            raise ValueError("A is nilpotent: its spectral radius 0 bounds none of its powers")
        return 0.0
    power, growth = np.eye(len(a)), 0.0
    for _ in range(POWERS):
        power = power @ (a / rho)
        growth = max(growth, float(np.linalg.norm(power, 2)))
    return growth
