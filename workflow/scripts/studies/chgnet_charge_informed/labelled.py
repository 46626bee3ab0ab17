"""What every variable of the study's results says of itself."""

from __future__ import annotations

import numpy as np

NAN = {"allow_nan": 1}
SAME = {"may_be_constant": 1}


def labelled(dims, values, name: str, units: str = "1", **attributes) -> tuple:
    """A variable for a Dataset: dimensions, values, attributes."""
    return dims, np.asarray(values), {"units": units, "long_name": name} | attributes
