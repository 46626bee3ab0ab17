"""A network that makes the weights of other networks, one for each task (Huang et al. 2021, arXiv 2009.11997)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import torch

from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from pesin.models.optimisers import Adam

Activation = Callable[[torch.Tensor], torch.Tensor]


def flat(parameters: Parameters) -> torch.Tensor:
    """All weights of each run, (..., in, out) each -> (..., weights), layer by layer."""
    return torch.cat([value.flatten(-2) for value in parameters.values()], -1)


def shaped(weights: torch.Tensor, sizes: Sequence[int]) -> Parameters:
    """What `flat` made flat, of a network of these widths, input and output among them: (..., weights) -> a dict."""
    found, done = {}, 0
    for layer, (rows, columns) in enumerate(pairwise(sizes)):
        for name, shape in ((f"weight_{layer}", (rows, columns)), (f"bias_{layer}", (1, columns))):
            size = shape[0] * shape[1]
            found[name] = weights[..., done : done + size].unflatten(-1, shape)
            done += size
    return found


def predicted(
    weights: torch.Tensor, x: torch.Tensor, sizes: Sequence[int], activation: Activation = torch.tanh
) -> torch.Tensor:
    """Outputs: weights (..., weights), x (..., batch, in) of the same leading axes -> (..., batch, out)."""
    lead = weights.shape[:-1]
    rows = x.expand(*lead, *x.shape[-2:]).reshape(-1, *x.shape[-2:])
    return apply_mlp(shaped(weights.reshape(-1, weights.shape[-1]), sizes), rows, activation).unflatten(0, lead)


def moved(weights: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Squared distance, summed over weights, mean over tasks: (runs, tasks, weights) each -> (runs,)."""
    return (weights - kept).square().sum(-1).mean(1)


class Hypernetwork:
    """An embedding of each task -> all weights of its network, which is taught by squared errors.

    Old embeddings are frozen. The penalty is beta times the squared distance of the weights that they generate from
    those that they generated before the session, summed over weights, mean over old tasks.

    Parameters
    ----------
    runs, tasks
        Hypernetworks, and embeddings of each.
    sizes
        Widths of the networks that are made: input, hidden ones, output.
    widths
        Hidden widths of the hypernetwork itself.
    embedding
        Numbers of a task.
    spread
        Factor of the first weights of the last layer, whose bias begins as a usual network.
    beta, rate
        Of the penalty, and of Adam, which starts anew in each session.
    old
        "all": the penalty takes in every old task in each step; "one": one of them, drawn.
    """

    asks = False
    """Whether the end of a session needs samples."""

    def __init__(
        self, runs: int, tasks: int, sizes: Sequence[int], widths: Sequence[int], embedding: int, spread: float,
        beta: float, rate: float, old: Literal["all", "one"], generator: torch.Generator, device: str = "cpu",
        activation: Activation = torch.tanh,
    ) -> None:  # fmt: skip
        start = flat(init_mlp(runs, sizes, generator, device)).detach()
        own = [embedding, *widths, start.shape[-1]]
        self.parameters, last = init_mlp(runs, own, generator, device), len(own) - 2
        with torch.no_grad():
            self.parameters[f"weight_{last}"] *= spread
            self.parameters[f"bias_{last}"].copy_(start[:, None])
        self.embeddings = torch.randn(runs, tasks, embedding, generator=generator).to(device)
        self.sizes, self.beta, self.rate, self.old, self.activation = list(sizes), beta, rate, old, activation
        self.learnt, self.generated = 0, 0

    def weights(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(runs, k, embedding) -> (runs, k, weights); counted."""
        self.generated += embeddings.shape[1]
        return apply_mlp(self.parameters, embeddings, torch.relu)

    def begin(self, tasks: np.ndarray) -> None:
        """Start a session on these tasks, the same in all runs; the others before the last of them are old."""
        self.own = torch.as_tensor(tasks[0])
        self.past = torch.as_tensor(sorted(set(range(int(tasks.max()))) - set(tasks[0].tolist())), dtype=torch.long)
        self.now = self.embeddings[:, self.own].requires_grad_()
        with torch.no_grad():
            self.kept = self.weights(self.embeddings[:, self.past if self.beta > 0 else []])
        self.adam, self.generated = Adam([*self.parameters.values(), self.now]), 0

    def step(self, x: torch.Tensor, y: torch.Tensor, draw: np.random.Generator) -> None:
        """One update; x (runs, tasks, batch, in), y (runs, tasks, batch, out)."""
        old, kept = self._held(draw)
        made = self.weights(torch.cat([self.now, old], 1))
        own, again = made[:, : len(self.own)], made[:, len(self.own) :]
        loss = (predicted(own, x, self.sizes, self.activation) - y).square().mean((-1, -2)).mean(1).sum()
        if len(kept[0]):
            loss = loss + self.beta * moved(again, kept).sum()
        self.adam.descend(loss, self.rate)

    def _held(self, draw: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Embeddings of old tasks that a step's penalty takes in, and the weights that they gave before the session."""
        old, kept = self.embeddings[:, self.past], self.kept
        if self.old == "all" or not len(kept[0]):
            return old[:, : len(kept[0])], kept
        which = torch.as_tensor(draw.integers(len(self.past), size=len(old)), device=old.device)
        rows = torch.arange(len(old), device=old.device)
        return old[rows, which][:, None], kept[rows, which][:, None]

    def end(self, x: torch.Tensor | None, generator: torch.Generator) -> None:
        """End the session: what the embeddings have become is frozen."""
        self.embeddings[:, self.own] = self.now.detach()
        self.learnt = max(self.learnt, int(self.own.max()) + 1)

    @torch.no_grad()
    def networks(self) -> torch.Tensor:
        """The network of each task, (runs, tasks, weights); of tasks to come by their first embedding."""
        return apply_mlp(self.parameters, self.embeddings, torch.relu)

    def numbers(self) -> int:
        """Numbers of the model: the hypernetwork, and the embeddings of tasks that were learnt."""
        return sum(value[0].numel() for value in self.parameters.values()) + self.learnt * self.embeddings.shape[-1]

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a session changes, for checkpoints."""
        kept = {name: value.numpy(force=True) for name, value in self.parameters.items()}
        return kept | {"embeddings": self.embeddings.numpy(force=True), "learnt": np.array(self.learnt)}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for name, value in self.parameters.items():
            value.copy_(torch.as_tensor(arrays[name]))
        self.embeddings.copy_(torch.as_tensor(arrays["embeddings"]))
        self.learnt = int(arrays["learnt"])
