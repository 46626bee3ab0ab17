"""What a motion and its deviations say of chaos: exponent, alignment, the label, and how well energy was kept."""

import numpy as np

from pesin.integrate.variational import Tangents
from pesin.steps.labels import labelled
from studies.ordinal_orbit_complexity.classes import LOST


def tangent_variables(dims, results: list[Tangents], interval, chaos_growth: float, unit: str) -> dict:
    """Finite-time exponent, SALI, and the label that follows from the growth of a deviation."""
    growth = np.stack([result.growth[:, 0] for result in results])
    sali = np.stack([result.sali[:, -1] for result in results])
    return {
        "lyapunov_exponent": labelled(
            dims,
            growth.mean(-1) / interval,
            "finite-time Lyapunov exponent",
            f"1/{unit}",
            role="truth",
            nan=LOST,
            may_be_constant=1,
        ),
        "growth": labelled(
            dims,
            growth.sum(-1),
            "ln of a deviation's growth over the run",
            role="truth",
            nan=LOST,
            may_be_constant=1,
        ),
        "sali": labelled(dims, sali, "smaller alignment index at the end", role="truth", nan=LOST),
        "is_chaotic": labelled(
            dims, growth.sum(-1) > chaos_growth, "a deviation grew by more than the threshold", role="truth"
        ),
    }


def energy_error(conserved, kinetic) -> np.ndarray:
    """Largest departure of a conserved quantity from its start, over the mean kinetic energy, along the last axis."""
    with np.errstate(invalid="ignore"):  # where nothing moves, 0 / 0
        return np.abs(conserved - conserved[..., :1]).max(-1) / kinetic.mean(-1)
