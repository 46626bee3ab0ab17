"""Forces on the first dihedral, sampled exactly: from the molecule, from one without cos 3 phi, and with a gap."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.bayesian_uq_nn_potentials import molecule
from studies.bayesian_uq_nn_potentials.params import Params

SOURCES = ("molecule", "biased", "gap")
THIRD = {"molecule": 0.8, "biased": 0.0, "gap": 0.8}


def simulate(case: Case[Params]) -> xr.Dataset:
    """Samples of each source and data set; the truth and the biased reference on the grid."""
    params = case.params.simulate
    phi = np.empty((len(SOURCES), params.seeds, params.sizes[-1]))
    forces = np.empty_like(phi)
    for i, source in enumerate(SOURCES):
        rng = case.rng(f"samples {source}")
        one, two = drawn(rng, params, source)
        noise = params.noise * rng.standard_normal(one.shape)
        phi[i], forces[i] = one, molecule.force(one, two, params.coupling, THIRD[source]) + noise
    grid = molecule.angles(params.grid)
    true, mean, variance = molecule.coarse(grid, params.coupling)
    biased, _, _ = molecule.coarse(grid, params.coupling, THIRD["biased"])
    profile = molecule.free_energy(np.stack([true, biased]))
    dims = ("source", "seed", "sample")
    found = {
        "phi": labelled(dims, phi, "dihedral angle of a sample", "rad"),
        "force": labelled(dims, forces, "force on the dihedral", "kT/rad"),
        "profile": labelled(("truth", "angle"), profile, "free energy", "kT", role="truth"),
        "mean_force": labelled("angle", mean, "mean force", "kT/rad", role="truth"),
        "force_sd": labelled(
            "angle", np.sqrt(variance + params.noise**2), "deviation of forces", "kT/rad", role="truth"
        ),
        "gap": labelled("edge", params.gap, "edges of the gap", "rad"),
        "width": labelled((), likelihood_width(params), "deviation of forces, mean over the samples' law", "kT/rad"),
    }
    coords = {"source": list(SOURCES), "seed": np.arange(params.seeds), "truth": ["molecule", "biased"], "angle": grid}
    return xr.Dataset(found, coords)


def drawn(rng: np.random.Generator, params, source: str) -> tuple[np.ndarray, np.ndarray]:
    """Both angles from exp(-W) on cells, even within a cell, outside the gap if there is one; (seeds, samples) each."""
    cells = params.cells
    middle = molecule.angles(cells) + np.pi / cells
    w = molecule.energy(middle[:, None], middle, params.coupling, THIRD[source])
    p = np.exp(-(w - w.min()))
    if source == "gap":
        p[(middle > params.gap[0]) & (middle < params.gap[1])] = 0
    shape = params.seeds, params.sizes[-1]
    share = np.cumsum(p.ravel())
    chosen = np.searchsorted(share, rng.random(shape) * share[-1], side="right")
    jitter = (rng.random((2, *shape)) - 0.5) * 2 * np.pi / cells
    return middle[chosen // cells] + jitter[0], middle[chosen % cells] + jitter[1]


def likelihood_width(params) -> float:
    """Root of the mean conditional variance of the forces."""
    grid = molecule.angles(molecule.QUADRATURE)
    potential, _, variance = molecule.coarse(grid, params.coupling)
    return float(np.sqrt(molecule.density(molecule.free_energy(potential)) @ variance + params.noise**2))
