"""Adam and SGD without `torch.optim`, and both with a learning rate for each run, in which a run that diverges stops.

`torch.optim` loads PyTorch's compiler when its first optimiser is made: two seconds, as long as many a training here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import torch

from pesin.models.mlp import Parameters
from pesin.steps.checkpoint import Checkpoint, Stateful, set_state, state_of


class _Fused:
    """What a fused optimiser keeps, as named arrays."""

    def _kept(self) -> dict[str, list[torch.Tensor]]:
        raise NotImplementedError

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes, the parameters too, for checkpoints."""
        return {
            f"{part}_{i}": v.numpy(force=True) for part, values in self._kept().items() for i, v in enumerate(values)
        }

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for part, values in self._kept().items():
            for i, value in enumerate(values):
                value.copy_(torch.as_tensor(arrays[f"{part}_{i}"]))


class Adam(_Fused):
    """Adam with one learning rate for all: what `torch.optim.Adam(fused=True)` calls.

    Parameters
    ----------
    parameters
        Leaf tensors, changed in place by `step`.
    epsilon
        Added to the root of the second moment.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], epsilon: float = 1e-8) -> None:
        self.parameters, self.epsilon = list(parameters), epsilon
        self._first = [torch.zeros_like(value) for value in self.parameters]
        self._second = [torch.zeros_like(value) for value in self.parameters]
        self._done = [torch.zeros((), device=value.device) for value in self.parameters]

    def descend(self, loss: torch.Tensor, rate: float, largest: float | None = None) -> None:
        """Take a step down the gradient of a loss, shape (); each run's is clipped to the norm `largest`, if given."""
        gradients = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        if largest is not None:
            clip_gradients(gradients, largest)
        self.step(gradients, rate)

    @torch.no_grad()
    def step(self, gradients: Iterable[torch.Tensor], rate: float) -> None:
        """Update in place; gradients in the order of the parameters."""
        torch._foreach_add_(self._done, 1)
        torch._fused_adam_(
            self.parameters,
            [gradient.contiguous() for gradient in gradients],  # it reads them in the parameters' order of memory
            self._first,
            self._second,
            [],
            self._done,
            lr=rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=self.epsilon,
            amsgrad=False,
            maximize=False,
        )

    def _kept(self) -> dict[str, list[torch.Tensor]]:
        return {"parameter": self.parameters, "first": self._first, "second": self._second, "done": self._done}


