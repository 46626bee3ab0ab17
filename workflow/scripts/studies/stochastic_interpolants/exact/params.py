"""Types of the parameters of bridges on the line whose fields are known, and of what else is known in closed form."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.models.bridges import Noise, Path
from pesin.params import Model, Name

Switch = Annotated[float, Field(ge=0, le=1)]


class Arm(Model):
    """A bridge, and what is wrong with the fields that its samples follow."""

    world: Literal["peaks", "modes"]
    path: Path = "linear"
    noise: Noise = "brownian"
    velocity_error: NonNegativeFloat = 0
    """p in b + p sin(3 x)."""
    score_error: NonNegativeFloat = 0
    """q in s + q cos(3 x)."""

    @property
    def bridge(self) -> tuple[str, ...]:
        """What the exact fields hang on."""
        return self.world, self.path, self.noise


class Entropy(Model):
    """Seen by the entropy step."""

    arms: dict[Name, Arm]
    run: Annotated[list[Name], Field(min_length=1)]
    """Arms that are sampled. `exact` is among them: others are held against it."""
    noises: Annotated[list[NonNegativeFloat], Field(min_length=1)]
    """Diffusion eps; 0 is the ODE."""
    seeds: Annotated[int, Field(ge=3)]
    samples: Annotated[int, Field(ge=100, multiple_of=2)]
    """Paths of each seed, in pairs."""
    steps: PositiveInt
    """Of Euler and Maruyama, in which ODE and SDE call the fields equally often."""
    ends: Annotated[float, Field(gt=0, lt=0.1)]
    """Time left out at either end."""
    times: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]
    """At which marginals are compared and the Fokker-Planck equation is checked."""
    cell: PositiveFloat
    """Width of the cells of the histogram that gives the divergence."""
    diffusions: Annotated[list[PositiveFloat], Field(min_length=1)]
    """Of the reference processes whose Schroedinger bridge is known."""
    score: Switch
    """Factor on the score wherever it is used. Control: 0."""
    errors: Switch
    """Factor on the errors of the fields. Control: 0."""
    motion: Switch
    """Factor on drift and noise. Null: 0, all stay where they start."""

    @model_validator(mode="after")
    def _fit(self):
        if unknown := set(self.run) - set(self.arms):
            raise ValueError(f"run: {', '.join(sorted(unknown))} not among the arms {', '.join(self.arms)}")
        if "exact" not in self.run:
            raise ValueError("run: 'exact' is missing, which the others are held against")
        return self


class Params(Model):
    """Parameters of one case."""

    entropy: Entropy
