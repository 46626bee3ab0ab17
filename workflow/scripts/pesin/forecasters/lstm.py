"""LSTM trained to predict the next point at every point of a window; its state runs on through the forecast.

Hochreiter and Schmidhuber, Neural Computation 9, 1997, with forget gates.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pesin.forecasters import networks

NAME = "LSTM"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    layers: int = 2,
    width: int = 25,
    steps: int = 6200,
    batch: int = 32,
    learning_rate: float = 1e-3,
    device: str = "cpu",
) -> networks.Trained:
    """Train one network for each series; arguments of the training as in `pesin.forecasters.networks.fit`.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
        Raw units.
    rng
        Source of randomness.
    length
        Points of a training window, and of the history that the state has seen when the forecast starts.
    layers, width
        Recurrent layers, and units in each.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]

    def draw(rng):
        weights = networks.draw_linear(rng, "ahead", width, dim)
        for i in range(layers):
            weights |= networks.draw_recurrent(rng, f"layer{i}", width if i else dim, width, gates=4)
        return weights

    def step(drive: Tensor, memory: networks.Memory) -> networks.Memory:
        doors, offer = drive.split((3 * width, width), 1)
        let_in, keep, let_out = torch.sigmoid(doors).chunk(3, 1)
        cell = torch.addcmul(keep * memory[1], let_in, torch.tanh(offer))
        return let_out * torch.tanh(cell), cell

    def read(weights: networks.Weights, memory: networks.Memory, x: Tensor) -> tuple[networks.Memory, Tensor]:
        """Points (time, series, dim, columns) -> the points after them, shape (series, columns, time, dim)."""
        after: networks.Memory = ()
        for i in range(layers):
            layer, x = networks.recurrent(weights, f"layer{i}", step, memory[2 * i : 2 * i + 2], x)
            after += layer
        time, series, _, columns = x.shape
        ahead = networks.linear(weights, "ahead", x.permute(1, 2, 0, 3).flatten(2))
        return after, ahead.view(series, dim, time, columns).permute(0, 3, 2, 1)

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        blank = windows.new_zeros(len(windows), width, windows.shape[1])
        return read(weights, (blank,) * (2 * layers), windows.permute(2, 0, 3, 1))[1]

    def advance(weights: networks.Weights, memory: networks.Memory, x: Tensor) -> tuple[networks.Memory, Tensor]:
        memory, ahead = read(weights, memory, x[None, :, :, None])
        return memory, ahead[:, 0, 0]

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        advance,
        [(width, 1)] * (2 * layers),
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


forecast = networks.forecast
