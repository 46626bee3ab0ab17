"""Types of the parameters of vision transformers on images, each recipe with its own learning rates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFolder, Model, Name
from studies.sigma_reparam_attention_entropy.shared_params import Network, check_known


class ImageSource(Model):
    """Labelled images: scikit-learn's digits, or ImageNet at 64 x 64."""

    source: Literal["digits", "imagenet64"]
    folder: DataFolder | None = None
    """Of ImageNet's files."""
    validation: PositiveInt
    """Images held out to choose the learning rate by."""
    test: PositiveInt
    patch: tuple[PositiveInt, PositiveInt]
    """Height and width of a patch, pixels."""


class Recipe(Model):
    """How a vision transformer is trained."""

    variant: Name
    optimiser: Literal["adam", "sgd"]
    momentum: NonNegativeFloat = 0.0
    weight_decay: NonNegativeFloat = 0.0
    warmup: NonNegativeInt = 0
    """Steps in which the learning rate rises linearly."""
    rates: Annotated[list[PositiveFloat], Field(min_length=1)]


class Training(Network):
    """The transformers and their recipes."""

    seeds: Annotated[int, Field(ge=3)]
    layers: PositiveInt
    recipes: dict[Name, Recipe]
    steps: PositiveInt
    batch: PositiveInt
    at_once: PositiveInt | None = None
    """Runs (learning rates x seeds) of a recipe trained together: fewer need less memory. None: all."""

    @model_validator(mode="after")
    def _fits(self):
        check_known("recipes", [recipe.variant for recipe in self.recipes.values()], self.variants)
        if len({len(recipe.rates) for recipe in self.recipes.values()}) > 1:
            raise ValueError("recipes: each needs as many rates as the others")
        return self


class Arms(Model):
    """Recipes."""

    reference: Name
    treated: Name
    """sigmaReparam's."""
    plain: Name
    """The treated one without it."""


class Scores(Model):
    """How recipes are compared."""

    arms: Arms


class Params(Model):
    """Vision transformers on images (C5)."""

    simulate: ImageSource
    train: Training
    forecast: Scores

    @model_validator(mode="after")
    def _known(self):
        check_known("forecast.arms", [recipe for _, recipe in self.forecast.arms], self.train.recipes)
        return self
