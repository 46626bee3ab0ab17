"""One network for every number of states: from counted transitions to the mean and deviation of each rate.

Names of states carry no meaning, so that the network works link by link: it sees the counts of a link, of the way back,
of both states staying, and a sum over all third states. Its rates are per step of the grid, which makes it blind to the
unit of time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import silu, softplus

from pesin.models.markov import generator, transition_counts
from pesin.models.mlp import Parameters, apply_mlp, init_mlp

LAGS = (1, 2, 4, 8)
CHANNELS = len(LAGS) + 1
OWN, THIRD = 4 * CHANNELS + 1, 9 * CHANNELS
FLOOR = 0.01  # of a deviation, in units of a process' mean rate


def init_network(width: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw the weights; `third_` ones look at a link and a third state, `own_` ones make the link's rate of it."""
    parts = {
        "third": init_mlp(1, [THIRD, width, width], generator, device),
        "own": init_mlp(1, [OWN + width, 2 * width, 2 * width, 2], generator, device),
    }
    return {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}


def features(labels: np.ndarray, states: int) -> np.ndarray:
    """Logarithms of the shares of transitions at each lag, and of how many there are: (..., states, states, channels).

    labels (..., paths, points), -1 where nothing was seen.
    """
    counts = transition_counts(labels, states, LAGS).astype(float)
    total = counts.sum(-1, keepdims=True)
    shares = np.log((counts + 0.5) / (total + 0.5 * states))
    known = np.broadcast_to(np.log(total[..., 0, :, :] + 1), total.shape[:-3] + (states, states))
    return np.concatenate([np.moveaxis(shares, -3, -1), known[..., None]], -1).astype(np.float32)


@lru_cache
def links(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both states of each link, (links,) each, and the others, (links, n - 2)."""
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    return i, j, np.array([np.setdiff1d(np.arange(n), pair) for pair in zip(i, j, strict=True)])


def apply_network(parameters: Parameters, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and deviations of all rates, per step of the grid, each (batch, states, states); the diagonal is 0.

    x : Tensor, shape (batch, states, states, channels). The diagonal means nothing.
    """
    batch, n = x.shape[:2]
    own = {name.removeprefix("own_"): value for name, value in parameters.items() if name.startswith("own_")}
    third = {name.removeprefix("third_"): value for name, value in parameters.items() if name.startswith("third_")}
    i, j, k = links(n)
    # In units of the share of jumps among all steps.
    jumps = (x[:, i, j, 0] + x[:, i, j, -1]).exp().sum(1) / x[:, np.arange(n), np.arange(n), -1].exp().sum(1) / (n - 1)
    x = torch.cat([(x[..., :-1] + 3) / 2, (x[..., -1:] - 5) / 3], -1)
    link = torch.cat([x[:, i, j], x[:, j, i], x[:, i, i], x[:, j, j]], -1)
    a, b = i[:, None], j[:, None]
    ways = torch.cat([x[:, a, k], x[:, k, a], x[:, k, b], x[:, b, k], x[:, k, k]], -1)
    both = torch.cat([ways, link[:, :, None].expand(-1, -1, n - 2, -1)], -1)
    width = third["bias_1"].shape[-1]
    seen = apply_mlp(third, both.reshape(1, -1, THIRD), silu).reshape(batch, len(i), n - 2, width).sum(2) / 2
    size = torch.full_like(link[..., :1], float(np.log(n)))
    said = apply_mlp(own, torch.cat([link, size, seen], -1).reshape(1, -1, OWN + width), silu).reshape(batch, -1, 2)
    found = x.new_zeros(2, batch, n, n)
    found[:, :, i, j] = softplus(said.movedim(-1, 0)) * jumps[:, None]
    return found[0], found[1]


def losses(mean: torch.Tensor, deviation: torch.Tensor, rates: torch.Tensor) -> torch.Tensor:
    """Gaussian negative log-likelihood of all rates, mean over processes and links: shape ().

    In units of the mean rate of each process, so that slow processes count as much as fast ones; there the deviation is
    held above `FLOOR`, since a link that doesn't exist has the rate 0 exactly.
    """
    n = rates.shape[-1]
    off = ~torch.eye(n, dtype=torch.bool, device=rates.device)
    unit = rates.sum((1, 2), keepdim=True) / (n * (n - 1))
    spread = deviation / unit + FLOOR
    return (0.5 * ((rates - mean) / unit / spread).square() + spread.log())[:, off].mean()


@torch.no_grad()
def infer(weights: Parameters, labels: np.ndarray, states: int, pace: float) -> tuple[np.ndarray, np.ndarray]:
    """Generators and the deviations of their rates, per unit of time, of many processes from their observed paths.

    labels (..., paths, points) -> two of shape (..., states, states).
    """
    x = features(labels, states)
    flat = torch.as_tensor(x.reshape(-1, *x.shape[-3:]))
    parts = [apply_network(weights, part) for part in flat.split(256)]
    mean, deviation = (torch.cat(part).double().numpy(force=True) for part in zip(*parts, strict=True))
    shape = (*x.shape[:-3], states, states)
    off = 1 - np.eye(states)
    return generator(mean.reshape(shape) * off / pace), deviation.reshape(shape) * off / pace


def network_of(trained: xr.DataTree, which: str) -> Parameters:
    """The network as the train step has kept it: "learnt", or "drawn" before the first update."""
    return {str(name): torch.as_tensor(v.values) for name, v in trained[which].data_vars.items() if name != "loss"}
