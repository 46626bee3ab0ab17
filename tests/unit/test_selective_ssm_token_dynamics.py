"""Known answers: limits, blow-ups and signs of the token ODE, the scan, the soft sort, Bayes' loss; bad parameters."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from pesin.errors import UserError
from pesin.params import check
from project import case_of
from studies.selective_ssm_token_dynamics.networks import params as networks_params
from studies.selective_ssm_token_dynamics.networks.mamba import LEAST, Mamba, scan, soft_sort
from studies.selective_ssm_token_dynamics.networks.simulate import cut, draw, pairs_loss, source_loss
from studies.selective_ssm_token_dynamics.networks.train import Clipped, variants
from studies.selective_ssm_token_dynamics.signs import SIGNS, pattern
from studies.selective_ssm_token_dynamics.tokens import params as tokens_params
from studies.selective_ssm_token_dynamics.tokens.dynamics import (
    Line,
    blow_up,
    field,
    follow,
    limit_constants,
    pull,
    quadrature_time,
)
from studies.selective_ssm_token_dynamics.tokens.entropy import entropy
from studies.selective_ssm_token_dynamics.tokens.simulate import simulate

STUDY = "selective_ssm_token_dynamics"
CARD = {(1, 1): 0.282963288, (2, 1): 0.141481644, (1, 0.5): 0.419234802}
"""Blow-up times of a token from 1, by (mu, S_Delta)."""


def line(mu, s_delta, a, sign):
    return Line(
        *(np.atleast_1d(np.asarray(v, float)) for v in (mu, s_delta, a)), np.atleast_2d(np.asarray(sign, float))
    )


@pytest.mark.parametrize("mu, s_delta", CARD)
def test_a_token_alone_blows_up_when_the_quadrature_says(mu, s_delta):
    """Also from -1 with S_Delta turned: all depends on S_Delta x."""
    assert quadrature_time(1, mu, s_delta) == pytest.approx(CARD[mu, s_delta], abs=1e-9)
    for side in (1, -1):
        run = blow_up(line(mu, side * s_delta, 1, [side]), np.zeros((1, 1)), 2, 1e-6)
        assert run.blew.all()
        assert run.time[0, -1] == pytest.approx(CARD[mu, s_delta], rel=3e-4)


def test_near_the_blow_up_it_grows_by_the_minus_third_power():
    run = blow_up(line(1, 1, 1, [1]), np.zeros((1, 1)), 57, 1e-7)
    left = run.time[0, -1] - run.time[0]
    some = (run.log_x[0, 0] > 2.5) & (run.log_x[0, 0] < 3.5)
    assert some.any()
    np.testing.assert_allclose(np.exp(run.log_x[0, 0][some]), (3 * left[some]) ** (-1 / 3), rtol=0.02)


def test_slow_divergence_is_that_of_the_card():
    found = follow(line(1, -1, 1, [1]), np.zeros((1, 1)), np.array([0, 1e2, 1e3, 1e4, 1e5, 1e6]), 1e-6)
    expected = [1, 11.5617, 14.7133, 17.6113, 20.3865, 23.0853]
    np.testing.assert_allclose(np.exp(found[0, 0]), expected, rtol=1e-4)


def test_a_token_without_mu_stays():
    found = follow(line(0, 1, 1, [1, -1]), np.log([[0.5, 2]]), np.array([0, 1, 1e6]), 1e-6)
    assert (found == found[..., :1]).all()


@pytest.mark.parametrize("mu, s_delta", [(-1, 0.7), (0.8, -0.9)])
def test_logarithms_follow_scipy_in_the_tokens_themselves(mu, s_delta):
    sign = np.array([1.0, 1, 1]) if mu > 0 else np.array([1.0, -1, 1])
    x0, times = sign * [0.7, 1.4, 0.4], np.array([0, 1, 10, 300])

    def rate(_, x):
        return field(x[:, None], np.array([[mu]]), np.array([[s_delta]]), 1.3)[:, 0]

    scipy = solve_ivp(rate, (0, 300), x0, "LSODA", times, rtol=1e-9, atol=1e-11).y
    ours = follow(line(mu, s_delta, 1.3, sign), np.log(abs(x0))[None], times, 1e-7)[0]
    np.testing.assert_allclose(sign[:, None] * np.exp(ours), scipy, rtol=1e-4)


def test_pull_is_the_layer_and_knows_its_derivative():
    rng = np.random.default_rng(0)
    sign, u = rng.choice([-1.0, 1.0], (1, 5)), rng.normal(size=(1, 5))
    made = line(1, 0.8, 1.2, sign)
    x = sign[0] * np.exp(u[0])
    y = field(x[:, None], np.eye(1), np.array([[0.8]]), 1.2)[:, 0]
    value, slope = pull(u, made)
    np.testing.assert_allclose(x * value[0], y, rtol=1e-12)
    for token in range(5):
        step = 1e-6 * np.eye(5)[token]
        difference = (pull(u + step, made).value - pull(u - step, made).value) / 2e-6
        np.testing.assert_allclose(slope[..., token], difference, atol=1e-7)


def test_later_tokens_do_not_move_earlier_ones():
    x = np.random.default_rng(1).normal(size=(6, 2))
    other = x.copy()
    other[4] += 3
    before, after = (field(one, np.eye(2), np.eye(2), 1.0) for one in (x, other))
    np.testing.assert_array_equal(before[:4], after[:4])
    assert (before[4:] != after[4:]).all()


def test_limits_solve_their_recurrence_and_are_reached():
    """c_l = 1 - sum over j < l of w^(l-j) c_j with w = 2^-a."""
    c, w = limit_constants(1.7, 6), 2**-1.7
    np.testing.assert_allclose(c, [1 - sum(w ** (i - j) * c[j] for j in range(i)) for i in range(6)])
    u = follow(line(-1, 1, 2, np.ones(3)), np.log([[1.0, 0.5, 2]]), np.array([0, 1e6]), 1e-5)[0, :, -1]
    np.testing.assert_allclose(np.exp(2 * u) * 2 * np.log(2) * 1e6, limit_constants(2, 3), rtol=0.01)


@pytest.mark.parametrize("signs", SIGNS)
def test_eigenvalues_have_the_signs_of_lambda(signs):
    q = np.random.default_rng(2).normal(size=(4, 9))
    values = np.linalg.eigvalsh(q.T @ np.diag(pattern(signs, 4) * [0.7, 1, 2, 3]) @ q)
    nonzero = values[abs(values) > 1e-9]
    assert sorted(np.sign(nonzero)) == sorted(pattern(signs, 4))


@pytest.fixture(scope="module")
def world():
    return simulate(case_of(STUDY, "tokens", "simulate"))


def test_fates_turn_with_mu_and_at_rest_there_is_none(world):
    for name, expected in (("tokens", [-1, 1, 1]), ("opposite", [1, -1, -1]), ("still", [0, 0, 0])):
        found = entropy(case_of(STUDY, name, "entropy"), world)
        np.testing.assert_array_equal(found["fate"].values, np.repeat([expected], 8, 0).T)
        assert bool(found["unequal"].all()) == (name == "tokens")
        start = found["effective_tokens"].isel(time=0)
        assert np.ptp(start.values, axis=0).max() < 0.7 and start.max() <= 1


def test_without_a_positive_token_nothing_blows_up(world):
    found = entropy(case_of(STUDY, "not_fast", "entropy"), world)
    assert (found["blow_up_ratio"] > 1e3).all()


# ------------------------------------------------------------------------------------------------------------ networks


def test_scan_in_chunks_is_the_recurrence_and_has_its_gradient():
    generator = torch.Generator().manual_seed(0)
    decay, inputs = torch.rand(2, 2, 7, 2, 1, generator=generator, dtype=torch.float64)
    state, expected = torch.zeros(2, 2, 1, dtype=torch.float64), []
    for step in range(7):
        state = decay[:, step] * state + inputs[:, step]
        expected.append(state)
    decay.requires_grad_(), inputs.requires_grad_()
    for chunk in (1, 2, 3, 7, 99):
        torch.testing.assert_close(scan(decay, inputs, chunk), torch.stack(expected, 1))
    for chunk in (3, 7):
        assert torch.autograd.gradcheck(lambda a, b, chunk=chunk: scan(a, b, chunk), (decay, inputs))


def test_scan_does_not_overflow_where_all_is_forgotten():
    decay = torch.full((1, 64, 1, 1), 1e-30)
    assert torch.isfinite(scan(decay, torch.ones_like(decay), 8)).all()


def test_soft_sort_sorts_by_rising_score():
    score = torch.tensor([[0.3, -1.0, 2.0]])
    sharp, soft = soft_sort(score, 1e-3), soft_sort(score)
    torch.testing.assert_close(sharp[0], torch.eye(3)[[1, 0, 2]])
    torch.testing.assert_close(soft.sum(-1), torch.ones(1, 3))
    assert soft.argmax(-1).tolist() == [[1, 0, 2]]


NET = Mamba(inputs=5, outputs=5, width=6, layers=2, state=4, rank=2, chunk=3)


@pytest.fixture
def weights():
    return NET.init_parameters(2, torch.Generator().manual_seed(0))


def test_core_is_the_sum_over_earlier_tokens(weights):
    """y_l = sum of (S_C u_l)^T exp(-A sum of Delta) (S_B u_j) Delta_j u_j, and the skip."""
    layer = {name: value[:1, 0].detach() for name, value in weights.items() if value.dim() > 3}
    layer |= {"step_bias": weights["step_bias"][:1, 0].detach()}
    u = torch.randn(1, 1, 7, 6, generator=torch.Generator().manual_seed(1))
    signs = torch.tensor(pattern("mixed", 4), dtype=torch.float32)[None]
    found = NET.core(layer, u, signs)[0, 0]
    x, q = u[0, 0], layer["q"][0]
    step = torch.nn.functional.softplus(x @ layer["low"][0] @ layer["high"][0] + layer["step_bias"][0])
    a, lam = layer["log_a"][0].exp(), signs[0] * (np.log(2) + LEAST)
    for late in range(7):
        y = layer["skip"][0, 0] * x[late]
        for early in range(late + 1):
            decay = torch.exp(-a * step[early + 1 : late + 1].sum(0))  # (state, channels)
            y = y + ((x[late] @ q * lam * (x[early] @ q))[:, None] * decay).sum(0) * step[early] * x[early]
        torch.testing.assert_close(found[late], y, rtol=1e-4, atol=1e-5)


def test_positive_and_negative_are_the_same_but_for_the_skip(weights):
    """Lambda, skip and output map turned together change nothing: what the summary's doubt (3) says."""
    tokens = torch.randint(5, (2, 3, 8), generator=torch.Generator().manual_seed(1))
    signs = torch.tensor(np.array([pattern("positive", 4)] * 2), dtype=torch.float32)
    turned = weights | {name: -weights[name] for name in ("skip", "out")}
    torch.testing.assert_close(NET(weights, tokens, signs), NET(turned, tokens, -signs))
    assert not torch.allclose(NET(weights, tokens, signs), NET(weights, tokens, -signs))


