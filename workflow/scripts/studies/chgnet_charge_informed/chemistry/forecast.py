"""Predictions and their scores: stand-ins for accuracy, derivatives, barrier, valences, the students on new data."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.chgnet_charge_informed.chemistry.params import Params

EV_PER_ANGSTROM3 = 160.21766  # GPa


def forecast(case: Case[Params], atoms: xr.DataTree, manganate: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Groups: accuracy (C1), surface (C2), hop (C6), valence; held_out where there are frames.

    And students (C7), but where a control asks for another net or path: those don't touch them.
    """
    net, path = case.params.forecast.net, case.params.forecast.path
    groups = {
        "accuracy": _accuracy(atoms["oxides"].to_dataset(), atoms["equation_of_state"].to_dataset(), net),
        "surface": _surface(atoms["surface"].to_dataset(), net),
        "hop": _hop(atoms["hop"].to_dataset(), path),
        "valence": _valence(atoms["oxides"].to_dataset()),
    }
    if "held_out" in atoms:
        groups["held_out"] = atoms["held_out"].to_dataset()
    if net == "trained" and path == "empty":
        # torch takes seconds to load, and the other controls don't need it
        from studies.chgnet_charge_informed.chemistry.student_errors import student_errors

        groups["students"] = student_errors(case, manganate["dynamics"].to_dataset(), trained)
    return xr.DataTree.from_dict(groups)


# ----------------------------------------------------------------------------------------------------------- accuracy


def fit_lattice(constants: np.ndarray, energies: np.ndarray, atoms_per_cube: int) -> tuple[float, float]:
    """Lattice constant (Å) and bulk modulus (GPa) of a cubic crystal, by a polynomial of 4th order in the volume.

    Parameters
    ----------
    constants, energies : ndarray, shape (points,)
        Lattice constants of the cube in Å, energies per atom in eV.
    atoms_per_cube
        Atoms in the cube.

    Returns
    -------
    (a0, B)
        NaN where the energy has no minimum between the points.
    """
    volume = constants**3 / atoms_per_cube
    middle, spread = volume.mean(), np.ptp(volume)
    scaled = (volume - middle) / spread
    curve = np.polynomial.Polynomial.fit(scaled, energies, 4, domain=[-1, 1])
    second = curve.deriv(2)
    roots = curve.deriv().roots()
    real = roots[np.abs(roots.imag) < 1e-9].real
    minima = [r for r in real if scaled.min() <= r <= scaled.max() and second(r) > 0]
    if not minima:
        return np.nan, np.nan
    best = min(minima, key=curve)
    v0 = middle + spread * best
    bulk = v0 * second(best) / spread**2 * EV_PER_ANGSTROM3
    return float((v0 * atoms_per_cube) ** (1 / 3)), float(bulk)


def _accuracy(oxides: xr.Dataset, eos: xr.Dataset, net: str) -> xr.Dataset:
    """Largest force on LiMnO2 as DFT relaxed it; lattice constant and bulk modulus of MgO."""
    if net == "constant":
        energies = np.full_like(eos["energy"].sel(net="trained").values, eos["energy"].values.mean())
        force = np.zeros(oxides.sizes["version"])
    else:
        energies, force = eos["energy"].sel(net=net).values, oxides["reference_force"].sel(net=net).values
    fits = np.array([fit_lattice(eos["lattice_constant"].values, row, 8) for row in energies])
    none = "an energy without a minimum between the points"
    return xr.Dataset(
        {
            "limno2_force": labelled("version", force, "largest force on LiMnO2", "eV/angstrom"),
            "mgo_energy": labelled(("version", "lattice_constant"), energies, "energy of MgO per atom", "eV"),
            "mgo_lattice_constant": labelled("version", fits[:, 0], "lattice constant of MgO", "angstrom", nan=none),
            "mgo_bulk_modulus": labelled("version", fits[:, 1], "bulk modulus of MgO", "GPa", nan=none),
        },
        {"version": oxides["version"].values, "lattice_constant": eos["lattice_constant"].values},
    )


def _surface(data: xr.Dataset, net: str) -> xr.Dataset:
    """Relative differences between the net's derivatives and those of its energy."""
    variables = {}
    for name in ("force", "stress"):
        differences = data[f"{name}_difference"].values
        exact = np.zeros_like(differences) if net == "constant" else data[name].sel(net=net).values
        error = np.abs(exact - differences) / np.abs(differences)
        variables[f"{name}_error"] = labelled("crystal", error, f"relative error of the {name}")
        variables[name] = labelled("crystal", exact, name, data[name].attrs["units"])
        variables[f"{name}_difference"] = labelled(
            "crystal", differences, f"{name} from energies", data[name].attrs["units"]
        )
    variables["symmetry_error"] = labelled(
        ("crystal", "operation"), data["symmetry_error"].values, "change of the energy per atom", "eV"
    )
    return xr.Dataset(variables, {"crystal": data["crystal"].values, "operation": data["operation"].values})


def _hop(data: xr.Dataset, path: str) -> xr.Dataset:
    """Barrier and its place along the path."""
    chosen = data.sel(path="empty" if path == "resting" else path)
    energy, left = chosen["energy"].values, chosen["force_left"].values
    profile = np.zeros_like(energy) if path == "resting" else energy - energy[0]
    return xr.Dataset(
        {
            "profile": labelled("fraction", profile, "energy along the path", "eV"),
            "barrier": labelled((), profile.max(), "barrier of the hop", "eV"),
            "end_energy": labelled((), 0.0 if path == "resting" else data["end_energy"], "energy of the end", "eV"),
            "peak": labelled((), data["fraction"].values[profile.argmax()], "place of the maximum"),
            "force_left": labelled("fraction", left, "largest force left", "eV/angstrom"),
        },
        {"fraction": data["fraction"].values},
    )


def _valence(oxides: xr.Dataset) -> xr.Dataset:
    """How often a moment, rounded, gives the formal number of unpaired electrons."""
    counts = np.zeros((oxides.sizes["version"], 6, 6), int)
    for version, row in enumerate(oxides["moment"].values):
        for formal, moment in zip(oxides["unpaired"].values, row, strict=True):
            counts[version, formal, int(np.clip(np.rint(moment), 0, 5))] += 1
    return xr.Dataset(
        {"confusion": labelled(("version", "formal", "read"), counts, "oxides by formal and read unpaired electrons")},
        {"version": oxides["version"].values, "formal": np.arange(6), "read": np.arange(6)},
    )
