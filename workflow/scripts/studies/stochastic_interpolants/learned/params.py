"""Types of the parameters of bridges whose fields networks learn."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from pesin.models.bridges import Noise, Path
from pesin.params import Model

World = Literal["mixture", "checkerboard"]
Net = Literal["velocity", "noise", "rectified", "coupled", "diffusion"]


class Learning(Model):
    """How long the networks of one world train."""

    models: Annotated[list[Net], Field(min_length=2)]
    """velocity (b) and noise (the denoiser) of the bridge, which claims are judged by. Baselines: rectified flow;
    coupled, which pairs points by optimal transport, at the cost of hours at paper scale; diffusion."""
    steps: NonNegativeInt
    batch: PositiveInt
    """Pairs of ends in an update; each is used with the noise and with its negative."""


class Train(Model):
    """Seen by all steps."""

    mixture: Learning
    checkerboard: Learning
    seeds: Annotated[int, Field(ge=3)]
    """Trainings of each network; all networks of one seed and world see the same points."""
    path: Path
    noise: Noise
    points: PositiveInt
    """Of the target, that each seed learns from; the base and the noise are drawn anew."""
    hidden: Annotated[list[PositiveInt], Field(min_length=1)]
    rate: PositiveFloat
    """Adam's learning rate; it falls to 0 along half a cosine."""

    @model_validator(mode="after")
    def _fields(self):
        if self.noise == "none":
            raise ValueError("noise: a bridge without noise has no denoiser to learn")
        for world in ("mixture", "checkerboard"):
            models = getattr(self, world).models
            if lost := {"velocity", "noise"} - set(models):
                raise ValueError(f"{world}.models: {', '.join(sorted(lost))} missing, which claims are judged by")
            if len(set(models)) < len(models):
                raise ValueError(f"{world}.models: a network is named twice")
        return self


class Entropy(Model):
    """Seen by the entropy step."""

    velocity: Literal["velocity", "path"]
    """Which network stands for b. Control: that of v, the velocity without the noise's part."""
    times: Annotated[int, Field(ge=3)]
    """Random times, one in each of so many equal parts, at which fields and losses are compared."""
    cloud: PositiveInt
    """Pairs of ends at each of them, used with the noise and with its negative."""


class Forecast(Model):
    """Seen by the forecast step."""

    fields: Literal["learned", "exact"]
    """Control: exact fields, which have no error that noise could heal."""
    worlds: Annotated[list[World], Field(min_length=1)]
    noises: Annotated[list[NonNegativeFloat], Field(min_length=3)]
    """Diffusion eps of the SDE; the first is 0, the ODE."""
    samples: dict[World, Annotated[int, Field(ge=20)]]
    """By world, in each of two halves: one chooses a noise level, the other measures it."""
    steps: Annotated[int, Field(ge=2)]
    """Of Euler and Maruyama; the ODE takes as many of Heun's, and so as many network calls."""
    ends: Annotated[float, Field(gt=0, lt=0.1)]
    """Time left out at either end, where the score is noise over noise."""
    neighbours: PositiveInt
    """Of the k-NN divergence."""
    truths: Annotated[int, Field(ge=100)]
    """True samples of each seed, at which densities are compared."""
    held_out: PositiveInt
    """Points of the target whose likelihood the ODE gives."""
    assigned: PositiveInt
    """Points of the exact 2-Wasserstein distance."""

    @model_validator(mode="after")
    def _fit(self):
        if self.noises != sorted(set(self.noises)) or self.noises[0] != 0:
            raise ValueError("noises: they rise, and the first is 0, the ODE")
        for world in self.worlds:
            if world not in self.samples:
                raise ValueError(f"samples: none for the world '{world}'")
            if max(self.assigned, self.neighbours + 1) > self.samples[world]:
                raise ValueError(f"samples: {self.samples[world]} of '{world}' are fewer than assigned or neighbours")
        return self


class Params(Model):
    """Parameters of one case."""

    train: Train
    entropy: Entropy
    forecast: Forecast
