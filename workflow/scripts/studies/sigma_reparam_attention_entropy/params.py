"""Types of the parameters of the study's cases: training on sequences, on images, and the bound by itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, MultiHead, Name


class Variant(Model):
    """One way to keep a transformer stable, or none."""

    norm: Literal["pre", "post", "none"] = "none"
    reparametrisation: Literal["none", "sigma_reparam", "spectral_norm", "weight_norm"] = "none"
    """Of all matrices: attention, mlp, patch embedding and head."""
    gamma_init: Literal["spectral", "one"] = "spectral"
    """sigmaReparam's gamma starts at the spectral norm (the released code) or at 1 (the paper's text)."""
    qk_norm: bool = False
    score_scale: PositiveFloat = 1.0
    """Factor of the attention scores: an inverse temperature."""


class Source(Model):
    """Where sequences come from: half repeat with a lag and half follow a Markov chain, or the bytes of a text."""

    kind: Literal["synthetic", "bytes"]
    length: Annotated[int, Field(ge=4)]
    """Tokens of a sequence."""
    symbols: Annotated[int, Field(ge=2)]
    """Synthetic: size of the vocabulary; bytes have 256."""
    lag: PositiveInt
    """Synthetic: after how many tokens a sequence repeats."""
    spread: NonNegativeFloat
    """Synthetic: standard deviation of the logits of the transition matrix."""
    path: str | None = None
    """Bytes: the file."""


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


class Arms(Model):
    """Which variant plays which part in the claims."""

    baseline: Name
    treated: Name


class Sequences(MultiHead):
    """Training on sequences, next-token prediction."""

    kind: Literal["sequences"]
    seeds: Annotated[int, Field(ge=3)]
    source: Source
    held_out: Annotated[int, Field(ge=16)]
    """Sequences on which final losses are measured; entropies on the first `probe_size`."""
    probe_size: PositiveInt
    probe_every: PositiveInt
    """Steps between two measurements of the attention entropy."""
    init: PositiveFloat | None
    """Standard deviation of the initial matrices."""
    embedding_std: PositiveFloat
    """Of symbols and positions."""
    variants: dict[Name, Variant]
    sweeps: dict[Name, Sweep]
    arms: dict[Name, Arms]
    """By sweep."""
    grace: NonNegativeInt
    """First steps, which don't count as instability or divergence."""
    divergence: PositiveFloat
    """A run has diverged if its loss exceeds this times ln(symbols), or isn't finite."""
    unstable: PositiveFloat
    """Instability in nats from which a run counts as unstable, for early warning."""
    near_best: PositiveFloat
    """A learning rate is as good as the best if its loss lies within this share of it."""
    shuffle_runs: bool = False
    """Control: the entropies of the runs are handed to other runs."""

    @model_validator(mode="after")
    def _fits(self):
        for name, sweep in self.sweeps.items():
            _known(f"sweeps.{name}.variants", sweep.variants, self.variants)
            if sweep.seeds > self.seeds:
                raise ValueError(f"sweeps.{name}.seeds: {sweep.seeds} exceed the {self.seeds} seeds of the case")
            if sweep.steps <= self.grace:
                raise ValueError(f"sweeps.{name}.steps: {sweep.steps} is not more than grace")
            if name not in self.arms:
                raise ValueError(f"arms: the sweep '{name}' has none")
            _known(f"arms.{name}", [self.arms[name].baseline, self.arms[name].treated], sweep.variants)
        if self.source.kind == "synthetic" and self.source.lag >= self.source.length:
            raise ValueError("source.lag must be less than source.length")
        if self.probe_size > self.held_out:
            raise ValueError("probe_size must not exceed held_out")
        return self


class Recipe(Model):
    """How a vision transformer is trained."""

    variant: Name
    optimiser: Literal["adam", "sgd"]
    momentum: NonNegativeFloat = 0.0
    weight_decay: NonNegativeFloat = 0.0
    warmup: NonNegativeInt = 0
    """Steps in which the learning rate rises linearly."""
    rates: Annotated[list[PositiveFloat], Field(min_length=1)]


class ImageSource(Model):
    """Labelled images: scikit-learn's digits, or ImageNet at 64 x 64."""

    source: Literal["digits", "imagenet64"]
    path: str | None = None
    """Folder of ImageNet's files."""
    validation: PositiveInt
    """Images held out to choose the learning rate by."""
    test: PositiveInt
    patch: tuple[PositiveInt, PositiveInt]
    """Height and width of a patch, pixels."""


class Images(MultiHead):
    """Vision transformers on images, each recipe with its own learning rates."""

    kind: Literal["images"]
    seeds: Annotated[int, Field(ge=3)]
    images: ImageSource
    layers: PositiveInt
    init: PositiveFloat | None
    embedding_std: PositiveFloat
    variants: dict[Name, Variant]
    recipes: dict[Name, Recipe]
    steps: PositiveInt
    batch: PositiveInt
    at_once: PositiveInt | None = None
    """Runs (learning rates x seeds) of a recipe trained together: fewer need less memory. None: all."""
    arms: dict[Literal["reference", "treated", "plain"], Name]
    """Recipes: the reference, sigmaReparam's, and the plain one without it."""

    @model_validator(mode="after")
    def _fits(self):
        _known("recipes", [recipe.variant for recipe in self.recipes.values()], self.variants)
        _known("arms", list(self.arms.values()), self.recipes)
        if len({len(recipe.rates) for recipe in self.recipes.values()}) > 1:
            raise ValueError("recipes: each needs as many rates as the others")
        if set(self.arms) != {"reference", "treated", "plain"}:
            raise ValueError("arms: give reference, treated and plain")
        return self


class Bound(Model):
    """The lower bound of attention entropy, on random attention and at its extreme."""

    kind: Literal["bound"]
    draws: Annotated[int, Field(ge=3)]
    """Random attention matrices of each length."""
    lengths: Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=3)]
    features: PositiveInt
    """Width of the tokens X."""
    scale: tuple[PositiveFloat, PositiveFloat]
    """Standard deviation of W_Q and W_K: smallest and largest, spread evenly on a log axis."""
    norms: Annotated[list[NonNegativeFloat], Field(min_length=3)]
    """Spectral norms s at which the extremal logits are taken."""
    norm_logits: bool = False
    """Control: logits are divided by their norm, so that it can't matter."""


Params = Annotated[Sequences | Images | Bound, Field(discriminator="kind")]


def _known(where: str, names, known) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: '{name}' is none of {', '.join(known)}")
