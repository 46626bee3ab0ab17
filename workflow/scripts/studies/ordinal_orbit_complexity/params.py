"""Parameters of the study's three kinds of case: standard series, the double pendulum, orbits in potentials."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Rising = Annotated[list[PositiveFloat], Field(min_length=1)]


class Ordinal(Model):
    """What every case shares: how a series is turned into (H, C)."""

    order: Annotated[int, Field(ge=3, le=6)]
    """Samples in an ordinal pattern, n."""
    ratio: PositiveFloat
    """Pattern time over natural period, t_pat / t_nat, the same for every continuous system."""


# ---------------------------------------------------------------------------------------------- standard series


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
    """Records for the decision rule: three classes at one cadence, the same number of samples a natural period."""

    training: PositiveInt
    """Records of each class that the rule is fitted on."""
    held_out: PositiveInt
    """Records of each class that it is applied to."""
    samples_per_period: PositiveInt
    periods: PositiveInt
    """Length of a record in natural periods."""


class SeriesSimulate(Model):
    seeds: PositiveInt
    map_length: PositiveInt
    """Points of a map or noise series."""
    map_transient: NonNegativeInt
    noise_exponents: Annotated[list[float], Field(min_length=1)]
    """Exponents p of the spectra f^p."""
    switched_r: tuple[float, float]
    """r of the logistic map in the first, periodic and in the second, chaotic half of the switched series."""
    switched_length: PositiveInt
    """Points in each half."""
    lorenz: Lorenz
    sines: Sines
    records: Records
    time_order: Literal["kept", "shuffled"]
    """shuffled: the values of each series in random order, which leaves no ordinal structure."""


class SeriesTrain(Model):
    durations: Rising
    """t_dur / t_nat of the records that the rule is fitted on and applied to; none longer than the records."""


class SeriesEntropy(Model):
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


class SeriesForecast(Model):
    coarse_ratios: Rising
    """t_pat / t_nat at which the Lorenz series is handed to the rule."""


class Series(Ordinal):
    """Maps, Lorenz, coloured noise, sines, their sums, noisy sines, a switched series; each over seeds."""

    kind: Literal["series"]
    simulate: SeriesSimulate
    train: SeriesTrain
    entropy: SeriesEntropy
    forecast: SeriesForecast

    @model_validator(mode="after")
    def _long_enough(self):
        if max(self.train.durations) > self.simulate.records.periods:
            raise ValueError("train.durations: the longest must not exceed simulate.records.periods")
        return self


# ------------------------------------------------------------------------------------------------- double pendulum


class PendulumSimulate(Model):
    dynamics: Literal["full", "linear"]
    """linear: to first order in the angles, where two normal modes are all there is and nothing is chaotic."""
    starts: PositiveInt
    """Starts of each kind, all at rest."""
    small_angle: PositiveFloat
    """Largest angle of the mixed-mode small starts, degrees; pure modes have theta1 up to 0.9 of it."""
    large_theta1: tuple[PositiveFloat, PositiveFloat]
    """Range of theta1 of the large starts, degrees."""
    large_theta2: float
    """theta2 of the large starts, degrees."""
    duration: PositiveInt
    """Seconds."""
    samples_per_second: PositiveInt
    chaos_growth: PositiveFloat
    """e-foldings of a deviation over the run from which a motion counts as chaotic."""


class PendulumEntropy(Model):
    ratios: Rising
    resamples: PositiveInt
    """Moving-block bootstrap samples of each (H, C)."""


class Pendulum(Ordinal):
    """The double pendulum from small and large angles."""

    kind: Literal["pendulum"]
    simulate: PendulumSimulate
    entropy: PendulumEntropy


# ---------------------------------------------------------------------------------------------------------- orbits


class OrbitsSimulate(Model):
    orbits: PositiveInt
    """Orbits of each potential."""
    periods: PositiveInt
    """Length in natural periods of a typical orbit."""
    samples_per_period: PositiveInt
    """Of a typical orbit; the shortest periods are about a third of it."""
    substeps: PositiveInt
    """Integration steps between two samples in the logarithmic potentials; half of it elsewhere."""
    flattening: Annotated[float, Field(ge=0, le=1)]
    """1: the axis ratios of the card; 0: spheres."""
    bar_speed: float
    """Angular speed of the bar, in units of v0 per unit length."""
    henon_heiles_coupling: float
    """1: Henon-Heiles; 0: a harmonic oscillator."""
    chaos_growth: PositiveFloat
    """e-foldings of a deviation over the run from which an orbit counts as chaotic."""


class OrbitsEntropy(Model):
    resamples: PositiveInt
    surrogates: PositiveInt
    surrogate_orbits: PositiveInt
    """Orbits of each potential that the surrogate test is run on."""


class Orbits(Ordinal):
    """Tracer orbits in potentials of growing intricacy, with Henon-Heiles as the known case."""

    kind: Literal["orbits"]
    simulate: OrbitsSimulate
    entropy: OrbitsEntropy


Params = Annotated[Series | Pendulum | Orbits, Field(discriminator="kind")]
