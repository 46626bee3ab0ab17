"""A data variable with its unit and its name."""

import numpy as np


def labelled(dims, values, long_name: str, units: str = "1", **attributes) -> tuple:
    """Return (dims, values, attributes) as xarray takes them."""
    return dims, np.asarray(values), {"units": units, "long_name": long_name} | attributes
