"""Causal convolutional autoencoders of series with a leading runs axis: many of them train as one tensor program.

The encoder is a causal dilated convolution and a convolution with stride 3; the decoder mirrors it. Parameters are
plain dicts of tensors whose first axis is the run.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn.functional import elu, leaky_relu, pad

from pesin.models.mlp import Parameters
from pesin.models.optimisers import Adam

STRIDE, KERNEL, DILATION = 3, 3, 2


def init(runs: int, generator: torch.Generator, hidden: int = 16, channels: int = 8, device: str = "cpu") -> Parameters:
    """Draw the weights as `torch.nn.Conv1d` does, each run its own.

    Parameters
    ----------
    runs
        Number of autoencoders.
    generator
        CPU generator; the draws don't depend on the device.
    hidden, channels
        Channels of the hidden layers, and of the encoded series.

    Returns
    -------
    dict
        {layer}_weight of shape (runs, taps * in, out) and {layer}_bias of shape (runs, 1, out), with gradients asked
        for; layers: dilated, strided (the encoder), hidden, output (the decoder).
    """
    layers = {
        "dilated": (KERNEL, hidden),
        "strided": (KERNEL * hidden, channels),
        "hidden": (KERNEL * channels, hidden),
        "output": (hidden, STRIDE),
    }
    parameters = {}
    for name, (fan_in, fan_out) in layers.items():
        for part, shape in (("weight", (runs, fan_in, fan_out)), ("bias", (runs, 1, fan_out))):
            values = (torch.rand(shape, generator=generator) * 2 - 1) * fan_in**-0.5
            parameters[f"{name}_{part}"] = values.to(device).requires_grad_()
    return parameters


def encode(parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Encode series: shape (runs, batch, time) -> (runs, batch, time / 3, channels).

    The last points are left out if time is no multiple of 3. Neither layer sees points to the right of its window.
    """
    h = leaky_relu(_convolve(parameters, "dilated", x[..., None], dilation=DILATION))
    return _convolve(parameters, "strided", h[:, :, : x.shape[2] // STRIDE * STRIDE], stride=STRIDE)


def decode(parameters: Parameters, code: torch.Tensor) -> torch.Tensor:
    """Reconstruct series: shape (runs, batch, length, channels) -> (runs, batch, 3 * length)."""
    h = elu(_convolve(parameters, "hidden", code))
    rows = torch.baddbmm(parameters["output_bias"], h.flatten(1, 2), parameters["output_weight"])
    return rows.view(*code.shape[:2], -1)


def train(
    parameters: Parameters,
    windows: Callable[[int], torch.Tensor],
    steps: int,
    learning_rate: float,
) -> torch.Tensor:
    """Minimise the mean squared error of the reconstruction by Adam, in place.

    Parameters
    ----------
    windows
        step -> the windows of that step, shape (runs, batch, time), time a multiple of 3.
    steps
        Updates.

    Returns
    -------
    Tensor, shape (steps, runs)
        Losses before each update.
    """
    optimiser = Adam(parameters.values())
    losses = []
    for step in range(steps):
        x = windows(step)
        loss = (decode(parameters, encode(parameters, x)) - x).square().mean((1, 2))
        optimiser.descend(loss.sum(), learning_rate)  # a run's gradient is that of its own loss
        losses.append(loss.detach())
    runs = next(iter(parameters.values())).shape[0]
    return torch.stack(losses) if losses else torch.zeros(0, runs)


def _convolve(parameters: Parameters, layer: str, x: torch.Tensor, stride: int = 1, dilation: int = 1) -> torch.Tensor:
    """Convolution along time with zeros on the left: (runs, batch, time, in) -> (runs, batch, time / stride, out).

    With a stride, output i sees the inputs up to stride * (i + 1) - 1.
    """
    taps = parameters[f"{layer}_weight"].shape[1] // x.shape[3]
    x = pad(x, (0, 0, dilation * (taps - 1) - (stride - 1), 0))
    length = (x.shape[2] - dilation * (taps - 1) - 1) // stride + 1
    last = stride * (length - 1) + 1
    columns = torch.cat([x[:, :, k * dilation : k * dilation + last : stride] for k in range(taps)], -1)
    rows = torch.baddbmm(parameters[f"{layer}_bias"], columns.flatten(1, 2), parameters[f"{layer}_weight"])
    return rows.view(*columns.shape[:3], -1)
