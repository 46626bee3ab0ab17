"""Parameters of the study's four kinds of case: the orbits, forecasts of them, the metrics, and the scores."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from pesin.forecasters.entry import Forecaster
from pesin.params import Model

Few = Annotated[int, Field(ge=1, le=100)]


# ------------------------------------------------------------------------------------------------------------- orbits


class Sample(Model):
    kinds: Annotated[list[Literal["flow", "delay"]], Field(min_length=1)]
    """Which systems of the zoo."""
    systems: list[str] | None = None
    """Names of those to take; all of these kinds if left out."""
    points_per_period: PositiveInt
    """Samples in a dominant period."""
    tune_points: PositiveInt
    """Length of the orbit on which knobs are chosen."""
    history_points: PositiveInt
    future_points: PositiveInt


class Orbits(Model):
    kind: Literal["orbits"]
    simulate: Sample


# ---------------------------------------------------------------------------------------------------------- forecasts


class Fitted(Forecaster):
    seeds: Few = 1
    """Independent fits of each system."""
    share_of_updates: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of the updates of the size whose fitting time is wanted: that time is the measured one divided by it."""


class Fit(Model):
    systems: list[str] | None = None
    """Names of the systems to forecast; all if left out."""
    forecasters: Annotated[list[Fitted], Field(min_length=1)]
    lengths: Annotated[list[PositiveInt], Field(min_length=1)]
    """Numbers of points of history, the last ones before the forecast, longest first."""
    steps: PositiveInt
    """Points to forecast."""


class Forecasts(Model):
    kind: Literal["forecasts"]
    train: Fit


# -------------------------------------------------------------------------------------------------- metrics and scores


class Measure(Model):
    lead: PositiveInt
    """Points of the forecast that the metrics are taken over."""
    information_models: list[str]
    """Models whose mutual information with the truth is followed along the lead, period by period."""


class Metrics(Model):
    kind: Literal["metrics"]
    entropy: Measure


class Judge(Model):
    short: PositiveInt
    """Points of the short forecast."""
    bins: PositiveInt
    """Bins of the lead in curves of the error."""
    later: Annotated[float, Field(gt=0, lt=1)]
    """How much later the wrong future of a control begins, as a share of the future."""
    effect: Literal["kept", "later_future", "chaos_alone", "shuffled"]
    """What a control takes away."""
    chaos_errors: PositiveFloat
    """A system counts as chaotic if its exponent exceeds so many standard errors ..."""
    chaos_per_period: NonNegativeFloat
    """... and so many nats in a period: a quasi-periodic orbit of finite length has a small exponent."""
    lyapunov_times: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Valid prediction times that are asked for."""
    scarce: PositiveInt
    """Histories of at most so many points count as scarce."""
    groups: Annotated[int, Field(ge=3)]
    """Disjoint groups of systems over which correlations of metrics are compared."""
    resamples: PositiveInt
    """Bootstrap draws of systems."""


class Scores(Model):
    kind: Literal["scores"]
    forecast: Judge


Params = Annotated[Orbits | Forecasts | Metrics | Scores, Field(discriminator="kind")]
