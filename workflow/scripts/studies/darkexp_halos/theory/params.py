"""Types of the parameters of the halos."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, field_validator

from pesin.params import Model, Rising

JUDGED = (2.0, 4.0, 6.0)


class Simulate(Model):
    """Seen by all steps."""

    shapes: Annotated[list[PositiveFloat], Field(min_length=4), Rising]
    """phi0, rising; 6 is the last that this grid can hold."""
    nodes: Annotated[int, Field(ge=12)]
    """Unknowns: ln rho at so many radii."""
    points: Annotated[int, Field(ge=60)]
    """Radii of the integrals."""
    low: Annotated[float, Field(gt=0, le=0.0025)]
    """Radius of the innermost, in half-mass radii; claims look at 0.003 and more. Inside the slope is constant."""
    solved: Literal["each", "one", "isothermal"]
    """one: phi0 = 4 stands for all (control). isothermal: a sphere of constant circular speed does (null)."""

    @field_validator("shapes")
    @classmethod
    def _judged(cls, shapes):
        if not set(JUDGED) <= set(shapes):
            raise ValueError(f"claims are judged at {', '.join(map(str, JUDGED))}, so it must hold them")
        if shapes[-1] > 6:
            raise ValueError("the grid of radii holds no halo beyond phi0 = 6")
        return shapes


class Entropy(Model):
    """Seen by the entropy step."""

    trials: Annotated[int, Field(ge=10)]
    """Random changes of N(e) that keep number and energy."""
    particles: Annotated[int, Field(ge=100)]
    """Drawn from f, for the measured entropy of N(e)."""
    bins: Annotated[int, Field(ge=4)]


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    entropy: Entropy
