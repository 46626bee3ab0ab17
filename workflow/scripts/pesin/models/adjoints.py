"""Gradients through solvers without the memory of all steps: the reversible Heun method, and the continuous adjoint.

The reversible Heun method carries a pair of states and can be run backward algebraically, so that its gradient is
that of the discrete solution to rounding, from memory that doesn't grow with the steps (Kidger, Foster, Li and Lyons
2021, arXiv 2105.13493, algorithms 1 and 2). Where the field contracts its second mode grows: linearly stable it is on
the segment from -i to i alone, so that the step times the rate of contraction, summed over all steps, must stay small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch

from pesin.models.mlp import Parameters

Parts = tuple[torch.Tensor, ...]
Field = Callable[[Parameters, torch.Tensor, float], Parts]
"""(parameters, x, t) -> (drift,) or (drift, diffusion); the diffusion has x's shape (its noise is diagonal) or one axis
more, for the noise. In Stratonovich's sense."""
Noise = Callable[[int], torch.Tensor]
"""step -> increment of the Brownian path over that step; asked for again, it gives the same."""


class Equation(NamedTuple):
    """dx = drift dt + diffusion o dW along given times.

    Attributes
    ----------
    field
        Called once a step.
    times
        Rising or falling.
    noise
        Needed if the field has a diffusion.
    """

    field: Field
    times: Sequence[float]
    noise: Noise | None = None

    def steps(self) -> list[tuple[int, float, float]]:
        """Number, start and end of each step."""
        return [(i, float(a), float(b)) for i, (a, b) in enumerate(pairwise(self.times))]

    def move(self, parts: Parts, step: int, length: float) -> torch.Tensor:
        """What the field does over a step, were it still."""
        moved = length * parts[0]
        if len(parts) == 1:
            return moved
        if self.noise is None:
            raise ValueError("the field has a diffusion: give the noise of each step")
        increment = self.noise(step)
        if parts[1].dim() == parts[0].dim():
            return moved + parts[1] * increment
        return moved + (parts[1] @ increment[..., None])[..., 0]


def advance(equation: Equation, parameters: Parameters, y: torch.Tensor, z: torch.Tensor) -> Parts:
    """Run the pair (y, z) of the reversible Heun method from the first time to the last.

    Parameters
    ----------
    parameters
        Handed to the field.
    y, z : Tensor, any shape
        Both the initial state, at the beginning. y is the solution.

    Returns
    -------
    y, z : Tensor
        Order 2 for ODEs; strong order 1 for additive and 0.5 for other noise.
    """
    parts = equation.field(parameters, z, float(equation.times[0]))
    for step, start, end in equation.steps():
        y, z, parts = _step(equation, parameters, (y, z), parts, (step, start, end))
    return y, z


def reverse(equation: Equation, parameters: Parameters, y: torch.Tensor, z: torch.Tensor) -> Parts:
    """Undo `advance`, to rounding: the pair at the last time -> the pair at the first."""
    parts = equation.field(parameters, z, float(equation.times[-1]))
    for step, start, end in reversed(equation.steps()):
        y, z, parts = _back(equation, parameters, (y, z), parts, (step, start, end))
    return y, z


def reversible_heun(
    equation: Equation, parameters: Parameters, x: torch.Tensor, kept: Sequence[int] = (-1,)
) -> torch.Tensor:
    """Solve by the reversible Heun method; the backward pass runs it in reverse and keeps no step.

    Parameters
    ----------
    parameters
        Tensors that the field may use, each differentiated if it asks for it. No other tensor is.
    x : Tensor, any shape
        State at the first time, differentiated if it asks for it.
    kept
        Numbers of the times at which the state is wanted; -1 is the last.

    Returns
    -------
    Tensor, shape (len(kept), *x.shape)
        Its gradient is that of the discrete solution, to rounding.
    """
    places = [place % len(equation.times) for place in kept]
    return _Reversible.apply(equation, tuple(parameters), places, x, *parameters.values())


def pulled(outputs: Parts, gradients: Parts) -> torch.Tensor:
    """Scalar whose gradient is the product of the outputs' Jacobian with their gradients; shape ().

    What `grad_outputs` of `torch.autograd.grad` is for; given those, PyTorch loads sympy.
    """
    total = torch.zeros((), dtype=outputs[0].dtype, device=outputs[0].device)
    for output, gradient in zip(outputs, gradients, strict=True):
        total = total + (output * gradient).sum()
    return total


def _step(equation: Equation, parameters: Parameters, pair: Parts, parts: Parts, step: tuple[int, float, float]):
    (y, z), (number, start, end) = pair, step
    moved = equation.move(parts, number, end - start)
    z = 2 * y - z + moved
    after = equation.field(parameters, z, end)
    return y + (moved + equation.move(after, number, end - start)) / 2, z, after


