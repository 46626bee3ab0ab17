"""Entropies of policies, attention, tokens, codebooks and ensembles; bounds of critics: closed forms and limits."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from pesin.entropy import bounds, torch_bounds
from pesin.entropy.learning import (
    aleatoric_entropy,
    attention_entropy,
    attention_entropy_bound,
    codebook_perplexity,
    epistemic_information,
    extremal_scores,
    predictive_entropy,
    relative_attention_entropy,
    token_entropy,
)
from pesin.entropy.policy import gaussian_policy_entropy, policy_entropy, tanh_gaussian_entropy

# -------------------------------------------------------------------------------------------------------- policies


def test_categorical_policies():
    assert policy_entropy(np.zeros(7)).value == pytest.approx(log(7))
    assert policy_entropy([0.0, 1000.0]).value == 0
    found = policy_entropy([0.0, -np.inf, 0.0, -np.inf])
    assert found.value == pytest.approx(log(2)) and found.counts["actions"] == 2
    assert policy_entropy(np.log([0.5, 0.25, 0.25])).value == pytest.approx(1.039721, abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), actions=st.integers(1, 40), spread=st.floats(0, 50))
def test_a_policy_is_bounded_and_blind_to_shift_and_order(seed, actions, spread):
    rng = np.random.default_rng(seed)
    z = spread * rng.normal(size=actions)
    value = policy_entropy(z).value
    assert 0 <= value <= log(actions) + 1e-12
    assert policy_entropy(z[rng.permutation(actions)] - 300).value == pytest.approx(value, abs=1e-9)
    peer = torch.distributions.Categorical(logits=torch.tensor(z)).entropy().item()
    assert value == pytest.approx(peer, abs=1e-9)


def test_gaussian_policies():
    log_std = np.random.default_rng(0).normal(size=(3, 4))
    peer = torch.distributions.Normal(0.0, torch.tensor(log_std).exp()).entropy().sum(-1)
    np.testing.assert_allclose(gaussian_policy_entropy(log_std).value, peer, rtol=1e-12)


def squeezed(mean, sigma):
    """E ln(1 - tanh(u)^2) by scipy's quadrature."""

    def integrand(z):
        u = abs(mean + sigma * z)
        return 2 * (log(2) - u - np.log1p(np.exp(-2 * u))) * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)

    kink = -mean / sigma
    breaks = sorted({-12.0, float(np.clip(kink, -12, 12)), 12.0})
    return sum(
        quad(integrand, a, b, epsabs=1e-13, epsrel=1e-13, limit=500)[0]
        for a, b in zip(breaks, breaks[1:], strict=False)
    )


@pytest.mark.parametrize("sigma", [1e-3, 0.1, 0.5, 0.99, 1.01, 2.0, 5.0, 50.0])
@pytest.mark.parametrize("mean", [0.0, 0.3, -2.0, 6.0])
def test_squashed_gaussians(mean, sigma):
    truth = 0.5 * log(2 * np.pi * np.e) + log(sigma) + squeezed(mean, sigma)
    assert tanh_gaussian_entropy([mean], [log(sigma)]).value == pytest.approx(truth, abs=2e-8)


def test_squashed_gaussians_against_samples():
    rng = np.random.default_rng(1)
    mean, log_std = np.array([0.4, -1.0]), np.array([-0.5, 0.3])
    u = mean + np.exp(log_std) * rng.normal(size=(400_000, 2))
    log_density = (-(((u - mean) / np.exp(log_std)) ** 2) / 2 - log_std - 0.5 * log(2 * np.pi)).sum(1)
    log_density -= np.log(1 - np.tanh(u) ** 2 + 1e-300).sum(1)
    error = log_density.std() / np.sqrt(len(u))
    found = tanh_gaussian_entropy(mean, log_std).value
    assert abs(found + log_density.mean()) < 4 * error
    assert found < 2 * log(2)
    batch = tanh_gaussian_entropy(np.stack([mean, mean]), np.stack([log_std, log_std])).value
    np.testing.assert_allclose(batch, found)


# ------------------------------------------------------------------------------------------------------- attention


def test_causal_rows_have_the_maximum_ln_i():
    found = attention_entropy(np.zeros((2, 6, 6)))
    np.testing.assert_allclose(found.value, np.tile(np.log(np.arange(1, 7)), (2, 1)), atol=1e-12)
    np.testing.assert_array_equal(found.counts["keys"][0], np.arange(1, 7))
    whole = relative_attention_entropy(np.zeros((2, 6, 6)))
    np.testing.assert_allclose(whole.value, 1)
    assert (whole.counts["rows"] == 5).all()
    hard = 1e4 * np.eye(6)
    assert relative_attention_entropy(hard).value == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(attention_entropy(np.zeros((3, 5)), "none").value, log(5))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), size=st.integers(2, 12))
