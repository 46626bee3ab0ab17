"""Delay equations dx/dt = f(t, x, x(t - delay)) of one variable: Runge-Kutta on a grid that divides the delay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pesin.door import finite, numbers


def points_per_delay(delay: float, period: float, finest: int = 50) -> int:
    """Grid points in a delay: `finest`, or more if a period would get fewer than `finest`."""
    return int(np.ceil(finest * max(1.0, delay / period)))


class DelayLine:
    """The state of a batch: x and dx/dt on the grid over the last delay, and steps that carry it on.

    Classical Runge-Kutta of order 4; the delayed value in the middle of a step is the cubic Hermite interpolant. Values
    may be complex, so that tangents can ride along by the complex step.

    Parameters
    ----------
    field
        f(t, x, delayed) for arrays x and delayed of any shape.
    delay
        In units of the model's time.
    x, slope : ndarray, shape (1 + points, ...)
        History on the grid, oldest first.
    t
        Time at the end of the history: where the line stands.
    """

    def __init__(self, field: Callable, delay: float, x: np.ndarray, slope: np.ndarray, t: float = 0.0) -> None:
        self.field, self.points = field, len(x) - 1
        self.step = delay / self.points
        self.x, self.slope, self.t = x, slope, t

    @classmethod
    def constant(cls, field: Callable, delay: float, points: int, x0, t: float = 0.0) -> DelayLine:
        """Start from the constant history x0, shape (...)."""
        x0 = np.asarray(x0)
        x = np.broadcast_to(x0, (points + 1, *x0.shape)).astype(np.result_type(x0, float))
        return cls(field, delay, x, np.zeros_like(x), t)

    def advance(self) -> tuple[np.ndarray, np.ndarray]:
        """Go on by one delay; x and dx/dt on the grid from now until then, each of shape (1 + points, ...)."""
        old, slope, h, f = self.x, self.slope, self.step, self.field
        middle = (old[:-1] + old[1:]) / 2 + h / 8 * (slope[:-1] - slope[1:])
        new, new_slope = np.empty_like(old), np.empty_like(old)
        x = old[-1]
        with np.errstate(over="ignore", invalid="ignore"):
            for n in range(self.points):
                new[n] = x
                t = self.t + n * h
                k1 = f(t, x, old[n])
                new_slope[n] = k1
                k2 = f(t + h / 2, x + h / 2 * k1, middle[n])
                k3 = f(t + h / 2, x + h / 2 * k2, middle[n])
                k4 = f(t + h, x + h * k3, old[n + 1])
                x = x + h / 6 * (k1 + 2 * (k2 + k3) + k4)
            new[-1] = x
            self.t += self.points * h
            new_slope[-1] = f(self.t, x, old[-1])
        self.x, self.slope = new, new_slope
        return new, new_slope


def solve_delay(field: Callable, delay: float, period: float, x0, times) -> np.ndarray:
    """Integrate a batch from constant histories.

    Parameters
    ----------
    field
        f(t, x, delayed) for arrays x and delayed of shape (starts,).
    delay, period
        In units of the model's time; together they set the grid.
    x0 : array_like, shape (starts,)
        Value of each history up to times[0].
    times : array_like, shape (time,)
        Increasing.

    Returns
    -------
    ndarray, shape (starts, time)
        Cubic Hermite interpolation between grid points; NaN or inf from a blow-up on.
    """
    times = finite(times, "times")
    line = DelayLine.constant(field, delay, points_per_delay(delay, period), numbers(x0, "x0"), times[0])
    position = (times - times[0]) / line.step
    out = np.empty((times.size, *line.x.shape[1:]))
    done, windows = 0, 0
    while done < times.size:
        x, slope = line.advance()
        last = int(np.searchsorted(position, (windows + 1) * line.points, side="left"))
        last = times.size if windows * line.points + line.points >= position[-1] else last
        at = position[done:last] - windows * line.points
        left = np.minimum(at.astype(int), line.points - 1)
        s = (at - left)[:, None]
        h00, h10 = (1 + 2 * s) * (1 - s) ** 2, s * (1 - s) ** 2
        h01, h11 = s**2 * (3 - 2 * s), s**2 * (s - 1)
        out[done:last] = h00 * x[left] + h01 * x[left + 1]
        out[done:last] += line.step * (h10 * slope[left] + h11 * slope[left + 1])
        done, windows = last, windows + 1
    return out.T
