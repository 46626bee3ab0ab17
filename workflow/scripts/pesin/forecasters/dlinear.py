"""DLinear: two linear maps, of the window's moving average and of what is left, added.

Zeng, Chen, Zhang and Xu, AAAI 2023. All coordinates of the window act on each coordinate of the forecast.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pesin.forecasters import networks

NAME = "DLinear"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    kernel: int = 25,
    steps: int = 3100,
    batch: int = 32,
    learning_rate: float = 1e-3,
    device: str = "cpu",
) -> networks.Trained:
    """Train two maps for each series; arguments of the training as in `pesin.forecasters.networks.fit`.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
        Raw units.
    rng
        Source of randomness.
    length
        Points of the input window.
    kernel
        Points of the moving average, an odd number. Before and after the window its end points are repeated.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]
    average = torch.as_tensor(_moving_average(length, kernel), dtype=torch.float32, device=device)

    def draw(rng):
        return networks.draw_linear(rng, "trend", length * dim, dim) | networks.draw_linear(
            rng, "rest", length * dim, dim
        )

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        trend = average @ windows
        trend_part, rest_part = (
            networks.linear(weights, name, part.flatten(2).transpose(1, 2))
            for name, part in (("trend", trend), ("rest", windows - trend))
        )
        return (trend_part + rest_part).transpose(1, 2)[:, :, None]

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        networks.windowed(predict),
        [(length, dim)],
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


def _moving_average(length: int, kernel: int) -> np.ndarray:
    """Matrix, shape (length, length), that takes a window to its moving average."""
    matrix = np.zeros((length, length))
    for t in range(length):
        np.add.at(matrix[t], np.clip(np.arange(kernel) + t - kernel // 2, 0, length - 1), 1 / kernel)
    return matrix


forecast = networks.forecast
