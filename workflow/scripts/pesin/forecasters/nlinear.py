"""NLinear: one linear map of the window after its last point has been subtracted; the point is added again.

Zeng, Chen, Zhang and Xu, AAAI 2023. All coordinates of the window act on each coordinate of the forecast.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from pesin.forecasters import networks

NAME = "NLinear"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    steps: int = 3100,
    batch: int = 32,
    learning_rate: float = 1e-3,
    device: str = "cpu",
) -> networks.Trained:
    """Train one map for each series; arguments of the training as in `pesin.forecasters.networks.fit`.

    Parameters
    ----------
    history : ndarray, shape (series, time, dim)
        Raw units.
    rng
        Source of randomness.
    length
        Points of the input window.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]

    def draw(rng):
        return networks.draw_linear(rng, "ahead", length * dim, dim)

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        last = windows[:, :, -1:]
        ahead = networks.linear(weights, "ahead", (windows - last).flatten(2).transpose(1, 2))
        return last + ahead.transpose(1, 2)[:, :, None]

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
