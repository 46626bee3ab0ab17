"""The rules: each turns quantities into a measured value with a 95 % interval over independent units, and a verdict.

A verdict is `reproduced`, `partly`, `not reproduced` or `no verdict`. One decision serves all rules that resample
units: each unit gives one number, and the numbers are held against the region that the rule accepts.

- reproduced: the whole interval of the centre lies in the region and, if the rule asks for a share of units
  (`in_at_least`), that share lies in it one by one.
- partly: with a share asked: the interval lies in the region and the share is at least `partly_at_least`, or the
  share is reached and the centre lies in the region though its interval leaves it. With no share asked: the centre
  lies in the region though its interval leaves it; for orderings and correlations the interval must also exclude
  "no effect", so that noise is never half a success.
- not reproduced: everything else. A NaN is a unit that failed; it opens the interval to both sides.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, singledispatch
from typing import cast

import numpy as np
import xarray as xr

from pesin.claims.models import (
    Bound,
    Correlation,
    Every,
    Identity,
    Interval,
    Judged,
    Monotone,
    Need,
    NotTestable,
    Ordering,
    Quantity,
    Within,
)
from pesin.errors import UserError
from pesin.stats.intervals import Estimate, correlation_interval, interval, spearman

WORST_FIRST = ("no verdict", "not reproduced", "partly", "reproduced")
FEWEST_UNITS = 3
DRAWS = 400

Read = Callable[[Quantity], xr.DataArray]


@dataclass(frozen=True)
class Outcome:
    """What one rule came to: measured value, its interval, the region accepted, units, verdict and why."""

    verdict: str
    measured: float = np.nan
    low: float = np.nan
    high: float = np.nan
    accept_low: float = np.nan
    accept_high: float = np.nan
    n: int = 0
    reason: str = ""
    unit: str = "1"
    """Unit of the measured value, as the file of its variable says."""
    values: tuple[float, ...] = ()
    """The number of each unit, where each gives one; NaN for a unit that failed."""
    satisfied: float = np.nan
    """Share of the units, or elements, that satisfy the rule one by one."""
    redraw: Callable[[], tuple[str, ...]] | None = field(default=None, compare=False, repr=False)
    """Gives the verdict of each of `DRAWS` resamples of the units, drawn with replacement. None: no units."""
    distance: float = np.nan
    """Of exact numbers: how far the worst one lies from its bound, in tolerances; negative outside."""


@singledispatch
def evaluate(rule, read: Read) -> Outcome:
    """Judge one rule.

    Parameters
    ----------
    rule
        One of the rule models.
    read
        Function that returns the DataArray of a Quantity.

    Raises
    ------
    UserError
        If a quantity isn't there, or dimensions are left over.
    """
    raise TypeError(f"no rule {type(rule).__name__}")


@evaluate.register
def _(rule: Within, read: Read) -> Outcome:
    return decide(_units(rule.value, read, rule.over), rule, rule.low, rule.high, unit_of(rule.value, read))


@evaluate.register
def _(rule: Bound, read: Read) -> Outcome:
    low = -np.inf if rule.above is None else rule.above
    high = np.inf if rule.below is None else rule.below
    return decide(_units(rule.value, read, rule.over), rule, low, high, unit_of(rule.value, read))


@evaluate.register
def _(rule: Interval, read: Read) -> Outcome:
    ordinate = read(rule.y)
    abscissa = read(rule.x) if rule.x is not None else _coordinate(ordinate, rule.along, rule.y)
    with xr.set_options(keep_attrs=True):
        ordinate, abscissa = xr.broadcast(*xr.align(ordinate, abscissa, join="exact"))
    y, x = _shaped(ordinate, rule.over, rule.along, rule.y), _shaped(abscissa, rule.over, rule.along, rule.y)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.log(x) if rule.scale == "loglog" else x
        y = np.log(y) if rule.scale in ("loglog", "semilog") else y
    dx = x - x.mean(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = (dx * y).sum(1) / (dx**2).sum(1)
    unit = (
        "1"
        if rule.scale == "loglog"
        else _ratio(
            "1" if rule.scale == "semilog" else ordinate.attrs.get("units", "1"), abscissa.attrs.get("units", "1")
        )
    )
    return decide(np.where(np.isfinite(slopes), slopes, np.nan), rule, rule.low, rule.high, unit)


@evaluate.register
def _(rule: Ordering, read: Read) -> Outcome:
    lower, than = _pair(rule.lower, rule.than, read, rule.over)
    with np.errstate(invalid="ignore"):  # inf - inf: both failed, nobody wins
        difference = than - rule.factor * lower
    smallest = np.nextafter(rule.margin, np.inf)
    with np.errstate(invalid="ignore"):
        plain = than - lower
    return decide(difference, rule, smallest, np.inf, unit_of(rule.than, read), effect=plain)


@evaluate.register
def _(rule: Monotone, read: Read) -> Outcome:
    value = read(rule.value)
    along = _coordinate(value, rule.along, rule.value)
    values = _shaped(value, rule.over, rule.along, rule.value)
    position = along.values.astype(float)
    rho = np.array([spearman(position, series) for series in values])
    rising = rule.direction == "increasing"
    # Open towards +-1: the interval of a mean near 1 reaches beyond it.
    region = (rule.at_least, np.inf) if rising else (-np.inf, -rule.at_least)
    return decide(rho, rule, *region, "1")


@evaluate.register
def _(rule: Correlation, read: Read) -> Outcome:
    x, y = _pair(rule.x, rule.y, read, rule.over)
    lost = int((~np.isfinite(x) | ~np.isfinite(y)).sum())
    kept = np.isfinite(x) & np.isfinite(y)
    accept_low = -1.0 if rule.above is None else rule.above
    accept_high = 1.0 if rule.below is None else rule.below
    n = int(kept.sum())

    def judged(units) -> tuple[str, float, float, float]:
        rho, low, high = correlation_interval(x[units][kept[units]], y[units][kept[units]], rule.method)
        inside = accept_low <= low and high <= accept_high and not lost
        effect = accept_low <= rho <= accept_high and (low > 0 or high < 0)
        good = "reproduced" if inside else "partly" if effect else "not reproduced"
        return "not reproduced" if np.isnan(rho) else good, rho, low, high

    verdict, rho, low, high = judged(np.arange(x.size))
    reason = f"{rule.method} correlation over {rule.over} (n = {n})" + (f"; {lost} without a value" if lost else "")
    if n < 5:
        verdict, reason = "no verdict", f"only {n} along {rule.over} with a value: a correlation needs five"
    elif np.isnan(rho):
        reason = "one of the two quantities is constant"

    def redraw() -> tuple[str, ...]:
        return tuple(judged(units)[0] for units in resamples(rule.over, x.size))

    return Outcome(verdict, rho, low, high, accept_low, accept_high, n, reason, redraw=redraw if n >= 5 else None)


@evaluate.register
def _(rule: Identity, read: Read) -> Outcome:
    difference, unit = _difference(rule.left, rule.right, rule.relative, read)
    return _within_tolerance(difference, rule.tolerance, unit)


@evaluate.register
def _(rule: Every, read: Read) -> Outcome:
    difference, unit = _difference(rule.value, rule.than, rule.relative, read)
    if rule.tolerance is not None:
        return _within_tolerance(difference, rule.tolerance, unit)
    low = -np.inf if rule.above is None else float(np.nextafter(rule.above, np.inf))
    high = np.inf if rule.below is None else float(np.nextafter(rule.below, -np.inf))
    return _elements(difference, low, high, unit)


def _within_tolerance(difference: np.ndarray, tolerance: float, unit: str) -> Outcome:
    outcome = _elements(abs(difference), -np.inf, tolerance, unit)
    distance = 1 - outcome.measured / tolerance if tolerance else np.nan
    return replace(outcome, accept_low=0.0, distance=distance)


def _difference(value: Quantity, than: Quantity | float | None, relative: bool, read: Read) -> tuple[np.ndarray, str]:
    """Elements of value - than, and their unit."""
    first = read(value)
    unit = "1" if relative else first.attrs.get("units", "1")
    left = first.astype(float)
    if than is None:
        return np.atleast_1d(left.values), unit
    right = read(than).astype(float) if isinstance(than, Quantity) else xr.full_like(left, float(than))
    left, right = xr.align(left, right, join="exact")
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (left - right) / abs(right) if relative else left - right
    return np.atleast_1d(found.values), unit


def _elements(values: np.ndarray, low: float, high: float, unit: str) -> Outcome:
    """Exact numbers, element by element: nothing is resampled, a NaN fails, the worst element stands for all."""
    lost = int(np.isnan(values).sum())
    outside = np.maximum(low - values, values - high)
    inside = int((outside <= 0).sum())
    worst = float("nan") if lost else float(values.flat[int(np.argmax(outside))])
    said = f"exact numbers, nothing is resampled: {inside} of {values.size} satisfy it"
    said += f"; {lost} without a value" if lost else ""
    verdict = "reproduced" if inside == values.size else "not reproduced"
    return Outcome(
        verdict, worst, worst, worst, low, high, values.size, said, unit, satisfied=inside / max(values.size, 1)
    )


@evaluate.register
def _(rule: NotTestable, read: Read) -> Outcome:
    return Outcome("not testable here", reason=rule.reason)


def decide(
    values: np.ndarray, rule: Judged, low: float, high: float, unit: str = "1", effect: np.ndarray | None = None
) -> Outcome:
    """Hold one number per unit against the region [low, high].

    Parameters
    ----------
    values : ndarray, shape (units,)
    rule
        Gives `estimate`, `in_at_least` and `partly_at_least`.
    low, high
        The region, bounds included.
    unit
        Unit of the values.
    effect : ndarray, shape (units,), optional
        Where its interval doesn't exclude zero there may be no effect at all: then the centre alone is never `partly`.
    """
    values = np.asarray(values, float)
    n, failed = values.size, np.isnan(values)
    if n < FEWEST_UNITS:
        return Outcome("no verdict", n=n, reason=f"only {n} along {rule.over}: an interval needs {FEWEST_UNITS}")
    yes = ~failed & (values >= low) & (values <= high)
    verdict, measured, below, above = _held_against(values, yes, rule, low, high, effect)
    said = f"{rule.estimate} over {rule.over} (n = {n})"
    if rule.estimate != "share":
        said += f", {int(yes.sum())} of {n} satisfy it one by one"
        said += f" (asked: {rule.in_at_least:.0%})" if rule.in_at_least is not None else ""
    said += f"; {int(failed.sum())} without a value" if failed.any() else ""

    def redraw() -> tuple[str, ...]:
        return tuple(
            _held_against(values[units], yes[units], rule, low, high, None if effect is None else effect[units])[0]
            for units in resamples(rule.over, n)
        )

    unit = "1" if rule.estimate == "share" else unit
    units = tuple(values.tolist())
    return Outcome(verdict, measured, below, above, low, high, n, said, unit, units, float(yes.mean()), redraw)


def _held_against(values, yes, rule: Judged, low, high, effect) -> tuple[str, float, float, float]:
    """Verdict, centre and interval of one number per unit; see `decide`."""
    measured, below, above = _centre(values, rule.estimate)
    inside, point, share = low <= below and above <= high, low <= measured <= high, float(yes.mean())
    if rule.in_at_least is not None:
        reached = share >= rule.in_at_least - 1e-9
        good = inside and reached
        half = (inside and share >= rule.partly_at_least - 1e-9) or (reached and point)
    else:
        good = inside
        half = point and (effect is None or _excludes_zero(effect, rule))
    return "reproduced" if good else "partly" if half else "not reproduced", measured, below, above


@cache
def resamples(over: str, n: int) -> np.ndarray:
    """Units of each resample, shape (DRAWS, n), the same for every rule over the same units: they go together."""
    return np.random.default_rng([zlib.crc32(over.encode()), n]).integers(n, size=(DRAWS, n))


def need_met(need: Need, read: Read) -> str:
    """Return "" if the precondition holds, else a sentence that says what was found."""
    value = read(need).astype(float)
    good, sides = np.isfinite(value), []
    for word, bound, sign in (("above", need.above, 1), ("below", need.below, -1)):
        if bound is not None:
            ahead, against = _ahead(value, bound, sign, read)
            good = good & (ahead > need.by)
            sides.append(f"{word} {against}")
    if float(good.mean()) >= need.in_at_least - 1e-9:
        return ""
    by = f" by {need.by:g}" if need.by else ""
    return f"{need.variable} of {need.step}/{need.case} is not {' and '.join(sides)}{by} (found {_span(value)})"


def _ahead(value: xr.DataArray, bound: float | Quantity, sign: int, read: Read) -> tuple[xr.DataArray, str]:
    """How far a value lies above (or, with sign -1, below) its bound, and the bound in words."""
    if not isinstance(bound, Quantity):
        return sign * (value - bound), f"{bound:g}"
    try:
        value, against = xr.align(value, read(bound).astype(float), join="exact")
    except xr.AlignmentError as error:
        raise UserError(f"{bound.variable} is not measured on the same units: {error}") from None
    return sign * (value - against), f"{bound.variable} of {bound.step}/{bound.case} ({_span(against)})"


def _span(values: xr.DataArray) -> str:
    """Smallest to largest."""
    finite = values.values[np.isfinite(values.values)]
    return f"{finite.min():.3g} to {finite.max():.3g}" if finite.size else "NaN"


def unit_of(quantity: Quantity, read: Read) -> str:
    """The unit of a quantity, as its file says."""
    return str(read(quantity).attrs.get("units", "1"))


def _ratio(above: str, below: str) -> str:
    """Unit of a slope."""
    return above if below == "1" else f"{above}/{below}" if "/" not in below else f"{above}/({below})"


def _centre(values: np.ndarray, estimate: Estimate) -> tuple[float, float, float]:
    try:
        return cast(tuple[float, float, float], interval(values, estimate=estimate)[:3])
    except ValueError as error:
        raise UserError(str(error)) from None


def _excludes_zero(difference: np.ndarray, rule: Judged) -> bool:
    """True if the interval of the plain difference, factor and margin apart, excludes zero."""
    _, low, high = _centre(difference, rule.estimate)
    return bool(low > 0 or high < 0)


def _pair(first: Quantity, second: Quantity, read: Read, over: str) -> tuple[np.ndarray, np.ndarray]:
    """Two quantities unit by unit: the units' coordinates must agree."""
    try:
        one, two = xr.align(read(first), read(second), join="exact")
    except xr.AlignmentError as error:
        raise UserError(f"{first.variable} and {second.variable} are not measured on the same units: {error}") from None
    return _units(first, lambda _: one, over), _units(second, lambda _: two, over)


def _units(quantity: Quantity, read: Read, over: str) -> np.ndarray:
    array = read(quantity)
    if array.dims != (over,):
        left = ", ".join(map(str, array.dims)) or "none"
        raise UserError(
            f"{quantity.step}/{quantity.case}: {quantity.variable} is left with the dimensions ({left}) where the rule"
            f" needs ({over}) alone. Narrow it with `at` or `reduce`."
        )
    return array.values.astype(float)


def _shaped(array: xr.DataArray, over: str, along: str, quantity: Quantity) -> np.ndarray:
    if set(array.dims) != {over, along}:
        left = ", ".join(map(str, array.dims)) or "none"
        raise UserError(
            f"{quantity.step}/{quantity.case}: {quantity.variable} is left with the dimensions ({left}) where the rule"
            f" needs ({over}, {along}). Narrow it with `at` or `reduce`."
        )
    return array.transpose(over, along).values.astype(float)


def _coordinate(array: xr.DataArray, dim: str, quantity: Quantity) -> xr.DataArray:
    if dim not in array.coords or array[dim].dtype.kind not in "fiu":
        raise UserError(
            f"{quantity.step}/{quantity.case}: {quantity.variable} has no numeric coordinate '{dim}' to go along."
        )
    return array[dim]