def _back(equation: Equation, parameters: Parameters, pair: Parts, parts: Parts, step: tuple[int, float, float]):
    (y, z), (number, start, end) = pair, step
    moved = equation.move(parts, number, end - start)
    z = 2 * y - z - moved
    before = equation.field(parameters, z, start)
    return y - (moved + equation.move(before, number, end - start)) / 2, z, before


class _Reversible(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, equation: Equation, names, places, x, *values):
        parameters = dict(zip(names, values, strict=True))
        y = z = x
        parts, states = equation.field(parameters, z, float(equation.times[0])), {0: x}
        for step in equation.steps():
            y, z, parts = _step(equation, parameters, (y, z), parts, step)
            if step[0] + 1 in places:
                states[step[0] + 1] = y
        ctx.equation, ctx.names, ctx.places = equation, names, places
        ctx.save_for_backward(y, z, *values)
        return torch.stack([states[place] for place in places])

    @staticmethod
    def backward(ctx: Any, *gradients):
        (gradient,) = gradients
        y, z, *values = ctx.saved_tensors
        equation = ctx.equation
        leaves = [v.detach().requires_grad_(v.dtype.is_floating_point) for v in values]
        parameters = dict(zip(ctx.names, leaves, strict=True))
        wanted = [v for v in leaves if v.requires_grad]
        found = [torch.zeros_like(v) for v in wanted]
        by_y, by_z = torch.zeros_like(y), torch.zeros_like(z)
        with torch.no_grad():
            parts = equation.field(parameters, z, float(equation.times[-1]))
        for step in reversed(equation.steps()):
            by_y = by_y + sum(gradient[i] for i, place in enumerate(ctx.places) if place == step[0] + 1)
            with torch.no_grad():
                y, z, parts = _back(equation, parameters, (y, z), parts, step)
            with torch.enable_grad():
                pair = y.detach().requires_grad_(), z.detach().requires_grad_()
                now = equation.field(parameters, pair[1], step[1])
                after = _step(equation, parameters, pair, now, step)[:2]
                slopes = torch.autograd.grad(pulled(after, (by_y, by_z)), (*pair, *wanted), materialize_grads=True)
            by_y, by_z = slopes[:2]
            found = [a + b for a, b in zip(found, slopes[2:], strict=True)]
        by_x = by_y + by_z + sum(gradient[i] for i, place in enumerate(ctx.places) if place == 0)
        rest = iter(found)
        return None, None, None, by_x, *(next(rest) if v.requires_grad else None for v in leaves)


def continuous_adjoint(
    equation: Equation, parameters: Parameters, x: torch.Tensor, gradient: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, Parameters]:
    """Solve an ODE by the midpoint method, and its adjoint equation backward in time by the same: constant memory.

    The gradient is that of the continuous solution, discretised: off by the square of the step (Chen, Rubanova,
    Bettencourt and Duvenaud 2018, arXiv 1806.07366, algorithm 1).

    Parameters
    ----------
    equation
        Without a diffusion.
    x : Tensor, any shape
        State at the first time.
    gradient : Tensor, shape of x
        Of the loss with respect to the state at the last time.

    Returns
    -------
    state, gradient : Tensor, shape of x
        The state at the last time; of the loss with respect to x.
    dict
        Of the loss with respect to each parameter.
    """
    leaves = {name: value.detach().requires_grad_() for name, value in parameters.items()}

    def slopes(state, t: float) -> list[torch.Tensor]:
        y = state[0].detach().requires_grad_()
        with torch.enable_grad():
            (value,) = equation.field(leaves, y, t)
            back = torch.autograd.grad(pulled((value,), (-state[1],)), (y, *leaves.values()), materialize_grads=True)
        return [value.detach(), *back]

    def moved(state, rates, length: float) -> list[torch.Tensor]:
        return [s + length * r for s, r in zip(state, rates, strict=True)]

    y = x.detach()
    with torch.no_grad():
        for _, start, end in equation.steps():
            half = y + (end - start) / 2 * equation.field(leaves, y, start)[0]
            y = y + (end - start) * equation.field(leaves, half, (start + end) / 2)[0]
    state = [y, gradient, *(torch.zeros_like(v) for v in leaves.values())]
    for _, start, end in reversed(equation.steps()):
        middle = moved(state, slopes(state, end), (start - end) / 2)
        state = moved(state, slopes(middle, (start + end) / 2), start - end)
    return y, state[1], dict(zip(leaves, state[2:], strict=True))
