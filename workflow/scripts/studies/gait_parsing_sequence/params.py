"""Types of the parameters of walkers, networks and what is judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator, model_validator

from pesin.params import DataFolder, Model, Rising, Share
from studies.gait_parsing_sequence.representations import ARMS, HINDERED


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Each with people, sequences and networks of its own: the independent unit."""
    train: Annotated[int, Field(ge=8)]
    """People to learn from."""
    test: Annotated[int, Field(ge=6)]
    """Others, to be recognised."""
    sequences: Annotated[int, Field(ge=2)]
    """Of each."""
    frames: PositiveInt
    rows: Annotated[int, Field(ge=16)]
    columns: Annotated[int, Field(ge=8)]
    source: DataFolder | None = None
    """Folder of Gait3D-Parsing, in place of walkers that are made."""


class Train(Model):
    """Seen by the train step and those after it."""

    channels: Annotated[list[PositiveInt], Field(min_length=2)]
    strides: list[PositiveInt]
    """Of each layer of the backbone; with `residual` all but the first are pairs of layers with a way around them."""
    residual: bool
    strips: PositiveInt
    """Of the global head."""
    code: PositiveInt
    """Numbers of each strip's or part's embedding."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    """Of the network for joints."""
    people: Annotated[int, Field(ge=2)]
    """Of a batch."""
    each: Annotated[int, Field(ge=2)]
    """Sequences of a person in a batch."""
    margin: PositiveFloat
    logit_scale: PositiveFloat
    optimiser: Literal["adam", "sgd"]
    rate: PositiveFloat
    drops: Annotated[list[Share], Rising]
    """Shares of the training after which the rate is a tenth of what it was."""
    momentum: NonNegativeFloat
    weight_decay: NonNegativeFloat
    """Both of SGD."""
    steps: Annotated[int, Field(ge=0)]
    together: bool
    """Networks of one family in one loop, or each in a loop of its own."""


class Entropy(Model):
    """Seen by the entropy step."""

    parsing: Literal["parsing", "silhouette"]
    """What stands for the parsing: itself or, as control, the silhouette."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained"]
    stand_in: dict[str, str]
    """Whose codes are judged under the name of another network."""

    @field_validator("stand_in")
    @classmethod
    def _networks_are_known(cls, value):
        for name in (*value, *value.values()):
            if name not in ARMS:
                raise ValueError(f"there is no network '{name}'; the networks: {', '.join(ARMS)}")
        for name in HINDERED:
            if value.get(name, name) not in HINDERED:
                raise ValueError(f"{name} is compared under all conditions, and {value[name]} isn't")
        return value


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _sizes_fit(self):
        made, train = self.simulate, self.train
        if len(train.strides) != len(train.channels):
            raise ValueError(f"train.strides: give {len(train.channels)} of them, one for each of train.channels")
        rows = made.rows
        for stride in train.strides:
            rows = -(-rows // stride)
        if rows % train.strips:
            raise ValueError(
                f"train.strips: {train.strips} strips don't divide the {rows} rows of the last feature map"
            )
        if train.each > made.sequences:
            raise ValueError(f"train.each: a person has {made.sequences} sequences only (simulate.sequences)")
        if train.people > made.train:
            raise ValueError(f"train.people: there are {made.train} people to learn from (simulate.train)")
        return self
