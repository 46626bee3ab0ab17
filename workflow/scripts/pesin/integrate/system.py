"""A dynamical system as the integrators take it: what moves, in which coordinates, on which clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class System:
    """A dynamical system, defined but not integrated."""

    name: str
    kind: str
    """flow: dx/dt = f(t, x); delay: dx/dt = f(t, x, x(t - delay)), one variable; map: x -> f(n, x)."""
    dim: int
    """Number of coordinates that are integrated; 1 for a delay system, whose state is a function."""
    period: float
    """Dominant period in units of the model's time; 1 step for a map."""
    x0: np.ndarray
    """A state near the attractor, shape (dim,)."""
    parameters: dict[str, Any]
    components: Callable = field(repr=False)
    """f(t, x) with the components on the first axis: a sequence of them. For a delay system f(t, x, delayed)."""
    observe: Callable | None = field(default=None, repr=False)
    """Components -> bounded components (sine of an unbounded phase), or None if all are bounded."""
    delay: float = 0.0
    driven: bool = False
    """dysts' flag, or rates that depend on time itself."""
    hamiltonian: bool = False
    unbounded: tuple[int, ...] = ()
    stored: dict[str, Any] = field(default_factory=dict, repr=False)
    """What dysts states of the system. Half of its exponents are wrong by more than 30 %."""
    citation: str = ""

    def rhs(self, t, x) -> np.ndarray:
        """Time derivative (flow) or image (map) of states of shape (..., dim), same shape.

        The time is one for all states, or an array that broadcasts against (...).
        """
        x = np.asarray(x, float)
        states = x.reshape(-1, self.dim)
        out = np.empty_like(states)
        many = np.ndim(t) > 0
        if many:
            t = np.broadcast_to(t, x.shape[:-1]).ravel()
        if self.vectorises and (not many or _vectorises(self.name, self.components, tuple(self.x0), True)):
            for i, component in enumerate(self.components(t, states.T)):
                out[:, i] = component
        else:
            for row, state, now in zip(out, states, np.broadcast_to(t, len(states)).tolist(), strict=True):
                row[:] = self.components(now, state)
        return out.reshape(x.shape)

    @property
    def size(self) -> float:
        """What small absolute distances and errors are in units of: 1, or the largest of |x0| if that is far from 1."""
        largest = float(np.abs(self.x0).max())
        return 1.0 if largest == 0 or 1e-3 <= largest <= 1e6 else largest

    @cached_property
    def vectorises(self) -> bool:
        """True if many states at once take little longer than one."""
        return _vectorises(self.name, self.components, tuple(self.x0))

    def observed(self, x) -> np.ndarray:
        """States (..., dim) in bounded coordinates, (..., dim): phases of drives and angles as sines."""
        if self.observe is None:
            return np.asarray(x, float)
        return np.stack([np.asarray(part, float) for part in self.observe(*np.moveaxis(np.asarray(x), -1, 0))], -1)


@cache
def _vectorises(name: str, components: Callable, start: tuple, many_times: bool = False) -> bool:
    """True if the right-hand side of many states at once (each at a time of its own) is that of each alone."""
    x0 = np.array(start)
    times = 0.37 * np.arange(7) if many_times else np.zeros(7)
    states = x0 * (1 + 0.01 * np.arange(7)[:, None]) + 1e-3 * np.arange(7)[:, None]
    with np.errstate(all="ignore"):
        alone = (
            np.broadcast_to(components(t, state), x0.shape) for t, state in zip(times.tolist(), states, strict=True)
        )
        one_by_one = np.array(list(alone), float)
        try:
            together = np.empty_like(states)
            for i, component in enumerate(components(times if many_times else 0.0, states.T.copy())):
                together[:, i] = component
        except (ValueError, TypeError, IndexError):
            return False
    return np.allclose(together, one_by_one, rtol=1e-12, atol=0, equal_nan=True)
