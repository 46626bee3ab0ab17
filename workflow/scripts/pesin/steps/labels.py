"""What every variable of a result says of itself: its unit and its name."""

from __future__ import annotations

import numpy as np

NAN = {"allow_nan": 1}
SAME = {"may_be_constant": 1}


def about(units: str, name: str) -> dict:
    """Attributes of a variable of runs. NaN is allowed: it stands for a run that diverged, which counts as failed."""
    return {"units": units, "long_name": name, "allow_nan": 1}


def labelled(dims, values, name: str, units: str = "1", **attributes) -> tuple:
    """A variable for a Dataset, (dimensions, values, attributes) as xarray takes them.

    Parameters
    ----------
    dims : str or sequence of str
    values : array_like
        One axis for each of `dims`.
    name, units
        `long_name` and `units`, which `pesin.steps.files.publish` asks for.
    **attributes
        More of them, such as `allow_nan=1` or `role="truth"`.
    """
    return dims, np.asarray(values), {"units": units, "long_name": name} | attributes
