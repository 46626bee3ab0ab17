"""The interaction loops, compiled: an optimistic linear learner with switches, and Exp3.

A round takes a sixth of a microsecond or less, one of a learner that holds its actions a twentieth. Every learner meets
the same noise, which comes in as arrays.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pesin.compiled import njit
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


@lru_cache(4)
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
    return np.vectorize(_beta.py_func)(np.asarray(time, float), *_bonus(problem, learner, sigma, horizon))


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
    logged = horizon if logged is None else min(logged, horizon)
    nothing = np.full((len(marks), len(problem.theta)), np.nan)
    if learner.kind == "uniform":
        arm = (noise.lottery * len(problem.arms)).astype(np.int16)
        return Run(arm, respond(problem, problem.arms[arm[:logged]], sigma, noise), nothing, nothing[:, 0])
    drive, paid = problem.arms @ problem.b.T, problem.arms @ problem.theta
    error = sigma * float(np.sqrt(problem.outputs))
    system = (problem.a, problem.omega, drive, paid, sigma, error, noise.state, noise.reward)
    ends = epoch_ends(problem.radius, horizon) if learner.hold else np.ones(horizon, bool)
    if learner.kind == "exp3":
        held = int(np.diff(np.flatnonzero(ends)).max(initial=1))
        bound = float((problem.norms[0] + bonus_constants(problem, 0)[0]) * np.linalg.norm(problem.arms, axis=1).max())
        arm, reward = _exp3(*system, noise.lottery, held, bound, logged)
        return Run(arm, reward, nothing, nothing[:, 0])
    first = int(noise.lottery[0] * len(problem.arms))
    return Run(*_optimist(*system, problem.arms, first, ends, marks, _bonus(problem, learner, sigma, horizon), logged))


def _bonus(problem: Problem, learner, sigma: float, horizon: int) -> tuple:
    """Numbers that `_beta` takes after the time.

    A learner that doesn't know the dynamics is the textbook's, as in the authors' code: |theta| alone, noise of
    variance 1, the width of the last round from the first on, and the whole budget for the largest action.
    """
    c1, c2, variance = bonus_constants(problem, sigma)
    largest, always = float((problem.arms**2).sum(1).max()), 0.0
    if not learner.knows_dynamics:
        c1, variance, always = problem.norms[0], 1.0, float(horizon)
        largest = float(np.abs(problem.arms).sum(1).max()) ** 2
    regularisation = float(np.log(horizon)) if learner.regularisation == "log" else float(learner.regularisation)
    channels = float(len(problem.theta))
    wider = channels / 2 * 0.5 / (1 - problem.radius) if learner.widened else 1.0
    c2 = c2 if learner.transient_bonus else 0.0
    shape = (float(np.log(horizon)), regularisation, float(learner.discount), largest, channels)
    return c1, c2, variance, *shape, always, wider


@njit(error_model="numpy")
def _beta(time, c1, c2, variance, log_horizon, regularisation, discount, squared, channels, always, wider):
    counted = always if always > 0 else time
    if discount < 1:
        counted = (1 - discount ** (2 * counted)) / (1 - discount**2)
    volume = log_horizon + channels / 2 * np.log(1 + counted * squared / (channels * regularisation))
    transient = c2 / np.sqrt(regularisation) * (1 + np.log(time + 1)) if c2 > 0 else 0.0
    return wider * (c1 * np.sqrt(regularisation) + transient + np.sqrt(2 * variance * volume))


@njit(error_model="numpy")
def _dot(x, y):
    total = 0.0
    for i in range(len(x)):
        total += x[i] * y[i]
    return total


@njit(error_model="numpy")
def _advance(a, x, drive, arm, sigma, shocks, t, old):
    """x <- A x + B u + sigma shocks[t], in place, for drive[arm] = B u; `old` is scratch of the same shape.

    Written out by elements, here and below: a view of a row costs more than the row's arithmetic.
    """
    for i in range(len(x)):
        old[i] = x[i]
    for i in range(len(x)):
        total = drive[arm, i] + sigma * shocks[t, i]
        for j in range(len(x)):
            total += a[i, j] * old[j]
        x[i] = total


@njit(error_model="numpy")
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


@njit(error_model="numpy")
def _most_promising(arms, arm, estimate, spread, width):
    """The arm of the largest upper confidence bound, or `arm` where none is a number."""
    best = -np.inf
    for k in range(len(arms)):
        bound = width * np.sqrt(spread[k])
        for i in range(arms.shape[1]):
            bound += estimate[i] * arms[k, i]
        if bound > best:
            best, arm = bound, k
    return arm


@njit(error_model="numpy")
def _regress(arms, arm, reward, inverse, estimate, spread, left):
    """Take one action and its reward into the regression, in place, by Sherman and Morrison.

    `inverse` is V^-1, `spread` u^T V^-1 u of each arm; `left` is scratch.
    """
    size, scale, error = len(estimate), 1.0, reward
    for i in range(size):
        left[i] = 0.0
        for j in range(size):
            left[i] += inverse[i, j] * arms[arm, j]
        scale += left[i] * arms[arm, i]
        error -= estimate[i] * arms[arm, i]
    for i in range(size):
        estimate[i] += left[i] * error / scale
        for j in range(size):
            inverse[i, j] -= left[i] * left[j] / scale
    for k in range(len(arms)):
        shared = 0.0
        for i in range(size):
            shared += arms[k, i] * left[i]
        spread[k] -= shared**2 / scale


@njit(error_model="numpy")
def _regress_forgetting(arms, arm, reward, sums, inverse, estimate, spread, left, discount, regularisation):
    """The same for D-LinUCB (Russac et al. 2019), in which older rounds count less: `sums` are V, V of the squared
    weights, and the sum of the rewards' actions."""
    v, v_squared, moment = sums
    size = len(estimate)
    for i in range(size):
        moment[i] = discount * moment[i] + arms[arm, i] * reward
        for j in range(size):
            grown, kept = arms[arm, i] * arms[arm, j], regularisation if i == j else 0.0
            v[i, j] = discount * v[i, j] + grown + (1 - discount) * kept
            v_squared[i, j] = discount**2 * v_squared[i, j] + grown + (1 - discount**2) * kept
    _invert(v, inverse)
    for i in range(size):
        estimate[i] = _dot(inverse[i], moment)
    for k in range(len(arms)):
        for i in range(size):
            left[i] = _dot(inverse[i], arms[k])
        spread[k] = 0.0
        for i in range(size):
            spread[k] += left[i] * _dot(v_squared[i], left)


