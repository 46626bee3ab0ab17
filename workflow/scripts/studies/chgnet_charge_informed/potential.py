"""CHGNet as this study uses it: loading, single evaluations, relaxation, molecular dynamics.

chgnet, ase and pymatgen are imported inside the functions: no other study waits for them, and none needs them.
Every evaluation runs on one thread, so that the numbers don't depend on how many processors a job was given.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from pesin.steps.packages import needs_package

GPA = 160.21766  # 1 eV/Å^3 in GPa


@cache
def load(version: str, net: str = "trained", seed: int = 0):
    """A pretrained CHGNet on the CPU.

    Parameters
    ----------
    version
        0.2.0 (the paper's weights), 0.3.0 or r2scan.
    net
        "permuted": the entries of each weight tensor are shuffled, so that nothing learned is left in them.
    seed
        Of the shuffle.

    Raises
    ------
    UserError
        If chgnet can't be imported.
    """
    with needs_package("chgnet"):
        import torch
        from chgnet.model.model import CHGNet
    torch.set_num_threads(1)
    model = CHGNet.load(model_name=version, use_device="cpu", verbose=False)
    if net == "permuted":
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in model.parameters():
                order = torch.randperm(weight.numel(), generator=generator)
                weight.copy_(weight.flatten()[order].view_as(weight))
    return _in_one_pass(model.requires_grad_(False))


def _in_one_pass(model):
    """Have forces and stress from one backward pass, which itself can't be differentiated: half the time.

    chgnet takes two, and keeps their graphs for a training. The numbers differ by rounding.
    """
    import torch

    compute = model._compute

    def at_once(graph, *, compute_force=False, compute_stress=False, **options):
        found = compute(graph, **options)
        if compute_force:
            atoms = torch.bincount(graph.atom_owners) if model.is_intensive else 1
            sources = [*graph.atom_positions, *(graph.strains if compute_stress else ())]
            slopes = torch.autograd.grad((found["e"] * atoms).sum(), sources)
            found["f"] = [-slope for slope in slopes[: len(graph.atom_positions)]]
            if compute_stress:
                strained = slopes[len(graph.atom_positions) :]
                found["s"] = [GPA * slope / volume for slope, volume in zip(strained, graph.volumes, strict=True)]
        return found

    model._compute = at_once
    return model


def evaluate(model, structure, task: str = "efsm") -> dict[str, np.ndarray]:
    """Energy `e` (eV per atom), forces `f` (eV/Å), stress `s` (GPa) and moments `m` (mu_B) of a Structure."""
    found = model.predict_structure(structure, task=task)
    return {key: np.asarray(value, float) for key, value in found.items()}


def relax(model, atoms, fmax: float, steps: int, cell: bool = True, hessian: np.ndarray | None = None):
    """Relax an ase Atoms in place by BFGS.

    Parameters
    ----------
    fmax, steps
        Stop when the largest force (eV/Å, that on the cell included) is below fmax, or after so many steps.
    cell
        Whether the cell relaxes too.
    hessian
        Where to start from: that of an earlier relaxation of nearly the same crystal saves half of the steps.

    Returns
    -------
    largest force left, hessian, number of evaluations
    """
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS
    from chgnet.model.dynamics import CHGNetCalculator

    atoms.calc = CHGNetCalculator(model, use_device="cpu")
    target: Any = FrechetCellFilter(atoms) if cell else atoms
    optimiser = BFGS(target, logfile=None)
    if hessian is not None:
        optimiser.H0 = hessian
    evaluations = sum(1 for _ in optimiser.irun(fmax=fmax, steps=steps))
    left = float(np.linalg.norm(target.get_forces(), axis=1).max())
    known = optimiser.H0 if optimiser.state is None else optimiser.state.hessian  # None: it was relaxed already
    return left, known, evaluations


def without_atoms(hessian: np.ndarray, removed) -> np.ndarray:
    """The Hessian of the crystal that is left when atoms are taken out."""
    gone = np.concatenate([np.arange(3 * i, 3 * i + 3) for i in removed]) if len(removed) else np.array([], int)
    return np.delete(np.delete(hessian, gone, 0), gone, 1)


def langevin(model, atoms, temperature: float, steps: int, every: int, dt: float, friction: float, seed: int) -> dict:
    """Run molecular dynamics at constant temperature and volume.

    Parameters
    ----------
    temperature, dt, friction
        K, fs, 1/fs.
    every
        Steps between recorded frames.

    Returns
    -------
    dict
        positions (frames, atoms, 3) in Å, unwrapped; energy (frames,) in eV; forces; moments (frames, atoms).
    """
    from ase import units
    from ase.md.langevin import Langevin
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
    from chgnet.model.dynamics import CHGNetCalculator

    rng = np.random.default_rng(seed)
    atoms = atoms.copy()
    atoms.calc = CHGNetCalculator(model, use_device="cpu")
    MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
    Stationary(atoms)
    dynamics = Langevin(atoms, dt * units.fs, temperature_K=temperature, friction=friction / units.fs, rng=rng)
    frames: dict[str, list] = {"positions": [], "energy": [], "forces": [], "moments": []}
    for step, _ in enumerate(dynamics.irun(steps)):
        if step and step % every == 0:
            frames["positions"].append(atoms.get_positions())
            for name, key in (("energy", "energy"), ("forces", "forces"), ("moments", "magmoms")):
                frames[name].append(np.array(atoms.calc.results[key], float))
    return {name: np.array(values) for name, values in frames.items()}
