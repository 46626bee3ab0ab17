"""Entropies of spectra: known spectra, limits, invariances, bad input."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import eigvals

from pesin.entropy.amplitude import renyi_entropy
from pesin.entropy.kernel import (
    classes_of,
    diffusion_spectral_entropy,
    diffusion_spectral_mutual_information,
    effective_rank,
    graph_entropy,
    matrix_renyi_entropy,
    median_distance,
    page_entropy,
    participation_ratio,
    von_neumann_entropy,
)

UNIFORM = np.random.default_rng(0).random((1000, 256))


def entropy_bits(*arguments, **options):
    return diffusion_spectral_entropy(*arguments, **options).value / log(2)


# --------------------------------------------------------------------------------------------- diffusion spectrum


@pytest.mark.parametrize(("sigma", "t", "bits"), [(10, 1, 2.304876), (2, 2, 9.777025)])
def test_the_catalogue(sigma, t, bits):
    assert entropy_bits(UNIFORM, sigma, t) == pytest.approx(bits, abs=1e-6)


def test_points_and_clusters():
    assert entropy_bits([[0.0, 0.0], [0.0, 10.0]]) == pytest.approx(0.715349, abs=1e-6)
    far = 1e4 * np.arange(100.0)[:, None]
    assert entropy_bits(far) == pytest.approx(6.643856, abs=1e-6)
    assert entropy_bits(np.zeros((50, 3))) == pytest.approx(0, abs=1e-6)
    unequal = np.repeat(1e5 * np.eye(4), [1, 7, 30, 2], axis=0)
    for normalisation in ("symmetric", "row"):
        assert entropy_bits(unequal, normalisation=normalisation) == pytest.approx(2, abs=1e-6)


def test_clusters_far_from_the_origin_keep_their_inside():
    """Squared distances by norms would lose the inside of clusters 1e7 apart; differences don't."""
    inside = np.random.default_rng(1).normal(size=(40, 3))
    one = diffusion_spectral_entropy(inside, 1.0)
    both = diffusion_spectral_entropy(np.concatenate([inside, inside + 1e7]), 1.0)
    assert both.value == pytest.approx(one.value + log(2), abs=1e-6)


def test_it_follows_the_intrinsic_dimension_and_not_the_noise():
    """Spheres in 64 dimensions, 500 points, sigma 0.5, t 2: 2.48 3.33 3.94 4.65 5.72 bits for d = 1 2 3 5 10."""
    rng = np.random.default_rng(0)
    clean, noisy = [], []
    for d in (1, 2, 3, 5, 10):
        x = rng.normal(size=(500, d + 1))
        x = x / np.linalg.norm(x, axis=1, keepdims=True) @ stats.ortho_group.rvs(64, random_state=d)[: d + 1]
        clean.append(entropy_bits(x, 0.5, 2))
        noisy.append(entropy_bits(x + 0.02 * rng.normal(size=x.shape), 0.5, 2))
    np.testing.assert_allclose(clean, [2.48, 3.33, 3.94, 4.65, 5.72], atol=0.04)
    np.testing.assert_allclose(noisy, [2.49, 3.39, 3.96, 4.74, 5.96], atol=0.06)


def direct(x, sigma, t, normalisation):
    """The definition, by the eigenvalues of the unsymmetric Markov matrix."""
    g = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1) / (2 * sigma**2))
    if normalisation == "row":
        degree = g.sum(1)
        g = g / np.sqrt(np.outer(degree, degree))
    levels = np.abs(eigvals(g / g.sum(1, keepdims=True))) ** t
    p = levels / levels.sum()
    return -(p * np.log(np.where(p > 0, p, 1))).sum()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sigma=st.floats(0.2, 5),
    t=st.sampled_from([0.5, 1, 2, 4]),
    normalisation=st.sampled_from(["symmetric", "row"]),
)
def test_definition_and_invariances(seed, sigma, t, normalisation):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(40, 3))
    value = diffusion_spectral_entropy(x, sigma, t, normalisation).value
    assert 0 <= value <= log(40)
    assert value == pytest.approx(direct(x, sigma, t, normalisation), abs=1e-5 if t < 1 else 1e-8)
    turned = x[rng.permutation(40)] @ stats.ortho_group.rvs(3, random_state=seed) + 7
    tolerance = 1e-4 if t < 1 else 1e-8  # rounding errors of vanishing eigenvalues count at t < 1
    assert diffusion_spectral_entropy(turned, sigma, t, normalisation).value == pytest.approx(value, abs=tolerance)
    scaled = diffusion_spectral_entropy(3 * x, 3 * sigma, t, normalisation).value
    assert scaled == pytest.approx(value, abs=tolerance)