def test_a_network_does_not_look_ahead_and_runs_do_not_mix(weights):
    tokens = torch.randint(5, (2, 3, 8), generator=torch.Generator().manual_seed(1))
    signs = torch.ones(2, 4)
    other = tokens.clone()
    other[1, :, 5] = (other[1, :, 5] + 1) % 5
    changed = (NET(weights, tokens, signs) != NET(weights, other, signs)).any(-1).any(1)
    assert not changed[0].any() and not changed[1, :5].any() and changed[1, 5:].all()


def test_orders_differ_only_where_they_should():
    net = replace(NET, inputs=4, embedding="vectors", pooled=True, sorts=True)
    weights = {k: v.detach()[:1].expand(3, *v.shape[1:]) for k, v in net.init_parameters(1, torch.Generator()).items()}
    x = torch.randn(1, 2, 6, 4, generator=torch.Generator().manual_seed(1)).expand(3, 2, 6, 4)
    plain, learnt, random = net(weights, x, torch.ones(3, 4), ["plain", "reordered", "random"])
    torch.testing.assert_close(plain, net(weights, x, torch.ones(3, 4), None)[0])
    assert not torch.allclose(plain, learnt) and not torch.allclose(plain, random)
    weights["q"] = torch.zeros_like(weights["q"])  # without a scan the order doesn't matter, if all is put back
    plain, _, random = net(weights, x, torch.ones(3, 4), ["plain", "reordered", "random"])
    torch.testing.assert_close(plain, random)


