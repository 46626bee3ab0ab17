"""Parts of the studies of atoms and qubits, against the usual ways: python benchmarks/atoms_and_qubits.py [--repeats 5]

Each pair runs side by side in one thread, several times, at the laptop's sizes unless said otherwise. Printed are
processor milliseconds, and the median of the ratios with its smallest and largest value: forces of Lennard-Jones
crystals against ase's calculator and dense tensors; Langevin chains in one runs axis against one after the other; the
outcomes of qubits by exp(A t) against density matrices, by qutip and by scipy; a network's big step against the Verlet
steps that it stands for. The program ends with an error if two sides that should agree don't. A missing peer is named.

What favours whom: ase keeps its lists of neighbours from call to call, as atoms that move little let it, and makes the
stress too. exp(A t) is exact up to rounding, its peers to 1e-8 a step. The network is untrained: its time is that of a
trained one, its outcome is worth nothing, so that only the momentum is checked, which both sides keep. The forces that
it saves cost next to nothing here; where they are dear, the comparison is another.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial, reduce
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import numpy as np
import torch
from scipy.integrate import solve_ivp
from scipy.sparse.linalg import expm_multiply
from side_by_side import agree, case, compare

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from pesin.integrate.symplectic import leapfrog
from pesin.models.mlp import Parameters, init_mlp
from pesin.steps.case import Case
from pesin.systems.lennard_jones import fcc, lennard_jones
from studies.bayesian_uq_nn_potentials import simulate as molecules
from studies.bayesian_uq_nn_potentials.train import Arm, Chains, Runs, loss_of
from studies.povm_transformer_open_quantum import povm
from studies.povm_transformer_open_quantum import simulate as qubits
from studies.trajcast_force_free_md.network import World, big_step, init_network
from studies.trajcast_force_free_md.simulate import force, kept, settled
from studies.trajcast_force_free_md.train import restored_units

torch.set_num_threads(1)


def forces(repeats: int) -> None:
    p = case("trajcast_force_free_md", "crystal", "simulate").params.simulate
    try:
        from ase import Atoms
        from ase.calculators.lj import LennardJones
    except ImportError:
        Atoms = None
        print("forces: ase isn't installed")
    for cells, copies in ((p.cells, p.replicas), (p.large, p.large_replicas), (4, 1)):
        box, sites = cells * p.constant, fcc(cells, p.constant)
        x = sites + 0.05 * np.random.default_rng(0).standard_normal((copies, *sites.shape))
        tensor, ours = torch.as_tensor(x), partial(lennard_jones, x, box, p.cutoff)
        said = f"forces, {copies} x {len(sites)} atoms, against"
        if Atoms:
            each = [(LennardJones(rc=p.cutoff), Atoms(positions=a, cell=[box] * 3, pbc=True)) for a in x]

            def by_ase(each=each) -> list[np.ndarray]:
                for calculator, atoms in each:
                    calculator.calculate(atoms)
                return [calculator.results["forces"] for calculator, _ in each]

            agree(f"{said} ase", ours()[0], by_ase(), 1e-8)
            compare(f"{said} ase", ours, by_ase, repeats)
        dense = partial(by_torch, tensor, box, p.cutoff)
        agree(f"{said} dense tensors", ours()[0], dense(), 1e-8)
        compare(f"{said} dense tensors", ours, dense, repeats, 5)


def by_torch(x: torch.Tensor, box: float, cutoff: float) -> torch.Tensor:
    """Forces by tensors of all pairs, (copies, atoms, atoms)."""
    apart = x[:, :, None] - x[:, None]
    apart = apart - box * torch.round(apart / box)
    square = apart.square().sum(-1)
    square.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    inverse = torch.where(square < cutoff**2, 1 / square, 0)
    six = inverse**3
    return torch.einsum("cij,cijk->cik", 24 * six * (2 * six - 1) * inverse, apart)


class Streams:
    """Random numbers of which each run has its own, so that a chain alone draws what it draws among others."""

    def __init__(self, runs: list[int]) -> None:
        self.each = [np.random.default_rng(run) for run in runs]

    def random(self, shape):
        return np.stack([rng.random(shape[1:]) for rng in self.each])

    def standard_normal(self, shape, dtype):
        return np.stack([rng.standard_normal(shape[1:], dtype) for rng in self.each])


def followed(case_: Case, runs: Runs, start: Parameters, rng, steps: int) -> Parameters:
    """Chains after some updates, at a step size that stays."""
    p = case_.params.train
    parameters = {name: value.detach().clone().requires_grad_() for name, value in start.items()}
    chains, spread = Chains(parameters, p.floor), runs.temperature / torch.as_tensor(runs.count)
    for _ in range(steps):
        loss = loss_of(case_, runs, parameters, rng).sum()
        gradients = torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)
        chains.step(gradients, p.step, spread, rng)
    return parameters


def chains(repeats: int, steps: int = 10) -> None:
    """One chain on each data set at both temperatures."""
    found = case("bayesian_uq_nn_potentials", "dihedrals", "train")
    p, data = found.params.train, molecules.simulate(case("bayesian_uq_nn_potentials", "dihedrals", "simulate"))
    every = Runs.of(found, data, {"middle": Arm(1), "cold middle": Arm(1, cold=True)})
    start = init_mlp(every.count.size, [2, *[p.width] * p.layers, 1], torch.Generator().manual_seed(0))
    start["log_width"] = torch.zeros(every.count.size, 1, 1)
    chosen = list(range(0, every.count.size, p.members))

    def part(at: list[int]) -> tuple[Runs, Parameters]:
        own = (every.row[at], every.count[at], every.places[at], every.temperature[at], every.learns[at])
        return Runs(every.phi, every.force, *own, every.known), {name: v[at] for name, v in start.items()}

    together, alone = part(chosen), [part([run]) for run in chosen]
    among = followed(found, *together, Streams(chosen), steps)
    singly = [followed(found, *one, Streams([run]), steps) for one, run in zip(alone, chosen, strict=True)]
    said = f"an update of {len(chosen)} Langevin chains of two temperatures, against one by one"
    for name, value in among.items():
        agree(said, value.detach(), torch.cat([one[name] for one in singly]).detach(), 1e-4)
    rng = np.random.default_rng(0)
    at_once = partial(followed, found, *together, rng, steps)
    compare(said, at_once, lambda: [followed(found, *one, rng, steps) for one in alone], repeats, per=steps)


def outcomes(repeats: int) -> None:
    """The ring's way from all spins up, at the study's times; building the matrices isn't counted."""
    try:
        import qutip
    except ImportError:
        qutip = None
        print("outcomes: qutip isn't installed")
    base = case("povm_transformer_open_quantum", "states", "simulate").params.simulate
    times = base.dt * np.arange(base.steps + 1)
    for sites in (4, 5, 6):
        p = base.model_copy(update={"sites": sites})
        rest, turn = qubits.ring(p)
        generator, start = rest + p.drives[0] * turn, qubits.first_state(p)
        ours = partial(expm_multiply, generator, start, 0, times[-1], len(times), endpoint=True)
        hamiltonian, jumps = operators(p)
        rho = povm.density(start, p.frame)
        peers = {"scipy's DOP853 on matrices": partial(whole, hamiltonian, jumps, rho, times)}
        if qutip:
            told = qutip.Qobj(hamiltonian), qutip.Qobj(rho), times, [qutip.Qobj(jump) for jump in jumps]
            solved = partial(qutip.mesolve, *told, options={"atol": 1e-10, "rtol": 1e-8})
            peers["qutip's mesolve"] = lambda f=solved: np.array([state.full() for state in f().states])
        for name, peer in peers.items():
            said = f"outcomes of {sites} qubits, {base.steps} steps, against {name}"
            agree(said, povm.density(ours(), p.frame), peer(), 1e-6)
            compare(said, ours, peer, repeats)


