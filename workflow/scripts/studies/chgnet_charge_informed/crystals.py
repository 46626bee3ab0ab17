"""Crystals of the study, built from published space groups, lattice constants (Å) and positions; nothing is loaded.

pymatgen is imported inside the functions, so that reading this module needs no package of the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

REFERENCE = "limno2"  # the crystal that DFT has relaxed
COMPARED = ("mno", "limno2", "mno2")  # Mn2+, Mn3+, Mn4+
DIAGONAL = ((0, 0, 0), (0.5, 0.5, 0.5))
GROUP = {"Li": 1, "Mg": 2, "Ti": 4, "V": 5, "Cr": 6, "Mn": 7, "Fe": 8, "Co": 9, "Ni": 10}  # electrons beyond the core


@dataclass(frozen=True)
class Crystal:
    """Space group, lattice constants in Å, orthogonal axes unless hexagonal; species and fractional positions."""

    group: str
    lattice: tuple[float, ...]
    species: tuple[str, ...]
    positions: tuple[tuple[float, float, float], ...]
    metal: str | None = None
    valence: int = 0


def _rocksalt(metal: str, a: float) -> Crystal:
    return Crystal("rocksalt", (a,), (metal, "O"), DIAGONAL, metal, 2)


def _rutile(metal: str, a: float, c: float, u: float) -> Crystal:
    return Crystal("P4_2/mnm", (a, a, c), (metal, "O"), ((0, 0, 0), (u, u, 0)), metal, 4)


CRYSTALS = {
    "mgo": _rocksalt("Mg", 4.21),
    "mno": _rocksalt("Mn", 4.44),
    "feo": _rocksalt("Fe", 4.33),
    "coo": _rocksalt("Co", 4.26),
    "nio": _rocksalt("Ni", 4.18),
    "mno2": _rutile("Mn", 4.40, 2.87, 0.305),
    "tio2": _rutile("Ti", 4.594, 2.959, 0.305),
    "vo2": _rutile("V", 4.55, 2.85, 0.300),
    "cro2": _rutile("Cr", 4.42, 2.92, 0.301),
    "fe2o3": Crystal(
        "R-3c", (5.035, 5.035, 13.747), ("Fe", "O"), ((0, 0, 0.3553), (0.306, 0, 0.25)), metal="Fe", valence=3
    ),
    # Materials Project mp-18767, as relaxed by its density-functional theory; the 8 atoms are all written out.
    "limno2": Crystal(
        "P1",
        (2.868779, 4.634475, 5.832507),
        ("Li", "Li", "Mn", "Mn", "O", "O", "O", "O"),
        (
            (0.5, 0.5, 0.3798),
            (0, 0, 0.6202),
            (0.5, 0.5, 0.8633),
            (0, 0, 0.1367),
            (0.5, 0, 0.3608),
            (0, 0.5, 0.0985),
            (0.5, 0, 0.9015),
            (0, 0.5, 0.6392),
        ),
        metal="Mn",
        valence=3,
    ),
    "lifepo4": Crystal(
        "Pnma",
        (10.3377, 6.0112, 4.6950),
        ("Li", "Fe", "P", "O", "O", "O"),
        (
            (0, 0, 0),
            (0.2822, 0.25, 0.9747),
            (0.0948, 0.25, 0.4182),
            (0.0968, 0.25, 0.7428),
            (0.4571, 0.25, 0.2060),
            (0.1656, 0.0465, 0.2848),
        ),
        metal="Fe",
        valence=2,
    ),
    # Oxygen as in Li7La3Zr2O12, the cell a guess: to be relaxed before anything is measured on it.
    "li3la3te2o12": Crystal(
        "Ia-3d",
        (12.9, 12.9, 12.9),
        ("Li", "La", "Te", "O"),
        ((0.375, 0, 0.25), (0.125, 0, 0.25), (0, 0, 0), (-0.0319, 0.0546, 0.1498)),
    ),
}


def build(name: str):
    """The pymatgen Structure of a crystal of CRYSTALS, without oxidation states (moments are predicted, not given)."""
    return _built(name).copy()


@cache
def _built(name: str):
    """Kept, since a space group's operations take a tenth of a second or more to find."""
    from pymatgen.core import Lattice, Structure

    crystal = CRYSTALS[name]
    if crystal.group == "rocksalt":  # the primitive cell of two atoms
        half = crystal.lattice[0] / 2
        return Structure([[0, half, half], [half, 0, half], [half, half, 0]], crystal.species, crystal.positions)
    angles = (90, 90, 120) if crystal.group == "R-3c" else (90, 90, 90)
    a, b, c = crystal.lattice
    lattice = Lattice.from_parameters(a, b, c, *angles)
    if crystal.group == "P1":
        return Structure(lattice, crystal.species, crystal.positions)
    return Structure.from_spacegroup(crystal.group, lattice, crystal.species, crystal.positions)


def unpaired_electrons(name: str) -> int:
    """Unpaired d electrons of the metal's formal valence in high spin: 5 at half filling, fewer on either side."""
    crystal = CRYSTALS[name]
    assert crystal.metal is not None, f"{name} has no magnetic metal"
    electrons = GROUP[crystal.metal] - crystal.valence
    return electrons if electrons <= 5 else 10 - electrons
