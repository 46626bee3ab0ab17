"""Accuracy, the law R = -a exp(H) + b with its rivals, and how well the beginning of a run predicts its end."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.stats.fits import bootstrap_entropy_law, compare_laws, fit_entropy_law, fit_saturation
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.rl_entropy_mechanism.reinforcement.entropy import EARLY, RUN, STILL, part_of
from studies.rl_entropy_mechanism.reinforcement.params import Params

PREDICTORS = ("entropy_law", "last_value", "saturation_in_steps")


def forecast(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return scores and fits per algorithm and seed; a checkpoint is every step, unsmoothed."""
    metrics = trained["metrics"].to_dataset()
    return xr.merge(
        [scores(case, metrics), law(metrics), coefficients(case, metrics), extrapolation(case, metrics)],
        combine_attrs="override",
        compat="no_conflicts",
        join="exact",
    )


def scores(case: Case[Params], metrics: xr.Dataset) -> xr.Dataset:
    """Accuracy by its three measures, its gain, pass@k, and the entropy left at equal accuracy."""
    accuracy = metrics["accuracy"].values
    start, end = accuracy[..., 0], accuracy[..., -1]
    early = accuracy[..., round(EARLY * (accuracy.shape[-1] - 1))]
    dims, levels = ("measure", *RUN), case.params.forecast.levels
    return xr.Dataset(
        {
            "accuracy": metrics["accuracy"],
            "pass_at_k": metrics["pass_at_k"],
            "start_accuracy": labelled(dims, start, "accuracy of the base policy", nan=DIVERGED),
            "final_accuracy": labelled(dims, end, "accuracy at the end", nan=DIVERGED),
            "gain": labelled(dims, end - start, "accuracy at the end minus accuracy at the start", nan=DIVERGED),
            "gain_early": labelled(
                dims,
                part_of(early - start, end - start),
                "share of the gain reached in the first quarter of the run",
                nan=STILL,
            ),
            "final_pass_at_k": labelled(RUN, metrics["pass_at_k"].values[..., -1], "pass@k at the end", nan=DIVERGED),
            "entropy_at_equal_accuracy": labelled(
                ("level", *RUN),
                np.stack([entropy_at_equal_accuracy(metrics, level) for level in levels]),
                "entropy when accuracy first reaches this share of GRPO's gain",
                "nat",
                nan=f"{DIVERGED}, never gets there, or starts there",
            ),
        },
        coords={**metrics.coords, "level": levels},
    )


def entropy_at_equal_accuracy(metrics: xr.Dataset, share: float) -> np.ndarray:
    """Entropy where a run first has this share of its seed's GRPO gain, between checkpoints; (algorithm, seed).

    A method that is merely slower along the same curve has the same entropy there. NaN for a run that never gets there
    or starts there.
    """
    best = "exact" if "exact" in metrics["measure"].values else "sampled"
    curve, reward = metrics["entropy"].values, metrics["accuracy"].sel({"measure": best}).values
    grpo = reward[list(metrics["algorithm"].values).index("grpo")]
    level = np.broadcast_to(grpo[:, 0] + share * (grpo[:, -1] - grpo[:, 0]), reward.shape[:2])
    reached = reward >= level[..., None]
    after = np.maximum(reached.argmax(-1), 1)[..., None]
    r0, r1, h0, h1 = (np.take_along_axis(x, after - d, -1)[..., 0] for x in (reward, curve) for d in (1, 0))
    between = h0 + (h1 - h0) * part_of(level - r0, r1 - r0)
    return np.where(reached.any(-1) & ~reached[..., 0], between, np.nan)


def law(metrics: xr.Dataset) -> xr.Dataset:
    """Fit of the law and its rivals to each run, for each measure of accuracy."""
    reward = metrics["accuracy"].values
    curve = np.broadcast_to(metrics["entropy"].values, reward.shape)
    a, b = fit_entropy_law(curve, reward)
    fits = compare_laws(curve, reward)
    dims = ("measure", *RUN)
    excess = fits["exponential"]["aic"] - fits["quadratic"]["aic"]
    return xr.Dataset(
        {
            "a": labelled(dims, a, "coefficient a of R = -a exp(H) + b", nan=DIVERGED),
            "b": labelled(dims, b, "coefficient b of R = -a exp(H) + b", nan=DIVERGED),
            "ceiling": labelled(dims, b - a, "accuracy that the law gives at zero entropy, b - a", nan=DIVERGED),
            "r_squared": labelled(
                ("law", *dims),
                np.stack([fit["r_squared"] for fit in fits.values()]),
                "coefficient of determination",
                nan=STILL,
            ),
            "aic": labelled(
                ("law", *dims),
                np.stack([fit["aic"] for fit in fits.values()]),
                "Akaike's criterion",
                nan=STILL,
            ),
            "aic_excess": labelled(dims, excess, "AIC of the law minus AIC of a quadratic in H", nan=STILL),
        },
        coords={"law": list(fits)},
    )


