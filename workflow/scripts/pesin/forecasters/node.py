"""Neural ODE: a network gives the velocity of the state, and its integral over a window is fitted to the data.

Chen, Rubanova, Bettencourt and Duvenaud, NeurIPS 2018. A sample is one unit of time and one Runge-Kutta step, through
which the gradient is propagated.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import silu

from pesin.forecasters import networks

NAME = "NODE"
FAMILY = "hybrid"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    width: int = 30,
    steps: int = 500,
    batch: int = 128,
    learning_rate: float = 1e-2,
    device: str = "cpu",
) -> networks.Trained:
    """Train one vector field for each series; arguments of the training as in `pesin.forecasters.networks.fit`.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
        Raw units.
    rng
        Source of randomness.
    length
        Points of a window after its first one, from which they are all predicted.
    width
        Units in each of the layers.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]
    sizes = {"enter": (dim, width), "first": (width, width), "second": (width, width), "leave": (width, dim)}

    def draw(rng):
        weights: dict[str, np.ndarray] = {}
        for name, (fan_in, fan_out) in sizes.items():
            weights[f"{name}_weight"] = np.float32(0.1) * rng.standard_normal((fan_out, fan_in), dtype=np.float32)
            weights[f"{name}_bias"] = np.zeros((fan_out, 1), dtype=np.float32)
        return weights

    def velocity(weights, x):
        h = torch.tanh(networks.linear(weights, "enter", x))
        h = h + silu(networks.linear(weights, "second", silu(networks.linear(weights, "first", h))))
        return networks.linear(weights, "leave", h)

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        x, path = windows[:, :, 0].transpose(1, 2), []  # series, dim, batch
        for _ in range(windows.shape[2]):
            k1 = velocity(weights, x)
            k2 = velocity(weights, x + 0.5 * k1)
            k3 = velocity(weights, x + 0.5 * k2)
            k4 = velocity(weights, x + k3)
            x = x + (k1 + 2 * (k2 + k3) + k4) / 6
            path.append(x)
        return torch.stack(path).permute(1, 3, 0, 2)

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        networks.windowed(predict),
        [(1, dim)],
        networks.Training(rng, length, steps, batch, learning_rate, device),
        context=1,
    )


forecast = networks.forecast
