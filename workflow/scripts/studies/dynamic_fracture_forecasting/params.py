"""Types of the parameters of the slabs, the networks that watch them break, and their judges."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising

Few = Annotated[int, Field(ge=3)]
Strain = Annotated[float, Field(gt=0, lt=0.13)]


class Ramp(Model):
    """Larger slabs under rising strains: when do cracks become unstable?"""

    columns: Annotated[int, Field(ge=12)]
    rows: Annotated[int, Field(ge=12)]
    seeds: Few
    """Notches; each is strained at every strain."""
    strains: Annotated[list[Strain], Field(min_length=5), Rising]
    steps: PositiveInt


class Griffith(Model):
    """Slabs at a strain that can't pay for a crack, and at one that can."""

    below: Strain
    above: Strain
    """Control: no more than the other."""
    notch: PositiveFloat
    seeds: Few
    steps: PositiveInt


class Simulate(Model):
    """Seen by all steps. Lengths in spacings, times in those of the springs."""

    columns: Annotated[int, Field(ge=12)]
    rows: Annotated[int, Field(ge=12)]
    samples: Annotated[int, Field(ge=8)]
    frames: Annotated[int, Field(ge=8)]
    every: PositiveInt
    """Steps between two frames; the first shows the notch alone."""
    dt: Annotated[float, Field(gt=0, le=0.2)]
    reach: Annotated[float, Field(gt=1, le=1.5)]
    """Length at which a bond snaps."""
    strain: tuple[Strain, Strain]
    notch: tuple[PositiveFloat, PositiveFloat]
    offset: NonNegativeFloat
    """Notches lie so far above or below the middle at most."""
    grid: Annotated[int, Field(ge=16)]
    """Cells along each side of an image."""
    ramp: Ramp
    griffith: Griffith
    moves: bool
    """False: no time passes. Null."""

    @model_validator(mode="after")
    def _fit(self):
        if self.frames % 4 or self.grid % 8:
            raise ValueError("frames must be a multiple of 4 and grid one of 8: networks double them from a few slots")
        for name, (low, high) in (("strain", self.strain), ("notch", self.notch)):
            if not low < high:
                raise ValueError(f"{name}: give two rising numbers")
        if not self.notch[1] < min(self.columns, self.ramp.columns) / 2:
            raise ValueError("notch: the longest must be shorter than half the slab")
        if not self.griffith.notch < self.columns - 4:
            raise ValueError("griffith.notch: leave room for a crack")
        if 4 * self.offset > 0.8 * min(self.rows, self.ramp.rows):
            raise ValueError("offset: notches must stay away from the rows that are held")
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    tested: Annotated[int, Field(ge=5)]
    """Of the samples, the last ones: no network sees them."""
    networks: Few
    """Of each task."""
    encoder: tuple[PositiveInt, PositiveInt, PositiveInt]
    """Channels of the plane layers."""
    decoder: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
    """Channels of the layers in space and time."""
    batch: PositiveInt
    steps: PositiveInt
    lr: PositiveFloat
    weight: PositiveFloat
    """Of damaged cells in the loss; intact ones have 1."""


class Entropy(Model):
    """Seen by the entropy step."""

    networks: Literal["trained", "untrained", "shuffled"]
    """untrained: as they were before the first update, null. shuffled: the trained weights of each layer in another
    order, control."""
    radius: PositiveFloat
    """Cells from the notch's tip that count as there."""
    early: tuple[PositiveInt, PositiveInt]
    late: tuple[PositiveInt, PositiveInt]
    """First and last frame of each."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained"]
    inputs: Literal["own", "another's"]
    """another's: networks are shown the next sample's image and strain. Control."""
    judged: PositiveInt
    """First frame that is judged."""
    early: PositiveInt
    """Last frame that is judged of histories told from the last image."""
    given: Annotated[list[PositiveInt], Field(min_length=1), Rising]
    """Frames that the third task's networks are shown."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _frames(self):
        last, asked = self.simulate.frames - 1, self.forecast
        if self.train.tested > self.simulate.samples - 3:
            raise ValueError("train.tested: leave three samples or more to train on")
        if not asked.judged <= asked.early < last:
            raise ValueError("forecast.early: it lies between forecast.judged and the last frame")
        if not asked.judged < asked.given[0] or not asked.given[-1] < last:
            raise ValueError("forecast.given: leave judged frames before and after each")
        for name, (low, high) in (("early", self.entropy.early), ("late", self.entropy.late)):
            if not low <= high <= last:
                raise ValueError(f"entropy.{name}: two rising frames up to the last, {last}")
        return self
