"""Types of the parameters of inferred jump processes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

States = Annotated[int, Field(ge=2, le=10)]
Several = Annotated[int, Field(ge=3)]
Points = Annotated[int, Field(ge=10)]
Weights = Literal["learnt", "drawn"]  # null: as they were drawn
Error = Annotated[float, Field(ge=0, lt=1)]


class Fresh(Model):
    """Fresh processes from the prior, which are judged by."""

    states: Annotated[list[States], Field(min_length=1)]
    processes: Several
    """Of each number of states: independent units."""
    paths: PositiveInt
    held_out: Annotated[int, Field(ge=2)]
    """Further paths, by which predictions are scored."""
    points: Points
    window: PositiveFloat
    """Unit of time in which the paths are seen, at a regular pace."""
    scale: PositiveFloat
    """Largest rate, per unit of time."""
    noise: Error
    """Share of the points at which the reader guesses."""


class Ratchet(Model):
    """The flashing ratchet, outside the prior."""

    drives: Annotated[list[NonNegativeFloat], Field(min_length=5)]
    """Height V of the potential."""
    contexts: Several
    """Independent sets of paths."""
    paths: PositiveInt
    points: Points
    window: PositiveFloat


class StandIns(Model):
    """Processes read off noisy signals."""

    contexts: Several
    paths: PositiveInt
    points: Points


class Simulate(Model):
    """Seen by all steps."""

    fresh: Fresh
    ratchet: Ratchet
    stand_ins: StandIns


class Train(Model):
    """Seen by all steps but simulate."""

    states: Annotated[list[States], Field(min_length=1)]
    """Of the processes of an update, in turn."""
    width: PositiveInt
    steps: PositiveInt
    batch: PositiveInt
    """Processes of an update, drawn anew."""
    rate: PositiveFloat
    """Largest learning rate of Adam: risen to in 15 % of the updates, then down to 0 along half a cosine."""
    paths: tuple[PositiveInt, PositiveInt]
    """Fewest and most in an update, drawn evenly in the logarithm."""
    points: Points
    scales: tuple[PositiveFloat, PositiveFloat]
    """Smallest and largest of the largest rate, per step of the grid, drawn evenly in the logarithm."""
    noises: Annotated[list[Error], Field(min_length=1)]
    """Shares of misread points, one for each process."""

    @model_validator(mode="after")
    def _rising(self):
        for name in ("paths", "scales"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: the first, {low}, is above the second, {high}")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    weights: Weights
    world: Literal["ratchet", "flat"]
    """Control: flat, where nothing is driven along the whole sweep."""
    surrogates: PositiveInt
    """Reversible copies of each context, which show the bias."""
    draws: Annotated[int, Field(ge=20)]
    """Of rates from the network's own means and deviations, for intervals."""


class Posterior(Model):
    """The exact posterior of processes with two states."""

    processes: Several
    paths: PositiveInt
    cells: Annotated[int, Field(ge=8)]
    """Of the grid along each rate."""


class Forecast(Model):
    """Seen by the forecast step."""

    weights: Weights
    order: Literal["kept", "shuffled"]
    """Control: the points of each path are shuffled, so that nothing tells how fast it moved."""
    paths: Annotated[list[PositiveInt], Field(min_length=1)]
    """How many paths of each process are seen."""
    iterations: PositiveInt
    """Of EM."""
    posterior: Posterior


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        fresh, forecast = self.simulate.fresh, self.forecast
        if max(forecast.paths) != fresh.paths or sorted(set(forecast.paths)) != forecast.paths:
            raise ValueError(f"forecast.paths: they rise to simulate.fresh.paths, {fresh.paths}")
        if 2 not in fresh.states or forecast.posterior.processes > fresh.processes:
            raise ValueError("forecast.posterior: there are not as many processes with two states")
        if forecast.posterior.paths not in forecast.paths:
            raise ValueError("forecast.posterior.paths: one of forecast.paths")
        if not {0, 1} <= set(self.simulate.ratchet.drives):
            raise ValueError("simulate.ratchet.drives: 0 and 1 are judged by, one is missing")
        return self
