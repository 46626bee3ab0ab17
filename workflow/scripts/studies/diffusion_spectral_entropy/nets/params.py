"""Types of the parameters of many small networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name, Share
from studies.diffusion_spectral_entropy.shared_params import Convention, Evaluation, World, check_evaluation


class Choices(Model):
    """What the settings of the random networks are drawn from."""

    nets: Annotated[int, Field(ge=5)]
    width: Annotated[list[PositiveInt], Field(min_length=1)]
    depth: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: Annotated[list[PositiveFloat], Field(min_length=1)]
    epochs: Annotated[list[PositiveInt], Field(min_length=1)]
    label_noise: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=1)]
    """Share of training labels that are drawn at random."""
    activation: Annotated[list[Literal["relu", "tanh", "gelu"]], Field(min_length=1)]


class Initialisations(Model):
    """One network initialised at several scales."""

    seeds: PositiveInt
    scales: Annotated[list[PositiveFloat], Field(min_length=3)]
    """Factors on the usual standard deviation of the initial weights."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: PositiveFloat
    epochs: PositiveInt
    """The fixed budget."""


class Training(Model):
    """All networks in one loop."""

    choices: Choices
    initialisations: Initialisations
    batch: Annotated[int, Field(ge=2)]
    early: Share
    """Share of its own training after which a network is looked at early."""
    evaluation: Evaluation


class Measures(Model):
    """How the networks are measured."""

    initialisation: Annotated[dict[Name, Convention], Field(min_length=1)]
    """Conventions of the DSE of untrained networks."""
    information: Convention
    subsets: Annotated[int, Field(ge=2)]
    trained: bool
    """false (null): at the end stand the networks as they were before training."""
    shuffled: bool
    """Control: initial entropies are shuffled among the scales of a seed, and the labels among the samples in DSMI."""


class Foretelling(Model):
    """The early look at the networks."""

    information: Convention
    subsets: Annotated[int, Field(ge=2)]
    resamples: Annotated[int, Field(ge=10)]
    """Bootstrap over the networks."""


class Params(Model):
    """Many small networks: initial entropy (C6), and information against accuracy (C7)."""

    simulate: World
    train: Training
    entropy: Measures
    forecast: Foretelling

    @model_validator(mode="after")
    def _fits(self):
        check_evaluation(self.simulate.data, self.train.evaluation)
        return self
