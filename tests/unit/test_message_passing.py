"""Message passing: neighbours with images, symmetries, forces as derivatives, runs that don't know each other."""

import numpy as np
import pytest
import torch

from pesin.models.message_passing import energy_and_forces, init_message_passing, neighbour_list

CUTOFF = 3.5


def crystal(seed=0, atoms=5):
    rng = np.random.default_rng(seed)
    cell = np.array([[3.0, 0.2, 0], [0, 4.0, 0.3], [0.1, 0, 5.0]])
    position = rng.random((atoms, 3)) @ cell
    return position, cell, rng.integers(0, 3, atoms)


def predict(parameters, position, cell, species, cutoff=CUTOFF):
    present = np.ones((1, len(position)), bool)
    index, shift, real = neighbour_list(position[None], cell[None], present, cutoff)
    arrays = (species[None], position[None], index, shift, real, present)
    tensors = [torch.as_tensor(a if a.dtype != float else a.astype(np.float64)) for a in arrays]
    energy, force, site, _ = energy_and_forces(parameters, *tensors, cutoff)
    return energy[:, 0].detach().numpy(), force[:, 0].detach().numpy(), site[:, 0].detach().numpy()


@pytest.fixture
def nets():
    weights = init_message_passing(3, 3, 8, 6, 2, torch.Generator().manual_seed(1))
    return {name: value.detach().double().requires_grad_() for name, value in weights.items()}


def test_neighbours_of_a_simple_cubic_lattice():
    present = np.ones((1, 1), bool)
    for cutoff, count in ((1.1, 6), (1.5, 18), (1.8, 26)):
        index, shift, real = neighbour_list(np.zeros((1, 1, 3)), np.eye(3)[None], present, cutoff)
        assert real.sum() == count and (np.linalg.norm(shift[real], axis=-1) < cutoff).all()


def test_absent_atoms_have_no_neighbours():
    position, cell, _ = crystal()
    present = np.array([[True] * 3 + [False] * 2])
    index, _, real = neighbour_list(position[None], cell[None], present, CUTOFF)
    assert not real[0, 3:].any() and index[real].max() < 3


def test_neighbours_do_not_depend_on_where_the_cell_is_cut():
    position, cell, _ = crystal()
    moved = position + np.array([1, -1, 0]) @ cell * (np.arange(5) % 2)[:, None]
    counts = [neighbour_list(p[None], cell[None], np.ones((1, 5), bool), CUTOFF)[2].sum(-1) for p in (position, moved)]
    np.testing.assert_array_equal(*counts)


def test_energy_keeps_the_symmetries(nets):
    position, cell, species = crystal()
    energy, force, site = predict(nets, position, cell, species)
    q, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))
    order = np.array([3, 0, 4, 1, 2])
    turned = predict(nets, position @ q, cell @ q, species)
    moved = predict(nets, position + 0.7, cell, species)
    mixed = predict(nets, position[order], cell, species[order])
    for other in (turned, moved, mixed):
        np.testing.assert_allclose(other[0], energy, rtol=1e-9)
    np.testing.assert_allclose(turned[1], force @ q, atol=1e-9)
    np.testing.assert_allclose(mixed[2], site[:, order], rtol=1e-9)
    double = predict(nets, np.r_[position, position + cell[0]], cell * [[2], [1], [1]], np.r_[species, species])
    np.testing.assert_allclose(double[0], 2 * energy, rtol=1e-9)


def test_forces_are_derivatives(nets):
    position, cell, species = crystal()
    _, force, _ = predict(nets, position, cell, species)
    for atom, axis in ((0, 0), (3, 2)):
        step = np.zeros_like(position)
        step[atom, axis] = 1e-5
        up, down = (predict(nets, position + sign * step, cell, species)[0] for sign in (1, -1))
        np.testing.assert_allclose(force[:, atom, axis], -(up - down) / 2e-5, rtol=1e-5, atol=1e-8)


def test_runs_are_apart(nets):
    position, cell, species = crystal()
    energy, force, _ = predict(nets, position, cell, species)
    alone = {name: value[1:2].detach().requires_grad_() for name, value in nets.items()}
    one = predict(alone, position, cell, species)
    np.testing.assert_allclose(one[0][0], energy[1], rtol=1e-12)
    np.testing.assert_allclose(one[1][0], force[1], atol=1e-12)
    assert len(set(energy.round(9))) == 3
