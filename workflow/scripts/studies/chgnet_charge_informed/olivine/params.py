"""LixFePO4: how its cells are relaxed."""

from __future__ import annotations

from pydantic import NonNegativeFloat

from pesin.params import Model
from studies.chgnet_charge_informed.settings import Relax, Versions


class Simulate(Model):
    """LixFePO4 at all symmetry classes of one cell."""

    versions: Versions
    relax: Relax
    rattle: NonNegativeFloat
    """Standard deviation of random displacements where lithium is taken out, Å: a cell that keeps a mirror plane can't
    tell the valences of two Fe apart that it maps on each other."""


class Params(Model):
    simulate: Simulate
