"""Parameters of the comparison of what foretells that a training fails."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising

Range = tuple[PositiveFloat, PositiveFloat]
World = Literal["sequences", "digits", "choices"]


class Drawn(Model):
    """What a run draws, each uniform in its logarithm."""

    rate: Range
    """Learning rate."""
    gain: Range
    """Factor on initial weights: of all matrices, in sequences of queries and keys."""
    steps: Annotated[int, Field(ge=10)]
    """Updates."""
    batch: Annotated[int, Field(ge=2)]
    bar: float
    """Score below which a run has failed: 0 is what needs no network, 1 is perfect."""

    @model_validator(mode="after")
    def rises(self) -> Drawn:
        for name in ("rate", "gain"):
            low, high = getattr(self, name)
            if low >= high:
                raise ValueError(f"{name}: {low} isn't below {high}")
        return self


class Simulate(Model):
    seeds: Annotated[int, Field(ge=3)]
    """Worlds of each kind, each with draws, initial weights and batches of its own."""
    draws: Annotated[int, Field(ge=6)]
    """Runs in each."""
    worlds: dict[World, Drawn]
    symbols: Annotated[int, Field(ge=2)]
    length: Annotated[int, Field(ge=4)]
    lag: PositiveInt
    held_out: PositiveInt
    """Sequences."""
    images: tuple[PositiveInt, PositiveInt]
    """To train on and to test on."""
    contexts: PositiveInt
    dim: PositiveInt
    actions: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def fits(self) -> Simulate:
        if self.lag >= self.length:
            raise ValueError(f"lag ({self.lag}) must be less than length ({self.length})")
        if sum(self.images) > 1797:
            raise ValueError(f"images: there are 1797 digits, {sum(self.images)} were asked for")
        return self


class Train(Model):
    width: Annotated[int, Field(ge=4, multiple_of=2)]
    layers: PositiveInt
    looks: Annotated[list[Annotated[float, Field(ge=0, lt=1)]], Rising]
    """Shares of the training at which the networks are looked at."""
    points: Annotated[int, Field(ge=8)]
    """Inputs on which they are looked at."""
    learns: bool
    """Null: no run learns, whatever its rate."""


class Entropy(Model):
    labels: Literal["own", "dealt"]
    """Whose fate is held against a run's quantities. Control: another run's."""


class Params(Model):
    simulate: Simulate
    train: Train
    entropy: Entropy

    @model_validator(mode="after")
    def looks_apart(self) -> Params:
        for name, drawn in self.simulate.worlds.items():
            at = [round(share * drawn.steps) for share in self.train.looks]
            if len(set(at)) < len(at):
                raise ValueError(f"train.looks: with simulate.worlds.{name}.steps {drawn.steps} two looks are one")
        return self
