"""A sparse polynomial in place of a policy's network, chosen in the model and never in the real task."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.environments.learned import LearnedEnvironment
from pesin.models.sparse_regression import monomials, polynomial_library, sparse_ridge
from pesin.rl.playback import Playback, roll_out
from studies.sindy_rl.params import Distillation
from studies.sindy_rl.worlds import as_environment


class Polynomials(NamedTuple):
    """Policies tanh(polynomial of the observation), (agents, candidates)."""

    coefficients: np.ndarray
    """(agents, candidates, terms, actions)"""
    terms: np.ndarray
    """Coefficients that are not zero."""
    imagined: np.ndarray
    """Mean return in the model."""
    chosen: np.ndarray
    """Place of the best of them in the model, (agents,)."""


def polynomial_returns(
    world: LearnedEnvironment, coefficients: np.ndarray, degree: int, starts: np.ndarray
) -> np.ndarray:
    """Mean return of each polynomial policy.

    Parameters
    ----------
    coefficients : ndarray, shape (agents, candidates, terms, actions)
    starts : ndarray, shape (starts, observations)

    Returns
    -------
    ndarray, shape (agents, candidates)
    """
    state = np.broadcast_to(starts, (*coefficients.shape[:2], *starts.shape)).astype(float)
    total = np.zeros(state.shape[:-1])
    for _ in range(world.horizon):
        action = np.tanh(polynomial_library(state, degree) @ coefficients)
        state, reward, _ = world.step(state, action)
        total += reward
    return total.mean(-1)


def distil(
    player: Playback, world: LearnedEnvironment, starts: np.ndarray, how: Distillation, rng: np.random.Generator
) -> Polynomials:
    """Query the mean action, before squashing, where the policy goes in the model and near there; fit all candidates.

    Parameters
    ----------
    player
        Agents, each with its own model in `world`.
    starts : ndarray, shape (starts, observations)
        From which they are followed, and the candidates compared.
    """
    visited = roll_out(player, as_environment(world), starts, world.horizon).state[:-1]
    visited = visited.swapaxes(0, 1).reshape(len(player.deterministic), -1, world.observations)
    asked = np.concatenate([visited, visited + how.noise * rng.standard_normal(visited.shape)], 1)
    goal = np.clip(player.policy(asked)[0], -how.clip, how.clip)
    degree = max(how.degrees)
    features = polynomial_library(asked, degree)
    power = np.array([len(term) for term in monomials(world.observations, degree)])
    allowed = power <= np.array(how.degrees)[:, None]
    weights = np.ones((len(how.degrees), features.shape[1]))
    found = np.array(
        [
            [sparse_ridge(f, y, threshold, how.ridge, weights, allowed) for threshold in how.thresholds]
            for f, y in zip(features, goal, strict=True)
        ]
    )
    found = found.swapaxes(1, 2).reshape(len(goal), -1, *found.shape[-2:])
    imagined = polynomial_returns(world, found, degree, starts)
    return Polynomials(found, (found != 0).sum((-2, -1)), imagined, imagined.argmax(1))
