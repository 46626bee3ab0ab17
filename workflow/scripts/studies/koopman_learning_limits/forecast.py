"""Forecasts of the oscillators by eigenpairs and by functions of least residual, with their certified bounds."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.models.koopman import Galerkin, eigenpairs, least_residual, mpedmd, pseudospectrum, residuals
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.koopman_learning_limits import flows
from studies.koopman_learning_limits.params import Params
from studies.koopman_learning_limits.train import dictionary, galerkin, with_inner

EDGE = 1.5
OFF_CIRCLE = 0.05
QUADRATURE = 1e-4
"""Error of norms by quadrature that a bound is allowed."""
RESTING = 0.1
"""A pair with |lambda - 1| below it hardly moves."""
METHODS = ("EDMD", "mpEDMD", "ResDMD")
NONE = "fewer pairs"


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Per flow: shares, numbers, eigenvalues, residuals, errors of forecasts and bounds; tau of the grid."""
    edge = np.linspace(-EDGE, EDGE, case.params.forecast.grid)
    found = xr.concat([of_flow(case, data[f], trained[f], f) for f in flows.FLOWS], "flow", join="outer")
    for name in found.data_vars:
        found[name].attrs |= {"nan": NONE} if "pair" in found[name].dims else {}
    points = edge[:, None] + 1j * edge[None, edge.size // 2 :]
    upper = pseudospectrum(matrices_of(case, trained["pendulum"]), points)
    whole = np.concatenate([upper[:, :0:-1], upper], 1)  # the same at conjugate points
    found["tau"] = labelled(("real", "imaginary"), whole, "least residual tau of the pendulum")
    times = np.arange(case.params.simulate.horizon + 1)
    return found.assign_coords(flow=list(flows.FLOWS), real=edge, imaginary=edge, n=times, method=list(METHODS))


def matrices_of(case: Case[Params], trained) -> Galerkin:
    """A flow's inner products, or those of one that stands still."""
    true = galerkin(trained["matrix"].values)
    true = true if case.params.forecast.moves else Galerkin(true.G, true.G, true.G)
    return with_inner(true, case.params.forecast.inner)


def of_flow(case: Case[Params], data, trained, name: str) -> xr.Dataset:
    """All of one flow, of EDMD's pairs and of those of the other methods that are kept; one of each conjugate two."""
    params, matrices = case.params.forecast, matrices_of(case, trained)
    values, vectors, method = pairs(case, matrices)
    residual = residuals(matrices, values, vectors)
    off = abs(abs(values[method == METHODS.index("EDMD")]) - 1) > OFF_CIRCLE
    followed = ((residual < params.kept) | (method == METHODS.index("EDMD"))) & (values.imag > -1e-9)
    values, vectors, method, residual = values[followed], vectors[:, followed], method[followed], residual[followed]
    error = errors(case, data, name, values, vectors)
    bound = bounds(abs(values), residual, error.shape[1] - 1)
    kept = residual < params.kept
    holds = (error <= bound + QUADRATURE)[:, 1:]
    moving = abs(values - 1) > RESTING
    parts = np.stack([values.real, values.imag], -1)
    return xr.Dataset(
        {
            "holds": labelled((), holds[kept].mean() if kept.any() else 0.0, "share of the bounds that hold"),
            "kept": labelled((), kept.sum(), "pairs kept"),
            "moving": labelled((), (kept & moving).sum(), "pairs kept that move"),
            "off_circle": labelled((), off.mean(), "share of EDMD's |lambda| off the circle"),
            "value": labelled(("pair", "part"), parts, "eigenvalue"),
            "of": labelled("pair", method.astype(float), "method of a pair, by its place"),
            "residual": labelled("pair", residual, "residual of a pair"),
            "error": labelled(("pair", "n"), error, "error of a forecast, in norms of the observable"),
            "bound": labelled(("pair", "n"), bound, "certified bound of the error"),
        },
        {"pair": np.arange(values.size)},
    ).map(lambda one: one.assign_attrs(may_be_constant=1), keep_attrs=True)


def pairs(case: Case[Params], matrices: Galerkin) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues, functions and method (its place) of all pairs: EDMD's, mpEDMD's, and ResDMD's on the half circle."""
    circle = np.exp(1j * np.pi * np.arange(1, case.params.forecast.angles + 1) / case.params.forecast.angles)
    found = [eigenpairs(matrices), mpedmd(matrices), (circle, least_residual(matrices, circle))]
    method = np.concatenate([np.full(values.size, i) for i, (values, _) in enumerate(found)])
    values, vectors = zip(*found, strict=True)
    return np.concatenate(values), np.concatenate(vectors, 1), method


def errors(case: Case[Params], data, name: str, values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """||K^n g - lambda^n g|| / ||g|| on the held-out nodes, each followed exactly, (pairs, horizon + 1)."""
    orbit, weight = data["orbit"].values, data["held_out_weight"].values
    flat = np.ascontiguousarray(vectors, complex).view(float)  # real and imaginary parts as columns of one real matrix

    def at(n: int) -> np.ndarray:
        return (dictionary(case, name, orbit[:, n]) @ flat).view(complex)

    def norm(values: np.ndarray) -> np.ndarray:
        return np.sqrt(weight @ (values.real**2 + values.imag**2))

    start = at(0)
    found = []
    for n in case.progress(range(orbit.shape[1])):
        moved = at(n) if case.params.forecast.moves else start
        found.append(norm(moved - values**n * start))
    return np.stack(found, 1) / norm(start)[:, None]


def bounds(size: np.ndarray, residual: np.ndarray, horizon: int) -> np.ndarray:
    """Residual times the sum of |lambda|^j over j < n, which holds as K is an isometry: (pairs, horizon + 1)."""
    powers = size[:, None] ** np.arange(horizon)
    return residual[:, None] * np.concatenate([np.zeros((size.size, 1)), np.cumsum(powers, 1)], 1)
