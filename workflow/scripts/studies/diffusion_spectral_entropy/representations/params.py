"""Types of the parameters of representations along training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name
from studies.diffusion_spectral_entropy.shared_params import Convention, Evaluation, Sweep, World, check_evaluation


class Contrast(Model):
    """Self-supervised training: SimCLR's loss NT-Xent on two views of each image."""

    temperature: PositiveFloat
    shift: Annotated[int, Field(ge=0)]
    """Largest shift in pixels; what is shifted in is black."""
    noise: NonNegativeFloat
    """Standard deviation of the noise on pixels in [0, 1]."""


class Training(Model):
    """A perceptron whose last hidden layer is the representation."""

    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: NonNegativeFloat
    """Adam's learning rate."""
    batch: Annotated[int, Field(ge=2)]
    checkpoints: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=2)]
    """Epochs at which the representation is kept; the last ends the training."""
    evaluation: Evaluation
    contrast: Contrast | None = None
    """Left out: no self-supervised training."""

    @model_validator(mode="after")
    def _rising(self):
        if self.checkpoints[0] != 0 or sorted(set(self.checkpoints)) != self.checkpoints:
            raise ValueError("checkpoints must begin with 0 and rise")
        return self


class Chance(Model):
    """What chance gives, and the error over samples."""

    permutations: Annotated[int, Field(ge=1)]
    """Label permutations for the null of DSMI at the last checkpoint."""
    subsamples: Annotated[int, Field(ge=2)]
    """Draws of 80 % of the samples, without replacement."""


class Measures(Model):
    """How representations are measured."""

    conventions: Annotated[dict[Name, Convention], Field(min_length=1)]
    information: Name
    """The convention of the permutation null, the subsamples and the map of DSMI."""
    trained: bool
    """false (null): at the last checkpoint too stands the network as it was before training."""
    shuffled: bool
    """Control: the checkpoints of each run are shuffled."""
    subsets: Annotated[int, Field(ge=2)]
    clusters: Annotated[int, Field(ge=2)]
    """Spectral clusters of the input."""
    chance: Chance
    sweep: Sweep | None = None
    """Bandwidths on raw features for the map of DSE, on L2-normalised ones for DSMI; left out: no map."""
    sweep_information: list[PositiveFloat] = []
    """Bandwidths of the map of DSMI."""

    @model_validator(mode="after")
    def _known(self):
        if self.information not in self.conventions:
            raise ValueError(f"information: '{self.information}' is none of {', '.join(self.conventions)}")
        if self.sweep is not None and not self.sweep_information:
            raise ValueError("sweep_information is missing: bandwidths of the map of DSMI")
        return self


class Params(Model):
    """Representations along training in several modes and seeds (C3, C4, C5)."""

    seeds: PositiveInt
    modes: Annotated[list[Literal["supervised", "random_labels", "self_supervised"]], Field(min_length=1)]
    simulate: World
    train: Training
    entropy: Measures

    @model_validator(mode="after")
    def _fits(self):
        check_evaluation(self.simulate.data, self.train.evaluation)
        if "supervised" not in self.modes:
            raise ValueError("modes: supervised is missing")
        if "self_supervised" in self.modes and self.train.contrast is None:
            raise ValueError("train.contrast is missing: how the self-supervised networks are trained")
        return self
