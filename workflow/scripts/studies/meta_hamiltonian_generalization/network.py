"""The graph network whose scalar output is H: features of each body and of each ordered pair, summed, and one head.

A task has its own copy of all parameters: their first axis is the task. Nothing here mixes tasks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch

from pesin.models.jets import scalar_gradient, softplus_activation
from pesin.models.mlp import Parameters, apply_mlp, init_mlp

ACTIVATION = softplus_activation(1.0)
WIDTH = 4


def init_network(runs: int, hidden: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw `node_` and `edge_` networks and one head; its bias would have no gradient, so there is none."""
    found: Parameters = {}
    for part in ("node", "edge"):
        drawn = init_mlp(runs, [WIDTH, hidden, hidden], generator, device)
        found |= {f"{part}_{name}": value for name, value in drawn.items()}
    return found | {"head": init_mlp(runs, [hidden, 1], generator, device)["weight_0"]}


def used(parameters: Parameters, bodies: int) -> Parameters:
    """Those that a system of so many bodies has a gradient for: no pairs, no edges."""
    return {name: value for name, value in parameters.items() if bodies > 1 or not name.startswith("edge_")}


def field(parameters: Parameters, state: torch.Tensor) -> torch.Tensor:
    """(dH/dp, -dH/dq) of states (tasks, points, bodies, 4), same shape: divergence-free whatever the parameters."""
    tasks, points, bodies, _ = state.shape
    slope = scalar_gradient(_part(parameters, "node"), state.reshape(tasks, -1, WIDTH), ACTIVATION)[1]
    slope = slope.reshape(state.shape)
    if bodies > 1:
        one, other = _pairs(bodies)
        apart = state[:, :, one] - state[:, :, other]
        pull = scalar_gradient(_part(parameters, "edge"), apart.reshape(tasks, -1, WIDTH), ACTIVATION)[1]
        pull = pull.reshape(apart.shape)
        slope = slope.index_add(2, torch.tensor(one, device=state.device), pull)
        slope = slope.index_add(2, torch.tensor(other, device=state.device), -pull)
    return torch.cat([slope[..., 2:], -slope[..., :2]], -1)


def features(parameters: Parameters, state: torch.Tensor) -> torch.Tensor:
    """The last hidden layer, summed over bodies and pairs: shape (tasks, points, hidden)."""
    tasks, points, bodies, _ = state.shape
    found = _hidden(parameters, "node", state)
    if bodies > 1:
        one, other = _pairs(bodies)
        found = found + _hidden(parameters, "edge", state[:, :, one] - state[:, :, other])
    return found


def hamiltonian(parameters: Parameters, state: torch.Tensor) -> torch.Tensor:
    """The learned scalar, shape (tasks, points)."""
    return (features(parameters, state) @ parameters["head"])[..., 0]


def loss(parameters: Parameters, state: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the derivatives, shape (tasks,)."""
    return (field(parameters, state) - rate).square().mean((1, 2, 3))


def descend(
    parameters: Parameters, state: torch.Tensor, rate: torch.Tensor, step: float, second_order: bool = False
) -> Parameters:
    """One step of gradient descent; with `second_order` it can be differentiated by where it began."""
    value = loss(parameters, state, rate).sum()
    slopes = torch.autograd.grad(value, list(parameters.values()), create_graph=second_order)
    return {name: part - step * slope for (name, part), slope in zip(parameters.items(), slopes, strict=True)}


def adapted(
    parameters: Parameters, state: torch.Tensor, rate: torch.Tensor, step: float, at: Collection[int]
) -> Iterator[Parameters]:
    """Gradient descent on a task's support points: the parameters after each number of steps in `at`, rising."""
    whole = {name: value.detach() for name, value in parameters.items()}
    for done in range(max(at) + 1):
        if done in at:
            yield whole
        if done < max(at):
            learnt = {name: value.requires_grad_() for name, value in used(whole, state.shape[2]).items()}
            moved = descend(learnt, state, rate, step)
            whole = whole | {name: value.detach() for name, value in moved.items()}


def _part(parameters: Parameters, part: str) -> Parameters:
    """The node's or edge's network with the head as its last layer, as `scalar_gradient` takes it."""
    found = {name.removeprefix(f"{part}_"): value for name, value in parameters.items() if name.startswith(part)}
    return found | {
        "weight_2": parameters["head"],
        "bias_2": parameters["head"].new_zeros(len(parameters["head"]), 1, 1),
    }


def _hidden(parameters: Parameters, part: str, x: torch.Tensor) -> torch.Tensor:
    own = {name.removeprefix(f"{part}_"): value for name, value in parameters.items() if name.startswith(part)}
    tasks, points, many, _ = x.shape
    last = ACTIVATION.value(apply_mlp(own, x.reshape(tasks, -1, WIDTH), ACTIVATION.value))
    return last.reshape(tasks, points, many, -1).sum(2)


def _pairs(bodies: int) -> tuple[list[int], list[int]]:
    """Both ends of all ordered pairs."""
    found = [(i, j) for i in range(bodies) for j in range(bodies) if i != j]
    return [i for i, _ in found], [j for _, j in found]
