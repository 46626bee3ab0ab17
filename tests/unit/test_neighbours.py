"""Nearest-neighbour entropies: closed forms within their sampling error, exact invariances, nulls, bad input."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import cKDTree

from pesin.entropy.gaussian import (
    gaussian_entropy,
    gaussian_kl,
    gaussian_mutual_information,
    gaussian_transfer_entropy,
    linear_gaussian_transfer_entropy,
)
from pesin.entropy.neighbours import (
    block_shuffles,
    conditional_mutual_information,
    differential_entropy,
    half_sample_error,
    kl_divergence,
    local_null_values,
    mutual_information,
    null_values,
    transfer_entropy,
)
from pesin.entropy.search import count_within, cross_distances, kth_distances
from pesin.stats.surrogates import rank_p_value

REPEATS, SIZE = 40, 1000
TRANSITION = [[0.5, 0.0], [0.8, 0.5]]  # x' = .5 x + e, y' = .8 x + .5 y + e'


def mean_within(values, truth, bias=0.0):
    """The mean over repeats lies within four standard errors (and a stated bias) of the truth."""
    values = np.asarray(values)
    assert abs(values.mean() - truth) < 4 * values.std(ddof=1) / np.sqrt(values.size) + bias


def catalogue_pair():
    rng = np.random.default_rng(0)
    a = rng.normal(size=2000)
    return a, 0.9 * a + np.sqrt(0.19) * rng.normal(size=2000)


def coupled(rng, batch, length, transition=TRANSITION):
    state = np.zeros((batch, 2))
    path = np.empty((batch, length, 2))
    for t in range(length + 50):
        state = state @ np.asarray(transition).T + rng.normal(size=(batch, 2))
        if t >= 50:
            path[:, t - 50] = state
    return path[..., 0], path[..., 1]


# --------------------------------------------------------------------------------------------------- the search


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.integers(6, 120),
    dim=st.integers(1, 4),
    k=st.integers(1, 5),
    levels=st.sampled_from([2, 9, 0]),  # coarse grids are full of ties; 0: no grid
)
def test_search_is_brute_force(seed, size, dim, k, levels):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(2, size + more, dim)) for more in (0, 3))
    if levels:
        x, y = np.rint(x * levels) / levels, np.rint(y * levels) / levels
    for euclidean in (False, True):
        p = 2 if euclidean else np.inf
        own = [cKDTree(cloud).query(cloud, [k + 1], p=p)[0][:, 0] for cloud in x]
        np.testing.assert_allclose(kth_distances(x, k, euclidean), own, rtol=1e-12)
        cross = [cKDTree(b).query(a, [k], p=p)[0][:, 0] for a, b in zip(x, y, strict=True)]
        np.testing.assert_allclose(cross_distances(x, y, k, euclidean), cross, rtol=1e-12)
    radius = rng.choice([0.0, 0.5, 1.0, 2.5], x.shape[:2])
    apart = np.abs(x[:, :, None] - x[:, None]).max(-1) < radius[:, :, None]
    np.testing.assert_array_equal(count_within(x, radius), apart.sum(-1) - (radius > 0))


# ------------------------------------------------------------------------------------------------ known answers


def test_the_catalogue():
    a, b = catalogue_pair()
    assert differential_entropy(a).value == pytest.approx(1.420586, abs=1e-6)
    assert mutual_information(a, b).value == pytest.approx(0.815589, abs=1e-6)
    assert gaussian_entropy([[1.0]]).value == pytest.approx(1.418939, abs=1e-6)
    assert gaussian_mutual_information([[1, 0.9], [0.9, 1]], 1).value == pytest.approx(0.830366, abs=1e-6)
    assert linear_gaussian_transfer_entropy(TRANSITION, np.eye(2), 0, 1).value == pytest.approx(0.280700, abs=1e-6)
    assert linear_gaussian_transfer_entropy(TRANSITION, np.eye(2), 1, 0).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("law", "truth"),
    [
        (stats.norm(3, 2), 0.5 * np.log(2 * np.pi * np.e * 4)),
        (stats.uniform(0, 1), 0.0),
        (stats.expon(), 1.0),
        (stats.laplace(), 1 + np.log(2)),
        (stats.t(4), float(stats.t(4).entropy())),
        (stats.gamma(3), float(stats.gamma(3).entropy())),
    ],
)
def test_entropy_of_laws_on_a_line(law, truth):
    x = law.rvs(size=(REPEATS, SIZE, 1), random_state=1)
    mean_within(differential_entropy(x).value, truth, 3e-3)  # the edge of a density costs about k / N


@pytest.mark.parametrize("norm", ["max", "euclidean"])
@pytest.mark.parametrize(("dim", "bias"), [(2, 0.01), (5, 0.1)])
def test_entropy_of_gaussians(dim, bias, norm):
    rng = np.random.default_rng(2)
    root = np.eye(dim) + 0.5 * rng.normal(size=(dim, dim))
    x = rng.normal(size=(REPEATS, SIZE, dim)) @ root.T
    mean_within(differential_entropy(x, norm=norm).value, gaussian_entropy(root @ root.T).value, bias)


def test_the_bias_in_ten_dimensions_is_as_catalogued():
    x = np.random.default_rng(3).normal(size=(8, 2000, 10))
    truth = gaussian_entropy(np.eye(10)).value
    assert 0 < differential_entropy(x).value.mean() - truth < 0.2


def test_divergence_of_gaussians():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(REPEATS, SIZE, 2)), 1.5 * rng.normal(size=(REPEATS, 2 * SIZE, 2)) + 0.5
    truth = gaussian_kl(np.zeros(2), np.eye(2), np.full(2, 0.5), 2.25 * np.eye(2)).value
    mean_within(kl_divergence(x, y).value, truth, 0.01)
    mean_within(kl_divergence(x, rng.normal(size=y.shape)).value, 0, 0.01)


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9])
def test_information_of_gaussians(rho):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(REPEATS, SIZE, 1))
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)
    truth = -0.5 * np.log(1 - rho**2)
    mean_within(mutual_information(x, y).value, truth, 0.02 * truth)
    z = rng.normal(size=x.shape)
    # Given a z that has nothing to do with them, and a z that explains all they share.
    mean_within(conditional_mutual_information(x, y, z).value, truth, 0.1 * truth + 5e-3)
    mean_within(conditional_mutual_information(x + z, z + y * 0 + rng.normal(size=x.shape), z).value, 0, 0.01)


def test_information_of_blocks():
    rng = np.random.default_rng(6)
    covariance = np.eye(4)
    for i, j, rho in ((0, 2, 0.6), (1, 3, 0.4), (0, 1, 0.3)):
        covariance[i, j] = covariance[j, i] = rho
    x = rng.normal(size=(REPEATS, SIZE, 4)) @ np.linalg.cholesky(covariance).T
    truth = gaussian_mutual_information(covariance, 2).value
    mean_within(mutual_information(x[..., :2], x[..., 2:]).value, truth, 0.1 * truth)


def test_transfer_is_that_of_the_process_and_goes_one_way():
    x, y = coupled(np.random.default_rng(7), REPEATS, 2000)
    truth = linear_gaussian_transfer_entropy(TRANSITION, np.eye(2), 0, 1).value
    mean_within(transfer_entropy(x, y).value, truth, 0.02)
    mean_within(transfer_entropy(y, x).value, 0, 0.01)
    linear = gaussian_transfer_entropy(x, y)
    mean_within(linear.value - linear.bias, truth, 1e-3)
    back = gaussian_transfer_entropy(y, x)
    mean_within(back.value - back.bias, 0)
    # 2 N x value is chi-square with one degree of freedom where nothing flows.
    assert stats.kstest(2 * 1999 * back.value, stats.chi2(1).cdf).pvalue > 1e-3


def test_longer_pasts():
    delayed = np.zeros((4, 4))  # y follows x two steps later; states x, y and their values a step ago
    delayed[0, 0], delayed[1, 1], delayed[1, 2], delayed[2, 0], delayed[3, 1] = 0.3, 0.4, 0.9, 1, 1
    noise = np.diag([1.0, 1, 0, 0]) + 1e-12 * np.eye(4)
    one, two = (
        linear_gaussian_transfer_entropy(delayed, noise, 0, 1, source_history=points, target_history=2).value
        for points in (1, 2)
    )
    assert two > one + 0.2
    rng = np.random.default_rng(8)
    x, e = rng.normal(size=(2, REPEATS, 1500))
    y = np.zeros_like(x)
    for t in range(1, x.shape[1]):
        x[:, t] += 0.3 * x[:, t - 1]
        y[:, t] = 0.4 * y[:, t - 1] + (0.9 * x[:, t - 2] if t > 1 else 0) + e[:, t]
    for points, truth in ((1, one), (2, two)):
        found = gaussian_transfer_entropy(x, y, points, 2)
        mean_within(found.value - found.bias, truth, 2e-3)
    assert transfer_entropy(x, y, source_history=2).value.mean() > transfer_entropy(x, y).value.mean() + 0.1
    assert transfer_entropy(x, y, step=2, source_history=2).counts["samples"][0] == 1500 - 3


def test_half_samples_give_the_sampling_error():
    rng = np.random.default_rng(9)
    x = rng.normal(size=(200, 400, 1))
    spread = differential_entropy(x).value.std(ddof=1)
    errors = [half_sample_error(rng, differential_entropy, cloud, draws=100) for cloud in x[:20]]
    assert np.mean(errors) == pytest.approx(spread, rel=0.2)


# -------------------------------------------------------------------------------------------------- invariances


def cloud_of(seed, size=200, dim=3):
    # A coarse dyadic grid with a unique offset for each point: sums and products by powers of two are exact.
    rng = np.random.default_rng(seed)
    return (np.rint(rng.normal(size=(size, dim)) * 64) * 1024 + rng.permutation(size)[:, None] * 2) / 2.0**16


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), shift=st.sampled_from([-2.0, 8.0]), power=st.integers(-8, 8))
def test_shift_scale_and_order(seed, shift, power):
    x = cloud_of(seed)
    c = 2.0**power
    order = np.random.default_rng(seed).permutation(len(x))
    h = differential_entropy(x).value
    assert differential_entropy(x + shift).value == pytest.approx(h, abs=1e-12)
    assert differential_entropy(c * x).value == pytest.approx(h + 3 * np.log(c), abs=1e-9)
    assert differential_entropy(x[order][:, [2, 0, 1]]).value == pytest.approx(h, abs=1e-12)
    a, b, z = x[:, :1], x[:, 1:2], x[:, 2:]
    assert mutual_information(c * a + shift, -c * b).value == pytest.approx(mutual_information(a, b).value, abs=1e-12)
    assert mutual_information(b, a).value == pytest.approx(mutual_information(a, b).value, abs=1e-12)
    found = conditional_mutual_information(a, b, z).value
    assert conditional_mutual_information(b[order], a[order], z[order]).value == pytest.approx(found, abs=1e-12)
    other = cloud_of(seed + 1, 150)
    assert kl_divergence(c * x + shift, c * other + shift).value == pytest.approx(kl_divergence(x, other).value)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), dim=st.integers(2, 5))
def test_the_euclidean_entropy_is_blind_to_rotation(seed, dim):
    rng = np.random.default_rng(seed)
    x = rng.standard_t(3, size=(150, dim))
    turned = x @ stats.ortho_group.rvs(dim, random_state=seed % 2**31)
    h = differential_entropy(x, norm="euclidean").value
    assert differential_entropy(turned, norm="euclidean").value == pytest.approx(h, abs=1e-9)
    assert differential_entropy(turned).value != pytest.approx(differential_entropy(x).value, abs=1e-9)


def test_linear_maps_add_their_log_determinant():
    rng = np.random.default_rng(10)
    x, root = rng.normal(size=(REPEATS, SIZE, 2)), np.array([[2.0, 1.0], [0.0, 0.5]])
    more = differential_entropy(x @ root.T).value - differential_entropy(x).value
    mean_within(more, np.log(np.linalg.det(root)), 0.01)


def test_information_of_monotone_maps_in_the_limit():
    rng = np.random.default_rng(11)
    x = rng.normal(size=(20, 3000, 1))
    y = 0.7 * x + rng.normal(size=x.shape)
    difference = mutual_information(np.arctan(x), y**3 + y).value - mutual_information(x, y).value
    assert abs(difference.mean()) < 0.02


# -------------------------------------------------------------------------------------------------------- nulls


def test_block_shuffles_are_permutations_by_block():
    orders = block_shuffles(np.random.default_rng(0), 23, 5, 50)
    assert (np.sort(orders, 1) == np.arange(23)).all()
    steps = np.diff(orders, axis=1)
    assert (steps != 1).sum(1).max() <= 4  # at most between the five blocks
    with pytest.raises(ValueError, match="block must lie between 1 and half"):
        block_shuffles(np.random.default_rng(0), 20, 11, 1)


def test_p_values_are_right_where_nothing_flows_and_small_where_it_does():
    rng = np.random.default_rng(12)
    p = []
    for _ in range(40):
        x, y = rng.normal(size=(2, 150))
        null = null_values(rng, mutual_information, x, y, copies=39)
        p.append(rank_p_value(-mutual_information(x, y).value, -null))
    assert 0.3 < np.mean(p) < 0.7 and np.mean(np.array(p) <= 0.1) < 0.3
    x, y = coupled(rng, 1, 400)
    null = null_values(rng, transfer_entropy, x[0], y[0], copies=39, block=10)
    assert rank_p_value(-transfer_entropy(x[0], y[0]).value, -null) == 1 / 40


def test_blocks_widen_the_null_of_slow_series():
    slow = [[0.97, 0.0], [0.0, 0.97]]
    x, y = coupled(np.random.default_rng(13), 1, 1000, slow)
    measure = partial(mutual_information, k=4)
    narrow = null_values(np.random.default_rng(0), measure, x[0], y[0], copies=60)
    wide = null_values(np.random.default_rng(0), measure, x[0], y[0], copies=60, block=100)
    assert wide.std() > 1.5 * narrow.std() and wide.mean() > narrow.mean()


def test_the_local_null_keeps_the_tie_to_z():
    rng = np.random.default_rng(14)
    z = rng.normal(size=500)
    x, y = z + 0.3 * rng.normal(size=500), z + 0.3 * rng.normal(size=500)  # alike only through z
    value = conditional_mutual_information(x, y, z).value
    null = local_null_values(rng, x, y, z, copies=60)
    assert rank_p_value(-value, -null) > 0.02
    tied = y + x
    null = local_null_values(rng, x, tied, z, copies=60)
    assert rank_p_value(-conditional_mutual_information(x, tied, z).value, -null) == 1 / 61


# ---------------------------------------------------------------------------------------------------- bad input


def test_values_that_repeat_are_refused_or_warned_of():
    rng = np.random.default_rng(15)
    dice = rng.integers(1, 7, 500)
    with pytest.raises(ValueError, match="coincide with 4 others"), pytest.warns(RuntimeWarning, match="repeat"):
        differential_entropy(dice)
    with pytest.raises(ValueError, match="coincide"), pytest.warns(RuntimeWarning, match="repeat"):
        mutual_information(dice, dice)
    rounded = np.rint(10 * rng.normal(size=(500, 2)))
    with pytest.warns(RuntimeWarning, match="repeat another"):
        mutual_information(rounded[:, :1], rng.normal(size=(500, 1)))


def test_constants():
    rng = np.random.default_rng(16)
    x = rng.normal(size=300)
    with pytest.raises(ValueError, match="coordinate 1 of x is constant"):
        differential_entropy(np.stack([x, np.ones(300)], 1))
    assert mutual_information(np.ones(300), x).value == pytest.approx(0, abs=1e-12)
    assert conditional_mutual_information(np.ones(300), x, x[::-1]).value == pytest.approx(0, abs=1e-12)
    assert transfer_entropy(np.ones(300), x).value == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="constant target"):
        gaussian_transfer_entropy(x, np.ones(300))
    with pytest.raises(ValueError, match="linear function of the pasts"):
        gaussian_transfer_entropy(x, np.arange(300.0))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: differential_entropy(x, k=0), "k must be a whole number from 1 on"),
        (lambda x: differential_entropy(x, k=50), "needs at least 51 samples"),
        (lambda x: differential_entropy(x, norm="taxi"), "norm must be 'max' or 'euclidean'"),
        (lambda x: differential_entropy(x.reshape(5, 10)), r"more samples than dimensions.*pass x\[..., None\]"),
        (lambda x: mutual_information(x, x[:-1]), "as many samples of each"),
        (lambda x: kl_divergence(x, np.stack([x, x], 1)), "same dimension"),
        (lambda x: transfer_entropy(x, x[:-1]), "the same shape"),
        (lambda x: transfer_entropy(x, x, source_history=0), "source_history must be"),
        (lambda x: gaussian_transfer_entropy(x, x[:-1]), "the same shape"),
        (lambda x: gaussian_entropy([[1.0, 2.0], [2.0, 1.0]]), "not positive definite"),
        (lambda x: gaussian_entropy([[1.0, 0.2], [0.1, 1.0]]), "symmetric"),
        (lambda x: linear_gaussian_transfer_entropy([[1.1]], [[1.0]], 0, 0), "not stationary"),
    ],
)
def test_refuses(call, said):
    with pytest.raises(ValueError, match=said):
        call(np.random.default_rng(0).normal(size=50))


def test_many_dimensions_are_warned_of():
    with pytest.warns(RuntimeWarning, match="40 dimensions"):
        differential_entropy(np.random.default_rng(0).normal(size=(100, 40)))
