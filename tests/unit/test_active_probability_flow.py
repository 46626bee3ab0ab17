"""Known answers: the ring's Fokker-Planck equation, trapped and free swimmers, corrections to the score."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from numpy.testing import assert_allclose

from pesin.entropy.nonequilibrium import linear_entropy_production
from pesin.models.mlp import init_mlp
from pesin.systems.particles import Swimmers, box_edge, lattice
from project import case_of
from studies.active_probability_flow.fluid.entropy import by_neighbours
from studies.active_probability_flow.fluid.network import correction, inputs, neighbourhoods
from studies.active_probability_flow.fluid.simulate import group
from studies.active_probability_flow.solvable import scores
from studies.active_probability_flow.solvable.entropy import by_kernel
from studies.active_probability_flow.solvable.grid import stationary
from studies.active_probability_flow.solvable.simulate import simulate, trap_law

NAME = "active_probability_flow"
RING = Swimmers(0.25, 0.1, 0.1, repulsion=2.5, box=16, obstacle=True)


def ring(cells=(240, 120), **change):
    return stationary(Swimmers(**{**RING.__dict__, **change}), cells, 5.0)


def test_the_grids_parts_and_its_work_agree_and_are_the_known_values():
    exact = ring()
    assert_allclose(exact.parts, [0.3644, 0.0324], rtol=0.002)
    assert exact.parts.sum() == pytest.approx(exact.work, rel=1e-3)
    assert ring(speed=0.1).work == pytest.approx(0.0779, rel=0.002)
    assert ring(speed=0.5).work == pytest.approx(1.188, rel=0.002)


def test_at_rest_and_without_repulsion_the_ring_is_in_closed_form():
    assert ring((60, 40), speed=0).parts.sum() < 1e-12
    free = ring((60, 80), repulsion=0)
    assert_allclose(free.parts, [0.25**2 / 0.1, 0], atol=2e-4)
    gauss = np.exp(-(free.g**2) / 2)
    assert_allclose(free.density[7] * 16, gauss / gauss.sum() / 0.125, rtol=0.01, atol=1e-5)


def test_the_grids_velocity_carries_no_density_away():
    exact = ring()
    flow = exact.density * exact.velocity
    assert_allclose(flow[:, ::-1, ::-1], -flow, atol=1e-8 + 1e-6 * abs(flow).max())  # all turned round
    through = flow[0].sum(1)  # along the ring, the same everywhere; none, by symmetry
    assert abs(through).max() < 1e-8


def test_swimmers_in_a_trap_make_what_linear_processes_make():
    many = 3
    trap = case_of(NAME, "solvable", "simulate").params.simulate.trap
    law = trap_law(trap)
    one = linear_entropy_production(
        [[law.trap, -law.speed], [0, law.turning]], np.diag([law.diffusion, law.turning])
    ).value
    assert one == pytest.approx(law.speed**2 * law.turning / (law.diffusion * (law.turning + law.trap)))
    change = {"simulate": {"trap": {"particles": [many], "samples": 4000}}, "train": {"traps": [many]}}
    data = simulate(case_of(NAME, "solvable", "simulate", **change))
    group = data[f"trap_{many}"]
    assert float(group["production"]) == pytest.approx(many * float(one))
    cross = law.speed / (law.turning + law.trap)
    truth = np.kron([[(law.diffusion + law.speed * cross) / law.trap, cross], [cross, 1]], np.eye(many))
    assert_allclose(np.cov(group["state"].values.reshape(-1, 2 * many).T), truth, atol=0.03)


def exact_trap(x, g, law):
    """The exact score of a swimmer in a trap, as a correction to (force / eps, -g)."""
    cross = law.speed / (law.turning + law.trap)
    inverse = np.linalg.inv([[(law.diffusion + law.speed * cross) / law.trap, cross], [cross, 1]])
    base = np.diag([law.trap / law.diffusion, 1])
    matrix = torch.as_tensor(base - inverse)
    value = torch.cat([x, g], -1) @ matrix
    slope = matrix.diagonal().expand_as(value)
    return scores.Correction(value[..., None], slope[..., None])


def test_the_exact_correction_has_no_residual_the_closed_production_and_the_least_loss():
    law = Swimmers(1, 1, 0.25, 1)
    rng = np.random.default_rng(0)
    cross = law.speed / (law.turning + law.trap)
    root = np.linalg.cholesky([[(law.diffusion + law.speed * cross) / law.trap, cross], [cross, 1]])
    z = torch.as_tensor(rng.standard_normal((1, 20000, 2)) @ root.T)
    x, g = z.chunk(2, -1)
    points = scores.Points(x, g, -law.trap * x, torch.full_like(x, -law.trap))
    exact = exact_trap(x, g, law)
    assert_allclose(scores.residual(law, points, exact), 0, atol=1e-12)
    made = scores.production(law, points, exact).sum((2, 3)).mean()
    assert float(made) == pytest.approx(2.0, rel=0.03)
    best = float(scores.loss(law, points, exact, 0.0)[0])
    for wrong in (0.8, 1.2):
        other = scores.Correction(wrong * exact.value, wrong * exact.slope)
        assert float(scores.loss(law, points, other, 0.0)[0]) > best
        assert float(scores.loss(law, points, other, 1.0)[0]) > float(scores.loss(law, points, other, 0.0)[0])


def test_networks_on_the_ring_are_periodic_and_odd_and_their_slopes_are_derivatives():
    network = scores.on_ring(16.0)
    draws = init_mlp(2, [5, 8, 2], torch.Generator().manual_seed(1))
    weights = {name: value.detach().double() for name, value in draws.items()}
    rng = np.random.default_rng(2)
    x, g = torch.as_tensor(rng.uniform(-8, 8, (2, 2, 30, 1)))

    def at(x, g):
        return network(weights, scores.Points(x, g, x, x))

    here, step = at(x, g), 1e-6
    pieces = scores.in_pieces(network, weights, scores.Points(x, g, x, x), 7)
    assert_allclose(pieces.value, here.value, atol=1e-12)
    assert_allclose(pieces.slope, here.slope, atol=1e-12)
    assert_allclose(at(x + 16, g).value, here.value, atol=1e-12)
    assert_allclose(at(-x, -g).value, -here.value, atol=1e-12)
    by_x = (at(x + step, g).value - at(x - step, g).value)[:, :, 0] / (2 * step)
    by_g = (at(x, g + step).value - at(x, g - step).value)[:, :, 1] / (2 * step)
    assert_allclose(here.slope, torch.stack([by_x, by_g], 2), atol=1e-7)


def test_without_a_correction_only_the_propulsion_moves():
    x = torch.zeros(1, 4, 1)
    g = torch.tensor([[-1.0, 0, 1, 2]])[..., None]
    none = scores.Correction(torch.zeros(1, 4, 2, 1), torch.zeros(1, 4, 2, 1))
    made = scores.production(RING, scores.Points(x, g, x, x), none)
    assert_allclose(made.sum((2, 3)), (0.25 * g[..., 0]) ** 2 / 0.1)


def test_a_kernel_density_overrates_trapped_swimmers_more_in_more_dimensions():
    law, rng, found = Swimmers(1, 1, 0.25, 1), np.random.default_rng(3), []
    root = np.linalg.cholesky([[0.75, 0.5], [0.5, 1]])
    for many in (1, 3):
        draws = rng.standard_normal((1500, many, 2)) @ root.T
        found.append(by_kernel(law, np.concatenate([draws[..., 0], draws[..., 1]], -1)) / (2 * many) - 1)
    assert 0.05 < found[0] < 0.3 < found[1] < 1


# --------------------------------------------------------------------------------------------------------------- fluid

LAW = Swimmers(0.5, 0.1, repulsion=2.5, box=box_edge(20, 0.5))


def fluid_score(x, g, law=LAW, k=6, mirrored=False):
    """Scores of two random networks in the box's axes, and their divergences."""
    params = case_of(NAME, "fluid", "train").params.simulate
    draws = init_mlp(2, [inputs(k), 8, 2], torch.Generator().manual_seed(4))
    weights = {name: value.detach().double() for name, value in draws.items()}
    seen = neighbourhoods(params, law, np.stack([x, x])[:, None], np.stack([g, g])[:, None], k, mirrored)
    frame = seen.pop("frame")[:, 0]
    value, divergence = correction(
        weights, params, {n: torch.as_tensor(part).flatten(1, 2) for n, part in seen.items()}
    )
    return (frame.swapaxes(-1, -2) @ value.numpy()[..., None])[..., 0], divergence.numpy()


