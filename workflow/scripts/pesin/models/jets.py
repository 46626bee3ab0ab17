"""Derivatives of small networks with respect to their inputs, pushed forward through the layers: Taylor coefficients.

One forward pass gives values, first and pure second derivatives in all directions at once, for all runs, and one
reverse pass trains on them. `torch.func` gives the same numbers by nested transforms, and takes longer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn.functional import silu, softplus

from pesin.models.mlp import Parameters

Derivatives = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Activation:
    """A smooth activation and its first two derivatives, each elementwise."""

    value: Callable[[torch.Tensor], torch.Tensor]
    derivatives: Callable[[torch.Tensor], Derivatives]
    """x -> value, first and second derivative."""
    slope: Callable[[torch.Tensor], torch.Tensor] | None = None
    """x -> first derivative, where it is cheaper alone."""


def _tanh(x: torch.Tensor) -> Derivatives:
    value = torch.tanh(x)
    first = 1 - value * value
    return value, first, -2 * value * first


def _sin(x: torch.Tensor) -> Derivatives:
    value = torch.sin(x)
    return value, torch.cos(x), -value


def _silu(x: torch.Tensor) -> Derivatives:
    share = torch.sigmoid(x)
    slope = share * (1 - share)
    return x * share, share + x * slope, slope * (2 + x * (1 - 2 * share))


def softplus_activation(sharpness: float) -> Activation:
    """ln(1 + exp(sharpness x)) / sharpness."""

    def derivatives(x: torch.Tensor) -> Derivatives:
        share = torch.sigmoid(sharpness * x)
        return softplus(x, sharpness), share, sharpness * share * (1 - share)

    return Activation(lambda x: softplus(x, sharpness), derivatives, lambda x: torch.sigmoid(sharpness * x))


ACTIVATIONS = {
    "tanh": Activation(torch.tanh, _tanh),
    "sin": Activation(torch.sin, _sin),
    "silu": Activation(silu, _silu),
}


def mlp_jet(
    parameters: Parameters,
    x: torch.Tensor,
    directions: torch.Tensor,
    activation: Activation,
    order: int = 2,
    curvature: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """Values and derivatives of networks made by `pesin.models.mlp.init_mlp`.

    Parameters
    ----------
    parameters
        weight_i of shape (runs, in, out), bias_i of shape (runs, 1, out).
    x : Tensor, shape (runs, samples, in)
    directions : Tensor, shape (directions, in) or (runs, samples, directions, in)
        Along which derivatives are taken. Those of each sample its own are for inputs that are features of something
        else: the rates of change of the features.
    activation
        Of all layers but the last.
    order
        1: first derivatives; 2: second derivatives along each direction too.
    curvature : Tensor, of the shape of the directions
        Second derivatives of inputs that are curved features of something else; without it they are straight.

    Returns
    -------
    list of Tensors
        Values, shape (runs, samples, out), then for each order derivatives of shape (runs, samples, directions, out).

    Raises
    ------
    ValueError
        If order is neither 1 nor 2, or directions and inputs don't fit.
    """
    runs, samples, width = x.shape
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, it is {order}")
    if directions.shape[-1] != width:
        raise ValueError(f"directions have {directions.shape[-1]} components where the inputs have {width}")
    layers = sum(name.startswith("weight_") for name in parameters)
    many = directions.shape[-2]
    first = _rows(directions, runs, samples)
    second = None if curvature is None or order == 1 else _rows(curvature, runs, samples)
    for layer in range(layers):
        weight = parameters[f"weight_{layer}"]
        x = torch.baddbmm(parameters[f"bias_{layer}"], x, weight)
        first = torch.bmm(first, weight)
        second = None if second is None else torch.bmm(second, weight)
        if layer < layers - 1:
            x, slope, bend = activation.derivatives(x)
            slope, bend = (
                part[:, :, None].expand(-1, -1, many, -1).reshape(runs, samples * many, -1) for part in (slope, bend)
            )
            if order == 2:
                bent = bend * first * first
                second = bent if second is None else bent + slope * second
            first = slope * first
    shape = (runs, samples, many, x.shape[-1])
    if order == 2 and second is None:
        second = torch.zeros_like(first)  # one linear layer
    found = [x, first.reshape(shape)]
    return found if second is None or order == 1 else [*found, second.reshape(shape)]


def gradient_and_laplacian(
    parameters: Parameters, x: torch.Tensor, activation: Activation, columns: slice = slice(None)
) -> Derivatives:
    """Value, gradient and Laplacian of scalar networks.

    Parameters
    ----------
    columns
        Inputs that the derivatives are of; all by default.

    Returns
    -------
    (value, gradient, laplacian)
        Shapes (runs, samples), (runs, samples, columns), (runs, samples).
    """
    value, first, second = mlp_jet(parameters, x, _axes(x, columns), activation)
    return value[..., 0], first[..., 0], second[..., 0].sum(-1)


def scalar_gradient(
    parameters: Parameters, x: torch.Tensor, activation: Activation
) -> tuple[torch.Tensor, torch.Tensor]:
    """Value and gradient of scalar networks by a reverse pass written out: two matrix products a layer.

    `gradient_and_laplacian` takes one for each input and one more; where only the gradient is asked for, and trained
    on, this is cheaper from two inputs on.

    Parameters
    ----------
    x : Tensor, shape (runs, samples, in)

    Returns
    -------
    (value, gradient)
        Shapes (runs, samples) and (runs, samples, in).

    Raises
    ------
    ValueError
        If the networks have more than one output.
    """
    last = sum(name.startswith("weight_") for name in parameters) - 1
    if parameters[f"weight_{last}"].shape[-1] != 1:
        raise ValueError(
            f"a gradient is that of one output, these networks have {parameters[f'weight_{last}'].shape[-1]}"
        )
    slopes = []
    for layer in range(last):
        x = torch.baddbmm(parameters[f"bias_{layer}"], x, parameters[f"weight_{layer}"])
        if activation.slope is None:
            x, slope, _ = activation.derivatives(x)
        else:
            x, slope = activation.value(x), activation.slope(x)
        slopes.append(slope)
    value = torch.baddbmm(parameters[f"bias_{last}"], x, parameters[f"weight_{last}"])
    back = parameters[f"weight_{last}"].transpose(1, 2)
    for layer in reversed(range(last)):
        back = torch.bmm(slopes[layer] * back, parameters[f"weight_{layer}"].transpose(1, 2))
    return value[..., 0], back.expand(*x.shape[:2], -1)


def divergence(
    parameters: Parameters, x: torch.Tensor, activation: Activation, columns: slice = slice(None)
) -> tuple[torch.Tensor, torch.Tensor]:
    """Values and divergence of fields with as many outputs as columns.

    Returns
    -------
    (value, divergence)
        Shapes (runs, samples, out) and (runs, samples).

    Raises
    ------
    ValueError
        If outputs and columns differ in number.
    """
    value, first = mlp_jet(parameters, x, _axes(x, columns), activation, order=1)
    if first.shape[-1] != first.shape[-2]:
        raise ValueError(f"a divergence of {first.shape[-1]} outputs along {first.shape[-2]} inputs is not defined")
    return value, first.diagonal(dim1=-2, dim2=-1).sum(-1)


def _rows(directions: torch.Tensor, runs: int, samples: int) -> torch.Tensor:
    """Those of all samples below each other, shape (runs, samples * directions, in)."""
    return directions.expand(runs, samples, *directions.shape[-2:]).reshape(runs, -1, directions.shape[-1])


def _axes(x: torch.Tensor, columns: slice) -> torch.Tensor:
    """Unit vectors of the chosen inputs, shape (columns, in)."""
    return torch.eye(x.shape[-1], dtype=x.dtype, device=x.device)[columns]
