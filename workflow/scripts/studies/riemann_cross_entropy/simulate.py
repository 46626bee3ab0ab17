"""What is known: zeros of zeta, counts by the argument principle, |f| on a grid; and random language models."""

from __future__ import annotations

import mpmath
import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.riemann_cross_entropy.dirichlet import COEFFICIENTS, derivative, values, zeros_within
from studies.riemann_cross_entropy.params import Params

FUNCTIONS = list(COEFFICIENTS)
STRIP = (0.1, 0.9)
"""Real parts between which a point of the rare event is drawn; its heights are those of all windows."""


def simulate(case: Case[Params]) -> xr.DataTree:
    """`known`: ordinates and |zeta'| of the zeros; `plane`: |f|; `counts` of zeros in windows; `models`."""
    params = case.params.simulate
    low, high = heights(params)
    first, last = (int(mpmath.nzeros(t)) for t in (low, high))
    ordinates = np.array([float(mpmath.zetazero(n).imag) for n in range(first + 1, last + 1)])
    slopes = abs(derivative("zeta", 0.5 + 1j * ordinates))
    known = xr.Dataset(
        {
            "ordinate": labelled("zero", ordinates, "height of a zero of zeta"),
            "slope": labelled("zero", slopes, "|zeta'| at the zero"),
        }
    )
    sigma, t = np.linspace(0, 1, params.grid[0]), np.linspace(low, high, params.grid[1])
    size = np.array([abs(values(f, sigma[:, None] + 1j * t)) for f in FUNCTIONS])
    plane = xr.Dataset(
        {"size": labelled(("function", "sigma", "t"), size, "|f|")}, {"function": FUNCTIONS, "sigma": sigma, "t": t}
    )
    windows = params.windows
    number = [[zeros_within(f, w.low, w.high) for w in windows.values()] for f in FUNCTIONS]
    counts = xr.Dataset(
        {"zeros": labelled(("function", "window"), number, "zeros, by the argument principle")},
        {"function": FUNCTIONS, "window": list(windows)},
    )
    rows = case.rng("models").dirichlet(
        np.full(params.states, params.concentration), size=(params.models, params.states)
    )
    models = xr.Dataset({"next": labelled(("model", "state", "word"), rows, "probability of the next word")})
    return xr.DataTree.from_dict({"known": known, "plane": plane, "counts": counts, "models": models})


def heights(params) -> tuple[float, float]:
    """Lowest and highest t of all windows."""
    windows = params.windows.values()
    return min(w.low for w in windows), max(w.high for w in windows)
