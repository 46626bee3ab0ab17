"""The response that emulator and table stand for: the Earth as ocean and Maxwell solid, in four inputs."""

from __future__ import annotations

import numpy as np

from studies.lava_world_tides.recession.moon import closed_form
from studies.lava_world_tides.recession.params import Train
from studies.lava_world_tides.tides import BULK_DENSITY, EARTH_GRAVITY, EARTH_RADIUS, maxwell_dissipation

INPUTS = ("sigma", "depth", "drag", "viscosity")
RIGIDITY = 6e10  # Pa
STIFFNESS = 19 * RIGIDITY / (2 * BULK_DENSITY * EARTH_GRAVITY * EARTH_RADIUS)


def earth_response(sigma, depth, drag, viscosity):
    """-Im k2 of ocean and solid together; arguments in SI units broadcast."""
    return closed_form(sigma, depth, drag) + maxwell_dissipation(sigma, viscosity / RIGIDITY, STIFFNESS)


def ranges(wanted: Train) -> tuple[np.ndarray, np.ndarray]:
    """Natural logarithms of the lower and upper ends of the training inputs, each of shape (4,)."""
    low, high = np.log([getattr(wanted, name) for name in INPUTS]).T
    return low, high
