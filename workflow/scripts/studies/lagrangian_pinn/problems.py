"""The problems on the circle 0 <= x < 2 pi, t in [0, 1], and their exact fields: sine and pulse convected, and Burgers.

u_t + f u_x = nu u_xx with f = c for convection; for Burgers u = c + w and f = c + w. In the frame that moves with c
all speeds have the same field, u(x, t; c) = w(x - c t, t) (w for Burgers): one field stands for all.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from pesin.integrate.pseudospectral import advection, dealias, etdrk4, wavenumbers
from pesin.integrate.steppers import follow
from pesin.params import Model

ROUND = 2 * np.pi
Problem = Literal["sine", "pulse", "burgers"]
Speeds = Annotated[list[NonNegativeFloat], Field(min_length=2)]


class Problems(Model):
    """What both cases share."""

    speeds: dict[Problem, Speeds]
    """Wave speeds c of each problem, rising."""
    viscosity: dict[Problem, NonNegativeFloat]
    spread: PositiveFloat
    """Standard deviation of the pulse, rad."""
    points: Annotated[int, Field(ge=16, multiple_of=2)]
    times: Annotated[int, Field(ge=8)]
    windows: PositiveInt
    """Of time, one after the other."""
    window_speed: NonNegativeFloat
    """Of the pulse whose time is cut into windows."""

    @model_validator(mode="after")
    def _whole(self):
        for name in ("sine", "pulse", "burgers"):
            if name not in self.speeds or name not in self.viscosity:
                raise ValueError(f"speeds and viscosity must name {name}")
            if self.speeds[name] != sorted(set(self.speeds[name])):
                raise ValueError(f"speeds.{name}: they must rise")
        if self.window_speed not in self.speeds["pulse"]:
            raise ValueError(f"window_speed: {self.window_speed:g} is none of the pulse's speeds")
        if not self.viscosity["burgers"]:
            raise ValueError("viscosity.burgers: without viscosity the field breaks at t = 1")
        return self

    @property
    def x(self) -> np.ndarray:
        """Places, shape (points,): the end of the circle is its beginning, and counted once."""
        return ROUND / self.points * np.arange(self.points)

    @property
    def t(self) -> np.ndarray:
        """Times, shape (times,), both ends counted."""
        return np.linspace(0, 1, self.times)


def initial(problem: Problem, x, spread: float):
    """The field at t = 0 of places (rad), for arrays; Burgers' without its mean c."""
    if problem == "pulse":
        return np.exp(-((np.mod(x, ROUND) - np.pi) ** 2) / (2 * spread**2))
    return np.sin(x)


def resting(problems: Problems, problem: Problem) -> np.ndarray:
    """The field in the frame that moves with c, shape (times, points), by modes."""
    wave, nu = wavenumbers(problems.points, ROUND), problems.viscosity[problem]
    modes = np.fft.rfft(initial(problem, problems.x, problems.spread))
    if problem == "burgers":
        kept, fine = dealias(problems.points), max(1, int(np.ceil(400 / problems.times)))
        steps = (problems.times - 1) * fine
        rate = advection(1.0, wave, kept, problems.points)
        later = etdrk4(-nu * wave**2, rate, modes, 1 / steps, steps, fine)
        whole = np.stack([modes, *later])
    else:
        whole = modes * np.exp(-nu * wave**2 * problems.t[:, None])
    return np.fft.irfft(whole, problems.points)


def at_places(field: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A field at any places, by its modes: (times, points) and y in rad (..., times, n) -> (..., times, n)."""
    points = field.shape[-1]
    modes = np.fft.rfft(field) / points
    size = abs(modes).max(0)
    kept = np.flatnonzero(size > 1e-10 * size.max())
    weights = modes[:, kept] * np.where((kept == 0) | (kept == points // 2), 1, 2)
    flat = np.asarray(y, float).reshape(-1, *y.shape[-2:])
    found = [np.einsum("tnk,tk->tn", np.exp(1j * one[..., None] * kept), weights).real for one in flat]
    return np.stack(found).reshape(y.shape)


def paths(problems: Problems, problem: Problem, field: np.ndarray) -> np.ndarray:
    """Characteristics from all places, in the frame that moves with c: positions in rad, shape (times, points)."""
    if problem != "burgers":
        return np.broadcast_to(problems.x, field.shape).copy()

    def speed(y: np.ndarray, t: float) -> np.ndarray:
        i = round(t * (problems.times - 1))
        return at_places(field[i : i + 1], y[None])[0]

    return np.stack([problems.x, *follow(speed, problems.x, problems.t, "heun")])


def modes_needed(matrix: np.ndarray, left_out: float = 1e-4) -> int:
    """How many singular vectors a snapshot matrix (times, points) needs, so that this share of its energy is left."""
    energy = np.linalg.svd(matrix, compute_uv=False) ** 2
    left = 1 - np.cumsum(energy) / energy.sum()
    return int(np.argmax(left <= left_out)) + 1


def snapshots(problems: Problems, field: np.ndarray, speed: float) -> np.ndarray:
    """The field on the fixed grid, shape (times, points)."""
    return at_places(field, problems.x - speed * problems.t[:, None])
