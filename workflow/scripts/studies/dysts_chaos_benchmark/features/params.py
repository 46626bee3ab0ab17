"""Parameters of the features of trajectories and of their clusters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from pesin.params import Model


class Entropy(Model):
    matrix: Literal["measured", "noise", "one"]
    """noise: every feature of every system drawn from one normal distribution; one: all features follow one number that
    is drawn for each system."""
    clusters: Annotated[list[PositiveInt], Field(min_length=1)]
    """Numbers of clusters to choose among by silhouette."""
    resamples: PositiveInt
    clouds: PositiveInt
    """Normal clouds without groups that the number of stable clusters is held against."""


class Params(Model):
    entropy: Entropy
