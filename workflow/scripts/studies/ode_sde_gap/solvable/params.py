"""Types of the parameters of the solvable gap."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.params import Model


class Entropy(Model):
    """Seen by the entropy step."""

    deviations: Annotated[list[PositiveFloat], Field(min_length=3)]
    """delta: the score is -(2 + delta) x in place of -2 x."""
    strength: NonNegativeFloat
    """Factor on all deviations. Null: 0."""
    horizons: Annotated[list[PositiveFloat], Field(min_length=3)]
    samples: Annotated[int, Field(ge=100)]
    """Points that our own samplers carry, to be held against the closed form."""
    steps: PositiveInt


class Params(Model):
    """Parameters of one case."""

    entropy: Entropy
