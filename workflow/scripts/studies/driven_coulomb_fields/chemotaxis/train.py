"""The equation learnt from a burst of states: sparse regression of increments on u_xx, u u_x, u and u^2."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.pseudospectral import wavenumbers
from pesin.models.sparse_regression import fit
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.driven_coulomb_fields.chemotaxis.params import Params
from studies.driven_coulomb_fields.chemotaxis.simulate import as_modes

TERMS = ("u_xx", "u u_x", "u", "u^2")


def train(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """`coefficient` (realisation, term): nu, minus the coupling, and two that should be zero.

    Fourier modes are the weak form's test functions: the white noise of the others doesn't come in.
    """
    params, whole = case.params.train, case.params.simulate
    burst = as_modes(whole, data["burst"].values)
    found = np.full((len(burst), len(TERMS)), np.nan)
    for row, path in enumerate(burst):
        if np.isfinite(path).all():
            features, targets = regression(path, whole.points, whole.length, whole.step, params.modes)
            size = np.sqrt((features**2).mean(0))  # so that one threshold suits all terms
            found[row] = fit(features / size, targets, params.threshold * np.sqrt((targets**2).mean()))[:, 0] / size
    return xr.Dataset(
        {"coefficient": labelled(("realisation", "term"), found, "coefficient of a term", nan="a run that diverged")},
        {"term": list(TERMS), "realisation": data["realisation"]},
    )


def regression(path: np.ndarray, points: int, length: float, step: float, modes: int) -> tuple[np.ndarray, np.ndarray]:
    """Terms (rows, 4) and rates (rows, 1) of the lowest modes of a path (time, points // 2 + 1), real and imaginary.

    All rows weigh alike, as the noise of all modes is alike.
    """
    wave, now = wavenumbers(points, length), path[:-1]
    square = np.fft.rfft(np.fft.irfft(now, points) ** 2)
    terms = [-(wave**2) * now, 0.5j * wave * square, now, square]
    rows = np.stack([term[:, 1 : modes + 1] for term in (*terms, np.diff(path, axis=0) / step)], -1).reshape(-1, 5)
    real = np.concatenate([rows.real, rows.imag])
    return real[:, :4], real[:, 4:]
