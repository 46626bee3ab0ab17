"""Types of the parameters that several experiments of the study share: images, conventions of DSE, its maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from pesin.params import DataFolder, Model


class Sweep(Model):
    """Grid of bandwidths and diffusion times for the map of where a claim holds."""

    samples: Annotated[int, Field(ge=10)]
    """At most so many points of each cloud, to save time."""
    units: PositiveInt
    """At most so many clouds or seeds."""
    sigma: Annotated[list[PositiveFloat], Field(min_length=1)]
    t: Annotated[list[PositiveFloat], Field(min_length=1)]


class Data(Model):
    """Which images."""

    source: Literal["digits", "textured_digits", "mnist", "cifar10", "stl10"]
    folder: DataFolder | None = None
    """Where the files of mnist, cifar10 or stl10 lie."""
    train: PositiveInt
    test: PositiveInt


class Evaluation(Model):
    """The samples whose representation is kept."""

    split: Literal["train", "test"]
    samples: Annotated[int, Field(ge=20)]


class Convention(Model):
    """One way to take the diffusion entropy of a representation."""

    features: Literal["raw", "l2"]
    """As they are, or each sample divided by its norm."""
    sigma: PositiveFloat | Literal["median"]
    t: PositiveFloat
    normalisation: Literal["symmetric", "row"] = "symmetric"
    """symmetric: the authors' code; row: the paper's text, normalised once more to row sums of 1."""


class World(Model):
    """Images and labels."""

    data: Data
    labels: Literal["true", "shuffled"]
    """shuffled: the control, in which labels are permuted for every mode."""


def check_evaluation(data: Data, evaluation: Evaluation) -> None:
    """Raise ValueError if more samples are asked for than their split has."""
    if evaluation.samples > {"train": data.train, "test": data.test}[evaluation.split]:
        raise ValueError("train.evaluation.samples exceeds the images of its split")
