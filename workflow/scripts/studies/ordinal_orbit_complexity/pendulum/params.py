"""Types of the parameters of the double pendulum from small and large angles."""

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from pesin.params import Model
from studies.ordinal_orbit_complexity.ordinal import Ordinal, Rising


class Simulate(Model):
    """Seen by all steps."""

    dynamics: Literal["full", "linear", "still"]
    """linear: to first order in the angles, where two normal modes are all there is and nothing is chaotic; still:
    nothing moves."""
    starts: PositiveInt
    """Starts of each kind, all at rest."""
    small_angle: PositiveFloat
    """Largest angle of the mixed-mode small starts, degrees; pure modes have theta1 up to 0.9 of it."""
    large_theta1: tuple[PositiveFloat, PositiveFloat]
    """Range of theta1 of the large starts, degrees."""
    large_theta2: float
    """theta2 of the large starts, degrees."""
    duration: PositiveInt
    """Seconds."""
    samples_per_second: PositiveInt
    chaos_growth: PositiveFloat
    """e-foldings of a deviation over the run from which a motion counts as chaotic."""


class Entropy(Model):
    """Seen by the entropy step."""

    ratios: Rising
    resamples: PositiveInt
    """Moving-block bootstrap samples of each (H, C)."""


class Params(Model):
    """Parameters of one case."""

    simulate: Simulate
    train: Ordinal
    entropy: Entropy
