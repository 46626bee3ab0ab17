"""Samples of the worlds, and their entropy production."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.entropy_atlas.production.params import Params
from studies.entropy_atlas.production.worlds import WORLDS, World

MANY = 200_000  # samples behind the truth where the law isn't the steady one


def simulate(case: Case[Params]) -> xr.DataTree:
    """A group for each world and dimension: `state` (seed, sample, coordinate) and `production`."""
    p, groups = case.params.simulate, {}
    for name in p.worlds:
        for dim in p.dims:
            world, rng = WORLDS[name](dim), case.rng(f"{name} {dim}")
            state = p.broad * np.stack([world.draw(rng, max(p.samples)) for _ in range(p.seeds)])
            exact = world.production if p.broad == 1 else _of_broad(world, p.broad, case.rng(f"truth {name} {dim}"))
            groups[f"{name}_{dim}"] = xr.Dataset(
                {
                    "state": labelled(("seed", "sample", "coordinate"), state, "state"),
                    "production": labelled((), exact, "entropy production", "nat per time", role="truth"),
                },
                {"seed": np.arange(p.seeds)},
            )
    return xr.DataTree.from_dict(groups)


def _of_broad(world: World, broad: float, rng: np.random.Generator) -> float:
    """Mean of the squared local velocity where the steady density is stretched, and its score shrunk."""
    x = world.draw(rng, MANY)
    velocity = world.drift(broad * x) - world.diffusion * world.score(x) / broad
    return float((velocity**2 / world.diffusion).sum(-1).mean())
