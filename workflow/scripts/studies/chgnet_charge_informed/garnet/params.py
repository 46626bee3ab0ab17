"""The garnet with extra lithium, and its dynamics."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from pesin.params import Model
from studies.chgnet_charge_informed.settings import Relax, Version


class Simulate(Model):
    """Li3La3Te2O12 with extra lithium: mean square displacement of Li in dynamics at constant temperature."""

    version: Version
    extra_lithium: NonNegativeInt
    """Li atoms put on empty octahedral sites of the primitive cell of 80 atoms."""
    relax: Relax
    temperatures: Annotated[list[PositiveFloat], Field(min_length=3)]
    replicas: PositiveInt
    steps: Annotated[int, Field(ge=20)]
    every: PositiveInt
    dt: PositiveFloat
    friction: PositiveFloat


class Params(Model):
    simulate: Simulate
