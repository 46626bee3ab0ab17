"""One orbit to learn from for each seed, and others: starts for checks, and starts that are held out."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.forecast_certificates.params import Params
from studies.forecast_certificates.worlds import WORLDS


def simulate(case: Case[Params]) -> xr.DataTree:
    """A group for each world: `orbit` (seed, time, ...), `check` and `held_out` (seed, start, moment, coordinate)."""
    p, groups = case.params.simulate, dict[str, xr.Dataset]()
    for name in p.worlds:
        world, rng = WORLDS[name], case.rng(name)
        long, many = p.history + p.horizon, p.checks + p.starts
        orbit = (world.chaotic if world.canonical else world.orbits)(rng, p.seeds, p.points)
        short = world.orbits(rng, p.seeds * many, long).reshape(p.seeds, many, long, -1)
        check, held_out = np.split(short, [p.checks], 1)
        groups[name] = xr.Dataset(
            {
                "orbit": labelled(("seed", "time", "coordinate"), orbit, "orbit learnt from"),
                "check": labelled(("seed", "check", "moment", "coordinate"), check, "orbits for checks"),
                "held_out": labelled(
                    ("seed", "start", "moment", "coordinate"), held_out, "held-out orbits", role="truth"
                ),
            },
            {"seed": np.arange(p.seeds)},
        )
    return xr.DataTree.from_dict(groups)