def crowd(rng):
    return lattice(20, LAW.box) + 0.2 * rng.standard_normal((20, 2)), rng.standard_normal((20, 2))


def test_the_fluids_score_goes_with_the_particles_and_turns_with_the_box():
    rng = np.random.default_rng(5)
    (x, g), order = crowd(rng), rng.permutation(20)
    before, _ = fluid_score(x, g)
    assert abs(before).max() > 0.05
    assert_allclose(fluid_score(x[order], g[order])[0], before[:, order], atol=1e-10)
    turn, turned_over = np.array([[0, 1], [-1, 0]]), np.array([[1, 0], [0, -1]])
    assert_allclose(fluid_score(x @ turn, g @ turn)[0], before @ turn, atol=1e-10)
    mirrored, _ = fluid_score(x @ turned_over, g @ turned_over, mirrored=True)
    assert_allclose(mirrored, before @ turned_over, atol=1e-10)


def test_the_fluids_divergence_is_that_of_its_score():
    x, g = crowd(np.random.default_rng(8))
    _, divergence = fluid_score(x, g)
    for particle in (0, 7):
        found = np.zeros(2)
        for axis in (0, 1):
            ends = []
            for step in (1e-6, -1e-6):
                moved = g.copy()
                moved[particle, axis] += step
                ends.append(fluid_score(x, moved)[0][:, particle, axis])
            found += (ends[0] - ends[1]) / 2e-6
        assert_allclose(divergence[:, particle], found, rtol=1e-5, atol=1e-7)


