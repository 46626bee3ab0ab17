"""Every system of dysts by name, and a user's own from a file: what moves, with which parameters, on which clock.

dysts (W. Gilpin, arXiv 2110.05266) defines the equations, parameters, a point on each attractor and a period. Its
integrator and its stored exponents are not used: see `pesin.integrate`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from types import FunctionType

import numpy as np

from pesin.compiled import njit
from pesin.errors import UserError, did_you_mean
from pesin.integrate.system import System
from pesin.steps.plugin import load

KINDS = ("flow", "delay", "map")
STORED = (
    "maximum_lyapunov_estimated",
    "lyapunov_spectrum_estimated",
    "pesin_entropy",
    "kaplan_yorke_dimension",
    "correlation_dimension",
    "multiscale_entropy",
)


def names(kind: str) -> list[str]:
    """Names of all systems of a kind, in alphabetical order: 129 flows, 6 delay systems, 23 maps.

    Raises
    ------
    UserError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise UserError(f"There is no kind of system '{kind}'.{did_you_mean(kind, KINDS)} Known: {', '.join(KINDS)}.")
    systems = _dysts("systems")
    return sorted(systems.get_attractor_list({"flow": "continuous_no_delay", "map": "discrete"}.get(kind, kind)))


def stratified(every: int = 3, keep: tuple[str, ...] = (), leave_out: tuple[str, ...] = (), dims=None) -> list[str]:
    """A fixed sample of the flows, from weakly to strongly chaotic.

    Parameters
    ----------
    every
        Of the flows sorted by dysts' own lambda_1 x period every so many, first from its stretch's middle.
    keep, leave_out
        Names that are in, or not, in any case.
    dims
        Numbers of coordinates to choose among; all if None.

    Returns
    -------
    list of str
        In the order of dysts' lambda_1 x period.
    """
    flows = [get(name, "flow") for name in names("flow") if name not in leave_out]
    flows = [flow for flow in flows if dims is None or flow.dim in dims]
    flows.sort(key=lambda flow: (flow.stored.get("maximum_lyapunov_estimated", 0.0) * flow.period, flow.name))
    chosen = {flow.name for flow in flows[every // 2 :: every]} | set(keep)
    return [flow.name for flow in flows if flow.name in chosen]


@cache
def get(name: str, kind: str = "", **parameters) -> System:
    """The system of that name, or of that file, with its own parameters or some changed.

    Parameters
    ----------
    name
        A name of dysts, or the path of a Python file (ending in `.py`) with `rhs(t, x, **parameters)`, the components
        on the first axis of x; a dict `PARAMETERS`; `START`, a state in the basin of the attractor; and, if wanted,
        `PERIOD` (else it is measured) and `KIND = "map"`.
    kind
        flow, delay or map, where a name stands for two systems (Duffing); else the first that has it.
    **parameters
        Values that replace the system's own. Period, start and annotations stay those of the original.

    Raises
    ------
    UserError
        For an unknown name or parameter (with the nearest ones), or a file that defines no system.
    """
    if name.endswith(".py"):
        return _own(name, parameters)
    flows, discrete = _dysts("flows"), _dysts("maps")
    for each in [kind] if kind else KINDS:
        if name in names(each):
            return _wrap(getattr(discrete if each == "map" else flows, name), each, parameters)
    every = [known for each in KINDS for known in names(each)]
    raise UserError(f"There is no system '{name}' in the zoo.{did_you_mean(name, every)}")


def _known(name: str, own: dict, changed: dict) -> dict:
    for key in changed:
        if key not in own:
            raise UserError(f"The system '{name}' has no parameter '{key}'.{did_you_mean(key, own)}")
    return {**own, **changed}


def _own(path: str, changed: dict) -> System:
    module = load(path)
    missing = [name for name in ("rhs", "PARAMETERS", "START") if not hasattr(module, name)]
    if missing:
        raise UserError(f"{path}: a system's file defines rhs, PARAMETERS and START; {', '.join(missing)} is missing.")
    parameters, start = _known(path, dict(module.PARAMETERS), changed), np.atleast_1d(np.asarray(module.START, float))
    kind = getattr(module, "KIND", "flow")
    if kind not in ("flow", "map"):
        raise UserError(f"{path}: KIND is 'flow' or 'map', not {kind!r}.")

    def components(t, x):
        return module.rhs(t, x, **parameters)

    try:
        size = np.size(components(0.0, start))
    except Exception as error:
        raise UserError(f"{path}: rhs failed at START ({type(error).__name__}: {error}).") from error
    if size != start.size:
        raise UserError(f"{path}: rhs returns {size} components, and START has {start.size}.")
    period = float(getattr(module, "PERIOD", 1.0 if kind == "map" else np.nan))
    name = path.rsplit("/", 1)[-1].removesuffix(".py")
    driven = kind == "flow" and _feels_time(components, start)
    return System(name, kind, start.size, period, start, parameters, components, driven=driven)


def _feels_time(components, x0: np.ndarray) -> bool:
    """True if the rates at some state differ, however little, between two times: whatever the metadata say."""
    for k in range(4):  # one state may hide the drive: one that multiplies a coordinate is not felt where that is 0
        state = x0 * (1 + 0.1 * k) + 0.01 * k
        try:
            with np.errstate(all="ignore"):
                early, *later = (np.array(components(t, state), float) for t in (0.0, 0.7321, 2.218))
        except (ArithmeticError, ValueError):  # outside the field's domain
            continue
        if not all(np.array_equal(early, late, equal_nan=True) for late in later):
            return True
    return False


def _mac_arthur(model) -> Callable:
    """Five species and five resources (Huisman and Weissing, Nature 402, 407, 1999), for any number of states.

    Each species grows as its scarcest resource allows; dysts' own form takes one state at a time.
    """
    k, s, c = (np.ascontiguousarray(table, float) for table in (model.k, model.s, model.c))
    r, d, m = map(float, (model.r, model.d, model.m))

    def field(t, x):
        if np.ndim(x) == 1:
            return _mac_arthur_once(np.ascontiguousarray(x, float), k, s, c, r, d, m)
        species, resources = x[:5], x[5:]
        shape = (5, 5) + (1,) * (np.ndim(species) - 1)
        half = np.reshape(k, shape)
        growth = (r * resources[:, None] / (half + resources[:, None])).min(0)
        supplied = d * (np.reshape(s, shape[1:]) - resources)
        eaten = (np.reshape(c, shape) * (growth * species)).sum(1)
        return np.concatenate([species * (growth - m), supplied - eaten])

    return field


@njit()
def _mac_arthur_once(x, k, s, c, r, d, m):
    """One state, to the same bits: a tenth of the time, and it is asked for half a million times."""
    rates, grown = np.empty(10), np.empty(5)
    for j in range(5):
        least = np.inf
        for i in range(5):
            growth = r * x[5 + i] / (k[i, j] + x[5 + i])
            if growth < least or np.isnan(growth):
                least = growth
        grown[j] = least * x[j]
        rates[j] = x[j] * (least - m)
    for i in range(5):
        eaten = c[i, 0] * grown[0]
        for j in range(1, 5):
            eaten += c[i, j] * grown[j]
        rates[5 + i] = d * (s[i] - x[5 + i]) - eaten
    return rates


def _blinking_vortex(model) -> Callable:
    """One step of a vortex in a disc (Aref, J. Fluid Mech. 143, 1, 1984), for any number of states.

    The angle, which dysts finds state by state with a root finder, solves an equation of Kepler's form. As along dysts'
    own trajectories the vortex stays on its side: it does not blink.
    """
    a, b, gamma, duration = (float(getattr(model, key)) for key in ("a", "b", "gamma", "t"))
    image = a**2 / b

    def field(t, x):
        r, angle = x
        ratio2 = (b**2 + r**2 - 2 * b * r * np.cos(angle)) / (image**2 + r**2 - 2 * image * r * np.cos(angle))
        centre = (b - ratio2 * image) / (1 - ratio2)  # of the circle along which the point moves, and its radius
        radius = np.abs(np.sqrt(ratio2) / (1 - ratio2) * (image - b))
        share = 2 * np.sqrt(ratio2) / (1 + ratio2)
        before = np.arctan2(r * np.sin(angle), r * np.cos(angle) - centre)
        turn = duration * gamma * (1 - ratio2) / (2 * np.pi * radius**2 * (1 + ratio2))
        after = _kepler(before - share * np.sin(before) + turn, share)
        x, y = centre + radius * np.cos(after), radius * np.sin(after)
        return np.hypot(x, y), np.arctan2(y, x)

    return field


def _kepler(mean, eccentricity, most: int = 50):
    """E of E - e sin E = M, by Newton's method from where it can't fail (Charles and Tatum, CMDA 69, 357, 1998)."""
    turns = 2 * np.pi * np.round(mean / (2 * np.pi))
    mean = mean - turns
    found = np.where(mean < 0, -np.pi, np.pi)
    for _ in range(most):
        change = (found - eccentricity * np.sin(found) - mean) / (1 - eccentricity * np.cos(found))
        found = found - change
        if not (np.abs(change) > 1e-15).any():
            break
    return found + turns


_OWN_FIELDS = {"MacArthur": _mac_arthur, "BlinkingVortexMap": _blinking_vortex}


def _wrap(cls, kind: str, changed: dict) -> System:
    """A System from a class of dysts; its numba functions are called as the Python they were written in."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = cls()
    for owner in (cls, *cls.__mro__):
        for attribute, value in vars(owner).items():
            compiled = value.__func__ if isinstance(value, staticmethod) else value
            compiled = getattr(compiled, "__func__", compiled)
            if hasattr(compiled, "py_func") and attribute not in vars(model):
                setattr(model, attribute, compiled.py_func)
    parameters = _known(cls.__name__, model.params, changed)
    vars(model).update(parameters)
    values = [parameters[key] for key in sorted(parameters)]
    components = _components(model, kind, values)
    start = np.atleast_1d(np.asarray(model.ic, float))
    post = getattr(model, "_postprocessing", None)
    if isinstance(post, staticmethod):
        post = post.__func__
    metadata = model.metadata
    return System(
        name=cls.__name__,
        kind=kind,
        dim=1 if kind == "delay" else start.size,
        period=1.0 if kind == "map" else float(model.period),
        x0=start[:1] if kind == "delay" else start,
        parameters=parameters,
        components=components,
        observe=getattr(post, "py_func", post),
        delay=float(parameters["tau"]) if kind == "delay" else 0.0,
        driven=bool(metadata.get("nonautonomous")) or (kind == "flow" and _feels_time(components, start)),
        hamiltonian=bool(metadata.get("hamiltonian")),
        unbounded=tuple(metadata.get("unbounded_indices") or ()),
        stored={key: metadata[key] for key in STORED if metadata.get(key) is not None},
        citation=str(metadata.get("citation", "")),
    )


def _components(model, kind: str, values: list) -> Callable:
    """The field of a dysts model as f(t, x), or f(t, x, delayed), components first."""
    cls = type(model)
    if cls.__name__ in _OWN_FIELDS:
        return _OWN_FIELDS[cls.__name__](model)
    if kind == "delay":
        return lambda t, x, delayed: model._rhs(x, delayed, t, *values)
    if kind == "map":

        def image(t, x):
            parts = model._rhs(*x, *values)
            return parts if isinstance(parts, tuple) else (parts,)

        return image
    if "_rhs" in {name for owner in cls.__mro__ if owner.__module__.endswith("flows") for name in vars(owner)}:
        field = model._rhs
        if cls.__name__ == "BelousovZhabotinsky":  # max(0, x), which takes no arrays
            field = FunctionType(field.__code__, {**field.__globals__, "max": np.maximum})
        return lambda t, x: field(*x, t, *values)
    return lambda t, x: cls.rhs(model, x, t)


@cache
def _dysts(module: str):
    """A module of dysts (2 s, so only when needed)."""
    import dysts.flows
    import dysts.maps
    import dysts.systems

    return {"flows": dysts.flows, "maps": dysts.maps, "systems": dysts.systems}[module]
