"""Types of the parameters of the bound by itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.params import Model


class Attention(Model):
    """The lower bound of attention entropy, on random attention and at its extreme."""

    draws: Annotated[int, Field(ge=3)]
    """Random attention matrices of each length."""
    lengths: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=3)]
    features: PositiveInt
    """Width of the tokens X."""
    scale: tuple[PositiveFloat, PositiveFloat]
    """Standard deviation of W_Q and W_K: smallest and largest, spread evenly on a log axis."""
    norms: Annotated[list[NonNegativeFloat], Field(min_length=3)]
    """Spectral norms s at which the extremal logits are taken."""
    norm_logits: bool = False
    """Control: logits are divided by their norm, so that it can't matter."""


class Params(Model):
    """The lower bound of attention entropy (C3, C4)."""

    entropy: Attention
