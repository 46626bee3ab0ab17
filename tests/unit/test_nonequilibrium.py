"""Entropy production: solvable processes, detailed balance, bounds, bad input."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.entropy.nonequilibrium import (
    active_entropy_production,
    integral_fluctuation,
    jump_entropy_production,
    jump_path_entropy_production,
    langevin_entropy_production,
    linear_entropy_production,
    pair_irreversibility,
    reversal_bound,
    stationary_distribution,
    uncertainty_bound,
)
from pesin.entropy.symbolic import markov_entropy_rate

SPIN = np.array([[0.0, -1.0], [1.0, 0.0]])


def ratchet(v, r=1.0, b=1.0):
    """The discrete flashing ratchet: a potential of three states that is switched on and off."""
    rates = np.zeros((6, 6))
    for i in range(3):
        for j in range(3):
            if i != j:
                rates[i, j], rates[3 + i, 3 + j] = np.exp(-v * (j - i) / 2), b
        rates[i, i + 3] = rates[i + 3, i] = r
    return rates


def cycle(p, q, states=3):
    rates = np.zeros((states, states))
    for i in range(states):
        rates[i, (i + 1) % states], rates[i, (i - 1) % states] = p, q
    return rates


def jumps(rng, rates, number, runs):
    """Gillespie's algorithm: counted jumps (runs, states, states) and the time they took."""
    states = len(rates)
    total, chance = rates.sum(1), np.cumsum(rates / rates.sum(1, keepdims=True), 1)
    here, time = rng.integers(states, size=runs), np.zeros(runs)
    counts = np.zeros((runs, states, states))
    for _ in range(number):
        time += rng.exponential(size=runs) / total[here]
        there = (rng.random((runs, 1)) > chance[here]).sum(1)
        counts[np.arange(runs), here, there] += 1
        here = there
    return counts, time


# ------------------------------------------------------------------------------------------------------ jump processes


@pytest.mark.parametrize(("v", "truth"), [(0, 0), (0.5, 0.04854), (1, 0.179194), (2, 0.565647), (3, 0.99274)])
def test_the_flashing_ratchet(v, truth):
    assert jump_entropy_production(ratchet(v)).value == pytest.approx(truth, abs=6e-6)


def test_cycles():
    for p, q in ((2.0, 1.0), (0.3, 5.0), (1.0, 1.0)):
        found = jump_entropy_production(cycle(p, q))
        assert found.value == pytest.approx((p - q) * log(p / q)) and found.counts == {"links": 3, "one_way": 0}
    np.testing.assert_allclose(stationary_distribution(ratchet(1.0))[0], 0.3012, atol=5e-5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), states=st.integers(2, 6))
def test_detailed_balance_and_laws(seed, states):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(states))
    flow = rng.random((states, states)) + 0.01
    balanced = (flow + flow.T) / p[:, None]
    assert jump_entropy_production(balanced).value == pytest.approx(0, abs=1e-9 * np.abs(balanced).max())
    driven = flow / p[:, None]
    value = jump_entropy_production(driven).value
    order = rng.permutation(states)
    assert value >= 0
    assert jump_entropy_production(3 * driven).value == pytest.approx(3 * value)
    assert jump_entropy_production(driven[order][:, order]).value == pytest.approx(value)
    stationary = stationary_distribution(driven)
    out = (driven * (1 - np.eye(states))).sum(1)
    np.testing.assert_allclose(stationary @ (driven * (1 - np.eye(states))), stationary * out, rtol=1e-8)
    # In the steady state it is the mean ln of the ratio of rates of the jumps: the entropy flow.
    ratio = np.log(driven / driven.T)
    assert value == pytest.approx((stationary[:, None] * driven * ratio).sum(), abs=1e-9 * driven.max())


def test_two_states_are_always_balanced():
    assert jump_entropy_production([[0, 3.0], [0.2, 0]]).value == pytest.approx(0, abs=1e-12)
    moving = jump_entropy_production([[0, 1.0], [1.0, 0]], [0.8, 0.2])
    assert moving.value == pytest.approx(0.6 * log(4))  # not yet steady