def test_gradients_are_clipped_run_by_run():
    parameters = {"w": torch.zeros(2, 3, requires_grad=True)}
    optimiser = Clipped(parameters, "sgd")
    optimiser.step({"w": torch.tensor([[30.0, 0, 0], [0.5, 0, 0]])}, torch.ones(2))
    torch.testing.assert_close(parameters["w"].detach()[:, 0], torch.tensor([-1.0, -0.5]), rtol=1e-5, atol=0)


def test_arms_differ_in_signs_alone():
    case = case_of(STUDY, "networks", "train")
    signs, order = variants(case, "text", [0, 3, 6])
    assert order is None and signs.tolist() == [[1, 1], [1, -1], [-1, -1]]
    signs, order = variants(case, "images", [2, 5, 8])
    assert order == ["plain", "reordered", "random"] and (signs == 1).all()


def test_losses_of_who_knows_the_source():
    """One chain: its own entropy, and the table of pairs gets there. Two that exclude each other: ln 2, once."""
    rng = np.random.default_rng(0)
    chain = np.array([[[0.9, 0.1], [0.3, 0.7]]])
    tokens = draw(chain, 400, 50, rng)
    pairs = np.stack([tokens[:, :-1].ravel(), tokens[:, 1:].ravel()])
    assert source_loss(tokens, chain) == pytest.approx(-np.log(chain[0][tuple(pairs)]).mean())
    assert pairs_loss(tokens[:300], tokens[300:], 2) == pytest.approx(source_loss(tokens[300:], chain), abs=0.01)
    two = np.array([[[1 - 1e-12, 1e-12], [1e-12, 1 - 1e-12]], [[1e-12, 1 - 1e-12], [1 - 1e-12, 1e-12]]])
    assert source_loss(draw(two, 10, 50, rng), two) == pytest.approx(np.log(2) / 49)