def test_limits_of_time_and_bandwidth():
    x = np.random.default_rng(2).normal(size=(60, 2))
    by_time = [diffusion_spectral_entropy(x, 1.0, t).value for t in (1, 4, 16, 1e4)]
    assert sorted(by_time, reverse=True) == by_time and by_time[-1] == pytest.approx(0, abs=1e-6)
    by_width = [diffusion_spectral_entropy(x, s).value for s in (1e-3, 0.1, 1, 10, 1e3)]
    assert sorted(by_width, reverse=True) == by_width
    assert by_width[0] == pytest.approx(log(60)) and by_width[-1] == pytest.approx(0, abs=1e-3)


def test_several_times_share_their_eigenvalues():
    rng = np.random.default_rng(12)
    x, labels = rng.normal(size=(2, 60, 3)), rng.integers(0, 3, 60)
    times = (1, 2, 8)
    together = diffusion_spectral_entropy(x, 1.0, times).value
    np.testing.assert_allclose(
        together, np.stack([diffusion_spectral_entropy(x, 1.0, t).value for t in times], -1), rtol=1e-10
    )
    shared = diffusion_spectral_mutual_information(x[0], labels, np.random.default_rng(0), 1.0, times)
    for i, t in enumerate(times):
        alone = diffusion_spectral_mutual_information(x[0], labels, np.random.default_rng(0), 1.0, t)
        assert alone.value == pytest.approx(shared.value[i], rel=1e-8)
        assert alone.standard_error == pytest.approx(shared.standard_error[i], rel=1e-8)
    for bad in (0, -1, (), (1, 0)):
        with pytest.raises(ValueError, match="t must be positive"):
            diffusion_spectral_entropy(x, 1.0, bad)


def test_the_median_bandwidth_is_blind_to_scale():
    x = np.random.default_rng(3).normal(size=(80, 5))
    found, scaled = (diffusion_spectral_entropy(c * x, "median") for c in (1, 100))
    assert scaled.value == pytest.approx(found.value) and scaled.counts["sigma"] == pytest.approx(
        100 * found.counts["sigma"]
    )
    assert found.counts["sigma"] == pytest.approx(median_distance(x), rel=1e-12)
    assert diffusion_spectral_entropy(100 * x).value > diffusion_spectral_entropy(x).value + 1


def test_at_time_one_it_is_a_von_neumann_entropy():
    x = np.random.default_rng(4).normal(size=(50, 3))
    g = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1) / 2)
    k = g / np.sqrt(np.outer(g.sum(1), g.sum(1)))
    assert von_neumann_entropy(k / np.trace(k)).value == pytest.approx(diffusion_spectral_entropy(x, 1.0).value)


# --------------------------------------------------------------------------------------------- mutual information


def test_labels_that_say_nothing_and_labels_that_say_all():
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(4), 60)
    clusters = 100 * np.eye(4)[labels]
    apart = diffusion_spectral_mutual_information(clusters, labels, rng, sigma=1.0)
    assert apart.value == pytest.approx(log(4), abs=1e-6)  # each subset meets all clusters, each class is one
    assert apart.standard_error == pytest.approx(0, abs=1e-9)
    cloud = rng.normal(size=(240, 3))
    none = [diffusion_spectral_mutual_information(cloud, rng.permutation(labels), rng, 0.5) for _ in range(10)]
    assert abs(np.mean([found.value for found in none])) < 0.05
    tied = diffusion_spectral_mutual_information(cloud, np.digitize(cloud[:, 0], [-0.7, 0, 0.7]), rng, 0.5)
    assert tied.value > 0.2


