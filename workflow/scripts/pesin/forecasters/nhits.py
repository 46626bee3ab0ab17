"""N-HiTS: N-BEATS whose stacks look at the window through max pooling and explain it by interpolation.

Challu, Olivares, Oreshkin, Garza, Mergenthaler-Canseco and Dubrawski, AAAI 2023. One step ahead is asked for, so that
interpolation acts on the explained window alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from pesin.forecasters import networks

NAME = "N-HiTS"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    pooling: Sequence[int] = (8, 4, 1),
    blocks: int = 1,
    layers: int = 2,
    width: int = 512,
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
    pooling
        Points that each stack pools into one, and for which it has one coefficient.
    blocks, layers, width
        Number of blocks in a stack, and fully connected layers and units in each block.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]
    pools = [pool for pool in pooling for _ in range(blocks)]
    knots = [-(-length // pool) for pool in pools]
    between = [interpolate(torch.eye(k, device=device)[None], size=length, mode="linear")[0].T for k in knots]

    def draw(rng):
        weights: dict[str, np.ndarray] = {}
        for b, count in enumerate(knots):
            sizes = [count * dim, *[width] * layers]
            for i in range(layers):
                weights |= networks.draw_linear(rng, f"block{b}_layer{i}", sizes[i], sizes[i + 1])
            weights |= networks.draw_linear(rng, f"block{b}_ahead", width, dim)
            if b < len(pools) - 1:  # nobody reads the last block's window
                weights |= networks.draw_linear(rng, f"block{b}_back", width, count * dim)
        return weights

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        rest = windows.permute(0, 3, 2, 1).contiguous()  # series, dim, time, batch
        ahead = rest.new_zeros(len(rest), dim, rest.shape[3])
        for b, (pool, count) in enumerate(zip(pools, knots, strict=True)):
            h = max_pool2d(rest, (pool, 1), ceil_mode=True).flatten(1, 2)
            for i in range(layers):
                h = networks.linear(weights, f"block{b}_layer{i}", h).relu_()
            ahead = ahead + networks.linear(weights, f"block{b}_ahead", h)
            if b < len(pools) - 1:
                coefficients = networks.linear(weights, f"block{b}_back", h).view(len(rest), dim, count, -1)
                rest = rest - between[b] @ coefficients
        return ahead.transpose(1, 2)[:, :, None]

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        networks.windowed(predict),
        [(length, dim)],
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


forecast = networks.forecast
