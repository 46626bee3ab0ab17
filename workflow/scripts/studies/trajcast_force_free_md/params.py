"""Types of the parameters of force-free molecular dynamics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising

Fraction = Annotated[float, Field(gt=0, lt=1)]
Replicas = Annotated[int, Field(ge=3)]


class Simulate(Model):
    """Seen by all steps. Lennard-Jones units."""

    cells: Annotated[int, Field(ge=2)]
    """Cells of the crystal along an edge; four atoms each."""
    large: Annotated[int, Field(ge=2)]
    """The same of the larger crystal, which no network is trained on."""
    constant: PositiveFloat
    """Edge of a cell."""
    cutoff: PositiveFloat
    temperature: PositiveFloat
    dt: PositiveFloat
    """Step of the molecular dynamics."""
    settle: PositiveInt
    """Steps with rescaled velocities before anything is kept."""
    steps: PositiveInt
    """Steps after that, at constant energy."""
    every: PositiveInt
    """Steps between two frames that are kept."""
    stride: PositiveInt
    """Steps in a big step: the horizon that most claims are judged at, and the pace of the thermostats."""
    replicas: Replicas
    """Trajectories to train on."""
    held_out: Replicas
    """Others, on which networks are scored and from which roll-outs start."""
    large_replicas: Replicas
    """Trajectories of the larger crystal."""
    frames: Annotated[int, Field(ge=10)]
    """Big steps of the thermostatted reference, and of each roll-out."""
    large_frames: Annotated[int, Field(ge=10)]
    """The same of the larger crystal."""
    relax: PositiveFloat
    """Relaxation time of the thermostats, in big steps."""


class Train(Model):
    """Seen by the train step and those after it."""

    seeds: Replicas
    strides: Annotated[list[PositiveInt], Field(min_length=2), Rising]
    """Horizons of the networks, in steps of the molecular dynamics."""
    pairs: Annotated[list[PositiveInt], Field(min_length=3), Rising]
    """Pairs of frames that networks of the horizon simulate.stride are trained on; those of others have the most."""
    width: PositiveInt
    basis: Annotated[int, Field(ge=2)]
    """Gaussians of the distance."""
    layers: PositiveInt
    neighbours: PositiveInt
    inner: PositiveFloat
    cutoff: PositiveFloat
    """Distances between which the Gaussians lie."""
    noise: Annotated[float, Field(ge=0)]
    """Of the inputs in training, over the deviation of what is learnt."""
    batch: PositiveInt
    steps: PositiveInt
    lr: PositiveFloat


class Entropy(Model):
    """Seen by the entropy step."""

    states: PositiveInt
    """At which the Jacobian of the learnt map is taken."""
    nudge: PositiveFloat
    """Of its central differences, in double precision."""


class Holds(Model):
    """What roll-outs of a horizon must keep to, so that it counts."""

    r2: Fraction
    """Of one step: the least R^2 of the velocities' change."""
    temperature: Fraction
    spread: Fraction
    """Largest relative error of the mean temperature, and of the mean squared displacement."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Literal["trained", "untrained", "ballistic"]
    """untrained: as before the first update (null). ballistic: their output is zero (control)."""
    thermostat: Literal["csvr", "berendsen"]
    """berendsen: the same relaxation without its noise (control)."""
    rolled: Annotated[list[PositiveInt], Field(min_length=1), Rising]
    """Horizons of train.strides whose networks are rolled out; others don't hold. simulate.stride is one."""
    parts: list[Literal["alone", "large"]]
    """What is done beside the roll-outs with the thermostat: those without, those of the larger crystal."""
    scored: PositiveInt
    """Pairs of frames that the one-step errors are taken on."""
    lags: Annotated[int, Field(ge=4)]
    """Big steps of the velocity autocorrelation."""
    bins: Annotated[int, Field(ge=4)]
    """Of g(r), from `closest` to half the box."""
    closest: PositiveFloat
    tolerance: Fraction
    """Error, over the spread of the atoms about their sites, at which a forecast has lost the trajectory."""
    holds: Holds


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        simulate, train = self.simulate, self.train
        if simulate.settle % 20:
            raise ValueError(f"simulate.settle: must be a multiple of 20, it is {simulate.settle}")
        if simulate.steps % simulate.every:
            raise ValueError(f"simulate.every: {simulate.every} doesn't divide the {simulate.steps} steps")
        for stride in train.strides:
            if stride % simulate.every:
                raise ValueError(f"train.strides: {stride} is no multiple of simulate.every, {simulate.every}")
        if simulate.stride not in train.strides:
            raise ValueError(f"simulate.stride: {simulate.stride} is none of train.strides")
        there = simulate.replicas * (simulate.steps // simulate.every - train.strides[-1] // simulate.every + 1)
        if train.pairs[-1] > there:
            raise ValueError(f"train.pairs: there are only {there} pairs to train on")
        if simulate.steps < 2 * train.strides[-1]:
            raise ValueError("simulate.steps: too few for the longest of train.strides")
        if simulate.cells * simulate.constant < 2 * simulate.cutoff:
            raise ValueError("simulate.cutoff: more than half the box")
        if train.neighbours >= 4 * simulate.cells**3:
            raise ValueError("train.neighbours: the crystal has too few atoms")
        if train.inner >= train.cutoff:
            raise ValueError("train.inner: must be below train.cutoff")
        if self.forecast.closest >= simulate.cells * simulate.constant / 2:
            raise ValueError("forecast.closest: must be below half the box")
        if train.cutoff > simulate.cells * simulate.constant / 2:
            raise ValueError(f"train.cutoff: {train.cutoff} is more than half the box, where nearest images flip")
        if simulate.large <= simulate.cells:
            raise ValueError("simulate.large: must exceed simulate.cells")
        if simulate.stride not in self.forecast.rolled or not set(self.forecast.rolled) <= set(train.strides):
            raise ValueError("forecast.rolled: some of train.strides, simulate.stride among them")
        if self.forecast.lags >= simulate.frames:
            raise ValueError("forecast.lags: must be below simulate.frames")
        return self
