"""Lennard-Jones atoms: a pair by hand, the crystal, forces as gradients, ASE's calculator, g(r) of an ideal gas."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from pesin.integrate.symplectic import leapfrog
from pesin.systems.lennard_jones import fcc, lennard_jones, radial_distribution

BOX = 2 * 1.5557


def shaken(seed: int, copies: int = 2) -> np.ndarray:
    return fcc(2, 1.5557) + 0.05 * np.random.default_rng(seed).standard_normal((copies, 32, 3))


def test_a_pair_by_hand():
    force, energy = lennard_jones([[[0, 0, 0], [1, 0, 0]], [[0, 0, 0], [2 ** (1 / 6), 0, 0]]], 0, 2.0)
    shift = 4 * (2.0**-12 - 2.0**-6)
    assert_allclose(energy, [-shift, -1 - shift])
    assert_allclose(force[0], [[-24, 0, 0], [24, 0, 0]])
    assert_allclose(force[1], 0, atol=1e-12)
    just_inside = lennard_jones([[0, 0, 0], [2 - 1e-9, 0, 0]], 0, 2.0)[1]
    assert_allclose(just_inside, 0, atol=1e-8)


def test_the_crystal():
    sites = fcc(2, 1.5557)
    force, energy = lennard_jones(sites, BOX, 1.5)
    r = 1.5557 / 2**0.5
    assert_allclose(r, 1.1, atol=1e-4)
    pair = 4 * (r**-12 - r**-6) - 4 * (1.5**-12 - 1.5**-6)
    assert_allclose(energy, 32 * 12 / 2 * pair)  # twelve neighbours each, and no more within the cutoff
    assert_allclose(force, 0, atol=1e-10)


def test_forces_are_gradients_and_balance():
    x, step = shaken(0), 1e-6
    force, _ = lennard_jones(x, BOX, 1.5)
    assert_allclose(force.sum(-2), 0, atol=1e-10)
    for atom, axis in ((0, 0), (7, 2)):
        push = np.zeros(x.shape)
        push[:, atom, axis] = step
        up, down = (lennard_jones(x + sign * push, BOX, 1.5)[1] for sign in (1, -1))
        assert_allclose(force[:, atom, axis], (down - up) / (2 * step), rtol=1e-5, atol=1e-6)
    assert_allclose(lennard_jones(x + BOX * np.eye(3)[0], BOX, 1.5)[0], force, atol=1e-9)


def test_a_copy_that_diverged_stays_alone():
    x = shaken(1)
    x[0, 3] = np.nan
    force, energy = lennard_jones(x, BOX, 1.5)
    assert np.isfinite(energy[1]) and np.isfinite(force[1]).all()
    assert_allclose(energy[1], lennard_jones(x[1], BOX, 1.5)[1])


def test_ase_agrees():
    atoms_of = pytest.importorskip("ase").Atoms
    from ase.calculators.lj import LennardJones

    x = shaken(2, 1)[0]
    atoms = atoms_of("Ar32", positions=x, cell=[BOX] * 3, pbc=True, calculator=LennardJones(rc=1.5, ro=1.5))
    force, energy = lennard_jones(x, BOX, 1.5)
    assert_allclose(energy, atoms.get_potential_energy(), rtol=1e-10)
    assert_allclose(force, atoms.get_forces(), atol=1e-8)


def test_energy_is_kept_by_the_leapfrog():
    rng = np.random.default_rng(3)
    v = 0.5 * rng.standard_normal((2, 32, 3))
    v -= v.mean(-2, keepdims=True)
    x, v = leapfrog(lambda place: lennard_jones(place, BOX, 1.5)[0], shaken(3), v, 0.002, 100, 10)
    total = 0.5 * (v**2).sum((-1, -2)) + lennard_jones(x, BOX, 1.5)[1]
    assert np.ptp(total, axis=0).max() < 0.005 * abs(total).max()
    assert_allclose(v.sum(-2), 0, atol=1e-10)


def test_ideal_gas_and_crystal_in_g():
    gas = np.random.default_rng(4).uniform(0, 3, (2000, 20, 3))
    assert_allclose(radial_distribution(gas, 3.0, [0.5, 0.8, 1.1, 1.5]), 1, atol=0.02)
    edges = np.array([1.0, 1.05, 1.15, 1.2])
    found = radial_distribution(fcc(2, 1.5557), BOX, edges)
    assert_allclose(found[[0, 2]], 0)
    volume, bulk = 4 / 3 * np.pi * np.diff(edges**3)[1], 31 / BOX**3
    assert_allclose(found[1] * volume * bulk, 12)


def test_what_won_t_do_is_named():
    with pytest.raises(ValueError, match="shape"):
        lennard_jones(np.zeros((3, 2)), 0, 1.0)
    with pytest.raises(ValueError, match="two images"):
        lennard_jones(np.zeros((2, 3)), 1.0, 1.0)
    with pytest.raises(ValueError, match="cutoff"):
        lennard_jones(np.zeros((2, 3)), 1.0, 0.0)
    with pytest.raises(ValueError, match="half the box"):
        radial_distribution(np.zeros((2, 3)), 1.0, [0, 1])
