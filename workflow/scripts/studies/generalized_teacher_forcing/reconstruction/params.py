"""Types of the parameters of reconstruction: the observed system, training, scores of free runs and of forecasts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import DataFile, Model

Share = Annotated[float, Field(ge=0, le=1)]


class Lorenz63(Model):
    source: Literal["lorenz63"]
    sigma: float = 10.0
    rho: float = 28.0
    beta: float = 8 / 3
    dt: PositiveFloat
    """Time between two observations."""


class Lorenz96(Model):
    source: Literal["lorenz96"]
    sites: Annotated[int, Field(ge=4)]
    forcing: float
    dt: PositiveFloat


class Spiral(Model):
    """A stable spiral kept going by noise, and a third direction that decays: nothing chaotic."""

    source: Literal["spiral"]
    decay: PositiveFloat
    """Rate at which all three directions fall [1 / time unit]."""
    turn: PositiveFloat
    """Angular frequency in the plane of the first two [1 / time unit]."""
    dt: PositiveFloat


class Ecg(Model):
    source: Literal["ecg"]
    dt: PositiveFloat
    """Seconds between two samples."""
    rr_sd: NonNegativeFloat
    """Standard deviation of the RR interval [s]."""
    delays: PositiveInt
    """Embedding dimension."""


class File(Model):
    source: Literal["file"]
    train: DataFile
    """The training recording (.nc, .csv, .npy ...: docs/recordings.md)."""
    test: DataFile | None = None
    """The test recording; none: the last `test_share` of the training recording."""
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    dt: PositiveFloat
    where: str
    """Sentence for error messages: where to get the data."""
    columns: Annotated[list[str | int], Field(min_length=1)] | None = None
    """The channels, by name or number from 1; none: all but those of time."""
    time: str | int | None = None
    """Column of time; `none`: the rows are equally spaced."""
    gaps: Literal["error", "longest", "interpolate"] = "error"
    """What becomes of missing values and of gaps in time."""
    decimal: Literal[".", ","] | None = None
    """Of numbers in a table; none: found out."""


class Observe(Model):
    data: Annotated[Lorenz63 | Lorenz96 | Spiral | Ecg | File, Field(discriminator="source")]
    noise: Annotated[list[NonNegativeFloat], Field(min_length=1)]
    """Standard deviations of the observation noise, in standard deviations of the signal."""
    length: PositiveInt
    """Points of the training and of each test orbit (a recording has its own length)."""
    seeds: Annotated[int, Field(ge=3)]
    """Training seeds; as many independent true orbits give the floor."""


class Linear(Model):
    """A vector autoregression of lag 1."""

    model: Literal["var"]


class EchoState(Model):
    """A reservoir with a readout by ridge regression."""

    model: Literal["esn"]
    units: PositiveInt
    ridges: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Penalties, of which the best is taken."""


class Sindy(Model):
    """A sparse regression on the true library."""

    model: Literal["sindy"]
    threshold: PositiveFloat


Baseline = Annotated[Linear | EchoState | Sindy, Field(discriminator="model")]


class Growth(Model):
    """Gradients of one trained network against the length of the window."""

    trained_at: Share
    """The constant forcing whose networks are measured: the same for all forcings of the measurement."""
    lengths: Annotated[list[PositiveInt], Field(min_length=3)]
    """Steps predicted."""
    batch: PositiveInt
    """Windows, with the same starts at each length."""


class Train(Model):
    hidden: PositiveInt
    window: PositiveInt
    """Steps predicted in a training window."""
    batch: PositiveInt
    updates: NonNegativeInt
    """0: networks stay as they start."""
    learning_rate: tuple[PositiveFloat, PositiveFloat]
    """At the first and the last update; exponential between."""
    gentle_below: Share
    """Runs with weaker forcing than this (sparse forcing too) get a smaller learning rate; 0: all the same."""
    gentle_pace: Share
    """Their learning rate, as a share of the common one."""
    weight_decay: NonNegativeFloat
    start: Literal["closed_form", "random"]
    ridge: PositiveFloat
    """Penalty of the closed-form start."""
    alphas: Annotated[list[Share], Field(min_length=3)]
    """Constant forcings; 0 and 1 are the two extremes."""
    memory: Share | None
    """Share of itself that the adaptive alpha keeps at each estimate; none: the adaptive protocol is left out."""
    sparse_every: PositiveInt | None
    """Steps between two full forcings of sparse teacher forcing; none: left out."""
    baselines: list[Baseline]
    """Rivals, fitted to the same orbit."""
    growth: Growth | None = None
    """Measured after training; none: left out."""

    @model_validator(mode="after")
    def _alphas_can_be_compared(self):
        if self.alphas != sorted(set(self.alphas)):
            raise ValueError("alphas must rise, each once")
        if self.alphas[-1] != 1 or not any(0 < alpha < 1 for alpha in self.alphas):
            raise ValueError("alphas must hold 1 (full forcing) and at least one value between 0 and 1")
        if self.growth and self.growth.trained_at not in self.alphas:
            raise ValueError("growth.trained_at must be one of the alphas")
        return self


class Parts(Model):
    """Who plays the parts of the two methods that the paper proposes."""

    gtf: Literal["chosen"] | Share = "chosen"
    """The constant forcing that is best on the other seeds, or a fixed one."""
    agtf: Literal["adaptive"] | Share = "adaptive"
    """The annealed forcing, or a constant one."""


class Score(Model):
    parts: Parts = Parts()
    bins: PositiveInt
    exponent_steps: PositiveInt
    """Steps of the free run along which Lyapunov exponents are computed."""
    blocks: PositiveInt
    """Blocks of the free run that the bootstrap of D_stsp resamples."""
    resamples: PositiveInt


class Forecast(Model):
    lead: PositiveInt
    """Steps ahead of the prediction error."""
    stride: PositiveInt
    """Steps between two starts of the prediction error; 1: every test point."""
    starts: PositiveInt
    """Starts of the valid prediction time."""
    horizon: PositiveInt
    """Steps after which a valid prediction time is censored."""
    warm_up: PositiveInt
    """Observed steps handed to a forecaster with memory."""


class Params(Model):
    """An attractor rebuilt from a noisy orbit (C2 to C7)."""

    simulate: Observe
    train: Train
    entropy: Score
    forecast: Forecast | None = None
    """Of cases with this step."""
