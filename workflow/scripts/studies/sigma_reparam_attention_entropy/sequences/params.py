"""Types of the parameters of training on sequences, next-token prediction."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, Name
from studies.sigma_reparam_attention_entropy.shared_params import Network, check_known


class Source(Model):
    """Where sequences come from: half repeat with a lag and half follow a Markov chain, or the bytes of a text."""

    source: Literal["synthetic", "bytes"]
    length: Annotated[int, Field(ge=4)]
    """Tokens of a sequence."""
    symbols: Annotated[int, Field(ge=2)]
    """Synthetic: size of the vocabulary; bytes have 256."""
    lag: PositiveInt
    """Synthetic: after how many tokens a sequence repeats."""
    spread: NonNegativeFloat
    """Synthetic: standard deviation of the logits of the transition matrix."""
    path: DataFile | None = None
    """Bytes: the file."""
    seeds: Annotated[int, Field(ge=3)]
    training: PositiveInt
    """Sequences that each seed may train on, each seen once."""
    held_out: Annotated[int, Field(ge=16)]
    """Sequences on which final losses are measured; entropies on the first `probe_size`."""

    @model_validator(mode="after")
    def _fits(self):
        if self.source == "synthetic" and self.lag >= self.length:
            raise ValueError("lag must be less than length")
        return self


class Sweep(Model):
    """Variants x depths x learning rates x seeds, all trained alike with Adam, no warm-up and no weight decay."""

    variants: Annotated[list[Name], Field(min_length=1)]
    layers: Annotated[list[PositiveInt], Field(min_length=1)]
    rates: Annotated[list[PositiveFloat], Field(min_length=1)]
    seeds: PositiveInt
    """The first of the case's seeds."""
    steps: PositiveInt
    batch: PositiveInt
    snapshots: NonNegativeInt = 0
    """How often spectral norms are taken, start and end included; 0: never, and no last rows either."""
    at_once: PositiveInt | None = None
    """Runs (learning rates x seeds) trained together: fewer need less memory. None: all."""


class Sweeps(Model):
    """What is trained."""

    grid: Sweep
    """The arms over learning rates, for most claims."""
    ablation: Sweep | None = None
    """Other variants, for figures alone."""
    depth: Sweep
    """Deep networks."""


class Training(Network):
    """The transformers and how they are trained and watched."""

    probe_size: PositiveInt
    probe_every: PositiveInt
    """Steps between two measurements of the attention entropy."""
    sweeps: Sweeps

    @model_validator(mode="after")
    def _known(self):
        for name, sweep in self.sweeps:
            if sweep is not None:
                check_known(f"sweeps.{name}.variants", sweep.variants, self.variants)
        return self


class Arms(Model):
    """Which variant plays which part in the claims."""

    baseline: Name
    treated: Name


class Stability(Model):
    """When a run counts as unstable or diverged."""

    grace: NonNegativeInt
    """First steps, which don't count as instability or divergence."""
    divergence: PositiveFloat
    """A run has diverged if its loss exceeds this times ln(symbols), or isn't finite."""


class Measures(Model):
    """How entropies and instability are compared."""

    arms: Arms
    """Of the grid."""
    associated: Annotated[list[Name], Field(min_length=1)]
    """Variants of the grid whose runs tell whether low entropy goes with instability."""
    stability: Stability
    shuffle: Literal["none", "all", "within"] = "none"
    """Control: entropies are handed to other runs, of all or of the same variant and learning rate."""


class ArmsOfSweeps(Model):
    """The arms of each sweep that is judged."""

    grid: Arms
    depth: Arms


class Scores(Model):
    """How losses and learning rates are compared."""

    arms: ArmsOfSweeps
    without_attention: Name
    """Variant of the grid whose attention is off: what it learns is no work of attention."""
    stability: Stability
    unstable: PositiveFloat
    """Instability in nats from which a run counts as unstable, for early warning."""
    near_best: PositiveFloat
    """A learning rate is as good as the best if its loss lies within this share of it."""


class Params(Model):
    """Training on sequences (C1, C2, C6, C7)."""

    simulate: Source
    train: Training
    entropy: Measures
    forecast: Scores

    @model_validator(mode="after")
    def _fits(self):
        if self.entropy.stability != self.forecast.stability:
            raise ValueError("entropy.stability and forecast.stability must be the same: they tell of the same runs")
        if self.train.probe_size > self.simulate.held_out:
            raise ValueError("train.probe_size must not exceed simulate.held_out")
        for name, sweep in self.train.sweeps:
            if sweep is not None:
                self._check(f"train.sweeps.{name}", sweep)
        grid, depth = self.train.sweeps.grid.variants, self.train.sweeps.depth.variants
        for where, arms, variants in (
            ("entropy.arms", self.entropy.arms, grid),
            ("forecast.arms.grid", self.forecast.arms.grid, grid),
            ("forecast.arms.depth", self.forecast.arms.depth, depth),
        ):
            check_known(where, [arms.baseline, arms.treated], variants)
        check_known("entropy.associated", self.entropy.associated, grid)
        check_known("forecast.without_attention", [self.forecast.without_attention], grid)
        return self

    def _check(self, where: str, sweep: Sweep) -> None:
        seeds = self.simulate.seeds
        if sweep.seeds > seeds:
            raise ValueError(f"{where}.seeds: {sweep.seeds} exceed the {seeds} seeds of the case")
        if sweep.steps <= self.entropy.stability.grace:
            raise ValueError(f"{where}.steps: {sweep.steps} is not more than grace")
        needed = sweep.steps * sweep.batch
        if needed > self.simulate.training:
            raise ValueError(f"{where}: {needed} sequences are needed, simulate.training has {self.simulate.training}")
