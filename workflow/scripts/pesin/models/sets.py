"""Networks that embed a whole set of points, in whichever order they stand; a leading runs axis as in `mlp`.

An embedding has unit length: what follows is then given a direction, of the same size for every set.
"""

from __future__ import annotations

import torch
from torch.nn.functional import normalize, relu

from pesin.models.mlp import Parameters, init_mlp


def embed_set(parameters: Parameters, x: torch.Tensor, adjacency: torch.Tensor | None = None) -> torch.Tensor:
    """Embed sets by a graph network, or without a graph by deep sets.

    Shape (runs, sets, points, in) -> (runs, sets, out). Layers h -> relu(A (h W) + b), the last one linear, then the
    mean over the points, scaled to unit length. With A = 1 that is Zaheer and others, Deep sets (NeurIPS 2017); else
    Kipf and Welling, ICLR 2017. A set of one point is embedded by a plain network.

    Parameters
    ----------
    parameters
        What `mlp.init_mlp(runs, [in, hidden, ..., out], generator)` draws.
    adjacency : Tensor, shape (runs, sets, points, points), optional
        What a point takes of each other: `neighbourhoods.normalised_adjacency`.
    """
    layers = sum(name.startswith("weight_") for name in parameters)
    for layer in range(layers):
        x = _linear(x, parameters[f"weight_{layer}"])
        x = x if adjacency is None else adjacency @ x
        x = x + parameters[f"bias_{layer}"].unsqueeze(1)
        x = relu(x) if layer < layers - 1 else x
    return normalize(x.mean(-2), dim=-1)


def init_attention(
    runs: int, dim: int, width: int, out: int, generator: torch.Generator, device: str = "cpu"
) -> Parameters:
    """Draw the weights of `embed_by_attention`: a layer before it, queries, keys and values, and a layer after it."""
    parameters = init_mlp(runs, [dim, width, out], generator, device)
    for name in ("query", "key", "value"):
        parameters[name] = init_mlp(runs, [width, width], generator, device)["weight_0"]
    return parameters


def embed_by_attention(parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Embed sets in which each point attends to all others: shape (runs, sets, points, in) -> (runs, sets, out).

    One block of one head, a mean in place of the pooling by attention (Lee and others, Set transformer, ICML 2019).
    """
    h = relu(_linear(x, parameters["weight_0"]) + parameters["bias_0"].unsqueeze(1))
    query, key, value = (_linear(h, parameters[name]) for name in ("query", "key", "value"))
    h = h + torch.softmax(query @ key.mT / key.shape[-1] ** 0.5, -1) @ value
    return normalize((_linear(relu(h), parameters["weight_1"]) + parameters["bias_1"].unsqueeze(1)).mean(-2), dim=-1)


def _linear(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """x W for all sets of a run at once: shape (runs, sets, points, in) -> (runs, sets, points, out)."""
    return torch.bmm(x.flatten(1, 2), weight).unflatten(1, x.shape[1:3])
