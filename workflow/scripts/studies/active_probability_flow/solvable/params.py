"""Types of the parameters of the systems whose entropy production is known: a pair on a ring, swimmers in a trap."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model


class Ring(Model):
    """Two swimmers on a ring, by their relative coordinate: one swimmer and an obstacle."""

    speed: PositiveFloat
    turning: PositiveFloat
    diffusion: PositiveFloat
    repulsion: NonNegativeFloat
    sharpness: PositiveFloat
    box: Annotated[float, Field(gt=4)]
    """In units of the particles' radius."""
    walkers: Annotated[int, Field(ge=2, multiple_of=2)]
    """Independent copies of each seed."""
    snapshots: PositiveInt
    warm: PositiveFloat
    """Time before the first snapshot; 10 / min(turning, diffusion) forgets the start."""
    every: PositiveFloat
    """Time from one snapshot to the next."""
    dt: Annotated[float, Field(gt=0, le=0.01)]
    cells: Annotated[tuple[int, int], Field(description="of the grid along x and g")]
    """Of the grid that the Fokker-Planck equation is solved on, along x and g."""
    reach: PositiveFloat
    """The grid's largest |g|."""


class Trap(Model):
    """Independent swimmers on a line, each in a harmonic trap: all is Gaussian."""

    speed: PositiveFloat
    turning: PositiveFloat
    diffusion: PositiveFloat
    stiffness: PositiveFloat
    particles: Annotated[list[PositiveInt], Field(min_length=1)]
    sets: Annotated[int, Field(ge=3)]
    """Of samples, each with a network of its own."""
    samples: Annotated[int, Field(ge=50)]
    """In each set."""


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Of the ring: samples and network of each are its own."""
    ring: Ring
    trap: Trap


class Learning(Model):
    """One training."""

    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    steps: NonNegativeInt
    batch: PositiveInt
    rate: PositiveFloat
    stationarity: NonNegativeFloat
    """Weight of the squared residual of the stationary Fokker-Planck equation in the loss."""


class Train(Model):
    """Seen by training and all after it."""

    ring: Learning
    trap: Learning
    traps: Annotated[list[PositiveInt], Field(min_length=1)]
    """Those of `simulate.trap.particles` that networks are trained for."""
    shuffle: bool
    """Whether the propulsions of the ring are dealt out anew among its walkers. Control."""


class Entropy(Model):
    """Seen by the entropy step."""

    weights: Literal["end", "start"]
    """start: networks as they were drawn. Null."""
    cells: Annotated[tuple[int, int], Field()]
    """Of the learned maps along x and g; each divides the grid's."""


class Forecast(Model):
    """Seen by the forecast step."""

    steps: PositiveInt
    """Of the midpoint method, along the probability flow for the time 1 / turning."""
    directions: PositiveInt
    """Of the sliced distance."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _sizes_fit(self):
        if any(whole % part for whole, part in zip(self.simulate.ring.cells, self.entropy.cells, strict=True)):
            raise ValueError(f"entropy.cells: {self.entropy.cells} must divide simulate.ring.cells")
        if self.train.ring.batch > self.simulate.ring.walkers * self.simulate.ring.snapshots:
            raise ValueError(f"train.ring.batch: {self.train.ring.batch} is more than all samples of a seed")
        if not set(self.train.traps) <= set(self.simulate.trap.particles):
            raise ValueError(f"train.traps: {self.train.traps} must be some of simulate.trap.particles")
        if self.train.trap.batch > self.simulate.trap.samples:
            raise ValueError(f"train.trap.batch: {self.train.trap.batch} is more than the samples of a set")
        return self
