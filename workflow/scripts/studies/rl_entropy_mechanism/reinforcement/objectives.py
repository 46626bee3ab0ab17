"""Advantages and losses of all methods, run by run: GRPO, leave-one-out, Clip-Cov, KL-Cov and the usual remedies.

Both covariance methods follow Cui et al. 2025 (arXiv 2505.22617), section 4, and their released losses in verl.
"""

from __future__ import annotations

import torch


def advantages(rewards: torch.Tensor, leave_one_out: torch.Tensor) -> torch.Tensor:
    """Compare each answer with its group.

    Parameters
    ----------
    rewards : Tensor, shape (runs, prompts, samples)
    leave_one_out : bool Tensor, shape (runs,)
        True: r_i - mean of the others (RLOO). False: (r_i - mean) / (sample standard deviation + 1e-6) (GRPO).

    Returns
    -------
    Tensor, shape (runs, prompts, samples)

    Raises
    ------
    ValueError
        If a group is a single answer, which there is nothing to compare with.
    """
    samples = rewards.shape[-1]
    if samples < 2:
        raise ValueError("advantages need groups of at least 2 answers")
    centred = rewards - rewards.mean(-1, keepdim=True)
    normalised = centred / (rewards.std(-1, keepdim=True) + 1e-6)
    return torch.where(leave_one_out[:, None, None], centred * samples / (samples - 1), normalised)


def token_covariance(advantage: torch.Tensor, log_prob: torch.Tensor) -> torch.Tensor:
    """Return (A - mean A)(ln pi - mean ln pi), means over the minibatch. All shapes (runs, tokens)."""
    return (advantage - advantage.mean(1, keepdim=True)) * (log_prob - log_prob.mean(1, keepdim=True))


def largest(score: torch.Tensor, share: torch.Tensor, among: torch.Tensor) -> torch.Tensor:
    """Mark each run's tokens of largest score: the share of all tokens (at least one, if it isn't 0) `among` some.

    Parameters
    ----------
    score : Tensor, shape (runs, tokens)
    share : Tensor, shape (runs,)
        0..1.
    among : bool Tensor, shape (runs, tokens)

    Returns
    -------
    bool Tensor, shape (runs, tokens)
    """
    count = (share * score.shape[1]).long().clamp(min=1) * (share > 0)
    order = score.masked_fill(~among, -torch.inf).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(score.shape[1], device=score.device).expand_as(order)
    rank = torch.empty_like(order).scatter_(1, order, places)
    return (rank < count[:, None]) & among


def token_loss(
    log_prob: torch.Tensor,
    old_log_prob: torch.Tensor,
    advantage: torch.Tensor,
    lottery: torch.Tensor,
    method: dict[str, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return each token's policy loss, which tokens PPO's clip cuts off, and which a covariance method touches.

    Parameters
    ----------
    log_prob, old_log_prob : Tensor, shape (runs, tokens)
        Of the tokens written, under the policy now and at the rollout.
    advantage : Tensor, shape (runs, tokens)
    lottery : Tensor, shape (runs, tokens)
        Uniform numbers, by which Clip-Cov draws among the eligible.
    method
        Tensors of shape (runs,): clip_low, clip_high (inf: no clip), kl_cov_percent, kl_cov_coefficient,
        clip_cov_percent, cov_low, cov_high.

    Returns
    -------
    loss, cut, touched : Tensor, shape (runs, tokens)
    """
    log_ratio = log_prob - old_log_prob
    ratio = log_ratio.exp()
    clipped = torch.clamp(ratio, (1 - method["clip_low"])[:, None], (1 + method["clip_high"])[:, None])
    loss = -torch.minimum(advantage * ratio, advantage * clipped)
    cut = advantage * clipped < advantage * ratio
    covariance = token_covariance(advantage, log_prob.detach())
    penalised = largest(covariance, method["kl_cov_percent"] / 100, torch.ones_like(covariance, dtype=torch.bool))
    eligible = (covariance > method["cov_low"][:, None]) & (covariance < method["cov_high"][:, None])
    dropped = largest(lottery, method["clip_cov_percent"] / 100, eligible & ~cut)
    loss = torch.where(penalised, loss + method["kl_cov_coefficient"][:, None] * log_ratio.abs(), loss)
    return torch.where(dropped, 0.0, loss), cut, penalised | dropped
