"""The cell of the garnet Li3La3Te2O12 with further lithium.

pymatgen is imported inside the function, so that reading this module needs no package of the field.
"""

from __future__ import annotations

from studies.chgnet_charge_informed.crystals import CRYSTALS

EMPTY_OCTAHEDRON = (0.125, 0.6815, 0.5685)  # 48g: where lithium beyond three per formula unit goes
SHARED_FACE = 2.2  # angstrom: centres of a tetrahedron and an octahedron that share a face are nearer than that


def garnet(extra_lithium: int):
    """Primitive cell of Li3La3Te2O12 (80 atoms) with further Li atoms on empty octahedra, far from each other."""
    cell = _with_empty_octahedra()
    empty = _empty(cell)
    taken: list[int] = []
    for _ in range(extra_lithium):
        apart = [min((cell.get_distance(i, j) for j in taken), default=0.0) if i not in taken else -1.0 for i in empty]
        taken.append(empty[apart.index(max(apart))])
    for i in taken:
        cell.replace(i, "Li")
    cell.remove_species(["He"])
    return cell


def knock_on() -> tuple[int, int, tuple[float, ...]]:
    """One hop of the cell with one extra Li: the extra one falls into a tetrahedron whose Li goes on to an octahedron.

    Returns
    -------
    extra, mover, goal
        Indices in `garnet(1)` of the extra Li and of a Li on a tetrahedron beside it; fractional coordinates of the
        empty octahedron beside that tetrahedron which lies farthest from the extra Li.
    """
    cell, whole = garnet(1), _with_empty_octahedra()
    lithium = [i for i, site in enumerate(cell) if site.specie.symbol == "Li"]
    beside = {i: [j for j in lithium if j != i and cell.get_distance(i, j) < SHARED_FACE] for i in lithium}
    extra = max(lithium, key=lambda i: len(beside[i]))
    mover = beside[extra][0]
    goals = [whole[i] for i in _empty(whole) if whole[i].distance(cell[mover]) < SHARED_FACE]
    goal = max(goals, key=lambda site: site.distance(cell[extra]))
    return extra, mover, tuple(map(float, goal.frac_coords))


def _with_empty_octahedra():
    """Primitive cell of Li3La3Te2O12, He on its empty octahedra."""
    from pymatgen.core import Lattice, Structure

    crystal = CRYSTALS["li3la3te2o12"]
    lattice = Lattice.cubic(crystal.lattice[0])
    species = (*crystal.species, "He")
    full = Structure.from_spacegroup(crystal.group, lattice, species, (*crystal.positions, EMPTY_OCTAHEDRON))
    return full.get_primitive_structure()


def _empty(cell) -> list[int]:
    return [i for i, site in enumerate(cell) if site.specie.symbol == "He"]
