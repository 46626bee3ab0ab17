"""Reads frames of MPtrj, the paper's data set, from its JSON file, and checks their form.

The file (11 GB, CC-BY 4.0, doi:10.6084/m9.figshare.23713842) is a mapping mp_id -> graph_id -> frame. Of a frame are
read: `structure` (a pymatgen Structure as a dict), `energy_per_atom` (eV, uncorrected, or `corrected_total_energy`, eV,
which CHGNet was trained on), `force` (eV/Å, one row per atom), `stress` (kbar, VASP's sign) and `magmom` (mu_B per
atom, or null).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pesin.errors import UserError

WHERE = (
    "Get MPtrj_2022.9_full.json from https://doi.org/10.6084/m9.figshare.23713842, or write a JSON of the same form:"
    " {mp_id: {graph_id: {structure, corrected_total_energy, force, stress, magmom}}}."
)


def read_frames(path: str, most: int) -> list[dict]:
    """Frames of the file, one of each compound before the second of any.

    Parameters
    ----------
    path
        JSON file in MPtrj's format.
    most
        Read no more frames than this.

    Returns
    -------
    list of dict
        material, structure (a dict), energy (eV/atom), force (eV/Å), stress (GPa, positive where the energy rises with
        the volume), moment (absolute, mu_B; NaN where none is given).

    Raises
    ------
    UserError
        If the file is missing or a frame isn't of this form; the message says which and where to get the data.
    """
    file = Path(path)
    if not file.is_file():
        raise UserError(f"simulate.held_out.path: there is no file '{path}'. {WHERE}")
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: is not JSON ({error}). {WHERE}") from None
    if not isinstance(data, Mapping) or not all(isinstance(frames, Mapping) and frames for frames in data.values()):
        raise UserError(f"{path}: is not a mapping of materials to frames. {WHERE}")
    turns = sorted((turn, material) for material, frames in data.items() for turn in range(len(frames)))
    keys = [(material, list(data[material])[turn]) for turn, material in turns[:most]]
    return [_frame(material, data[material][graph], f"{path}: {material}/{graph}") for material, graph in keys]


def _frame(material: str, frame, where: str) -> dict:
    """One frame, checked."""
    if not isinstance(frame, Mapping) or not isinstance(frame.get("structure"), Mapping):
        raise UserError(f"{where}: has no 'structure'. {WHERE}")
    atoms = len(frame["structure"].get("sites", []))
    if "corrected_total_energy" in frame:
        energy = _numbers(frame, "corrected_total_energy", (), where) / max(atoms, 1)
    else:
        energy = _numbers(frame, "energy_per_atom", (), where)
    moment = np.full(atoms, np.nan) if frame.get("magmom") is None else _numbers(frame, "magmom", (atoms,), where)
    return {
        "material": material,
        "structure": dict(frame["structure"]),
        "energy": float(energy),
        "force": _numbers(frame, "force", (atoms, 3), where),
        "stress": -0.1 * _numbers(frame, "stress", (3, 3), where),
        "moment": np.abs(moment),
    }


def _numbers(frame, key: str, shape: tuple[int, ...], where: str) -> np.ndarray:
    try:
        values = np.asarray(frame[key], float)
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{where}: '{key}' is missing or not numbers. {WHERE}") from None
    if values.shape != shape or not np.isfinite(values).all():
        raise UserError(f"{where}: '{key}' should be finite numbers of shape {shape}, and is {values.shape}. {WHERE}")
    return values