def test_patches():
    pixels = np.arange(32.0).reshape(2, 4, 4, 1)
    assert cut(pixels, 2)[1].tolist()[1] == [18, 19, 22, 23]
    with pytest.raises(UserError, match="patch: 3 doesn't divide images of 4 x 4"):
        cut(pixels, 3)


@pytest.mark.parametrize(
    "kind, change, said",
    [
        (tokens_params, {"simulate": {"a": [0.3, 1]}}, "a: at 0.3 the constants come too slowly"),
        (tokens_params, {"simulate": {"mu": [2, 1]}}, "mu: the least value 2 lies above"),
        (tokens_params, {"entropy": {"roles": {"slow": "slow"}}}, "roles: give convergent, slow and fast"),
        (networks_params, {"train": {"text": {"batch": 5000}}}, "train.text.batch: 5000 is more than"),
        (networks_params, {"simulate": {"images": {"source": "digit"}}}, "'digit' is none of digits"),
        (networks_params, {"forecast": {"signs": {"mixed": "mixed"}}}, "give signs of positive, mixed and negative"),
    ],
)
def test_bad_parameters_are_named(kind, change, said):
    case = case_of(STUDY, "tokens" if kind is tokens_params else "networks", "simulate", "laptop")
    data = case.params.model_dump()
    for section, keys in change.items():
        for key, value in keys.items():
            data[section][key] = data[section][key] | value if key in ("text", "images") else value
    with pytest.raises(UserError, match=said):
        check(kind.Params, data, "x.yaml")
