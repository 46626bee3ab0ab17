"""Errors of the students and of simple baselines on the composition that they haven't seen."""

from __future__ import annotations

import itertools

import numpy as np
import torch
import xarray as xr

from pesin.models.message_passing import energy_and_forces
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.chgnet_charge_informed.chemistry.params import Params
from studies.chgnet_charge_informed.chemistry.student import MANGANESE, Frames, composition_model, frames


def student_errors(case: Case[Params], dynamics: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Errors of students and baselines on the held-out composition, and a linear probe of the students' features."""
    p = case.params.train
    data = frames(dynamics, p.cutoff, "cpu")
    energy, force, hidden = _outputs(trained, data, p.cutoff)
    seen = np.isin(data.lithium, p.lithium)
    unseen, present = ~seen, data.present.numpy()
    energy_error = np.abs(energy - data.energy.numpy())[:, unseen] / data.atoms.numpy()[unseen]
    force_error = np.abs(force - data.force.numpy())[:, unseen][:, present[unseen]]
    moment, manganese = data.moment.numpy().astype(float), (data.species.numpy() == MANGANESE) & present
    valence = _valence_scale(moment, manganese, data.lithium)
    probe = [_probe(run.astype(float), valence, manganese, seen, case.params.forecast.ridge) for run in hidden]
    constant = valence[manganese & unseen[:, None]] - valence[manganese & seen[:, None]].mean()
    of_energy, of_force = "mean absolute error of the energy per atom", "mean absolute error of the force"
    of_probe, unit = "root mean square error of the probed oxidation state", "eV/angstrom"
    baseline_energy, baseline_force = _baseline_errors(data, seen)
    dims, shape = ("head", "seed"), (len(trained["curves"]["head"]), p.seeds)
    return xr.Dataset(
        {
            "energy_error": labelled(dims, energy_error.mean(1).reshape(shape), of_energy, "eV", nan=DIVERGED),
            "force_error": labelled(dims, force_error.mean((1, 2)).reshape(shape), of_force, unit, nan=DIVERGED),
            "probe_error": labelled(dims, np.reshape(probe, shape), of_probe, "e", nan=DIVERGED),
            "baseline_energy_error": labelled("baseline", baseline_energy, of_energy, "eV"),
            "baseline_force_error": labelled("baseline", baseline_force, of_force, unit),
            "constant_probe_error": labelled((), np.sqrt((constant**2).mean()), "error of a constant valence", "e"),
        },
        {
            "head": trained["curves"]["head"].values,
            "seed": np.arange(p.seeds),
            "baseline": ["composition", "pair_potential"],
        },
    )


def _outputs(trained: xr.DataTree, data: Frames, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (run, frame) in eV, forces (run, frame, atom, 3) in eV/Å and hidden features of all students."""
    torch.set_num_threads(1)
    weights = {
        str(name).replace(".", "/"): torch.as_tensor(v.values)
        for name, v in trained["weights"].to_dataset().data_vars.items()
    }
    rows = []
    for start in range(0, len(data.lithium), 30):
        energy, force, _, hidden = energy_and_forces(weights, *data.inputs(slice(start, start + 30)), cutoff)
        rows.append([one.detach().numpy() for one in (energy, force, hidden)])
    energy, force, hidden = (np.concatenate(column, 1) for column in zip(*rows, strict=True))
    intercept, slope = trained["curves"].to_dataset()["composition"].values
    return energy + intercept + slope * data.lithium, force, hidden


def _baseline_errors(data: Frames, seen: np.ndarray) -> tuple[list, list]:
    """Errors of energy per atom and force on held-out frames: by composition alone, and with a pair potential."""
    truth, atoms, force = data.energy.numpy(), data.atoms.numpy(), data.force.numpy()
    unseen, present = ~seen, data.present.numpy()
    intercept, slope = composition_model(data.lithium[seen], truth[seen])
    line = intercept + slope * data.lithium
    pair_energy, pull = pair_potential(data, seen, truth - line)
    return (
        [(np.abs(energy - truth) / atoms)[unseen].mean() for energy in (line, pair_energy + line)],
        [np.abs(made - force)[unseen][present[unseen]].mean() for made in (np.zeros_like(force), pull)],
    )


def _valence_scale(moment: np.ndarray, manganese: np.ndarray, lithium: np.ndarray) -> np.ndarray:
    """Oxidation state read off a moment: 3 at the mean of the filled cells, 4 at that of the empty ones."""
    three, four = (moment[manganese & (lithium == n)[:, None]].mean() for n in (2, 0))
    return 3 + (three - moment) / (three - four)


def _probe(hidden: np.ndarray, valence: np.ndarray, manganese: np.ndarray, seen: np.ndarray, ridge: float) -> float:
    """Root mean square error on held-out Mn sites of ridge regression from hidden features to the oxidation state."""
    learn, test = manganese & seen[:, None], manganese & ~seen[:, None]
    centre, spread = hidden[learn].mean(0), hidden[learn].std(0) + 1e-9
    features = (hidden - centre) / spread
    x, y = features[learn], valence[learn] - valence[learn].mean()
    weights = np.linalg.solve(x.T @ x + ridge * len(x) * np.eye(x.shape[1]), x.T @ y)
    error = features[test] @ weights + valence[learn].mean() - valence[test]
    return float(np.sqrt((error**2).mean()))


def pair_potential(data: Frames, seen: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Baseline: pair potentials (Gaussians for each pair of elements), fitted to forces and what composition leaves."""
    species, index, real = (getattr(data, name).numpy() for name in ("species", "index", "real"))
    position, shift = data.position.numpy().astype(float), data.shift.numpy().astype(float)
    row = np.arange(len(species))[:, None, None]
    apart = position[row, index] + shift - position[:, :, None]
    distance = np.where(real, np.sqrt((apart**2).sum(-1)), 1.0)
    partner = species[row, index]
    centres, width = np.linspace(1.5, 4.0, 8), 0.4
    bump = np.exp(-(((distance[..., None] - centres) / width) ** 2)) * real[..., None]
    rise = -2 * (distance[..., None] - centres) / width**2 * bump
    energies, forces = [], []
    for a, b in itertools.combinations_with_replacement(range(species.max() + 1), 2):
        mine = ((species[:, :, None] == a) & (partner == b)) | ((species[:, :, None] == b) & (partner == a))
        for k in range(len(centres)):
            energies.append(0.5 * (bump[..., k] * mine).sum((1, 2)))
            pull = (rise[..., k] * mine / distance)[..., None] * apart
            forces.append(pull.sum(2))
    e, f = np.stack(energies, -1), np.stack(forces, -1)
    there = data.present.numpy()
    rows = np.concatenate([e[seen], f[seen][there[seen]].reshape(-1, e.shape[1])])
    target = np.concatenate([energy[seen], data.force.numpy()[seen][there[seen]].ravel()])
    scale = np.linalg.norm(rows, axis=0) + 1e-12
    fit = np.linalg.lstsq(rows / scale, target, rcond=1e-6)[0]
    return e @ (fit / scale), f @ (fit / scale)