def test_classes_of_a_line_and_of_clusters():
    line = np.linspace(0, 1, 101)
    np.testing.assert_array_equal(np.bincount(classes_of(line, 4)), [25, 25, 25, 26])
    assert (classes_of(np.ones(9)) == 0).all()
    rng = np.random.default_rng(6)
    truth = np.repeat([0, 1, 2], 40)
    found = classes_of(20 * np.eye(3)[truth] + rng.normal(size=(120, 3)), 3)
    assert len(set(zip(truth, found, strict=True))) == 3


def test_permuted_labels_share_the_subsets():
    rng = np.random.default_rng(8)
    x, labels = rng.normal(size=(60, 3)), np.repeat([0, 1, 2], [10, 20, 30])
    several = np.stack([labels, rng.permutation(labels)])
    found = diffusion_spectral_mutual_information(x, several, np.random.default_rng(0), 1.0, [1, 2])
    assert found.value.shape == found.standard_error.shape == (2, 2)
    for one, values in zip(several, found.value, strict=True):
        alone = diffusion_spectral_mutual_information(x, one, np.random.default_rng(0), 1.0, [1, 2])
        np.testing.assert_allclose(values, alone.value, rtol=1e-12)
    with pytest.raises(ValueError, match="permutations of one another"):
        diffusion_spectral_mutual_information(x, [labels, 0 * labels], rng, 1.0)


# ---------------------------------------------------------------------------------------------------- matrices


def test_density_matrices():
    assert von_neumann_entropy([[0.75, 0.25], [0.25, 0.25]]).value == pytest.approx(0.416496, abs=1e-6)
    rng = np.random.default_rng(7)
    psi = rng.normal(size=6) + 1j * rng.normal(size=6)
    psi /= np.linalg.norm(psi)
    assert von_neumann_entropy(np.outer(psi, psi.conj())).value == pytest.approx(0, abs=1e-9)
    assert von_neumann_entropy(np.eye(5) / 5).value == pytest.approx(log(5))
    bell = np.array([1, 0, 0, 1]) / np.sqrt(2)
    half = np.einsum("ik,jk->ij", bell.reshape(2, 2), bell.reshape(2, 2))
    assert von_neumann_entropy(half).value == pytest.approx(log(2))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), dim=st.integers(2, 6))
def test_von_neumann_is_unitary_invariant_and_additive(seed, dim):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(2, dim, dim)) + 1j * rng.normal(size=(2, dim, dim))
    rho, sigma = (r @ r.conj().T / np.trace(r @ r.conj().T).real for r in root)
    unitary = np.linalg.qr(root[0])[0]
    value = von_neumann_entropy(rho).value
    assert 0 <= value <= log(dim) + 1e-12
    assert von_neumann_entropy(unitary @ rho @ unitary.conj().T).value == pytest.approx(value)
    assert von_neumann_entropy(np.kron(rho, sigma)).value == pytest.approx(value + von_neumann_entropy(sigma).value)
    assert von_neumann_entropy((rho + sigma) / 2).value >= (value + von_neumann_entropy(sigma).value) / 2 - 1e-12


def test_random_states_have_pages_entropy():
    rng = np.random.default_rng(8)
    m, n = 3, 7
    psi = rng.normal(size=(2000, m, n)) + 1j * rng.normal(size=(2000, m, n))
    psi /= np.sqrt((np.abs(psi) ** 2).sum((1, 2), keepdims=True))
    values = von_neumann_entropy(psi @ psi.conj().swapaxes(1, 2)).value
    assert abs(values.mean() - page_entropy(m, n)) < 4 * values.std() / np.sqrt(2000)
    assert page_entropy(2, 2) == pytest.approx(1 / 3) and page_entropy(7, 3) == page_entropy(3, 7)


def test_graphs():
    complete = np.ones((6, 6))
    assert graph_entropy(complete).value == pytest.approx(log(5))
    link = np.zeros((4, 4))
    link[0, 1] = link[1, 0] = 3
    assert graph_entropy(link).value == pytest.approx(0, abs=1e-12)
    star = np.zeros((5, 5))
    star[0, 1:] = star[1:, 0] = 1  # Laplacian 5, 1, 1, 1, 0 over 8
    assert graph_entropy(star).value == pytest.approx(-(5 / 8 * log(5 / 8) + 3 / 8 * log(1 / 8)))
    both = graph_entropy(np.stack([np.ones((5, 5)), star]))
    np.testing.assert_allclose(both.value, [log(4), graph_entropy(star).value])


