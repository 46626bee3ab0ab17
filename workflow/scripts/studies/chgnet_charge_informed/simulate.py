"""Everything that CHGNet computes: oxides, its energy surface, LixMnO2, Li2O, LixFePO4, garnets, held-out frames.

Each part is a list of independent tasks, which may run on several processors. Nothing after this step calls CHGNet.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from studies.chgnet_charge_informed.crystals import CRYSTALS, build, delithiations, garnet, unpaired_electrons
from studies.chgnet_charge_informed.mptrj import read_frames
from studies.chgnet_charge_informed.potential import GPA, evaluate, langevin, load, relax, without_atoms

NETS = ("trained", "permuted")
REFERENCE = "limno2"
NO_ATOM = "no atom: the cell has fewer than the largest"


def simulate(case: Case) -> xr.DataTree:
    """One group for each part that the parameters ask for."""
    parts = {
        "oxides": _oxides,
        "surface": _surface,
        "equation_of_state": _equation_of_state,
        "manganate": _manganate,
        "hop": _hop,
        "olivine": _olivine,
        "garnet": _garnet,
        "held_out": _held_out,
    }
    groups = {name: part(case) for name, part in parts.items() if getattr(case.params.simulate, name) is not None}
    if case.params.simulate.dynamics is not None:
        groups["dynamics"] = _dynamics(case, groups["manganate"])
    return xr.DataTree.from_dict(groups)


def _padded(rows, fill=np.nan) -> np.ndarray:
    """Stack arrays whose first axes differ in length."""
    rows = [np.asarray(row) for row in rows]
    longest = max(len(row) for row in rows)
    out = np.full((len(rows), longest, *rows[0].shape[1:]), fill, dtype=np.result_type(rows[0].dtype, type(fill)))
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return out


# ------------------------------------------------------------------------------------------- crystals as they are built


def _oxides(case: Case) -> xr.Dataset:
    """Moments of the oxides, and energy and largest force of the reference crystal, by trained and permuted nets."""
    p = case.params.simulate
    tasks = [(version, "trained", name, 0) for version in p.versions for name in p.oxides]
    reference = [(version, net, REFERENCE, case.seed("permuted")) for version in p.versions for net in NETS]
    found = each(_static, [*tasks, *reference], case.threads)
    moments, last = found[: len(tasks)], found[len(tasks) :]
    metal = [
        one["m"][_sites(name, CRYSTALS[name].metal)].mean() for one, (_, _, name, _) in zip(moments, tasks, strict=True)
    ]
    shape = (len(p.versions), len(NETS))
    return xr.Dataset(
        {
            "moment": labelled(
                ("version", "oxide"), np.reshape(metal, (len(p.versions), -1)), "mean moment of the metal", "mu_B"
            ),
            "unpaired": labelled("oxide", [unpaired_electrons(name) for name in p.oxides], "formal unpaired electrons"),
            "reference_energy": labelled(
                ("version", "net"), np.reshape([one["e"] for one in last], shape), "energy of LiMnO2 per atom", "eV"
            ),
            "reference_force": labelled(
                ("version", "net"),
                np.reshape([np.linalg.norm(one["f"], axis=1).max() for one in last], shape),
                "largest force on LiMnO2 as relaxed by DFT",
                "eV/angstrom",
            ),
        },
        {"version": p.versions, "net": list(NETS), "oxide": p.oxides},
    )


def _static(task) -> dict:
    version, net, name, seed = task
    return evaluate(load(version, net, seed), build(name))


def _sites(name: str, element: str | None) -> np.ndarray:
    return np.array([site.specie.symbol == element for site in build(name)])


def _equation_of_state(case: Case) -> xr.Dataset:
    """Energies of the crystal at scaled lattice constants."""
    p, eos = case.params.simulate, case.params.simulate.equation_of_state
    strains = np.linspace(-eos.strain, eos.strain, eos.points)
    tasks = [(v, net, eos.crystal, s, case.seed("permuted")) for v in p.versions for net in NETS for s in strains]
    energies = each(_scaled_energy, tasks, case.threads)
    return xr.Dataset(
        {
            "energy": labelled(
                ("version", "net", "lattice_constant"),
                np.reshape(energies, (len(p.versions), len(NETS), -1)),
                "energy per atom of MgO",
                "eV",
                may_be_constant=1,
            )
        },
        {
            "version": p.versions,
            "net": list(NETS),
            "lattice_constant": CRYSTALS[eos.crystal].lattice[0] * (1 + strains),
        },
    )


def _scaled_energy(task) -> float:
    version, net, name, strain, seed = task
    structure = build(name)
    structure.apply_strain(float(strain))
    return float(evaluate(load(version, net, seed), structure, "e")["e"])


# ----------------------------------------------------------------------------------------------------- energy surface


def _surface(case: Case) -> xr.Dataset:
    """Derivatives and symmetries of the energy at rattled crystals, for the first of the versions."""
    p = case.params.simulate
    tasks = [
        (p.versions[0], name, p.surface, case.seed(f"surface {name}"), case.seed("permuted"))
        for name in p.surface.crystals
    ]
    rows = each(_one_surface, tasks, case.threads)
    texts = {
        "force_difference": "force along a direction, from energies at two points",
        "force": "force along the same direction, from the net",
        "stress_difference": "stress along a strain, from energies at two strains",
        "stress": "stress along the same strain, from the net",
    }
    units = {"force": "eV/angstrom", "stress": "GPa"}
    variables = {}
    for name, text in texts.items():
        dims = "crystal" if "difference" in name else ("crystal", "net")
        variables[name] = labelled(dims, [row[name] for row in rows], text, units[name.partition("_")[0]])
    variables["symmetry_error"] = labelled(
        ("crystal", "operation"),
        [row["symmetry_error"] for row in rows],
        "change of the energy per atom under a symmetry of nature",
        "eV",
        may_be_constant=1,
    )
    operations = ["rotation", "permutation", "translation", "supercell"]
    return xr.Dataset(variables, {"crystal": p.surface.crystals, "net": list(NETS), "operation": operations})


def _one_surface(task) -> dict:
    version, name, surface, seed, permuted = task
    rng = np.random.default_rng(seed)
    net, structure = load(version), build(name)
    structure = _moved(structure, rng.normal(0, surface.rattle, (len(structure), 3)))
    here = evaluate(net, structure)
    other = evaluate(load(version, "permuted", permuted), structure)
    # Half along the force, half at random: nowhere near zero, and not blind to its direction.
    direction = _unit(_unit(here["f"]) + _unit(rng.normal(size=here["f"].shape)))
    energy = [_total(net, _moved(structure, sign * surface.step * direction)) for sign in (-1, 1)]
    strain = _unit(_unit(here["s"] + here["s"].T) + _unit(rng.normal(size=(3, 3)) @ np.eye(3)))
    strain = (strain + strain.T) / 2
    stretched = [_total(net, _strained(structure, sign * surface.strain * strain)) for sign in (-1, 1)]
    permutation = rng.permutation(len(structure))
    turned = structure.lattice.matrix @ _rotation(rng)
    changed = [
        type(structure)(turned, structure.species, structure.frac_coords),
        type(structure).from_sites([structure[int(i)] for i in permutation]),
        _moved(structure, np.ones((len(structure), 1)) * rng.normal(size=3)),
        structure * (2, 1, 1),
    ]
    return {
        "force_difference": -(energy[1] - energy[0]) / (2 * surface.step),
        "force": [float((found["f"] * direction).sum()) for found in (here, other)],
        "stress_difference": GPA * (stretched[1] - stretched[0]) / (2 * surface.strain * structure.volume),
        "stress": [float((found["s"] * strain).sum()) for found in (here, other)],
        "symmetry_error": [float(evaluate(net, one, "e")["e"] - here["e"]) for one in changed],
    }


def _unit(values: np.ndarray) -> np.ndarray:
    return values / max(float(np.linalg.norm(values)), 1e-12)


def _total(net, structure) -> float:
    return float(evaluate(net, structure, "e")["e"]) * len(structure)


def _moved(structure, displacement: np.ndarray):
    """Another Structure with all atoms displaced, in Å."""
    moved = structure.cart_coords + displacement
    return type(structure)(structure.lattice, structure.species, moved, coords_are_cartesian=True)


def _strained(structure, strain: np.ndarray):
    cell = structure.lattice.matrix @ (np.eye(3) + strain)
    return type(structure)(cell, structure.species, structure.frac_coords)


def _rotation(rng) -> np.ndarray:
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return q * np.sign(np.linalg.det(q))


# ---------------------------------------------------------------------------------------------------- LixMnO2 and MD


def _manganate(case: Case) -> xr.Dataset:
    """Cell and ions of LixMnO2 relaxed at each lithium content by each version."""
    p, m = case.params.simulate, case.params.simulate.manganate
    tasks = [(v, tuple(range(2 - n)), REFERENCE, m.relax, None) for v in p.versions for n in m.lithium]
    relaxed = each(_relax_delithiated, tasks, case.threads)
    return _relaxed_dataset(relaxed, ("version", p.versions), ("lithium", m.lithium), 2, "Mn")


def _relax_delithiated(task) -> dict:
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


def _relaxed_dataset(relaxed: list[dict], outer, inner, units_in_cell: int, metal: str) -> xr.Dataset:
    """Relaxed crystals over two dimensions: energies, moments by site, structures, what was left of the force."""
    (one, ones), (two, twos) = outer, inner
    shape = (len(ones), len(twos))

    def grid(values) -> np.ndarray:
        values = np.asarray(values)
        return values.reshape(*shape, *values.shape[1:])

    atoms = [r["atoms"] for r in relaxed]
    moments = _padded([r["moments"] for r in relaxed])
    numbers = _padded([a.numbers for a in atoms], fill=0)
    metals = np.stack([r["moments"][a.symbols == metal] for r, a in zip(relaxed, atoms, strict=True)])
    oxygen = [r["moments"][a.symbols == "O"].max() for r, a in zip(relaxed, atoms, strict=True)]
    lithium = [(a.symbols == "Li").sum() / units_in_cell for a in atoms]
    dims = (one, two)
    return xr.Dataset(
        {
            "energy": labelled(
                dims, grid([r["energy"] / units_in_cell for r in relaxed]), "energy per formula unit", "eV"
            ),
            "x_li": labelled(dims, grid(lithium), "lithium content x"),
            "magmom": labelled((*dims, "atom"), grid(moments), "moment of each atom", "mu_B", nan=NO_ATOM),
            "number": labelled((*dims, "atom"), grid(numbers), "atomic number (0: none)"),
            "metal_moment": labelled((*dims, "site"), grid(metals), f"moment of each {metal}", "mu_B"),
            "oxygen_moment": labelled(dims, grid(oxygen), "largest moment of an oxygen", "mu_B"),
            "position": labelled(
                (*dims, "atom", "axis"),
                grid(_padded([a.get_positions() for a in atoms])),
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


def _dynamics(case: Case, relaxed: xr.Dataset) -> xr.Dataset:
    """Trajectories of LixMnO2 at constant temperature, from the cells that the first version has relaxed."""
    p, d = case.params.simulate, case.params.simulate.dynamics
    start = relaxed.isel(version=0)
    tasks, labels = [], []
    for run in d.runs:
        cell = start.sel(lithium=run.lithium)
        real = cell["number"].values > 0
        crystal = (cell["number"].values[real], cell["position"].values[real], cell["cell"].values)
        for replica in range(run.replicas):
            seed = case.seed(f"dynamics {run.lithium} {run.temperature} {replica}")
            tasks.append((p.versions[0], crystal, run.temperature, d, seed))
            labels.append((run.lithium, run.temperature, replica))
    frames = each(_trajectory, tasks, case.threads)
    lithium, temperature, replica = zip(*labels, strict=True)
    numbers = _padded([crystal[0] for _, crystal, *_ in tasks], fill=0)

    def over_atoms(name) -> np.ndarray:
        return np.swapaxes(_padded([np.swapaxes(one[name], 0, 1) for one in frames]), 1, 2)

    dims = ("trajectory", "frame")
    return xr.Dataset(
        {
            "lithium": labelled("trajectory", lithium, "lithium atoms in the cell", may_be_constant=1),
            "temperature": labelled("trajectory", temperature, "temperature", "K", may_be_constant=1),
            "replica": labelled("trajectory", replica, "replica", may_be_constant=1),
            "number": labelled(("trajectory", "atom"), numbers, "atomic number (0: none)"),
            "cell": labelled(
                ("trajectory", "vector", "axis"), [crystal[2] for _, crystal, *_ in tasks], "cell", "angstrom"
            ),
            "position": labelled((*dims, "atom", "axis"), over_atoms("positions"), "position", "angstrom", nan=NO_ATOM),
            "force": labelled((*dims, "atom", "axis"), over_atoms("forces"), "force", "eV/angstrom", nan=NO_ATOM),
            "magmom": labelled((*dims, "atom"), over_atoms("moments"), "moment of each atom", "mu_B", nan=NO_ATOM),
            "energy": labelled(dims, [one["energy"] for one in frames], "energy of the cell", "eV"),
        },
        {"frame": d.dt * d.every * np.arange(1, len(frames[0]["energy"]) + 1)},
    )


def _trajectory(task) -> dict:
    from ase import Atoms

    version, (numbers, positions, cell), temperature, d, seed = task
    net = load(version)
    atoms = Atoms(numbers, positions, cell=cell, pbc=True)
    return langevin(net, atoms, temperature, d.steps, d.every, d.dt, d.friction, seed)


# ------------------------------------------------------------------------------------------------------- Li in oxides


def _hop(case: Case) -> xr.Dataset:
    """Energies along the path of a Li ion in Li2O, to an empty and to an occupied site."""
    p, hop = case.params.simulate, case.params.simulate.hop
    paths = ("vacancy", "occupied")
    tasks = [(v, path, fraction, hop.relax) for v in p.versions for path in paths for fraction in hop.fractions]
    found = each(_image, tasks, case.threads)
    shape = (len(p.versions), len(paths), len(hop.fractions))
    energy, left, evaluations = (np.reshape(column, shape) for column in zip(*found, strict=True))
    dims = ("version", "path", "fraction")
    return xr.Dataset(
        {
            "energy": labelled(dims, energy, "energy of the cell", "eV"),
            "force_left": labelled(dims, left, "force left", "eV/angstrom"),
            "evaluations": labelled(dims, evaluations, "evaluations of CHGNet"),
        },
        {"version": p.versions, "path": list(paths), "fraction": hop.fractions},
    )


def _image(task) -> tuple[float, float, int]:
    """One place along the path: the mover is held, and so is an ion on its goal; the others relax.

    Their centre of mass stays, or the lattice would slide until the mover is at home.
    """
    from ase.constraints import FixAtoms, FixSubsetCom
    from pymatgen.io.ase import AseAtomsAdaptor

    version, path, fraction, settings = task
    net = load(version)
    atoms = AseAtomsAdaptor.get_atoms(build("li2o"))
    lithium = [i for i, symbol in enumerate(atoms.symbols) if symbol == "Li"]
    mover = lithium[0]
    across = np.array([atoms.cell[0, 0] / 2, 0, 0])
    apart = atoms.get_distances(mover, lithium, mic=True, vector=True) - across
    goal = lithium[
        int(np.argmin(np.linalg.norm(apart - np.round(apart / atoms.cell[0, 0]) * atoms.cell[0, 0], axis=1)))
    ]
    atoms.positions[mover] += fraction * across
    held = [mover, goal]
    if path == "vacancy":
        del atoms[goal]
        held = [mover - (goal < mover)]
    others = [i for i in range(len(atoms)) if i not in held]
    atoms.set_constraint([FixAtoms(held), FixSubsetCom(others)])
    left, _, evaluations = relax(net, atoms, settings.fmax, settings.steps, cell=False)
    return float(atoms.calc.results["energy"]), left, evaluations


def _garnet(case: Case) -> xr.Dataset:
    """Mean square displacement of Li in the garnet, at several temperatures; for machines larger than a laptop."""
    p, g = case.params.simulate, case.params.simulate.garnet
    pairs = [(t, r) for t in g.temperatures for r in range(g.replicas)]
    tasks = [(p.versions[0], t, g, case.seed(f"garnet {t} {r}")) for t, r in pairs]
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


# ----------------------------------------------------------------------------------------------------------- LixFePO4


def _olivine(case: Case) -> xr.Dataset:
    """All symmetry classes of LixFePO4 in one cell, relaxed by each version.

    LiFePO4 comes first; the others start from it, rattled.
    """
    p = case.params.simulate
    relaxed: list[dict] = []
    for version in p.versions:
        full = _relax_delithiated((version, (), "lifepo4", p.olivine.relax, None))
        tasks = []
        for name, empty in delithiations().items():
            if empty:
                atoms = full["atoms"].copy()
                atoms.rattle(p.olivine.rattle, rng=case.rng(f"rattle {name}"))
                tasks.append((version, empty, "lifepo4", p.olivine.relax, full | {"atoms": atoms}))
        relaxed += [full, *each(_relax_delithiated, tasks, case.threads)]
    return _relaxed_dataset(relaxed, ("version", p.versions), ("config", list(delithiations())), 4, "Fe")


# ----------------------------------------------------------------------------------------------------- held-out frames


def _held_out(case: Case) -> xr.Dataset:
    """Mean absolute errors on frames of MPtrj, material by material."""
    p = case.params.simulate
    frames = read_frames(p.held_out.path, p.held_out.frames)
    tasks = [(version, frame) for version in p.versions for frame in frames]
    errors = np.reshape(each(_frame_errors, tasks, case.threads), (len(p.versions), len(frames), 4))
    materials = sorted({frame["material"] for frame in frames})
    of = np.array([frame["material"] for frame in frames])
    mean = np.stack([errors[:, of == material].mean(1) for material in materials], 1)
    names = (
        ("energy", "eV", ""),
        ("force", "eV/angstrom", ""),
        ("stress", "GPa", ""),
        ("moment", "mu_B", "a material with a frame that gives no moments"),
    )
    return xr.Dataset(
        {
            f"{name}_error": labelled(
                ("version", "material"), mean[:, :, i], f"mean absolute error of the {name}", unit, nan=none
            )
            for i, (name, unit, none) in enumerate(names)
        },
        {"version": p.versions, "material": materials},
    )


def _frame_errors(task) -> list[float]:
    version, frame = task
    net = load(version)
    from pymatgen.core import Structure

    found = evaluate(net, Structure.from_dict(frame["structure"]))
    pairs = (("e", "energy"), ("f", "force"), ("s", "stress"), ("m", "moment"))
    return [float(np.abs(found[key] - frame[name]).mean()) for key, name in pairs]
