"""Lithium in a garnet in dynamics at several temperatures; for machines larger than a laptop."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from studies.chgnet_charge_informed.garnet.cell import garnet
from studies.chgnet_charge_informed.garnet.params import Params
from studies.chgnet_charge_informed.potential import langevin, load, relax


def simulate(case: Case[Params]) -> xr.Dataset:
    """Mean square displacement of Li in the garnet, at several temperatures."""
    g = case.params.simulate
    pairs = [(t, r) for t in g.temperatures for r in range(g.replicas)]
    tasks = [(g.version, t, g, case.seed(f"garnet {t} {r}")) for t, r in pairs]
    curves = np.reshape(each(_displacement, tasks, case.threads), (len(g.temperatures), g.replicas, -1))
    return xr.Dataset(
        {
            "displacement": labelled(
                ("temperature", "replica", "time"), curves, "mean square displacement of Li", "angstrom2"
            )
        },
        {
            "temperature": g.temperatures,
            "replica": np.arange(g.replicas),
            "time": g.dt * g.every * np.arange(curves.shape[-1]),
        },
    )


def _displacement(task) -> np.ndarray:
    from pymatgen.io.ase import AseAtomsAdaptor

    version, temperature, g, seed = task
    net = load(version)
    atoms = AseAtomsAdaptor.get_atoms(garnet(g.extra_lithium))
    relax(net, atoms, g.relax.fmax, g.relax.steps)
    lithium = atoms.symbols == "Li"
    path = langevin(net, atoms, temperature, g.steps, g.every, g.dt, g.friction, seed)["positions"]
    moved = path[:, lithium] - path[:1, lithium] - (path[:, ~lithium] - path[:1, ~lithium]).mean(1, keepdims=True)
    return (moved**2).sum(-1).mean(-1)
