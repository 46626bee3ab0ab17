"""Rotation curves of SPARC (Lelli, McGaugh and Schombert 2016) from its table of mass models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pesin.errors import UserError

COLUMNS = ("ID", "D", "R", "Vobs", "e_Vobs", "Vgas", "Vdisk", "Vbul", "SBdisk", "SBbul")
LAST = (20.0, 200.0)
"""Galaxies whose last speed lies between them, km/s."""
BULGE = 1.4
"""M/L of the bulge over that of the disc."""


def read(path, fewest: int) -> list[dict]:
    """Galaxies of at least `fewest` radii: rad [kpc]; v_obs, v_err, v_gas, v_disk [km/s]; the bulge counts as disc.

    Raises
    ------
    UserError
        If the file has no row of a name and nine numbers, or none is left in the range of speeds.
    """
    rows: dict[str, list[list[float]]] = {}
    for line in Path(path).read_text(encoding="utf-8", errors="replace").splitlines():
        cells = line.split()
        if len(cells) == len(COLUMNS) and all(map(is_number, cells[1:])):
            rows.setdefault(cells[0], []).append([float(cell) for cell in cells[1:]])
    if not rows:
        raise UserError(f"{path}: no row of {', '.join(COLUMNS)}; take MassModels_Lelli2016c.mrt from SPARC's page.")
    found = []
    for values in rows.values():
        _, rad, v_obs, v_err, v_gas, v_disk, v_bulge = np.array(values).T[:7]
        if len(values) >= fewest and LAST[0] <= v_obs[-1] <= LAST[1]:
            disk = np.sqrt(v_disk**2 + BULGE * v_bulge**2)
            found.append({"rad": rad, "v_obs": v_obs, "v_err": v_err, "v_gas": v_gas, "v_disk": disk})
    if len(found) < 3:
        raise UserError(
            f"{path}: fewer than 3 galaxies of {fewest} radii and a last speed of {LAST[0]} to {LAST[1]} km/s."
        )
    return found


def is_number(text: str) -> bool:
    """Whether it is one."""
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False
