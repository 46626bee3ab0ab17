"""CHGNet on single crystals: oxides, its energy surface, an equation of state, a hop in a garnet, held-out frames.

Each part is a list of independent tasks, which may run on several processors.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.linalg import block_diag

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.steps.parallel import each
from studies.chgnet_charge_informed.crystals import CRYSTALS, REFERENCE, build, unpaired_electrons
from studies.chgnet_charge_informed.garnet.cell import garnet, knock_on
from studies.chgnet_charge_informed.potential import GPA, evaluate, load, relax
from studies.chgnet_charge_informed.predictions.mptrj import read_frames
from studies.chgnet_charge_informed.predictions.params import HeldOut, Params

NETS = ("trained", "permuted")
STIFF = 70.0  # eV/angstrom^2, what BFGS begins with


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups: oxides, surface, equation_of_state, hop, and held_out where there are frames."""
    groups = {
        "oxides": _oxides(case),
        "surface": _surface(case),
        "equation_of_state": _equation_of_state(case),
        "hop": _hop(case),
    }
    if case.params.simulate.held_out is not None:
        groups["held_out"] = _held_out(case, case.params.simulate.held_out)
    return xr.DataTree.from_dict(groups)


# ------------------------------------------------------------------------------------------- crystals as they are built


def _oxides(case: Case[Params]) -> xr.Dataset:
    """Moments of the oxides, and the largest force on the reference crystal, by trained and permuted nets."""
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


def _equation_of_state(case: Case[Params]) -> xr.Dataset:
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


def _surface(case: Case[Params]) -> xr.Dataset:
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


# ------------------------------------------------------------------------------------------------------ Li in a garnet


def _hop(case: Case[Params]) -> xr.Dataset:
    """Energies along a hop of lithium in the garnet with one extra Li, to an empty and to an occupied site.

    The hop is a knock-on between two relaxed ends: the mover leaves its tetrahedron for an octahedron, and the extra Li
    takes its place.
    """
    from pymatgen.io.ase import AseAtomsAdaptor

    version, hop = case.params.simulate.versions[0], case.params.simulate.hop
    start, (extra, mover, goal) = AseAtomsAdaptor.get_atoms(garnet(1)), knock_on()
    net, size = load(version), 3 * len(start)
    _, hessian, _ = relax(net, start, hop.ends.fmax, hop.ends.steps)
    end = start.copy()
    end.positions[[extra, mover]] = start.positions[mover], np.array(goal) @ np.array(start.cell)
    relax(net, end, hop.ends.fmax, hop.ends.steps, cell=False, hessian=hessian[:size, :size])
    end_energy = float(end.calc.results["energy"]) - float(start.calc.results["energy"])
    start.calc = end.calc = None
    paths, pair = ("empty", "occupied"), (mover, extra)
    tasks = [(version, path, f, start, end, pair, hessian[:size, :size], hop) for path in paths for f in hop.fractions]
    found = each(_image, tasks, case.threads)
    energy, left, evaluations = (np.reshape(one, (2, -1)) for one in zip(*found, strict=True))
    dims = ("path", "fraction")
    return xr.Dataset(
        {
            "energy": labelled(dims, energy, "energy of the cell", "eV"),
            "force_left": labelled(dims, left, "force left", "eV/angstrom"),
            "evaluations": labelled(dims, evaluations, "evaluations of CHGNet", may_be_constant=1),
            "end_energy": labelled((), end_energy, "energy of the relaxed end less that of the relaxed start", "eV"),
        },
        {"path": list(paths), "fraction": hop.fractions},
    )


def _image(task) -> tuple[float, float, int]:
    """Energy (eV), force left (eV/angstrom) and evaluations at one place of the straight way between the ends.

    Both Li ions are held there, and so is an ion on the goal; the others relax. Their centre of mass stays, or the
    lattice would slide until the two are at home.
    """
    from ase import Atom
    from ase.constraints import FixAtoms, FixSubsetCom

    version, path, fraction, start, end, pair, hessian, hop = task
    atoms, cell = start.copy(), np.array(start.cell)
    across = np.linalg.solve(cell.T, (end.positions - start.positions).T).T
    across = (across - np.round(across)) @ cell
    atoms.positions += fraction * across
    held = list(pair)
    if path == "occupied":
        atoms.append(Atom("Li", start.positions[pair[0]] + across[pair[0]]))
        held.append(len(atoms) - 1)
        hessian = block_diag(hessian, STIFF * np.eye(3))
    atoms.set_constraint([FixAtoms(held), FixSubsetCom([i for i in range(len(atoms)) if i not in held])])
    how = {"cell": False, "hessian": hessian}
    left, _, evaluations = relax(load(version), atoms, hop.relax.fmax, hop.relax.steps, **how)
    return float(atoms.calc.results["energy"]), left, evaluations


# ----------------------------------------------------------------------------------------------------- held-out frames


def _held_out(case: Case[Params], held_out: HeldOut) -> xr.Dataset:
    """Mean absolute errors on frames of MPtrj, material by material."""
    p = case.params.simulate
    frames = read_frames(held_out.path, held_out.frames)
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
