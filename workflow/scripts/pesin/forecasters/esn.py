"""Echo state network as the papers ran it: raw values, one leak rate chosen, everything else fixed.

H. Jaeger, GMD report 148 (2001). Recurrent weights are normal, those of the input and the bias +-1 or 0, as in the
reservoirpy of that time. On raw values of large amplitude the units saturate; `tuned_esn` is the standardised one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.linalg import solve
from scipy.sparse.linalg import eigs

from pesin.forecasters.common import checked, limits

NAME = "ESN"
FAMILY = "hybrid"


class Network(NamedTuple):
    """All series' networks: recurrent weights as one sparse block-diagonal matrix, acting from the left; inside
    (series, units, dim) and bias (series, units); leak."""

    recurrent: sparse.csr_array
    inside: np.ndarray
    bias: np.ndarray
    leak: float


class State(NamedTuple):
    """The networks; readout (series, units + 1, dim), the constant's last; present states (series, units); limits
    (series, dim)."""

    network: Network
    readout: np.ndarray
    present: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    leak: float = 0.5,
    units: int = 500,
    radius: float = 0.99,
    density: float = 0.1,
    input_scale: float = 1.0,
    input_density: float = 0.2,
    ridge: float = 1e-4,
) -> State:
    """Draw a reservoir for each series, drive it by the history, fit its readout to the next point.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
    rng
        Draws the weights.
    leak
        Share of the state replaced at each step.
    units, radius, density
        Size of the reservoir, its spectral radius, the share of its connections that aren't 0.
    input_scale, input_density
        Size of the input weights and the biases, and the share that aren't 0.
    ridge
        Penalty on the readout, not on its constant.

    Returns
    -------
    State

    Raises
    ------
    UserError
        If there are fewer than 10 points.
    """
    history = checked(NAME, history, 10, 1)
    network = draw(rng.spawn(len(history)), history.shape[2], leak, units, radius, density, input_scale, input_density)
    states = listen(network, history)
    skipped = min(100, history.shape[1] // 10)
    targets = history[:, skipped + 1 :]
    readout = np.stack([fit_readout(states[skipped:-1, i], y, ridge) for i, y in enumerate(targets)])
    return State(network, readout, states[-1], *limits(history))


def draw(
    rngs: list[np.random.Generator],
    dim: int,
    leak: float,
    units: int,
    radius: float,
    density: float,
    input_scale: float,
    input_density: float,
) -> Network:
    """Draw one network from each generator; see `fit`."""
    blocks, inside, bias = [], [], []
    for rng in rngs:
        matrix = sparse.csr_array(rng.standard_normal((units, units)) * (rng.random((units, units)) < density))
        blocks.append(matrix * (radius / _spectral_radius(matrix, rng)))
        weights = rng.choice([-input_scale, input_scale], (units, dim + 1))
        weights = weights * (rng.random(weights.shape) < input_density)
        inside.append(weights[:, :dim])
        bias.append(weights[:, dim])
    return Network(sparse.block_diag(blocks, format="csr"), np.stack(inside), np.stack(bias), leak)


def _spectral_radius(matrix: sparse.csr_array, rng: np.random.Generator) -> float:
    units = matrix.shape[0]
    if units <= 200:
        return float(np.abs(np.linalg.eigvals(matrix.toarray())).max())
    # Several eigenvalues of nearly the same size: asked for one alone, the iteration may settle on the second.
    start = rng.standard_normal(units)
    return float(np.abs(eigs(matrix, k=6, ncv=40, tol=1e-2, v0=start, return_eigenvectors=False)).max())


def step(network: Network, state: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Drive the states (series, units) by the points x (series, dim)."""
    echo = (network.recurrent @ state.ravel()).reshape(state.shape)
    drive = echo + network.bias + np.einsum("sud,sd->su", network.inside, x)
    return (1 - network.leak) * state + network.leak * np.tanh(drive)


def listen(network: Network, x: np.ndarray) -> np.ndarray:
    """States after each point of x (series, time, dim), from rest: shape (time, series, units)."""
    state = np.zeros_like(network.bias)
    path = np.empty((x.shape[1], *state.shape))
    for t in range(x.shape[1]):
        path[t] = state = step(network, state, x[:, t])
    return path


def fit_readout(features: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """Ridge regression of the targets (time, dim) on the features (time, units), with a free constant as last row."""
    middle, centre = features.mean(0), targets.mean(0)
    f = features - middle
    gram = f.T @ f
    gram[np.diag_indices(len(gram))] += ridge
    weights = solve(gram, f.T @ (targets - centre), assume_a="pos")
    return np.concatenate([weights, (centre - middle @ weights)[None]])


def forecast(state: State, steps: int) -> np.ndarray:
    """Run the networks on their own outputs, clipped: shape (series, steps, dim)."""
    now, path = state.present, np.empty((len(state.present), steps, state.readout.shape[2]))
    for t in range(steps):
        y = (now[:, None] @ state.readout[:, :-1] + state.readout[:, -1:])[:, 0]
        path[:, t] = y = np.clip(y, state.low, state.high)
        now = step(state.network, now, y)
    return path
