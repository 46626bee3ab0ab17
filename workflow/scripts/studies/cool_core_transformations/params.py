"""Types of the study's parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, Rising, Share

Switch = Literal["all", "no_mergers", "no_agn", "still"]


class Simulate(Model):
    """Seen by all steps."""

    populations: Annotated[int, Field(ge=3)]
    """Independent groups of clusters: made anew each, or parts of the file's clusters."""
    clusters: Annotated[int, Field(ge=20)]
    """In each; with a file, as many as it has for each group."""
    dt: Annotated[float, Field(gt=0, le=0.1)]
    """Gyr."""
    success: Annotated[list[Share], Rising, Field(min_length=1)]
    """Shares of mergers that heat the core."""
    data: Literal["synthetic", "tng-cluster"]
    """tng-cluster: the histories in `path` stand in place of the generator's."""
    path: DataFile | None = None
    """HDF5 of TNG-Cluster's central entropies, mergers and black holes, laid out as `tng.py` says."""

    @model_validator(mode="after")
    def _fit(self):
        if (self.data == "tng-cluster") != (self.path is not None):
            raise ValueError(
                "path: data: tng-cluster needs the path of an HDF5 file made of TNG-Cluster's catalogues "
                "(https://www.tng-project.org/cluster/); data: synthetic takes none"
            )
        return self


class Train(Model):
    """Of the forecasting networks, which decide no verdict."""

    hidden: PositiveInt
    epochs: PositiveInt
    batch: PositiveInt
    rate: PositiveFloat
    clusters: Annotated[int, Field(ge=20)]
    """The first so many of all populations, or as many as there are."""
    share: Annotated[float, Field(gt=0, le=0.9)]
    """Of them that are trained on; the others are the test."""


class Entropy(Model):
    """Of the finder and of what is asked of its events."""

    switch: Switch
    """Which of the worlds is looked at (controls: others)."""
    order: Literal["forward", "reversed"]
    """In which way time runs (control: reversed)."""
    belongs: Literal["own", "another"]
    """Whose mergers, AGN record and true ramps stand beside a history (control: another cluster's)."""
    factors: Annotated[list[PositiveFloat], Rising]
    """By which both of the finder's thresholds are multiplied, and the lines between states; 1 is among them."""
    windows: Annotated[list[PositiveFloat], Rising]
    """Gyr before an event in which a merger is looked for."""
    ramps: PositiveInt
    """Random walks with a ramp of known place, in each population."""
    ramp: NonNegativeFloat
    """Its height in ln K; 0 in the null."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
