"""Histories of TNG-Cluster from an HDF5 file, on the study's own clock.

The catalogues of the simulation (https://www.tng-project.org/cluster/) come one snapshot a file; what this study needs
of them is gathered once into one file of these arrays:

    time (snapshot)                  cosmic time, Gyr, rising
    K0 (cluster, snapshot)           central entropy, keV cm^2
    smbh_kinetic (cluster, snapshot) kinetic energy that the central black hole has given off so far, any unit
    lg_mass (cluster)                log10 of M500c at redshift 0 in solar masses
    mergers/cluster, time, ratio, spin (merger)   row of the cluster; Gyr; mass ratio up to 1; specific angular momentum
"""

from __future__ import annotations

import numpy as np

from pesin.errors import UserError
from studies.cool_core_transformations import generator

MERGERS = ("cluster", "time", "ratio", "spin")
WANTED = ("time", "K0", "smbh_kinetic", "lg_mass", *(f"mergers/{name}" for name in MERGERS))


def read(path: str, dt: float) -> dict[str, np.ndarray]:
    """The file's clusters, interpolated in ln K0 to steps of dt.

    Returns
    -------
    dict
        k0, agn, mass_ratio, spin of shape (cluster, time) and lg_mass (cluster,), as `generator.population` has them;
        agn is the energy given off since the last time over its mean, mass_ratio the largest of a step, and spin is
        its place among the spins of all mergers, from 0 to 1.

    Raises
    ------
    UserError
        If an array is missing, has another shape, or values that can't be.
    """
    held = arrays(path)
    n, m = held["K0"].shape if held["K0"].ndim == 2 else (0, 0)
    number = held["mergers/time"].size
    shapes = {"time": (m,), "K0": (n, m), "smbh_kinetic": (n, m), "lg_mass": (n,)}
    for name in WANTED:
        want, has = shapes.get(name, (number,)), held[name].shape
        if has != want:
            raise UserError(f"{path}: {name} has the shape {has}, not {want} (K0 is (cluster, snapshot)).")
        if not np.isfinite(held[name]).all():
            raise UserError(f"{path}: {name} has values that aren't finite; leave such clusters out.")
    check(path, held)
    times, snapshots = generator.clock(dt), held["time"]
    of_clock = [np.interp(times, snapshots, row) for row in np.log(held["K0"])]
    given = np.array([np.interp(times, snapshots, row) for row in held["smbh_kinetic"]])
    agn = np.diff(given, axis=1, prepend=given[:, :1])
    ratio, spin = np.zeros_like(agn), np.zeros_like(agn)
    inside = (held["mergers/time"] > times[0]) & (held["mergers/time"] <= times[-1])
    order = np.argsort(np.argsort(held["mergers/spin"], kind="stable"), kind="stable") / max(number, 1)
    rising = np.argsort(held["mergers/ratio"], kind="stable")  # the largest of a step is written last
    for i in rising[inside[rising]]:
        where = int(held["mergers/cluster"][i]), int(np.searchsorted(times, held["mergers/time"][i]))
        ratio[where], spin[where] = held["mergers/ratio"][i], order[i]
    scale = agn.mean() or 1.0
    return {
        "k0": np.exp(of_clock),
        "agn": agn / scale,
        "mass_ratio": ratio,
        "spin": spin,
        "lg_mass": held["lg_mass"],
    }


def arrays(path: str) -> dict[str, np.ndarray]:
    """All arrays of the file by their names in WANTED, as floats."""
    import netCDF4  # reads any HDF5 file

    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            missing = [name for name in WANTED if not has(file, name)]
            if missing:
                raise UserError(f"{path}: no array {', '.join(missing)}; it needs {', '.join(WANTED)}.")
            return {name: np.asarray(file[name][:], float) for name in WANTED}
    except OSError as error:
        raise UserError(f"{path}: not to be read as HDF5 ({error}).") from None


def has(file, name: str) -> bool:
    """Whether the file has an array of that name, which may lie in a group."""
    try:
        return hasattr(file[name], "shape")
    except (IndexError, KeyError):
        return False


def check(path: str, held: dict[str, np.ndarray]) -> None:
    """Refuse values that can't be."""
    time, rows = held["time"], held["mergers/cluster"]
    if (np.diff(time) <= 0).any() or time[0] > generator.BEGIN + 0.3 or time[-1] < generator.END - 0.3:
        raise UserError(f"{path}: time must rise from {generator.BEGIN} to {generator.END} Gyr.")
    if (held["K0"] <= 0).any():
        raise UserError(f"{path}: K0 must be above 0 keV cm^2.")
    if (np.diff(held["smbh_kinetic"], axis=1) < 0).any():
        raise UserError(f"{path}: smbh_kinetic must not fall: it is the energy given off so far.")
    if rows.size and (rows.min() < 0 or rows.max() >= len(held["K0"]) or (rows % 1 != 0).any()):
        raise UserError(f"{path}: mergers/cluster must be rows of K0, whole numbers from 0.")
    if ((held["mergers/ratio"] <= 0) | (held["mergers/ratio"] > 1)).any():
        raise UserError(f"{path}: mergers/ratio must lie between 0 and 1.")
