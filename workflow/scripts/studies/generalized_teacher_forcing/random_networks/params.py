"""Types of the parameters of random chaotic networks, whose products of Jacobians are bounded."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from pesin.params import Model

Share = Annotated[float, Field(ge=0, le=1)]


class DrawNetworks(Model):
    networks: PositiveInt
    """Independent random networks that are kept."""
    candidates: PositiveInt
    """Networks drawn; the first `networks` that are chaotic are kept."""
    chaotic_above: PositiveFloat
    """Largest Lyapunov exponent [nat/step] from which a network counts as chaotic."""
    dim: PositiveInt
    hidden: PositiveInt
    gain: PositiveFloat
    """Weights are uniform in +- gain / sqrt(fan in); a large gain makes the network chaotic."""


class GradientProducts(Model):
    lengths: Annotated[list[PositiveInt], Field(min_length=3)]
    """Numbers of steps over which Jacobians are multiplied."""
    fractions: Annotated[list[Share], Field(min_length=1)]
    """Forcings, as fractions of the critical alpha* = 1 - 1/sigma_max."""
    strength: Share
    """Multiplies all forcings; 0 switches forcing off."""
    exponent_steps: PositiveInt
    """Steps of a second orbit, from which the Lyapunov exponent is computed."""
    transient: NonNegativeInt


class Params(Model):
    """Gradients of random networks (C1)."""

    simulate: DrawNetworks
    entropy: GradientProducts
