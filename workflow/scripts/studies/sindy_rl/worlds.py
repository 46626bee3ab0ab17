"""The two tasks in terms of their observations, and the worlds that models of them make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pesin.environments import pendulum as pendulums
from pesin.environments.environment import Environment
from pesin.environments.learned import LearnedEnvironment
from pesin.environments.pendulum import Pendulum, observed
from pesin.integrate.ode import rk4_step
from pesin.models.sparse_regression import applied

PENDULUM = Pendulum()
MU, FREQUENCY, SLAVING, GAIN = 0.1, 1.0, 0.1, 1.0
"""Growth rate, angular frequency and time of the slow mode of the wake, and what an action of 1 adds to da/dt."""
ACTION_COST, REWARD_SCALE = 0.1, 10.0
WAKE_STEP, WAKE_SUBSTEPS, WAKE_HORIZON = 0.2, 4, 100
WAKE_BOUNDS = (np.array([-2.0, -2.0, -0.5]), np.array([2.0, 2.0, 4.0]))


def on_circle(seen: np.ndarray) -> np.ndarray:
    """(cos, sin) on the unit circle, the rate within its limit."""
    return pendulums.on_circle(seen, PENDULUM.rate_limit)


def pendulum() -> LearnedEnvironment:
    """The true pendulum; states are (cos, sin, rate)."""
    return observed(PENDULUM)


def wake_rate(t: float, state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """Mean-field model of a wake (Noack et al., J. Fluid Mech. 497, 335 (2003)): oscillation (a, b), slow mode A."""
    a, b, slow = state[..., 0], state[..., 1], state[..., 2]
    rate, growth = np.empty(state.shape), MU - slow
    rate[..., 0] = growth * a - FREQUENCY * b + GAIN * action[..., 0]
    rate[..., 1] = FREQUENCY * a + growth * b
    rate[..., 2] = (a**2 + b**2 - slow) / SLAVING
    return rate


def wake_move(state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """One step of the wake with the action held, by Runge-Kutta."""
    for _ in range(WAKE_SUBSTEPS):
        state = rk4_step(lambda t, x: wake_rate(t, x, action), 0.0, state, WAKE_STEP / WAKE_SUBSTEPS)
    return state


def limit_cycle(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """States of the wake that nobody controls, at any phase; (*shape, 3)."""
    phase = rng.uniform(-np.pi, np.pi, shape)
    return np.stack([np.sqrt(MU) * np.cos(phase), np.sqrt(MU) * np.sin(phase), np.full(shape, MU)], -1)


def wake() -> LearnedEnvironment:
    """The true wake; a reward is minus `REWARD_SCALE` times the drag's stand-in, a^2 + b^2 + 0.1 u^2."""
    return LearnedEnvironment(
        observations=3,
        actions=1,
        horizon=WAKE_HORIZON,
        move=wake_move,
        reward=lambda state, action: (
            -REWARD_SCALE * (state[..., 0] ** 2 + state[..., 1] ** 2 + ACTION_COST * action[..., 0] ** 2)
        ),
        begin=limit_cycle,
        project=lambda state: np.minimum(np.maximum(state, WAKE_BOUNDS[0]), WAKE_BOUNDS[1]),
    )


def network_move(networks: dict[str, np.ndarray], state: np.ndarray, action: np.ndarray) -> np.ndarray:
    """State plus the mean change that an ensemble of perceptrons foretells.

    Parameters
    ----------
    networks
        weight_i (models, members, in, out) and bias_i (models, members, 1, out); `shift`, `scale` (models, in) of what
        goes in; `unit` (models, dim) of the change.
    state, action : ndarray, shape (models, ..., dim)
    """
    x = np.concatenate([state, action], -1)
    x = x.reshape(len(x), -1, x.shape[-1])
    x = ((x - networks["shift"][:, None]) / networks["scale"][:, None])[:, None]
    layers = sum(name.startswith("weight_") for name in networks)
    for layer in range(layers):
        x = x @ networks[f"weight_{layer}"] + networks[f"bias_{layer}"]
        x = np.maximum(x, 0) if layer < layers - 1 else x
    change = x.mean(1) * networks["unit"][:, None]
    return state + change.reshape(state.shape)


def sparse_world(true: LearnedEnvironment, coefficients: np.ndarray, degree: int) -> LearnedEnvironment:
    """The task with a sparse model for its law; coefficients (models, terms, dim)."""
    return replace(true, move=lambda state, action: applied(coefficients, degree, state, action))


def sparse_reward_world(world: LearnedEnvironment, coefficients: np.ndarray, degree: int) -> LearnedEnvironment:
    """The world with a polynomial reward; coefficients (models, terms, 1)."""
    return replace(world, reward=lambda state, action: applied(coefficients, degree, state, action)[..., 0])


def network_world(true: LearnedEnvironment, networks: dict[str, np.ndarray]) -> LearnedEnvironment:
    """The task with an ensemble of perceptrons for its law."""
    return replace(true, move=lambda state, action: network_move(networks, state, action))


def as_environment(world: LearnedEnvironment) -> Environment:
    """The same object: the protocol wants members that can be set."""
    return world  # type: ignore[return-value]
