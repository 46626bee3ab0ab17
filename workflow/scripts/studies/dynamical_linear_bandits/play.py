"""The interaction loops, compiled: an optimistic linear learner with switches, and Exp3.

A round takes a quarter of a microsecond or less, a run over the paper's horizon of a million rounds a quarter of a
second. Every learner meets the same noise, which comes in as arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from studies.dynamical_linear_bandits.problems import Problem
from studies.dynamical_linear_bandits.response import Noise, respond


class Run(NamedTuple):
    """What a run leaves.

    Attributes
    ----------
    arm : ndarray of int, shape (time,)
        Arm of each round; -1: an action that is none of the arms.
    reward : ndarray, shape (logged,)
        Rewards of the first rounds.
    estimate, information : ndarray, shape (mark, channel), (mark,)
        Estimate of h and ln det(V / lambda) / 2; NaN for players that estimate nothing.
    """

    arm: np.ndarray
    reward: np.ndarray
    estimate: np.ndarray
    information: np.ndarray


def epoch_ends(rho: float, rounds: int) -> np.ndarray:
    """Mark the last round of each epoch: epoch m lasts 1 + floor(ln m / ln(1 / rho)). Shape (rounds,), bool."""
    ends = np.zeros(rounds, bool)
    if rho <= 0:
        ends[:] = True
        return ends
    epochs = np.arange(1, rounds + 1)
    last = np.cumsum(1 + np.floor(np.log(epochs) / np.log(1 / rho)).astype(np.int64)) - 1
    ends[last[last < rounds]] = True
    return ends


def bonus_constants(problem: Problem, sigma: float) -> tuple[float, float, float]:
    """c1, c2 and the variance proxy of DynLin-UCB's bonus (section 4 of the paper)."""
    theta, omega, b = problem.norms
    rho, growth = problem.radius, problem.growth
    largest = float(np.linalg.norm(problem.arms, axis=1).max())
    c1 = theta + omega * b * growth / (1 - rho)
    c2 = largest * omega * growth * (largest * b + largest) / (1 - rho)
    return c1, c2, sigma**2 * (1 + omega**2 * growth**2 / (1 - rho**2))


def beta(problem: Problem, learner, sigma: float, horizon: int, time) -> np.ndarray:
    """Width of the confidence set after `time` rounds of a run of `horizon` rounds. Shape of `time`."""
    return _beta.py_func(np.asarray(time, float), *_bonus(problem, learner, sigma, horizon))


def play(problem: Problem, learner, sigma: float, noise: Noise, marks: np.ndarray, logged: int | None = None) -> Run:
    """Play one run of len(noise.reward) rounds.

    Parameters
    ----------
    problem
        System and arms.
    learner
        A `Learner` of the params, any kind but `expert`.
    sigma
        Noise level.
    noise
        Numbers of this seed.
    marks : ndarray of int, rising
        Rounds (counted from 1) after which the estimate is recorded.
    logged
        Rounds from the start whose rewards are kept; default: all.
    """
    horizon = len(noise.reward)
    nothing = np.full((len(marks), len(problem.theta)), np.nan)
    if learner.kind == "uniform":
        arm = (noise.lottery * len(problem.arms)).astype(np.int64)
        return Run(arm, respond(problem, problem.arms[arm[:logged]], sigma, noise), nothing, nothing[:, 0])
    shocks, errors = sigma * noise.state, sigma * np.sqrt(problem.outputs) * noise.reward
    drive, paid = problem.arms @ problem.b.T, problem.arms @ problem.theta
    system = (problem.a, problem.omega, drive, paid, shocks, errors)
    ends = epoch_ends(problem.radius, horizon) if learner.hold else np.ones(horizon, bool)
    if learner.kind == "exp3":
        held = int(np.diff(np.flatnonzero(ends)).max(initial=1))
        bound = float((problem.norms[0] + bonus_constants(problem, 0)[0]) * np.linalg.norm(problem.arms, axis=1).max())
        arm, reward = _exp3(*system, noise.lottery, held, bound)
        return Run(arm, reward[:logged].copy(), nothing, nothing[:, 0])
    first = int(noise.lottery[0] * len(problem.arms))
    bonus = _bonus(problem, learner, sigma, horizon)
    arm, reward, estimate, information = _optimist(*system, problem.arms, first, ends, marks, bonus)
    return Run(arm, reward[:logged].copy(), estimate, information)


def _bonus(problem: Problem, learner, sigma: float, horizon: int) -> tuple:
    c1, c2, variance = bonus_constants(problem, sigma)
    if not learner.knows_dynamics:
        c1, variance = problem.norms[0], 1.0
    regularisation = np.log(horizon) if learner.regularisation == "log" else float(learner.regularisation)
    squared = float((problem.arms**2).sum(1).max())
    c2 = c2 if learner.transient_bonus else 0.0
    channels = float(len(problem.theta))
    return c1, c2, variance, np.log(horizon), float(regularisation), float(learner.discount), squared, channels


@njit(cache=True, error_model="numpy")
def _beta(time, c1, c2, variance, log_horizon, regularisation, discount, squared, channels):
    counted = time if discount == 1 else (1 - discount ** (2 * time)) / (1 - discount**2)
    volume = log_horizon + channels / 2 * np.log(1 + counted * squared / (channels * regularisation))
    transient = c2 / np.sqrt(regularisation) * (1 + np.log(time + 1))
    return c1 * np.sqrt(regularisation) + transient + np.sqrt(2 * variance * volume)


