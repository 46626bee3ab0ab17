"""Sparse identification of polynomial dynamics (pysindy), and the forecasts of what was identified."""

from __future__ import annotations

import numpy as np

from pesin.door import finite
from pesin.integrate.ode import rk4_step


def fit(x: np.ndarray, dt: float, degree: int = 2, threshold: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Identify dx/dt = sum_k c_k x^powers_k by sequentially thresholded least squares.

    The derivative is a smoothed finite difference (Savitzky and Golay), as is usual for noisy data.

    Parameters
    ----------
    x : ndarray, shape (time, dim)
        Observed orbit.
    dt
        Time between two points.
    degree
        Largest total degree of the monomials.
    threshold
        Coefficients smaller than this are dropped.

    Returns
    -------
    coefficients : ndarray, shape (dim, terms)
    powers : ndarray of int, shape (terms, dim)

    References
    ----------
    Brunton, Proctor and Kutz, PNAS 113, 3932 (2016).
    """
    import pysindy  # two seconds: only where a fit is made

    library = pysindy.PolynomialLibrary(degree=degree)
    model = pysindy.SINDy(
        optimizer=pysindy.STLSQ(threshold=threshold),
        feature_library=library,
        differentiation_method=pysindy.SmoothedFiniteDifference(),
    )
    model.fit(finite(x), t=dt)
    return np.asarray(model.coefficients(), float), np.asarray(library.powers_, int)


def forecast(
    coefficients: np.ndarray, powers: np.ndarray, history: np.ndarray, steps: int, dt: float, substeps: int = 1
) -> np.ndarray:
    """Continue orbits (starts, time, dim) by Runge-Kutta: (1, starts, steps, dim); the leading axis is the one run.

    An orbit that blows up turns to inf or NaN.
    """

    def rhs(t, x):
        return np.prod(x[..., None, :] ** powers, axis=-1) @ coefficients.T

    x = np.array(history[:, -1], float)
    path = np.empty((len(x), steps, x.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        for i in range(steps):
            for _ in range(substeps):
                x = rk4_step(rhs, 0.0, x, dt / substeps)
            path[:, i] = x
    return path[None]
