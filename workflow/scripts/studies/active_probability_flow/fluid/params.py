"""Types of the parameters of the fluid: many swimmers in the plane that no noise but their own turning drives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, MultiHead


class Simulate(Model):
    """Seen by all steps. Lengths in radii of the particles."""

    seeds: Annotated[int, Field(ge=3)]
    speed: PositiveFloat
    turning: PositiveFloat
    repulsion: PositiveFloat
    sharpness: PositiveFloat
    sizes: Annotated[list[PositiveInt], Field(min_length=2)]
    """Numbers of particles, all at `packing`. The first is the one that networks are trained on."""
    packing: PositiveFloat
    packings: Annotated[list[PositiveFloat], Field(min_length=3)]
    """Shares of the box that the particles fill, all with the first number of them."""
    copies: Annotated[int, Field(ge=2)]
    """Independent boxes of each seed."""
    snapshots: PositiveInt
    warm: PositiveFloat
    """Time before the first snapshot; 10 / turning forgets the start."""
    every: PositiveFloat
    """Time from one snapshot to the next; 1 / turning."""
    dt: Annotated[float, Field(gt=0, le=0.01)]


class Train(MultiHead):
    """Seen by training and all after it."""

    neighbours: PositiveInt
    layers: NonNegativeInt
    steps: NonNegativeInt
    batch: PositiveInt
    rate: PositiveFloat
    world: Literal["repulsive", "ideal"]
    """ideal: no repulsion. Control."""


class Entropy(Model):
    """Seen by the entropy step."""

    weights: Literal["end", "start"]
    """start: networks as they were drawn. Null."""
    most: Annotated[int, Field(ge=2)]
    """Neighbours nearer than 3 R; particles with more are counted as having so many."""
    chunk: PositiveInt
    """Particles that go through a network at once."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy

    @model_validator(mode="after")
    def _sizes_fit(self):
        fewest = min(self.simulate.sizes)
        if self.train.neighbours >= fewest:
            raise ValueError(f"train.neighbours: {self.train.neighbours} are not to be had among {fewest} particles")
        if self.simulate.packing not in self.simulate.packings:
            raise ValueError(f"simulate.packing: {self.simulate.packing} must be one of the packings")
        return self
