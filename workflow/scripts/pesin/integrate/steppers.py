"""Fixed-step solvers for ODEs and SDEs whose field is a network or a closed form: any leading axes, arrays or tensors.

Where times are many and a field is cheap these beat adaptive ones: each step is one call for all runs and samples.
They are differentiable if the field is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

Array = Any
Times = Sequence[float] | np.ndarray
Field = Callable[[Array, float], Array]
"""(x, t) -> dx/dt, of the shape of x."""
Method = Literal["euler", "midpoint", "heun", "rk4"]


def follow(field: Field, x: Array, times: Times, method: Method = "rk4") -> Iterator[Array]:
    """Solve dx/dt = field(x, t) from one time to the next, one step each.

    Parameters
    ----------
    field
        Called once a step by Euler, twice by midpoint and Heun, four times by Runge-Kutta.
    x
        State at times[0], of any shape.
    times
        Rising or falling: a falling row goes back in time.
    method
        euler (order 1), midpoint and heun (2), rk4 (4).

    Yields
    ------
    The state at times[1], times[2], ...
    """
    for start, end in zip(times[:-1], times[1:], strict=True):
        x = _STEPS[method](field, x, float(start), float(end) - float(start))
        yield x


def follow_sde(
    drift: Field, scale: Callable[[float], float], x: Array, times: Times, draw: Callable[[Array], Array]
) -> Iterator[Array]:
    """Solve dx = drift(x, t) dt + scale(t) dW by Euler and Maruyama's method, one step from one time to the next.

    Strong order 1 where the noise doesn't hang on the state, as here (Kloeden and Platen, 1992, section 10.2).

    Parameters
    ----------
    drift, x, times
        As for `follow`; times rise. For a process that runs backward, hand over the drift of its own clock.
    scale
        t -> standard deviation of the noise per square root of time.
    draw
        state -> standard normal numbers of its shape.

    Yields
    ------
    The state at times[1], times[2], ...
    """
    for start, end in zip(times[:-1], times[1:], strict=True):
        t, step = float(start), float(end) - float(start)
        if step <= 0:
            raise ValueError(f"times must rise: {end} follows {start}")
        x = x + step * drift(x, t) + scale(t) * step**0.5 * draw(x)
        yield x


def last(states: Iterator[Array]) -> Array:
    """The last state of `follow` or `follow_sde`; the others are let go on the way."""
    state = None
    for state in states:  # noqa: B007
        pass
    if state is None:
        raise ValueError("at least two times are needed")
    return state


def _euler(field: Field, x, t: float, h: float):
    return x + h * field(x, t)


def _midpoint(field: Field, x, t: float, h: float):
    return x + h * field(x + h / 2 * field(x, t), t + h / 2)


def _heun(field: Field, x, t: float, h: float):
    first = field(x, t)
    return x + h / 2 * (first + field(x + h * first, t + h))


def _rk4(field: Field, x, t: float, h: float):
    k1 = field(x, t)
    k2 = field(x + h / 2 * k1, t + h / 2)
    k3 = field(x + h / 2 * k2, t + h / 2)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(x + h * k3, t + h))


_STEPS = {"euler": _euler, "midpoint": _midpoint, "heun": _heun, "rk4": _rk4}
