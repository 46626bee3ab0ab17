"""Counts of parameters and operations, the exact factorisation, and how many directions a Hankel matrix has."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.linalg import hankel as hankel_matrix

from pesin.entropy.kernel import effective_rank
from pesin.models.koopman import hankel
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.stnn_hankel.network import (
    Operations,
    apply_network,
    by_factors,
    count,
    dense_sizes,
    fourier_twiddles,
    mlp_count,
    shapes,
)
from studies.stnn_hankel.params import Params
from studies.stnn_hankel.windows import lorenz_series

KINDS = ("structured", "dense")


def entropy(case: Case[Params], data: Any) -> xr.Dataset:
    """Counts (network, blocks, size) and their exponents, errors of the factors, spectra of Hankel matrices (seed)."""
    params = case.params.entropy
    sizes = {"size": params.sizes, "blocks": params.blocks, "network": list(KINDS), "matrix_size": params.matrix_sizes}
    errors = [factor_error(case, n) for n in params.matrix_sizes]
    variables = counts(params) | spectra(case.params, data["state"].values)
    variables["factor_error"] = labelled("matrix_size", errors, "largest error of the factored product, relative")
    return xr.Dataset(variables, sizes | {"seed": np.arange(case.params.simulate.seeds)})


def counts(params) -> dict[str, tuple]:
    """Numbers learnt and operations done; exponents of both in n, those of the structured network's operations after
    division by log2 n."""
    grid = [[(blocks, n) for n in params.sizes] for blocks in params.blocks]
    numbers = np.array(
        [
            [[count(shapes(n, blocks, params.factors)) for blocks, n in row] for row in grid],
            [[mlp_count(dense_sizes(n, blocks)) for blocks, n in row] for row in grid],
        ]
    )
    done = np.array([[[operations(kind, n, b, params.factors) for b, n in row] for row in grid] for kind in KINDS])
    size = np.array(params.sizes)
    late, logs = size >= params.slopes_from, np.log2(size)
    without = done / np.stack([logs, np.ones_like(logs)])[:, None]

    def exponents(values: np.ndarray) -> np.ndarray:
        return np.apply_along_axis(lambda y: np.polyfit(np.log(size[late]), np.log(y[late]), 1)[0], -1, values)

    dims = ("network", "blocks", "size")
    return {
        "parameters": labelled(dims, numbers, "numbers that are learnt"),
        "operations": labelled(dims, done, "multiply-adds of a forward pass"),
        "ratio": labelled(dims[1:], numbers[0] / numbers[1], "parameters, structured over dense"),
        "parameter_exponent": labelled(dims[:2], exponents(numbers), "exponent of the parameters in n"),
        "operation_exponent": labelled(dims[:2], exponents(without), "exponent of the operations in n"),
    }


def operations(kind: str, size: int, blocks: int, factors: str) -> int:
    """Arithmetic of one window through one network, counted as it runs, whatever the numbers are."""
    if kind == "structured":
        found = {name: torch.zeros(1, *shape) for name, shape in shapes(size, blocks, factors).items()}
        run = apply_network
    else:
        found = init_mlp(1, dense_sizes(size, blocks), torch.Generator())
        run = partial(apply_mlp, activation=torch.tanh)
    with torch.no_grad(), Operations() as counter:
        run(found, torch.zeros(1, 1, size))
    return counter.number


def factor_error(case: Case[Params], size: int) -> float:
    """Largest difference between the factored product and a matrix's own, over the largest number of the product."""
    rng, params = case.rng(f"matrix {size}"), case.params.entropy
    column, vectors = rng.normal(size=2 * size - 1), rng.normal(size=(size, 8))
    matrix = hankel_matrix(column[:size], column[size - 1 :])
    if params.matrix == "random":
        matrix[1:, :-1] = rng.normal(size=(size - 1, size - 1))  # its first row and last column stay
    twiddles = fourier_twiddles(2 * size)
    if params.twiddles == "drawn":
        twiddles = torch.as_tensor(1 + 0.5 * rng.normal(size=2 * size - 1) + 0j)
    true = matrix @ vectors
    return float(abs(by_factors(column, vectors, twiddles) - true).max() / abs(true).max())


def spectra(params: Params, state: np.ndarray) -> dict[str, tuple]:
    """Singular values of each orbit's Hankel matrix, and the exponential of the entropy of their squares."""
    series, _ = lorenz_series(state, round(params.simulate.samples * params.train.share))
    rows = np.array([hankel(x, params.train.delays) for x in series])
    strength = np.linalg.svd(rows, compute_uv=False) ** 2
    energy = np.cumsum(strength / strength.sum(1, keepdims=True), 1)
    return {
        "energy": labelled(("seed", "mode"), energy, "share of the energy in the first modes"),
        "effective_rank": labelled("seed", effective_rank(rows.mT @ rows).value, "effective rank of the Hankel matrix"),
    }
