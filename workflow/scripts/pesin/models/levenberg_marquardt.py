"""Levenberg's and Marquardt's damped Gauss-Newton method for networks with a runs axis: each run its own damping."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from pesin.models.mlp import Parameters
from pesin.models.taylor import Residual, flat, residual_jacobian, unflat

Weights = Callable[[torch.Tensor], torch.Tensor]
"""Residuals (runs, samples, out) -> weights of their squares, of a shape that broadcasts; constants in a step."""


class LevenbergMarquardt:
    """Minimise sum w r^2 of each run (Levenberg, Quart. Appl. Math. 2, 164, 1944; Marquardt, SIAM J. 11, 431, 1963).

    A step solves (J' W J + mu 1) d = -J' W r, in the space of parameters or of residuals, whichever is smaller. A run
    whose sum rises is tried again with a larger mu, and stays where it is if no trial helps.

    Parameters
    ----------
    parameters
        Changed in place by `step`; those of `pesin.models.mlp.init_mlp`. float64, or little is gained.
    damping
        First mu, as a share of the mean diagonal of the matrix that is solved.
    tries
        Trials in a step; mu grows fourfold after each that fails, and falls to a third after one that helps.

    Attributes
    ----------
    mu : Tensor, shape (runs,)
        NaN before the first step.
    """

    def __init__(self, parameters: Parameters, damping: float = 1e-3, tries: int = 4) -> None:
        self.parameters, self.damping, self.tries = parameters, damping, tries
        one = next(iter(parameters.values()))
        self.mu = torch.full((len(one),), torch.nan, dtype=one.dtype, device=one.device)

    @torch.no_grad()
    def step(self, residual_of: Residual, weights_of: Weights) -> torch.Tensor:
        """Take a step in each run.

        Returns
        -------
        Tensor, shape (runs, samples, out)
            The residuals before it.
        """
        residual, jacobian = residual_jacobian(residual_of, self.parameters)
        root = weights_of(residual).sqrt().expand(residual.shape)
        start, r = flat(self.parameters), (root * residual).flatten(1)[..., None]
        j = jacobian.mul_(root[..., None]).flatten(1, 2)
        few = j.shape[1] < j.shape[2]  # residuals
        matrix = torch.bmm(j, j.mT) if few else torch.bmm(j.mT, j)
        right = r if few else torch.bmm(j.mT, r)
        diagonal = matrix.diagonal(dim1=1, dim2=2)
        plain = diagonal.clone()
        self.mu = torch.where(self.mu.isnan(), self.damping * plain.mean(1), self.mu)
        loss, waiting = r.square().sum((1, 2)), torch.ones_like(self.mu, dtype=torch.bool)
        for _ in range(self.tries):
            rows = waiting.nonzero()[:, 0]  # the others need no factors any more
            diagonal.copy_(plain + self.mu[:, None])
            factor, info = torch.linalg.cholesky_ex(matrix[rows])
            found = torch.cholesky_solve(right[rows], factor)
            change, failed = torch.zeros_like(start), torch.zeros_like(waiting)
            change[rows] = (torch.bmm(j[rows].mT, found) if few else found)[..., 0]
            failed[rows] = info != 0
            trial = unflat(start - change, self.parameters)
            after = (root * residual_of(trial, None)).square().sum((1, 2))
            better = waiting & ~failed & (after < loss)
            for name, value in self.parameters.items():
                value.copy_(torch.where(better.view(-1, *[1] * (value.dim() - 1)), trial[name], value))
            grown = torch.where(waiting, self.mu * 4, self.mu)
            self.mu = torch.where(better, (self.mu / 3).clamp(min=1e-30), grown)
            waiting = waiting & ~better
            if not waiting.any():
                break
        return residual

    def arrays(self) -> dict[str, np.ndarray]:
        """All that a step changes, the parameters too, for checkpoints."""
        found = {f"parameter_{name}": value.numpy(force=True) for name, value in self.parameters.items()}
        return found | {"mu": self.mu.numpy(force=True)}

    @torch.no_grad()
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for name, value in self.parameters.items():
            value.copy_(torch.as_tensor(arrays[f"parameter_{name}"]))
        self.mu = torch.as_tensor(arrays["mu"], device=self.mu.device)
