"""Echo state network on standardised values, made to be tuned: input scale, spectral radius and leak.

The readout sees every second unit squared, which breaks the reservoir's odd symmetry (Pathak et al., PRL 120, 024102,
2018).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked, limits, standardise
from pesin.forecasters.esn import Network, draw, fit_readout, listen, step

NAME = "ESN (tuned, standardised)"
FAMILY = "baseline"


class State(NamedTuple):
    """The networks; readout (series, units + 1, dim), the constant's last; present states (series, units); mean and
    deviation (series, 1, dim); limits of the standardised points (series, dim)."""

    network: Network
    readout: np.ndarray
    present: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    leak: float = 0.5,
    radius: float = 0.9,
    input_scale: float = 0.5,
    units: int = 300,
    ridge: float = 1e-8,
) -> State:
    """Draw a reservoir for each series, about ten connections a unit; fit its readout to the next point.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    rng
        Draws the weights.
    leak
        Share of the state replaced at each step.
    radius
        Spectral radius.
    input_scale
        Size of the weights of the input and the bias.
    units
        Size of the reservoir.
    ridge
        Penalty on the readout, not on its constant, for sums over points.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer than 10 points.
    """
    history = checked(NAME, history, 10, 1)
    z, mean, deviation = standardise(history)
    density = min(1.0, 10 / units)
    network = draw(rng.spawn(len(z)), z.shape[2], leak, units, radius, density, input_scale, input_density=1.0)
    states = listen(network, z)
    skipped = min(100, z.shape[1] // 10)
    targets = z[:, skipped + 1 :]
    readout = np.stack([fit_readout(_squared(states[skipped:-1, i]), y, ridge) for i, y in enumerate(targets)])
    return State(network, readout, states[-1], mean, deviation, *limits(z))


def _squared(states: np.ndarray) -> np.ndarray:
    features = states.copy()
    features[..., ::2] **= 2
    return features


def forecast(state: State, steps: int) -> np.ndarray:
    """Run the networks on their own outputs, clipped: shape (series, steps, dim)."""
    now, path = state.present, np.empty((len(state.present), steps, state.readout.shape[2]))
    for t in range(steps):
        y = (_squared(now)[:, None] @ state.readout[:, :-1] + state.readout[:, -1:])[:, 0]
        path[:, t] = y = np.clip(y, state.low, state.high)
        now = step(state.network, now, y)
    return path * state.deviation + state.mean
