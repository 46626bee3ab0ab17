"""Types of the parameters: the surrogate atmosphere, the networks, the twins and the forecasts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFolder, Model


class Simulate(Model):
    """Seen by all steps. Lengths in deformation units of the flow, times in days (one unit of the flow)."""

    archive: DataFolder | None = None
    """Daily files of ChaosBench's ERA5, checked in shape, their frames counted. Nothing is trained on it."""
    points: Annotated[int, Field(ge=24, multiple_of=4)]
    """Along each edge of the square of side 8 pi."""
    seeds: Annotated[int, Field(ge=3)]
    """Worlds of their own, each with a network of its own: the independent unit of what is learnt."""
    members: PositiveInt
    """Training runs of a world."""
    days: Annotated[int, Field(ge=10)]
    """Of a training run."""
    starts: PositiveInt
    """Test runs of a world, each spun up by itself."""
    lead: Annotated[int, Field(ge=44)]
    """Days of a test run."""
    spin_up: PositiveInt
    steps: PositiveInt
    """Runge-Kutta steps a day."""
    shear: PositiveFloat
    """U: half the difference of the layers' mean winds, its mean over the year."""
    season: NonNegativeFloat
    """Amplitude of U's yearly cycle of 360 days."""
    boundary: NonNegativeFloat
    """Standard deviation of U's slow part, which stands for the sea's temperature."""
    memory: PositiveFloat
    """Days in which the slow part forgets."""
    beta: PositiveFloat
    coupling: PositiveFloat
    """F: the squared inverse radius of deformation."""
    friction: PositiveFloat


class UNet(Model):
    width: PositiveInt
    """Channels of the finest of three levels; each coarser one has twice as many."""
    rate: PositiveFloat


class FNO(Model):
    width: PositiveInt
    modes: PositiveInt
    """Wave numbers kept, of each sign."""
    layers: PositiveInt
    rate: PositiveFloat


class Train(Model):
    """Seen by the train step and those after it."""

    unet: UNet
    fno: FNO
    batch: PositiveInt
    steps: PositiveInt
    """Updates of the one-day nets."""
    more: PositiveInt
    """Updates of each arm that goes on from the U-Net so trained."""
    slower: PositiveFloat
    """Share of the learning rate in them."""
    rollout: Annotated[int, Field(ge=2)]
    """S: days of a multi-step training."""
    penalty: PositiveFloat
    """Weight of the spectral divergence in the loss."""
    pairs: Literal["true", "shuffled"]
    """shuffled: the targets are other days, so that there is nothing to learn but the mean. Control."""


class Entropy(Model):
    """Seen by the entropy step."""

    breeding: Annotated[int, Field(ge=2)]
    """Days in which twins are drawn together again each day: lambda_1 is from the later three quarters of them."""
    amplitude: PositiveFloat
    """Their distance, over the climatological standard deviation."""
    fitted: PositiveInt
    """First days of the twins, in which their distance grows exponentially."""
    late: PositiveInt
    """From this day on their distance is said to be saturated."""
    advection: bool
    """false: the flow doesn't carry itself (J = 0). Control."""
    moving: bool
    """false: nothing moves. Null."""


class Forecast(Model):
    """Seen by the forecast step."""

    nets: Annotated[list[Literal["unet", "unet_rollout", "unet_spectral", "fno"]], Field(min_length=1)]
    """Rolled out. What compares them is there if all are."""
    members: Annotated[int, Field(ge=2)]
    """Of the centre's ensemble."""
    spread: PositiveFloat
    """Of its first states, over the climatological standard deviation."""
    shear_error: float
    """By which share the centre's U is wrong. Control: by more."""
    beta_error: float
    moving: bool
    """false: nets and centre leave the first state as it is. Null."""
    weather: PositiveInt
    """Days in which a net should be better than climatology."""
    late: PositiveInt
    """From this day on it is said to be worse."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fits(self):
        world, train = self.simulate, self.train
        if world.days <= train.rollout:
            raise ValueError(
                f"simulate.days: {world.days} days have no stretch of train.rollout = {train.rollout} steps"
            )
        if 2 * train.fno.modes > world.points:
            raise ValueError(f"train.fno.modes: a grid of {world.points} points has no {train.fno.modes} of each sign")
        for key, day in (
            ("entropy.fitted", self.entropy.fitted),
            ("entropy.late", self.entropy.late),
            ("forecast.weather", self.forecast.weather),
            ("forecast.late", self.forecast.late),
        ):
            if day > world.lead:
                raise ValueError(f"{key}: day {day} lies after simulate.lead = {world.lead}")
        return self
