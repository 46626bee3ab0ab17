"""The study's own functions: advantages, the two covariance losses, policies, and one small run of all steps."""

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from pesin.config.load import merge
from pesin.steps.case import Case
from pesin.steps.files import publish, same
from project import case_of
from stopping import assert_goes_on
from studies.rl_entropy_mechanism.reinforcement.entropy import entropy
from studies.rl_entropy_mechanism.reinforcement.forecast import entropy_at_equal_accuracy, forecast
from studies.rl_entropy_mechanism.reinforcement.objectives import advantages, largest, token_covariance, token_loss
from studies.rl_entropy_mechanism.reinforcement.params import Params
from studies.rl_entropy_mechanism.reinforcement.policies import Markov, Transformer
from studies.rl_entropy_mechanism.reinforcement.simulate import simulate
from studies.rl_entropy_mechanism.reinforcement.train import make_policy, train
from studies.rl_entropy_mechanism.tabular import entropy as tabular_entropy
from studies.rl_entropy_mechanism.tabular import simulate as tables

ROOT = Path(__file__).parents[2]
STUDY = "rl_entropy_mechanism"
TINY = {
    "simulate": {"seeds": 3, "digits": 3, "modulus": 5, "prompts": 100, "validation": 25},
    "train": {
        "base": {"steps": 40, "batch": 32},
        "policy": {"width": 8},
        "rl": {"steps": 20, "compare_step": 10, "prompts": 8, "minibatches": 4, "validation_samples": 4},
        "run": ["grpo", "rloo", "policy_gradient", "clip_cov_10", "kl_cov_10", "kl_reference"],
    },
    "entropy": {"bootstrap": 20},
    "forecast": {"bootstrap": 20},
}


