"""What a function of data says of itself, so that one suite of tests can hold all of them to it.

Measures say it in their entry of `pesin.entropy.registry`, forecast metrics in that of `pesin.forecast.metrics`; every
other public function of data in `pesin.entropy`, `pesin.forecast` and `pesin.stats` in its module's `DECLARED`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Change = Literal["shift", "scale", "monotone"]
Follows = Literal["", "values", "unit", "square", "log"]
"""How a value goes that a common scale a > 0 doesn't leave as it is: `values` become a v + b like the data, `unit` a v,
`square` a^2 v, `log` v + d ln a in d dimensions; empty: by no such law."""


@dataclass(frozen=True)
class Declared:
    """One function. `tests/unit/test_properties.py` holds it to all of this."""

    function: Callable
    data: tuple[str, ...]
    """Arguments that hold data: they come in by `pesin.door`."""
    invariant: tuple[Change, ...] = ()
    """What leaves the value as it is when it is done to all data alike."""
    alone: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)
    """What leaves the value as it is when it is done to this argument only."""
    follows: Follows = ""
    moves: str = ""
    """Why a shift or a scale that is not named moves the value; empty if all are named."""
    sizes: tuple[str, ...] = ()
    """Data that are differences: a common shift doesn't touch them."""
    names: tuple[str, ...] = ()
    """Data that are labels, yes and no, or indices: no shift or scale is done to them."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Arguments in which NaN and infinities mean something, and what."""
    infinite: Mapping[str, str] = field(default_factory=dict)
    """Arguments in which an infinity means something, and what; NaN is refused."""
