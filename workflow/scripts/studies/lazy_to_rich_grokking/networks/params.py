"""Types of the parameters of ordinary networks: a student of a teacher, and digits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, field_validator

from pesin.params import DataFolder, Model, Share

TASKS = ("student_teacher", "images")


class Teacher(Model):
    """A network of random weights with one layer of rectified units, whose outputs are to be learnt."""

    dim: PositiveInt
    units: PositiveInt
    train: Annotated[int, Field(ge=2)]
    test: Annotated[int, Field(ge=2)]


class Images(Model):
    """Labelled images, those of another seed another part of the data set."""

    source: Literal["digits", "mnist"]
    folder: DataFolder | None = None
    """Of MNIST's files."""
    train: Annotated[int, Field(ge=2)]
    test: Annotated[int, Field(ge=2)]


class Simulate(Model):
    """Seen by both steps."""

    seeds: Annotated[int, Field(ge=3)]
    teacher: Teacher
    data: Images


class Task(Model):
    """How the networks of one task are trained."""

    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    factor: PositiveFloat
    """Weights to begin with, over those that torch draws for a linear layer."""
    rate: PositiveFloat
    """Learning rate; of sgd over the square of the output scale, so that the lazy time scale is the same for all."""
    optimiser: Literal["sgd", "adam"] = "sgd"
    weight_decay: NonNegativeFloat = 0.0
    centred: bool = True
    """The untrained network's outputs are taken off."""
    steps: PositiveInt
    threshold: Share
    """A loss has fallen once it lies below this share of what outputs of zero have."""


class Train(Model):
    """Seen by the train step."""

    seeds: Annotated[int, Field(ge=3)]
    trained: bool
    """false: no step is taken. Null."""
    scales: dict[str, PositiveFloat]
    """Output scales. Control: all are the same."""
    per_decade: PositiveInt
    tasks: dict[str, Task]

    @field_validator("scales", "tasks")
    @classmethod
    def _whole(cls, value, info):
        wanted = {"scales": ("small", "middle", "large"), "tasks": TASKS}[info.field_name]
        if set(value) != set(wanted):
            raise ValueError(f"give {', '.join(wanted)}")
        return value


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
