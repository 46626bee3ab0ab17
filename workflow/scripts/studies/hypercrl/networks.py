"""Two kinds of learners of one task after another, runs axis first: a hypernetwork, and a network told the task.

Both are looked at as dynamics networks of the same four inputs, one for each task: a vector of weights each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
import torch

from pesin.models import hypernetwork
from pesin.models.consolidation import SynapticIntelligence, fisher_diagonal
from pesin.models.hypernetwork import Hypernetwork, flat
from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.models.optimisers import Adam
from studies.hypercrl.params import Network, Train

INPUTS, OUTPUTS = 4, 3


def sizes_of(hidden: Iterable[int]) -> list[int]:
    """Widths of a dynamics network, input and output among them."""
    return [INPUTS, *hidden, OUTPUTS]


def shaped(weights: torch.Tensor, hidden: Iterable[int]) -> Parameters:
    """What `flat` made flat, of a network of `INPUTS`, `hidden`, `OUTPUTS`: (..., weights) -> a dict."""
    return hypernetwork.shaped(weights, sizes_of(hidden))


def predicted(weights: torch.Tensor, x: torch.Tensor, hidden: Iterable[int]) -> torch.Tensor:
    """Scaled changes: weights (..., weights), x (..., batch, 4) of the same leading axes -> (..., batch, 3)."""
    return hypernetwork.predicted(weights, x, sizes_of(hidden))


def mean_square(weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor, hidden: Iterable[int]) -> torch.Tensor:
    """Mean squared error, (..., weights) -> (...)."""
    return (predicted(weights, x, hidden) - y).square().mean((-1, -2))


class Generated(Hypernetwork):
    """The study's hypernetworks: an embedding of each task -> all weights of its dynamics network."""

    def __init__(
        self, runs: int, tasks: int, p: Train, old: Literal["all", "one"], generator: torch.Generator, device: str
    ) -> None:
        net = p.network
        super().__init__(
            runs, tasks, sizes_of(net.hidden), net.generator, net.embedding, net.spread, p.beta, p.rate, old,
            generator, device,
        )  # fmt: skip


class Plain:
    """One network for all tasks, told the task one-hot unless `blind`; its weights may be held where they were.

    Parameters
    ----------
    strength : Tensor, shape (runs,)
        Weight of the penalty `strength / 2 sum importance (weight - anchor)^2` of elastic weight consolidation; for
        synaptic intelligence twice its c.
    """

    def __init__(
        self, strength: torch.Tensor, tasks: int, p: Train, hold: Literal["none", "ewc", "si"], hidden: Iterable[int],
        blind: bool, generator: torch.Generator, repeats: int, device: str,
    ) -> None:  # fmt: skip
        self.told, self.tasks, self.hidden, self.hold, self.p = 0 if blind else tasks, tasks, list(hidden), hold, p
        seeds = len(strength) // repeats
        first = init_mlp(seeds, [INPUTS + self.told, *self.hidden, OUTPUTS], generator, device)
        self.parameters = {name: value.detach().repeat(repeats, 1, 1).requires_grad_() for name, value in first.items()}
        self.strength = strength.to(device)[:, None, None]
        self.keeper = SynapticIntelligence(self.parameters, p.damping)
        self.anchors, self.importance = self.keeper.anchors, self.keeper.importance
        self.asks, self.generated = hold == "ewc", 0

    def begin(self, tasks: np.ndarray) -> None:
        """Start a session on one task of each run, shape (runs, 1)."""
        self.now = torch.as_tensor(tasks[:, 0])
        self.adam = Adam(self.parameters.values())

    def _input(self, x: torch.Tensor) -> torch.Tensor:
        """(runs, batch, 4), and the task of the session."""
        if not self.told:
            return x
        hot = torch.nn.functional.one_hot(self.now, self.told).to(x)[:, None]
        return torch.cat([x, hot.expand(-1, x.shape[1], -1)], -1)

    def step(self, x: torch.Tensor, y: torch.Tensor, draw: np.random.Generator) -> None:
        """One update; x (runs, 1, batch, 4)."""
        out = apply_mlp(self.parameters, self._input(x[:, 0]), torch.tanh)
        loss = (out - y[:, 0]).square().mean((1, 2)).sum()
        slopes = dict(zip(self.parameters, torch.autograd.grad(loss, list(self.parameters.values())), strict=True))
        held = slopes
        if self.hold != "none":
            held = {
                name: slope
                + self.strength * self.importance[name] * (self.parameters[name].detach() - self.anchors[name])
                for name, slope in slopes.items()
            }
        before = {name: value.detach().clone() for name, value in self.parameters.items()} if self.hold == "si" else {}
        self.adam.step(held.values(), self.p.plain_rate)
        if before:
            self.keeper.observe(slopes, before, self.parameters)

    def end(self, x: torch.Tensor | None, generator: torch.Generator) -> None:
        """End the session: take stock of what its task needs; x (runs, 1, samples, 4), where it `asks` for it."""
        if self.hold == "si":
            self.keeper.consolidate(self.parameters)
        elif x is not None and self.hold == "ewc":
            self._merge(fisher_diagonal(self._likelihood, self.parameters, *self._asked(x[:, 0], generator)))

    def _asked(self, x: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs, and answers drawn from the model's own law, a normal one of deviation 1."""
        given = self._input(x)
        with torch.no_grad():
            mean = apply_mlp(self.parameters, given, torch.tanh)
        return given, mean + torch.randn(mean.shape, generator=generator).to(mean)

    @staticmethod
    def _likelihood(parameters: Parameters, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        out = apply_mlp(parameters, x[:, None], torch.tanh)[:, 0]
        return -(out - y).square().sum(-1) / 2

    @torch.no_grad()
    def _merge(self, fisher: Parameters) -> None:
        """The quadratic penalties of all tasks so far as one of the same slope."""
        for name, more in fisher.items():
            total = self.importance[name] + more
            share = more / total.clamp(min=torch.finfo(total.dtype).tiny)
            self.anchors[name].lerp_(self.parameters[name], share)
            self.importance[name].copy_(total)

    @torch.no_grad()
    def networks(self) -> torch.Tensor:
        """The dynamics network of each task, (runs, tasks, weights): its one-hot input has gone into the first bias."""
        found = []
        for task in range(self.tasks):
            one = dict(self.parameters)
            if self.told:
                one["weight_0"] = one["weight_0"][:, :INPUTS]
                one["bias_0"] = one["bias_0"] + self.parameters["weight_0"][:, INPUTS + task, None]
            found.append(flat(one))
        return torch.stack(found, 1)

    def numbers(self) -> int:
        """Numbers of the model."""
        return sum(value[0].numel() for value in self.parameters.values())

    def _state(self) -> dict[str, torch.Tensor]:
        parts = {"parameter": self.parameters, "importance": self.importance, "anchor": self.anchors}
        return {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a session changes, for checkpoints."""
        return {name: value.numpy(force=True) for name, value in self._state().items()}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for name, value in self._state().items():
            value.copy_(torch.as_tensor(arrays[name]))


def hidden_of(arm: str, network: Network) -> list[int]:
    """Widths of an arm's dynamics network."""
    return network.wide if arm == "wide" else network.hidden
