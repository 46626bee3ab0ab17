"""Types of the parameters of the study of open quantum systems by transformers over outcomes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising
from studies.povm_transformer_open_quantum.povm import Frame

Method = Literal["transformer", "rbm", "product"]
Order = Literal["plain", "string"]
Fields = Annotated[list[PositiveFloat], Field(min_length=3), Rising]
Seeds = Annotated[int, Field(ge=3)]


class Simulate(Model):
    """The two systems and their exact solutions; seen by all steps."""

    sites: Annotated[int, Field(ge=3, le=8)]
    """Of the ring. The exact solution has 4^sites numbers."""
    coupling: float
    """V, in units of the decay rate, as are all fields and inverse times."""
    decay: PositiveFloat
    frame: Frame
    fields: Fields
    """g of the steady states."""
    drives: Annotated[list[PositiveFloat], Field(min_length=2, max_length=2), Rising]
    """g of the two runs in time; the claim is on the first."""
    dt: PositiveFloat
    steps: Annotated[int, Field(ge=4)]
    plane: tuple[Annotated[int, Field(ge=2)], Annotated[int, Field(ge=2, le=3)]]
    """Rows and columns of the open rectangle."""
    plane_fields: Fields

    @model_validator(mode="after")
    def _fit(self):
        if not set(self.drives) <= set(self.fields):
            raise ValueError("drives: each must be one of fields, whose steady state it goes to")
        if self.plane[0] * self.plane[1] > 9:
            raise ValueError("plane: at most 9 sites, the exact solution has 4^sites numbers")
        return self


class Train(Model):
    """Networks and their training; seen by the train step and those after it."""

    width: PositiveInt
    heads: PositiveInt
    layers: PositiveInt
    expansion: PositiveInt
    lr: PositiveFloat
    """Of steady states; it falls to 0 along half a cosine."""
    steps: PositiveInt
    """Updates for a steady state of the ring, the same for all methods."""
    seeds: Seeds
    order_field: PositiveFloat
    """g at which networks read the ring in several orders."""
    order_seeds: Seeds
    plane_steps: PositiveInt
    plane_seeds: PositiveInt
    drive_seeds: Seeds
    warm_up: PositiveInt
    """Updates that teach the first state."""
    inner: PositiveInt
    """Updates in a step of time."""
    drive_lr: PositiveFloat
    """In a step of time, falling in each to 0 along half a cosine."""

    @model_validator(mode="after")
    def _split(self):
        if self.width % self.heads:
            raise ValueError(f"width: {self.width} is no multiple of the {self.heads} heads")
        return self


class Entropy(Model):
    """Samples and chains."""

    field: PositiveFloat
    """g of the network that is sampled from."""
    draws: Annotated[int, Field(ge=3)]
    """Sets of samples, and as many chains: the independent unit of their correlation times."""
    samples: Annotated[int, Field(ge=100)]
    chain: Literal["metropolis", "independent"]
    """independent: each step of the chain is a fresh draw. Control."""


class Forecast(Model):
    """What is scored as what."""

    weights: Literal["trained", "initial"]
    """initial: networks before training, and a first state that stays. Null."""
    roll: Annotated[int, Field(ge=0)]
    """Networks of the field so many places further stand for those of a field. Control: 1."""
    methods: dict[Method, Method]
    """Method: whose networks take its place."""
    orders: dict[Order, Order]
    """The same of the order in which the ring is read."""
    back: Literal["own", "other"]
    """Frame that states are rebuilt with in the test of exactness. Control: the other one."""

    @model_validator(mode="after")
    def _all(self):
        if set(self.methods) != {"transformer", "rbm", "product"}:
            raise ValueError("methods: give those of transformer, rbm and product")
        if set(self.orders) != {"plain", "string"}:
            raise ValueError("orders: give those of plain and string")
        return self


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _known(self):
        for key in ("train.order_field", "entropy.field"):
            step, name = key.split(".")
            if getattr(getattr(self, step), name) not in self.simulate.fields:
                raise ValueError(f"{key}: it must be one of simulate.fields")
        return self
