"""LixMnO2: what is relaxed, and the dynamics from there."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.chgnet_charge_informed.settings import Relax, Versions


class Run(Model):
    """Trajectories of one kind."""

    lithium: Literal[0, 1, 2]
    temperature: PositiveFloat
    """K."""
    replicas: PositiveInt
    every: PositiveInt
    """Steps between two frames."""


class Dynamics(Model):
    """Langevin dynamics of LixMnO2 from the relaxed cells, with the first of the versions."""

    runs: list[Run]
    frames: PositiveInt
    """Frames of a trajectory."""
    dt: PositiveFloat
    """fs."""
    friction: PositiveFloat
    """1/fs."""


class Simulate(Model):
    """LixMnO2, relaxed at each lithium content; the cell has two lithium atoms."""

    versions: Versions
    lithium: list[Literal[0, 1, 2]]
    relax: Relax
    dynamics: Dynamics

    @model_validator(mode="after")
    def _fits(self):
        if len(set(self.lithium)) < len(self.lithium):
            raise ValueError("lithium: each once")
        if not {run.lithium for run in self.dynamics.runs} <= set(self.lithium):
            raise ValueError("dynamics.runs: begin from the cells that lithium names, and no others")
        return self


class Params(Model):
    simulate: Simulate
