"""Where the episodes of the pendulum start; seeds of the starts that gymnasium draws itself."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.environments.environment import Environment
from pesin.environments.pendulum import Pendulum
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.soft_actor_critic.benchmark.params import Params
from studies.soft_actor_critic.tasks import draw_starts, most_seeds

PENDULUM: Environment = Pendulum()  # type: ignore[assignment]  # the protocol wants members that can be set


def simulate(case: Case[Params]) -> xr.Dataset:
    """Return banks of start states, or seeds for them."""
    return draw_starts(case, PENDULUM) if case.params.simulate.environment == "pendulum" else _seeds(case)


def _seeds(case: Case[Params]) -> xr.Dataset:
    seeds, starts = most_seeds(case.params), case.params.simulate.starts
    numbers = {name: case.rng(name).integers(2**31, size=n) for name, n in (("bank", seeds), ("examined", starts))}
    return xr.Dataset(
        {
            "bank_seed": labelled("seed", numbers["bank"], "seed of the training environment"),
            "examined_seed": labelled("start", numbers["examined"], "seed of each evaluated episode"),
        },
        {"seed": np.arange(seeds), "start": np.arange(starts)},
    )
