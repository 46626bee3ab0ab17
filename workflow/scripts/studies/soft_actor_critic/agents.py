"""Types of the parameters of tasks to learn: the agents, what all of them share, and where their episodes start."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name, Share

PPO = "ppo"
Discount = Annotated[float, Field(gt=0, lt=1)]
Seeds = Annotated[int, Field(ge=3)]


class Agent(Model):
    """One kind of learner; what isn't given is SAC's."""

    reward_scale: PositiveFloat = 1
    """Factor on the rewards it learns from."""
    automatic: bool = True
    """alpha is tuned to hold the entropy."""
    temperature: PositiveFloat = 1
    """alpha, or where it starts."""
    target_entropy: float | None = None
    """nat; null: minus the dimension of the action."""
    deterministic: bool = False
    twin: bool = True
    exploration_noise: NonNegativeFloat = 0.1
    target_noise: NonNegativeFloat = 0.2
    """Both for deterministic agents only."""


class Learning(Model):
    """What all agents share."""

    steps: PositiveInt
    """Environment steps."""
    warmup: PositiveInt
    """Uniform actions at the start; one update follows each later step."""
    batch: PositiveInt
    tau: Share
    lr: NonNegativeFloat
    """Adam's rate for actor and critic; 0: nothing is learned."""
    lr_temperature: NonNegativeFloat
    """Adam's rate for ln alpha; 0 freezes the temperature, automatic or not."""

    @model_validator(mode="after")
    def _learns(self):
        if self.warmup + 8 > self.steps:
            raise ValueError("steps must exceed warmup by 8 or more: learning starts after it")
        return self


class TaskLearning(Learning):
    """Perceptrons that learn a task."""

    discount: Discount
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    """Widths of actor and critic."""
    buffer: PositiveInt | None = None
    """Transitions kept; null: all."""
    every: PositiveInt
    """Environment steps between evaluations."""


class TaskStarts(Model):
    """Who runs, and the start states: what the simulation sees."""

    run: Annotated[list[Name], Field(min_length=1)]
    """Which of the agents this case has."""
    seeds: dict[Name, Seeds]
    """How many runs each agent has."""
    episodes: PositiveInt
    """Start states of the training, for each seed; after the last one they come again."""
    starts: Annotated[int, Field(ge=2)]
    """Start states of the evaluations, never trained from."""
    rollouts: Annotated[int, Field(ge=3)]
    """Fresh episodes of the trained policies."""


class TaskTraining(Model):
    """The agents, and how they learn."""

    agents: dict[Name, Agent]
    learning: TaskLearning


class TaskParams(Model):
    """Agents that learn one task; all kinds and seeds in one loop."""

    simulate: TaskStarts
    train: TaskTraining

    @model_validator(mode="after")
    def _known(self):
        for name in self.simulate.run:
            if name != PPO and name not in self.train.agents:
                raise ValueError(f"simulate.run: '{name}' is none of the agents {', '.join(self.train.agents)}")
            if name not in self.simulate.seeds:
                raise ValueError(f"simulate.seeds: '{name}' is missing, which is in simulate.run")
        return self
