"""The cell of the garnet Li3La3Te2O12 with further lithium.

pymatgen is imported inside the function, so that reading this module needs no package of the field.
"""

from __future__ import annotations

from studies.chgnet_charge_informed.crystals import CRYSTALS

EMPTY_OCTAHEDRON = (0.125, 0.6815, 0.5685)  # 48g: where lithium beyond three per formula unit goes


def garnet(extra_lithium: int):
    """Primitive cell of Li3La3Te2O12 (80 atoms) with further Li atoms on empty octahedra, far from each other."""
    from pymatgen.core import Lattice, Structure

    crystal = CRYSTALS["li3la3te2o12"]
    lattice = Lattice.cubic(crystal.lattice[0])
    species = (*crystal.species, "He")  # He marks the empty sites
    full = Structure.from_spacegroup(crystal.group, lattice, species, (*crystal.positions, EMPTY_OCTAHEDRON))
    cell = full.get_primitive_structure()
    empty = [i for i, site in enumerate(cell) if site.specie.symbol == "He"]
    taken: list[int] = []
    for _ in range(extra_lithium):
        apart = [min((cell.get_distance(i, j) for j in taken), default=0.0) if i not in taken else -1.0 for i in empty]
        taken.append(empty[apart.index(max(apart))])
    for i in taken:
        cell.replace(i, "Li")
    cell.remove_species(["He"])
    return cell
