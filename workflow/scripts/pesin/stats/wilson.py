"""How many units a share needs: Wilson's interval without scipy, for checks while a workflow is read."""

from __future__ import annotations

import math
import sys
from statistics import NormalDist


def fewest_units(threshold: float, level: float = 0.95) -> int:
    """Fewest units of which all say yes that put Wilson's whole interval at or above a share.

    The lower end of n yeses of n is n / (n + z^2) (Wilson 1927, equation 2): 35 for a share of 0.9.
    """
    if threshold >= 1:
        return sys.maxsize  # none does
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    return math.ceil(threshold * z2 / (1 - threshold))
