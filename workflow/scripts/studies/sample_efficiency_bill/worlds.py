"""The two pendulums, what is learnt of them, and the laws that polynomials and networks make."""

from __future__ import annotations

import numpy as np
import torch

from pesin.environments.pendulum import Pendulum, observed, on_circle
from pesin.models.hypernetwork import shaped
from pesin.models.sparse_regression import applied
from pesin.rl.planning import Move
from studies.sample_efficiency_bill.params import Simulate

RATE_LIMIT = Pendulum.rate_limit
INPUTS = np.array([1.0, 1.0, RATE_LIMIT, 1.0])
"""cos, sin, rate [rad/s] and action are divided by these before the network of a hypernetwork sees them."""
TARGETS = np.array([0.25, 0.25, 0.75])
"""Likewise the changes of cos, sin and rate."""


OBSERVED = observed(Pendulum())


def pendulums(p: Simulate) -> dict[str, Pendulum]:
    """By name."""
    return {name: Pendulum(one.mass, one.length, one.gravity, horizon=p.horizon) for name, one in p.worlds.items()}


def reward(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
    """What all pendulums here pay: it needs no law."""
    return OBSERVED.reward(seen, action)


def projected(move: Move) -> Move:
    """The law, with its next states brought back to where states can be."""
    return lambda seen, action: on_circle(move(seen, action), RATE_LIMIT)


def sparse_law(coefficients: np.ndarray, degree: int) -> Move:
    """Next states by polynomials; coefficients (models, terms, 3)."""
    return lambda seen, action: applied(coefficients, degree, seen, action)


def network_law(flat: np.ndarray, sizes: list[int]) -> Move:
    """Next states by tanh networks of the scaled change, whose weights lie flat, (models, weights)."""
    weights = {name: value.numpy() for name, value in shaped(torch.as_tensor(flat), sizes).items()}
    layers = len(sizes) - 1

    def move(seen: np.ndarray, action: np.ndarray) -> np.ndarray:
        x = (np.concatenate([seen, action], -1) / INPUTS).astype(np.float32)
        for layer in range(layers):
            x = x @ weights[f"weight_{layer}"] + weights[f"bias_{layer}"]
            x = np.tanh(x) if layer < layers - 1 else x
        return seen + x * TARGETS

    return move
