"""Types of the parameters of the cross-entropy study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising, Share
from studies.riemann_cross_entropy.dirichlet import OFF_LINE

Function = Literal["zeta", "davenport_heilbronn"]
Seeds = Annotated[int, Field(ge=3)]


class Window(Model):
    """A stretch of the strip in which searches start."""

    low: Annotated[float, Field(ge=2)]
    high: PositiveFloat
    starts: PositiveInt

    @model_validator(mode="after")
    def _rising(self):
        if self.high <= self.low:
            raise ValueError(f"high ({self.high}) must lie above low ({self.low})")
        return self


class Simulate(Model):
    """Seen by all steps."""

    windows: dict[Literal["search", "held_out", "witness"], Window]
    """Of heights t. search: C1's; held_out: scored in the forecast; witness: holds the known zero off the line."""
    grid: tuple[Annotated[int, Field(ge=11)], Annotated[int, Field(ge=11)]]
    """Points of the picture of |f|: along sigma, along t."""
    models: Annotated[int, Field(ge=3)]
    """Random language models."""
    states: Annotated[int, Field(ge=2)]
    concentration: PositiveFloat
    """Of the Dirichlet law of a model's rows. Very large: all next words are equally likely (null)."""


class Train(Model):
    """Seen by the train step and those after it."""

    searches: Seeds
    """Seeds of the searches: the independent unit of C1, C2, C5."""
    samples: PositiveInt
    elite: Annotated[int, Field(ge=2)]
    smoothing: Annotated[float, Field(ge=0, le=1)]
    """Weight of the fitted law against the one before. 0: nothing is learnt (null)."""
    iterations: PositiveInt
    width: tuple[PositiveFloat, PositiveFloat]
    """First standard deviations, of sigma and of t."""
    estimates: Seeds
    """Seeds of the rare-event estimates: the independent unit of C3, C4."""
    levels: Annotated[int, Field(ge=1)]
    """Times the sampling law of a rare event is fitted."""
    draws: Annotated[int, Field(ge=100)]
    """Samples for each of them."""
    share: Share
    """Quantile that the next level is set at."""
    tilted: bool
    """false: the sampling law stays the given one (null)."""


class Entropy(Model):
    """Seen by the entropy step."""

    bins: Annotated[int, Field(ge=2)]
    """Of the histogram of spacings, from 0 to 3 mean spacings."""


class Forecast(Model):
    """Seen by the forecast step."""

    tested: Function
    witness: Function
    """Function that C1 and C2 are on, and the one that C5 is on. Exchanged in the control."""
    converged: PositiveFloat
    """Largest |f| of a limit that is kept."""
    edge: NonNegativeFloat
    """Limits so close to sigma = 0 or 1 are dropped."""
    samples: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """Sizes at which the error of an estimate is taken."""
    repeats: PositiveInt
    """Estimates of each size for each seed: the error is their root mean square."""
    weighted: bool
    """false: samples of the tilted law are counted without likelihood ratios (control)."""
    length: Annotated[int, Field(ge=2)]
    """Words of a path, the first is given."""
    nucleus: Share
    """p of top-p."""
    beam: PositiveInt
    """Paths kept. 1: greedy (control)."""
    sampled: Annotated[int, Field(ge=2)]
    """Paths of plain top-p sampling for each model."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        windows = self.simulate.windows
        if set(windows) != {"search", "held_out", "witness"}:
            raise ValueError("simulate.windows: give search, held_out and witness")
        if not windows["witness"].low < OFF_LINE.imag < windows["witness"].high:
            raise ValueError(f"simulate.windows.witness must hold the known zero at height {OFF_LINE.imag}")
        if self.train.elite > self.train.samples:
            raise ValueError(f"train.elite is {self.train.elite}, more than the {self.train.samples} samples")
        if self.forecast.tested == self.forecast.witness:
            raise ValueError("forecast.tested and forecast.witness must be two functions")
        return self
