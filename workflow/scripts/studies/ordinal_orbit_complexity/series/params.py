"""Types of the parameters of the standard series: maps, Lorenz, noise, sines, their sums, noisy and switched ones."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model
from studies.ordinal_orbit_complexity.ordinal import Ordinal, Rising


class Lorenz(Model):
    """The Lorenz flow, stepped by RK4."""

    rho: float
    dt: PositiveFloat
    duration: PositiveFloat
    transient: PositiveFloat
    package_rho: float
    """rho of the default of the authors' package, stepped by forward Euler (as there) and by RK4 at the same dt."""


class Sines(Model):
    """Sines of period 1, and what is made of them."""

    dt: PositiveFloat
    periods: PositiveInt
    counts: Annotated[list[Annotated[int, Field(ge=1, le=25)]], Field(min_length=2)]
    """Numbers of incommensurate sines in a sum, rising."""
    noise_to_signal: Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=2)]
    """Standard deviation of the noise over that of the sine, rising."""


class Records(Model):
    """Records for the decision rule: systems of three classes at one cadence."""

    number: PositiveInt
    """Records of each system."""
    samples_per_period: PositiveInt
    map_samples_per_period: PositiveInt
    """Samples of a map, whose natural period is one sample, that stand beside a natural period of the others."""
    periods: PositiveInt
    """Length of a record in natural periods."""


class Simulate(Model):
    """Seen by all steps."""

    seeds: PositiveInt
    map_length: PositiveInt
    """Points of a map or noise series."""
    map_transient: NonNegativeInt
    noise_exponents: Annotated[list[Literal[-2, -1, 0, 1, 2]], Field(min_length=2)]
    """Exponents p of the spectra f^p: red, pink, white, blue, violet."""
    switched_r: tuple[float, float]
    """r of the logistic map in the first, periodic and in the second, chaotic half of the switched series."""
    switched_length: PositiveInt
    """Points in each half."""
    lorenz: Lorenz
    sines: Sines
    records: Records
    time_order: Literal["kept", "shuffled", "sorted"]
    """shuffled: the values of each series in random order, which leaves no ordinal structure; sorted: they rise."""


class Train(Ordinal):
    """Seen by the train step and those after it."""

    durations: Rising
    """t_dur / t_nat of the records; none longer than they are."""


class Entropy(Model):
    """Seen by the entropy step."""

    ratios: Rising
    """t_pat / t_nat of the sampling sweep."""
    window: tuple[PositiveFloat, PositiveFloat]
    """The recommended band of t_pat / t_nat."""
    segment_durations: Rising
    """t_dur / t_nat of the segments that the AUC of chaotic against periodic is computed from."""
    segments: PositiveInt
    """Segments of each class that one AUC is computed from."""
    sliding_window: PositiveInt
    """Points in a sliding window of the switched series."""
    surrogate_seeds: PositiveInt
    """Seeds of each system that the surrogate test is run on."""
    surrogates: PositiveInt
    """IAAFT surrogates of a series."""
    surrogate_length: PositiveInt
    """Samples, one delay apart, that the surrogate test sees."""
    null_draws: PositiveInt
    """Sines that the null interval of H at finite length is drawn from."""


class Forecast(Model):
    """Seen by the forecast step."""

    coarse_ratios: Rising
    """t_pat / t_nat at which the Lorenz series is handed to the rule."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _long_enough(self):
        if max(self.train.durations) > self.simulate.records.periods:
            raise ValueError("train.durations: the longest must not exceed simulate.records.periods")
        low, high = self.entropy.window
        if len({low <= ratio <= high for ratio in self.entropy.ratios}) < 2:
            raise ValueError("entropy.window: some of entropy.ratios must lie in it, and some outside")
        return self
