"""Parameters of entropy_atlas: the series and the measures of them, or the comparison of both with the truth."""

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


class Atlas(Model):
    kind: Literal["atlas"]
    simulate: Series
    entropy: Measures
    forecast: Forecasts


class Compared(Model):
    kinds: list[Literal["flow", "delay", "map"]]
    """Systems that are judged: those on one clock."""
    long: Literal["long", "shuffled"]
    """The condition that stands for the clean series."""
    noisy: Literal["noisy", "long"]
    """The condition that stands for the noisy one."""
    dealt: bool
    """Whether each measure's values are dealt to other systems."""
    sections: Literal["catalogue", "dealt"]
    """Whether measures keep their section of the catalogue."""
    neighbours: PositiveInt
    """Systems nearest in a measure, whose valid times are averaged to foretell another's."""
    groups: Annotated[int, Field(ge=3)]
    """Disjoint groups of systems, in each of which the agreement within and between sections is taken."""
    clusters: PositiveInt
    """Clusters that the dendrogram is cut into."""


class Comparison(Model):
    kind: Literal["comparison"]
    entropy: Compared


Params = Annotated[Atlas | Comparison, Field(discriminator="kind")]