def test_links_of_one_way():
    rates = cycle(1.0, 0.5)
    rates[0, 2] = 0
    with pytest.warns(RuntimeWarning, match="1 links are taken one way only"):
        assert jump_entropy_production(rates).value == np.inf
    found = jump_entropy_production(rates, one_way="leave out")
    assert np.isfinite(found.value) and found.counts == {"links": 3, "one_way": 1}


def test_counted_jumps():
    rates = cycle(2.0, 1.0)
    counts, time = jumps(np.random.default_rng(0), rates, 600, 200)
    found = jump_path_entropy_production(counts, time)
    values = found.value - found.bias
    truth = log(2)
    assert found.value.mean() > truth
    assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(200) + 2e-3  # the bias is that near balance
    balanced, time = jumps(np.random.default_rng(1), cycle(1.0, 1.0), 600, 200)
    none = jump_path_entropy_production(balanced, time)
    assert none.value.mean() > 5 * none.value.std() / np.sqrt(200)  # noise looks irreversible
    assert abs((none.value - none.bias).mean()) < 4 * none.value.std() / np.sqrt(200)


# ------------------------------------------------------------------------------------------------------- diffusions


@pytest.mark.parametrize(("k", "w", "t"), [(1.0, 0.0, 1.0), (1.0, 2.0, 0.5), (0.4, -1.5, 3.0)])
def test_rotation_in_a_trap(k, w, t):
    """b = -k x + w J x: 2 w^2 / k, whatever the temperature; exact, and from samples with drift and score."""
    truth = 2 * w**2 / k
    assert linear_entropy_production(k * np.eye(2) - w * SPIN, t).value == pytest.approx(truth, abs=1e-12)
    x = np.random.default_rng(2).normal(size=(20, 1000, 2)) * np.sqrt(t / k)
    found = langevin_entropy_production(-k * x + w * x @ SPIN.T, -x * k / t, t)
    assert (np.abs(found.value - truth) <= 4.5 * found.standard_error + 1e-12).all()
    assert found.value.std(ddof=1) == pytest.approx(np.mean(found.standard_error), rel=0.6, abs=1e-9)
    # The rotation is an active force: no score needed. With the drift alone in its place the trap adds nothing.
    active = active_entropy_production(w * x @ SPIN.T, -k * x + w * x @ SPIN.T, t)
    np.testing.assert_allclose(active.value, found.value, atol=1e-9)


def test_drift_on_a_ring():
    assert langevin_entropy_production(np.full((5, 1), 3.0), np.zeros((5, 1)), 2.0).value == pytest.approx(9 / 2)


def test_active_particles_in_a_trap():
    """AOUP: v0^2 gamma / (eps (gamma + A)) per dimension, from the stationary covariance of x and v."""
    a, gamma, v0, eps = 0.7, 1.3, 2.0, 0.5
    tie = v0**2 / (a + gamma)
    covariance = [[(eps + tie) / a, tie], [tie, v0**2]]
    x, v = np.random.default_rng(3).multivariate_normal([0, 0], covariance, 200_000).T[..., None]
    truth = v0**2 * gamma / (eps * (gamma + a))
    found = active_entropy_production(v, v - a * x, eps)
    assert abs(found.value - truth) < 4 * found.standard_error
    free = active_entropy_production(v, v, eps)
    assert abs(free.value - v0**2 / eps) < 4 * free.standard_error


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), dim=st.integers(1, 4))
def test_linear_processes(seed, dim):
    rng = np.random.default_rng(seed)
    root, other = rng.normal(size=(2, dim, dim))
    d = root @ root.T + 0.5 * np.eye(dim)
    stiffness = other @ other.T + 0.5 * np.eye(dim)
    assert linear_entropy_production(d @ stiffness, d).value == pytest.approx(0, abs=1e-8)  # a potential
    basis = rng.normal(size=(dim, dim)) + 3 * np.eye(dim)
    turn = np.triu(rng.normal(size=(dim, dim)), 1)
    k = d @ stiffness + (turn - turn.T) @ stiffness  # a solenoidal part keeps the density
    value = linear_entropy_production(k, d).value
    moved = linear_entropy_production(basis @ k @ np.linalg.inv(basis), basis @ d @ basis.T).value
    assert value >= -1e-12 and moved == pytest.approx(value, rel=1e-6, abs=1e-8)
    solenoidal = np.trace((turn - turn.T).T @ np.linalg.solve(d, turn - turn.T) @ stiffness)
    assert value == pytest.approx(solenoidal, rel=1e-6, abs=1e-8)


