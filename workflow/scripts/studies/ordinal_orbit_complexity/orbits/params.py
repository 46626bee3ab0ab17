"""Types of the parameters of tracer orbits in potentials of growing intricacy, with Henon-Heiles as the known case."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from pesin.params import Model
from studies.ordinal_orbit_complexity.ordinal import Ordinal


class Simulate(Model):
    """Seen by all steps."""

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
    attraction: bool
    """false: no force at all, so that every orbit is a straight line."""
    chaos_growth: PositiveFloat
    """e-foldings of a deviation over the run from which an orbit counts as chaotic."""


class Entropy(Model):
    """Seen by the entropy step."""

    resamples: PositiveInt
    surrogates: PositiveInt
    surrogate_orbits: PositiveInt
    """Orbits of each potential that the surrogate test is run on."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Ordinal
    entropy: Entropy
