"""Types of the parameters of given systems, over noise levels and horizons."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.dynamical_linear_bandits.learners import Horizon, Training

Matrix = Annotated[list[Annotated[list[float], Field(min_length=1)]], Field(min_length=1)]


class Check(Model):
    """The check that a constant action is best."""

    seeds: PositiveInt
    rounds: PositiveInt
    """Rounds after the transient that a mean reward is taken over."""
    burn_in: PositiveInt
    sequences: PositiveInt
    """Random periodic action sequences that compete with the constant actions."""
    period: Annotated[int, Field(ge=2)]
    value: Literal["steady", "myopic"]
    """What J(u) is said to be: h u, or theta u, which forgets the state."""


class Simulate(Model):
    """Seen by all steps."""

    a: Matrix
    b: Matrix
    c: Matrix
    d: Matrix
    memory: Literal["kept", "removed"]
    """removed: the reward is h u at once, with the same h, and no state carries anything over."""
    budget: PositiveFloat
    noises: Annotated[list[NonNegativeFloat], Field(min_length=1)]
    """Standard deviations of every component of state and output noise."""
    check: Check


class Train(Training):
    """Seen by the train step and those after it."""

    horizons: Annotated[list[Horizon], Field(min_length=1)]
    expert: list[NonNegativeFloat] | None = None
    """The advertiser's past spending, to be rescaled to the budget."""
    log_rounds: Annotated[int, Field(ge=0)] = 0
    """Rounds from the start of which arm and reward are kept, for the forecasts."""


class Forecast(Model):
    """Predictions from the log of each learner."""

    rounds: PositiveInt
    lags: PositiveInt
    ridge: PositiveFloat
    unseen: Annotated[list[float], Field(min_length=1)]
    """The constant action, none of the arms."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    forecast: Forecast | None = None
    """Of the cases that have the step."""

    @model_validator(mode="after")
    def _shapes_fit(self):
        given = self.simulate
        states, channels = len(given.a), len(given.b[0])
        wanted = {"a": (states, states), "b": (states, channels), "c": (len(given.c), states)}
        wanted["d"] = (len(given.c), channels)
        for name, (rows, columns) in wanted.items():
            matrix = getattr(given, name)
            if len(matrix) != rows or any(len(row) != columns for row in matrix):
                raise ValueError(f"simulate.{name}: must be {rows} x {columns}")
        unseen = self.forecast and self.forecast.unseen
        for name, action in (("train.expert", self.train.expert), ("forecast.unseen", unseen)):
            if action and len(action) != channels:
                raise ValueError(f"{name}: must have a value for each of the {channels} channels")
        return self