def case(step, name="task", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


def chain(**training):
    """Data and training of the tiny run, with other parameters of the training."""
    change = merge(TINY, {"train": training})
    data = simulate(case("simulate", **change))
    trained = train(case("train", **change), data)
    return data, trained


def terms(runs=1, **given):
    off = {"clip_low": np.inf, "clip_high": np.inf, "kl_cov_percent": 0, "kl_cov_coefficient": 1}
    off |= {"clip_cov_percent": 0, "cov_low": 0.5, "cov_high": 5}
    return {name: torch.full((runs,), float(value)) for name, value in (off | given).items()}


# ----------------------------------------------------------------------------------------------------------- losses


def test_one_success_of_eight():
    reward = torch.zeros(2, 1, 8)
    reward[..., 0] = 1
    normal, one_out = advantages(reward, torch.tensor([False, True]))[:, 0]
    assert normal[:2].tolist() == pytest.approx([2.4749, -0.3536], abs=1e-4)
    assert one_out[:2].tolist() == pytest.approx([1.0, -1 / 7])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_equal_rewards_give_no_advantage(value):
    assert not advantages(torch.full((2, 3, 8), value), torch.tensor([False, True])).any()


def test_a_group_of_one_is_refused():
    with pytest.raises(ValueError, match="at least 2 answers"):
        advantages(torch.ones(2, 3, 1), torch.tensor([False, True]))


def test_largest_takes_the_share_among_the_eligible():
    score = torch.tensor([[3.0, 9.0, 5.0, 5.0, 1.0]] * 3)
    among = torch.tensor([[True, False, True, True, True]] * 3)
    marked = largest(score, torch.tensor([0.4, 0.01, 0.0]), among)
    assert marked.tolist() == [[False, False, True, True, False], [False, False, True, False, False], [False] * 5]


def test_kl_cov_is_plain_policy_gradient_on_the_first_minibatch():
    log_prob = torch.log(torch.rand(1, 40, generator=torch.Generator().manual_seed(0))).requires_grad_()
    advantage = torch.randn(1, 40, generator=torch.Generator().manual_seed(1))
    old, lottery = log_prob.detach(), torch.zeros(1, 40)
    gradients = []
    for percent in (0, 50):
        loss, _, touched = token_loss(log_prob, old, advantage, lottery, terms(kl_cov_percent=percent))
        gradients.append(torch.autograd.grad(loss.sum(), log_prob)[0])
        assert int(touched.sum()) == 40 * percent // 100
    assert torch.allclose(*gradients) and torch.allclose(gradients[0], -advantage)
    later, _, _ = token_loss(log_prob + 0.1, old, advantage, lottery, terms(kl_cov_percent=50))
    moved = torch.autograd.grad(later.sum(), log_prob)[0]
    assert not torch.allclose(moved, -advantage * np.exp(0.1))


def test_clip_cov_drops_drawn_tokens_of_middle_covariance_only():
    rng = torch.Generator().manual_seed(0)
    log_prob = torch.log(torch.rand(1, 200, generator=rng)).requires_grad_()
    advantage, lottery = torch.randn(1, 200, generator=rng), torch.rand(1, 200, generator=rng)
    loss, _, touched = token_loss(log_prob, log_prob.detach(), advantage, lottery, terms(clip_cov_percent=2))
    covariance = token_covariance(advantage, log_prob.detach())[touched]
    assert len(covariance) == 4 and (covariance > 0.5).all() and (covariance < 5).all()
    gradient = torch.autograd.grad(loss.sum(), log_prob)[0]
    assert not gradient[touched].any() and gradient[~touched].all()


def test_ppos_clip_cuts_the_gradient():
    log_prob = torch.log(torch.tensor([[1.3, 1.3, 0.7, 0.7]])).requires_grad_()
    advantage = torch.tensor([[1.0, -1.0, 1.0, -1.0]])
    method = terms(clip_low=0.2, clip_high=0.2)
    loss, cut, _ = token_loss(log_prob, torch.zeros(1, 4), advantage, torch.zeros(1, 4), method)
    assert cut.tolist() == [[True, False, False, True]]
    gradient = torch.autograd.grad(loss.sum(), log_prob)[0]
    assert gradient[0].tolist() == pytest.approx([0.0, 1.3, -0.7, 0.0])


# --------------------------------------------------------------------------------------------------------- policies


def test_markov_policy_samples_its_own_law():
    policy = Markov(3, 4, 8)
    parameters = policy.init(2, torch.Generator().manual_seed(0), "cpu")
    prompts = torch.randint(4, (2, 1, 3), generator=torch.Generator().manual_seed(1)).expand(-1, 20_000, -1)
    uniforms = torch.rand(2, 20_000, 3, generator=torch.Generator().manual_seed(2))
    answers = policy.sample(parameters, prompts, uniforms)
    log_prob = policy.log_probs(parameters, prompts, answers)
    assert torch.allclose(log_prob.exp().sum(-1), torch.ones(()), atol=1e-5)
    found = torch.nn.functional.one_hot(answers, 4).float().mean(1)
    assert torch.allclose(found, log_prob.exp().mean(1), atol=0.015)


def test_exact_and_sampled_examinations_agree():
    markov = Markov(3, 4, 8)
    parameters = markov.init(2, torch.Generator().manual_seed(0), "cpu")
    prompts = np.array([[0, 1, 2], [3, 3, 1], [2, 0, 0]])
    exact = markov.examine(parameters, prompts, 4000, np.random.default_rng(0), seeds=1)
    asked = torch.as_tensor(prompts).repeat_interleave(4000, 0).expand(2, -1, -1)
    answers = markov.sample(parameters, asked, torch.rand(2, 12_000, 3, generator=torch.Generator().manual_seed(1)))
    log_prob = markov.log_probs(parameters, asked, answers)
    sampled = -(log_prob.exp() * log_prob).sum(-1).mean(-1).view(2, 3, 4000).mean(-1)
    right = (answers[..., -1] == asked.sum(-1) % 4).float().view(2, 3, 4000).mean(-1)
    assert np.allclose(sampled.detach(), exact["entropy"], atol=0.03)
    assert np.allclose(right, exact["success"], atol=0.03)
    assert np.allclose(exact["accuracy"][0], exact["accuracy"][1], atol=0.02)


def test_transformer_policy_examines_like_the_markov_one():
    policy = Transformer(3, 5, 8, 1, 2)
    parameters = policy.init(2, torch.Generator().manual_seed(0), "cpu")
    prompts = np.array([[0, 1, 2], [3, 3, 1]])
    state = policy.examine(parameters, prompts, 6, np.random.default_rng(0), seeds=1)
    assert state["entropy"].shape == state["success"].shape == (2, 2) and state["accuracy"].shape == (2, 2)
    assert (state["entropy"] <= np.log(5) + 1e-6).all()
    assert policy.covariance(parameters, prompts, state["contexts"]) == pytest.approx(np.zeros(2), abs=1e-6)


def with_policy(step, policy, **training):
    """A case of the tiny run with another kind of policy."""
    params = case(step, **merge(TINY, {"train": training})).params.model_dump()
    params["train"]["policy"] = policy
    return Case(STUDY, "task", step, "smoke", Params.model_validate(params))


def test_language_model_says_what_to_install():
    with pytest.raises(RuntimeError, match="pip install verl"):
        make_policy(with_policy("train", {"kind": "hf", "model": "some/model"}).params)


# ------------------------------------------------------------------------------------------------------ whole steps


@pytest.fixture(scope="module")
def small():
    return chain()


def test_steps_give_finite_results_twice_the_same(small):
    data, trained = small
    again = train(case("train", **TINY), data)
    assert same(trained, again)
    result = entropy(case("entropy", **TINY), trained)
    scores = forecast(case("forecast", **TINY), trained)
    assert result.sizes["algorithm"] == 6 and result.sizes["seed"] == 3
    assert np.isfinite(result["entropy"]).all() and np.isfinite(scores["rmse"]).all()
    assert isinstance(scores, xr.Dataset) and scores["coefficients_agree"].sel({"algorithm": "grpo"}).all()


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_entropy_at_equal_accuracy_sees_through_slowness(share):
    time = np.arange(41)
    h = np.stack([np.exp(-time / 10), np.exp(-time / 20), np.exp(-time / 20) + 0.1])[:, None]
    reward = 1 - np.stack([h[0], h[1], h[1]])
    metrics = xr.Dataset(
        {
            "entropy": (("algorithm", "seed", "step"), h),
            "accuracy": (("measure", "algorithm", "seed", "step"), reward[None]),
        },
        {"algorithm": ["grpo", "slower", "exploring"], "measure": ["exact"]},
    )
    grpo, slower, exploring = entropy_at_equal_accuracy(metrics, share)[:, 0]
    assert slower == pytest.approx(grpo, abs=1e-12) and exploring == pytest.approx(grpo + 0.1, abs=1e-12)


def test_unclipped_methods_of_dose_zero_are_the_plain_policy_gradient():
    zero = {"methods": {"kl_cov_10": {"kl_cov_percent": 0}}, "run": ["grpo", "policy_gradient", "kl_cov_10"]}
    _, trained = chain(**zero)
    curve = trained["metrics/entropy"]
    # Not to the bit: where a run lies in the batch decides its last digits on some processors.
    plain = curve.sel({"algorithm": "policy_gradient"})
    assert np.allclose(curve.sel({"algorithm": "kl_cov_10"}), plain, rtol=0, atol=1e-5)


def test_a_frozen_policy_keeps_its_entropy_and_never_falls():
    change = merge(TINY, {"train": {"rl": {"lr": 0}, "run": ["grpo", "kl_cov_10"]}})
    _, trained = chain(rl={"lr": 0}, run=["grpo", "kl_cov_10"])
    result, scores = entropy(case("entropy", **change), trained), forecast(case("forecast", **change), trained)
    assert (result["entropy_ratio"] == 1).all() and not result["entropy_falls"].any()
    exact = scores["accuracy"].sel({"measure": "exact"})
    assert (exact == exact.isel(step=0)).all() and scores["entropy_at_equal_accuracy"].isnull().all()


def test_a_run_does_not_depend_on_what_runs_beside_it(small):
    _, alone = chain(run=["grpo"])
    together = small[1]["metrics/entropy"].sel({"algorithm": "grpo"})
    assert np.allclose(alone["metrics/entropy"].sel({"algorithm": "grpo"}), together, atol=1e-4)


@pytest.mark.parametrize("reward", ["shuffled", "coin"])
def test_meaningless_rewards_leave_no_covariance(reward):
    change = {"policy": {"width": 16}, "base": {"steps": 300}, "rl": {"prompts": 64, "lr": 1e-6}, "run": ["grpo"]}
    _, blind = chain(**change, reward=reward)
    _, right = chain(**change)
    means = [float(one["metrics/covariance_sampled"].mean()) for one in (blind, right)]
    assert abs(means[0]) < 0.1 * means[1]


def test_a_transformer_goes_through_all_steps():
    policy = {"kind": "transformer", "width": 8, "layers": 1, "heads": 2}
    steps = ("simulate", "train", "entropy", "forecast")
    cases = {step: with_policy(step, policy, run=["grpo", "policy_gradient"]) for step in steps}
    data = simulate(cases["simulate"])
    trained = train(cases["train"], data)
    assert entropy(cases["entropy"], trained)["entropy"].sizes["step"] == 21
    assert list(forecast(cases["forecast"], trained)["measure"].values) == ["sampled", "greedy"]


@pytest.mark.parametrize("kind, turns", [("markov", 7), ("markov", 15), ("markov", 28), ("transformer", 23)])
def test_a_stopped_training_goes_on_to_the_same_end(tmp_path, monkeypatch, kind, turns):
    """Stopped among the base policies (10 turns), before and after a snapshot of the reinforcement."""
    policy = {"kind": kind, "width": 8} | ({"layers": 1, "heads": 2} if kind == "transformer" else {})
    simulated, trained = (with_policy(step, policy, base={"steps": 10, "batch": 8}) for step in ("simulate", "train"))
    data = simulate(simulated)
    assert_goes_on(lambda one: train(one, data), trained, tmp_path, monkeypatch, turns)


def test_a_diverged_run_is_a_result(tmp_path):
    training = {"rl": {"lr": 1e30}, "run": ["grpo", "rloo"]}
    change = merge(TINY, {"train": training})
    _, trained = chain(**training)
    result = entropy(case("entropy", **change), trained)
    scores = forecast(case("forecast", **change), trained)
    assert (trained["metrics/status"] == "diverged").all()
    assert result["entropy_ratio"].isnull().all() and not (result["entropy_falls"] > 0.9).any()
    assert scores["r_squared"].sel({"law": "exponential"}).isnull().all()
    publish(trained, tmp_path / "trained.nc", {"step": "train"})
    publish(result, tmp_path / "entropy.nc", {"step": "entropy"})
    publish(scores, tmp_path / "forecast.nc", {"step": "forecast"})


def test_tabular_identity_and_its_control():
    data = tables.simulate(case("simulate", "tabular"))
    honest = tabular_entropy.entropy(case("entropy", "tabular"), data)
    shuffled = tabular_entropy.entropy(case("entropy", "shuffled_actions"), data)
    assert (np.abs(honest["error_slope"] - 1) < 0.1).mean() > 0.9
    assert (np.abs(shuffled["error_slope"]) < 0.5).mean() > 0.9
