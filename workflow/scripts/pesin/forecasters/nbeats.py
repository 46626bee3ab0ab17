"""N-BEATS, generic: blocks of fully connected layers, each explains a part of the window and passes on the rest.

Oreshkin, Carpov, Chapados and Bengio, ICLR 2020; several coordinates enter as one flat window. The weights aren't
shared between blocks, so stacks of one block are the same as one stack.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from pesin.forecasters import networks

NAME = "N-BEATS"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    blocks: int = 30,
    layers: int = 4,
    width: int = 256,
    expansion: int = 5,
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
    blocks, layers, width
        Number of blocks, and fully connected layers and units in each.
    expansion
        Coefficients from which a block forms its part of the window, and as many for its part of the forecast.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]
    sizes = [length * dim, *[width] * layers]

    def draw(rng):
        weights: dict[str, np.ndarray] = {}
        for b in range(blocks):
            for i in range(layers):
                weights |= networks.draw_linear(rng, f"block{b}_layer{i}", sizes[i], sizes[i + 1])
            for part, size in (("back", length * dim), ("ahead", dim)):
                if part == "ahead" or b < blocks - 1:  # nobody reads the last block's window
                    weights |= networks.draw_linear(rng, f"block{b}_{part}_coefficients", width, expansion)
                    weights |= networks.draw_linear(rng, f"block{b}_{part}", expansion, size)
        return weights

    predict = predictor(blocks, layers)
    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        networks.windowed(predict),
        [(length, dim)],
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


def predictor(blocks: int, layers: int) -> networks.Predict:
    """What runs networks of so many blocks and layers on windows; see `pesin.forecasters.networks`."""

    def part(weights, name, h):
        return networks.linear(weights, name, networks.linear(weights, f"{name}_coefficients", h))

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        rest, dim = windows.flatten(2).transpose(1, 2).contiguous(), windows.shape[-1]
        ahead = rest.new_zeros(len(rest), dim, rest.shape[2])
        for b in range(blocks):
            h = rest
            for i in range(layers):
                h = networks.linear(weights, f"block{b}_layer{i}", h).relu_()
            ahead = ahead + part(weights, f"block{b}_ahead", h)
            if b < blocks - 1:
                rest = rest - part(weights, f"block{b}_back", h)
        return ahead.transpose(1, 2)[:, :, None]

    return predict


forecast = networks.forecast
