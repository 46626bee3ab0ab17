"""Parameters of the comparison of estimators of entropy production."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model


class Simulate(Model):
    worlds: Annotated[list[Literal["swimmers", "electrolyte", "stirred"]], Field(min_length=1)]
    dims: Annotated[list[Annotated[int, Field(ge=2, multiple_of=2)]], Field(min_length=1)]
    """Dimensions of state space."""
    samples: Annotated[list[Annotated[int, Field(ge=50)]], Field(min_length=1)]
    """Sizes of the samples; the smaller ones are the beginnings of the largest."""
    seeds: Annotated[int, Field(ge=3)]
    broad: PositiveFloat
    """Factor on the samples. Control: but for 1, their law isn't the steady one."""


class Train(Model):
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    steps: PositiveInt
    batch: PositiveInt
    rate: PositiveFloat
    held: Annotated[float, Field(gt=0, lt=1)]
    """Share of a sample that is held out; the weights kept are those of least loss there."""
    look: PositiveInt
    """Updates from one look at the held-out part to the next."""
    shuffle: bool
    """Whether networks learn from samples whose coordinates are dealt out anew. Control."""


class Entropy(Model):
    scores: Literal["fitted", "none"]
    """none: every score that would be fitted is zero. Null."""
    neighbours_in: Literal["all", "pairs"]
    """pairs: neighbours are sought in the plane of each pair of coordinates. Control."""


class Params(Model):
    simulate: Simulate
    train: Train
    entropy: Entropy

    @model_validator(mode="after")
    def _sizes_fit(self):
        if self.train.look > self.train.steps:
            raise ValueError(f"train.look: {self.train.look} is more than the {self.train.steps} updates")
        return self