def test_the_future_is_not_seen(seed, size):
    rng = np.random.default_rng(seed)
    scores = 3 * rng.normal(size=(size, size))
    other = scores + np.triu(rng.normal(size=(size, size)), 1)
    np.testing.assert_allclose(attention_entropy(scores).value, attention_entropy(other).value, rtol=1e-12)
    before = scores.copy()
    relative = relative_attention_entropy(scores).value
    assert 0 <= relative <= 1 + 1e-12
    np.testing.assert_array_equal(scores, before)
    masked = np.where(np.tril(np.ones((size, size), bool)), scores, -np.inf)
    np.testing.assert_allclose(attention_entropy(scores).value, attention_entropy(masked, "none").value, rtol=1e-12)


def test_half_precision_logits_are_not_worse_than_their_rounding():
    logits = np.random.default_rng(2).normal(size=(5, 1000)).astype(np.float16)
    np.testing.assert_allclose(token_entropy(logits).value, token_entropy(logits.astype(float)).value, rtol=1e-12)


def test_tokens():
    logits = np.random.default_rng(3).normal(size=(4, 500))
    whole = token_entropy(logits)
    np.testing.assert_allclose(whole.value, policy_entropy(logits).value)
    values = [token_entropy(logits, top) for top in (1, 5, 50, 500)]
    assert (values[0].value == 0).all()
    for fewer, more in zip(values, values[1:], strict=False):
        assert (fewer.value < more.value).all() and (fewer.counts["kept"] < more.counts["kept"]).all()
    np.testing.assert_allclose(values[-1].value, whole.value)
    np.testing.assert_allclose(values[-1].counts["kept"], 1)


def test_codebooks():
    assert codebook_perplexity([5, 5, 5, 5]).value == pytest.approx(4)
    assert codebook_perplexity([9, 0, 0]).value == pytest.approx(1)
    found = codebook_perplexity([[1, 1, 0, 0], [2, 1, 1, 0]])
    np.testing.assert_allclose(found.value, [2, np.exp(1.039721)], atol=1e-5)
    np.testing.assert_array_equal(found.counts["used"], [2, 3])


# ------------------------------------------------------------------------------------------------------- ensembles


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), members=st.integers(1, 8), classes=st.integers(2, 6))
def test_the_whole_is_the_sum_of_its_parts(seed, members, classes):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(classes, 0.3), (3, members))
    whole, agreed, disagreed = (m(p).value for m in (predictive_entropy, aleatoric_entropy, epistemic_information))
    np.testing.assert_allclose(whole, agreed + disagreed, atol=1e-12)
    assert (disagreed >= 0).all() and (disagreed <= log(members) + 1e-12).all() and (whole <= log(classes)).all()
    np.testing.assert_allclose(epistemic_information(np.repeat(p[:, :1], 4, 1)).value, 0, atol=1e-12)


def test_certain_members_that_disagree():
    p = np.eye(4)
    assert predictive_entropy(p).value == pytest.approx(log(4))
    assert aleatoric_entropy(p).value == 0
    assert epistemic_information(p).value == pytest.approx(log(4))


# ---------------------------------------------------------------------------------------------------------- bounds


def gaussian_scores(rng, rho, size, batches=200):
    """ln p(x, y) / (p(x) p(y)) of Gaussian pairs for all x and y of a batch: the best critic."""
    x = rng.normal(size=(batches, size, 1))
    y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=x.shape)
    y = y.swapaxes(1, 2)
    return -0.5 * np.log(1 - rho**2) - (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))


def test_bounds_at_the_best_critic():
    scores = gaussian_scores(np.random.default_rng(4), 0.8, 128)
    truth = -0.5 * log(1 - 0.64)
    for found, tolerance in (
        (bounds.donsker_varadhan_bound(scores), 0.02),
        (bounds.nwj_bound(scores + 1), 0.0),
        (bounds.infonce_bound(scores), 0.03),
        (bounds.smile_estimate(scores), 0.02),
    ):
        error = found.value.std(ddof=1) / np.sqrt(200)
        assert abs(found.value.mean() - truth) < 4 * error + tolerance
    assert (bounds.nwj_bound(0.5 * scores + 1).value.mean()) < truth - 0.05
    assert bounds.infonce_bound(scores).value.mean() < truth + 4 * 0.01


def test_infonce_cannot_pass_its_ceiling():
    found = bounds.infonce_bound(1e3 * np.eye(16))
    assert found.value == pytest.approx(log(16)) and found.counts["ceiling"] == pytest.approx(log(16))
    strong = gaussian_scores(np.random.default_rng(5), 0.9999, 16)
    assert bounds.infonce_bound(strong).value.max() <= log(16) < -0.5 * log(1 - 0.9999**2)


