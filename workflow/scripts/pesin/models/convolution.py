"""Convolutions with a leading runs axis, in one to three dimensions: many networks in one tensor program, as in `mlp`.

All networks of a layer are the groups of one grouped convolution: channels of run r see the kernels of run r alone.
`benchmarks/convolutions.py` measures that against a loop over the runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch.nn import functional

from pesin.models.mlp import Parameters

CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
TRANSPOSED = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)


def init_conv(
    runs: int,
    name: str,
    channels: tuple[int, int],
    kernel: Sequence[int],
    generator: torch.Generator,
    device: str = "cpu",
    transposed: bool = False,
) -> Parameters:
    """Draw the kernels of one layer of `runs` networks, uniform between +-1 / sqrt(inputs of an output).

    As `torch.nn.ConvNd` does; a transposed layer takes the same bound, by channels in x kernel.

    Parameters
    ----------
    name
        Of the layer.
    channels
        In, out.
    kernel
        Its size along each of one to three dimensions of space.
    generator
        CPU generator; the draws don't depend on the device.

    Returns
    -------
    dict
        `weight_<name>`, shape (runs, out, in, *kernel), or (runs, in, out, *kernel) if transposed, and `bias_<name>`,
        shape (runs, out), with gradients asked for.
    """
    inside, outside = channels
    if not 1 <= len(kernel) <= len(CONVOLUTIONS) or min(kernel) < 1:
        raise ValueError(f"kernel: give one to three sizes of 1 or more, it is {tuple(kernel)}")
    both = (inside, outside) if transposed else (outside, inside)
    bound = (inside * torch.Size(kernel).numel()) ** -0.5
    parameters = {}
    for key, shape in ((f"weight_{name}", (runs, *both, *kernel)), (f"bias_{name}", (runs, outside))):
        values = (torch.rand(shape, generator=generator) * 2 - 1) * bound
        parameters[key] = values.to(device).requires_grad_()
    return parameters


def conv(
    parameters: Parameters,
    name: str,
    x: torch.Tensor,
    stride: int | Sequence[int] = 1,
    padding: Literal["zeros", "periodic"] = "zeros",
) -> torch.Tensor:
    """Convolve each run's batch with its own kernels (no flip, as in `torch.nn`).

    Shape (runs, batch, in, *space) -> (runs, batch, out, *space), each length n becoming ceil(n / stride).

    Parameters
    ----------
    parameters, name
        What `init_conv` drew under that name.
    padding
        What lies beyond the edges. Half a kernel is added at each end, so that kernels have odd sizes; of even ones a
        step more at the beginning.
    """
    weight, bias = parameters[f"weight_{name}"], parameters[f"bias_{name}"]
    kernel = weight.shape[3:]
    wide = [w for size in reversed(kernel) for w in (size // 2, (size - 1) // 2)]
    if any(size > 1 for size in kernel):
        x = _padded(x, wide, padding)
    apply = CONVOLUTIONS[len(kernel) - 1]
    strides = [stride] * len(kernel) if isinstance(stride, int) else list(stride)
    return _split(apply(_side_by_side(x), weight.flatten(0, 1), bias.flatten(), strides, groups=len(weight)), len(x))


def conv_transposed(
    parameters: Parameters, name: str, x: torch.Tensor, stride: int | Sequence[int] = 1
) -> torch.Tensor:
    """Transposed convolution without padding: each length n becomes (n - 1) stride + kernel.

    Shape (runs, batch, in, *space) -> (runs, batch, out, *space). With stride = kernel each point becomes a block.

    Parameters
    ----------
    parameters, name
        What `init_conv(..., transposed=True)` drew under that name.
    """
    weight, bias = parameters[f"weight_{name}"], parameters[f"bias_{name}"]
    apply, space = TRANSPOSED[weight.dim() - 4], weight.dim() - 3
    strides = [stride] * space if isinstance(stride, int) else list(stride)
    found = apply(_side_by_side(x), weight.flatten(0, 1), bias.flatten(), strides, groups=len(weight))
    return _split(found, len(x))


def _padded(x: torch.Tensor, wide: list[int], padding: str) -> torch.Tensor:
    """Padding of the last dimensions, the last one first in `wide`."""
    if padding == "zeros":
        return functional.pad(x, wide)
    if padding != "periodic":
        raise ValueError(f"padding must be 'zeros' or 'periodic', it is {padding!r}")
    return functional.pad(x.flatten(0, 1), wide, mode="circular").unflatten(0, x.shape[:2])


def _side_by_side(x: torch.Tensor) -> torch.Tensor:
    """(runs, batch, channels, *space) -> (batch, runs * channels, *space)."""
    return x.transpose(0, 1).flatten(1, 2)


def _split(x: torch.Tensor, runs: int) -> torch.Tensor:
    """(batch, runs * channels, *space) -> (runs, batch, channels, *space)."""
    return x.unflatten(1, (runs, -1)).transpose(0, 1)
