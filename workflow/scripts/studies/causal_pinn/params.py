"""Parameters: Lorenz curves and their marching, fields on a periodic line, how networks train, what is judged."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name, Rising


class Lorenz(Model):
    """Curves of the Lorenz equations from (1, 1, 1)."""

    end: PositiveFloat
    """Of the time that is learnt; each below likewise."""
    long_end: PositiveFloat
    brief_end: PositiveFloat
    window: PositiveFloat
    windows: PositiveInt
    """Windows of time that are learnt one after the other."""
    dt: PositiveFloat
    """Between two times at which the reference is kept."""
    scale: PositiveFloat
    """By which states and residuals are divided."""

    @model_validator(mode="after")
    def _on_the_grid(self):
        for name in ("end", "long_end", "brief_end", "window"):
            steps = getattr(self, name) / self.dt
            if abs(steps - round(steps)) > 1e-6:
                raise ValueError(f"lorenz.{name}: {getattr(self, name):g} is no multiple of dt")
        return self

    def times(self, end: float) -> np.ndarray:
        """Those of the reference up to `end`, both ends counted."""
        return self.dt * np.arange(round(end / self.dt) + 1)


class Equation(Model):
    """u_t + advection u u_x + second u_xx + fourth u_xxxx + cubic (u^3 - u) = 0 on a periodic line."""

    advection: float = 0
    second: float = 0
    fourth: NonNegativeFloat = 0
    cubic: NonNegativeFloat = 0
    start: Literal["sine", "mixed", "bump"]
    """-sin(pi x) or x^2 cos(pi x) on [-1, 1); cos x (1 + sin x) on [0, 2 pi)."""
    end: PositiveFloat
    points: Annotated[int, Field(ge=8, multiple_of=2)]
    """Of the reference."""
    slices: Annotated[int, Field(ge=2)]
    """Times at which the reference is kept, both ends counted."""
    steps: PositiveInt
    """Of the reference's solver between two of them."""
    times: Annotated[int, Field(ge=4)]
    places: Annotated[int, Field(ge=4)]
    """Points of the residual, in time and space."""
    harmonics: PositiveInt
    """Sines and cosines that a network is given."""
    seeds: PositiveInt

    @model_validator(mode="after")
    def _fits(self):
        if self.points % self.places:
            raise ValueError(f"places: {self.places} doesn't divide the {self.points} points of the reference")
        return self


class Train(Model):
    """Seen by train and later steps."""

    seeds: PositiveInt
    width: PositiveInt
    layers: PositiveInt
    march_width: PositiveInt
    first: PositiveFloat
    """Factor of the first layer's weights, of curves."""
    field_first: PositiveFloat
    """Of fields: where it is large, they begin so rough that a residual can vanish at the places alone."""
    points: Annotated[int, Field(ge=8)]
    march_points: Annotated[int, Field(ge=8)]
    """Times of the residual, of curves and of each window of time."""
    beyond: Annotated[float, Field(ge=1)]
    """How far the residual is asked for, in units of the end."""
    ladder: Annotated[list[PositiveFloat], Field(min_length=1), Rising]
    """Steepness of the causal weights, rising; the next where the least weight exceeds `enough`."""
    field_ladder: Annotated[list[PositiveFloat], Field(min_length=1), Rising]
    enough: Annotated[float, Field(gt=0, lt=1)]
    optimiser: Literal["lm", "adam"]
    lr: PositiveFloat
    """Of Adam, falling by a tenth in each `decay` steps."""
    decay: PositiveInt
    iterations: PositiveInt
    """At most, at each rung of the ladder; plain networks get as many in all."""
    short_iterations: PositiveInt
    """Of runs that are cut short on purpose."""
    march_iterations: PositiveInt
    field_iterations: PositiveInt
    every: PositiveInt
    """Iterations between two snapshots of the networks."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained"]
    """untrained: all networks as they were before the training. Null."""
    causal: bool
    """false: plain networks stand in the place of causal ones. Control."""
    windows: bool
    """false: one causal network of the long time stands in the place of windows. Control."""
    brief: bool
    """true: plain networks of the brief time stand in the place of those of the whole. Control."""
    kinds: Annotated[list[Literal["plain", "causal", "long", "short"]], Field(min_length=2)]
    """Runs over which the criterion is judged, the plain ones apart from the others."""
    good: PositiveFloat
    """Error below which a run has converged."""
    surely: Annotated[float, Field(gt=0, lt=1)]
    """Least weight above which it should have."""
    denser: PositiveInt
    """Times as many points at which the residual is looked at."""


class Params(Model):
    """Parameters of one case."""

    lorenz: Lorenz
    fields: Annotated[dict[Name, Equation], Field(min_length=1)]
    train: Train
    forecast: Forecast

    @model_validator(mode="after")
    def _known(self):
        if "regular" not in self.fields:
            raise ValueError("fields: it must name regular, which C5 is about")
        return self