@njit(error_model="numpy")
def _optimist(
    a, omega, drive, paid, sigma, error, shocks, errors, arms, first, ends, marks, bonus, logged
):  # fmt: skip
    """Ridge regression of the last reward of each epoch, and the arm of the largest upper confidence bound.

    `drive` and `paid` are B u and theta u of each arm, shapes (arm, state), (arm,); `bonus` what `_bonus` returns.
    """
    regularisation, discount = bonus[4], bonus[5]
    rounds, size = len(errors), arms.shape[1]
    played, rewards = np.empty(rounds, np.int16), np.empty(logged)
    estimates, information = np.zeros((len(marks), size)), np.zeros(len(marks))
    inverse, estimate, left = np.eye(size) / regularisation, np.zeros(size), np.zeros(size)
    sums = np.eye(size) * regularisation, np.eye(size) * regularisation, np.zeros(size)
    spread = np.zeros(len(arms))
    for k in range(len(arms)):
        spread[k] = _dot(arms[k], arms[k]) / regularisation
    x, old, arm, mark = np.zeros(len(omega)), np.zeros(len(omega)), first, 0
    for t in range(rounds):
        if t > 0 and ends[t - 1]:
            width = _beta(float(t), *bonus)
            arm = _most_promising(arms, arm, estimate, spread, width)
        reward = _dot(omega, x) + paid[arm] + error * errors[t]
        _advance(a, x, drive, arm, sigma, shocks, t, old)
        played[t] = arm
        if t < logged:
            rewards[t] = reward
        if ends[t]:
            if discount == 1:
                _regress(arms, arm, reward, inverse, estimate, spread, left)
            else:
                _regress_forgetting(arms, arm, reward, sums, inverse, estimate, spread, left, discount, regularisation)
        while mark < len(marks) and marks[mark] == t + 1:
            estimates[mark] = estimate
            information[mark] = -np.linalg.slogdet(inverse * regularisation)[1] / 2
            mark += 1
    return played, rewards, estimates, information


@njit(error_model="numpy")
def _exp3(a, omega, drive, paid, sigma, error, shocks, errors, lottery, held, bound, logged):
    """Exp3 (Auer et al. 2002) on rewards mapped from [-2, 2] bounds to [0, 1]; `held` > 1: on means over batches."""
    rounds, count = len(errors), len(paid)
    played, rewards = np.empty(rounds, np.int16), np.empty(logged)
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
        reward = _dot(omega, x) + paid[arm] + error * errors[t]
        _advance(a, x, drive, arm, sigma, shocks, t, old)
        played[t] = arm
        if t < logged:
            rewards[t] = reward
        total += reward
        if t % held == held - 1:
            scaled = (total / held + 2 * bound) / (4 * bound)
            gains[arm] += mixing / count * scaled / chances[arm]
            largest, normal = gains.max(), 0.0
            for k in range(count):
                normal += np.exp(gains[k] - largest)
            for k in range(count):
                chances[k] = (1 - mixing) * np.exp(gains[k] - largest) / normal + mixing / count
    return played, rewards


@njit()
def tally(arm, arms: int, marks, windows: int):
    """How often each arm was played by each mark, and in each of equal windows; arm -1 counts for none.

    Shapes (mark, arm) and (windows, arm).
    """
    by_mark, by_window = np.zeros((len(marks), arms), np.int64), np.zeros((windows, arms), np.int64)
    counts, mark, rounds, window, end = np.zeros(arms, np.int64), 0, len(arm), 0, 0
    end = rounds // windows
    for t in range(rounds):
        while t >= end:
            window += 1
            end = int(rounds * (window + 1) / windows)
        if arm[t] >= 0:
            counts[arm[t]] += 1
            by_window[window, arm[t]] += 1
        while mark < len(marks) and marks[mark] == t + 1:
            by_mark[mark] = counts
            mark += 1
    return by_mark, by_window
