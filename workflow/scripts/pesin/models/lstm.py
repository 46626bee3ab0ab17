"""Long short-term memory networks with a leading runs axis: many of them train as one tensor program.

Parameters are plain dicts of tensors whose first axis is the run. (Hochreiter and Schmidhuber, Neural Computation 9,
1735, 1997; with forget gates.)
"""

from __future__ import annotations

import torch

from pesin.models.mlp import Parameters

State = list[tuple[torch.Tensor, torch.Tensor]]


def init(runs: int, dim: int, hidden: int, layers: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw the weights as `torch.nn.LSTM` and `torch.nn.Linear` do, each run its own.

    Parameters
    ----------
    runs
        Number of networks.
    dim
        Coordinates of the series that they predict.
    hidden, layers
        Units of a layer, and layers.
    generator
        CPU generator; the draws don't depend on the device.

    Returns
    -------
    dict
        Per layer: input_i (runs, in, 4 hidden), recurrent_i (runs, hidden, 4 hidden), bias_i (runs, 1, 4 hidden), gates
        in the order in, forget, out, cell; output (runs, hidden, dim) and output_bias (runs, 1, dim).
    """
    shapes = {}
    for i in range(layers):
        shapes[f"input_{i}"] = (runs, hidden if i else dim, 4 * hidden)
        shapes[f"recurrent_{i}"] = (runs, hidden, 4 * hidden)
        shapes[f"bias_{i}"] = (runs, 1, 4 * hidden)
    shapes |= {"output": (runs, hidden, dim), "output_bias": (runs, 1, dim)}
    return {
        name: ((torch.rand(shape, generator=generator) * 2 - 1) * hidden**-0.5).to(device).requires_grad_()
        for name, shape in shapes.items()
    }


def apply(parameters: Parameters, x: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
    """Predict the next point after each point of a batch of series.

    Parameters
    ----------
    x : Tensor, shape (runs, batch, time, dim)
    state
        Hidden and cell state of each layer before the first point, shapes (runs, batch, hidden); none: zeros.

    Returns
    -------
    Tensor, shape (runs, batch, time, dim)
        Predictions of x one step later.
    list
        The state after the last point.
    """
    layers = sum(name.startswith("recurrent_") for name in parameters)
    hidden = parameters["recurrent_0"].shape[1]
    zeros = x.new_zeros(*x.shape[:2], hidden)
    after: State = []
    for i in range(layers):
        h, c = state[i] if state is not None else (zeros, zeros)
        # What comes from below is known for all times at once.
        drive = torch.baddbmm(parameters[f"bias_{i}"], x.flatten(1, 2), parameters[f"input_{i}"])
        path = []
        for from_below in drive.view(*x.shape[:3], 4 * hidden).unbind(2):
            gates = torch.baddbmm(from_below, h, parameters[f"recurrent_{i}"])
            let_in, keep, let_out = torch.sigmoid(gates[..., : 3 * hidden]).chunk(3, -1)
            c = torch.addcmul(keep * c, let_in, torch.tanh(gates[..., 3 * hidden :]))
            h = let_out * torch.tanh(c)
            path.append(h)
        x = torch.stack(path, 2)
        after.append((h, c))
    ahead = torch.baddbmm(parameters["output_bias"], x.flatten(1, 2), parameters["output"])
    return ahead.view(*x.shape[:3], -1), after


@torch.no_grad()
def forecast(parameters: Parameters, history: torch.Tensor, steps: int, limit: float) -> torch.Tensor:
    """Continue series, own predictions fed back.

    Parameters
    ----------
    history : Tensor, shape (runs, batch, time, dim)
        What the state has seen when the forecast starts.
    steps
        Points to predict.
    limit
        Predictions are clipped at +- limit.

    Returns
    -------
    Tensor, shape (runs, batch, steps, dim)
    """
    ahead, state = apply(parameters, history)
    path = [ahead[:, :, -1:].clamp(-limit, limit)]
    for _ in range(steps - 1):
        ahead, state = apply(parameters, path[-1], state)
        path.append(ahead.clamp(-limit, limit))
    return torch.cat(path, 2)
