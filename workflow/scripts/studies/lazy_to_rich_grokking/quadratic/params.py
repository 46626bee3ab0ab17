"""Types of the parameters of networks with a quadratic activation, trained by the recursion of their moments."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Name, Share

SETTINGS = ("base", "linearised", "rich", "lazy", "linearised_lazy", "aligned", "misaligned", "few", "many")


class Simulate(Model):
    """Seen by all steps."""

    seeds: Annotated[int, Field(ge=3)]
    """Targets with their samples: the independent unit."""
    dim: Annotated[int, Field(ge=2)]
    samples: PositiveInt
    """Training samples; a setting with fewer takes the first of them."""


class Setting(Model):
    """One point of the sweeps."""

    alpha: PositiveFloat
    """Output scale: large is lazy."""
    epsilon: PositiveFloat
    """Weight of the quadratic part of the activation: small is a kernel that is badly aligned with the target."""
    known: PositiveInt
    """Training samples: the first of them."""
    frozen: bool = False
    """The network is linearised about its start: kernel regression."""


class Train(Model):
    """Seen by the train step and those after it."""

    seeds: Annotated[int, Field(ge=3)]
    """How many of the simulated ones."""
    settings: dict[Name, Setting]
    run: Annotated[list[Name], Field(min_length=1)]
    """The settings that are trained."""
    trained: bool
    """false: no step is taken. Null."""
    rate: PositiveFloat
    """Learning rate in units of N / alpha^2, the authors' choice; time is counted in steps of that."""
    time: PositiveInt
    """Longest training, in steps at a rate of one."""
    until: Share
    """A run stops once both losses lie below this share of what they were."""
    fitted: Share
    """And once the training loss lies below this share: nothing moves any more."""
    threshold: Share
    """A loss has fallen once it lies below this share of what it was."""
    per_decade: PositiveInt
    """Logged times."""
    probes: Annotated[int, Field(ge=20)]
    """Test inputs between which the kernel is aligned with the task."""
    width: PositiveInt
    widths: Annotated[list[PositiveInt], Field(min_length=1)]
    """Widths that are held against the infinite one, at `base`."""
    width_rate: PositiveFloat
    """`rate` of these, alike for the infinite one and the others."""
    draws: PositiveInt
    """Networks of each width for each seed; their errors are averaged."""
    spread: PositiveFloat
    """Standard deviation of the weights that these start from; theory takes it to be 1 (control: it isn't)."""


class Entropy(Model):
    """Seen by the entropy step."""

    points: Annotated[int, Field(ge=20)]
    """Test inputs between which the kernel's rank is taken."""


class Forecast(Model):
    """Seen by the forecast step."""

    points: Annotated[int, Field(ge=100)]
    """Fresh test inputs at each time."""
    inputs: Literal["gaussian", "elliptical"]
    """elliptical: half of them are zero, the others longer by sqrt 2, with the same mean and covariance. Control."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _fit(self):
        missing = set(SETTINGS) - set(self.train.settings)
        if missing:
            raise ValueError(f"train.settings: {', '.join(sorted(missing))} missing; give {', '.join(SETTINGS)}")
        strange = set(self.train.run) - set(self.train.settings)
        if strange or "base" not in self.train.run:
            raise ValueError("train.run: base and others of train.settings")
        if self.train.seeds > self.simulate.seeds:
            raise ValueError(f"train.seeds: only {self.simulate.seeds} are simulated")
        for name, setting in self.train.settings.items():
            if setting.known > self.simulate.samples:
                raise ValueError(f"train.settings.{name}.known: there are {self.simulate.samples} (simulate.samples)")
        if self.train.time < 2 * max(self.train.rate, self.train.width_rate):
            raise ValueError("train.time: two steps of train.rate and train.width_rate at least")
        return self