def operators(p) -> tuple[np.ndarray, list[np.ndarray]]:
    """Hamiltonian and jumps of the ring."""

    def on(matrix: np.ndarray, *where: int) -> np.ndarray:
        return reduce(np.kron, [matrix if i in where else povm.ONE for i in range(p.sites)])

    zz = sum(on(povm.SIGMA[2], *bond) for bond in povm.ring(p.sites))
    turn = sum(on(povm.SIGMA[0], i) for i in range(p.sites))
    return p.coupling / 4 * zz + p.drives[0] / 2 * turn, [p.decay**0.5 * on(povm.LOWER, i) for i in range(p.sites)]


def whole(hamiltonian: np.ndarray, jumps: list[np.ndarray], rho: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Density matrices at all times, which stay Hermitian."""
    each = np.array(jumps)
    back = each.conj().swapaxes(1, 2)
    k = hamiltonian - 0.5j * (back @ each).sum(0)

    def rate(_, flat):
        state = flat.reshape(rho.shape)
        half = -1j * (k @ state)
        return (half + half.conj().T + (each @ state @ back).sum(0)).ravel()

    path = solve_ivp(rate, times[[0, -1]], rho.ravel(), "DOP853", times, rtol=1e-8, atol=1e-10).y
    return path.T.reshape(-1, *rho.shape)


def big_steps(repeats: int) -> None:
    """Against steps of the study, and of 0.005, which is usual."""
    params = case("trajcast_force_free_md", "crystal", "forecast").params
    p, t = params.simulate, params.train
    parameters = init_network(1, 1, t.width, t.basis, t.layers, torch.Generator().manual_seed(0))
    for cells, steps, dt in ((p.cells, 15, p.dt), (p.cells, 30, p.dt), (p.cells, 12, 0.005), (p.large, 30, p.dt)):
        x, v = settled(p, np.random.default_rng(0), cells, p.held_out)
        world = World.of(kept(p, cells, x[:, None], v[:, None]), params, cells)
        units = restored_units(np.array([[1e-3, 1e-2]]), np.array([steps * dt]), float(v.std()), "cpu")
        place, pace = (torch.as_tensor(a, dtype=torch.float32)[None] for a in (x, v))
        ours = partial(torch.no_grad()(big_step), parameters, world, units, place, pace)
        verlet = partial(leapfrog, force(p, cells), x, v, dt, steps, steps)
        said = f"a big step of {p.held_out} x {x.shape[1]} atoms, against {steps} steps of {dt:g}, per LJ time"
        agree(said, ours()[1][0].mean(1), verlet()[1][-1].mean(1), 1e-5)
        compare(said, ours, verlet, repeats, 5, per=steps * dt)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    forces(repeats)
    chains(repeats)
    outcomes(repeats)
    big_steps(repeats)


if __name__ == "__main__":
    main()
