"""Types of the parameters of the study's two kinds of case: problems with an exact solution, and tasks to learn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Share = Annotated[float, Field(gt=0, le=1)]
Discount = Annotated[float, Field(gt=0, lt=1)]
Seeds = Annotated[int, Field(ge=3)]


class Agent(Model):
    """One kind of learner; what isn't given is SAC's."""

    seeds: Seeds
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
    discount: Discount
    tau: Share
    lr: PositiveFloat
    lr_temperature: NonNegativeFloat
    """Adam's rate for ln alpha; 0 freezes the temperature, automatic or not."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)] | None
    """Widths of actor and critic; null: linear-Gaussian actor, quadratic critic."""
    buffer: PositiveInt | None = None
    """Transitions kept; null: all."""
    every: PositiveInt
    """Environment steps between evaluations."""

    @model_validator(mode="after")
    def _learns(self):
        if self.warmup + 8 > self.steps:
            raise ValueError("steps must exceed warmup by 8 or more: learning starts after it")
        return self


class Ppo(Model):
    """Proximal policy optimisation, the on-policy baseline."""

    steps: PositiveInt
    environments: PositiveInt
    length: PositiveInt
    epochs: PositiveInt
    minibatch: PositiveInt
    discount: Discount
    trace: Share
    clip: PositiveFloat
    lr: PositiveFloat
    clip_norm: PositiveFloat


class TaskEntropy(Model):
    """Seen by the entropy step."""

    early: PositiveInt
    """Environment steps after the warm-up over which visited states are counted."""
    bins: Annotated[int, Field(ge=2)]
    """Bins of the histogram of visited states, along each of its two axes."""


class TaskForecast(Model):
    """Seen by the forecast step."""

    goal_return: float
    """Return that counts as learned."""
    perturbation: Annotated[float, Field(gt=0, lt=1)]
    """Relative change of mass and length that the trained policies meet."""
    bootstrap: PositiveInt


class TaskParams(Model):
    """Agents that learn one task; all kinds and seeds in one loop."""

    kind: Literal["task"]
    environment: str
    """pendulum, two_goals, or the name of a gymnasium environment such as HalfCheetah-v5."""
    agents: dict[Name, Agent]
    run: Annotated[list[Name], Field(min_length=1)]
    """Which of the agents this case has."""
    learning: Learning
    ppo: Ppo | None = None
    ppo_seeds: Seeds = 3
    starts: Annotated[int, Field(ge=2)]
    """Start states of the evaluations, never trained from."""
    rollouts: Annotated[int, Field(ge=3)]
    """Fresh episodes of the trained policies."""
    entropy: TaskEntropy
    forecast: TaskForecast

    @model_validator(mode="after")
    def _fits(self):
        for name in self.run:
            if name not in self.agents:
                raise ValueError(f"run: '{name}' is none of the agents {', '.join(self.agents)}")
        if not self.own and "-v" not in self.environment:
            raise ValueError("environment must be pendulum, two_goals, or a gymnasium name such as HalfCheetah-v5")
        return self

    @property
    def own(self) -> bool:
        """Whether the task is one of the library's."""
        return self.environment in ("pendulum", "two_goals")


class Chain(Model):
    """A chain of states, its middle one the start where there is one."""

    states: Annotated[int, Field(ge=3)]
    discount: Discount
    temperatures: Annotated[list[PositiveFloat], Field(min_length=1)]
    iterations: PositiveInt


class Regulator(Model):
    """The linear-quadratic regulator with its agents."""

    rho: PositiveFloat
    noise: NonNegativeFloat
    temperatures: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Fixed alpha."""
    targets: Annotated[list[float], Field(min_length=1)]
    """Entropies to hold [nat]."""
    start: PositiveFloat
    """Where the temperatures begin that hold them."""
    seeds: Seeds
    in_class: Learning
    perceptrons: Learning


class SolvableParams(Model):
    """Problems whose soft-optimal policy is known."""

    kind: Literal["solvable"]
    bandit: Annotated[list[float], Field(min_length=2)]
    bandit_temperatures: Annotated[list[PositiveFloat], Field(min_length=1)]
    chain: Chain
    two_goals: Chain
    regulator: Regulator
    entropy_weight: Annotated[float, Field(ge=0, le=1)]
    """Factor on alpha in all that learns; the exact solutions keep the whole. Control: 0."""

    @model_validator(mode="after")
    def _has_a_middle(self):
        if self.two_goals.states % 2 == 0:
            raise ValueError("two_goals.states must be odd: the walk begins in the middle")
        return self


Params = Annotated[SolvableParams | TaskParams, Field(discriminator="kind")]