def coefficients(case: Case[Params], metrics: xr.Dataset) -> xr.Dataset:
    """Block-bootstrap intervals of a and b, and whether each algorithm's and GRPO's lie in one another's."""
    curve, reward = metrics["entropy"].values, metrics["accuracy"].sel({"measure": "sampled"}).values
    wanted = case.params.forecast
    draws = np.stack(bootstrap_entropy_law(curve, reward, wanted.block, wanted.bootstrap, case.rng("blocks")))
    low, high = np.nanquantile(draws, [0.025, 0.975], axis=1)
    fitted = np.stack(fit_entropy_law(curve, reward))
    grpo = case.params.train.run.index("grpo")
    theirs = (fitted >= low[:, grpo, None]) & (fitted <= high[:, grpo, None])
    ours = (fitted[:, grpo, None] >= low) & (fitted[:, grpo, None] <= high)
    dims = ("coefficient", *RUN)
    return xr.Dataset(
        {
            "coefficient_low": labelled(dims, low, "a and b, lower end of the 95 % interval", nan=DIVERGED),
            "coefficient_high": labelled(dims, high, "a and b, upper end of the 95 % interval", nan=DIVERGED),
            "coefficient_halfwidth": labelled(
                dims, (high - low) / 2 / np.abs(fitted), "half width of the interval over the coefficient", nan=DIVERGED
            ),
            "coefficients_agree": labelled(
                RUN, (theirs & ours).all(0), "a and b lie in GRPO's intervals, and GRPO's in theirs"
            ),
            "coefficient_difference": labelled(
                dims,
                fitted / fitted[:, grpo, None] - 1,
                "a and b relative to GRPO's of the same seed, minus 1",
                nan=DIVERGED,
            ),
        },
        coords={"coefficient": ["a", "b"]},
    )


def extrapolation(case: Case[Params], metrics: xr.Dataset) -> xr.Dataset:
    """Fit on the first part of a run and predict the accuracy of the rest from its entropy; two baselines beside it."""
    curve, reward = metrics["entropy"].values, metrics["accuracy"].sel({"measure": "sampled"}).values
    step = metrics["step"].values.astype(float)
    n, fractions = reward.shape[-1], case.params.forecast.fractions
    rmse = np.empty((len(PREDICTORS), len(fractions), *reward.shape[:2]))
    early = np.empty((2, len(fractions), *reward.shape[:2]))
    for i, fraction in enumerate(fractions):
        seen = max(3, round(fraction * n))
        a, b = early[:, i] = fit_entropy_law(curve[..., :seen], reward[..., :seen])
        predicted = np.stack(
            [
                b[..., None] - a[..., None] * np.exp(curve[..., seen:]),
                np.repeat(reward[..., seen - 1 : seen], n - seen, -1),
                np.apply_along_axis(lambda r: _saturate(step, r, seen), -1, reward),  # noqa: B023
            ]
        )
        rmse[:, i] = np.sqrt(((predicted - reward[..., seen:]) ** 2).mean(-1))
    return xr.Dataset(
        {
            "rmse": labelled(
                ("predictor", "fraction", *RUN),
                rmse,
                "root mean square error of the accuracy in the rest of the run",
                nan=DIVERGED,
            ),
            "a_early": labelled(("fraction", *RUN), early[0], "coefficient a, fitted to the beginning", nan=DIVERGED),
            "b_early": labelled(("fraction", *RUN), early[1], "coefficient b, fitted to the beginning", nan=DIVERGED),
        },
        coords={"predictor": list(PREDICTORS), "fraction": fractions},
    )


def _saturate(step: np.ndarray, reward: np.ndarray, seen: int) -> np.ndarray:
    level, drop, scale = fit_saturation(step[:seen], reward[:seen])
    return level - drop * np.exp(-step[seen:] / scale)
