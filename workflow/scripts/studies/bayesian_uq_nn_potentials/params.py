"""Types of the parameters of the neural network potentials and their uncertainty."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising, Share


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Data sets, the independent unit."""
    sizes: Annotated[list[Annotated[int, Field(ge=8)]], Field(min_length=3, max_length=3), Rising]
    """Samples that networks are trained on: few, middle, many; a smaller set is the beginning of a larger one."""
    coupling: NonNegativeFloat
    """k_c of the two dihedrals, in kT."""
    noise: NonNegativeFloat
    """Standard deviation of a force that is added, in kT/rad: a solvent's, that the second dihedral can't make."""
    gap: tuple[float, float]
    """Angles between which the data set `gap` has no samples, in rad."""
    cells: Annotated[int, Field(ge=50)]
    """Of each angle, for sampling."""
    grid: Annotated[int, Field(ge=20)]
    """Angles at which networks are judged."""


class Train(Model):
    """Seen by the train step and those after it."""

    width: PositiveInt
    layers: Annotated[int, Field(ge=1)]
    prior: PositiveFloat
    """Standard deviation of the normal prior on all weights."""
    batch: PositiveInt
    members: Annotated[int, Field(ge=3)]
    """Chains of SG-MCMC, networks of an ensemble."""
    steps: PositiveInt
    """Updates of an ensemble's network."""
    lr: PositiveFloat
    chain_steps: PositiveInt
    """Updates of a chain."""
    step: PositiveFloat
    """Step size of the chains at their start; it falls as (1 + 10 k / K)^(-1/2)."""
    floor: PositiveFloat
    """Added to the root of the second moment in the preconditioner."""
    burn: Annotated[float, Field(ge=0, lt=1)]
    """Share of a chain that is left out."""
    thin: PositiveInt
    """Updates between two samples that are kept."""
    cold: Share
    """Temperature of the cold posterior; the warm one has 1."""


def kept_updates(steps: int, burn: float, thin: int) -> list[int]:
    """Updates after which a chain's network is kept, of `steps` in all."""
    return list(range(round(burn * steps) + thin - 1, steps, thin))


Networks = Literal["trained", "untrained"]
"""Whose samples are judged; untrained: the networks as they were before the first update. Null."""


class Entropy(Model):
    """Seen by the entropy step."""

    networks: Networks
    gap: Literal["open", "closed"]
    """closed: networks that saw the whole circle stand in for those with a gap. Control."""


class Forecast(Model):
    """Seen by the forecast step."""

    networks: Networks
    chains: Literal["own", "copies"]
    """copies: the first chain stands in for all. Control."""
    cold: Literal["cold", "warm"]
    """warm: the warm posterior stands in for the cold one. Control."""
    reference: Literal["biased", "kept"]
    """kept: networks of unbiased data stand in for those of the biased ones. Control."""
    ensemble: Literal["equal", "few"]
    """few: the ensemble of the fewest samples is held against chains of the most. Control."""
    widths: PositiveFloat
    """Intervals are made so many times as wide. Control: narrower."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        low, high = self.simulate.gap
        if not -3.14 < low < high < 3.14:
            raise ValueError("simulate.gap: give two rising angles between -3.14 and 3.14")
        draws = len(kept_updates(self.train.chain_steps, self.train.burn, self.train.thin))
        if draws < 2 * self.train.members:
            raise ValueError(
                "train.thin: a chain must keep at least two samples for each of train.members, so that as many can be"
                f" taken from all chains together as from one; it keeps {draws}"
            )
        return self
