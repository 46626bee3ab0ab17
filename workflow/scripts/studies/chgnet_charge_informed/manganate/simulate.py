"""LixMnO2: relaxed at each lithium content, and in molecular dynamics from there."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from studies.chgnet_charge_informed.crystals import REFERENCE
from studies.chgnet_charge_informed.delithiated import NO_ATOM, padded, relax_delithiated, relaxed_dataset
from studies.chgnet_charge_informed.manganate.params import Params
from studies.chgnet_charge_informed.potential import langevin, load


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups: manganate, dynamics."""
    relaxed = _manganate(case)
    return xr.DataTree.from_dict({"manganate": relaxed, "dynamics": _dynamics(case, relaxed)})


def _manganate(case: Case[Params]) -> xr.Dataset:
    """Cell and ions of LixMnO2 relaxed at each lithium content by each version."""
    p = case.params.simulate
    tasks = [(v, tuple(range(2 - n)), REFERENCE, p.relax, None) for v in p.versions for n in p.lithium]
    relaxed = each(relax_delithiated, tasks, case.threads)
    return relaxed_dataset(relaxed, ("version", p.versions), ("lithium", p.lithium), 2, "Mn")


def _dynamics(case: Case[Params], relaxed: xr.Dataset) -> xr.Dataset:
    """Trajectories of LixMnO2 at constant temperature, from the cells that the first version has relaxed."""
    version, d = case.params.simulate.versions[0], case.params.simulate.dynamics
    start = relaxed.isel(version=0)
    tasks, labels = [], []
    for run in d.runs:
        cell = start.sel(lithium=run.lithium)
        real = cell["number"].values > 0
        crystal = (cell["number"].values[real], cell["position"].values[real], cell["cell"].values)
        for replica in range(run.replicas):
            seed = case.seed(f"dynamics {run.lithium} {run.temperature} {replica}")
            tasks.append((version, crystal, run, d, seed))
            labels.append((run.lithium, run.temperature, replica, run.every))
    frames = each(_trajectory, tasks, case.threads)
    lithium, temperature, replicas, every = zip(*labels, strict=True)
    number = np.arange(1, d.frames + 1)
    numbers = padded([crystal[0] for _, crystal, *_ in tasks], fill=0)

    def over_atoms(name) -> np.ndarray:
        return np.swapaxes(padded([np.swapaxes(one[name], 0, 1) for one in frames]), 1, 2)

    dims = ("trajectory", "frame")
    return xr.Dataset(
        {
            "lithium": labelled("trajectory", lithium, "lithium atoms in the cell", may_be_constant=1),
            "temperature": labelled("trajectory", temperature, "temperature", "K", may_be_constant=1),
            "replica": labelled("trajectory", replicas, "replica", may_be_constant=1),
            "number": labelled(("trajectory", "atom"), numbers, "atomic number (0: none)"),
            "cell": labelled(
                ("trajectory", "vector", "axis"), [crystal[2] for _, crystal, *_ in tasks], "cell", "angstrom"
            ),
            "position": labelled((*dims, "atom", "axis"), over_atoms("positions"), "position", "angstrom", nan=NO_ATOM),
            "force": labelled((*dims, "atom", "axis"), over_atoms("forces"), "force", "eV/angstrom", nan=NO_ATOM),
            "magmom": labelled((*dims, "atom"), over_atoms("moments"), "moment of each atom", "mu_B", nan=NO_ATOM),
            "energy": labelled(dims, [one["energy"] for one in frames], "energy of the cell", "eV"),
            "time": labelled(dims, d.dt * np.multiply.outer(every, number), "time", "fs"),
        },
        {"frame": number},
    )


def _trajectory(task) -> dict:
    from ase import Atoms

    version, (numbers, positions, cell), run, d, seed = task
    net = load(version)
    atoms = Atoms(numbers, positions, cell=cell, pbc=True)
    return langevin(net, atoms, run.temperature, d.frames * run.every, run.every, d.dt, d.friction, seed)
