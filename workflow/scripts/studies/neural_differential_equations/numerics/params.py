"""Types of the parameters of the exact checks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveInt, field_validator

from pesin.params import Model, Rising

Steps = Annotated[list[PositiveInt], Field(min_length=2), Rising]
Contraction = Annotated[float, Field(gt=0, lt=0.9)]


class Entropy(Model):
    """All that the exact checks need."""

    fields: Annotated[int, Field(ge=3)]
    """Random fields tanh(W y), and with each its own paths, starts and recurrent cell: the units."""
    dim: Annotated[int, Field(ge=2)]
    batch: PositiveInt
    """Starts of each field."""
    spread: NonNegativeFloat
    """Standard deviation of W's elements."""
    strength: NonNegativeFloat
    """Times W, the starts, the noise and the paths. 0: nothing moves, the null."""
    ablated: bool
    """Control: blocks of step 1 and not 1/n; the midpoint adjoint for the reversible gradient; no average of both ends;
    a path that is drawn anew; the adjoint of the fixed point without its inverse."""
    ladder: Steps
    """Steps over one unit of time that orders are read off."""
    gradient_steps: Steps
    trip_steps: Steps
    """Steps of the way forth and back."""
    paths: Annotated[int, Field(ge=10)]
    """Of each field's geometric Brownian motion."""
    growth: float
    volatility: NonNegativeFloat
    coarse: Steps
    """Steps at which its strong error is read off."""
    intervals: Annotated[int, Field(ge=4)]
    """Into which a Brownian path is cut."""
    components: Annotated[int, Field(ge=100)]
    """Of the path whose law is looked at."""
    contractions: Annotated[list[Contraction], Field(min_length=1)]
    """Norms of the fixed points' maps."""
    iterations: PositiveInt
    """Of the unrolled fixed point."""

    @field_validator("coarse")
    @classmethod
    def _dividing(cls, coarse):
        if any(coarse[-1] % n for n in coarse):
            raise ValueError(f"each number of steps must divide the last one, {coarse[-1]}")
        return coarse


class Params(Model):
    """Parameters of one case."""

    entropy: Entropy
