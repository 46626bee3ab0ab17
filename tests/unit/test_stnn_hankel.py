"""Known answers: Fourier's butterfly, Hankel matrices by factors, counts, the card's errors on Lorenz, invariants."""

import numpy as np
import pytest
import torch
from scipy.linalg import hankel as hankel_matrix

from pesin.errors import UserError
from pesin.integrate.ode import solve, solve_together
from pesin.models.koopman import hankel
from pesin.params import check
from pesin.systems.flows import lorenz63
from project import case_of
from studies.stnn_hankel import baselines, leads
from studies.stnn_hankel.entropy import entropy, factor_error, operations
from studies.stnn_hankel.network import (
    Operations,
    apply_network,
    bit_reversal,
    butterfly,
    by_factors,
    count,
    dense_sizes,
    equal_sizes,
    fourier_twiddles,
    init_network,
    mlp_count,
    shapes,
)
from studies.stnn_hankel.params import Params
from studies.stnn_hankel.simulate import lotka_volterra
from studies.stnn_hankel.train import init, kept
from studies.stnn_hankel.windows import lorenz_series, pairs, roll

STUDY = "stnn_hankel"


def case(step, **change):
    return case_of(STUDY, "known", step, "smoke", **change)


@pytest.fixture(scope="module")
def card():
    """The card's orbit: from (1, 1, 1), 20 units left out, 5000 samples 0.02 apart."""
    state = solve(lorenz63, np.ones(3), 0.02 * np.arange(6000))[1000:]
    return state, lorenz_series(state[None], 3500)[0][0]


@pytest.mark.parametrize("size", [2, 8, 64])
def test_fourier_twiddles_make_the_fourier_transform(size):
    x = torch.randn(3, size, 5, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(butterfly(x, fourier_twiddles(size)), torch.fft.fft(x, dim=1, norm="ortho"))


def test_a_level_is_what_the_recursion_says():
    """F_4 with D = (2, 3) and (5): even outputs of the sums, odd ones of the weighted differences."""
    found = butterfly(torch.eye(4), torch.tensor([2.0, 3.0, 5.0])) * 2
    expected = [[1, 1, 1, 1], [2, 3, -2, -3], [5, -5, 5, -5], [10, -15, -10, 15]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))
    assert bit_reversal(8).tolist() == [0, 4, 2, 6, 1, 5, 3, 7]


@pytest.mark.parametrize("n", [2, 16, 64])
def test_factors_are_the_hankel_matrix(n):
    rng = np.random.default_rng(n)
    column, x = rng.normal(size=2 * n - 1), rng.normal(size=(n, 3))
    true = hankel_matrix(column[:n], column[n - 1 :]) @ x
    np.testing.assert_allclose(by_factors(column, x, fourier_twiddles(2 * n)), true, atol=1e-12)


@pytest.mark.parametrize("change", [{"matrix": "random"}, {"twiddles": "drawn"}])
def test_without_structure_or_fourier_the_factors_fail(change):
    assert factor_error(case("entropy"), 16) < 1e-12
    assert factor_error(case("entropy", entropy=change), 16) > 0.1


def test_counts_of_the_card():
    assert [count(shapes(16, p)) for p in (1, 2, 4, 8)] == [174, 332, 648, 1280]
    assert [mlp_count(dense_sizes(16, p)) for p in (1, 2, 4, 8)] == [1616, 4752, 15632, 55824]
    network = init_network(3, 16, 4, torch.Generator().manual_seed(0))
    assert sum(value[0].numel() for value in network.values()) == 648
    assert 648 - 33 < mlp_count(equal_sizes(16, 648)) <= 648
    for family, number in (("dense", 15632), ("equal", 643), ("structured", 648)):
        assert sum(value[0].numel() for value in init(case("train"), family, 4).values()) == number


def test_start_is_kept_though_training_changes_tensors_in_place():
    network = init_network(1, 4, 1, torch.Generator().manual_seed(0))
    start = kept(network)
    before = start["hat"].values.copy()
    with torch.no_grad():
        network["hat"].add_(1)
    np.testing.assert_array_equal(start["hat"].values, before)


