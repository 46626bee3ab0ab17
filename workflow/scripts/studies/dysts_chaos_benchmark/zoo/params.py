"""Parameters of the zoo: its trajectories, and its spectra, dimensions and entropies."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from pesin.params import Model
from studies.dysts_chaos_benchmark.systems_params import Systems


class Simulate(Model):
    systems: Systems
    own: list[str] = []
    """Files of your own systems, relative to the project: rhs(t, x, **parameters), PARAMETERS, START."""
    periods: PositiveFloat
    points_per_period: PositiveInt
    tolerance: PositiveFloat
    direction: Literal["forward", "backward"]
    """backward: every flow with its sign turned, so that attractors repel."""
    compared: list[str]
    """Systems that two solvers integrate, and one solver on two grids of time."""
    compared_lyapunov_times: PositiveFloat


class Entropy(Model):
    target: PositiveFloat
    """Relative standard error of the largest exponent at which a spectrum's run ends."""
    max_steps: PositiveInt
    """Steps of the integrator at which it ends anyway."""
    delay_exponents: PositiveInt
    """Exponents of each delay system, which has infinitely many."""
    points: PositiveInt
    """Length of the series that the correlation dimension is read off, at 30 points in a period."""
    references: PositiveInt
    scales: PositiveInt
    """Largest scale of the multiscale entropy."""


class Params(Model):
    simulate: Simulate
    entropy: Entropy
