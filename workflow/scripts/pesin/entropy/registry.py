"""Every measure by name: what a yaml may ask for, what the documentation lists, what the common tests run over.

A module of measures ends with its own `MEASURES`; here they are only joined. A module takes two lines: its import, and
its place in the list.
"""

from __future__ import annotations

from pesin.entropy import (
    amplitude,
    bounds,
    dispersion,
    dynamical,
    gaussian,
    kernel,
    learning,
    multiscale,
    neighbours,
    nonequilibrium,
    ordinal,
    policy,
    spectral,
    symbolic,
    templates,
)
from pesin.entropy.measure import Measure
from pesin.errors import UserError, did_you_mean

_A_TO_D = (ordinal, templates, multiscale, dispersion, dynamical, symbolic, amplitude, spectral)
_E_TO_G = (neighbours, gaussian, kernel, bounds, nonequilibrium, policy, learning)


def _joined(modules) -> dict[str, Measure]:
    measures: dict[str, Measure] = {}
    for module in modules:
        for measure in module.MEASURES:
            if measure.name in measures:
                raise ValueError(f"two measures are called '{measure.name}'; the second is in {module.__name__}")
            measures[measure.name] = measure
    return measures


MEASURES: dict[str, Measure] = _joined((*_A_TO_D, *_E_TO_G))


def get(name: str) -> Measure:
    """Return the measure of that name.

    Raises
    ------
    UserError
        If there is none; it says which one comes near.
    """
    if name not in MEASURES:
        raise UserError(f"there is no measure '{name}' in pesin.entropy.registry.{did_you_mean(name, MEASURES)}")
    return MEASURES[name]
