"""Trains the base policies on noisy reasoning, then all methods and seeds together by reinforcement learning."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.entropy.policy import token_covariance
from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import Adam, half_cosine
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.rl_entropy_mechanism.reinforcement.objectives import advantages, token_loss
from studies.rl_entropy_mechanism.reinforcement.params import Params, Reinforcement
from studies.rl_entropy_mechanism.reinforcement.policies import Markov, Transformer

TERMS = (
    "clip_low clip_high kl_cov_percent kl_cov_coefficient clip_cov_percent cov_low cov_high entropy_bonus kl_reference"
).split()


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return what was measured at every step (`metrics`), token covariances, and the weights."""
    torch.manual_seed(case.seed("torch"))
    policy = make_policy(case.params)
    base = imitate(case, policy, data)
    reference = repeat_runs(base, len(case.params.train.run))
    final, metrics, tokens = reinforce(case, policy, reference, data)
    runs = [f"{method}/{seed}" for method in case.params.train.run for seed in range(case.params.simulate.seeds)]
    return xr.DataTree.from_dict(
        {
            "metrics": metrics,
            "tokens": tokens,
            "weights/base": weights_dataset(base, [f"base/{seed}" for seed in range(case.params.simulate.seeds)]),
            "weights/final": weights_dataset(final, runs),
        }
    )


def make_policy(params: Params) -> Markov | Transformer:
    """Return the policy that the parameters name.

    Raises
    ------
    RuntimeError
        For a language model: this workflow doesn't train one, and the message says what does.
    """
    task, policy = params.simulate, params.train.policy
    if policy.kind == "hf":
        raise RuntimeError(
            f"policy.kind: hf ({policy.model}) can't be trained by this workflow. Install verl (pip install verl vllm)"
            " on a node with 8 GPUs or more and run its recipe/entropy, which holds the authors' clip_cov and kl_cov"
            " losses; or set policy.kind to markov or transformer, which run here."
        )
    if policy.kind == "transformer":
        return Transformer(task.digits, task.modulus, policy.width, policy.layers, policy.heads)
    return Markov(task.digits, task.modulus, policy.width)


# ------------------------------------------------------------------------------------------------------ base policies


def imitate(case: Case[Params], policy, data: xr.Dataset) -> Parameters:
    """Train one base policy for each seed by cross-entropy on that seed's noisy chains."""
    params, rng = case.params, case.rng("imitation")
    generator = torch.Generator().manual_seed(case.seed("init"))
    parameters = policy.init(params.simulate.seeds, generator, case.device)
    optimiser, progress = Adam(parameters.values()), partial(case.progress, what="base policies")
    prompts = torch.as_tensor(data["prompts"].values.astype(np.int64), device=case.device)
    chains = torch.as_tensor(data["chains"].values.astype(np.int64), device=case.device)
    seeds = torch.arange(params.simulate.seeds, device=case.device)[:, None]
    for step in case.checkpoint("imitation", [rng]).turns(params.train.base.steps, optimiser, progress=progress):
        rows = torch.as_tensor(
            rng.integers(len(prompts), size=(params.simulate.seeds, params.train.base.batch)), device=case.device
        )
        target = chains[seeds, rows]
        log_prob = policy.log_probs(parameters, prompts[rows], target).gather(-1, target[..., None])
        rate = params.train.base.lr * half_cosine(step, params.train.base.steps)
        optimiser.descend(-log_prob.mean((1, 2, 3)).sum(), rate, largest=1.0)
    return parameters


# --------------------------------------------------------------------------------------------- reinforcement learning


def reinforce(case: Case[Params], policy, reference: Parameters, data: xr.Dataset):
    """Train all methods and seeds, method-major along the runs axis; runs of one seed share all random numbers.

    Returns
    -------
    parameters, metrics, tokens
        Final weights; Dataset (algorithm, seed, step) of diagnostics; Dataset of GRPO's token covariances.
    """
    params, rl = case.params, case.params.train.rl
    method = method_terms(case)
    parameters = repeat_runs(reference, 1)
    optimiser, draws, looks = Adam(parameters.values()), case.rng("rollouts"), case.rng("validation")
    validation = data["validation"].values.astype(np.int64)
    examined, updates, tokens = Seen(), Seen(), Seen()

    def examine():
        found = policy.examine(parameters, validation, rl.validation_samples, looks, params.simulate.seeds)
        contexts = found.pop("contexts")
        examined.add(found)
        return contexts

    checkpoint, progress = (
        case.checkpoint("reinforcement", [draws, looks]),
        partial(case.progress, what="reinforcement"),
    )
    for step in checkpoint.turns(rl.steps, optimiser, examined, updates, tokens, progress=progress):
        contexts = examine()
        batch = roll_out(case, policy, parameters, reference, data["prompts"].values, draws, method)
        covariance = token_covariance(batch["advantage"].numpy(force=True), batch["log_prob"].numpy(force=True))
        if step in snapshots(rl):
            tokens.add({"covariance": covariance[grpo_runs(params)]})
        seen = update(case, policy, parameters, optimiser, batch, method, draws)
        exact = policy.covariance(parameters, validation, contexts)
        updates.add({"covariance_sampled": covariance.mean(-1), "covariance_exact": exact} | seen)
    examine()
    return parameters, *collect(case, examined.arrays(), updates.arrays(), tokens.arrays()["covariance"])


