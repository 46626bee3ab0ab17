"""Crystals with lithium taken out, relaxed: what LixMnO2 and LixFePO4 have in common."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled
from studies.chgnet_charge_informed.crystals import build
from studies.chgnet_charge_informed.potential import load, relax, without_atoms

NO_ATOM = "no atom: the cell has fewer than the largest"


def padded(rows, fill=np.nan) -> np.ndarray:
    """Stack arrays whose first axes differ in length."""
    rows = [np.asarray(row) for row in rows]
    longest = max(len(row) for row in rows)
    out = np.full((len(rows), longest, *rows[0].shape[1:]), fill, dtype=np.result_type(rows[0].dtype, type(fill)))
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return out


def relax_delithiated(task) -> dict:
    """Take Li atoms out of a crystal, counted among its Li sites, and relax it."""
    from pymatgen.io.ase import AseAtomsAdaptor

    version, empty, name, settings, start = task
    net = load(version)
    if start is None:
        atoms, hessian = AseAtomsAdaptor.get_atoms(build(name)), None
    else:
        atoms, hessian = start["atoms"].copy(), start["hessian"]
    lithium = [i for i, symbol in enumerate(atoms.symbols) if symbol == "Li"]
    gone = [lithium[i] for i in empty]
    del atoms[gone]
    hessian = None if hessian is None else without_atoms(hessian, gone)
    left, hessian, evaluations = relax(net, atoms, settings.fmax, settings.steps, hessian=hessian)
    results = atoms.calc.results
    atoms.calc = None
    return {
        "atoms": atoms,
        "hessian": hessian,
        "energy": float(results["energy"]),
        "moments": np.array(results["magmoms"], float),
        "left": left,
        "evaluations": evaluations,
    }


def relaxed_dataset(relaxed: list[dict], outer, inner, units_in_cell: int, metal: str) -> xr.Dataset:
    """Relaxed crystals over two dimensions: energies, moments by site, structures, what was left of the force."""
    (one, ones), (two, twos) = outer, inner
    shape = (len(ones), len(twos))

    def grid(values) -> np.ndarray:
        values = np.asarray(values)
        return values.reshape(*shape, *values.shape[1:])

    atoms = [r["atoms"] for r in relaxed]
    moments = padded([r["moments"] for r in relaxed])
    numbers = padded([a.numbers for a in atoms], fill=0)
    metals = np.stack([r["moments"][a.symbols == metal] for r, a in zip(relaxed, atoms, strict=True)])
    oxygen = [r["moments"][a.symbols == "O"].max() for r, a in zip(relaxed, atoms, strict=True)]
    contents = [(a.symbols == "Li").sum() / units_in_cell for a in atoms]
    dims = (one, two)
    return xr.Dataset(
        {
            "energy": labelled(
                dims, grid([r["energy"] / units_in_cell for r in relaxed]), "energy per formula unit", "eV"
            ),
            "x_li": labelled(dims, grid(contents), "lithium content x"),
            "magmom": labelled((*dims, "atom"), grid(moments), "moment of each atom", "mu_B", nan=NO_ATOM),
            "number": labelled((*dims, "atom"), grid(numbers), "atomic number (0: none)"),
            "metal_moment": labelled((*dims, "site"), grid(metals), f"moment of each {metal}", "mu_B"),
            "oxygen_moment": labelled(dims, grid(oxygen), "largest moment of an oxygen", "mu_B"),
            "position": labelled(
                (*dims, "atom", "axis"),
                grid(padded([a.get_positions() for a in atoms])),
                "position",
                "angstrom",
                nan=NO_ATOM,
            ),
            "cell": labelled((*dims, "vector", "axis"), grid([np.array(a.cell) for a in atoms]), "cell", "angstrom"),
            "volume": labelled(
                dims, grid([a.get_volume() / units_in_cell for a in atoms]), "volume per formula unit", "angstrom3"
            ),
            "force_left": labelled(dims, grid([r["left"] for r in relaxed]), "largest force left", "eV/angstrom"),
            "evaluations": labelled(dims, grid([r["evaluations"] for r in relaxed]), "evaluations of CHGNet"),
        },
        {one: list(ones), two: list(twos)},
    )
