"""Types of the parameters of the trained networks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, MultiHead, Name, Share

Below = Annotated[float, Field(ge=0, lt=1)]


class Source(Model):
    """Where sequences come from: half repeat with a lag and half follow a Markov chain, or the bytes of a text."""

    source: Literal["synthetic", "bytes"]
    length: Annotated[int, Field(ge=5)]
    """Tokens of a sequence; networks see all but the last."""
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
    """Sequences that losses and entropies are measured on."""

    @model_validator(mode="after")
    def _fits(self):
        if self.source == "synthetic" and self.lag >= self.length:
            raise ValueError("lag must be less than length")
        return self


class Variant(Model):
    """What is taken away from a GPT-2, and what is put in its place."""

    layernorm: bool = False
    activation: Literal["gelu", "relu", "identity"] = "identity"
    ffn: Literal["none", "weight", "spectral", "scaled"] = "none"
    """Matrices of the FFN with weight or spectral normalisation, or the block's two branches with learned scalars."""
    fused: bool = False
    """The linear FFN is one matrix; needs `ffn: scaled`."""
    temperature: Literal["none", "scalar", "head_position"] = "none"
    ereg: bool = False
    """The loss has the entropy regulariser."""

    @model_validator(mode="after")
    def _fits(self):
        if self.fused and (self.ffn != "scaled" or self.activation != "identity"):
            raise ValueError("fused needs ffn: scaled and activation: identity")
        return self


class Regulariser(Model):
    """Pulls each head's entropy into a margin around a learned share of ln T."""

    weight: PositiveFloat
    """Of the penalty beside the cross-entropy: lambda."""
    gamma: NonNegativeFloat
    """Margin, as a share of ln T."""
    theta_init: Below
    """Where each head's threshold starts, as a share of ln T."""
    reduction: Literal["mean", "sum"]
    """Over sequences and query positions, before the mean over heads and layers. A sum is larger by their number."""


class Group(Model):
    """Variants x learning rates x seeds, trained alike at one depth."""

    variants: Annotated[list[Name], Field(min_length=1)]
    layers: PositiveInt
    rates: Annotated[list[PositiveFloat], Field(min_length=1)]
    seeds: PositiveInt
    """The first of the case's seeds."""
    steps: PositiveInt
    batch: PositiveInt
    at_once: PositiveInt | None = None
    """Runs (learning rates x seeds) trained together: fewer need less memory. None: all."""


class Groups(Model):
    """What is trained: for most claims, deep networks for instability, and other rates, which no rule reads."""

    main: Group
    deep: Group
    rates: Group


class Training(MultiHead):
    """Networks, optimiser and measurements on the way."""

    init: PositiveFloat | None
    """Standard deviation of the initial matrices. None: uniform in +-1/sqrt(in)."""
    embedding_std: PositiveFloat
    weight_decay: NonNegativeFloat
    """Of AdamW, on matrices alone."""
    warmup: NonNegativeInt
    """Steps in which the rate rises to its value; it stays there."""
    probe_every: PositiveInt
    """Steps between two measurements on the held-out sequences."""
    late: Below
    """Query positions from this share of the context on count: early rows have few keys, and maxima of their own."""
    ablated: PositiveInt
    """Held-out sequences on which the loss without a head is measured."""
    ereg: Regulariser
    variants: dict[Name, Variant]
    groups: Groups


class Roles(Model):
    """Which variant plays which part in the claims."""

    order: Annotated[list[Name], Field(min_length=3)]
    """From the least loss to the largest, in the paper's table."""
    normed: Name
    bare: Name
    relu: Name
    gelu: Name
    weight: Name
    spectral: Name
    scaled: Name
    plain: Name
    """Without the regulariser."""
    regularised: Name

    @property
    def named(self) -> dict[str, str]:
        """Variant by role, the order left out."""
        return {role: name for role, name in self if role != "order"}


class Measures(Model):
    """How entropies are summed up."""

    roles: Roles
    overloaded: Share
    """A head is overloaded if its entropy exceeds this share of its maximum."""
    last: Share
    """Share of training, at its end, that entropies are averaged over."""


class Scores(Model):
    """How losses are compared."""

    roles: Roles
    last: Share
    diverged: PositiveFloat
    """A run has diverged if its loss passes this times that of its first step, or isn't finite."""
    shuffle: bool = False
    """Control: in each seed, the losses are handed to other variants."""


class Params(Model):
    """All cases of trained networks."""

    simulate: Source
    train: Training
    entropy: Measures
    forecast: Scores

    @model_validator(mode="after")
    def _fits(self):
        groups, known = self.train.groups, self.train.variants
        for name, group in groups:
            where = f"train.groups.{name}"
            check_known(f"{where}.variants", group.variants, known)
            if group.seeds > self.simulate.seeds:
                raise ValueError(f"{where}.seeds: {group.seeds} exceed the {self.simulate.seeds} of the case")
            needed = group.steps * group.batch
            if needed > self.simulate.training:
                raise ValueError(f"{where}: {needed} sequences are needed, simulate.training is less")
        for where, roles in (("entropy.roles", self.entropy.roles), ("forecast.roles", self.forecast.roles)):
            check_known(where, [*roles.order, *roles.named.values()], groups.main.variants)
            check_known(where, [roles.normed, roles.bare], groups.deep.variants)
        if len(groups.main.rates) != 1 or len(groups.deep.rates) != 1:
            raise ValueError("train.groups: main and deep have one learning rate each")
        if self.train.ablated > self.simulate.held_out:
            raise ValueError("train.ablated must not exceed simulate.held_out")
        return self


def check_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError for the first name that isn't known."""
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: '{name}' is none of {', '.join(known)}")
