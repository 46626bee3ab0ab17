"""Types of the parameters of pictures, networks and prompts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Concept = Literal["colour", "size"]


class Point(Model):
    """How far the classes lie apart."""

    colour: Annotated[float, Field(gt=0, le=0.8)]
    """Difference of the classes' blue (and of their red), of a full range of 1."""
    size: PositiveFloat
    """Difference of the classes' radii in pixels."""
    weak: Concept
    """The concept that interventions push."""


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    points: Annotated[dict[str, Point], Field(min_length=2)]
    samples: Annotated[int, Field(ge=8)]
    """Of each class."""
    image_size: Annotated[int, Field(ge=6)]
    radius: PositiveFloat
    """Between the classes, in pixels."""

    @model_validator(mode="after")
    def _discs_fit(self):
        for name, point in self.points.items():
            if not 0.625 * point.size < self.radius < self.image_size / 2 + 0.5 - 0.5 * point.size:
                raise ValueError(f"points.{name}: discs of {self.radius} -+ {point.size / 2} pixels don't fit an image")
        return self


class Setting(Model):
    """Networks of one kind, one for each seed."""

    point: str
    masked: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of training conditions that say nothing of the colour."""
    probed: bool = False
    """Whether embeddings are pushed and prompts exaggerated, beside the four plain prompts."""


class Train(Model):
    """Seen by the train step and those after it."""

    settings: Annotated[dict[str, Setting], Field(min_length=1)]
    run: Annotated[list[str], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=3)]
    """The first of those simulated."""
    held_out: bool
    """Whether small blue discs are left out of the training images; false is a control."""
    conditions: Literal["own", "shuffled"]
    """Whose condition a training image comes with: its own, or, as control, another's."""
    width: PositiveInt
    embedding: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
    rate: PositiveFloat
    first: PositiveInt
    """Update of the first checkpoint."""
    checkpoints: Annotated[int, Field(ge=6)]
    """As evenly spaced in log(update) as whole numbers can be, to the end; and one before training."""
    samples: Annotated[int, Field(ge=4, multiple_of=2)]
    """Images for each prompt and checkpoint."""
    euler: PositiveInt
    """Steps of the sampler."""
    doses: Annotated[list[Annotated[float, Field(gt=1)]], Field(min_length=1)]
    """k of both interventions, beside k = 1, the plain prompt."""

    @model_validator(mode="after")
    def _known(self):
        for name in self.run:
            if name not in self.settings:
                raise ValueError(f"run: there is no '{name}' among the settings {', '.join(self.settings)}")
        if not self.probed:
            raise ValueError("run: no setting of it is probed")
        if self.first * 2 > self.steps:
            raise ValueError(f"first: {self.first} leaves no octave to {self.steps} steps")
        return self

    @property
    def probed(self) -> list[str]:
        """Settings of the run whose embeddings are pushed."""
        return [name for name in self.run if self.settings[name].probed]


class Entropy(Model):
    """Seen by the entropy step."""

    bins: Annotated[int, Field(ge=2)]
    """Of a coordinate, between -1/2 and 3/2."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained"]
    direction: Literal["concept", "random"]
    """Where the embedding is pushed: along the weak concept, or, as control, as far in a random direction."""
    turn: Literal["found", "drawn"]
    """The sharpest turn, or, as control, one drawn evenly in log(update) from the times where it is looked for."""
    masking: bool
    """False, a control: settings with masks are read from the networks of the same point without any."""
    lag: PositiveInt
    """Checkpoints on either side of a turn, over which the path's rises are taken."""
    resamples: Annotated[int, Field(ge=20)]


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _points_are_there(self):
        for name, setting in self.train.settings.items():
            if setting.point not in self.simulate.points:
                raise ValueError(f"train.settings.{name}.point: no '{setting.point}' among simulate.points")
        bare = {self.train.settings[name].point for name in self.train.run if self.train.settings[name].masked == 0}
        for name in self.train.run:
            if self.train.settings[name].point not in bare:
                raise ValueError(f"train.run: beside '{name}' a setting of its point without a mask is needed")
        if self.train.seeds > self.simulate.seeds:
            raise ValueError(f"train.seeds: {self.train.seeds} are more than the {self.simulate.seeds} simulated")
        return self