def test_operations_are_counted_as_they_run():
    with Operations() as counter:
        torch.zeros(7, 3) @ torch.zeros(3, 2)
    assert counter.number == 42
    with Operations() as counter:
        butterfly(torch.zeros(8, 1), torch.zeros(7))
    assert counter.number == 3 * (3 * 4) + 8  # three levels of four sums, differences, products; the scale
    with Operations() as counter, pytest.raises(NotImplementedError, match="exp"):
        torch.exp(torch.zeros(2))
    assert operations("dense", 16, 1, "butterfly") == 16 * 32 + 32 * 16 + 2 * 16 * 16 + 32 + 16 + 16
    assert operations("structured", 64, 1, "dense") > 2 * 128 * 128 > 4 * operations("structured", 64, 1, "butterfly")


def test_network_is_its_formula():
    """y = sum_j check_j flip(tanh(J^T F2 (hat tanh(F1 J x + b1)) + b2)) + b, one run and one window at a time."""
    generator = torch.Generator().manual_seed(1)
    network = init_network(2, 4, 3, generator)
    network = {name: value.detach() + 0.1 for name, value in network.items()}  # no bias is 0
    x = torch.randn(2, 5, 4, generator=generator)
    found = apply_network(network, x)
    for run in range(2):
        own = {name: value[run] for name, value in network.items()}
        total = own["out"]
        for j in range(3):
            f1, f2 = (butterfly(torch.eye(8), own[name][j]) for name in ("first", "second"))
            padded = torch.cat([x[run, 2], torch.zeros(4)])
            hidden = own["hat"][j] * torch.tanh(f1 @ padded + own["bias_1"][j])
            total = total + own["check"][j] * torch.tanh((f2 @ hidden)[:4] + own["bias_2"][j]).flip(0)
        torch.testing.assert_close(found[run, 2], total)


