"""Types of the parameters of populations, their networks and what is judged."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator, model_validator

from pesin.params import DataFile, Model, Rising

World = Literal["drift", "shape", "letters", "organoids"]
Arm = Literal["none", "label", "mean", "sets", "graph", "wide_graph", "attention"]
"""What the field is told of a population. none: nothing (flow matching); label: its label, by a table (conditional flow
matching); mean: an embedding of its mean alone; sets: deep sets; graph, wide_graph: a graph network of few or of many
neighbours (meta flow matching); attention: every point attends to all others."""


class Particles(Model):
    """Clouds that move by a field of their own mean (drift), or of their own shape (shape)."""

    train: Annotated[int, Field(ge=8)]
    """Populations of each seed."""
    test: Annotated[int, Field(ge=3)]
    """Populations that all seeds are tested with."""
    points: Annotated[int, Field(ge=16)]
    contraction: float
    """alpha: points near their mean as exp(-alpha)."""
    turn: float
    """beta of `drift`, in radians."""
    turn_by_shape: float
    """Of `shape`: radians for each unit of the log ratio of the covariance's eigenvalues."""


class Letters(Model):
    """Pixels of letters, and the same with noise."""

    rotations: Annotated[int, Field(ge=3)]
    points: Annotated[int, Field(ge=16)]
    noise: PositiveFloat
    held_out: Annotated[str, Field(pattern="^[A-Z]+$")]


class Organoids(Model):
    """Cells of patients, before and after a treatment: made up, or read."""

    patients: Annotated[int, Field(ge=3)]
    cultures: PositiveInt
    treatments: PositiveInt
    replicates: PositiveInt
    markers: Annotated[int, Field(ge=2)]
    points: Annotated[int, Field(ge=16)]
    source: DataFile | None = None
    """Table of real cells, in place of those made up."""


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    particles: Particles
    letters: Letters
    organoids: Organoids

    @model_validator(mode="after")
    def _each_seed_holds_patients_out(self):
        if self.organoids.patients < self.seeds:
            raise ValueError(f"organoids.patients: {self.organoids.patients} are fewer than the {self.seeds} seeds")
        return self


class Learning(Model):
    """Networks of one world."""

    arms: Annotated[list[Arm], Field(min_length=2)]
    steps: Annotated[int, Field(ge=0)]
    points: PositiveInt
    """Of each population in a batch, whose velocity is learned; all of them are embedded."""
    sizes: Annotated[list[PositiveInt], Rising] = []
    """Numbers of training populations, fewer than all, with which `graph` is trained too."""

    @field_validator("arms")
    @classmethod
    def _flow_matching_is_there(cls, arms):
        if not {"none", "graph"} <= set(arms) or len(set(arms)) < len(arms):
            raise ValueError("name each arm once, 'none' and 'graph' among them")
        return arms


class Train(Model):
    """Seen by the train step and those after it."""

    worlds: Annotated[dict[World, Learning], Field(min_length=1)]
    populations: PositiveInt
    """Of a batch."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    """Of the field."""
    code: Annotated[int, Field(ge=2)]
    """Numbers of an embedding, and width of the layers before it."""
    layers: Annotated[int, Field(ge=2)]
    """Of the network that embeds."""
    neighbours: Annotated[list[PositiveInt], Field(min_length=2, max_length=2)]
    """Of `graph` and of `wide_graph`."""
    time_features: Annotated[int, Field(ge=2, multiple_of=2)]
    place_features: PositiveInt
    """Pairs of random Fourier features."""
    place_scale: PositiveFloat
    """Their standard deviation."""
    rate: PositiveFloat
    """Largest learning rate of one cycle."""


class Entropy(Model):
    """Seen by the entropy step."""

    populations: Annotated[int, Field(ge=20)]
    """New ones whose embeddings are looked at."""
    steps: PositiveInt
    """Of the midpoint method along the flows whose entropy is looked at."""


class Losses(Model):
    """How losses on new populations are taken."""

    populations: Annotated[int, Field(ge=8)]
    points: PositiveInt
    """Of each, and a time for each point."""
    floor: Annotated[int, Field(ge=100)]
    """Other populations whose points and velocities give the least loss of a field of place and time."""
    neighbours: Annotated[int, Field(ge=10)]
    """Of them, at each place and time."""


class Forecast(Model):
    """Seen by the forecast step."""

    embedding: Literal["own", "another"]
    """Whose embedding a population's field gets: its own, or, as control, that of one half of them further on."""
    networks: Literal["trained", "untrained"]
    losses: Losses
    steps: PositiveInt
    """Of the midpoint method along a flow."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _sizes_fit(self):
        worlds, made = self.train.worlds, self.simulate
        points = {"drift": made.particles.points, "shape": made.particles.points}
        points |= {"letters": made.letters.points, "organoids": made.organoids.points}
        for world, learning in worlds.items():
            if max(self.train.neighbours) >= points[world]:
                raise ValueError(f"train.neighbours: a population of {world} has {points[world]} points only")
            asked = {f"train.worlds.{world}": learning.points, "forecast.losses": self.forecast.losses.points}
            for section, some in asked.items():
                if some > points[world]:
                    raise ValueError(f"{section}.points: a population of {world} has {points[world]} points only")
            if learning.sizes and world != "drift":
                raise ValueError(f"train.worlds.{world}.sizes: only drift is learned with fewer populations")
            if learning.sizes and learning.sizes[-1] >= made.particles.train:
                raise ValueError(
                    f"train.worlds.{world}.sizes: {learning.sizes[-1]} is not below simulate.particles.train"
                )
        return self