def rotating_series(rng, k, w, t, step, length, runs):
    """The exact propagator of the rotating trap: x' = exp(-k step) R x + noise."""
    c, s = np.cos(w * step), np.sin(w * step)
    move = np.exp(-k * step) * np.array([[c, -s], [s, c]])
    x = rng.normal(size=(runs, 2)) * np.sqrt(t / k)
    path = np.empty((runs, length, 2))
    for i in range(length):
        path[:, i] = x
        x = x @ move.T + np.sqrt(t / k * (1 - np.exp(-2 * k * step))) * rng.normal(size=x.shape)
    return path


def test_pairs_tell_the_direction_of_time():
    rng = np.random.default_rng(4)
    k, w, step = 1.0, 1.0, 0.6
    # Forward against backward pairs of a Gaussian process in closed form.
    rho, turn = np.exp(-k * step), w * step
    ahead = rho * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    forward = np.block([[np.eye(2), ahead], [ahead.T, np.eye(2)]])
    backward = np.block([[np.eye(2), ahead.T], [ahead, np.eye(2)]])
    truth = 0.5 * (np.trace(np.linalg.solve(backward, forward)) - 4)
    assert truth <= 2 * w**2 / k * step
    short, long = (
        pair_irreversibility(rotating_series(rng, k, w, 1.0, step, length, 6), rng) for length in (1000, 8000)
    )
    # The k-NN divergence nears large values from below, slowly: the tails of one cloud are empty in the other.
    assert 0.3 * truth < (short.value - short.bias).mean() < (long.value - long.bias).mean() < truth
    still = pair_irreversibility(rotating_series(rng, k, 0.0, 1.0, step, 4000, 6), rng)
    corrected = still.value - still.bias
    assert abs(corrected.mean()) < 4 * corrected.std(ddof=1) / np.sqrt(6) + 0.01
    assert (np.abs(corrected) < 5 * still.counts["null_deviation"] + 0.02).all()


def test_the_uncertainty_bound_is_below_and_tight_for_drift():
    rng = np.random.default_rng(5)
    v, d, time = 1.5, 0.7, 4.0
    x = v * time + np.sqrt(2 * d * time) * rng.normal(size=(300, 200))
    found = uncertainty_bound(x, time)
    values = found.value - found.bias
    truth = v**2 / d
    # 1 / var is biased upwards by 2 / (runs - 3).
    assert abs(values.mean() / (199 / 197) - truth) < 4 * values.std() / np.sqrt(300) + 0.01 * truth
    assert found.value.std() == pytest.approx(found.standard_error.mean(), rel=0.15)
    # The winding of a cycle of jumps: below the entropy production it bounds.
    counts, seconds = jumps(rng, cycle(2.0, 1.0), 400, 500)
    current = sum(counts[:, i, (i + 1) % 3] - counts[:, (i + 1) % 3, i] for i in range(3))
    bound = uncertainty_bound(current, seconds.mean())
    assert 0 < bound.value < log(2) + 3 * bound.standard_error


def test_the_reversal_bound_peaks_at_the_truth():
    """Pairs of a biased walk on a ring: S = +-ln(p / q), entropy production (p - q) ln(p / q) a step."""
    rng = np.random.default_rng(6)
    p = 0.7
    sign = np.where(rng.random(100_000) < p, 1.0, -1.0)
    best = log(p / (1 - p))
    bounds = {scale: reversal_bound(scale * best * sign) for scale in (0.5, 1.0, 1.6)}
    truth = (2 * p - 1) * best
    assert abs(bounds[1.0].value - truth) < 4 * bounds[1.0].standard_error
    assert max(bounds, key=lambda scale: bounds[scale].value) == 1.0


