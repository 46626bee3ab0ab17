"""Mixtures, bridges, steppers, jets and transport distances: known answers, and agreement with general transforms."""

import math

import numpy as np
import pytest
import torch
from scipy.special import ndtr
from scipy.stats import multivariate_normal

from pesin.integrate.steppers import follow, follow_sde, last
from pesin.models.bridges import Interpolant, quadratic_loss, training_pairs, velocity_from_score
from pesin.models.jets import (
    ACTIVATIONS,
    divergence,
    gradient_and_laplacian,
    mlp_jet,
    scalar_gradient,
    softplus_activation,
)
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.stats.transport import (
    mean_discrepancy,
    sampling_floor,
    sliced_wasserstein2,
    wasserstein,
    wasserstein1,
    wasserstein2,
)
from pesin.systems.checkerboard import Checkerboard
from pesin.systems.mixtures import Mixture, bridged

NORMAL = Mixture([1.0], [[0.0]], [[[1.0]]])
THREE = Mixture([0.5, 0.2, 0.3], [[0, 0], [2, 1], [-1, 3]], [np.eye(2), [[2, 0.5], [0.5, 1]], 0.3 * np.eye(2)])


def gradient(function, x, step=1e-5):
    axes = np.eye(x.shape[-1]) * step
    return np.stack([(function(x + axis) - function(x - axis)) / (2 * step) for axis in axes], -1)


# ------------------------------------------------------------------------------------------------------ mixtures


def test_density_score_and_shares_of_a_mixture():
    x = np.random.default_rng(0).normal(size=(4, 5, 2)) * 3
    parts = zip(THREE.weights, THREE.means, THREE.covariances, strict=True)
    density = sum(w * multivariate_normal(m, c).pdf(x) for w, m, c in parts)
    np.testing.assert_allclose(THREE.log_density(x), np.log(density), rtol=1e-12)
    np.testing.assert_allclose(THREE.score(x), gradient(THREE.log_density, x), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(THREE.responsibilities(x).sum(-1), 1)


def test_samples_have_the_mixtures_moments():
    x = THREE.sample(np.random.default_rng(1), 100_000)
    mean = THREE.weights @ THREE.means
    spread = np.einsum("k,kij->ij", THREE.weights, THREE.covariances)
    spread += np.einsum("k,ki,kj->ij", THREE.weights, THREE.means - mean, THREE.means - mean)
    np.testing.assert_allclose(x.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), spread, atol=0.06)


def test_noise_widens_a_mixture():
    found = THREE.noised(0.5, 2.0)
    np.testing.assert_allclose(found.means, THREE.means / 2)
    np.testing.assert_allclose(found.covariances[0], 4.25 * np.eye(2))


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "said"),
    [
        ([0.5, 0.4], np.zeros((2, 1)), np.ones((2, 1, 1)), "sum to one"),
        ([1.0], np.zeros((1, 2)), np.ones((1, 1, 1)), "don't fit"),
        ([1.0], np.zeros((1, 1)), -np.ones((1, 1, 1)), "positive definite"),
    ],
)
def test_what_is_no_mixture_is_refused(weights, means, covariances, said):
    with pytest.raises(ValueError, match=said):
        Mixture(weights, means, covariances)


def test_the_boards_score_is_that_of_its_noised_density():
    """The density of a noised square is a product of differences of normal distribution functions."""
    board, x = Checkerboard(4, 1.5), np.random.default_rng(3).normal(size=(60, 2)) * 2
    for scale, sd in ((1.0, 0.5), (0.4, 0.9), (0.99, 0.05)):

        def log_density(points, scale=scale, sd=sd):
            low, high = ((scale * (board.corners + edge) - points[:, None]) / sd for edge in (0, board.side))
            return np.log((ndtr(high) - ndtr(low)).prod(-1).sum(-1))

        near = log_density(x) > -12  # further out the differences cancel
        expected = gradient(log_density, x[near])
        np.testing.assert_allclose(board.noised_score(x[near], scale, sd), expected, rtol=1e-4, atol=1e-3)
        assert np.isfinite(board.noised_score(100 * x, scale, sd)).all()


def test_a_board_samples_its_dark_squares():
    board = Checkerboard()
    x = board.sample(np.random.default_rng(0), 20_000)
    assert ((np.floor(x / 2).sum(1) % 2) == 0).all() and abs(x).max() <= 4
    assert board.entropy == pytest.approx(np.log(32))
    with pytest.raises(ValueError, match="even number"):
        Checkerboard(3)


# ------------------------------------------------------------------------------------------------------- bridges

