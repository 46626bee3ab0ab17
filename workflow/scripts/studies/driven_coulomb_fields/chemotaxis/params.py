"""Types of the parameters of polarity-induced chemotaxis on a line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.params import Model, Rising


class Simulate(Model):
    """Seen by all steps. du/dt = nu u_xx - coupling u u_x + (2 strength)^(1/2) xi, u the gradient of the signal."""

    length: PositiveFloat
    points: Annotated[int, Field(ge=16, multiple_of=2)]
    nu: PositiveFloat
    coupling: PositiveFloat
    strength: PositiveFloat
    """D0 of the noise."""
    step: PositiveFloat
    time: PositiveFloat
    """From the flat state on; the second half is measured."""
    spacing: PositiveFloat
    """Time between two stored states."""
    realisations: Annotated[int, Field(ge=3)]
    """Each with noise of its own, with and without the coupling."""
    burst: Annotated[int, Field(ge=10)]
    """Steps after the end whose states are all stored."""

    @model_validator(mode="after")
    def _whole(self):
        every = self.spacing / self.step
        if abs(every - round(every)) > 1e-9 or round(every) < 1:
            raise ValueError(f"spacing: {self.spacing:g} is no multiple of the step {self.step:g}")
        if self.time < 8 * self.spacing:
            raise ValueError("time: fewer than 4 stored states in its second half")
        # (strength / nu)^(1/2) is u where it varies within a cell, and some times less than the largest u.
        fast = self.coupling * (self.strength / self.nu) ** 0.5 * self.step * self.points / self.length
        if fast > 0.1:
            raise ValueError(f"step: too long for the grid, a field of one moves {fast:.2f} cells in it; at most 0.1")
        return self


class Train(Model):
    """Seen by the train step and those after it."""

    modes: PositiveInt
    """Lowest modes that the sparse regression is projected on."""
    threshold: NonNegativeFloat
    """Smaller coefficients are dropped."""


class Entropy(Model):
    """Seen by the entropy step."""

    source: Literal["coupled", "linear", "still"]
    """Which fields are measured: with the coupling, without (control), or flat ones (null)."""
    modes: Annotated[int, Field(ge=5)]
    """Lowest modes that are measured."""
    widths: Annotated[list[PositiveFloat], Field(min_length=3), Rising]
    """Of the windows that cells are counted in."""


class Forecast(Model):
    """Seen by the forecast step."""

    lead: PositiveFloat
    starts: PositiveInt
    """States of each realisation that a forecast starts from."""
    members: Annotated[int, Field(ge=2)]


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Train
    entropy: Entropy
    forecast: Forecast

    @model_validator(mode="after")
    def _within(self):
        whole = self.simulate
        for name in ("train", "entropy"):
            if getattr(self, name).modes >= whole.points / 3:
                raise ValueError(f"{name}.modes: only those below a third of simulate.points are free of aliases")
        if self.entropy.widths[-1] >= whole.length / 2:
            raise ValueError("entropy.widths: a window reaches over half of simulate.length or more")
        frames = self.forecast.lead / whole.spacing
        if abs(frames - round(frames)) > 1e-9 or round(frames) < 1:
            raise ValueError(f"forecast.lead: {self.forecast.lead:g} is no multiple of simulate.spacing")
        if (self.forecast.starts + 1) * self.forecast.lead > whole.time / 2 - whole.spacing:
            raise ValueError("forecast.starts: so many don't fit into the second half of simulate.time")
        return self
