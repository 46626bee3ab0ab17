"""Self-propelled particles and neighbourhoods: forces against derivatives, closed forms of one swimmer in a trap."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from pesin.models.bridges import implicit_score_loss
from pesin.models.jets import ACTIVATIONS, mlp_jet
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.models.neighbourhoods import gather, nearest
from pesin.systems.particles import Swimmers, box_edge, lattice, minimum_image

FLUID = Swimmers(0.5, 0.1, repulsion=2.5, box=9.0, trap=0.03)


def cloud(*shape, seed=0, box=9.0):
    return np.random.default_rng(seed).uniform(-box / 2, box / 2, shape)


def by_definition(x, law):
    """The drift without propulsion of one configuration, pair by pair."""
    apart = minimum_image(x[:, None] - x[None], law.box)
    r = np.sqrt((apart**2).sum(-1))
    np.fill_diagonal(r, np.inf)
    push = law.repulsion * np.logaddexp(0, law.sharpness * (2 * law.radius - r)) / law.sharpness / r
    return (push[..., None] * apart).sum(1) - law.trap * x


def test_forces_are_the_sum_over_pairs_in_each_copy_and_sum_to_nothing():
    x = cloud(2, 3, 12, 2)
    force, _ = FLUID.force(x)
    assert_allclose(force, [[by_definition(one, FLUID) for one in row] for row in x], atol=1e-8)
    assert_allclose((force + FLUID.trap * x).sum(-2), 0, atol=1e-12)
    assert abs(force).max() > 0.5


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_divergence_is_that_of_the_force(dim):
    x, h = cloud(7, dim, seed=dim), 1e-6
    _, divergence = FLUID.force(x)
    found = np.zeros(7)
    for i in range(7):
        for a in range(dim):
            step = np.zeros_like(x)
            step[i, a] = h
            found[i] += (FLUID.force(x + step)[0] - FLUID.force(x - step)[0])[i, a] / (2 * h)
    assert_allclose(divergence, found, atol=1e-6)


def test_a_pair_is_a_swimmer_and_an_obstacle():
    alone = Swimmers(0, 0.1, repulsion=2.5, box=16.0, obstacle=True)
    pair = Swimmers(0, 0.1, repulsion=2.5, box=16.0)
    x = np.array([0.3, 1.7, -1.9, 7.9])
    force, divergence = alone.force(x[:, None, None])
    both, spread = pair.force(np.stack([x, 0 * x], 1)[..., None])
    assert_allclose(force[:, 0], both[:, 0])
    assert_allclose(divergence[:, 0], spread[:, 0])


def test_a_swimmer_in_a_trap_has_the_closed_covariance():
    speed, turning, diffusion, trap = 1.0, 1.0, 0.25, 1.0
    law = Swimmers(speed, turning, diffusion, trap)
    rng = np.random.default_rng(1)
    x, g = law.run(rng, np.zeros((20000, 1, 1)), rng.standard_normal((20000, 1, 1)), 0.01, 800)
    cross = speed / (turning + trap)
    truth = [[(diffusion + speed * cross) / trap, cross], [cross, 1]]
    assert_allclose(np.cov(x[:, 0, 0], g[:, 0, 0]), truth, atol=0.025)


def test_a_run_is_repeatable_leaves_its_arguments_and_stays_in_the_box():
    x, g = cloud(3, 9, 2), np.zeros((3, 9, 2))
    before = x.copy()
    first = FLUID.run(np.random.default_rng(2), x, g, 0.01, 50)
    again = FLUID.run(np.random.default_rng(2), x, g, 0.01, 50)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (x == before).all()
    assert (abs(first[0]) <= 4.5).all()
    halves = Swimmers(0, 0.1)  # nothing moves but the propulsion
    assert (halves.run(np.random.default_rng(2), x, g, 0.01, 5)[0] == x).all()


@pytest.mark.parametrize(
    "lay", [lambda x: np.broadcast_to(x, (3, 4, 9, 2)), lambda x: np.asfortranarray([[x] * 4] * 3)]
)
def test_starts_may_lie_in_memory_as_they_like(lay):
    x, g = cloud(9, 2), np.full((9, 2), 0.5)
    moved = FLUID.run(np.random.default_rng(3), lay(x), lay(g), 0.01, 20)
    plain = FLUID.run(np.random.default_rng(3), *(np.tile(part, (3, 4, 1, 1)) for part in (x, g)), 0.01, 20)
    assert all((a == b).all() for a, b in zip(moved, plain, strict=True))
    assert abs(moved[0] - x).max() > 0.01


def test_without_noise_the_step_is_eulers():
    law = Swimmers(0.5, 1e-9, repulsion=2.5, box=9.0)
    x, g = cloud(5, 2), np.full((5, 2), 0.4)
    moved, _ = law.run(np.random.default_rng(0), x, g, 0.01, 1)
    assert_allclose(moved, minimum_image(x + 0.01 * law.drift(x, g), 9.0), atol=1e-12)


def test_a_long_run_is_the_same_as_many_short_ones_that_look_for_pairs_anew():
    law = Swimmers(3.0, 1e-12, repulsion=2.5, box=12.0)  # no noise: the propulsions stay
    start = lattice(16, 12.0), np.random.default_rng(6).standard_normal((16, 2))
    long, _ = law.run(np.random.default_rng(0), *start, 0.01, 300)
    x, g = start
    for _ in range(300):
        x, g = law.run(np.random.default_rng(0), x, start[1], 0.01, 1)
    assert_allclose(minimum_image(long - x, 12.0), 0, atol=1e-4)
    assert abs(law.force(x)[0]).max() > 0.1


def test_boxes_lattices_and_images():
    assert_allclose(box_edge(64, 0.5) ** 2, 64 * np.pi / 0.5)
    assert_allclose(box_edge(3, 0.5, dim=1), 12)
    assert_allclose(minimum_image(np.array([4.5, -4.5, 5, -5, 1]), 9.0), [-4.5, -4.5, -4, 4, 1])
    for particles in (64, 50):
        places = lattice(particles, 20.0)
        apart = minimum_image(places[:, None] - places[None], 20.0)
        r = np.sqrt((apart**2).sum(-1)) + 99 * np.eye(particles)
        assert places.shape == (particles, 2) and r.min() > 2.4


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"turning": 0}, "turning"),
        ({"box": 3, "repulsion": 1}, "box"),
        ({"trap": -1}, "trap"),
        ({"radius": 0}, "radius"),
    ],
)
def test_laws_outside_the_physics_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Swimmers(**{"speed": 1, "turning": 1} | wrong)


# -------------------------------------------------------------------------------------------------- neighbourhoods


@pytest.mark.parametrize("box", [0.0, 9.0])
def test_neighbours_are_the_nearest_by_brute_force(box):
    x = cloud(2, 15, 2, seed=3)
    index = nearest(x, 5, box)
    apart = minimum_image(x[:, :, None] - x[:, None], box)
    r = (apart**2).sum(-1) + 1e9 * np.eye(15)
    assert (index == np.argsort(r, -1)[..., :5]).all()


def test_neighbours_on_the_edge_and_in_one_place():
    x = np.array([[-1e-18], [4.0], [-4.4], [0.5]])
    assert (nearest(x, 1, 9.0)[:, 0] == [3, 2, 1, 0]).all()
    same = nearest(np.zeros((6, 2)), 3)
    assert (same != np.arange(6)[:, None]).all() and same.shape == (6, 3)
    with pytest.raises(ValueError, match="k must lie"):
        nearest(x, 4)


def test_gather_takes_the_neighbours_values_of_arrays_and_tensors():
    values, index = cloud(2, 15, 3), nearest(cloud(2, 15, 2), 4)
    found = gather(values, index)
    assert (found[1, 7, 2] == values[1, index[1, 7, 2]]).all()
    assert (gather(torch.as_tensor(values), torch.as_tensor(index)).numpy() == found).all()


# -------------------------------------------------------------------------------------------------- losses and jets


def test_the_score_loss_is_least_at_the_score_of_a_normal_law():
    rng = np.random.default_rng(4)
    x = 2 * np.array([1, -1])[:, None, None] * rng.standard_normal((1, 20000, 3))

    def implicit(slope):
        return implicit_score_loss(-slope * x, np.full(x.shape[:2], -3 * slope))

    slopes = np.linspace(0.15, 0.35, 21)
    assert slopes[np.argmin([implicit(s)[0] for s in slopes])] == pytest.approx(0.25, abs=0.011)
    assert_allclose(implicit(0.25), -3 * 0.25 / 2, rtol=0.03)


def test_jets_take_directions_of_each_sample():
    generator = torch.Generator().manual_seed(5)
    parameters = {k: v.detach().double() for k, v in init_mlp(2, [3, 8, 2], generator).items()}
    silu = ACTIVATIONS["silu"]
    angle = torch.rand(2, 6, 2, generator=generator, dtype=torch.float64)

    def features(a):
        return torch.stack([a[..., 0].sin(), a[..., 0].cos(), a[..., 1]], -1)

    zero, one = torch.zeros(2, 6, dtype=torch.float64), torch.ones(2, 6, dtype=torch.float64)
    rates = torch.stack(
        [torch.stack([angle[..., 0].cos(), -angle[..., 0].sin(), zero], -1), torch.stack([zero, zero, one], -1)], 2
    )
    value, first = mlp_jet(parameters, features(angle), rates, silu, order=1)
    assert_allclose(value, apply_mlp(parameters, features(angle), silu.value), atol=1e-12)
    for axis in (0, 1):
        step = torch.zeros(2, dtype=torch.float64)
        step[axis] = 1e-6
        ahead, behind = (apply_mlp(parameters, features(angle + s * step), silu.value) for s in (1, -1))
        assert_allclose(first[:, :, axis], (ahead - behind) / 2e-6, atol=1e-7)
