"""The one door for data: every function that takes numbers has them checked here, and computes with what it gets back.

What passes is a float64 array of the machine's own byte order, whatever numbers came in (integers, float32, big-endian,
read-only, strided). A masked array is refused: NumPy would drop the mask without a word, and compute with what lies
under it. NaN and infinities are refused with their index, but where a function says what they mean.
"""

from __future__ import annotations

import numpy as np

LEVEL = 1e3  # times its range that a series may lie away from 0 before its level is taken off
ROUNDING = 64 * np.finfo(float).eps  # range, relative to the level, that rounding alone gives a constant


def numbers(x, name: str = "x") -> np.ndarray:
    """Return x as a float64 array; NaN and infinities pass, for functions in which they mean something.

    Raises
    ------
    TypeError
        If it holds complex numbers, text or objects.
    ValueError
        If a value is masked; the message gives its index.
    """
    x = unmasked(x, name)
    if x.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, its dtype is {x.dtype}")
    return x.astype(np.float64, copy=False)


def unmasked(x, name: str = "x") -> np.ndarray:
    """Return x as an array of its own type, complex numbers and labels included; raise a ValueError if it is masked."""
    if isinstance(x, list | tuple) and _holds_masked(x):
        x = np.ma.stack([np.ma.asarray(part) for part in x])
    if np.ma.isMaskedArray(x):
        hidden = np.ma.getmaskarray(x)
        if hidden.any():
            _refuse(
                hidden,
                name,
                "masked",
                "values are missing, and would be taken for numbers: cut them out, or fill them in",
            )
        x = x.data
    return np.asarray(x)


def finite(x, name: str = "x") -> np.ndarray:
    """Return x as `numbers` does.

    Raises
    ------
    TypeError
        If it holds complex numbers, text or objects.
    ValueError
        If a value is NaN, infinite or masked; the message gives its index.
    """
    x = numbers(x, name)
    whole = np.isfinite(x)
    if not whole.all():
        _refuse(~whole, name, str(x[_first(~whole)]), "values are not finite")
    return x


def ordered(x, name: str = "x") -> np.ndarray:
    """Return x as `numbers` does, for functions of ranks: infinities have one, NaN is refused as in `finite`."""
    x = numbers(x, name)
    bad = np.isnan(x)
    if bad.any():
        _refuse(bad, name, "nan", "values are not numbers")
    return x


def below_infinity(x, name: str = "x") -> np.ndarray:
    """Return x as `numbers` does, for logits: -inf forbids an entry and passes, NaN and +inf are refused."""
    x = numbers(x, name)
    bad = np.isnan(x) | (x == np.inf)
    if bad.any():
        _refuse(bad, name, str(x[_first(bad)]), "values are neither finite nor -inf")
    return x


def yes_no(x, name: str = "x") -> np.ndarray:
    """Return x, which holds yes and no (0 and 1), as booleans; anything else raises a ValueError with its index."""
    x = numbers(x, name)
    bad = ~((x == 0) | (x == 1))
    if bad.any():
        _refuse(bad, name, str(x[_first(bad)]), "values are neither yes nor no (0 or 1)")
    return x == 1


def whole_numbers(x, name: str = "x", least: int | None = 0, kinds: int | None = None) -> np.ndarray:
    """Return x, which holds whole numbers from `least` on (and below `kinds`), as int64; else raise a ValueError."""
    exact = unmasked(x, name)
    if exact.dtype.kind in "bi" and exact.size:
        low, high = int(exact.min()), int(exact.max())
        if (least is None or low >= least) and (kinds is None or high < kinds):
            return exact.astype(np.int64, copy=False)
    values = finite(x, name)
    bad = (values != np.rint(values)) | (np.abs(values) >= 2.0**63)
    if least is not None:
        bad |= values < least
    if kinds is not None:
        bad |= values >= kinds
    if bad.any():
        bounds = ("" if least is None else f" from {least} on") + ("" if kinds is None else f", below {kinds}")
        _refuse(bad, name, f"{values[_first(bad)]:g}", f"values are not whole numbers{bounds}")
    return exact.astype(np.int64) if exact.dtype.kind == "u" else values.astype(np.int64)


def series(x, needs: int, measure: str, name: str = "x") -> tuple[np.ndarray, tuple[int, ...]]:
    """Check one series or a batch.

    Parameters
    ----------
    x : array_like, shape (..., time)
    needs
        Smallest number of points.
    measure
        Name for the message.

    Returns
    -------
    rows : ndarray of float64, shape (batch, time), C-contiguous
    batch : tuple
        x.shape[:-1].

    Raises
    ------
    ValueError
        If a value isn't finite (with its index), there is no time axis, or the series are too short.
    """
    x = finite(x, name)
    if x.ndim == 0:
        raise ValueError(f"{name} must be a series (time,) or a batch (batch, time), it is a single number")
    enough(x.shape[-1], needs, measure)
    return np.ascontiguousarray(x.reshape(-1, x.shape[-1])), x.shape[:-1]


