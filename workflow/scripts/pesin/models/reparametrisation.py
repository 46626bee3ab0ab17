"""Weights written as something else times a normalised matrix: sigmaReparam, spectral norm, weight norm; runs first.

Matrices have shape (runs, ..., in, out), y = x W; what stands between runs and in (layers, query and key and value) is
a batch of matrices of their own.
Sources: Zhai et al., ICML 2023 (sigmaReparam); Miyato et al., ICLR 2018 (spectral normalisation by power iteration);
Salimans and Kingma, NeurIPS 2016 (weight normalisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch.nn.functional import normalize

from pesin.models.mlp import Parameters

Method = Literal["sigma_reparam", "spectral_norm", "weight_norm"]


@dataclass
class Reparametrisation:
    """Which matrices are written how, and the state of their power iterations.

    Attributes
    ----------
    methods
        By the name of the matrix: "sigma_reparam", gamma W / sigma(W) with a learned gamma; "spectral_norm",
        W / sigma(W); "weight_norm", g W / |W| with a learned g for each output. Others stay as they are.
    gamma_init
        Where gamma starts: "spectral", at sigma(W), so that the first network is that of W; "one".
    vectors
        (v, u) of each power iteration, on the sides of the input and the output.
    """

    methods: Mapping[str, Method]
    gamma_init: Literal["spectral", "one"] = "spectral"
    vectors: dict[str, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    @torch.no_grad()
    def start(self, parameters: Parameters) -> Parameters:
        """Return the parameters with the gains that are learned too, with vectors from a singular decomposition."""
        more = {}
        for name, method in self.methods.items():
            matrix = parameters[name]
            if method == "weight_norm":
                more[f"{name}_gain"] = torch.linalg.vector_norm(matrix, dim=-2, keepdim=True)
                continue
            sigma, *pair = first_singular(matrix)
            self.vectors[name] = pair[0], pair[1]
            if method == "sigma_reparam":
                sigma = sigma[..., None, None]
                more[f"{name}_gamma"] = sigma.clone() if self.gamma_init == "spectral" else torch.ones_like(sigma)
        return parameters | {name: value.requires_grad_() for name, value in more.items()}

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the vectors of the power iterations, for checkpoints."""
        return {
            f"{name}_{i}": one.numpy(force=True) for name, pair in self.vectors.items() for i, one in enumerate(pair)
        }

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Set what `arrays` gave."""
        for name, pair in self.vectors.items():
            v, u = (torch.as_tensor(arrays[f"{name}_{i}"], device=one.device) for i, one in enumerate(pair))
            self.vectors[name] = v, u

    def effective(self, parameters: Parameters, update: bool = False) -> Parameters:
        """Return the weights that the network runs with; gradients flow to matrices and gains.

        Parameters
        ----------
        update
            Take one step of the power iterations first, as a forward pass of training does. Without it (evaluation)
            the state stays as it is.
        """
        weights = dict(parameters)
        for name, method in self.methods.items():
            matrix = parameters[name]
            if method == "weight_norm":
                norm = torch.linalg.vector_norm(matrix, dim=-2, keepdim=True)
                weights[name] = parameters[f"{name}_gain"] * (matrix / norm)
                continue
            if update:
                self.vectors[name] = power_iteration(matrix.detach(), self.vectors[name][1])
            sigma = sigma_along(matrix, *self.vectors[name])[..., None, None]
            gamma = parameters[f"{name}_gamma"] if method == "sigma_reparam" else 1.0
            weights[name] = gamma / sigma * matrix
        return weights


def first_singular(matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Largest singular value and its vectors (v, u) on the sides of input and output, by a decomposition.

    Shape (..., in, out) -> (...), (..., in), (..., out). Tall matrices are turned over: LAPACK takes those in another
    way, whose last bits depend on the number of threads.
    """
    tall = matrix.shape[-2] > matrix.shape[-1]
    left, values, right = torch.linalg.svd(matrix.mT if tall else matrix, full_matrices=False)
    first, second = left[..., 0].clone(), right[..., 0, :].clone()
    return values[..., 0].clone(), *((second, first) if tall else (first, second))


def power_iteration(matrix: torch.Tensor, u: torch.Tensor, steps: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Steps towards the first singular vectors: v = W u / |W u|, u = W' v / |W' v|.

    Parameters
    ----------
    matrix : Tensor, shape (..., in, out)
    u : Tensor, shape (..., out)
    steps
        One or more.

    Returns
    -------
    (v, u)
        Of shapes (..., in) and (..., out).
    """
    for _ in range(steps):
        v = normalize((matrix @ u[..., None])[..., 0], dim=-1)
        u = normalize((v[..., None, :] @ matrix)[..., 0, :], dim=-1)
    return v, u


def sigma_along(matrix: torch.Tensor, v: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    """v' W u of fixed unit vectors: the spectral norm, with its gradient v u', once they are the singular ones.

    Shapes (..., in, out), (..., in) and (..., out) -> (...).
    """
    return (v[..., None, :] @ matrix @ u[..., None])[..., 0, 0]
