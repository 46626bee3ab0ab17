"""Every entropy and covariance of the training runs that the claims need."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.stats.intervals import spearman
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.rl_entropy_mechanism.reinforcement.params import Params

EARLY = 0.25  # share of the run at which early consumption is read
SMOOTH = 5  # checkpoints in the moving average of the monotone fall
TOP_SHARES = (0.0002, 0.002, 0.02, 0.2, 0.5, 1.0)  # of tokens, largest covariance first
LEVELS = tuple(np.round(1 - np.logspace(0, -3.5, 36), 6))
RUN = ("algorithm", "seed")
STILL = f"{DIVERGED}, or stood still"


def entropy(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return entropy curves and covariances."""
    metrics = trained["metrics"].to_dataset()
    return xr.merge(
        [
            collapse(case, metrics),
            mechanism(metrics),
            over_prompts(case, metrics),
            tokens(trained),
        ],
        combine_attrs="override",
        compat="no_conflicts",
        join="exact",
    )


def collapse(case: Case[Params], metrics: xr.Dataset) -> xr.Dataset:
    """How far and how early the entropy falls."""
    curve = metrics["entropy"].values
    early = round(EARLY * (curve.shape[-1] - 1))
    start, end = curve[..., 0], curve[..., -1]
    compared = metrics["entropy"].sel(step=case.params.train.rl.compare_step).drop_vars("step").values
    return xr.Dataset(
        {
            "entropy": metrics["entropy"],
            "entropy_ratio": labelled(RUN, end / start, "entropy at the end over entropy at the start", nan=DIVERGED),
            "entropy_consumed_early": labelled(
                RUN,
                part_of(start - curve[..., early], start - end),
                "share of the entropy consumed in the first quarter of the run",
                nan=STILL,
            ),
            "entropy_compared": labelled(
                RUN, compared, "entropy at the step where methods are compared", "nat", nan=DIVERGED
            ),
        },
        coords=metrics.coords,
    )


def mechanism(metrics: xr.Dataset) -> xr.Dataset:
    """Entropy change of each step beside the covariance that should drive it."""
    curve = metrics["entropy"].values
    change = np.diff(curve)
    kernel = np.ones(min(SMOOTH, curve.shape[-1] - 1)) / min(SMOOTH, curve.shape[-1] - 1)
    smooth = np.apply_along_axis(np.convolve, -1, curve, kernel, mode="valid")
    kinds = ("sampled", "exact")
    covariance = np.stack([metrics[f"covariance_{kind}"].values for kind in kinds])
    rank = [
        [[spearman(-dh, c) for dh, c in zip(*rows, strict=True)] for rows in zip(change, one, strict=True)]
        for one in covariance
    ]
    dims = ("covariance_kind", *RUN)
    return xr.Dataset(
        {
            "entropy_change": labelled(
                (*RUN, "update"), change, "entropy after the step minus entropy before", "nat", nan=DIVERGED
            ),
            "covariance": labelled(
                (*dims, "update"),
                covariance,
                "covariance of log-probability and advantage (sampled) or logit change (exact)",
                "nat",
                nan=DIVERGED,
            ),
            "covariance_positive": labelled(
                dims, (covariance > 0).mean(-1), "share of steps with a positive covariance"
            ),
            "entropy_falls": labelled(
                RUN, (np.diff(smooth) < 0).mean(-1), f"share of steps with falling entropy, moving average of {SMOOTH}"
            ),
            "covariance_rank_correlation": labelled(
                dims,
                np.array(rank),
                "Spearman correlation over the steps of -dH and covariance",
                nan=STILL,
            ),
        },
        coords={"covariance_kind": list(kinds)},
    )


def over_prompts(case: Case[Params], metrics: xr.Dataset) -> xr.Dataset:
    """95 % interval of the entropy at the snapshots by a bootstrap over the validation prompts."""
    values = metrics["entropy_of_prompt"].values
    prompts = values.shape[-1]
    draws = (
        case.rng("prompts").multinomial(prompts, np.full(prompts, 1 / prompts), size=case.params.entropy.bootstrap)
        / prompts
    )
    low, high = np.quantile(values @ draws.T, [0.025, 0.975], axis=-1)
    dims = (*RUN, "snapshot")
    return xr.Dataset(
        {
            "entropy_low": labelled(
                dims, low, "entropy, lower end of the 95 % interval over prompts", "nat", nan=DIVERGED
            ),
            "entropy_high": labelled(
                dims, high, "entropy, upper end of the 95 % interval over prompts", "nat", nan=DIVERGED
            ),
        }
    )


def tokens(trained: xr.DataTree) -> xr.Dataset:
    """Distribution of GRPO's token covariances: quantiles, and the mean of the largest."""
    tokens = trained["tokens"].to_dataset()["token_covariance"]
    values = np.sort(tokens.values, axis=-1)[..., ::-1]
    count = values.shape[-1]
    top = np.stack([values[..., : max(1, round(share * count))].mean(-1) for share in TOP_SHARES], -1)
    dims = ("snapshot", "seed")
    return xr.Dataset(
        {
            "token_covariance_quantile": labelled(
                (*dims, "level"),
                np.moveaxis(np.quantile(tokens.values, LEVELS, axis=-1), 0, -1),
                "quantile of the token covariance of GRPO",
                "nat",
                nan=DIVERGED,
            ),
            "token_covariance_top": labelled(
                (*dims, "top_share"),
                top,
                "mean covariance of the share of tokens with the largest one, at least one token",
                "nat",
                nan=DIVERGED,
            ),
        },
        coords={"snapshot": tokens["snapshot"].values, "level": list(LEVELS), "top_share": list(TOP_SHARES)},
    )


def part_of(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full_like(whole, np.nan), where=whole != 0)
