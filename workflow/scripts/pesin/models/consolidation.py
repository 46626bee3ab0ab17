"""What keeps a network near what it has learnt before: Fisher information, elastic weights, synaptic intelligence.

Parameters are dicts of tensors whose first axis is the run; penalties have the shape (runs,), for
`pesin.models.optimisers.fit_runs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from pesin.models.mlp import Parameters


def fisher_diagonal(
    log_likelihood: Callable[..., torch.Tensor],
    parameters: Parameters,
    *samples: torch.Tensor,
    together: int | None = None,
) -> Parameters:
    """Mean over samples of the squared gradient of each one's log-likelihood: the empirical Fisher information.

    Kirkpatrick et al., PNAS 114, 3521 (2017), as most implementations have it. With labels that are drawn from the
    model's own prediction it is the Fisher information itself.

    Parameters
    ----------
    log_likelihood
        (parameters, one sample of each run: tensors of shape (runs, ...)) -> log-likelihoods, shape (runs,). It is
        handed more runs than there are, one for each run and sample.
    samples
        Inputs, labels and what else it takes, each of shape (runs, samples, ...).
    together
        Samples whose gradients are held at once; all of them by default.

    Returns
    -------
    dict
        By the names and with the shapes of the parameters; no gradients.
    """

    runs, count = samples[0].shape[:2]
    found = {name: torch.zeros_like(value, requires_grad=False) for name, value in parameters.items()}
    for first in range(0, count, together or count):
        parts = [sample[:, first : first + (together or count)] for sample in samples]
        many = parts[0].shape[1]
        # Each sample's gradient is that of a copy of the parameters of its own: a run for each run and sample. (vmap of
        # torch.func would do; its first call loads PyTorch's compiler, a second and a half.)
        copies = {
            name: value.detach().repeat_interleave(many, 0).requires_grad_() for name, value in parameters.items()
        }
        total = log_likelihood(copies, *[part.flatten(0, 1) for part in parts]).sum()
        for name, score in zip(copies, torch.autograd.grad(total, list(copies.values())), strict=True):
            found[name] += score.unflatten(0, (runs, many)).square().sum(1) / count
    return found


def quadratic_penalty(parameters: Parameters, anchors: Parameters, importance: Parameters) -> torch.Tensor:
    """Half the sum over weights of importance x (weight - anchor)^2, shape (runs,).

    With the Fisher information as importance it is the penalty of elastic weight consolidation, and to second order the
    Kullback-Leibler divergence between the models at `parameters` and at `anchors`, in nats for a sample.
    """
    parts = [
        (importance[name] * (parameters[name] - anchor).square()).flatten(1).sum(1) for name, anchor in anchors.items()
    ]
    return torch.stack(parts).sum(0) / 2


class SynapticIntelligence:
    """Importance of weights by what their way through a task has taken off the loss (Zenke, Poole, Ganguli, ICML 2017).

    Parameters
    ----------
    parameters
        As they are before the first task.
    damping
        Added to the squared way of each weight (xi in the paper).

    Attributes
    ----------
    anchors, importance
        The parameters after the last task that was consolidated, and the sum over tasks of their importance: for
        `quadratic_penalty`, whose half makes the paper's c twice its weight.
    """

    def __init__(self, parameters: Parameters, damping: float = 1e-3) -> None:
        self.damping = damping
        self.anchors = {name: value.detach().clone() for name, value in parameters.items()}
        self.importance = {name: torch.zeros_like(value) for name, value in self.anchors.items()}
        self._path = {name: torch.zeros_like(value) for name, value in self.anchors.items()}

    @torch.no_grad()
    def observe(self, gradients: Parameters, before: Parameters, after: Parameters) -> None:
        """Take in a step: gradients of the task's loss, without the penalty, and the parameters on both sides of it."""
        for name, path in self._path.items():
            path -= gradients[name] * (after[name] - before[name])

    @torch.no_grad()
    def consolidate(self, parameters: Parameters) -> None:
        """End a task: its importance is added, never a negative one, and the anchors move."""
        for name, path in self._path.items():
            way = parameters[name] - self.anchors[name]
            self.importance[name] += (path / (way.square() + self.damping)).clamp(min=0)
            self.anchors[name].copy_(parameters[name])
            path.zero_()

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes, for checkpoints."""
        return {key: value.numpy(force=True) for key, value in self._kept().items()}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for key, value in self._kept().items():
            value.copy_(torch.as_tensor(arrays[key]))

    def _kept(self) -> dict[str, torch.Tensor]:
        parts = {"anchor": self.anchors, "importance": self.importance, "path": self._path}
        return {f"{part}_{name}": value for part, values in parts.items() for name, value in values.items()}
