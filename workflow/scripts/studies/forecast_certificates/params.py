"""Parameters of the comparison of what models say of their own errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising

Name = Literal[
    "koopman", "structured", "neural_ode", "physics_informed", "hamiltonian", "teacher_forced", "nbeats", "echo_state"
]


class Simulate(Model):
    worlds: Annotated[list[Literal["lorenz", "henon_heiles"]], Field(min_length=1)]
    seeds: Annotated[int, Field(ge=3)]
    """Orbits learnt from, each with ensembles and held-out starts of its own."""
    points: Annotated[int, Field(ge=200)]
    """Of the orbit that is learnt from."""
    history: Annotated[int, Field(ge=20)]
    """Points before a forecast."""
    horizon: PositiveInt
    checks: Annotated[int, Field(ge=5)]
    """Starts at which a model's error is known to it."""
    starts: Annotated[int, Field(ge=10)]
    """Starts at which it has to say how wrong it will be."""


class Learned(Model):
    """Any network trained by Adam."""

    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    steps: Annotated[int, Field(ge=0)]
    """Updates."""
    batch: PositiveInt
    rate: PositiveFloat
    """Learning rate at first; it falls along half a cosine."""


class Rollout(Learned):
    rollout: PositiveInt
    """Steps ahead in a loss."""


class Structured(Model):
    window: PositiveInt
    blocks: PositiveInt
    steps: Annotated[int, Field(ge=0)]
    batch: PositiveInt
    rate: PositiveFloat


class TeacherForced(Model):
    hidden: PositiveInt
    steps: Annotated[int, Field(ge=0)]
    batch: PositiveInt
    rates: tuple[PositiveFloat, PositiveFloat]
    """At the first and the last update."""
    length: PositiveInt
    """Of the sequences."""
    alpha: Annotated[float, Field(ge=0, le=1)]


class Blocks(Model):
    length: PositiveInt
    blocks: PositiveInt
    layers: PositiveInt
    width: PositiveInt
    steps: Annotated[int, Field(ge=0)]
    batch: PositiveInt
    rate: PositiveFloat


class Reservoir(Model):
    units: PositiveInt
    ridges: Annotated[list[PositiveFloat], Field(min_length=1)]
    fitted: bool
    """Whether the readout learns. Null: it says nothing."""


class Koopman(Model):
    degree: Annotated[int, Field(ge=1)]
    """Of the monomials."""
    share: Annotated[float, Field(gt=0, le=1)]
    """Of the pairs that each member learns from."""
    fitted: bool
    """Whether it learns. Null: the state stays where it is."""


class Train(Model):
    members: Annotated[int, Field(ge=2)]
    """Equal models of each kind: other weights or other data drawn."""
    koopman: Koopman
    structured: Structured
    neural_ode: Rollout
    physics_informed: Learned
    hamiltonian: Rollout
    teacher_forced: TeacherForced
    nbeats: Blocks
    echo_state: Reservoir


class Forecast(Model):
    leads: Annotated[list[PositiveInt], Rising]
    """Steps ahead at which claimed and true errors are compared."""
    saturated: PositiveFloat
    """Median error, in standard deviations of the orbit, from which on a lead isn't counted: nothing is left to say."""
    believed: Literal["own", "others"]
    """Whose certificate is held against a start's error. Control: another start's."""
    ensemble: Literal["drawn", "copies"]
    """Whether the other members are other models. Control: they are copies of the first."""
    checked: Literal["lead", "first"]
    """At which lead the checks' error was taken. Control: at the first, for all leads."""


class Params(Model):
    simulate: Simulate
    train: Train
    forecast: Forecast

    @model_validator(mode="after")
    def fits(self) -> Params:
        s, longest = self.simulate, max(self.train.structured.window, self.train.nbeats.length)
        if self.forecast.leads[-1] > s.horizon:
            raise ValueError(f"forecast.leads go to {self.forecast.leads[-1]}, simulate.horizon is {s.horizon}")
        if longest > s.history:
            raise ValueError(f"a window of {longest} points doesn't fit in simulate.history, {s.history}")
        if s.points <= self.train.teacher_forced.length + 1:
            raise ValueError("train.teacher_forced.length must be less than simulate.points")
        return self
