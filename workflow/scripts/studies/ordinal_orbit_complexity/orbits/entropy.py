"""Permutation entropy and statistical complexity of the orbits, and the surrogate test of some."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.measures import surrogate_p
from studies.ordinal_orbit_complexity.motions import measure, motions
from studies.ordinal_orbit_complexity.orbits.params import Params


def entropy(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    """Return (H, C) over (potential, orbit)."""
    moving = motions(case.params.train, data, "x")
    return measure(case, data, moving).merge(_surrogates(case, moving.x, moving.delay))


def _surrogates(case: Case[Params], x, delay) -> xr.Dataset:
    """IAAFT p-values of the first orbits of each potential, on the first thousand samples one delay apart."""
    p, orbits = case.params.entropy, case.params.simulate.orbits
    first = np.arange(len(x)) % orbits < p.surrogate_orbits
    values = [
        surrogate_p(
            case.rng(f"surrogates {i}"), x[i : i + 1], int(delay[i]), p.surrogates, 1000, case.params.train.order
        )
        for i in case.progress(np.flatnonzero(first), what="surrogates")
    ]
    return xr.Dataset(
        {
            "surrogate_p_value": labelled(
                ("potential", "tested_orbit"),
                np.reshape(values, (-1, min(p.surrogate_orbits, orbits))),
                "p-value that H is no lower than that of its surrogates",
            )
        }
    )
