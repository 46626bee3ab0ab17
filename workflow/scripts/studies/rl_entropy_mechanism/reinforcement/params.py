"""Types of the parameters of the reinforcement learning: the verifiable task, the policy, and the methods."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, MultiHead, Name, Share

Percent = Annotated[float, Field(ge=0, le=100)]


class Simulate(Model):
    """The verifiable task, running sums of digits, and careless answers to it. Seen by all steps."""

    seeds: PositiveInt
    digits: PositiveInt
    """Length of a prompt and of its answer, tokens."""
    modulus: Annotated[int, Field(ge=2)]
    """Number of digit symbols: the vocabulary."""
    prompts: PositiveInt
    """Prompts to train on."""
    validation: PositiveInt
    """Further prompts, on which entropy and accuracy are measured."""
    noise: Annotated[float, Field(gt=0, lt=1)]
    """Probability that a step of the chain gets a random error, which is carried on."""

    @model_validator(mode="after")
    def _enough_prompts(self):
        if self.prompts + self.validation > self.modulus**self.digits:
            raise ValueError(f"prompts + validation exceed the {self.modulus**self.digits} prompts that there are")
        return self


class Base(Model):
    """Supervised training of the base policy on noisy reasoning."""

    steps: PositiveInt
    batch: PositiveInt
    lr: PositiveFloat


class Markov(Model):
    """Policy that sees position, digit and its own previous token: the laptop's policy."""

    kind: Literal["markov"]
    width: PositiveInt


class Transformer(MultiHead):
    """Small causal transformer over prompt and answer."""

    kind: Literal["transformer"]
    layers: PositiveInt


class LanguageModel(Model):
    """A pretrained language model, as in the paper; not run by this workflow, see `train.py`."""

    kind: Literal["hf"]
    model: str


class Reinforcement(Model):
    """Reinforcement learning with verifiable rewards, the same for all methods."""

    steps: Annotated[int, Field(ge=20)]
    """Rollouts, each followed by `minibatches` updates."""
    prompts: PositiveInt
    """Prompts of one rollout."""
    samples: Annotated[int, Field(ge=2)]
    """Answers sampled for each prompt: the group."""
    minibatches: PositiveInt
    lr: NonNegativeFloat
    """Adam's rate; 0: the policy stays as it is."""
    clip_norm: PositiveFloat
    compare_step: PositiveInt
    """Step at which the entropies of the methods are compared."""
    validation_samples: PositiveInt
    """Answers sampled for each validation prompt at each checkpoint."""

    @model_validator(mode="after")
    def _fits(self):
        if self.prompts % self.minibatches:
            raise ValueError("prompts must be a multiple of minibatches")
        if self.compare_step > self.steps:
            raise ValueError("compare_step must not exceed steps")
        return self


class Method(Model):
    """One algorithm: the terms of its loss. What isn't given is switched off, save PPO's clip of 0.2."""

    family: Literal[
        "grpo", "rloo", "policy_gradient", "clip_cov", "kl_cov", "entropy_bonus", "clip_higher", "kl_reference"
    ]
    advantage: Literal["group_normalised", "leave_one_out"] = "group_normalised"
    clip_low: PositiveFloat | None = 0.2
    """The probability ratio is clipped at 1 - clip_low; null: not at all."""
    clip_high: PositiveFloat | None = 0.2
    kl_cov_percent: Percent = 0
    """Share of tokens, those of largest covariance, that get the KL penalty."""
    kl_cov_coefficient: NonNegativeFloat = 1
    clip_cov_percent: Percent = 0
    """Share of tokens, drawn among those with covariance in (cov_low, cov_high), whose gradient is dropped."""
    cov_low: float = 0.5
    cov_high: float = 5
    entropy_bonus: NonNegativeFloat = 0
    kl_reference: NonNegativeFloat = 0
    """Coefficient of the KL divergence to the base policy."""


class Train(Model):
    """All methods and seeds, in one loop. Seen by the train step and those after it."""

    reward: Literal["verifier", "shuffled", "coin"]
    """verifier: 1 if the last token is right. Controls: shuffled among a prompt's samples, or coin flips."""
    base: Base
    policy: Annotated[Markov | Transformer | LanguageModel, Field(discriminator="kind")]
    rl: Reinforcement
    methods: dict[Name, Method]
    run: Annotated[list[Name], Field(min_length=1)]
    """Which of the methods this case runs."""

    @model_validator(mode="after")
    def _known(self):
        for name in self.run:
            if name not in self.methods:
                raise ValueError(f"run: '{name}' is none of the methods {', '.join(self.methods)}")
        if "grpo" not in self.run:
            raise ValueError("run: grpo is missing, with which all others are compared")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    bootstrap: PositiveInt
    """Resamples of the validation prompts."""


class Forecast(Model):
    """Seen by the forecast step."""

    fractions: list[Share]
    """Beginnings of a run, as shares of it, from which the rest is predicted."""
    bootstrap: PositiveInt
    """Resamples of a run's checkpoints."""
    block: PositiveInt
    """Checkpoints in a block of the bootstrap."""
    levels: list[Share]
    """Shares of GRPO's gain at which the entropies of the methods are compared."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast
