"""The linear drift learnt from snapshots alone: a vector autoregression of each mode, and v, D and kappa from all."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.driven_coulomb_fields.electrolyte.params import Params

PARAMETERS = ("v", "D", "kappa2")


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """`fitted` (run, field, parameter) from the first half of the followed modes; the others are to be forecast."""
    x = np.stack([data["rho"].values, data["ic"].values], -1).astype(float)[..., learnt(data), :]
    rates = relaxation_of(propagators(x, case.params.train.ridge), case.params.simulate.between)
    vectors = data["followed_vector"].values[learnt(data)]
    return xr.Dataset(
        {
            "fitted": labelled(("run", "field", "parameter"), parameters(rates, vectors), "fitted drift", "D, kappa"),
            "rates": labelled(
                ("run", "field", "learnt", "row", "column"), rates, "relaxation matrix of a mode", "D kappa^2"
            ),
            "learnt_vector": labelled(("learnt", "xy"), vectors, "wave vector", "kappa"),
        },
        {"parameter": list(PARAMETERS), "run": data["run"], "field": data["field"]},
    )


def learnt(data: xr.Dataset) -> slice:
    """The followed modes that are learnt from."""
    return slice(data.sizes["followed"] // 2)


def propagators(x: np.ndarray, ridge: float) -> np.ndarray:
    """Ridge regression x' = P x of paths (part, ..., frame, mode, dim), parts together; shape (..., mode, dim, dim).

    Real and imaginary part obey one law: that is the symmetry under inversion.
    """
    before, after = x[..., :-1, :, :], x[..., 1:, :, :]
    square = np.einsum("p...tmi,p...tmj->...mij", before, before)
    cross = np.einsum("p...tmi,p...tmj->...mij", after, before)
    return np.swapaxes(np.linalg.solve(square + ridge * np.eye(x.shape[-1]), np.swapaxes(cross, -1, -2)), -1, -2)


def relaxation_of(propagator: np.ndarray, step: float) -> np.ndarray:
    """K of P = exp(-K step) for real 2 x 2 matrices, by the closed form of their logarithm; shape (..., 2, 2).

    A propagator with a real eigenvalue that isn't positive, which chance can make of a fast mode, has no real
    logarithm: its K is NaN.
    """
    half = np.trace(propagator, axis1=-2, axis2=-1) / 2
    det = np.linalg.det(propagator)
    with np.errstate(invalid="ignore", divide="ignore"):
        gap = np.sqrt((half**2 - det).astype(complex))  # half the distance of the eigenvalues
        slope = np.where(abs(gap) > 1e-12, (np.log(half + gap) - np.log(half - gap)) / (2 * gap), 1 / half)
        level = (np.log(half + gap) + np.log(half - gap)) / 2
        whole = level[..., None, None] * np.eye(2)
        found = (whole + slope[..., None, None] * (propagator - half[..., None, None] * np.eye(2))) / -step
    real = (det > 0) & ((half > 0) | (half**2 < det))
    return np.where(real[..., None, None], found.real, np.nan)


def parameters(rates: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """v, D and kappa^2 by least squares on K = [[D (k^2 + kappa^2), v kx], [-v kx, D k^2]], (..., mode, 2, 2).

    Modes weigh as 1 / (1 + k^2), since the error of K grows with its rate; those without a K are left out.
    """
    k2, kx = (vectors**2).sum(-1), vectors[:, 0]
    weight = np.where(np.isfinite(rates).all((-2, -1)), 1 / (1 + k2), 0)
    rates = np.nan_to_num(rates)

    def ratio(above, below):
        return (weight * above).sum(-1) / (weight * below).sum(-1)

    v = ratio(kx * (rates[..., 0, 1] - rates[..., 1, 0]) / 2, kx**2)
    # D k^2 twice, and D kappa^2 once: the normal equations of two unknowns.
    a, b = rates[..., 0, 0], rates[..., 1, 1]
    s2, s1, s0 = ((weight * p).sum(-1) for p in (2 * k2**2, k2, np.ones_like(k2)))
    t2, t1 = (weight * k2 * (a + b)).sum(-1), (weight * a).sum(-1)
    d = (t2 * s0 - t1 * s1) / (s2 * s0 - s1**2)
    return np.stack([v, d, (t1 - d * s1) / s0 / d], -1)