PATHS = ["linear", "trigonometric", "encoding_decoding", "variance_preserving"]
NOISES = ["none", "brownian", "sine", "quadratic"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("noise", NOISES)
def test_interpolants_begin_and_end_where_they_should_and_their_rates_are_derivatives(path, noise):
    interpolant = Interpolant(path, noise, 1.5)
    np.testing.assert_allclose(interpolant.values(0.0), (1, 0, 0), atol=1e-15)
    np.testing.assert_allclose(interpolant.values(1.0), (0, 1, 0), atol=1e-15)
    t, h = np.array([0.1, 0.3, 0.45, 0.7, 0.95]), 1e-6
    after, before = interpolant.values(t + h), interpolant.values(t - h)
    for rate, a, b in zip(interpolant.rates(t), after, before, strict=True):
        np.testing.assert_allclose(rate, (a - b) / (2 * h), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(interpolant.variance(t)[0], interpolant.values(t)[2] ** 2)
    both = interpolant.values(torch.as_tensor(t))
    np.testing.assert_allclose(torch.stack(both).numpy(), np.stack(np.broadcast_arrays(*interpolant.values(t))))


def test_between_two_normals_the_field_is_linear():
    """Albergo and others: var = (1-t)^2 + t^2 + a t (1-t), b = x var' / (2 var); for a = 2 nothing moves."""
    x, t = np.linspace(-2, 2, 9)[:, None], 0.3
    for amount in (1.0, 2.0):
        var = (1 - t) ** 2 + t**2 + amount * t * (1 - t)
        rate = 2 * t - 2 * (1 - t) + amount * (1 - 2 * t)
        bridge = bridged(NORMAL, NORMAL, Interpolant("linear", "brownian", amount), t)
        np.testing.assert_allclose(bridge.velocity(x), x * rate / (2 * var), atol=1e-15)
        np.testing.assert_allclose(bridge.score(x), -x / var)


def test_the_bridge_obeys_the_transport_equation():
    """d rho / dt = -div (b rho), by finite differences."""
    interpolant, x, t, h = Interpolant(), np.random.default_rng(2).normal(size=(50, 2)), 0.4, 1e-5
    other = Mixture([0.6, 0.4], [[3, 0], [-2, 1]], [0.2 * np.eye(2), np.eye(2)])

    def log_density(time):
        return bridged(THREE, other, interpolant, time).density.log_density(x)

    bridge = bridged(THREE, other, interpolant, t)
    rate = (log_density(t + h) - log_density(t - h)) / (2 * h)
    spread = np.einsum("...ii", gradient(bridge.velocity, x))
    np.testing.assert_allclose(rate, -spread - (bridge.velocity(x) * bridge.score(x)).sum(-1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("noise", NOISES)
def test_from_a_normal_base_the_score_tells_the_velocity(path, noise):
    interpolant, base = Interpolant(path, noise), Mixture([1.0], np.zeros((1, 2)), np.eye(2)[None])
    x = np.random.default_rng(8).normal(size=(20, 2))
    for t in (0.3, 0.8) if path != "encoding_decoding" else (0.8,):  # x1 has not come in before the middle
        bridge = bridged(base, THREE, interpolant, t)
        np.testing.assert_allclose(
            velocity_from_score(interpolant, x, bridge.score(x), t), bridge.velocity(x), atol=1e-9
        )


def test_the_losses_are_least_at_the_exact_fields():
    """Between two standard normals in two dimensions: the exact velocity and denoiser, and 1.2 times them."""
    interpolant, draw = Interpolant(), torch.Generator().manual_seed(0)
    x0, x1, z = (torch.randn(1, 100_000, 2, generator=draw, dtype=torch.float64) for _ in range(3))
    t = torch.rand(1, 100_000, 1, generator=draw, dtype=torch.float64)
    x, t, targets = training_pairs(interpolant, x0, x1, z, t)
    assert x.shape == (1, 200_000, 2) and t.shape == (1, 200_000, 1)
    variance = (1 - t) ** 2 + t**2 + t * (1 - t)
    fields = {
        "velocity": x * (2 * t - 1) / (2 * variance),
        "noise": x * torch.sqrt(t * (1 - t)) / variance,
        "path": x * (2 * t - 1) / variance,
    }
    for name, field in fields.items():
        found = quadratic_loss(torch.cat([field, 1.2 * field]), targets[name])
        assert found.shape == (2,)
        assert float(found[0]) == pytest.approx(-float((field**2).sum(-1).mean()) / 2, rel=0.04, abs=0.002)
        assert found[1] > found[0]


# ------------------------------------------------------------------------------------------------------ steppers


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4)])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
def test_the_order_of_a_stepper(method, order, kind):
    """dx/dt = x cos t: x = exp(sin t)."""
    x = kind(np.ones((2, 3)))

    def error(steps):
        end = last(follow(lambda x, t: x * math.cos(t), x, np.linspace(0, 2, steps + 1), method))
        return abs(float(end[0, 0]) - math.exp(math.sin(2)))

    assert math.log2(error(40) / error(80)) == pytest.approx(order, abs=0.25)


def test_a_stepper_goes_back():
    there = last(follow(lambda x, t: -x * t, np.array([1.0]), np.linspace(0, 1, 50)))
    back = last(follow(lambda x, t: -x * t, there, np.linspace(1, 0, 50)))
    assert back[0] == pytest.approx(1, abs=1e-8)


def test_an_ornstein_uhlenbeck_process_relaxes():
    rng = np.random.default_rng(3)
    x = last(follow_sde(lambda x, t: -x, lambda t: 1.0, np.full(40_000, 2.0), np.linspace(0, 1, 201), draw_of(rng)))
    assert x.mean() == pytest.approx(2 * math.exp(-1), abs=0.02)
    assert x.var() == pytest.approx((1 - math.exp(-2)) / 2, rel=0.03)


def draw_of(rng):
    return lambda x: rng.standard_normal(x.shape)


def test_noise_needs_rising_times_and_a_path_two_of_them():
    with pytest.raises(ValueError, match="times must rise"):
        last(follow_sde(lambda x, t: x, lambda t: 1.0, np.ones(2), [1, 0], draw_of(np.random.default_rng(0))))
    with pytest.raises(ValueError, match="two times"):
        last(follow(lambda x, t: x, np.ones(2), [1.0]))


@pytest.mark.parametrize("noise", [0.0, 0.5, 2.0])
def test_ode_and_sde_carry_one_mixture_into_another(noise):
    """The same marginals for every noise: drift b + noise s, from N(0, 1) to two peaks."""
    rng, interpolant = np.random.default_rng(4), Interpolant()
    peaks = Mixture([0.5, 0.5], [[-2.0], [2.0]], np.full((2, 1, 1), 0.09))

    def drift(x, t):
        velocity, score = bridged(NORMAL, peaks, interpolant, t).both(x)
        return velocity + noise * score

    times = np.linspace(1e-4, 1 - 1e-4, 201)
    x = NORMAL.sample(rng, 10_000)
    end = last(follow_sde(drift, lambda t: (2 * noise) ** 0.5, x, times, draw_of(rng)))
    floor = sampling_floor(rng, peaks.sample, lambda a, b: float(wasserstein(a[:, 0], b[:, 0])), 10_000).max()
    assert wasserstein(end[:, 0], peaks.sample(rng, 10_000)[:, 0]) < floor + 0.03


# ---------------------------------------------------------------------------------------------------------- jets


@pytest.mark.parametrize("name", [*ACTIVATIONS, "softplus"])
def test_jets_agree_with_nested_transforms(name):
    activation = ACTIVATIONS.get(name) or softplus_activation(20)
    draw = torch.Generator().manual_seed(1)
    parameters = {k: v.detach().double() for k, v in init_mlp(2, [3, 8, 8, 2], draw).items()}
    x = torch.randn(2, 5, 3, generator=draw, dtype=torch.float64)
    directions = torch.randn(4, 3, generator=draw, dtype=torch.float64)

    def one(run, point):
        own = {key: value[run : run + 1] for key, value in parameters.items()}
        return apply_mlp(own, point[None, None], activation.value)[0, 0]

    value, first, second = mlp_jet(parameters, x, directions, activation)
    torch.testing.assert_close(value, apply_mlp(parameters, x, activation.value), rtol=1e-12, atol=1e-12)
    for run in range(2):
        for point in range(5):
            jacobian = torch.func.jacrev(lambda p, run=run: one(run, p))(x[run, point])
            hessian = torch.func.hessian(lambda p, run=run: one(run, p))(x[run, point])
            torch.testing.assert_close(first[run, point], directions @ jacobian.T, rtol=1e-10, atol=1e-10)
            along = torch.einsum("oij,di,dj->do", hessian, directions, directions)
            # torch's own softplus is a straight line from 20 on
            torch.testing.assert_close(second[run, point], along, rtol=1e-9, atol=1e-9 if name != "softplus" else 1e-7)


def test_gradient_laplacian_and_divergence_of_chosen_columns():
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(3, 4, 3, generator=draw)
    potential = init_mlp(3, [3, 6, 1], draw)
    _, gradient_, laplacian = gradient_and_laplacian(potential, x, ACTIVATIONS["silu"], slice(0, 2))
    x = x.requires_grad_()
    value = apply_mlp(potential, x, ACTIVATIONS["silu"].value).sum()
    (slope,) = torch.autograd.grad(value, x, create_graph=True)
    torch.testing.assert_close(gradient_, slope[..., :2])
    second = sum(torch.autograd.grad(slope[..., i].sum(), x, retain_graph=True)[0][..., i] for i in (0, 1))
    torch.testing.assert_close(laplacian, second)
    field = init_mlp(3, [3, 6, 2], draw)
    value, spread = divergence(field, x, ACTIVATIONS["tanh"], slice(0, 2))
    rates = [torch.autograd.grad(value[..., i].sum(), x, retain_graph=True)[0][..., i] for i in (0, 1)]
    torch.testing.assert_close(spread, sum(rates))
    with pytest.raises(ValueError, match="not defined"):
        divergence(field, x, ACTIVATIONS["tanh"])
    with pytest.raises(ValueError, match="order must be"):
        mlp_jet(field, x, torch.eye(3), ACTIVATIONS["tanh"], order=3)
    with pytest.raises(ValueError, match="directions have 2"):
        mlp_jet(field, x, torch.eye(2), ACTIVATIONS["tanh"])


def test_the_reverse_pass_gives_the_same_gradient_and_trains_as_autograd_does():
    draw = torch.Generator().manual_seed(4)
    x = torch.randn(3, 5, 4, generator=draw, dtype=torch.float64)
    nets = {k: v.detach().double().requires_grad_() for k, v in init_mlp(3, [4, 7, 6, 1], draw).items()}
    activation = softplus_activation(2)
    value, found = scalar_gradient(nets, x, activation)
    expected, slope, _ = gradient_and_laplacian(nets, x, activation)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(found, slope, rtol=1e-10, atol=1e-12)
    learnt = [value for name, value in nets.items() if name != "bias_2"]
    ours, theirs = (torch.autograd.grad(part.square().sum(), learnt) for part in (found, slope))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)
    straight = init_mlp(2, [3, 1], draw)
    _, found = scalar_gradient(straight, torch.ones(2, 5, 3), activation)
    torch.testing.assert_close(found, straight["weight_0"].transpose(1, 2).expand(2, 5, 3))
    with pytest.raises(ValueError, match="one output"):
        scalar_gradient(init_mlp(1, [3, 2], draw), torch.ones(1, 5, 3), activation)


