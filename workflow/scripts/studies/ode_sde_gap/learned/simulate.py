"""Clouds of data: one large for each seed, which stands for the law."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ode_sde_gap.laws import LAWS
from studies.ode_sde_gap.learned.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Draw the data, and the entropy of their law."""
    params, law = case.params.simulate, LAWS[case.params.simulate.law]
    rng = case.rng("data")
    data = np.stack([law.sample(rng, max(params.truth, params.samples)) for _ in range(params.seeds)])
    return xr.Dataset(
        {
            "data": labelled(("seed", "point", "xy"), data.astype(np.float32), "point of the data", role="truth"),
            "data_entropy": labelled((), law.entropy, "differential entropy of the data's law", "nat", role="truth"),
        },
        {"seed": np.arange(params.seeds), "xy": ["x", "y"]},
    )
