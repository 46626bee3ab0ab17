"""Types of the parameters of the Mamba networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, DataFolder, Model
from pesin.systems.images import SOURCES

Seeds = Annotated[int, Field(ge=3)]
Signs = Literal["positive", "mixed", "negative"]
Order = Literal["plain", "reordered", "random"]


class Text(Model):
    """Sequences, each of one of several Markov chains, or the bytes of a text."""

    source: Literal["chains", "bytes"]
    path: DataFile | None = None
    """Bytes: the file."""
    symbols: Annotated[int, Field(ge=2)]
    chains: PositiveInt
    spread: NonNegativeFloat
    """Standard deviation of the logits of the chains' transition matrices."""
    length: Annotated[int, Field(ge=8)]
    """Tokens that a network reads; one more is drawn, which it has to tell."""
    training: PositiveInt
    held_out: Annotated[int, Field(ge=8)]


class Images(Model):
    """Labelled images, cut into patches."""

    source: str
    folder: DataFolder | None = None
    patch: PositiveInt
    """Edge of a patch, pixels."""
    training: PositiveInt
    held_out: PositiveInt

    @model_validator(mode="after")
    def _known(self):
        if self.source not in SOURCES:
            raise ValueError(f"source: '{self.source}' is none of {', '.join(SOURCES)}")
        return self


class Simulate(Model):
    """What is learnt."""

    text: Text
    images: Images


class Fit(Model):
    """One kind of network and its training."""

    seeds: Seeds
    width: PositiveInt
    layers: PositiveInt
    state: Annotated[int, Field(ge=2)]
    rank: PositiveInt
    """Of the map to the step sizes."""
    steps: PositiveInt
    batch: PositiveInt
    lr: PositiveFloat
    """Largest learning rate: after a linear warm-up of a tenth it falls along half a cosine to a tenth."""
    weight_decay: NonNegativeFloat = 0.0
    clip: PositiveFloat
    chunk: PositiveInt
    """Tokens of a chunk of the scan."""
    at_once: PositiveInt | None = None
    """Runs (arms x seeds) that train together: fewer need less memory. None: all."""


class Train(Model):
    """The language models (signs of S_C^T S_B) and the classifiers (order of the tokens)."""

    text: Fit
    images: Fit


class Forecast(Model):
    """Which runs take which part in the claims."""

    weights: Literal["trained", "initial"]
    """initial: the null."""
    signs: dict[Signs, Signs]
    """Part: whose runs take it. Control: the signs are told the wrong way round."""
    orders: dict[Literal["plain", "reordered"], Order]
    """The same of the order of the tokens. Control: a random order for the learnt one."""

    @model_validator(mode="after")
    def _all(self):
        if set(self.signs) != {"positive", "mixed", "negative"} or set(self.orders) != {"plain", "reordered"}:
            raise ValueError("give signs of positive, mixed and negative, and orders of plain and reordered")
        return self


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        for name in ("text", "images"):
            fit = getattr(self.train, name)
            if fit.batch > getattr(self.simulate, name).training:
                raise ValueError(f"train.{name}.batch: {fit.batch} is more than simulate.{name}.training")
        return self
