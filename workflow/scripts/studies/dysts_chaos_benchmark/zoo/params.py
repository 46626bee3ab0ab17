"""Parameters of the zoo: its trajectories, and its spectra, dimensions and entropies."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from pesin.params import Model
from studies.dysts_chaos_benchmark.systems_params import Direction, Systems


class Simulate(Model):
    systems: Systems
    own: list[str] = []
    """Files of your own systems, relative to the project: rhs(t, x, **parameters), PARAMETERS, START."""
    periods: PositiveFloat
    points_per_period: PositiveInt
    tolerance: PositiveFloat
    direction: Direction


class Entropy(Model):
    target: PositiveFloat
    """Relative standard error of the largest exponent at which a spectrum's run ends."""
    max_steps: PositiveInt
    """Steps of the integrator at which it ends anyway."""
    chaos_growth: PositiveFloat
    """Nats that a displacement must grow along each member's run for a system to count as chaotic."""
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
