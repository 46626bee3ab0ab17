"""Parameters of the study's three kinds of case: given systems, a sweep of the stability, a sweep of the dimension."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Name = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
Matrix = Annotated[list[Annotated[list[float], Field(min_length=1)]], Field(min_length=1)]
Stable = Annotated[float, Field(ge=0, lt=1)]
Horizon = Annotated[int, Field(ge=100)]
Levels = Annotated[list[NonNegativeFloat], Field(min_length=1)]


class Learner(Model):
    """A player. The optimistic ones differ in three switches alone, so that each can be judged by itself."""

    kind: Literal["optimist", "exp3", "uniform", "expert"]
    hold: bool = False
    """An action is held for an epoch, and the last reward of the epoch is what is learned from."""
    transient_bonus: bool = False
    """The bonus has the term c2, which covers what is left of the transient."""
    regularisation: Literal["log"] | PositiveFloat = "log"
    """lambda of the ridge regression; log: ln T."""
    knows_dynamics: bool = True
    """The bonus uses the norms of the dynamics and the noise; false: |theta| and noise of variance 1."""
    discount: Annotated[float, Field(gt=0, le=1)] = 1
    """gamma of D-LinUCB: older rounds count less."""


class Interaction(Model):
    """What all cases share."""

    seeds: PositiveInt
    learners: dict[Name, Learner]
    """All players of the study."""
    play: Annotated[list[Name], Field(min_length=1)]
    """Which of them this case has."""
    marks: Annotated[int, Field(ge=10)]
    """Rounds, evenly spaced in ln t, at which a run is recorded."""
    windows: PositiveInt
    """Windows that a run is cut into for the action entropy."""

    @model_validator(mode="after")
    def _known(self):
        for name in self.play:
            if name not in self.learners:
                raise ValueError(f"play: '{name}' is none of the learners {', '.join(self.learners)}")
        return self


class Check(Model):
    """The check that a constant action is best."""

    rounds: PositiveInt
    """Rounds after the transient that a mean reward is taken over."""
    burn_in: PositiveInt
    sequences: PositiveInt
    """Random periodic action sequences that compete with the constant actions."""
    period: Annotated[int, Field(ge=2)]
    value: Literal["steady", "myopic"]
    """What J(u) is said to be: h u, or theta u, which forgets the state."""


class Forecast(Model):
    """Predictions from the log of each learner."""

    rounds: PositiveInt
    lags: PositiveInt
    ridge: PositiveFloat
    unseen: Annotated[list[float], Field(min_length=1)]
    """The constant action, none of the arms."""


class SystemParams(Interaction):
    """Given matrices, over noise levels and horizons."""

    kind: Literal["system"]
    a: Matrix
    b: Matrix
    c: Matrix
    d: Matrix
    memory: Literal["kept", "removed"]
    """removed: the reward is h u at once, with the same h, and no state carries anything over."""
    budget: PositiveFloat
    noises: Levels
    """Standard deviations of every component of state and output noise."""
    horizons: Annotated[list[Horizon], Field(min_length=1)]
    expert: list[NonNegativeFloat] | None = None
    """The advertiser's past spending, to be rescaled to the budget."""
    check: Check
    log_rounds: Annotated[int, Field(ge=0)] = 0
    """Rounds from the start of which arm and reward are kept, for the forecasts."""
    forecast: Forecast | None = None

    @model_validator(mode="after")
    def _shapes_fit(self):
        states, channels = len(self.a), len(self.b[0])
        wanted = {"a": (states, states), "b": (states, channels), "c": (len(self.c), states)}
        wanted["d"] = (len(self.c), channels)
        for name, (rows, columns) in wanted.items():
            matrix = getattr(self, name)
            if len(matrix) != rows or any(len(row) != columns for row in matrix):
                raise ValueError(f"{name}: must be {rows} x {columns}")
        for name, action in (("expert", self.expert), ("forecast.unseen", self.forecast and self.forecast.unseen)):
            if action and len(action) != channels:
                raise ValueError(f"{name}: must have a value for each of the {channels} channels")
        return self


class StabilityParams(Interaction):
    """The synthetic system with a slower and slower state, its h unchanged."""

    kind: Literal["stability"]
    rhos: Annotated[list[Stable], Field(min_length=3)]
    noise: NonNegativeFloat
    horizon: Horizon


class DimensionParams(Interaction):
    """One good channel, paid through a state, among d - 1 worthless ones."""

    kind: Literal["dimension"]
    channels: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=3)]
    gaps: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
    """Value of the good channel, J of the best arm minus that of any other."""
    rho: Stable
    noise: NonNegativeFloat
    horizon: Horizon


Params = Annotated[SystemParams | StabilityParams | DimensionParams, Field(discriminator="kind")]
