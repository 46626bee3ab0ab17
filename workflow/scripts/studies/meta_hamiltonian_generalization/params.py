"""Types of the parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

System = Literal["mass_spring", "pendulum", "henon_heiles", "magnetic_mirror", "two_body", "three_body"]
Several = Annotated[int, Field(ge=3)]


class Simulate(Model):
    """Seen by all steps."""

    systems: Annotated[list[System], Field(min_length=3)]
    """Each is held out in turn."""
    unit: Annotated[list[System], Field(min_length=2)]
    """Those of them that are studied with all constants one, too."""
    low: PositiveFloat
    high: PositiveFloat
    """Range of the constants a and b of a task where they vary."""
    tasks: PositiveInt
    """To train on, of each system and each setting of the constants."""
    points: Annotated[int, Field(ge=2, multiple_of=2)]
    """Of each training task: half support, half query."""
    draws: Several
    """Tasks of each system that no training sees."""
    support: PositiveInt
    """Most points of such a task that a network may adapt to."""
    test: Annotated[int, Field(ge=10)]
    """Its points that errors are measured on."""
    orbits: PositiveInt
    """Of each such task, to be rolled out."""
    length: PositiveFloat
    steps: PositiveInt
    """Time of an orbit and steps of Runge-Kutta in it; the true orbits take `finer` times as many."""
    finer: PositiveInt

    @model_validator(mode="after")
    def _in_order(self):
        if self.low > self.high:
            raise ValueError(f"low: {self.low} is above high, {self.high}")
        if len(set(self.systems)) < len(self.systems):
            raise ValueError("systems: each may stand there once")
        if not set(self.unit) <= set(self.systems):
            raise ValueError("unit: some of simulate.systems, in which it has others")
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    hidden: PositiveInt
    inner_steps: PositiveInt
    inner_rate: NonNegativeFloat
    """Of the gradient descent within a task. 0 makes pooled training of it: control."""
    second_order: bool
    """false: the inner gradient is taken as a constant (first-order MAML). Ablation."""
    outer_steps: PositiveInt
    lr: PositiveFloat
    """Of Adam, falling along half a cosine, in all trainings."""
    match: Literal["gradient_evaluations", "outer_steps"]
    """Updates of the pooled training: as many as the gradients that the meta-training takes, or as its outer ones."""


class Adapt(Model):
    """How networks adapt to a task."""

    at: Annotated[list[NonNegativeInt], Field(min_length=2)]
    """Numbers of gradient steps at which errors are measured; claims take the last."""
    rate: PositiveFloat
    points: PositiveInt
    """Support points."""

    @model_validator(mode="after")
    def _rising(self):
        if any(b <= a for a, b in zip(self.at[:-1], self.at[1:], strict=True)) or self.at[0] != 0:
            raise ValueError("at: the numbers of steps must rise, and begin with 0")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    adapt: Adapt
    meta: Literal["trained", "untrained"]
    """untrained: the network before training in place of the meta-trained one. Null."""
    energies: list[PositiveFloat]
    """Of the orbits in the potential of Henon and Heiles."""
    orbits: PositiveInt
    """Of each energy and draw."""
    draws: PositiveInt
    """Adapted networks whose exponents are computed."""
    interval: PositiveFloat
    """Time between two orthonormalisations."""
    intervals: PositiveInt
    substeps: PositiveInt
    """Of Runge-Kutta in an interval."""


class Forecast(Model):
    """Seen by the forecast step."""

    meta: Literal["trained", "untrained"]
    """untrained: networks before training in place of the trained ones. Null."""
    targets: Literal["own", "scrambled"]
    """scrambled: the derivatives of the support points change places. Control."""
    adapt: Adapt
    supports: list[PositiveInt]
    """Other numbers of them, for the learning curve."""
    worst: PositiveFloat
    """A relative error above it, or one that isn't finite, counts as this."""
    good: PositiveFloat
    """Relative error up to which a system counts as predicted."""
    taught: System
    asked: System
    """The network that learnt `taught` alone is asked about `asked`."""
    grid: PositiveInt
    """Points along an edge of the maps of H."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _there(self):
        for name in ("taught", "asked"):
            if getattr(self.forecast, name) not in self.simulate.unit:
                raise ValueError(f"forecast.{name}: {getattr(self.forecast, name)} is not among simulate.unit")
        if "henon_heiles" not in self.simulate.unit:
            raise ValueError("simulate.unit: henon_heiles is needed, whose exponents the entropy step computes")
        if max(self.forecast.adapt.points, *self.forecast.supports) > self.simulate.support:
            raise ValueError("adapt.points and forecast.supports: a task has no more points than simulate.support")
        if self.entropy.adapt != self.forecast.adapt:
            raise ValueError("entropy.adapt: must be that of forecast.adapt, both are about the same networks")
        if self.entropy.draws > self.simulate.draws:
            raise ValueError("entropy.draws: there are no more than simulate.draws")
        return self
