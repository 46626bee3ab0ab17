"""Temporal convolutional network: residual blocks of causal convolutions whose dilation doubles from block to block.

Bai, Kolter and Koltun, arXiv 1803.01271 (2018), without dropout and weight norm. It predicts the next point at every
point of the window; there are as many blocks as it takes for the last point to see the whole window.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from pesin.forecasters import networks

NAME = "TCN"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    width: int = 3,
    kernel: int = 3,
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
    width
        Channels.
    kernel
        Points that a convolution joins.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]
    blocks = max(1, math.ceil(math.log2((length - 1) / (2 * (kernel - 1)) + 1)))
    channels = [dim, *[width] * (blocks - 1), dim]

    def draw(rng):
        weights: dict[str, np.ndarray] = {}
        for b in range(blocks):
            weights |= networks.draw_linear(rng, f"block{b}_first", kernel * channels[b], width)
            weights |= networks.draw_linear(rng, f"block{b}_second", kernel * width, channels[b + 1])
            if channels[b] != channels[b + 1]:
                weights |= networks.draw_linear(rng, f"block{b}_skip", channels[b], channels[b + 1])
        return weights

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        x = windows.permute(0, 3, 1, 2)  # series, channel, batch, time

        def apply(name, taps):
            return networks.linear(weights, name, torch.cat(taps, 1).flatten(2)).view(len(x), -1, *x.shape[2:])

        for b in range(blocks):
            h = apply(f"block{b}_first", _taps(x, kernel, 2**b)).relu()
            h = apply(f"block{b}_second", _taps(h, kernel, 2**b))
            if b < blocks - 1:
                h = h.relu()
            x = h + (x if channels[b] == channels[b + 1] else apply(f"block{b}_skip", [x]))
        return x.permute(0, 2, 3, 1)

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        networks.windowed(predict),
        [(length, dim)],
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


def _taps(x: Tensor, kernel: int, dilation: int) -> list[Tensor]:
    """Views of x delayed by (kernel - 1) * dilation, ..., dilation, 0 points, with zeros before its start."""
    time = x.shape[-1]
    padded = pad(x, ((kernel - 1) * dilation, 0))
    return [padded[..., k * dilation : k * dilation + time] for k in range(kernel)]


forecast = networks.forecast
