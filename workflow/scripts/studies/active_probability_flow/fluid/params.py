"""Types of the parameters of the fluid: many swimmers in the plane that no noise but their own turning drives."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model


class Snapshots(Model):
    """When a system is looked at."""

    many: PositiveInt
    every: PositiveFloat
    """Time from one to the next."""


class Simulate(Model):
    """Seen by all steps. Lengths in radii of the particles."""

    runs: Annotated[int, Field(ge=3)]
    """Independent boxes of each system; each trains a network of its own."""
    speed: PositiveFloat
    turning: PositiveFloat
    repulsion: PositiveFloat
    sharpness: PositiveFloat
    sizes: Annotated[list[PositiveInt], Field(min_length=2)]
    """Numbers of particles, all at `packing`. The first is the one that networks are trained on."""
    packing: PositiveFloat
    packings: Annotated[list[PositiveFloat], Field(min_length=3)]
    """Shares of the box that the particles fill, all with the first number of them."""
    warm: PositiveFloat
    """Time before the first snapshot; 10 / turning forgets the start."""
    training: Snapshots
    tests: Snapshots
    """Of the largest system; smaller ones have more, so that they show as many particles. That of the training goes on
    after it."""
    dt: Annotated[float, Field(gt=0, le=0.01)]


class Train(Model):
    """Seen by training and all after it."""

    neighbours: PositiveInt
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
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


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy

    @model_validator(mode="after")
    def _sizes_fit(self):
        fewest, simulate = min(self.simulate.sizes), self.simulate
        if self.train.neighbours >= fewest:
            raise ValueError(f"train.neighbours: {self.train.neighbours} are not to be had among {fewest} particles")
        if simulate.packing not in simulate.packings:
            raise ValueError(f"simulate.packing: {simulate.packing} must be one of simulate.packings")
        for name in ("sizes", "packings"):
            if len(set(getattr(simulate, name))) < len(getattr(simulate, name)):
                raise ValueError(f"simulate.{name}: one stands there twice")
        return self
