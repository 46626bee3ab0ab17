"""What the registry says of one measure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pesin.declared import Change, Follows
from pesin.entropy.estimate import Estimate

SECTIONS = {
    "A": "Ordinal measures",
    "B": "Template-matching measures",
    "C": "Dynamical entropies",
    "D": "Amplitude and spectral entropies",
    "E": "Continuous entropies and information",
    "F": "Nonequilibrium",
    "G": "Learning systems",
}
# What a measure is a function of; the arguments of one measure may come in batches, all with the same leading axes.
Takes = Literal[
    "series",  # x (..., time)
    "runs",  # one number for each of independent runs (..., runs)
    "symbols",  # x (..., time), integers from 0
    "two series",  # x, y (..., time)
    "samples",  # x (..., samples, dim)
    "two clouds",  # x (..., samples, dim), y (..., other samples, dim): not paired
    "pairs",  # x (..., samples, dim), y (..., samples, other dim): paired
    "triples",  # x, y, z, paired
    "counts",  # n (..., kinds): how often each kind was seen
    "probabilities",  # p (..., kinds)
    "exponents",  # Lyapunov exponents (..., exponents)
    "transitions",  # stochastic matrix (..., states, states)
    "rates",  # rates of a jump process (..., states, states)
    "matrix",  # (..., rows, columns)
    "density",  # density matrix (..., dim, dim)
    "logits",  # (..., actions)
    "other",
]


@dataclass(frozen=True)
class Measure:
    """One entry of the registry; `tests/unit/test_measures.py` holds every entry to what it declares."""

    name: str
    function: Callable[..., Estimate]
    section: str
    takes: Takes
    units: str
    """`nat`, `nat per sample`, or `1` for a normalised one."""
    measures: str
    """What it measures, one sentence for a practitioner."""
    avoid: str
    """When not to use it."""
    source: str
    """Where the definition stands."""
    cost: str
    """Growth with the number of points N (and the dimension d), such as `N log N`."""
    needs: int
    """Fewest points that it accepts at its defaults: one fewer raises an error that names this number."""
    advised: int
    """Points below which its bias or spread makes it useless at its defaults."""
    peer: str = ""
    """The call of a public package that gives the same number; empty if we know none."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Arguments that this entry sets differently from the function's own defaults."""
    constant: float | Callable[[int], float] | None = None
    """Value for a constant series, or a function of its length; None if it raises."""
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    """Smallest and largest value it can take at its defaults."""
    invariant: tuple[Change, ...] = ()
    """What leaves it exactly as it is, done to all its data: `shift` (x + c), `scale` (c x, c > 0), `monotone` (any
    increasing map)."""
    alone: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    """What does so done to this argument only, of measures of several."""
    follows: Follows = ""
    """How the value goes with a common scale that it isn't invariant under."""
    moves: str = ""
    """Why a shift or a scale that is not named moves the value; empty if all are named."""
    names: tuple[str, ...] = ()
    """Data that are labels or indices: no shift or scale is done to them."""
    infinite: Mapping[str, str] = field(default_factory=dict)
    """Arguments in which an infinity of one sign means something, and what."""

    @property
    def data(self) -> tuple[str, ...]:
        """The arguments that hold data, in order."""
        signature = inspect.signature(self.function).parameters.values()
        required = (p.name for p in signature if p.default is inspect.Parameter.empty)
        return tuple(name for name in required if name != "rng" and name not in self.parameters)

    @property
    def defaults(self) -> dict[str, object]:
        """Every optional argument and its value in this entry."""
        signature = inspect.signature(self.function).parameters.values()
        own = {p.name: p.default for p in signature if p.default is not inspect.Parameter.empty}
        return own | dict(self.parameters)

    def __call__(self, *data, **changes) -> Estimate:
        """Measure; `changes` replace the entry's parameters."""
        return self.function(*data, **{**self.parameters, **changes})
