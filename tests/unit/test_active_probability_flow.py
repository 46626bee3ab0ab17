"""Known answers: the ring's Fokker-Planck equation, trapped and free swimmers, corrections to the score."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pesin.entropy.nonequilibrium import linear_entropy_production
from pesin.models.mlp import init_mlp
from pesin.systems.particles import Swimmers, box_edge, lattice
from project import case_of
from studies.active_probability_flow.fluid.network import correction, described, init_network, neighbourhoods
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
    data = simulate(case_of(NAME, "solvable", "simulate", simulate={"trap": {"particles": [many], "samples": 4000}}))
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

FLUID = Swimmers(0.5, 0.1, repulsion=2.5, box=box_edge(20, 0.5))


def fluid_score(x, g, k=6, law=FLUID):
    draws = init_network(2, 8, 1, torch.Generator().manual_seed(4))
    network = correction({name: value.detach() for name, value in draws.items()}, 2, law)
    seen = neighbourhoods(law, x, g, k)
    return network(**{name: torch.as_tensor(part)[None].repeat(2, *[1] * part.ndim) for name, part in seen.items()})


def test_the_fluids_score_goes_with_the_particles_and_turns_with_the_box():
    rng = np.random.default_rng(5)
    x = lattice(20, FLUID.box) + 0.2 * rng.standard_normal((20, 2))
    g, order = rng.standard_normal((20, 2)), rng.permutation(20)
    before = fluid_score(x, g)
    assert abs(before).max() > 0.05
    assert_allclose(fluid_score(x[order], g[order]), before[:, order], atol=1e-4)
    turn = np.array([[0, 1], [-1, 0]])
    assert_allclose(fluid_score(x @ turn, g @ turn), before.numpy() @ turn, atol=1e-4)


def test_the_fluids_score_is_local():
    """Behind the k-th neighbour, and out of reach of those that are seen, nothing matters."""
    wide = replace(FLUID, box=60.0)
    rng = np.random.default_rng(6)
    near = 2 * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [-1, 0], [0, -1], [-1, -1]]) + 0.1 * rng.standard_normal(
        (7, 2)
    )
    x, g = np.concatenate([near, [[20.0, 3.0]]]), rng.standard_normal((8, 2))
    before, moved, closer = fluid_score(x, g, law=wide), x.copy(), x.copy()
    moved[7] += 2
    closer[1] += 0.2
    assert_allclose(fluid_score(moved, g, law=wide)[:, 0], before[:, 0], atol=1e-7)
    assert abs(fluid_score(closer, g, law=wide)[:, 0] - before[:, 0]).max() > 1e-3


def test_the_score_of_stiff_contacts_lies_within_reach_of_the_networks():
    """Slow turning: v0 g + F is nearly Gaussian of variance v0^2 gamma / (H + gamma), H the contacts' stiffness.

    Maggi and others, Sci. Rep. 5, 10742 (2015). The vectors that the coefficients multiply hold this answer exactly.
    """
    rng = np.random.default_rng(7)
    x, g = lattice(9, 6.3) + 0.1 * rng.standard_normal((9, 2)), rng.standard_normal((9, 2))
    law, step = replace(FLUID, box=6.3), 1e-6
    v = law.drift(x, g)
    bent = (law.force(x + step * v)[0] - law.force(x - step * v)[0]) / (2 * step)
    truth = (bent / law.turning - law.force(x)[0]) / law.speed
    seen = {name: torch.as_tensor(part.astype(float))[None] for name, part in neighbourhoods(law, x, g, 8).items()}
    vectors, _ = described(law, **seen)
    distance = np.linalg.norm(seen["apart"][0].numpy(), axis=-1)
    z = law.sharpness * (2 * law.radius - distance)
    push = law.repulsion * np.logaddexp(0, z) / law.sharpness
    stiff = law.repulsion / (1 + np.exp(-z))
    across = -push / distance
    none = np.zeros_like(stiff)
    share = np.full_like(stiff, -1 / 8)
    coefficients = np.stack([none, -across, -(stiff - across), none, share], -1)
    found = (coefficients[..., None] * vectors[0].numpy()).sum((1, 2))
    assert_allclose(found, truth, rtol=1e-3, atol=1e-3 * abs(truth).max())
