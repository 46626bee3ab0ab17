"""Types of the parameters of the study's cases: toy clouds, representations along training, and many small networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name, Share

Label = Annotated[float, Field(ge=0, le=1)]
Width = PositiveFloat | Literal["median"]
Activation = Literal["relu", "tanh", "gelu"]


# ----------------------------------------------------------------------------------------------------------- toys


class Spheres(Model):
    """Clouds of known intrinsic dimension."""

    clouds: PositiveInt
    """Independent clouds of each dimension."""
    samples: Annotated[int, Field(ge=10)]
    dims: Annotated[list[PositiveInt], Field(min_length=3)]
    """Intrinsic dimensions d of the spheres S^d."""
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
    mixing: Annotated[list[Label], Field(min_length=3)]
    """p: the share of the first view's latent variables in the second view."""
    shuffled: bool
    """Control: the labels p are shuffled among the pairs of a seed."""


class ToyWorld(Model):
    """What is simulated."""

    spheres: Spheres
    dependence: Dependence


class Mine(Model):
    """The trained critic."""

    width: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
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


class Sweep(Model):
    """Grid of bandwidths and diffusion times for the map of where a claim holds."""

    samples: Annotated[int, Field(ge=10)]
    """At most so many points of each cloud, to save time."""
    sigma: Annotated[list[PositiveFloat], Field(min_length=1)]
    t: Annotated[list[PositiveFloat], Field(min_length=1)]


class ToyMeasures(Model):
    """How the toys are measured."""

    sigma: PositiveFloat
    t: PositiveFloat
    bins: Annotated[int, Field(ge=2)]
    """Bins of each coordinate for the classic binned entropy."""
    dependence: DependenceMeasures
    sweep: Sweep


class ToyParams(Model):
    """Spheres, Swiss roll and tree under noise (C1), and the dependence of two views (C2)."""

    kind: Literal["toys"]
    simulate: ToyWorld
    entropy: ToyMeasures

    @model_validator(mode="after")
    def _known(self):
        if self.entropy.dependence.compare_ambient not in self.simulate.dependence.ambient:
            raise ValueError("entropy.dependence.compare_ambient must be one of simulate.dependence.ambient")
        if self.entropy.t not in self.entropy.dependence.times:
            raise ValueError("entropy.dependence.times must hold entropy.t")
        return self


# ----------------------------------------------------------------------------------------------------- labelled images


class Data(Model):
    """Which images."""

    source: Literal["digits", "textured_digits", "mnist", "cifar10", "stl10"]
    folder: str | None = None
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
    sigma: Width
    t: PositiveFloat
    normalisation: Literal["symmetric", "row"] = "symmetric"
    """symmetric: the authors' code; row: the paper's text, normalised once more to row sums of 1."""


class World(Model):
    """Images and labels."""

    data: Data
    labels: Literal["true", "shuffled"]
    """shuffled: the control, in which labels are permuted for every mode."""


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
    contrast: Contrast

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


class RepresentationMeasures(Model):
    """How representations are measured."""

    conventions: Annotated[dict[Name, Convention], Field(min_length=1)]
    information: Name
    """The convention of the permutation null, the subsamples and the map of DSMI."""
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


class RepresentationParams(Model):
    """Representations along training in several modes and seeds (C3, C4, C5)."""

    kind: Literal["representations"]
    seeds: PositiveInt
    modes: Annotated[list[Literal["supervised", "random_labels", "self_supervised"]], Field(min_length=1)]
    simulate: World
    train: Training
    entropy: RepresentationMeasures

    @model_validator(mode="after")
    def _fits(self):
        if self.train.evaluation.samples > getattr(self.simulate.data, self.train.evaluation.split):
            raise ValueError("train.evaluation.samples exceeds the images of its split")
        if "supervised" not in self.modes:
            raise ValueError("modes: supervised is missing")
        return self


# ------------------------------------------------------------------------------------------------------ many networks


class Choices(Model):
    """What the settings of the random networks are drawn from."""

    nets: Annotated[int, Field(ge=5)]
    width: Annotated[list[PositiveInt], Field(min_length=1)]
    depth: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: Annotated[list[PositiveFloat], Field(min_length=1)]
    epochs: Annotated[list[PositiveInt], Field(min_length=1)]
    label_noise: Annotated[list[Label], Field(min_length=1)]
    """Share of training labels that are drawn at random."""
    activation: Annotated[list[Activation], Field(min_length=1)]


class Initialisations(Model):
    """One network initialised at several scales."""

    seeds: PositiveInt
    scales: Annotated[list[PositiveFloat], Field(min_length=3)]
    """Factors on the usual standard deviation of the initial weights."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: PositiveFloat
    epochs: PositiveInt
    """The fixed budget."""


class NetTraining(Model):
    """All networks in one loop."""

    choices: Choices
    initialisations: Initialisations
    batch: Annotated[int, Field(ge=2)]
    early: Share
    """Share of its own training after which a network is looked at early."""
    evaluation: Evaluation


class NetMeasures(Model):
    """How the networks are measured."""

    initialisation: Annotated[dict[Name, Convention], Field(min_length=1)]
    """Conventions of the DSE of untrained networks."""
    information: Convention
    subsets: Annotated[int, Field(ge=2)]
    subsamples: Annotated[int, Field(ge=2)]
    shuffled: bool
    """Control: initial entropies are shuffled among the scales of a seed, and the labels among the samples in DSMI."""


class Foretelling(Model):
    """The early look at the networks."""

    information: Convention
    subsets: Annotated[int, Field(ge=2)]
    resamples: Annotated[int, Field(ge=10)]
    """Bootstrap over the networks."""


class NetParams(Model):
    """Many small networks: initial entropy (C6), and information against accuracy (C7)."""

    kind: Literal["nets"]
    simulate: World
    train: NetTraining
    entropy: NetMeasures
    forecast: Foretelling

    @model_validator(mode="after")
    def _fits(self):
        if self.train.evaluation.samples > getattr(self.simulate.data, self.train.evaluation.split):
            raise ValueError("train.evaluation.samples exceeds the images of its split")
        return self


Params = Annotated[ToyParams | RepresentationParams | NetParams, Field(discriminator="kind")]
