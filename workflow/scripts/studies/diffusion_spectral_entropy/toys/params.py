"""Types of the parameters of the toys: clouds of known dimension, and views of known dependence."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.diffusion_spectral_entropy.shared_params import Sweep


class Spheres(Model):
    """Clouds of known intrinsic dimension."""

    clouds: PositiveInt
    """Independent clouds of each dimension."""
    samples: Annotated[int, Field(ge=10)]
    dims: Annotated[list[PositiveInt], Field(min_length=3)]
    """Intrinsic dimensions d of the spheres S^d."""
    radius: NonNegativeFloat = 1.0
    """0 (null): points without extension, so that nothing but the noise is left."""
    ambient: PositiveInt
    """Dimension of the space that they are rotated into."""
    noise: Annotated[list[NonNegativeFloat], Field(min_length=2)]
    """Standard deviation of the noise in each coordinate; 0 comes first."""
    shuffled: bool
    """Control: the labels d are shuffled among clouds."""

    @model_validator(mode="after")
    def _fits(self):
        if max(self.dims) >= self.ambient:
            raise ValueError("ambient must exceed the largest of dims")
        if self.noise[0] != 0:
            raise ValueError("noise must begin with 0, the clean cloud")
        return self


class Dependence(Model):
    """Two noisy views of latent variables that are mixed by a share p."""

    seeds: PositiveInt
    samples: Annotated[int, Field(ge=40)]
    ambient: Annotated[list[PositiveInt], Field(min_length=1)]
    noise: Annotated[list[PositiveFloat], Field(min_length=2)]
    mixing: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=3)]
    """p: the share of the first view's latent variables in the second view."""
    signal: NonNegativeFloat = 1.0
    """Strength of the latent variables in both views. 0 (null): nothing but the noise."""
    shuffled: bool
    """Control: the labels p are shuffled among the pairs of a seed."""


class World(Model):
    """What is simulated."""

    spheres: Spheres
    dependence: Dependence


class Mine(Model):
    """The trained critic."""

    width: PositiveInt
    steps: PositiveInt
    batch: Annotated[int, Field(ge=2)]
    """Pairs, which are held against those of others."""
    rate: PositiveFloat


class DependenceMeasures(Model):
    """How dependence is measured."""

    clusters: Annotated[int, Field(ge=2)]
    """k-means clusters of the second view, the labels of DSMI."""
    medians: PositiveFloat
    """Bandwidth of DSMI in median distances of the first view."""
    times: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Diffusion times of DSMI."""
    subsets: Annotated[int, Field(ge=1)]
    compare_ambient: PositiveInt
    """Dimension at which DSMI is compared with KSG and MINE."""
    neighbours: PositiveInt
    """k of KSG."""
    mine: Mine


class Measures(Model):
    """How the toys are measured."""

    sigma: PositiveFloat
    t: PositiveFloat
    bins: Annotated[int, Field(ge=2)]
    """Bins of each coordinate for the classic binned entropy."""
    dependence: DependenceMeasures
    sweep: Sweep


class Params(Model):
    """Spheres, Swiss roll and tree under noise (C1), and the dependence of two views (C2)."""

    simulate: World
    entropy: Measures

    @model_validator(mode="after")
    def _known(self):
        if self.entropy.dependence.compare_ambient not in self.simulate.dependence.ambient:
            raise ValueError("entropy.dependence.compare_ambient must be one of simulate.dependence.ambient")
        if self.entropy.t not in self.entropy.dependence.times:
            raise ValueError("entropy.dependence.times must hold entropy.t")
        return self
