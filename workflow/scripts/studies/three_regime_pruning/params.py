"""Types of the parameters of the three regimes of pruning."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from pesin.params import DataFolder, Model, Rising, Share


class Data(Model):
    """Which images."""

    source: Literal["digits", "mnist", "cifar10"]
    folder: DataFolder | None = None
    """Where the files of mnist or cifar10 lie."""
    train: Annotated[int, Field(ge=20)]
    validation: Annotated[int, Field(ge=20)]
    """On which the dense networks' accuracy is measured."""
    test: Annotated[int, Field(ge=20)]
    """On which the pruned networks' error is measured."""


class Simulate(Model):
    """The world."""

    data: Data


class Net(Model):
    """Networks: mlp (`depth` hidden layers), or preresnet (three stages of `depth` blocks; 3 for PreResNet-20)."""

    kind: Literal["mlp", "preresnet"]
    width: PositiveInt
    depth: PositiveInt


class Phase(Model):
    """How a phase of training goes."""

    lr: NonNegativeFloat
    """Null: 0, at which nothing is learnt."""
    drops: list[NonNegativeInt]
    """Epochs after which the rate is a tenth of what it was."""


class Retrain(Phase):
    """The phase after pruning."""

    epochs: PositiveInt


class Train(Model):
    """Dense training, pruning, retraining."""

    noise: Annotated[float, Field(ge=0, le=1)]
    """Share of training labels that are drawn at random. Control: 0."""
    seeds: Annotated[int, Field(ge=4)]
    """Dense networks, each with its labels and orders of images: the independent unit."""
    copies: Annotated[int, Field(ge=2)]
    """Retrained networks of each pruned one, which differ in the order of images."""
    epochs: Annotated[list[PositiveInt], Field(min_length=2), Rising]
    """Of dense training: the temperature, few are hot."""
    sam_epochs: PositiveInt
    rho: Annotated[list[PositiveFloat], Field(min_length=1), Rising]
    """Radii of SAM for `sam_epochs` of dense training: the other temperature, large is hot. Rising."""
    densities: Annotated[list[Share], Field(min_length=2), Rising]
    """Share of each layer's weights that is kept: the load. Rising."""
    scope: Literal["layer", "whole"]
    """Weights are ranked within their layer (the paper's), or over the whole network."""
    net: Net
    batch: PositiveInt
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegativeFloat
    dense: Phase
    retrain: Retrain
    together: PositiveInt
    """Networks in one loop: of memory and speed, no number depends on it but by rounding."""

    @model_validator(mode="after")
    def _fits(self):
        if self.sam_epochs not in self.epochs:
            raise ValueError(f"sam_epochs: {self.sam_epochs} must be one of the epochs, which give the arm without SAM")
        if self.seeds % 2:
            raise ValueError("seeds: give an even number, thresholds from one half are scored on the other")
        return self


class Entropy(Model):
    """Of the predictions."""

    images: Annotated[int, Field(ge=10)]
    """Test images, the first so many."""


class Cells(Model):
    """The cells of C1 and C7."""

    hot: PositiveInt
    cool: PositiveInt
    low: Share
    high: Share


class Forecast(Model):
    """Scores and rules."""

    copies: Literal["own", "same"]
    """same (control): each retrained network is compared with itself."""
    cells: Cells
    points: Annotated[int, Field(ge=3)]
    """Along the line between two networks, both ends included."""
    disconnected: Annotated[float, Field(lt=0)]
    """Connectivity below it is Regime I."""
    images: Annotated[int, Field(ge=20)]
    """Training images on which connectivity and CKA are measured, the first so many."""
    default_rho: PositiveFloat
    """Where the rule starts from in tuning SAM."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        cells, train = self.forecast.cells, self.train
        for key, value, known in (
            ("cells.hot", cells.hot, train.epochs),
            ("cells.cool", cells.cool, train.epochs),
            ("cells.low", cells.low, train.densities),
            ("cells.high", cells.high, train.densities),
            ("default_rho", self.forecast.default_rho, train.rho),
        ):
            if value not in known:
                raise ValueError(f"forecast.{key}: {value} must be one of {', '.join(map(str, known))} in train")
        return self
