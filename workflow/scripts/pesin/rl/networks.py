"""Actors and critics with a leading agents axis, and their gradients by hand.

Small networks are all overhead: written out, forward and backward pass are a tenth of the calls that automatic
differentiation makes. Features run along rows and the batch along columns, (agents, features, batch): the few outputs
as columns would cost as much as a hidden layer. All parameters of a kind lie in one flat tensor, for one call of Adam.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

Parameters = Mapping[str, torch.Tensor]
"""Views of a flat tensor, first axis the agent."""


class Function(Protocol):
    """A family of functions of a vector."""

    def init(self, agents: int, inputs: int, outputs: int, generator: torch.Generator) -> dict[str, torch.Tensor]: ...

    def forward(self, parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, Any]:
        """(agents, inputs, batch) -> (agents, outputs, batch), and what the backward pass needs."""
        ...

    def parameter_gradients(self, parameters: Parameters, kept: Any, dy: torch.Tensor, into: Parameters) -> None:
        """Write d(sum y dy)/d(parameters) into the tensors of the same names."""
        ...

    def input_gradient(self, parameters: Parameters, kept: Any, dy: torch.Tensor) -> torch.Tensor:
        """d(sum y dy)/dx, shape (agents, inputs, batch)."""
        ...


@dataclass(frozen=True)
class Perceptron:
    """ReLU networks with the given hidden widths, begun as `torch.nn.Linear` does."""

    hidden: tuple[int, ...]

    def init(self, agents, inputs, outputs, generator):
        sizes, parameters = (inputs, *self.hidden, outputs), {}
        for layer, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            for name, shape in (
                (f"weight_{layer}", (agents, fan_out, fan_in)),
                (f"bias_{layer}", (agents, fan_out, 1)),
            ):
                parameters[name] = (torch.rand(shape, generator=generator) * 2 - 1) * fan_in**-0.5
        return parameters

    def forward(self, parameters, x):
        kept, last = [x], len(self.hidden)
        for layer in range(last + 1):
            x = torch.baddbmm(parameters[f"bias_{layer}"], parameters[f"weight_{layer}"], x)
            if layer < last:
                kept.append(x.relu_())
        return x, kept

    def parameter_gradients(self, parameters, kept, dy, into):
        for layer in range(len(self.hidden), -1, -1):
            torch.bmm(dy, kept[layer].transpose(1, 2), out=into[f"weight_{layer}"])
            torch.sum(dy, -1, keepdim=True, out=into[f"bias_{layer}"])
            if layer:
                dy = self._back(parameters, kept, dy, layer)

    def input_gradient(self, parameters, kept, dy):
        for layer in range(len(self.hidden), -1, -1):
            dy = self._back(parameters, kept, dy, layer)
        return dy

    @staticmethod
    def _back(parameters, kept, dy, layer):
        weight = parameters[f"weight_{layer}"].transpose(1, 2)
        dx = weight * dy if dy.shape[1] == 1 else torch.bmm(weight, dy)
        return torch.ops.aten.threshold_backward(dx, kept[layer], 0) if layer else dx


@dataclass(frozen=True)
class Quadratic:
    """q(z) = z' U z + w z + c: holds the action value of a linear-quadratic regulator. Begins at 0."""

    def init(self, agents, inputs, outputs, generator):
        shapes = {"square": (agents, inputs, inputs), "linear": (agents, 1, inputs), "constant": (agents, 1, 1)}
        return {name: torch.zeros(shape) for name, shape in shapes.items()}

    def forward(self, parameters, x):
        y = torch.baddbmm(parameters["constant"], parameters["linear"], x)
        return y + (x * torch.bmm(parameters["square"], x)).sum(1, keepdim=True), x

    def parameter_gradients(self, parameters, kept, dy, into):
        weighted = dy * kept
        torch.bmm(weighted, kept.transpose(1, 2), out=into["square"])
        into["linear"].copy_(weighted.sum(-1)[:, None])
        torch.sum(dy, -1, keepdim=True, out=into["constant"])

    def input_gradient(self, parameters, kept, dy):
        square = parameters["square"]
        return dy * torch.baddbmm(parameters["linear"].transpose(1, 2), square + square.transpose(1, 2), kept)


@dataclass(frozen=True)
class LinearGaussian:
    """Linear mean and a log_std that doesn't depend on the state: holds that regulator's policy. Begins at 0."""

    def init(self, agents, inputs, outputs, generator):
        half = outputs // 2
        shapes = {"gain": (agents, half, inputs), "bias": (agents, half, 1), "log_std": (agents, half, 1)}
        return {name: torch.zeros(shape) for name, shape in shapes.items()}

    def forward(self, parameters, x):
        mean = torch.baddbmm(parameters["bias"], parameters["gain"], x)
        return torch.cat([mean, parameters["log_std"].expand_as(mean)], 1), x

    def parameter_gradients(self, parameters, kept, dy, into):
        mean, log_std = dy.chunk(2, 1)
        torch.bmm(mean, kept.transpose(1, 2), out=into["gain"])
        torch.sum(mean, -1, keepdim=True, out=into["bias"])
        torch.sum(log_std, -1, keepdim=True, out=into["log_std"])

    def input_gradient(self, parameters, kept, dy):
        return torch.bmm(parameters["gain"].transpose(1, 2), dy.chunk(2, 1)[0])


def views(flat: torch.Tensor, like: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The pieces of a flat tensor, in the shapes of `like`."""
    pieces = flat.split([value.numel() for value in like.values()])
    return {name: piece.view(value.shape) for (name, value), piece in zip(like.items(), pieces, strict=True)}


def flatten(parameters: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """All parameters in one flat tensor, one after the other."""
    return torch.cat([value.reshape(-1) for value in parameters.values()])
