"""Parameters of the series, of the measures taken of them, and of the forecasts."""

from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from pesin.params import Model


class Series(Model):
    systems: Literal["all"] | Annotated[list[str], Field(min_length=3)]
    """Names of the zoo."""
    kinds: list[Literal["flow", "delay", "map"]]
    """Which kinds `all` takes."""
    points_per_period: PositiveInt
    """Samples of flows and delay systems in a dominant period; maps are sampled at each step."""
    points: PositiveInt
    """Length of a series."""
    future: PositiveInt
    """Points after it, from which forecasts start and against which they are held."""
    tolerance: PositiveFloat


class Measures(Model):
    measures: Annotated[list[str], Field(min_length=3)]
    """Names of the registry that take one series."""
    settings: dict[str, dict[str, Any]]
    """Arguments that differ from a measure's defaults."""
    noise: PositiveFloat
    """Standard deviation of the noise of the condition `noisy`, in standard deviations of the series."""
    short: PositiveInt
    """Points of the condition `short`."""


class Forecasts(Model):
    horizon: PositiveInt
    """Longest lead, in samples."""
    starts: PositiveInt
    """Forecasts of each system, evenly spread over the future."""
    delays: PositiveInt
    """Samples that a forecaster looks at."""
    neighbours: PositiveInt
    """Analogues averaged."""
    ridge: PositiveFloat
    """Penalty of the linear forecaster."""
    threshold: PositiveFloat
    """Error at which a forecast ends, in standard deviations of the series."""


class Params(Model):
    simulate: Series
    entropy: Measures
    forecast: Forecasts
