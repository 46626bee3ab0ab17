"""Types of the study's parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, MultiHead, Name, Share

Direction = Literal["east", "raw", "contrastive", "shuffled", "random"]
Doses = Annotated[list[float], Field(min_length=1)]


class World(Model):
    """A two-armed Gaussian bandit, who plays it, and the episodes."""

    prior_sd: PositiveFloat
    """Of the arms' means, drawn around 0."""
    noise_sd: PositiveFloat
    """Of the rewards."""
    horizon: Annotated[int, Field(ge=3)]
    demonstrator: Literal["softmax", "thompson", "egreedy"]
    """softmax: of the empirical means times `sharpness`, overconfident; thompson: calibrated; egreedy."""
    sharpness: PositiveFloat
    epsilon: Share
    thought_flip: Annotated[float, Field(ge=0, lt=1)]
    """Share of thoughts that are drawn at random."""
    agents: Annotated[int, Field(ge=3)]
    training: PositiveInt
    """Episodes that each agent may train on, each seen once."""
    vector_episodes: PositiveInt
    """Histories that vectors are made of."""
    choice_episodes: PositiveInt
    """Histories that the layer, and the doses of the matched comparison, are chosen on."""
    test_episodes: Annotated[int, Field(ge=8)]
    """Histories of each task that is tested."""
    other_noise_sd: dict[Name, PositiveFloat]
    """Noise of the rewards in the tasks that vectors are transferred to, by name."""


class Training(MultiHead):
    """The agents, the vectors, and the choice of a layer."""

    layers: PositiveInt
    embedding_std: PositiveFloat
    weight_decay: NonNegativeFloat
    rate: PositiveFloat
    warmup: NonNegativeInt
    steps: PositiveInt
    batch: PositiveInt
    choice_dose: PositiveFloat
    """Multiplier at which layers are compared."""
    probes: Annotated[list[PositiveInt], Field(min_length=1)]
    """Numbers of observations at which layers are compared."""
    layer_episodes: PositiveInt
    """The first of the choice set, on which they are."""
    most_invalid: Share
    """Largest rate of invalid outputs of a layer, dose or sampler that may be chosen."""
    directions: Annotated[int, Field(ge=2)]
    """Random directions, and shuffled vectors, that are drawn."""


class Measures(Model):
    """Doses of what is added to the stream, in units of the steering vector."""

    steer: Direction
    """What is judged. Control: another one."""
    probes: Annotated[list[PositiveInt], Field(min_length=1)]
    doses: Doses
    curves: Annotated[list[Direction], Field(min_length=1)]
    """Shown in the figure beside."""
    directions: Annotated[int, Field(ge=2)]
    """Directions of each null, the first of those drawn."""
    judged_dose: float
    """Where directions are held against nulls, and tasks against each other."""


class Scores(Model):
    """Closed loop, damage, and the comparison with sampling."""

    steer: Direction
    probes: Annotated[list[PositiveInt], Field(min_length=1)]
    dose: float
    """Multiplier in the closed loop that is judged. Control: 0."""
    loop_doses: Doses
    """Shown in the figure beside, for `steer` and a random direction."""
    loop_episodes: PositiveInt
    doses: Doses
    """Among which the dose of the matched comparison is chosen."""
    temperatures: Annotated[list[PositiveFloat], Field(min_length=1)]
    top_p: Annotated[list[Share], Field(min_length=1)]


class Params(Model):
    """All cases."""

    simulate: World
    train: Training
    entropy: Measures
    forecast: Scores

    @model_validator(mode="after")
    def _fits(self):
        needed = self.train.steps * self.train.batch
        if needed > self.simulate.training:
            raise ValueError(f"train: {needed} episodes are needed, simulate.training is {self.simulate.training}")
        for step in ("train", "entropy", "forecast"):
            if max(getattr(self, step).probes) >= self.simulate.horizon:
                raise ValueError(f"{step}.probes must be less than simulate.horizon, {self.simulate.horizon}")
        if self.train.layer_episodes > self.simulate.choice_episodes:
            raise ValueError(
                f"train.layer_episodes must not exceed simulate.choice_episodes, {self.simulate.choice_episodes}"
            )
        if self.entropy.judged_dose not in self.entropy.doses:
            raise ValueError("entropy.doses must have entropy.judged_dose among them")
        if self.entropy.directions > self.train.directions:
            raise ValueError(f"entropy.directions must not exceed train.directions, {self.train.directions}")
        return self
