"""What every variable of the study's results says of itself."""

from __future__ import annotations


def about(units: str, name: str) -> dict:
    """Attributes of a variable. NaN is allowed: it stands for a run that diverged, which counts as failed."""
    return {"units": units, "long_name": name, "allow_nan": 1}
