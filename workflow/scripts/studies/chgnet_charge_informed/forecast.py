"""Predictions and their scores: stand-ins for accuracy, derivatives, barrier, valences, the students on new data."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled

EV_PER_ANGSTROM3 = 160.21766  # GPa


def forecast(
    case: Case,
    atoms: xr.DataTree,
    manganate: xr.DataTree,
    trained: xr.DataTree | None,
    garnet: xr.DataTree | None = None,
) -> xr.DataTree:
    """Groups: accuracy (C1), surface (C2), hop (C6), valence; students (C7), garnet, held_out where there are some."""
    net = case.params.forecast.net
    groups = {
        "accuracy": _accuracy(atoms["oxides"].to_dataset(), atoms["equation_of_state"].to_dataset(), net),
        "surface": _surface(atoms["surface"].to_dataset(), net),
        "hop": _hop(atoms["hop"].to_dataset(), case.params.forecast.path),
        "valence": _valence(atoms["oxides"].to_dataset()),
    }
    if "held_out" in atoms:
        groups["held_out"] = atoms["held_out"].to_dataset()
    if garnet is not None:
        groups["garnet"] = _garnet(garnet["garnet"].to_dataset())
    if trained is not None:
        groups["students"] = _students(case, manganate["dynamics"].to_dataset(), trained)
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
    """Energy and largest force of LiMnO2 as DFT relaxed it; lattice constant and bulk modulus of MgO."""
    energies = eos["energy"].sel(net=net).values
    fits = np.array([fit_lattice(eos["lattice_constant"].values, row, 8) for row in energies])
    none = "an energy without a minimum between the points"
    return xr.Dataset(
        {
            "limno2_energy": labelled(
                "version", oxides["reference_energy"].sel(net=net).values, "energy of LiMnO2 per atom", "eV"
            ),
            "limno2_force": labelled(
                "version", oxides["reference_force"].sel(net=net).values, "largest force on LiMnO2", "eV/angstrom"
            ),
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
        exact, differences = data[name].sel(net=net).values, data[f"{name}_difference"].values
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
    energy = data["energy"].sel(path=path).values
    profile = energy - energy[:, :1]
    return xr.Dataset(
        {
            "profile": labelled(("version", "fraction"), profile, "energy along the path", "eV"),
            "barrier": labelled("version", profile.max(1), "barrier of the hop", "eV"),
            "peak": labelled("version", data["fraction"].values[profile.argmax(1)], "place of the maximum"),
            "force_left": labelled(
                ("version", "fraction"), data["force_left"].sel(path=path).values, "largest force left", "eV/angstrom"
            ),
        },
        {"version": data["version"].values, "fraction": data["fraction"].values},
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


def _garnet(data: xr.Dataset) -> xr.Dataset:
    """Diffusion coefficients from the second half of the displacement, and Arrhenius' activation energy."""
    from pesin.systems.regular_solution import BOLTZMANN

    late = data.isel(time=slice(data.sizes["time"] // 2, None))
    dt = late["time"] - late["time"].mean()
    slope = ((late["displacement"] * dt).sum("time") / (dt**2).sum("time")).values / 6
    inverse = 1 / (BOLTZMANN * data["temperature"].values)
    with np.errstate(invalid="ignore", divide="ignore"):
        fits = [-np.polyfit(inverse, np.log(column), 1)[0] for column in slope.T]
    return xr.Dataset(
        {
            "diffusion": labelled(("temperature", "replica"), slope, "diffusion coefficient of Li", "angstrom2/fs"),
            "activation": labelled(
                "replica", fits, "activation energy", "eV", nan="a temperature at which nothing diffuses"
            ),
        },
        {"temperature": data["temperature"].values, "replica": data["replica"].values},
    )


# ----------------------------------------------------------------------------------------------------------- students


def _students(case: Case, dynamics: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Errors of students and baselines on the held-out composition, and a linear probe of the students' features."""
    from studies.chgnet_charge_informed.student import MANGANESE, frames

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


def _outputs(trained: xr.DataTree, data, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (run, frame) in eV, forces (run, frame, atom, 3) in eV/Å and hidden features of all students."""
    import torch

    from pesin.models.message_passing import energy_and_forces

    torch.set_num_threads(1)
    weights = {
        str(name).replace(".", "/"): torch.as_tensor(v.values) for name, v in trained["weights"].data_vars.items()
    }
    rows = []
    for start in range(0, len(data.lithium), 30):
        energy, force, _, hidden = energy_and_forces(weights, *data.inputs(slice(start, start + 30)), cutoff)
        rows.append([one.detach().numpy() for one in (energy, force, hidden)])
    energy, force, hidden = (np.concatenate(column, 1) for column in zip(*rows, strict=True))
    intercept, slope = trained["curves"]["composition"].values
    return energy + intercept + slope * data.lithium, force, hidden


def _baseline_errors(data, seen: np.ndarray) -> tuple[list, list]:
    """Errors of energy per atom and force on held-out frames: by composition alone, and with a pair potential."""
    from studies.chgnet_charge_informed.student import composition_model

    truth, atoms, force = data.energy.numpy(), data.atoms.numpy(), data.force.numpy()
    unseen, present = ~seen, data.present.numpy()
    intercept, slope = composition_model(data.lithium[seen], truth[seen])
    line = intercept + slope * data.lithium
    pair_energy, pull = _pair_potential(data, seen, truth - line)
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


def _pair_potential(data, seen: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Baseline: pair potentials (Gaussians for each pair of elements), fitted to forces and what composition leaves."""
    import itertools

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
