"""Types of the players, and of what all plays share."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name

Stable = Annotated[float, Field(ge=0, lt=1)]
Horizon = Annotated[int, Field(ge=100)]


class Learner(Model):
    """A player. The optimistic ones differ in switches alone, so that each can be judged by itself."""

    kind: Literal["optimist", "exp3", "uniform", "expert"]
    hold: bool = False
    """An action is held for an epoch, and the last reward of the epoch is what is learned from."""
    transient_bonus: bool = False
    """The bonus has the term c2, which covers what is left of the transient."""
    regularisation: Literal["log"] | PositiveFloat = "log"
    """lambda of the ridge regression; log: ln T."""
    knows_dynamics: bool = True
    """The bonus uses norms of the dynamics and the noise; false: the textbook's, |theta| and noise of variance 1."""
    widened: bool = False
    """The bonus is d / 2 times 1/2 / (1 - rho) as wide: regret depends more steeply on both than the paper's."""
    discount: Annotated[float, Field(gt=0, le=1)] = 1
    """gamma of D-LinUCB: older rounds count less."""


class Training(Model):
    """What the train step of every case sees."""

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
