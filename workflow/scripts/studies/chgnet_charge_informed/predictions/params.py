"""What CHGNet is asked of single crystals."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model
from studies.chgnet_charge_informed.crystals import COMPARED
from studies.chgnet_charge_informed.settings import CrystalName, Relax, Versions


class Surface(Model):
    """Whether forces and stress are derivatives of the energy, and the energy keeps its symmetries."""

    crystals: list[CrystalName]
    rattle: PositiveFloat
    """Standard deviation of the displacements from the crystal, Å."""
    step: PositiveFloat
    """Half width of the central difference, Å."""
    strain: PositiveFloat
    """The same for the strain."""


class EquationOfState(Model):
    crystal: Literal["mgo"]
    strain: PositiveFloat
    """Largest linear strain about the lattice constant of the table."""
    points: Annotated[int, Field(ge=5)]


class Hop(Model):
    """A hop of lithium in the garnet with one extra Li, by the first of the versions."""

    ends: Relax
    """The relaxation of its ends, that of the start with the cell."""
    fractions: Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Field(min_length=3)]
    """Places along the way between them; 0 first."""
    relax: Relax
    """At each place, of all ions but the hopping ones."""


class HeldOut(Model):
    """Real frames of the paper's data set."""

    path: DataFile
    """A JSON file in MPtrj's format; see `mptrj.py`."""
    frames: PositiveInt
    """At most so many, one for each compound first."""


class Simulate(Model):
    versions: Versions
    oxides: list[CrystalName]
    surface: Surface
    equation_of_state: EquationOfState
    hop: Hop
    held_out: HeldOut | None = None

    @model_validator(mode="after")
    def _fits(self):
        if len(set(self.oxides)) < len(self.oxides):
            raise ValueError("oxides: each once")
        if not set(COMPARED) <= set(self.oxides):
            raise ValueError(f"oxides: {', '.join(COMPARED)} are compared with each other, so all three are needed")
        return self


class Params(Model):
    simulate: Simulate