def test_the_fluids_score_is_local():
    """Behind the k-th neighbour, and out of reach of those that are seen, nothing matters."""
    wide, rng = replace(LAW, box=60.0), np.random.default_rng(6)
    near = 2 * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [-1, 0], [0, -1], [-1, -1]])
    x = np.concatenate([near + 0.1 * rng.standard_normal((7, 2)), [[20.0, 3.0]]])
    g, moved, closer = rng.standard_normal((8, 2)), x.copy(), x.copy()
    moved[7] += 2
    closer[1] += 0.2
    before, _ = fluid_score(x, g, wide)
    assert_allclose(fluid_score(moved, g, wide)[0][:, 0], before[:, 0], atol=1e-12)
    assert abs(fluid_score(closer, g, wide)[0][:, 0] - before[:, 0]).max() > 1e-3


def test_neighbours_and_clusters_are_counted():
    case = case_of(NAME, "fluid", "entropy")
    system = (5, 0.05)  # a box of 17.7 radii
    place = np.array([[0, 0], [1.9, 0], [0, 1.9], [8.8, 0], [-8.8, 0]], float)  # the last two touch through the edge
    data = {group(*system): xr.Dataset({"place": (tuple("wrspa"), place[None, None, None])}).rename(w="world")}
    data[group(*system)] = data[group(*system)].assign_coords(world=["repulsive"])
    made = np.array([6.0, 1, 3, 5, 7])[None, None, None]
    found, largest = by_neighbours(case, data, made, system)
    assert_allclose(largest, 0.6)
    assert_allclose(found[0, 0], [np.nan, (5 + 7) / 2, (6 + 1 + 3) / 3, *[np.nan] * (case.params.entropy.most - 2)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"neighbours": 12}}, "neighbours: 12 are not to be had among 12"),
        ({"simulate": {"packing": 0.4}}, "packing: 0.4 must be one of"),
        ({"simulate": {"sizes": [12, 12]}}, "sizes: one stands there twice"),
    ],
)
def test_a_fluid_that_cannot_be_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        case_of(NAME, "fluid", "simulate", **change)