def test_errors_of_the_card_on_lorenz(card):
    """Regression on all delays 4.1e-9 (up to the orbit, which no two solvers share), persistence 1.14e-2, the modes."""
    series = card[1]
    found = baselines.delay_regression(series[:3500], 16)
    rows = hankel(series[3500:], 16)
    now, then = rows[:-1], rows[1:, -1]
    assert 2e-9 < np.mean((now @ found[:-1] + found[-1] - then) ** 2) < 1e-8
    assert np.mean((now[:, -1] - then) ** 2) == pytest.approx(1.14e-2, rel=0.2)
    energy = np.cumsum(np.linalg.svd(hankel(series[:3500], 16), compute_uv=False) ** 2)
    np.testing.assert_allclose((energy / energy[-1])[:4], [0.8356, 0.9770, 0.99755, 0.99972], atol=3e-2)
    errors = [np.mean(((now @ baselines.havok_map(series[:3500], 16, rank))[:, -1] - then) ** 2) for rank in (3, 5, 7)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-2


def test_dmd_of_a_linear_system_is_exact():
    matrix, x = np.array([[0.9, 0.2], [-0.3, 0.8]]), [np.array([1.0, 0.5])]
    for _ in range(40):
        x.append(matrix @ x[-1])
    centre, found = baselines.state_map(np.array(x))
    # the mean of a decaying orbit is not its fixed point: a map about it leaves out a constant
    ahead = (np.array(x[:5]) - centre) @ found.T + centre
    assert abs(ahead - np.array(x[1:6])).max() < 0.1
    turning = np.stack([np.cos(0.1 * np.arange(629)), np.sin(0.1 * np.arange(629))], 1)
    centre, found = baselines.state_map(turning)
    np.testing.assert_allclose((turning[:-1] - centre) @ found.T + centre, turning[1:], atol=1e-3)


def test_lotka_volterra_keeps_its_invariant_and_rests_at_the_equilibrium():
    beta, delta = np.array([0.5, 1.0]), np.array([0.75, 0.5])
    start = np.array([[1.2, 1.7], [1.9, 1.1]])
    path = solve_together(lotka_volterra, start, np.linspace(0, 10, 21), (beta, delta))
    x, y = np.moveaxis(path, -1, 0)
    kept = delta[:, None] * x - 0.5 * np.log(x) + beta[:, None] * y - 0.5 * np.log(y)
    np.testing.assert_allclose(kept, kept[:, :1] + 0 * kept, atol=1e-8)
    rest = np.stack([0.5 / delta, 0.5 / beta], -1)
    np.testing.assert_allclose(lotka_volterra(0, rest, beta, delta), 0, atol=1e-15)


def test_windows_and_free_runs():
    orbits = np.arange(24.0).reshape(1, 2, 6, 2)
    now, then = pairs(orbits, 3)
    assert now.shape == (1, 6, 6)
    np.testing.assert_array_equal(now[0, 0], [0, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(then[0, 0], [2, 3, 4, 5, 6, 7])
    np.testing.assert_array_equal(now[0, 3], [12, 13, 14, 15, 16, 17])
    free = roll(lambda w: w[..., -1:] + w[..., :1], np.array([[[1.0, 1.0]]]), 5)
    np.testing.assert_array_equal(free[0, 0, :, 0], [2, 3, 5, 8, 13])
    assert roll(lambda w: w[..., :1] * np.nan, np.ones((1, 1, 2)), 3).max() == 1e6


def test_shuffling_leaves_the_held_out_part():
    state = np.random.default_rng(0).normal(size=(2, 50, 3))
    plain, mixed = lorenz_series(state, 30)[0], lorenz_series(state, 30, np.random.default_rng(1))[0]
    np.testing.assert_array_equal(plain[:, 30:], mixed[:, 30:])
    np.testing.assert_allclose(np.sort(plain[:, :30]), np.sort(mixed[:, :30]))
    assert (plain[:, :30] != mixed[:, :30]).mean() > 0.5
    np.testing.assert_allclose(plain[:, :30].mean(1), 0, atol=1e-12)


def test_leads_fields_add_and_environments_stay_apart():
    generator = torch.Generator().manual_seed(0)
    fields = leads.init_fields(2, 3, 4, generator, "cpu")
    x = torch.randn(2, 3, 5, 2, generator=generator)
    alone = {name: v if name.startswith("shared") else 0 * v for name, v in fields.items()}
    torch.testing.assert_close(leads.field(fields, x, 0.0), leads.field(alone, x, 0.0) + leads.own_part(fields, x))
    moved = {name: v.detach().clone() for name, v in fields.items()}
    moved["own_bias_2"][:, 1] += 1
    changed = (leads.field(moved, x, 0.0) - leads.field(fields, x, 0.0)).abs().amax((0, 2, 3))
    torch.testing.assert_close(changed, torch.tensor([0.0, 1.0, 0.0]))
    still = {name: 0 * v for name, v in fields.items()}
    start = np.random.default_rng(0).uniform(1, 2, (3, 4, 2))
    np.testing.assert_allclose(leads.forecast(still, start, 2)[0, :, :, 1], start, rtol=1e-6)
    orbits = torch.ones(3, 2, 4, 2)
    torch.testing.assert_close(leads.loss(still, orbits, 1.0), torch.zeros(2))


def test_exponents_of_the_counts():
    """10 n p + n - 2 p parameters: exponent about 1; 6 p^2 n^2 of the dense network: about 2."""
    state = solve_together(lorenz63, np.ones((3, 3)) + 0.1 * np.eye(3), 0.02 * np.arange(800))
    one = case("entropy")
    data = {"state": type("Values", (), {"values": state})()}
    found = entropy(one, data)
    assert found["parameter_exponent"].sel(network="structured").values == pytest.approx(1, abs=0.02)
    assert found["operation_exponent"].sel(network="dense").values == pytest.approx(2, abs=0.02)
    assert (found["effective_rank"] > 1).all()


@pytest.mark.parametrize(
    "change, words",
    [
        ({"train": {"delays": 12}}, "train.delays: .*power of two"),
        ({"train": {"lr": {"dense": 0.1, "equal": 0.1}}}, None),
        ({"entropy": {"slopes_from": 256}}, "entropy: .*at least two"),
        ({"entropy": {"matrix_sizes": [4, 2, 8]}}, "entropy.matrix_sizes: .*rise"),
        ({"forecast": {"havok": [4, 40]}}, "forecast.havok"),
        ({"forecast": {"horizon": 400}}, "forecast.horizon: the 240 samples"),
    ],
)
def test_bad_parameters_are_named(change, words):
    """With a sentence that says the key."""
    given = case("simulate").params.model_dump()
    for section, values in change.items():
        given[section] |= values
    if words is None:
        del given["train"]["lr"]["equal"]
        words = "lr: give one for"
    with pytest.raises(UserError, match=words):
        check(Params, given, f"config/studies/{STUDY}.yaml")
