"""Network forecasters of many series at once: each series has its own weights, stacked along a leading series axis.

A forecaster hands over two functions of a dict of stacked weights. `predict` takes windows of standardised states,
shape (series, batch, length, dim), and returns what follows their last k points, shape (series, batch, k, dim); the
training compares it with the truth. `advance` takes one more state in and predicts the next; the forecast repeats it.
No operation mixes series, so one whose training turns to NaN touches no other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pesin.forecasters.common import checked, limits, standardise
from pesin.models.optimisers import Adam, half_cosine

Weights = dict[str, Tensor]
Memory = tuple[Tensor, ...]
Predict = Callable[[Weights, Tensor], Tensor]
Advance = Callable[[Weights, Memory, Tensor], tuple[Memory, Tensor]]


@dataclass(frozen=True)
class Trained:
    """Trained networks of all series and where their forecasts start.

    weights: series axis first. advance: as the module says. memory: what `advance` starts from. context, shape
    (series, points, dim): the standardised states that it takes in before the first forecast. centre, scale,
    shape (series, 1, dim): what was subtracted and divided by [units of the data]. low, high, shape (series, dim):
    bounds of a standardised forecast.
    """

    weights: Weights
    advance: Advance
    memory: Memory
    context: Tensor
    centre: np.ndarray
    scale: np.ndarray
    low: Tensor
    high: Tensor


class Training(NamedTuple):
    """How networks are trained."""

    rng: np.random.Generator
    """Source of the initial weights and of the order of the windows."""
    length: int
    """Points that a window has before its last one."""
    steps: int
    """Updates."""
    batch: int
    """Windows in each update."""
    learning_rate: float
    """Of the first update."""
    device: str
    """cpu or cuda."""


# ------------------------------------------------------------------------------------------------------------- layers


def draw_linear(rng: np.random.Generator, name: str, fan_in: int, fan_out: int) -> dict[str, np.ndarray]:
    """Draw a linear layer of one network as `torch.nn.Linear` does: uniform within +-1/sqrt(fan_in).

    Returns
    -------
    dict
        {name}_weight, shape (fan_out, fan_in), and {name}_bias, shape (fan_out, 1), float32.
    """
    bound = np.float32(fan_in**-0.5)
    shapes = {f"{name}_weight": (fan_out, fan_in), f"{name}_bias": (fan_out, 1)}
    return {key: (2 * rng.random(shape, dtype=np.float32) - 1) * bound for key, shape in shapes.items()}


def linear(weights: Weights, name: str, x: Tensor) -> Tensor:
    """Apply the layers `name` of all series to columns: shape (series, in, columns) -> (series, out, columns).

    Columns, since narrow layers cost a multiple on rows.
    """
    return _product(weights[f"{name}_weight"], x).add_(weights[f"{name}_bias"])  # faster than baddbmm, same gradient


def _product(weight: Tensor, x: Tensor) -> Tensor:
    """weight @ x. For a single column, as a forecast has it, the product of stacks of MKL takes eight times as long."""
    if x.shape[2] > 1 or torch.is_grad_enabled() or x.is_cuda:
        return torch.bmm(weight, x)
    return torch.from_numpy(np.matmul(weight.numpy(), x.numpy()))


class _LateGradient(torch.autograd.Function):
    """Passes a recurrence's input on; computes the gradient of its weights once, after that of all its steps."""

    @staticmethod
    def forward(ctx, drive, weight, states):
        ctx.shape, ctx.states = weight.shape, states
        return drive.view_as(drive)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        total = gradient.new_zeros(ctx.shape)
        for g, state in zip(gradient, ctx.states, strict=True):
            total.baddbmm_(g, state.mT)
        return gradient, total, None


def draw_recurrent(
    rng: np.random.Generator, name: str, fan_in: int, width: int, gates: int = 1
) -> dict[str, np.ndarray]:
    """Draw a recurrent layer of one network as torch does, for `recurrent`: uniform within +-1/sqrt(width)."""
    bound = np.float32(width**-0.5)
    rows = gates * width
    shapes = {f"{name}_in_weight": (rows, fan_in), f"{name}_in_bias": (rows, 1), f"{name}_state_weight": (rows, width)}
    return {key: (2 * rng.random(shape, dtype=np.float32) - 1) * bound for key, shape in shapes.items()}


def recurrent(
    weights: Weights, name: str, step: Callable[[Tensor, Memory], Memory], memory: Memory, x: Tensor
) -> tuple[Memory, Tensor]:
    """Run the recurrent layers `name` of all series along columns of inputs.

    Parameters
    ----------
    weights
        With those of `draw_recurrent`.
    step
        Drive, shape (series, gates * width, columns), and memory -> next memory. The first tensor of a memory is the
        layer's state, shape (series, width, columns).
    memory
        Before the first input.
    x : Tensor, shape (time, series, in, columns)

    Returns
    -------
    memory
        After the last input.
    path : Tensor, shape (time, series, width, columns)
        States.
    """
    time, series, _, columns = x.shape
    drive = linear(weights, f"{name}_in", x.permute(1, 2, 0, 3).flatten(2)).view(series, -1, time, columns)
    weight = weights[f"{name}_state_weight"]
    states: list[Tensor] = []
    path = []
    for d in _LateGradient.apply(drive.permute(2, 0, 1, 3), weight, states):
        states.append(memory[0].detach())
        memory = step(torch.baddbmm(d, weight.detach(), memory[0]), memory)
        path.append(memory[0])
    return memory, torch.stack(path)


