"""Types of the parameters of the token ODE."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Positive = tuple[PositiveFloat, PositiveFloat]
World = Literal["convergent", "slow", "fast", "attracting", "still"]


class Simulate(Model):
    """Draws of the one-dimensional model, and three examples in two dimensions."""

    draws: Annotated[int, Field(ge=3)]
    tokens: Annotated[int, Field(ge=2)]
    mu: Positive
    """Least and largest |S_C S_B|, uniform in its logarithm."""
    s_delta: Positive
    """The same of |S_Delta|."""
    a: Positive
    """Least and largest decay a = -A, uniform."""
    start: Positive
    """Least and largest |x_l(0)|, uniform."""
    end: Annotated[float, Field(ge=1e4)]
    """Depth t up to which what doesn't blow up is followed."""
    points: Annotated[int, Field(ge=4)]
    """Output times in each decade of t, from 0.01 on."""
    rtol: PositiveFloat
    plane_tokens: PositiveInt
    """Tokens of the examples in two dimensions."""

    @model_validator(mode="after")
    def _ranges(self):
        for key in ("mu", "s_delta", "a", "start"):
            low, high = getattr(self, key)
            if low > high:
                raise ValueError(f"{key}: the least value {low:g} lies above the largest, {high:g}")
        if self.a[0] < 1:
            raise ValueError(f"a: at {self.a[0]:g} the constants come too slowly; give at least 1")
        return self


class Entropy(Model):
    """Which world plays which part in the claims."""

    roles: dict[Literal["convergent", "slow", "fast"], World]
    """Control: the opposite sign of mu. Null: mu = 0."""
    unequal: Annotated[float, Field(gt=1)]
    """Rates of two tokens that differ by more than this factor are unequal."""

    @model_validator(mode="after")
    def _all(self):
        if set(self.roles) != {"convergent", "slow", "fast"}:
            raise ValueError("roles: give convergent, slow and fast")
        return self


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    entropy: Entropy
