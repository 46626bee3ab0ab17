"""Distributions over all outcomes by a transformer, a restricted Boltzmann machine, and a product of sites.

Each has a runs axis and gives the logarithms of all 4^N probabilities at once, normalised, in float64. The machine's
sum over all outcomes is exact too, so that it is not held back by its own Markov chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn.functional import softplus

from pesin.models.mlp import Parameters
from pesin.models.transformer import Transformer
from studies.povm_transformer_open_quantum.povm import DIGITS

START = DIGITS
"""Symbol before the first outcome."""
SPREAD = 0.05
"""Standard deviation of the first weights of the machine and of the product."""


class Ansatz(Protocol):
    """A family of distributions."""

    def init(self, runs: int, generator: torch.Generator, device: str) -> Parameters: ...

    def log_p(self, parameters: Parameters) -> torch.Tensor:
        """Shape (runs, 4^N)."""
        ...


@dataclass(frozen=True)
class Autoregressive:
    """A causal transformer that reads a start symbol and the outcomes of the sites before."""

    net: Transformer

    @classmethod
    def of(cls, sites: int, width: int, layers: int, heads: int, expansion: int) -> Autoregressive:
        """Of so many sites."""
        return cls(Transformer(DIGITS + 1, DIGITS, sites, width, layers, heads, expansion=expansion))

    def init(self, runs: int, generator: torch.Generator, device: str) -> Parameters:
        return doubled(self.net.init_parameters(runs, generator, device))

    def log_p(self, parameters: Parameters) -> torch.Tensor:
        """All outcomes share the sequences of their first N - 2 sites, which the four outcomes of the next one end."""
        place = parameters["place"]
        runs, sites = len(place), self.net.context
        read = prefixes(sites).to(place.device).expand(runs, -1, -1)
        each = self.net(parameters, read, alternatives=DIGITS).log_softmax(-1)
        total = each[:, :, -DIGITS:].flatten(1)
        for site in range(sites - 1):
            stride = DIGITS ** (sites - 2 - site)
            total = total + each[:, ::stride, site].flatten(1).repeat_interleave(DIGITS * stride, 1)
        return total


@dataclass(frozen=True)
class Machine:
    """p(a) ~ exp(b v) prod (1 + exp(c + W v)), v the outcomes of all sites, each as four digits of which one is 1."""

    sites: int
    hidden: int

    def init(self, runs: int, generator: torch.Generator, device: str) -> Parameters:
        visible = DIGITS * self.sites
        shapes = {"weight": (visible, self.hidden), "hidden_bias": (1, self.hidden), "visible_bias": (visible, 1)}
        return drawn(shapes, runs, generator, device)

    def log_p(self, parameters: Parameters) -> torch.Tensor:
        v = visible(self.sites).to(parameters["weight"].device)
        inner = v @ parameters["weight"] + parameters["hidden_bias"]
        return ((v @ parameters["visible_bias"])[..., 0] + softplus(inner).sum(-1)).log_softmax(-1)


@dataclass(frozen=True)
class Product:
    """Sites without correlations: mean field."""

    sites: int

    def init(self, runs: int, generator: torch.Generator, device: str) -> Parameters:
        return drawn({"logit": (self.sites, DIGITS)}, runs, generator, device)

    def log_p(self, parameters: Parameters) -> torch.Tensor:
        one = parameters["logit"].log_softmax(-1).flatten(1)
        return one @ visible(self.sites).to(one.device).T


def doubled(parameters: Parameters) -> Parameters:
    """The same in float64: in float32 the 1-norm stalls near 1e-3."""
    return {name: value.detach().double().requires_grad_() for name, value in parameters.items()}


def drawn(shapes: Mapping[str, tuple[int, ...]], runs: int, generator: torch.Generator, device: str) -> Parameters:
    """Small normal weights, runs first."""
    found = {name: torch.randn(runs, *shape, generator=generator) * SPREAD for name, shape in shapes.items()}
    return doubled({name: value.to(device) for name, value in found.items()})


def count(parameters: Parameters) -> int:
    """Numbers that one run learns."""
    return sum(value[0].numel() for value in parameters.values())


def digits(sites: int) -> np.ndarray:
    """Outcomes of each site, shape (4^N, N)."""
    return np.array(list(np.ndindex(*[DIGITS] * sites)))


def prefixes(sites: int) -> torch.Tensor:
    """Start, all outcomes of the first N - 2 sites, and the alternatives of the next: shape (4^(N - 2), N + 3)."""
    first = digits(sites - 2)
    last = np.broadcast_to(np.arange(DIGITS), (len(first), DIGITS))
    return torch.as_tensor(np.concatenate([np.full((len(first), 1), START), first, last], 1))


def visible(sites: int) -> torch.Tensor:
    """All outcomes as digits of which one in four is 1, shape (4^N, 4 N), float64."""
    return torch.as_tensor(np.eye(DIGITS)[digits(sites)].reshape(DIGITS**sites, -1))


def orders(name: str, sites: int) -> list[list[int]]:
    """Orders in which a ring is read, N of them: all shifts for "string", the same N times for "plain"."""
    own = list(range(sites))
    if name == "string":
        return [own[k:] + own[:k] for k in own]
    return [own] * sites


def reordered(orders: Sequence[Sequence[int]]) -> np.ndarray:
    """Number of each outcome for a network that reads the sites in another order: shape (orders, 4^N)."""
    sites = len(orders[0])
    places = DIGITS ** np.arange(sites - 1, -1, -1)
    each = digits(sites)
    return np.array([each[:, list(order)] @ places for order in orders])


def mixture(log_p: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """String state: ln of the mean over K orders of p(reordered a): (runs, 4^N), (runs, K, 4^N) -> (runs, 4^N)."""
    each = log_p[:, None].expand(-1, index.shape[1], -1).gather(2, index)
    return each.logsumexp(1) - np.log(index.shape[1])
