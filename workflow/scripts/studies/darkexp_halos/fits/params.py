"""Types of the parameters of the fits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, Share

Shapes = tuple[PositiveFloat, PositiveFloat]


class Simulate(Model):
    """Seen by all steps."""

    galaxies: Annotated[int, Field(ge=3)]
    """Of each truth: three with cores, and NFW. None is DARKexp."""
    dwarfs: Annotated[int, Field(ge=3)]
    stars: Annotated[int, Field(ge=50)]
    """In each dwarf."""
    field: PositiveFloat
    """Radius within which stars are counted, in Plummer's scale (the radius that half of all are seen within)."""
    radii: tuple[Annotated[int, Field(ge=6)], PositiveInt]
    """Fewest and most radii of a rotation curve."""
    scatter: NonNegativeFloat
    """Of ln distance, and of ln 1 / sin(inclination)."""
    data: Literal["synthetic", "sparc"]
    """sparc: the galaxies of `path` stand in place of those with cores; there is one world only."""
    path: DataFile | None = None
    """SPARC's MassModels_Lelli2016c.mrt, from http://astroweb.case.edu/SPARC/."""

    @model_validator(mode="after")
    def _fit(self):
        if (self.data == "sparc") != (self.path is not None):
            raise ValueError(
                "path: data: sparc needs SPARC's MassModels_Lelli2016c.mrt (http://astroweb.case.edu/SPARC/); "
                "data: synthetic takes none"
            )
        if self.radii[0] > self.radii[1]:
            raise ValueError("radii: fewest first")
        return self


class Forecast(Model):
    """Seen by the forecast step."""

    halo: Literal["darkexp", "isothermal"]
    """isothermal: a flat curve and rho ~ r^-2 stand in its place (null)."""
    world: Literal["cored", "nfw", "soliton"]
    """Which of a galaxy's halos is observed; cored: its own (control: the others)."""
    shapes: Shapes
    """Least and largest phi0 of a galaxy's fit; equal: it is fixed (control)."""
    dwarf_shapes: Shapes
    """The same of a dwarf's."""
    steps: Annotated[int, Field(ge=5)]
    """Of Levenberg's and Marquardt's method."""
    starts: PositiveInt
    """Best places of the coarse grid from which each fit goes on."""
    bosons: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Masses of the boson, 1e-22 eV: the one that fits most galaxies is kept."""
    inner: Share
    """Share of the radii that are fitted, before the rest is predicted."""

    @model_validator(mode="after")
    def _order(self):
        for name in ("shapes", "dwarf_shapes"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: least first")
        return self


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    forecast: Forecast
