"""Types of parameters that several experiments share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from pesin.errors import did_you_mean
from pesin.params import Model
from studies.chgnet_charge_informed.crystals import CRYSTALS

Version = Literal["0.2.0", "0.3.0", "r2scan"]
Versions = Annotated[list[Version], Field(min_length=1)]


def _known(name: str) -> str:
    if name not in CRYSTALS:
        raise ValueError(f"no crystal '{name}'; there are {', '.join(CRYSTALS)}.{did_you_mean(name, CRYSTALS)}")
    return name


CrystalName = Annotated[str, AfterValidator(_known)]


class Relax(Model):
    """When a relaxation stops."""

    fmax: PositiveFloat
    """eV/Å."""
    steps: PositiveInt
