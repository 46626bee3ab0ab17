"""Trained agents from their stored weights, in NumPy: what is measured after training needs no tensor library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pesin.environments.environment import Environment

LOG_2 = np.log(2)
LOG_STD_RANGE = (-5.0, 2.0)


@dataclass(frozen=True)
class Playback:
    """Squashed Gaussian actors and twin critics: ReLU networks with a leading agents axis.

    Attributes
    ----------
    actor, critic
        weight_i (agents, out, in) and bias_i (agents, out, 1); the critics' first axis: first ones, then second.
    deterministic, twin : ndarray of bool, shape (agents,)
    """

    actor: Mapping[str, np.ndarray]
    critic: Mapping[str, np.ndarray]
    deterministic: np.ndarray
    twin: np.ndarray

    def policy(self, observation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log_std before squashing; (agents, n, observations) -> (agents, n, actions) each."""
        mean, log_std = np.split(perceptron(self.actor, observation), 2, axis=-1)
        return mean, np.clip(log_std, *LOG_STD_RANGE)

    def mean_action(self, observation: np.ndarray) -> np.ndarray:
        """tanh of the mean, (agents, n, actions)."""
        return np.tanh(self.policy(observation)[0])

    def draw(self, observation: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Action (agents, n, actions) and log-density (agents, n); deterministic agents take the mean, and 0."""
        mean, log_std = self.policy(observation)
        stochastic = ~self.deterministic[:, None]
        u = mean + stochastic[..., None] * np.exp(log_std) * normal
        squeeze = 2 * (LOG_2 - u - np.logaddexp(0, -2 * u))
        log_density = (-0.5 * normal**2 - log_std - 0.5 * np.log(2 * np.pi) - squeeze).sum(-1)
        return np.tanh(u), np.where(stochastic, log_density, 0.0)

    def values(self, observation: np.ndarray, action: np.ndarray) -> np.ndarray:
        """The smaller critic (or the only one), (agents, n, ...) -> (agents, n), in the rewards it was taught."""
        z = np.concatenate([observation, action], -1)
        first, second = np.split(perceptron(self.critic, np.concatenate([z, z]))[..., 0], 2)
        return np.where(self.twin[:, None], np.minimum(first, second), first)


def perceptron(weights: Mapping[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """ReLU networks, the last layer linear: (agents, n, in) -> (agents, n, out)."""
    layers = sum(name.startswith("weight_") for name in weights)
    for layer in range(layers):
        x = x @ weights[f"weight_{layer}"].transpose(0, 2, 1) + weights[f"bias_{layer}"].transpose(0, 2, 1)
        x = np.maximum(x, 0) if layer < layers - 1 else x
    return x


@dataclass(frozen=True)
class Rollout:
    """Steps along episodes; first axis the steps, then agents, then starts.

    Attributes
    ----------
    state : ndarray, shape (steps + 1, agents, starts, state)
    action : ndarray, shape (steps, agents, starts, actions)
    reward, log_density : ndarray, shape (steps, agents, starts)
    """

    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    log_density: np.ndarray


def roll_out(
    player: Playback, env: Environment, starts: np.ndarray, steps: int, rng: np.random.Generator | None = None
) -> Rollout:
    """Follow the policy (with `rng`) or its mean action (without) from starts of shape (starts, state).

    Tasks with terminal states aren't cut there: leave them to the caller.
    """
    agents = len(player.deterministic)
    state = np.broadcast_to(starts, (agents, *starts.shape)).astype(float)
    lists: tuple[list[np.ndarray], ...] = ([state], [], [], [])
    for _ in range(steps):
        seen = env.observe(state)
        if rng is None:
            action, density = player.mean_action(seen), np.zeros(state.shape[:2])
        else:
            # One draw for all agents: they meet the same luck.
            normal = rng.standard_normal((len(starts), env.actions))
            action, density = player.draw(seen, np.broadcast_to(normal, (*state.shape[:2], env.actions)))
        state, reward, _ = env.step(state, action)
        for kept, value in zip(lists, (state, action, reward, density), strict=True):
            kept.append(value)
    return Rollout(*(np.array(kept) for kept in lists))