def test_independence_and_clipping():
    for bound in (bounds.infonce_bound, bounds.donsker_varadhan_bound, bounds.smile_estimate):
        assert bound(np.full((9, 9), 3.0)).value == pytest.approx(0, abs=1e-12)
    assert bounds.nwj_bound(np.ones((9, 9))).value == pytest.approx(0, abs=1e-12)
    scores = np.random.default_rng(6).normal(size=(20, 20))
    plain = bounds.donsker_varadhan_bound(scores).value
    assert bounds.smile_estimate(scores, np.inf).value == pytest.approx(plain)
    assert bounds.nwj_bound(scores).value <= plain  # ln z <= z / e, tight at e


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("infonce_bound", torch_bounds.infonce),
        ("donsker_varadhan_bound", torch_bounds.donsker_varadhan),
        ("nwj_bound", torch_bounds.nwj),
        ("smile_estimate", torch_bounds.smile),
    ],
)
def test_torch_twins_agree_and_have_gradients(name, twin):
    scores = 4 * np.random.default_rng(7).normal(size=(3, 12, 12))
    given = torch.tensor(scores, requires_grad=True)
    found = twin(given)
    np.testing.assert_allclose(found.detach(), getattr(bounds, name)(scores).value, rtol=1e-12)
    found.sum().backward()
    assert torch.isfinite(given.grad).all() and (torch.diagonal(given.grad, dim1=1, dim2=2) > 0).all()


def test_a_critic_learns_the_information_of_gaussians():
    torch.manual_seed(0)
    rng = np.random.default_rng(8)
    a = torch.zeros(3, requires_grad=True)  # f = a0 x y + a1 x^2 + a2 y^2, which holds the best critic

    def scores(x, y):
        return a[0] * x * y.mT + a[1] * x**2 + a[2] * (y**2).mT

    def batch(size):
        x = rng.normal(size=(size, 1))
        return [torch.tensor(v) for v in (x, 0.8 * x + 0.6 * rng.normal(size=x.shape))]

    for _ in range(150):
        (slope,) = torch.autograd.grad(torch_bounds.infonce(scores(*batch(64))), a)
        with torch.no_grad():
            a += 0.3 * slope
    held_out = scores(*batch(2000)).detach().numpy()
    assert bounds.infonce_bound(held_out).value == pytest.approx(-0.5 * log(0.36), abs=0.06)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: policy_entropy([0.0, np.nan]), r"logits\[1\] is nan"),
        (lambda: policy_entropy([0.0, np.inf]), "neither finite nor -inf"),
        (lambda: policy_entropy([-np.inf, -np.inf]), "nothing is allowed there"),
        (lambda: policy_entropy(1.0), r"\(..., actions\)"),
        (lambda: attention_entropy(np.zeros(3)), r"\(..., queries, keys\)"),
        (lambda: attention_entropy(np.zeros((3, 4))), "as many keys as queries"),
        (lambda: attention_entropy(np.zeros((3, 3)), "future"), "mask must be one of"),
        (lambda: relative_attention_entropy(np.zeros((1, 1))), "not defined where no row sees"),
        (lambda: token_entropy(np.zeros(5), top=6), "top must lie between 1 and the 5 tokens"),
        (lambda: codebook_perplexity([0, 0]), "hold a use"),
        (lambda: predictive_entropy([[0.5, 0.6]]), "sum to 1"),
        (lambda: predictive_entropy([0.5, 0.5]), r"\(..., members, classes\)"),
        (lambda: bounds.infonce_bound(np.zeros((3, 4))), r"\(..., size, size\)"),
        (lambda: bounds.smile_estimate(np.zeros((3, 3)), clip=0), "clip must be positive"),
    ],
)
def test_refuses(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# ------------------------------------------------------------------------------------- the bound of attention entropy


@pytest.mark.parametrize(
    ("keys", "norm", "expected"),
    [(8, 1, 1.97969), (8, 3, 0.95746), (8, 5, 0.20559), (8, 10, 0.00186), (64, 3, 3.68146), (64, 5, 1.80262)]
    + [(64, 10, 0.02921), (128, 5, 2.89946), (8, 0, log(8))],
)
def test_bound_values(keys, norm, expected):
    assert attention_entropy_bound(norm, keys) == pytest.approx(expected, abs=1e-5)
    scores = extremal_scores(norm, keys)
    assert attention_entropy(scores[None], mask="none").value[0] == pytest.approx(
        attention_entropy_bound(norm, keys), abs=1e-10
    )
    assert scores.sum() == pytest.approx(0, abs=1e-12) and np.linalg.norm(scores) == pytest.approx(norm)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    keys=st.integers(2, 60),
    norm=st.floats(0, 30),
    sharp=st.floats(0, 8),
    shift=st.floats(-9, 9),
)
def test_no_scores_of_that_norm_have_less_entropy(seed, keys, norm, sharp, shift):
    z = np.random.default_rng(seed).normal(size=keys)
    z = np.sign(z) * np.abs(z) ** sharp  # from even to spiky
    z -= z.mean()
    z *= norm / max(np.linalg.norm(z), 1e-12)
    found = attention_entropy((z + shift)[None], mask="none").value[0]
    assert found >= attention_entropy_bound(norm, keys) - 1e-9
    assert attention_entropy_bound(norm + 1, keys) < attention_entropy_bound(norm, keys)


@pytest.mark.parametrize(("norm", "keys"), [(-1, 4), (1, 1), (np.nan, 4)])
def test_bound_of_nonsense(norm, keys):
    with pytest.raises(ValueError):
        attention_entropy_bound(norm, keys)