def method_terms(case: Case[Params]) -> dict[str, torch.Tensor]:
    """Return the terms of every run's loss as tensors of shape (runs,)."""
    chosen = [
        case.params.train.methods[name] for name in case.params.train.run for _ in range(case.params.simulate.seeds)
    ]
    terms = {
        term: torch.tensor(
            [np.inf if getattr(one, term) is None else getattr(one, term) for one in chosen],
            dtype=torch.float32,
            device=case.device,
        )
        for term in TERMS
    }
    one_out = [one.advantage == "leave_one_out" for one in chosen]
    return terms | {"leave_one_out": torch.tensor(one_out, device=case.device)}


def shared(case: Case[Params], values: np.ndarray) -> torch.Tensor:
    """Hand each seed's numbers to all its methods: (seeds, ...) -> (methods * seeds, ...)."""
    return torch.as_tensor(np.tile(values, (len(case.params.train.run), *[1] * (values.ndim - 1))), device=case.device)


@torch.no_grad()
def roll_out(
    case: Case[Params], policy, parameters, reference, prompts: np.ndarray, rng, method
) -> dict[str, torch.Tensor]:
    """Sample answers and compare each with its group.

    Returns
    -------
    dict
        prompts and answers, shape (runs, batch, digits); advantage of each token, its log_prob under the policy and its
        reference under the base policy, shape (runs, batch * digits).
    """
    params, rl, task = case.params, case.params.train.rl, case.params.simulate
    rows = np.repeat(rng.integers(len(prompts), size=(params.simulate.seeds, rl.prompts)), rl.samples, axis=1)
    asked = shared(case, prompts[rows].astype(np.int64))
    uniforms = shared(case, rng.random((*rows.shape, task.digits), dtype=np.float32))
    answers = policy.sample(parameters, asked, uniforms)
    right = (answers[..., -1] == asked.sum(-1) % task.modulus).float().view(-1, rl.prompts, rl.samples)
    reward = pay(case, right, rng)
    advantage = advantages(reward, method["leave_one_out"]).repeat_interleave(task.digits, -1)

    def written(weights):
        return policy.log_probs(weights, asked, answers).gather(-1, answers[..., None]).flatten(1)

    log_prob = written(parameters)
    base = written(reference) if bool((method["kl_reference"] > 0).any()) else log_prob
    tokens = {"advantage": advantage.flatten(1), "log_prob": log_prob, "reference": base}
    return {"prompts": asked, "answers": answers} | tokens


def pay(case: Case[Params], right: torch.Tensor, rng) -> torch.Tensor:
    """Return the rewards (runs, prompts, samples): the verifier's, or a control's that say nothing of the answer."""
    numbers = shared(case, rng.random((case.params.simulate.seeds, *right.shape[1:]), dtype=np.float32))
    if case.params.train.reward == "shuffled":
        return right.gather(-1, numbers.argsort(-1))
    return (numbers < 0.5).float() if case.params.train.reward == "coin" else right


def update(case: Case[Params], policy, parameters, optimiser, batch, method, rng) -> dict[str, np.ndarray]:
    """Go once through the rollout in minibatches, one optimiser step each; return means of the diagnostics."""
    rl, digits = case.params.train.rl, case.params.simulate.digits
    size = rl.prompts * rl.samples // rl.minibatches
    seen = []
    for start in range(0, rl.prompts * rl.samples, size):
        part = slice(start, start + size)
        asked, answers = batch["prompts"][:, part], batch["answers"][:, part]
        flat = slice(start * digits, (start + size) * digits)
        old, advantage = batch["log_prob"][:, flat], batch["advantage"][:, flat]
        full = policy.log_probs(parameters, asked, answers).flatten(1, 2)
        log_prob = full.gather(-1, answers.flatten(1)[..., None])[..., 0]
        lottery = shared(case, rng.random((case.params.simulate.seeds, old.shape[1]), dtype=np.float32))
        loss, cut, touched = token_loss(log_prob, old, advantage, lottery, method)
        loss = loss + penalties(full, log_prob, batch["reference"][:, flat], method)
        optimiser.descend(loss.mean(1).sum(), rl.lr, rl.clip_norm)
        with torch.no_grad():
            log_ratio = log_prob - old
            seen.append(torch.stack([log_ratio.exp() - 1 - log_ratio, cut.float(), touched.float()]).mean(-1))
    kl, clip_fraction, touched = torch.stack(seen).mean(0).numpy(force=True)
    return {"kl_step": kl, "clip_fraction": clip_fraction, "touched_fraction": touched}