def test_a_linear_network_has_no_curvature():
    parameters = init_mlp(2, [2, 1], torch.Generator().manual_seed(3))
    _, gradient_, laplacian = gradient_and_laplacian(parameters, torch.ones(2, 3, 2), ACTIVATIONS["sin"])
    torch.testing.assert_close(gradient_[:, 0], parameters["weight_0"][..., 0])
    assert not laplacian.any()


# ----------------------------------------------------------------------------------------------------- transport


def test_distances_of_shifted_clouds_are_the_shift():
    x = np.random.default_rng(5).normal(size=(200, 3))
    shift = np.array([1.0, -2.0, 0.5])
    assert wasserstein2(x, x[::-1] + shift) == pytest.approx(np.linalg.norm(shift))
    assert wasserstein1(x, x[::-1] + shift) == pytest.approx(np.linalg.norm(shift))
    np.testing.assert_allclose(wasserstein(x.T, (x[::-1] + shift).T), abs(shift))
    for exact, order in ((wasserstein1, 1), (wasserstein2, 2)):  # on the line both are known by sorting
        assert exact(x[:, :1], 2 * x[:, 1:2]) == pytest.approx(float(wasserstein(x[:, 0], 2 * x[:, 1], order)))
    sliced = sliced_wasserstein2(np.random.default_rng(0), x, x + shift, 4000)
    assert sliced == pytest.approx(np.linalg.norm(shift) / 3**0.5, rel=0.03)