class SGD(_Fused):
    """SGD with heavy-ball momentum and one learning rate for all: what `torch.optim.SGD(fused=True)` calls.

    Half the time of `RunsOptimiser`, which looks at each run's gradient: a run that diverges goes on as NaN, alone.

    Parameters
    ----------
    parameters
        Leaf tensors, changed in place by `step`.
    momentum, weight_decay
        As of `torch.optim.SGD`: the decay enters the momentum.
    """

    def __init__(self, parameters: Iterable[torch.Tensor], momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self.parameters, self.momentum, self.weight_decay = list(parameters), momentum, weight_decay
        self._buffer = [torch.zeros_like(value) for value in self.parameters]

    @torch.no_grad()
    def step(self, gradients: Iterable[torch.Tensor], rate: float) -> None:
        """Update in place; gradients in the order of the parameters."""
        torch._fused_sgd_(
            self.parameters,
            [gradient.contiguous() for gradient in gradients],
            self._buffer,
            weight_decay=self.weight_decay,
            momentum=self.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )

    def _kept(self) -> dict[str, list[torch.Tensor]]:
        return {"parameter": self.parameters, "buffer": self._buffer}


class RAdam:
    """Rectified Adam (Liu et al. 2020, arXiv 1908.03265, algorithm 2), bit for bit what `torch.optim.RAdam` does.

    Parameters
    ----------
    parameters
        Leaf tensors, changed in place by `step`.
    weight_decay
        L2 penalty of each of them, added to its gradient.
    """

    betas, epsilon = (0.9, 0.999), 1e-8

    def __init__(self, parameters: Iterable[torch.Tensor], weight_decay: Iterable[float]) -> None:
        self.parameters, self.weight_decay = list(parameters), list(weight_decay)
        self._first = [torch.zeros_like(value) for value in self.parameters]
        self._second = [torch.zeros_like(value) for value in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, gradients: Iterable[torch.Tensor], rate: float, pace: torch.Tensor) -> None:
        """Update in place; gradients in the order of the parameters.

        Parameters
        ----------
        rate
            Learning rate of all runs.
        pace : Tensor, shape (runs, 1, ...)
            Share of the step that each run takes.
        """
        self.steps += 1
        one, two = self.betas
        correction = 1 - two**self.steps
        longest = 2 / (1 - two) - 1  # of the averages that the second moment is taken over
        length = longest - 2 * self.steps * two**self.steps / correction
        state = zip(self.parameters, gradients, self.weight_decay, self._first, self._second, strict=True)
        for value, gradient, decay, first, second in state:
            gradient = gradient.add(value, alpha=decay) if decay else gradient
            first.lerp_(gradient, 1 - one)
            second.mul_(two).addcmul_(gradient, gradient, value=1 - two)
            change = first / (1 - one**self.steps) * rate
            if length > 5:
                known = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
                change = change * (correction**0.5 / second.sqrt().add_(self.epsilon)) * known**0.5
            value.copy_(torch.lerp(value, value - change, pace))

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes but the parameters, for checkpoints."""
        moments = {"first": self._first, "second": self._second}
        found = {f"{name}_{i}": m.numpy(force=True) for name, part in moments.items() for i, m in enumerate(part)}
        return found | {"steps": np.array(self.steps)}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for name, part in (("first", self._first), ("second", self._second)):
            for i, moment in enumerate(part):
                moment.copy_(torch.as_tensor(arrays[f"{name}_{i}"]))
        self.steps = int(arrays["steps"])


def half_cosine(step: int, steps: int) -> float:
    """Share of the learning rate in a step: 1 at step 0, falling to 0 along half a cosine."""
    return (1 + math.cos(math.pi * step / steps)) / 2


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

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes, the parameters too, for checkpoints."""
        found = {key: value.numpy(force=True) for key, value in self._kept().items()}
        return found | {"alive": self.alive.numpy(force=True), "steps": np.array(self.steps)}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for key, value in self._kept().items():
            value.copy_(torch.as_tensor(arrays[key]))
        self.alive = torch.as_tensor(arrays["alive"], device=self.alive.device)
        self.steps = int(arrays["steps"])

    def _kept(self) -> dict[str, torch.Tensor]:
        parts = {"parameter": self.parameters, "first": self.first, "second": self.second}
        return {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}

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


def clip_gradients(gradients: Iterable[torch.Tensor], largest: float) -> torch.Tensor:
    """Scale each run's gradient down to the norm `largest`, in place; first axis the run.

    Returns
    -------
    Tensor, shape (runs,)
        The norms before.
    """
    gradients = list(gradients)
    norm = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    scale = (largest / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
    return norm


def gradient_norm(gradients: Parameters) -> torch.Tensor:
    """Norm of each run's whole gradient, shape (runs,), in float64, so that large ones don't overflow."""
    norms = [torch.linalg.vector_norm(g.flatten(1), dim=1, dtype=torch.float64) for g in gradients.values()]
    return torch.linalg.vector_norm(torch.stack(norms), dim=0)


def fit_runs(
    optimiser: RunsOptimiser,
    loss_of: Callable[[int], torch.Tensor],
    rate_of: Callable[[int], torch.Tensor],
    steps: int,
    progress: Callable[[Iterable[int]], Iterable[int]] = iter,
    checkpoint: Checkpoint | None = None,
    also: Sequence[Stateful] = (),
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
        Number of updates.
    checkpoint, also
        Where a training that is stopped goes on from, and what else `loss_of` changes.

    Returns
    -------
    (loss, norm) : float64 ndarrays, shape (runs, steps)
        Loss and gradient norm before each update; NaN once a run has stopped.
    """
    checkpoint = checkpoint or Checkpoint()
    curves = np.full((2, len(optimiser.alive), steps), np.nan)
    done, saved = checkpoint.load()
    parts = (optimiser, *also)
    if saved:
        curves = saved["curves"]
        set_state(saved, *parts)
    for step in checkpoint.over(progress(range(done, steps)), lambda: {"curves": curves} | state_of(*parts)):
        loss = loss_of(step)
        went_on = optimiser.alive
        norm = optimiser.descend(loss, rate_of(step))
        both = torch.stack([loss.detach().double(), norm])
        curves[..., step] = torch.where(went_on, both, torch.nan).numpy(force=True)
    return curves[0], curves[1]
