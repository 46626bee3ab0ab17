"""Transformer: an encoder reads the window, and a decoder that starts from its last point gives the next.

Vaswani et al., NeurIPS 2017: sines as positions, normalisation after each part, ReLU; without dropout and without gains
in the normalisation.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from pesin.forecasters import networks

NAME = "Transformer"
FAMILY = "deep"


def fit(
    history: np.ndarray,
    *,
    rng: np.random.Generator,
    length: int = 25,
    layers: int = 3,
    width: int = 64,
    heads: int = 4,
    hidden: int = 512,
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
    layers
        Of the encoder, and as many of the decoder.
    width, heads
        Width of the residual stream, an even number, and attention heads, which must divide it.
    hidden
        Units between the two layers after an attention.

    Raises
    ------
    UserError
        If the history is too short.
    """
    dim = history.shape[-1]
    encoder = [f"encoder{i}" for i in range(layers)]
    decoder = [f"decoder{i}" for i in range(layers)]

    def draw(rng):
        weights = networks.draw_linear(rng, "embedding", dim, width) | networks.draw_linear(rng, "ahead", width, dim)
        for layer in encoder + decoder:
            for attention in (f"{layer}_self", *([f"{layer}_cross"] if layer in decoder else [])):
                weights |= networks.draw_linear(rng, f"{attention}_query", width, width)
                weights |= networks.draw_linear(rng, f"{attention}_read", width, 2 * width)
                weights |= networks.draw_linear(rng, f"{attention}_out", width, width)
            weights |= networks.draw_linear(rng, f"{layer}_up", width, hidden)
            weights |= networks.draw_linear(rng, f"{layer}_down", hidden, width)
        return weights

    def predict(weights: networks.Weights, windows: Tensor) -> Tensor:
        def linear(name, x):  # on the last axis, as normalisation needs it
            return torch.baddbmm(weights[f"{name}_bias"].mT, x.flatten(1, -2), weights[f"{name}_weight"].mT).view(
                *x.shape[:-1], -1
            )

        def attend(name, x, source):
            query = linear(f"{name}_query", x).unflatten(-1, (heads, -1)).transpose(-3, -2)
            read = linear(f"{name}_read", source).unflatten(-1, (2, heads, -1))
            key, value = read.movedim(-3, 0).transpose(-3, -2)
            mixed = scaled_dot_product_attention(query.flatten(0, 1), key.flatten(0, 1), value.flatten(0, 1))
            return add_norm(x, linear(f"{name}_out", mixed.transpose(-3, -2).reshape(x.shape)))

        def feed_forward(layer, x):
            return add_norm(x, linear(f"{layer}_down", linear(f"{layer}_up", x).relu()))

        places = _places(length, width, windows.device)
        embedded = linear("embedding", windows) * math.sqrt(width)
        source, x = embedded + places, embedded[:, :, -1:] + places[:1]
        for layer in encoder:
            source = feed_forward(layer, attend(f"{layer}_self", source, source))
        for layer in decoder:
            x = attend(f"{layer}_cross", attend(f"{layer}_self", x, x), source)
            x = feed_forward(layer, x)
        return linear("ahead", x)

    return networks.fit(
        NAME,
        history,
        draw,
        predict,
        networks.windowed(predict),
        [(length, dim)],
        networks.Training(rng, length, steps, batch, learning_rate, device),
    )


def add_norm(x: Tensor, change: Tensor) -> Tensor:
    """Add and normalise over the last axis."""
    return layer_norm(x + change, x.shape[-1:])


def _places(length: int, width: int, device) -> Tensor:
    """Sines and cosines of the place at wavelengths from 2 pi to 10 000 * 2 pi, shape (length, width)."""
    angle = torch.arange(length, device=device)[:, None] * 1e4 ** (-torch.arange(0, width, 2, device=device) / width)
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)


forecast = networks.forecast
