"""heyoka, the first engine: right-hand sides traced into its expressions, and Taylor integration of what comes out.

heyoka (F. Biscani and D. Izzo, MNRAS 504, 2614, 2021) compiles an adaptive Taylor integrator for each system. A step
sees the derivatives at its start alone, so a field with a kink or a jump inside the step would be integrated wrongly
without a word: such a field doesn't trace.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

HERE = importlib.util.find_spec("heyoka") is not None
MEMBERS = 8  # of a batch with tangents: two vectors of a processor with AVX2, which shares out what each call costs
FUNCTIONS = "sin cos tan sinh cosh tanh exp log sqrt".split()
RENAMED = {"arctan": "atan", "arcsin": "asin", "arccos": "acos", "arctanh": "atanh", "arcsinh": "asinh"}


class NotSmooth(TypeError):
    """The field compares, rounds or takes absolute values."""


class Traced:
    """A number that records what NumPy code does with it; NumPy's functions of objects call its methods."""

    __slots__ = ("expression",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expression) -> None:
        self.expression = expression

    def _with(self, other, operation: Callable) -> Any:
        if isinstance(other, np.ndarray) and other.ndim:
            return NotImplemented
        if isinstance(other, Traced):
            return Traced(operation(self.expression, other.expression))
        return Traced(operation(self.expression, float(other)))

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other):
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other):
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other):
        return self._with(other, lambda a, b: b / a)

    def __pow__(self, other):
        return self._with(other, lambda a, b: a**b)

    def __rpow__(self, other):
        return self._with(other, lambda a, b: b**a)

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self):
        return Traced(-self.expression)

    def __pos__(self):
        return self

    def _unsmooth(self, *_):
        raise NotSmooth("the field is not smooth (it compares, rounds or takes absolute values)")

    __abs__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __floordiv__ = __mod__ = __round__ = _unsmooth
    __eq__ = __ne__ = __float__ = __int__ = _unsmooth  # type: ignore[assignment]


def _method(name: str) -> Callable:
    def method(self):
        import heyoka

        return Traced(getattr(heyoka, name)(self.expression))

    return method


for _name in FUNCTIONS:
    setattr(Traced, _name, _method(_name))
for _name, _theirs in RENAMED.items():
    setattr(Traced, _name, _method(_theirs))


def trace(system) -> list[tuple]:
    """The field of a `System` as heyoka's list of (variable, derivative).

    Raises
    ------
    NotSmooth
        If the field can't be traced: it compares, rounds, or calls something that takes numbers only.
    """
    import heyoka

    variables = heyoka.make_vars(*(f"x{i}" for i in range(system.dim)))
    variables = list(variables) if system.dim > 1 else [variables]
    state = np.empty(system.dim, object)
    state[:] = [Traced(variable) for variable in variables]
    try:
        derivatives = list(system.components(Traced(heyoka.time), state))
    except (TypeError, ValueError, AttributeError) as error:
        raise NotSmooth(str(error)) from None
    field = []
    for variable, derivative in zip(variables, derivatives, strict=True):
        smooth = derivative.expression if isinstance(derivative, Traced) else heyoka.expression(float(derivative))
        field.append((variable, smooth))
    return field


@cache
def engine(system, tolerance: float, variational: bool = False):
    """A compiled integrator of the system; with tangents and divergence if `variational`.

    With tangents the state is (x, w, s): w the (dim, dim) matrix of tangent vectors, row-major, dw/dt = J(x) w; s the
    integral of the divergence; MEMBERS of them side by side, state (variables, members). Raises NotSmooth.
    """
    import heyoka

    field = trace(system)
    if variational:
        field = field + _tangents(field)
        # Compact code compiles several times faster and runs at half the speed; members cost little.
        start = np.zeros((len(field), MEMBERS))
        return heyoka.taylor_adaptive_batch(field, start, tol=tolerance, compact_mode=True)
    return heyoka.taylor_adaptive(field, np.zeros(len(field)), tol=tolerance)


def _tangents(field: list[tuple]) -> list[tuple]:
    import heyoka

    variables = [variable for variable, _ in field]
    dim = len(field)
    jacobian = [[heyoka.diff(derivative, variable) for variable in variables] for _, derivative in field]
    w = [[heyoka.expression(f"w{i}_{j}") for j in range(dim)] for i in range(dim)]
    zero = heyoka.expression(0.0)
    equations = []
    for i in range(dim):
        terms = [(k, jacobian[i][k]) for k in range(dim) if jacobian[i][k] != zero]
        for j in range(dim):
            equations.append((w[i][j], heyoka.sum([entry * w[k][j] for k, entry in terms]) if terms else zero))
    equations.append((heyoka.expression("divergence"), heyoka.sum([jacobian[i][i] for i in range(dim)])))
    return equations