def test_the_distance_of_normals_and_its_floor():
    """W2 of N(0, 1) and N(1, 4) is sqrt(1 + 1)."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=100_000), rng.normal(1, 2, 100_000)
    assert wasserstein(x, y, 2) == pytest.approx(2**0.5, rel=0.01)
    floor = sampling_floor(rng, THREE.sample, wasserstein2, 300, 3)
    assert floor.shape == (3,) and 0.1 < floor.min() and floor.max() < 0.8


def test_the_discrepancy_of_equal_laws_is_zero_on_average_and_of_others_positive():
    rng = np.random.default_rng(7)
    same = [mean_discrepancy(rng.normal(size=(100, 2)), rng.normal(size=(100, 2)), [1.0]) for _ in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 40**0.5
    # Of N(0, I) and N(m, I) with a kernel of width 1 in d = 2: 2 / 3 (1 - exp(-m^2 / 6)).
    found = mean_discrepancy(rng.normal(size=(2000, 2)), rng.normal(size=(2000, 2)) + [2, 0], [1.0])
    assert found == pytest.approx(2 / 3 * (1 - math.exp(-4 / 6)), abs=0.03)


def test_clouds_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="equally large"):
        wasserstein2(np.zeros((3, 2)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="not finite"):
        wasserstein2(np.full((3, 2), np.nan), np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"\(samples, dim\)"):
        mean_discrepancy(np.zeros(3), np.zeros((3, 1)), [1.0])
