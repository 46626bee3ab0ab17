"""Scores of forecasts that are ensembles: lower is better, and the truth's own law scores best on average."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import finite


def crps_ensemble(ensemble, observed, fair: bool = True) -> np.ndarray:
    """Continuous ranked probability score of an ensemble: mean |x_i - y| - half the mean distance of two members.

    Gneiting and Raftery (J. Am. Stat. Assoc. 102, 359, 2007), eq. 20.

    Parameters
    ----------
    ensemble : array_like, shape (..., members)
    observed : array_like, shape (...)
    fair
        Take the mean over distinct pairs, so that small ensembles of the truth's law are as good as large ones (Ferro,
        Q. J. R. Meteorol. Soc. 140, 1917, 2014); it needs two members. Otherwise over all pairs: the score of the
        members' own distribution function.

    Returns
    -------
    ndarray, shape (...)
        In the unit of the data. 0 for a forecast that is certain and right; the fair score can lie below 0.

    Raises
    ------
    ValueError
        If the shapes don't fit, or there are too few members.
    """
    x, y = finite(ensemble, "ensemble"), finite(observed, "observed")
    members = x.shape[-1] if x.ndim else 0
    if x.shape[:-1] != y.shape:
        raise ValueError(
            f"an ensemble of shape (..., members) is scored against (...), not {x.shape} against {y.shape}"
        )
    if members < 1 + fair:
        raise ValueError(f"the score needs {1 + fair} members or more, there are {members}")
    away = np.sort(x - y[..., None], -1)
    # Sorted, the distances of all pairs add up to these multiples of the members.
    pairs = away @ (2 * np.arange(members) - members + 1)
    return abs(away).mean(-1) - pairs / (members * (members - fair))


DECLARED = (
    Declared(
        crps_ensemble,
        ("ensemble", "observed"),
        invariant=("shift",),
        follows="unit",
        moves="an error is in the unit of the data",
    ),
)
