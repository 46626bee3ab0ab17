"""Types of the parameters of molecules, pairs, networks and requests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model, MultiHead, Share
from studies.molecular_generative_design.chemistry import LEARNED, QM9

Arm = Literal["forward", "inverse", "pairs", "multi", "forward_third", "inverse_third", "pairs_third"]


class HeldOut(Model):
    """Pairs that training doesn't see, in each seed others."""

    pairs: Share
    """Share of the pairs of components that are known."""
    components: PositiveInt
    """Components none of whose pairs is seen."""


class Simulate(Model):
    """Seen by all steps."""

    source: Literal["selfies", "qm9_csv"]
    """Random molecules with RDKit's properties, or a table with a column `smiles` and QM9's twelve."""
    table: DataFile | None = None
    """Of `qm9_csv`."""
    seeds: Annotated[int, Field(ge=3)]
    molecules: Annotated[int, Field(ge=100)]
    atoms: tuple[PositiveInt, PositiveInt]
    """Fewest and most, hydrogen left out."""
    longest: Annotated[int, Field(ge=5)]
    """Characters of a string; a component of a pair has half of them."""
    test: Share
    """Share of molecules held out, in each seed others."""
    components: Annotated[int, Field(ge=6)]
    pairs: Annotated[int, Field(ge=20)]
    held_out: HeldOut

    @model_validator(mode="after")
    def _possible(self):
        if self.atoms[0] > self.atoms[1]:
            raise ValueError(f"atoms: the fewest, {self.atoms[0]}, are more than the most, {self.atoms[1]}")
        if (self.source == "qm9_csv") != (self.table is not None):
            raise ValueError("table: source 'qm9_csv' needs the path of a table, and no other source does")
        if self.pairs > self.components * (self.components - 1) // 2:
            raise ValueError(f"pairs: {self.components} components make fewer than {self.pairs} pairs")
        if self.held_out.components > self.components - 3:
            raise ValueError(f"held_out.components: too few of the {self.components} components are left")
        return self


class Gpt(MultiHead):
    """The transformers: width and heads, and how they learn."""

    layers: PositiveInt
    bins: Annotated[int, Field(ge=4)]
    """Tokens of a property's value."""
    steps: Annotated[int, Field(ge=3, multiple_of=3)]
    """Updates; networks of one task have a twin with a third of them."""
    batch: Annotated[int, Field(ge=6, multiple_of=6)]
    rate: PositiveFloat
    hide: Share
    """Share of the prompts in which some properties are not given, any number of them alike."""


class Diffusion(Model):
    """The diffusion models."""

    channels: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
    rate: PositiveFloat


class Train(Model):
    """Seen by the train step and those after it."""

    run: Annotated[list[Arm], Field(min_length=3)]
    """Transformers of one task or of all (`multi`), those of one task also with a third of the updates."""
    labels: Literal["own", "shuffled"]
    """Whose properties a training string comes with: its own, or, as control, those of another."""
    gpt: Gpt
    diffusion: Diffusion

    @model_validator(mode="after")
    def _judged(self):
        missing = [name for name in ("forward", "inverse", "multi") if name not in self.run]
        if missing or len(set(self.run)) < len(self.run):
            raise ValueError("run: it should name forward, inverse, multi, and no network twice")
        return self

    @property
    def whole(self) -> list[str]:
        """Networks with all updates."""
        return [name for name in self.run if not name.endswith("_third")]

    @property
    def third(self) -> list[str]:
        """Networks with a third of them."""
        return [name for name in self.run if name.endswith("_third")]


class Entropy(Model):
    """Seen by the entropy step."""

    bins: Annotated[int, Field(ge=2)]
    """Of histograms of properties."""


class Forecast(Model):
    """Seen by the forecast step."""

    requests: Annotated[int, Field(ge=10)]
    """Test molecules whose properties are asked for, and pairs designed."""
    temperature: PositiveFloat
    asked: Annotated[list[str], Field(min_length=1)]
    """The properties that are given where the others are not."""
    euler: PositiveInt
    """Steps of the diffusion models' sampler."""
    joint: Literal["together", "apart"]
    """The network of all tasks, or, as control, in its place those of one task and a third of the updates."""
    top: PositiveInt
    """Designed pairs that are looked at, those of the largest depression by the network's own word."""
    drawn: NonNegativeInt = 3
    """Pairs whose phase diagram is kept."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _enough(self):
        if self.forecast.requests > self.simulate.test * self.simulate.molecules:
            raise ValueError("forecast.requests: more than simulate.test x simulate.molecules are held out")
        known = LEARNED if self.simulate.source == "selfies" else QM9
        for name in self.forecast.asked:
            if name not in known:
                raise ValueError(f"forecast.asked: there is no property '{name}' among {', '.join(known)}")
        if self.forecast.joint == "apart" and len(self.train.third) < 3:
            raise ValueError("forecast.joint: 'apart' needs all networks with a third of the updates in train.run")
        if self.forecast.top > self.forecast.requests:
            raise ValueError("forecast.top: more than forecast.requests")
        return self
