"""What every variable of a result says of itself: its name, its unit, and why a value of it may be missing."""

from __future__ import annotations

import numpy as np

DIVERGED = "a run that diverged"


def labelled(dims, values, name: str, units: str = "1", *, nan: str = "", **attributes) -> tuple:
    """A variable for a Dataset, (dimensions, values, attributes) as xarray takes them.

    The one place where a variable gets its unit: judge, ledger and the axes of figures read it from the file.

    Parameters
    ----------
    dims : str or sequence of str
        () for a single number.
    values : array_like
        One axis for each of `dims`.
    name
        Its `long_name`: what a reader would call it, in lower case, without the unit.
    units
        Its `units`; "1" for a pure number.
    nan
        What a NaN or an infinity of this variable stands for, such as `DIVERGED`. Without it all must be finite.
    **attributes
        More of them: `role="truth"` (training must not see it), `role="timing"` (seconds), `may_be_constant=1`.
    """
    found = {"units": units, "long_name": name} | ({"nan": nan} if nan else {}) | attributes
    return dims, np.asarray(values), found
