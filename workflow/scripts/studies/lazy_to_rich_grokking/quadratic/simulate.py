"""The world: inputs of length about one, and the square of their product with a hidden vector."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lazy_to_rich_grokking.quadratic.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """`x` (seed, sample, dim), `y` (seed, sample), `beta` (seed, dim) of length sqrt dim."""
    params = case.params.simulate
    x = drawn(case.rng("inputs"), params.seeds, params.samples, params.dim)
    beta = case.rng("targets").normal(size=(params.seeds, params.dim))
    beta *= (params.dim / (beta**2).sum(-1, keepdims=True)) ** 0.5
    return xr.Dataset(
        {
            "x": labelled(("seed", "sample", "dim"), x, "input"),
            "y": labelled(("seed", "sample"), target(x, beta), "target"),
            "beta": labelled(("seed", "dim"), beta, "hidden vector"),
        }
    )


def drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Inputs x ~ N(0, identity / dim), the last axis the dimension."""
    return rng.normal(size=shape) / shape[-1] ** 0.5


def target(x: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """(beta.x)^2 / 2 of x (..., samples, dim) and beta (..., dim)."""
    return np.einsum("...sd,...d->...s", x, beta) ** 2 / 2
