"""Block RNN: a recurrent network reads the window, and a linear layer turns its last state into the forecast.

The encoder of Cho et al., EMNLP 2014, with a plain tanh recurrence (Elman, Cognitive Science 14, 1990) and one point
ahead. Unlike the LSTM here, it starts from a zero state at each window.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pesin.forecasters import networks

NAME = "BlockRNN"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    layers: int = 1,
    width: int = 25,
    steps: int = 3100,
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
        Points of the input window.
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
            weights |= networks.draw_recurrent(rng, f"layer{i}", width if i else dim, width)
        return weights

    def read(weights: networks.Weights, memory: networks.Memory, x: Tensor) -> networks.Memory:
        after: networks.Memory = ()
        for i in range(layers):
            layer, x = networks.recurrent(weights, f"layer{i}", _step, memory[i : i + 1], x)
            after += layer
        return after

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        blank = windows.new_zeros(len(windows), width, windows.shape[1])
        last = read(weights, (blank,) * layers, windows.permute(2, 0, 3, 1))[-1]
        return networks.linear(weights, "ahead", last).transpose(1, 2)[:, :, None]

    def advance(weights: networks.Weights, memory: networks.Memory, x: Tensor) -> tuple[networks.Memory, Tensor]:
        # Column j has read the last j + 1 points: the windows that end here and at the next points are read together.
        memory = tuple(torch.cat((torch.zeros_like(h[:, :, :1]), h[:, :, :-1]), 2) for h in memory)
        memory = read(weights, memory, x[None, :, :, None].expand(-1, -1, -1, length))
        return memory, networks.linear(weights, "ahead", memory[-1][:, :, -1:])[:, :, 0]

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        advance,
        [(width, length)] * layers,
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


def _step(drive: Tensor, memory: networks.Memory) -> networks.Memory:
    return (torch.tanh(drive),)


forecast = networks.forecast
