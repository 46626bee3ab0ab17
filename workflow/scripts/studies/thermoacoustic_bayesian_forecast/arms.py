"""Which networks are trained: for each set of sensors with all runs, and for all sensors with fewer."""

from __future__ import annotations

from typing import NamedTuple

from studies.thermoacoustic_bayesian_forecast.params import Train


class Arm(NamedTuple):
    """What the networks of an arm are given."""

    name: str
    sensors: str
    size: int
    """Place in train.sizes."""


def arms_of(params: Train) -> list[Arm]:
    """Every set of sensors with all runs, and all sensors with fewer, the fewest first."""
    most = len(params.sizes) - 1
    fewer = [Arm(f"all_{runs}", "all", place) for place, runs in enumerate(params.sizes[:-1])]
    return [Arm(name, name, most) for name in params.sets] + fewer
