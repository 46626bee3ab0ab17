"""Parameters: the zoo, what is read off its annotations and features, forecasts, and the three applications."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.forecasters.entry import Forecaster
from pesin.params import Model
from studies.dysts_chaos_benchmark.params_applications import Importance, Symbolic, Transfer


class Stratified(Model):
    """A fixed sample of the flows, from weakly to strongly chaotic (see `pesin.systems.zoo.stratified`)."""

    every: PositiveInt
    keep: list[str] = []
    leave_out: list[str] = []
    dims: list[PositiveInt] | None = None


Systems = Literal["all", "flows"] | Stratified | Annotated[list[str], Field(min_length=1)]


# -------------------------------------------------------------------------------------------------------- the zoo


class ZooSimulate(Model):
    systems: Systems
    """all: flows, delay systems and maps; flows; a sample; or names."""
    own: list[str] = []
    """Files of your own systems, relative to the project: rhs(t, x, **parameters), PARAMETERS, START."""
    periods: PositiveFloat
    points_per_period: PositiveInt
    tolerance: PositiveFloat
    direction: Literal["forward", "backward"]
    """backward: every flow with its sign turned, so that attractors repel."""
    compared: list[str]
    """Systems that two solvers integrate, and one solver on two grids of time."""
    compared_lyapunov_times: PositiveFloat


class ZooEntropy(Model):
    target: PositiveFloat
    """Relative standard error of the largest exponent at which a spectrum's run ends."""
    max_steps: PositiveInt
    """Steps of the integrator at which it ends anyway."""
    delay_exponents: PositiveInt
    """Exponents of each delay system, which has infinitely many."""
    points: PositiveInt
    """Length of the series that the correlation dimension is read off, at 30 points in a period."""
    references: PositiveInt
    scales: PositiveInt
    """Largest scale of the multiscale entropy."""


class Zoo(Model):
    kind: Literal["zoo"]
    simulate: ZooSimulate
    entropy: ZooEntropy


class AnnotationsEntropy(Model):
    source: Literal["recomputed", "stored"]
    """Whose spectra are held against the divergence of the equations: ours, or those stored in dysts."""


class Annotations(Model):
    kind: Literal["annotations"]
    entropy: AnnotationsEntropy


class FeaturesEntropy(Model):
    matrix: Literal["measured", "noise"]
    """noise: every feature of every system drawn from one normal distribution."""
    folds: PositiveInt
    clusters: Annotated[list[PositiveInt], Field(min_length=1)]
    """Numbers of clusters to choose among by silhouette."""
    resamples: PositiveInt


class Features(Model):
    kind: Literal["features"]
    entropy: FeaturesEntropy


# ------------------------------------------------------------------------------------------------------ forecasts


class ForecastingSimulate(Model):
    systems: Systems
    own: list[str] = []
    points_per_period: PositiveInt
    tune_points: PositiveInt
    history_points: PositiveInt
    future_points: PositiveInt
    noise: NonNegativeFloat
    """Standard deviation of noise on the series that forecasters see, over that of the series."""
    order: Literal["time", "shuffled"]
    """shuffled: the points of each series in random order, so that nothing can be foretold."""


class ForecastingTrain(Model):
    forecasters: Annotated[list[Forecaster], Field(min_length=1)]


class Forecasting(Model):
    kind: Literal["forecasting"]
    simulate: ForecastingSimulate
    train: ForecastingTrain


class ChaosForecast(Model):
    exponents: Literal["measured", "shuffled"]
    """shuffled: each system gets the exponents of another one."""


class Chaos(Model):
    kind: Literal["chaos"]
    forecast: ChaosForecast


class RanksForecast(Model):
    labels: Literal["kept", "shuffled"]
    """shuffled: the forecasters change their names in each condition."""


class Ranks(Model):
    kind: Literal["ranks"]
    forecast: RanksForecast


Params = Annotated[
    Zoo | Annotations | Features | Forecasting | Chaos | Ranks | Transfer | Importance | Symbolic,
    Field(discriminator="kind"),
]
