"""Multilayer perceptrons of different width, depth and activation in one tensor program with a leading runs axis.

Narrow layers are padded to the widest of their depth, with units that stay 0 and so get no gradient; a network with
fewer layers hands its last hidden layer on unchanged. Each run equals the small network that it stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch.nn.functional import gelu

from pesin.models.mlp import Parameters

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "gelu": gelu}


@dataclass(frozen=True)
class Ragged:
    """The shapes of the runs: `hidden` widths of each, its `activation`, sizes of input and output."""

    inputs: int
    hidden: tuple[tuple[int, ...], ...]
    activation: tuple[str, ...]
    outputs: int

    def __post_init__(self):
        if not self.hidden or len(self.hidden) != len(self.activation):
            raise ValueError("give hidden widths and an activation for each run")
        if not all(widths and min(widths) > 0 for widths in self.hidden):
            raise ValueError("each run needs at least one hidden layer, and widths of 1 or more")
        unknown = set(self.activation) - set(ACTIVATIONS)
        if unknown:
            raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}, not {', '.join(sorted(unknown))}")

    @property
    def depth(self) -> int:
        return max(map(len, self.hidden))

    def widths(self, layer: int) -> list[int]:
        """Width that each run has after hidden layer `layer`: its own, or that of the layer it hands on."""
        return [widths[min(layer, len(widths) - 1)] for widths in self.hidden]

    def part(self, runs: Sequence[int]) -> Ragged:
        """The shapes of some of the runs; their part of all parameters serves them as it is."""
        hidden = tuple(self.hidden[run] for run in runs)
        return replace(self, hidden=hidden, activation=tuple(self.activation[run] for run in runs))

    def parameters(self) -> list[int]:
        """Number of weights and biases of each run, padding apart."""
        sizes = [(self.inputs, *widths, self.outputs) for widths in self.hidden]
        return [sum((a + 1) * b for a, b in zip(one[:-1], one[1:], strict=True)) for one in sizes]


def init_ragged(
    shape: Ragged, generator: torch.Generator, scale: Sequence[float] | None = None, device: str = "cpu"
) -> Parameters:
    """Draw weights as `torch.nn.Linear` does, each run times its `scale`.

    Returns
    -------
    dict
        weight_i of shape (runs, in, out) and bias_i of shape (runs, 1, out), the last being the output's, with
        gradients asked for. What lies outside a run's own network is 0 and stays so.
    """
    runs = len(shape.hidden)
    scales = [1.0] * runs if scale is None else list(scale)
    parameters: Parameters = {}
    for layer in range(shape.depth + 1):
        last = layer == shape.depth
        fan_in = shape.widths(layer - 1) if layer else [shape.inputs] * runs
        fan_out = [shape.outputs] * runs if last else shape.widths(layer)
        weight, bias = torch.zeros(runs, max(fan_in), max(fan_out)), torch.zeros(runs, 1, max(fan_out))
        for run, (a, b) in enumerate(zip(fan_in, fan_out, strict=True)):
            if not last and layer >= len(shape.hidden[run]):
                continue  # this run has no such layer
            bound = scales[run] * a**-0.5
            weight[run, :a, :b] = (torch.rand(a, b, generator=generator) * 2 - 1) * bound
            bias[run, :, :b] = (torch.rand(1, b, generator=generator) * 2 - 1) * bound
        parameters[f"weight_{layer}"] = weight.to(device).requires_grad_()
        parameters[f"bias_{layer}"] = bias.to(device).requires_grad_()
    return parameters


def apply_ragged(shape: Ragged, parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Run all networks.

    Parameters
    ----------
    x : Tensor, shape (runs, batch, inputs), or (1, batch, inputs) for all runs alike

    Returns
    -------
    (outputs, hidden)
        Shapes (runs, batch, outputs) and (runs, batch, widest last layer): the last hidden layer after its activation,
        zeros behind the run's own width.
    """
    device = x.device
    x = x.expand(len(shape.hidden), -1, -1)
    # Neighbouring runs of one kind are activated together: sorted by kind they are fastest.
    kinds, sizes = zip(*((kind, len(list(runs))) for kind, runs in groupby(shape.activation)), strict=True)
    last = len(parameters) // 2 - 1
    for layer in range(last):
        y = torch.baddbmm(parameters[f"bias_{layer}"], x, parameters[f"weight_{layer}"])
        z = torch.cat([ACTIVATIONS[kind](part) for kind, part in zip(kinds, y.split(sizes), strict=True)])
        # All activations are 0 at 0, so padded units are 0 with zero gradient already.
        here = [layer < len(one) for one in shape.hidden]
        if not all(here):
            widest = z.shape[-1]
            handed = torch.nn.functional.pad(x, (0, max(widest - x.shape[-1], 0)))[..., :widest]
            z = torch.where(torch.tensor(here, device=device)[:, None, None], z, handed)
        x = z
    return torch.baddbmm(parameters[f"bias_{last}"], x, parameters[f"weight_{last}"]), x
