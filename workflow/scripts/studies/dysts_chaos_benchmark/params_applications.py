"""Parameters of the benchmark's three applications: transfer learning, importance sampling, symbolic regression."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model

Names = Annotated[list[str], Field(min_length=1)]


# --------------------------------------------------------------------------------------------------- transfer learning


class Task(Model):
    """A classification task: which system a series comes from, or at which value of a parameter it was made."""

    systems: Names
    """The classes, or the one system whose parameter tells them apart."""
    parameter: str | None = None
    values: list[float] = []
    """Values of the parameter, one for each class."""

    @model_validator(mode="after")
    def _classes(self):
        classes = len(self.values) if self.parameter else len(self.systems)
        if classes < 2 or (self.parameter and len(self.systems) > 1) or (self.values and not self.parameter):
            raise ValueError("give two systems or more, or one system with a parameter and two values of it or more")
        return self


class TransferSimulate(Model):
    tasks: Annotated[list[Task], Field(min_length=3)]
    train_series: PositiveInt
    """Labelled series of each class."""
    test_series: PositiveInt
    length: PositiveInt
    """Points of a series."""
    points_per_period: tuple[PositiveFloat, PositiveFloat]
    """Range that each task's sampling is drawn from, uniform in its logarithm."""
    noise: NonNegativeFloat
    """Standard deviation of the observation noise, in standard deviations of the signal."""
    pool: PositiveInt
    """Systems to pre-train on: none that a task uses, evenly spaced in the alphabet."""
    pool_without: list[str]
    """Systems left out of the pool: driven ones, and those that take seconds to integrate."""
    pool_periods: PositiveInt
    pool_points_per_period: PositiveInt


class TransferTrain(Model):
    windows: Literal["kept", "shuffled"]
    """shuffled: the points of each pre-training window in random order, which leaves no timescale to match."""
    window: PositiveInt
    """Points of a pre-training window."""
    random_periods: tuple[PositiveFloat, PositiveFloat]
    """Range of the points per period that each pre-training system gets, uniformly, in the random-timescale arm."""
    steps: PositiveInt
    batch: PositiveInt
    learning_rate: PositiveFloat
    alphas: tuple[PositiveFloat, PositiveFloat, PositiveInt]
    """Ridge penalties that cross-validation chooses from: smallest, largest, how many."""

    @model_validator(mode="after")
    def _whole(self):
        if self.window % 3:
            raise ValueError("window must be a multiple of 3, the encoder's stride")
        return self


class Transfer(Model):
    """Autoencoders, pre-trained on chaotic systems, that make features for classifying series of other systems."""

    kind: Literal["transfer"]
    simulate: TransferSimulate
    train: TransferTrain


# ------------------------------------------------------------------------------------------------- importance sampling


class ImportanceSimulate(Model):
    systems: Annotated[list[str], Field(min_length=3)]
    points_per_period: PositiveInt
    transient: PositiveInt
    """Periods before the history."""
    history: PositiveInt
    """Points of the training series."""
    context: Annotated[int, Field(ge=2)]
    """Points that a network sees before a future."""
    horizon: PositiveInt
    """Points that are forecast."""
    tests: PositiveInt
    """Futures of each system that are forecast, with their contexts one after the other behind the history."""


class ImportanceTrain(Model):
    weights: Literal["kept", "permuted"]
    """permuted: the sampling weights go to random start points, which leaves their spread and takes their meaning."""
    window: Annotated[int, Field(ge=2)]
    """Points that the network sees before the one it predicts."""
    hidden: PositiveInt
    layers: PositiveInt
    batch: PositiveInt
    learning_rate: PositiveFloat
    rounds: Annotated[int, Field(ge=2)]
    round_steps: PositiveInt
    """Updates in each round; full training gets `full_factor` times as many in all."""
    full_factor: PositiveInt
    trajectories: PositiveInt
    """New trajectories of each round."""
    trajectory_length: PositiveInt
    discarded: NonNegativeInt
    """First points of a new trajectory that are not used."""
    jitter: NonNegativeFloat
    """A start point is moved by at most this, in standard deviations of each coordinate."""
    power: PositiveFloat
    """The chance of a start point goes with its smoothed squared error to this power."""
    smoothing: Annotated[int, Field(ge=5)]
    """Points in the window of the cubic filter that smooths the squared error, odd."""

    @model_validator(mode="after")
    def _odd(self):
        if not self.smoothing % 2:
            raise ValueError("smoothing must be odd")
        return self


class Importance(Model):
    """LSTMs trained on the whole history, on trajectories from start points that are hard, or from random ones."""

    kind: Literal["importance"]
    simulate: ImportanceSimulate
    train: ImportanceTrain

    @model_validator(mode="after")
    def _fits(self):
        shortest = min(self.simulate.history, self.train.trajectory_length)
        if self.train.window >= shortest:
            raise ValueError("train.window must be shorter than the history and than train.trajectory_length")
        if self.train.smoothing > self.simulate.history - self.train.window:
            raise ValueError("train.smoothing must not exceed simulate.history - train.window")
        return self


# ------------------------------------------------------------------------------------------------- symbolic regression


class SymbolicSimulate(Model):
    form: Literal["quadratic", "trigonometric"]
    """Form of the equations that the claim is judged on. trigonometric: random fields of sines and cosines."""
    fields: PositiveInt
    """Random fields, if trigonometric."""
    known: PositiveInt | None
    """Systems of the zoo with quadratic equations, evenly spaced in the alphabet; none: all of them."""
    others: PositiveInt
    """Systems of the zoo with other equations, if the form is quadratic."""
    without: list[str]
    """Systems left out: those that take seconds to integrate."""
    points_per_period: PositiveInt
    points: Annotated[int, Field(ge=10)]
    """Points of the training and of the held-out trajectory."""
    transient: PositiveInt
    """Periods before the training trajectory, and between it and the held-out one."""


class SymbolicTrain(Model):
    regressions: Annotated[list[Literal["polynomial", "fourier", "polynomial_exact", "pysr"]], Field(min_length=1)]
    """polynomial, fourier: SINDy on finite differences; polynomial_exact: on the true derivatives; pysr: evolutionary
    search on the true derivatives, as in the paper (it needs the package pysr, and Julia)."""
    degree: PositiveInt
    frequencies: PositiveInt
    pysr_iterations: PositiveInt


class Symbolic(Model):
    """Equations found from trajectories, graded by the derivatives that they predict on another trajectory."""

    kind: Literal["symbolic"]
    simulate: SymbolicSimulate
    train: SymbolicTrain