def windowed(predict: Predict) -> Advance:
    """Make the `advance` of a network without a state: its memory is one window, shape (series, length, dim)."""

    def advance(weights: Weights, memory: Memory, x: Tensor) -> tuple[Memory, Tensor]:
        window = torch.cat((memory[0][:, 1:], x[:, None]), 1)
        return (window,), predict(weights, window[:, None])[:, 0, -1]

    return advance


# ----------------------------------------------------------------------------------------------------------- training


def fit(
    name: str,
    history: np.ndarray,
    draw: Callable[[np.random.Generator], dict[str, np.ndarray]],
    predict: Predict,
    advance: Advance,
    memory: Sequence[tuple[int, ...]],
    training: Training,
    context: int | None = None,
) -> Trained:
    """Train the networks of all series together on the mean squared error of standardised predictions.

    Adam, with a learning rate that falls to 0 along half a cosine. Windows come in a shuffled order, afresh each epoch.
    Each series has its own child of `rng` for weights and order: who shares the batch changes rounding alone.

    Parameters
    ----------
    name
        Of the forecaster, for messages.
    history : ndarray, shape (series, time, dim)
        In any units; constant coordinates are allowed.
    draw
        rng -> initial weights of one network.
    predict, advance
        See the module.
    memory
        Shapes, without the series axis, of the zeros that `advance` starts from.
    training
        Randomness, windows, updates and device.
    context
        Points that `advance` takes in before the first forecast; the windows' `length` if left out.

    Raises
    ------
    UserError
        If the history has no window.
    """
    length, device = training.length, training.device
    history = checked(name, history, length + 1, length)
    series, time, _ = history.shape
    scaled, centre, scale = standardise(history)
    x = torch.as_tensor(scaled, dtype=torch.float32, device=device)
    rngs = training.rng.spawn(series)
    drawn = [draw(child) for child in rngs]
    start = {key: torch.as_tensor(np.stack([d[key] for d in drawn])).to(device) for key in drawn[0]}
    weights = train(start, predict, x, rngs, length, training.steps, training.batch, training.learning_rate)
    zeros = tuple(torch.zeros(series, *shape, device=device) for shape in memory)
    low, high = (torch.as_tensor(bound, dtype=torch.float32, device=device) for bound in limits(scaled))
    return Trained(weights, advance, zeros, x[:, time - (context or length) :], centre, scale, low, high)


def train(
    weights: Weights,
    predict: Predict,
    x: Tensor,
    rngs: Sequence[np.random.Generator],
    length: int,
    steps: int,
    batch: int,
    learning_rate: float,
) -> Weights:
    """Update stacked weights, in place, by Adam on windows of standardised series; see `fit`.

    Parameters
    ----------
    weights
        Initial ones, series axis first.
    x : Tensor, shape (series, time, dim)
        Standardised series.
    rngs
        One generator for each series: the order of its windows.

    Returns
    -------
    dict
        The trained weights.
    """
    windows = x.unfold(1, length + 1, 1).transpose(2, 3)  # series, window, time, dim
    series, count = windows.shape[:2]
    epochs = max(-(-steps * batch // count), 1)  # of no update too: then the networks stay as they were drawn
    order = np.stack([np.concatenate([rng.permutation(count) for _ in range(epochs)]) for rng in rngs])
    picked = torch.as_tensor(order[:, : steps * batch].reshape(series, steps, batch), device=x.device)
    row = torch.arange(series, device=x.device)[:, None]
    values = [w.requires_grad_() for w in weights.values()]
    optimiser = Adam(values)
    for step in range(steps):
        window = windows[row, picked[:, step]]
        ahead = predict(weights, window[:, :, :-1])
        loss = (ahead - window[:, :, -ahead.shape[2] :]).square().mean((1, 2, 3)).sum()
        optimiser.descend(loss, learning_rate * half_cosine(step, steps))
    return {key: w.detach() for key, w in weights.items()}


# ----------------------------------------------------------------------------------------------------------- forecast


@torch.no_grad()
def forecast(trained: Trained, steps: int) -> np.ndarray:
    """Continue all series right after their histories, own predictions fed back.

    Parameters
    ----------
    trained
        From `fit`.
    steps
        Points to predict.

    Returns
    -------
    ndarray, shape (series, steps, dim)
        In units of the history, at most 10 of its standard deviations from its mean; NaN where a training failed.
    """
    memory, low, high = trained.memory, trained.low, trained.high
    for x in trained.context.unbind(1):
        memory, y = trained.advance(trained.weights, memory, x)
    path = torch.empty(steps, *low.shape, device=low.device)
    for t in range(steps):
        y = torch.clamp(y, low, high, out=path[t])
        memory, y = trained.advance(trained.weights, memory, y)
    return path.transpose(0, 1).cpu().numpy().astype(np.float64) * trained.scale + trained.centre
