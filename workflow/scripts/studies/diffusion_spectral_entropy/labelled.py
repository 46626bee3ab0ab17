"""What every variable of the study's results says of itself, and the unit of its entropies."""

from __future__ import annotations

from math import log

BIT = log(2)
"""A bit in nats: the library gives nats, this study bits."""


def about(units: str, name: str) -> dict:
    """Attributes of a variable. NaN is allowed: it stands for a run that diverged, which counts as failed."""
    return {"units": units, "long_name": name, "allow_nan": 1}