def samples(x, needs: int, measure: str, name: str = "x") -> tuple[np.ndarray, tuple[int, ...]]:
    """Check one cloud of points or a batch.

    Parameters
    ----------
    x : array_like, shape (..., samples, dim)
    needs
        Smallest number of samples.
    measure
        Name for the message.

    Returns
    -------
    clouds : ndarray of float64, shape (batch, samples, dim), C-contiguous
    batch : tuple
        x.shape[:-2].

    Raises
    ------
    ValueError
        If a value isn't finite (with its index), x has fewer than two axes, or the samples are too few.
    """
    x = finite(x, name)
    if x.ndim < 2:
        raise ValueError(
            f"{measure} needs {name} as (samples, dim) or (batch, samples, dim), its shape is {x.shape}; "
            f"pass {name}[:, None] for samples of one number each"
        )
    enough(x.shape[-2], needs, measure, "samples")
    return np.ascontiguousarray(x.reshape(-1, *x.shape[-2:])), x.shape[:-2]


def enough(number: int, needs: int, measure: str, what: str = "points") -> None:
    """Raise a ValueError that says how many points are needed if there are fewer."""
    if number < needs:
        raise ValueError(f"{measure} needs at least {needs} {what}, there are {number}")


def varying(rows: np.ndarray, measure: str) -> None:
    """Raise a ValueError if a row (the last axis) is constant, for measures that are not defined then."""
    constant = (rows == rows[..., :1]).all(-1)
    if constant.any():
        which = f" (row {int(constant.argmax())} of the batch)" if len(rows) > 1 else ""
        raise ValueError(f"{measure} is not defined for a constant series{which}")


def origin(x: np.ndarray, axis: int = -1) -> np.ndarray | float:
    """What to take off x along an axis before sums are made of it: its first value where the level drowns the range.

    A mean or a variance of values far from 0 is rounded in units of the level: at 1e12 standard deviations from 0 the
    fourth digit is lost. The difference to one of the values is exact. Where the level is below `LEVEL` times the range
    it is 0: those are the numbers that they always were. A constant series becomes zeros, and so its spread 0 exactly.
    """
    # The level of all is at most a range above that of a few values, and the range no smaller: they settle most cases.
    few = (x if axis == -1 else np.moveaxis(x, axis, -1))[..., :: max(x.shape[axis] // 16, 1)]
    low, high = few.min(-1), few.max(-1)
    if (np.maximum(-low, high) <= (LEVEL - 2) * (high - low)).all():
        return 0.0
    low, high = x.min(axis, keepdims=True), x.max(axis, keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):  # what isn't finite has no level
        far = (np.maximum(-low, high) > LEVEL * (high - low)) & np.isfinite(high - low)
    return np.where(far, np.take(x, [0], axis), 0.0) if far.any() else 0.0


def centred(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """x less its `origin`, for what a shift leaves as it is; x itself where there is nothing to take off.

    What varies by no more than the rounding of its level is constant: zeros.
    """
    start = origin(x, axis)
    return x if isinstance(start, float) else np.where(np.expand_dims(still(x, axis), axis), 0.0, x - start)


def unit(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """The power of two nearest the range of x along an axis, where that is far from 1; else 1: it divides exactly."""
    spread = np.ptp(x, axis=axis, keepdims=True)
    strange = (spread > 0) & ((spread < 1 / LEVEL) | (spread > LEVEL))
    return np.where(strange, np.exp2(np.rint(np.log2(np.where(strange, spread, 1.0)))), 1.0)


def in_units(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """x over its `unit`, for what a scale leaves as it is, before sums with numbers of another size (a column of ones).

    x itself where there is nothing to divide by.
    """
    size = unit(x, axis)
    return x if (size == 1).all() else x / size


def still(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Where x doesn't vary along an axis by more than rounding of its level; the axis is gone. NaN varies."""
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = x.min(axis), x.max(axis)
        return high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high))


def symmetric(matrix: np.ndarray, tolerance: float = 1e-8) -> bool:
    """True if all matrices (..., n, n) are Hermitian up to `tolerance` times the largest entry of each."""
    apart = np.abs(matrix - np.swapaxes(matrix.conj(), -1, -2))
    return bool((apart <= tolerance * np.abs(matrix).max((-2, -1), keepdims=True, initial=0)).all())


def _first(bad: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(bad.argmax(), bad.shape))


def _refuse(bad: np.ndarray, name: str, found: str, said: str) -> None:
    where = f"[{', '.join(map(str, _first(bad)))}]" if bad.ndim else ""
    raise ValueError(f"{name}{where} is {found}: {int(bad.sum())} of {bad.size} {said}")


def _holds_masked(parts) -> bool:
    return any(np.ma.isMaskedArray(part) or (isinstance(part, list | tuple) and _holds_masked(part)) for part in parts)
