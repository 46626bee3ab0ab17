"""Molecules by RDKit: random ones, their canonical strings, and the properties that play the oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pesin.errors import UserError
from pesin.steps.packages import needs_package

PROPERTIES = {
    "logp": "1",
    "tpsa": "angstrom2",
    "refractivity": "cm3 mol-1",
    "weight": "g mol-1",
    "acceptors": "1",
    "donors": "1",
}
"""Names and units: Crippen's logP, polar surface, Crippen's molar refractivity, weight, hydrogen bonds."""
LEARNED = {name: PROPERTIES[name] for name in ("logp", "tpsa", "refractivity", "weight")}
"""What networks are taught of molecules; donors and acceptors are hidden causes of what mixtures do."""
QM9 = {
    "mu": "D", "alpha": "bohr3", "homo": "eV", "lumo": "eV", "gap": "eV", "r2": "bohr2", "zpve": "eV",
    "cv": "cal mol-1 K-1", "u0": "eV", "u298": "eV", "h298": "eV", "g298": "eV",
}  # fmt: skip
"""Columns of QM9 in its order, and their units."""
BAG = (
    "[C] " * 6 + "[=C] [=C] [#C] [N] [N] [=N] [#N] [O] [O] [=O] [F] [Branch1] [Branch1] [Ring1] [Ring1] [Ring2]"
).split()
"""Symbols of SELFIES that random molecules are drawn from."""
LENGTHS = (6, 14)
PATIENCE = 200_000
"""Draws in a row that may find no new molecule."""


def read(strings: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Canonical SMILES and properties.

    Parameters
    ----------
    strings
        SMILES, valid or not.

    Returns
    -------
    (canonical, properties)
        "" and NaN for what RDKit doesn't read, and for more than one molecule; properties of shape (strings, 6).

    Raises
    ------
    UserError
        If rdkit is missing.
    """
    with needs_package("rdkit"):
        from rdkit import Chem, rdBase
        from rdkit.Chem import Crippen, Descriptors, rdMolDescriptors
    names, table = [""] * len(strings), np.full((len(strings), len(PROPERTIES)), np.nan)
    with rdBase.BlockLogs():
        for i, string in enumerate(strings):
            molecule = Chem.MolFromSmiles(string) if string and "." not in string else None
            if molecule is None:
                continue
            names[i] = Chem.MolToSmiles(molecule)
            table[i] = (
                Crippen.MolLogP(molecule),
                rdMolDescriptors.CalcTPSA(molecule),
                Crippen.MolMR(molecule),
                Descriptors.MolWt(molecule),
                rdMolDescriptors.CalcNumHBA(molecule),
                rdMolDescriptors.CalcNumHBD(molecule),
            )
    return names, table


def heavy_atoms(strings: Sequence[str]) -> np.ndarray:
    """Atoms other than hydrogen of each valid SMILES; of a pair "a.b", of both."""
    with needs_package("rdkit"):
        from rdkit import Chem
    return np.array([Chem.MolFromSmiles(string).GetNumHeavyAtoms() for string in strings], float)


def formulas(strings: Sequence[str]) -> list[str]:
    """Molecular formula of each valid SMILES, such as C2H6O."""
    with needs_package("rdkit"):
        from rdkit import Chem
        from rdkit.Chem.rdMolDescriptors import CalcMolFormula
    return [CalcMolFormula(Chem.MolFromSmiles(string)) for string in strings]


def fingerprints(strings: Sequence[str], radius: int = 2, bits: int = 1024) -> np.ndarray:
    """Morgan's fingerprints as counts, shape (strings, bits)."""
    with needs_package("rdkit"):
        from rdkit import Chem
        from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator
    maker = GetMorganGenerator(radius=radius, fpSize=bits)
    return np.stack([maker.GetCountFingerprintAsNumPy(Chem.MolFromSmiles(string)) for string in strings]).astype(float)


def random_molecules(rng: np.random.Generator, n: int, atoms: tuple[int, int], longest: int) -> list[str]:
    """Draw n different molecules as canonical SMILES.

    Random symbols of SELFIES always decode to one (Krenn and others, Mach. Learn. Sci. Technol. 1, 045024, 2020).
    No two have one InChIKey, so that tautomers don't come twice.

    Parameters
    ----------
    atoms
        Fewest and most atoms other than hydrogen.
    longest
        Characters of a SMILES.

    Raises
    ------
    UserError
        If no other molecule is found in many draws.
    """
    with needs_package("selfies"):
        import selfies
    with needs_package("rdkit"):
        from rdkit import Chem, rdBase
    found: dict[str, str] = {}
    tried: set[str] = set()
    in_vain = 0
    with rdBase.BlockLogs():
        while len(found) < n:
            if in_vain == PATIENCE:
                raise UserError(
                    f"simulate.molecules: only {len(found)} different molecules of these atoms and this length were"
                    " found; ask for fewer, or raise simulate.longest"
                )
            in_vain += 1
            symbols = rng.integers(len(BAG), size=rng.integers(LENGTHS[0], LENGTHS[1] + 1))
            molecule = Chem.MolFromSmiles(selfies.decoder("".join(BAG[i] for i in symbols)))
            if molecule is None or not atoms[0] <= molecule.GetNumHeavyAtoms() <= atoms[1]:
                continue
            name = Chem.MolToSmiles(molecule)
            if len(name) <= longest and name not in tried:
                tried.add(name)
                key = Chem.MolToInchiKey(molecule)
                in_vain *= key in found
                found.setdefault(key, name)
    return list(found.values())