@njit(cache=True, error_model="numpy")
def _dot(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@njit(cache=True, error_model="numpy")
def _advance(a, x, drive, shock, old):
    """x <- A x + B u + shock, in place, for drive = B u; `old` is scratch of the same shape."""
    old[:] = x
    for i in range(len(x)):
        x[i] = _dot(a[i], old) + drive[i] + shock[i]


@njit(cache=True, error_model="numpy")
def _invert(matrix, inverse):
    """Gauss-Jordan for a small positive definite matrix, which is kept."""
    inverse[:] = matrix
    for k in range(len(matrix)):
        pivot = inverse[k, k]
        inverse[k, k] = 1.0
        for j in range(len(matrix)):
            inverse[k, j] /= pivot
        for i in range(len(matrix)):
            factor = inverse[i, k]
            if i != k and factor != 0.0:
                inverse[i, k] = 0.0
                for j in range(len(matrix)):
                    inverse[i, j] -= factor * inverse[k, j]


@njit(cache=True, error_model="numpy")
def _most_promising(arms, arm, estimate, inverse, v_squared, left, width, discount):
    """The arm of the largest upper confidence bound, or `arm` where none is a number; `left` is scratch."""
    size, best = arms.shape[1], -np.inf
    for k in range(len(arms)):
        spread = 0.0
        if discount == 1:
            for i in range(size):
                if arms[k, i] != 0.0:
                    spread += arms[k, i] * _dot(inverse[i], arms[k])
        else:
            for i in range(size):
                left[i] = _dot(inverse[i], arms[k])
            for i in range(size):
                spread += left[i] * _dot(v_squared[i], left)
        bound = _dot(estimate, arms[k]) + width * np.sqrt(spread)
        if bound > best:
            best, arm = bound, k
    return arm


@njit(cache=True, error_model="numpy")
def _regress(u, reward, moment, v, v_squared, discount, regularisation):
    """Take one action and its reward into the sums of the regression, in place."""
    for i in range(len(u)):
        moment[i] = discount * moment[i] + u[i] * reward
        for j in range(len(u)):
            kept = (1 - discount) * regularisation if i == j else 0.0
            v[i, j] = discount * v[i, j] + u[i] * u[j] + kept
            if discount < 1:
                kept = (1 - discount**2) * regularisation if i == j else 0.0
                v_squared[i, j] = discount**2 * v_squared[i, j] + u[i] * u[j] + kept


@njit(cache=True, error_model="numpy")
def _optimist(a, omega, drive, paid, shocks, errors, arms, first, ends, marks, bonus):
    """Ridge regression of the last reward of each epoch, and the arm of the largest upper confidence bound.

    `drive` and `paid` are B u and theta u of each arm, shapes (arm, state), (arm,); `bonus` what `_bonus` returns.
    """
    regularisation, discount = bonus[4], bonus[5]
    rounds, size = len(errors), arms.shape[1]
    played, rewards = np.empty(rounds, np.int64), np.empty(rounds)
    estimates, information = np.zeros((len(marks), size)), np.zeros(len(marks))
    v, v_squared = np.eye(size), np.eye(size)
    for i in range(size):
        v[i, i] = v_squared[i, i] = regularisation
    inverse, moment, estimate, left = np.eye(size), np.zeros(size), np.zeros(size), np.zeros(size)
    for i in range(size):
        inverse[i, i] = 1 / regularisation
    x, old, arm, mark = np.zeros(len(omega)), np.zeros(len(omega)), first, 0
    for t in range(rounds):
        if t > 0 and ends[t - 1]:
            width = _beta(float(t), *bonus)
            arm = _most_promising(arms, arm, estimate, inverse, v_squared, left, width, discount)
        reward = _dot(omega, x) + paid[arm] + errors[t]
        _advance(a, x, drive[arm], shocks[t], old)
        played[t], rewards[t] = arm, reward
        if ends[t]:
            _regress(arms[arm], reward, moment, v, v_squared, discount, regularisation)
            _invert(v, inverse)
            for i in range(size):
                estimate[i] = _dot(inverse[i], moment)
        while mark < len(marks) and marks[mark] == t + 1:
            for i in range(size):
                estimates[mark, i] = estimate[i]
            information[mark] = np.linalg.slogdet(v / regularisation)[1] / 2
            mark += 1
    return played, rewards, estimates, information


@njit(cache=True, error_model="numpy")
def _exp3(a, omega, drive, paid, shocks, errors, lottery, held, bound):
    """Exp3 (Auer et al. 2002) on rewards mapped from [-2, 2] bounds to [0, 1]; `held` > 1: on means over batches."""
    rounds, count = len(errors), len(paid)
    played, rewards = np.empty(rounds, np.int64), np.empty(rounds)
    batches = rounds / held
    mixing = min(1.0, np.sqrt(count * np.log(count) / ((np.e - 1) * 2 * batches / 3)))
    gains, chances = np.zeros(count), np.full(count, 1.0 / count)
    x, old, arm, total = np.zeros(len(omega)), np.zeros(len(omega)), 0, 0.0
    for t in range(rounds):
        if t % held == 0:
            arm, chance = 0, chances[0]
            while arm < count - 1 and chance < lottery[t]:
                arm += 1
                chance += chances[arm]
            total = 0.0
        rewards[t] = _dot(omega, x) + paid[arm] + errors[t]
        _advance(a, x, drive[arm], shocks[t], old)
        played[t] = arm
        total += rewards[t]
        if t % held == held - 1:
            scaled = (total / held + 2 * bound) / (4 * bound)
            gains[arm] += mixing / count * scaled / chances[arm]
            largest, normal = gains.max(), 0.0
            for k in range(count):
                normal += np.exp(gains[k] - largest)
            for k in range(count):
                chances[k] = (1 - mixing) * np.exp(gains[k] - largest) / normal + mixing / count
    return played, rewards
