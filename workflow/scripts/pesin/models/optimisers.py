"""Adam(W) and SGD with a learning rate for each run, in which a run that diverges stops and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Literal

import numpy as np
import torch

from pesin.models.mlp import Parameters


class RunsOptimiser:
    """Updates parameters whose first axis is the run.

    Parameters
    ----------
    parameters
        Leaf tensors, changed in place by `step`.
    kind
        "adam" (with decoupled weight decay: AdamW) or "sgd" (heavy-ball momentum).
    momentum
        Of SGD; Adam's two are `betas`.
    weight_decay
        Share of a decayed parameter that is taken away in a step of learning rate 1.
    decayed
        Names of the parameters that decay: matrices, as a rule, and no gains or biases.

    Attributes
    ----------
    alive : bool Tensor, shape (runs,)
        False from the first gradient of a run that isn't finite: its parameters stay what they last were.
    """

    def __init__(
        self,
        parameters: Parameters,
        kind: Literal["adam", "sgd"],
        momentum: float = 0.0,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        decayed: Collection[str] = (),
    ) -> None:
        if kind not in ("adam", "sgd"):
            raise ValueError(f"kind must be 'adam' or 'sgd', it is {kind!r}")
        self.parameters, self.kind, self.momentum, self.betas = parameters, kind, momentum, betas
        self.epsilon, self.weight_decay, self.decayed = epsilon, weight_decay, decayed
        self.first = {name: torch.zeros_like(value) for name, value in parameters.items()}
        self.second = {name: torch.zeros_like(value) for name, value in parameters.items()} if kind == "adam" else {}
        one = next(iter(parameters.values()))
        self.alive = torch.ones(len(one), dtype=torch.bool, device=one.device)
        self.steps = 0

    def descend(self, loss: torch.Tensor, rate: torch.Tensor) -> torch.Tensor:
        """Take a step down the gradient of the losses, shape (runs,), or of their sum; else as `step`."""
        gradients = torch.autograd.grad(loss.sum(), list(self.parameters.values()))
        return self.step(dict(zip(self.parameters, gradients, strict=True)), rate)

    @torch.no_grad()
    def step(self, gradients: Parameters, rate: torch.Tensor) -> torch.Tensor:
        """Update in place.

        Parameters
        ----------
        gradients
            By the names of the parameters.
        rate : Tensor, shape (runs,)
            Learning rate of each run in this step.

        Returns
        -------
        Tensor, shape (runs,)
            Norm of each run's gradient, float64.
        """
        norm = gradient_norm(gradients)
        self.alive = self.alive & torch.isfinite(norm)
        everyone, self.steps = bool(self.alive.all()), self.steps + 1
        for name, value in self.parameters.items():
            shape = (-1, *[1] * (value.dim() - 1))
            change = self._change(name, gradients[name])
            if name in self.decayed and self.weight_decay:
                change.add_(value, alpha=self.weight_decay)
            change.mul_(rate.view(shape))
            value.sub_(change if everyone else torch.where(self.alive.view(shape), change, 0))
        return norm

    def _change(self, name: str, gradient: torch.Tensor) -> torch.Tensor:
        if self.kind == "sgd":
            return self.first[name].mul_(self.momentum).add_(gradient).clone()
        one, two = self.betas
        first = self.first[name].lerp_(gradient, 1 - one)
        second = self.second[name].mul_(two).addcmul_(gradient, gradient, value=1 - two)
        # Both biases of the start in one factor; passes over the memory are what a step costs.
        half, scale = (1 - two**self.steps) ** 0.5, (1 - two**self.steps) ** 0.5 / (1 - one**self.steps)
        return torch.div(first, second.sqrt().add_(self.epsilon * half)).mul_(scale)


def gradient_norm(gradients: Parameters) -> torch.Tensor:
    """Norm of each run's whole gradient, shape (runs,), in float64, so that large ones don't overflow."""
    norms = [torch.linalg.vector_norm(g.flatten(1), dim=1, dtype=torch.float64) for g in gradients.values()]
    return torch.linalg.vector_norm(torch.stack(norms), dim=0)


def fit_runs(
    optimiser: RunsOptimiser,
    loss_of: Callable[[int], torch.Tensor],
    rate_of: Callable[[int], torch.Tensor],
    steps: Iterable[int],
) -> tuple[np.ndarray, np.ndarray]:
    """Train all runs in one loop.

    Parameters
    ----------
    optimiser
        Holds the parameters.
    loss_of
        step -> loss of each run, shape (runs,), a function of the parameters and of no other run's.
    rate_of
        step -> learning rate of each run.
    steps
        The steps' numbers.

    Returns
    -------
    (loss, norm) : float64 ndarrays, shape (runs, steps)
        Loss and gradient norm before each update; NaN once a run has stopped.
    """
    losses: list[torch.Tensor] = []
    norms: list[torch.Tensor] = []
    for step in steps:
        loss = loss_of(step)
        went_on = optimiser.alive
        norm = optimiser.descend(loss, rate_of(step))
        for kept, values in ((losses, loss.detach().double()), (norms, norm)):
            kept.append(torch.where(went_on, values, torch.nan))
    return torch.stack(losses, 1).numpy(force=True), torch.stack(norms, 1).numpy(force=True)
