"""95 % intervals over independent units: Student t, order statistics, Wilson, Fisher z."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from scipy import special  # scipy.stats would cost every job half a second of imports

from pesin.declared import Change, Declared
from pesin.door import centred, finite, numbers, ordered, yes_no

Estimate = Literal["mean", "median", "share"]


class Centre(NamedTuple):
    """A centre over independent units with its 95 % interval: floats, or DataArrays over the other dimensions."""

    centre: float | xr.DataArray
    low: float | xr.DataArray
    high: float | xr.DataArray
    failed: int | xr.DataArray
    """Units without a value (NaN). They open the interval to both sides, and count as "no" in a share."""


def interval(values, over: str | None = None, estimate: Estimate = "mean") -> Centre:
    """The centre over independent units and its 95 % interval: what the judge judges, and so what a figure draws.

    Parameters
    ----------
    values : DataArray with the dimension `over`, or array_like of shape (units,)
        One value for each unit; NaN for a unit that failed. An infinite one has a rank, but no mean.
    over
        The dimension of independent units, for a DataArray.
    estimate
        mean (Student t), median (order statistics), or the share of yes/no values (Wilson).

    Returns
    -------
    Centre
        centre, low, high, failed: numbers, or DataArrays over the dimensions that are left. The ends are infinite where
        a unit failed; a share's are not.

    Raises
    ------
    ValueError
        If a share is asked of values other than 0 and 1.
    """
    if not isinstance(values, xr.DataArray):
        return _interval(numbers(values, "values"), estimate)
    if over is None:
        raise ValueError("name the dimension of independent units: interval(values, over)")
    ends = xr.apply_ufunc(
        lambda block: np.apply_along_axis(lambda row: np.array(_interval(row, estimate), float), -1, block),
        values.astype(float),
        input_core_dims=[[over]],
        output_core_dims=[["_end"]],
    )
    return Centre(*(ends.isel(_end=i, drop=True).assign_attrs(values.attrs) for i in range(4)))


def _interval(values: np.ndarray, estimate: Estimate) -> Centre:
    failed = np.isnan(values)
    lost = int(failed.sum())
    if estimate == "share":
        if not np.isin(values[~failed], (0.0, 1.0)).all():
            raise ValueError("'estimate: share' needs yes/no values (0 or 1).")
        return Centre(*share_interval(np.where(failed, 0.0, values) == 1.0), lost)
    kept = values[~failed]
    if not kept.size:
        return Centre(np.nan, -np.inf, np.inf, lost)
    if lost or (estimate == "mean" and not np.isfinite(kept).all()):
        finite = kept[np.isfinite(kept)]
        centre = np.median(kept) if estimate == "median" else (finite.mean() if finite.size else np.nan)
        return Centre(float(centre), -np.inf, np.inf, lost)
    return Centre(*(mean_interval(kept) if estimate == "mean" else median_interval(kept)), lost)


def mean_interval(values, level: float = 0.95) -> tuple[float, float, float]:
    """Mean and Student-t interval.

    Parameters
    ----------
    values : array_like, shape (units,)
        One value for each independent unit.

    Returns
    -------
    (mean, low, high)
        low and high are -inf and inf for fewer than two units.
    """
    values = finite(values, "values")
    n = values.size
    centre = float(values.mean()) if n else np.nan
    if n < 2:
        return centre, -np.inf, np.inf
    half = float(special.stdtrit(n - 1, 0.5 + level / 2) * values.std(ddof=1) / np.sqrt(n))
    return centre, centre - half, centre + half


def median_interval(values, level: float = 0.95) -> tuple[float, float, float]:
    """Median and the interval between two order statistics (binomial; for n < 6 the whole range, which covers less).

    Parameters
    ----------
    values : array_like, shape (units,)

    Returns
    -------
    (median, low, high)
    """
    values = np.sort(ordered(values, "values"))
    n = values.size
    if n < 2:
        return (float(values[0]) if n else np.nan), -np.inf, np.inf
    tails = special.bdtr(np.arange(n), n, 0.5)  # chance that at most k of n values lie below the median
    rank = max(int((tails <= (1 - level) / 2).sum()), 1)
    return float(np.median(values)), float(values[rank - 1]), float(values[n - rank])


def share_interval(yes, level: float = 0.95) -> tuple[float, float, float]:
    """Share of units that say yes, and Wilson's interval.

    Parameters
    ----------
    yes : array_like of bool, shape (units,)

    Returns
    -------
    (share, low, high)
    """
    yes = yes_no(yes, "yes")
    n = yes.size
    if n == 0:
        return np.nan, 0.0, 1.0
    share = float(yes.mean())
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return share, float(max(centre - half, 0.0)), float(min(centre + half, 1.0))


def correlation_interval(x, y, method: str = "spearman", level: float = 0.95) -> tuple[float, float, float]:
    """Correlation over units and its Fisher-z interval (Bonett and Wright's variance for Spearman).

    Parameters
    ----------
    x, y : array_like, shape (units,)
    method : {"spearman", "pearson"}

    Returns
    -------
    (rho, low, high)
        rho is NaN and the interval (-1, 1) if one of the two is constant or there are fewer than five units.
    """
    checked = ordered if method == "spearman" else finite
    x, y = checked(x), checked(y, "y")
    n = x.size
    if n < 5 or np.all(x == x[0]) or np.all(y == y[0]):
        return np.nan, -1.0, 1.0
    x, y = (ranks(x), ranks(y)) if method == "spearman" else (centred(x), centred(y))
    rho = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    variance = (1 + rho**2 / 2) / (n - 3) if method == "spearman" else 1 / (n - 3)
    half = float(special.ndtri(0.5 + level / 2) * np.sqrt(variance))
    centre = np.arctanh(np.clip(rho, -1 + 1e-12, 1 - 1e-12))
    return rho, float(np.tanh(centre - half)), float(np.tanh(centre + half))


def ranks(values) -> np.ndarray:
    """Ranks from 1 along the last axis, ties averaged. Shape (..., units)."""
    return np.apply_along_axis(_ranks, -1, ordered(values, "values"))


def _ranks(values: np.ndarray) -> np.ndarray:
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[where]


def spearman(x, y) -> float:
    """Spearman's rho, ties averaged; NaN if one of the two is constant or holds a NaN.

    Parameters
    ----------
    x, y : array_like, shape (units,)
        Infinite values keep their rank.
    """
    x, y = numbers(x), numbers(y, "y")
    if np.isnan(x).any() or np.isnan(y).any() or np.all(x == x[0]) or np.all(y == y[0]):
        return np.nan
    # Rounded: ranks are halves of integers, and a rho that is exactly 0.9 must not miss a bound of 0.9 by one bit.
    return round(float(np.corrcoef(_ranks(x), _ranks(y))[0, 1]), 12)


_FAILED = "NaN is a unit that failed; an infinite value has a rank, but no mean"
_RANK = "an infinite value has a rank"
_ANY: tuple[Change, ...] = ("shift", "scale", "monotone")
DECLARED = (
    Declared(
        interval, ("values",), follows="values", moves="it is in the unit of the values", missing={"values": _FAILED}
    ),
    Declared(mean_interval, ("values",), follows="values", moves="it is in the unit of the values"),
    Declared(
        median_interval,
        ("values",),
        follows="values",
        moves="it is in the unit of the values",
        infinite={"values": _RANK},
    ),
    Declared(share_interval, ("yes",), names=("yes",), moves="yes and no are no sizes"),
    Declared(
        correlation_interval,
        ("x", "y"),
        invariant=_ANY,
        alone={"x": _ANY, "y": _ANY},
        infinite={"x": _RANK, "y": _RANK},
    ),
    Declared(ranks, ("values",), invariant=_ANY, infinite={"values": _RANK}),
    Declared(
        spearman,
        ("x", "y"),
        invariant=_ANY,
        alone={"x": _ANY, "y": _ANY},
        missing={"x": "rho is NaN", "y": "rho is NaN"},
    ),
)