def test_the_fluctuation_theorem():
    rng = np.random.default_rng(7)
    mean = 0.8
    s = mean + np.sqrt(2 * mean) * rng.normal(size=(50, 2000))  # Gaussian: variance twice the mean
    found = integral_fluctuation(s)
    assert abs(found.value.mean() - 1) < 4 * found.value.std() / np.sqrt(50)
    assert (found.counts["effective_runs"] < 2000).all()
    wrong = integral_fluctuation(0.5 * s)
    assert (np.abs(wrong.value - 1) > 4 * wrong.standard_error).all()
    certain = integral_fluctuation(np.full(10, 2.0))
    assert certain.value == pytest.approx(np.exp(-2)) and certain.counts["effective_runs"] == pytest.approx(10)
    weights = np.exp(-s[0])
    assert found.standard_error[0] == pytest.approx(weights.std(ddof=1) / np.sqrt(2000), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: jump_entropy_production([[0.0, -1.0], [1.0, 0.0]]), "must be 0 or more"),
        (lambda: jump_entropy_production(np.ones((2, 3))), r"\(..., states, states\)"),
        (lambda: jump_entropy_production(np.zeros((3, 3))), "fall apart"),
        (lambda: jump_entropy_production(np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]])), "fall apart"),
        (lambda: jump_entropy_production(np.ones((2, 2)), [0.3, 0.3]), "sum to 1"),
        (lambda: jump_entropy_production(np.ones((2, 2)), one_way="skip"), "one_way must be one of"),
        (lambda: jump_path_entropy_production(np.ones((2, 2)), 0), "duration must be positive"),
        (lambda: langevin_entropy_production(np.ones((4, 2)), np.ones((4, 1)), 1.0), "the same shape"),
        (lambda: langevin_entropy_production(np.ones((4, 2)), np.ones((4, 2)), -1.0), "diffusion must be"),
        (lambda: active_entropy_production(np.ones((4, 2)), np.ones((4, 2)), 0.0), "temperature must be positive"),
        (lambda: linear_entropy_production([[-1.0]], 1.0), "not stationary"),
        (lambda: uncertainty_bound([1.0, 1.0, 1.0], 1.0), "not defined for a constant series"),
        (lambda: uncertainty_bound([1.0, 2.0], 1.0), "needs at least 3"),
        (lambda: pair_irreversibility(np.arange(5.0), np.random.default_rng()), "needs at least 12"),
        (lambda: pair_irreversibility(np.arange(50.0), np.random.default_rng(), lag=0), "lag must be 1 or more"),
        (lambda: integral_fluctuation([np.nan, 1.0]), r"entropy\[0\] is nan"),
    ],
)
def test_refuses(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("smallest", [1e-3, 1e-12, 1e-30])
def test_a_stationary_law_is_right_however_far_apart_rates_are(smallest):
    """A ladder of states in detailed balance: the law is a product of ratios, whatever the rates."""
    up, down = np.geomspace(smallest, 1.0, 6), np.geomspace(1.0, 3 * smallest, 6)
    rates = np.diag(up, 1) + np.diag(down, -1)
    exact = np.concatenate([[1.0], np.cumprod(up / down)])
    np.testing.assert_allclose(stationary_distribution(rates), exact / exact.sum(), rtol=1e-12)
    assert jump_entropy_production(rates).value == pytest.approx(0, abs=1e-12)
    absorbed = np.array([[0.0, 1.0, smallest], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(stationary_distribution(absorbed), [0, 0, 1])


def test_a_chain_that_hardly_leaks_has_a_law():
    leak = 1e-13
    chain = np.array([[1 - leak, leak], [3 * leak, 1 - 3 * leak]])
    one, other = (-(p * np.log(p) + (1 - p) * np.log1p(-p)) for p in (leak, 3 * leak))
    assert markov_entropy_rate(chain).value == pytest.approx(0.75 * one + 0.25 * other, rel=1e-2)
    with pytest.raises(ValueError, match="fall apart"):
        markov_entropy_rate(np.eye(2))
