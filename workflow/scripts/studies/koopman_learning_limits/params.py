"""Types of the parameters of the limits of Koopman learning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising

TorusMap = Literal["cat", "anzai", "rotation", "identity"]
Inner = Literal["data", "projected"]
Even = Annotated[int, Field(ge=2, multiple_of=2)]


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Sets of random nodes on the torus: the independent unit."""
    samples: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """Numbers of nodes M, rising; a smaller set is the beginning of a larger one."""
    starts: Annotated[int, Field(ge=100)]
    """Orbits whose autocorrelation is taken."""
    step: PositiveFloat
    """Time between two snapshots of a flow."""
    cold: PositiveFloat
    """Inverse temperature: flows are weighted by exp(-cold x energy)."""
    nodes: tuple[Even, Even]
    """Positions and velocities of the quadrature that the matrices are built on."""
    held_out: tuple[Even, Even]
    """The same of the quadrature that forecasts are scored on."""
    horizon: Annotated[int, Field(ge=2)]
    """Steps of a forecast."""


class Train(Model):
    """Seen by the train step and those after it."""

    sizes: Annotated[list[PositiveInt], Field(min_length=2), Rising]
    """N: the dictionary on the torus has all exp(2 pi i k.x) with |k| <= N but the constant. Rising."""
    degrees: dict[str, tuple[PositiveInt, PositiveInt]]
    """Largest degree (or wave number) in the position, and in the velocity."""


class Entropy(Model):
    """Seen by the entropy step."""

    systems: dict[str, TorusMap]
    """Which map stands where. Control: mixing is a rotation; null: all are the identity."""
    inner: Inner
    """Where <K g, K g> comes from: the snapshots, or EDMD's own matrix (control: the residual is 0 by construction)."""
    nodes: Literal["random", "grid"]
    """Of the matrices from M nodes. grid: the control without chance."""
    grid: Annotated[int, Field(ge=3)]
    """Points along each edge of the square [-1.5, 1.5]^2 of lambda; odd, so that 0 is one of them."""
    steps: Annotated[int, Field(ge=10)]
    """Of the autocorrelation."""
    amplitude: PositiveFloat
    """Of the perturbation f(x) = amplitude cos(2 pi wave x), in turns. Control: one that can be seen."""
    wave: PositiveInt
    box: PositiveInt
    """Wave numbers below it can be seen."""


class Forecast(Model):
    """Seen by the forecast step."""

    inner: Inner
    moves: bool
    """false: the flow stands still. Null."""
    angles: Annotated[int, Field(ge=4)]
    """Points of the upper half circle at which a function of least residual is sought."""
    kept: PositiveFloat
    """Pairs with a residual below it are kept."""
    grid: Annotated[int, Field(ge=3)]


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        functions = (2 * self.train.sizes[0] + 1) ** 2 - 1
        if self.simulate.samples[0] >= functions:
            raise ValueError(f"simulate.samples: the first must be below the {functions} functions of train.sizes[0]")
        if self.simulate.samples[1] < functions:
            raise ValueError(
                f"simulate.samples: all but the first must reach the {functions} functions of train.sizes[0]"
            )
        for key, wanted in (
            ("train.degrees", {"pendulum", "duffing"}),
            ("entropy.systems", {"mixing", "skew", "steady"}),
        ):
            step, name = key.split(".")
            if set(getattr(getattr(self, step), name)) != wanted:
                raise ValueError(f"{key}: give {', '.join(sorted(wanted))}")
        if not self.entropy.grid % 2 or not self.forecast.grid % 2:
            raise ValueError("entropy.grid and forecast.grid must be odd")
        return self