def penalties(full: torch.Tensor, log_prob: torch.Tensor, reference: torch.Tensor, method) -> torch.Tensor:
    """Return the entropy bonus and the KL divergence to the base policy (estimator k3), shape (runs, tokens)."""
    entropy = -(full.exp() * full).sum(-1)
    log_ratio = reference - log_prob
    divergence = log_ratio.exp() - 1 - log_ratio
    return method["kl_reference"][:, None] * divergence - method["entropy_bonus"][:, None] * entropy


# ------------------------------------------------------------------------------------------------------------ results


def snapshots(rl: Reinforcement) -> list[int]:
    """Steps at which single tokens and prompts are kept: the first, the compared one and the last rollout."""
    return sorted({0, min(rl.compare_step, rl.steps - 1), rl.steps - 1})


def grpo_runs(params: Params) -> slice:
    """Place of GRPO's runs on the runs axis."""
    first = params.train.run.index("grpo") * params.simulate.seeds
    return slice(first, first + params.simulate.seeds)


CURVES = {
    "entropy": ("policy entropy per token on validation prompts", "nat"),
    "pass_at_k": ("share of validation prompts with a right answer among k samples", "1"),
}
UPDATES = {
    "covariance_sampled": ("Cov(A, log pi) over the tokens of the rollout", "nat"),
    "covariance_exact": ("Cov(log pi, dz) of the step's logit change, exact over the vocabulary", "nat"),
    "kl_step": ("KL divergence from the rollout's policy, mean over the minibatches", "nat"),
}
SHARES = {
    "clip_fraction": ("share of tokens that PPO's clip cuts off", "1"),
    "touched_fraction": ("share of tokens that Clip-Cov or KL-Cov touches", "1"),
}
PROMPTS = {
    "entropy_of_prompt": ("policy entropy per token, prompt by prompt", "nat"),
    "success_of_prompt": ("share of right answers, prompt by prompt", "1"),
}


def collect(case: Case[Params], examined: dict, updates: dict, tokens: np.ndarray) -> tuple[xr.Dataset, xr.Dataset]:
    """Lay the diagnostics out as (algorithm, seed, step) and the snapshots as (algorithm, seed, snapshot, prompt).

    Parameters
    ----------
    examined, updates : dict of ndarray, first axis the steps
    tokens : ndarray, shape (snapshots, seeds, tokens)
    """
    params, kept = case.params, snapshots(case.params.train.rl)
    grid = ("algorithm", "seed")
    rows = updates | {"entropy": examined["entropy"].mean(-1), "pass_at_k": examined["any_right"]}

    def split(values: np.ndarray) -> np.ndarray:
        values = values.astype(np.float64)
        return values.reshape(len(params.train.run), params.simulate.seeds, *values.shape[1:])

    variables = {
        name: labelled((*grid, dim), split(np.moveaxis(rows[name], 0, -1)), *label, nan=why)
        for dim, labels, why in (("step", CURVES, DIVERGED), ("update", UPDATES, DIVERGED), ("update", SHARES, ""))
        for name, label in labels.items()
    }
    for name, label in PROMPTS.items():
        values = np.moveaxis(examined[name.removesuffix("_of_prompt")][kept], 0, 1)
        variables[name] = labelled((*grid, "snapshot", "validation_prompt"), split(values), *label, nan=DIVERGED)
    accuracy = np.stack([split(one) for one in np.moveaxis(examined["accuracy"], 0, -1)])
    variables["accuracy"] = labelled(
        ("measure", *grid, "step"), accuracy, "share of right answers to validation prompts", nan=DIVERGED
    )
    diverged = ~np.isfinite(variables["entropy"][1]).all(-1)
    variables["status"] = labelled(grid, np.where(diverged, "diverged", "ok"), "how the run went")
    seeds = np.arange(params.simulate.seeds)
    coordinates = {
        "algorithm": params.train.run,
        "seed": seeds,
        "step": np.arange(params.train.rl.steps + 1),
        "update": np.arange(params.train.rl.steps),
        "snapshot": kept,
        "measure": list(make_policy(params).measures),
    }
    said, dims = "(A - mean A)(log pi - mean log pi) of GRPO's single tokens", ("snapshot", "seed", "token")
    single = {"token_covariance": labelled(dims, tokens.astype(np.float64), said, "nat", nan=DIVERGED)}
    return xr.Dataset(variables, coordinates), xr.Dataset(single, {"snapshot": kept, "seed": seeds})