def test_matrix_renyi():
    assert matrix_renyi_entropy(np.zeros((20, 2)), 1.0).value == pytest.approx(0, abs=1e-9)
    assert matrix_renyi_entropy(1e3 * np.arange(20.0)[:, None], 1.0).value == pytest.approx(log(20))
    x = np.random.default_rng(9).normal(size=(60, 2))
    orders = [0.5, 1 - 1e-7, 1, 1 + 1e-7, 1.5, 2, 2 + 1e-9, 5]
    values = [matrix_renyi_entropy(x, 1.0, a).value for a in orders]
    assert sorted(values, reverse=True) == pytest.approx(values, abs=1e-6)
    assert values[5] == pytest.approx(values[6], abs=1e-6)  # without and with eigenvalues
    assert values[1] == pytest.approx(values[2], abs=1e-5) and values[3] == pytest.approx(values[2], abs=1e-5)


def test_renyi_of_probabilities():
    p = np.array([0.5, 0.25, 0.25])
    for alpha, value in ((0, log(3)), (0.5, 1.069600), (1, 1.039721), (2, 0.980829), (np.inf, 0.693147)):
        assert renyi_entropy(p, alpha).value == pytest.approx(value, abs=1e-6)


def test_ranks():
    assert effective_rank(np.eye(5)).value == pytest.approx(5)
    assert participation_ratio(np.eye(5)).value == pytest.approx(5)
    one = np.outer(np.arange(1.0, 8), [1.0, -2, 3])
    assert effective_rank(one).value == pytest.approx(1) and participation_ratio(one).value == pytest.approx(1)
    x = np.diag([3.0, 1.0])
    assert effective_rank(x).value == pytest.approx(np.exp(-(0.75 * log(0.75) + 0.25 * log(0.25))))
    assert participation_ratio(x).value == pytest.approx(100 / 82)
    rng = np.random.default_rng(10)
    m = rng.normal(size=(9, 4))
    for measure in (effective_rank, participation_ratio):
        value = measure(m).value
        assert measure(-3 * m.T).value == pytest.approx(value)
        assert measure(stats.ortho_group.rvs(9, random_state=1) @ m).value == pytest.approx(value)
        assert 1 <= value <= 4


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: diffusion_spectral_entropy([[1.0, 2.0]]), "needs at least 2 samples"),
        (lambda: diffusion_spectral_entropy(np.eye(3), sigma=0), "sigma must be a positive number or 'median'"),
        (lambda: diffusion_spectral_entropy(np.eye(3), sigma="mean"), "sigma must be"),
        (lambda: diffusion_spectral_entropy(np.ones((9, 2)), sigma="median"), "points or more coincide"),
        (lambda: diffusion_spectral_entropy(np.eye(3), t=0), "t must be positive"),
        (lambda: diffusion_spectral_entropy(np.eye(3), normalisation="row sums"), "normalisation must be one of"),
        (lambda: diffusion_spectral_mutual_information(np.eye(3), [0, 1], np.random.default_rng()), "labels must have"),
        (lambda: von_neumann_entropy([[1.0, 0.5], [0.0, 0.0]]), "Hermitian"),
        (lambda: von_neumann_entropy(np.eye(2)), "has trace 1"),
        (lambda: von_neumann_entropy(np.diag([1.5, -0.5])), "no negative eigenvalue"),
        (lambda: von_neumann_entropy(np.ones((2, 3))), "has shape"),
        (lambda: graph_entropy(np.zeros((3, 3))), "without links"),
        (lambda: graph_entropy([[0.0, 1.0], [2.0, 0.0]]), "symmetric"),
        (lambda: matrix_renyi_entropy(np.eye(3), alpha=-1), "alpha must be 0 or more"),
        (lambda: effective_rank(np.zeros((3, 3))), "not defined for a matrix of zeros"),
    ],
)
def test_refuses(call, said):
    with pytest.raises(ValueError, match=said):
        call()
