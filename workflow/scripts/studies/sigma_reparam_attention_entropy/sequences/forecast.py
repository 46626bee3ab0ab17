"""How well the trained networks predict: losses on held-out sequences, usable learning rates, depth, early warning."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecast.classify import area_under_curve
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.sigma_reparam_attention_entropy.sequences.params import Params, Scores, Stability
from studies.sigma_reparam_attention_entropy.sequences.stability import arms, ceiling, diverged, instability

PREDICTORS = ("low attention entropy", "gradient norm", "learning rate")
LEARNED = "share of the way from symbol frequencies to the entropy of the source"
BEYOND = "share of the way from a network without attention to the entropy of the source"
LAST = 10  # steps whose mean training loss chooses a learning rate


def forecast(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return losses, usable learning rates, depths and early warning."""
    params, found = case.params.forecast, trained["grid"].to_dataset()
    attending = found.drop_sel({"variant": params.without_attention})
    return xr.merge(
        [losses(params, trained), usable_rates(params, found), depths(params, trained), warning(params, attending)]
    )


def final_loss(rule: Stability, found: xr.Dataset) -> xr.DataArray:
    """Held-out loss after training, nat; the ceiling for a run that diverged or stopped."""
    top = ceiling(rule, found)
    return xr.where(diverged(rule, found), top, found["held_out_loss"].fillna(top).clip(max=top))


def learned(rule: Stability, found: xr.Dataset) -> xr.DataArray:
    """Share of the way from the frequencies of symbols to the source's own entropy (text: 0); below 0: none."""
    start, end = found.attrs["frequencies_loss"], found.attrs["source_loss"]
    return (start - final_loss(rule, found)) / (start - end)


def without_attention(params: Scores, found: xr.Dataset) -> xr.DataArray:
    """What a network whose attention is off learns at its best learning rate."""
    return learned(params.stability, found).sel({"variant": params.without_attention}, drop=True).max("rate")


def losses(params: Scores, trained: xr.DataTree) -> xr.Dataset:
    """Final losses of all variants, and of the two arms with what they learnt."""
    found = trained["grid"].to_dataset()
    loss, chosen = final_loss(params.stability, found), params.arms.grid
    size = instability(params.stability, found)
    references = [found.attrs["frequencies_loss"], found.attrs["source_loss"]]
    of_arm, share = arms(chosen, loss), arms(chosen, learned(params.stability, found))
    excess = arms(chosen, loss / loss.min("rate") - 1)
    trivial = without_attention(params, found)
    said = "held-out loss after training; the divergence ceiling for diverged runs"
    variables = {
        "loss": labelled(loss.dims, loss, said, "nat"),
        "arm_loss": labelled(of_arm.dims, of_arm, said, "nat"),
        "arm_learned": labelled(share.dims, share, LEARNED),
        "instability": labelled(size.dims, size, "largest rise of the loss over its running minimum", "nat"),
        "arm_excess": labelled(excess.dims, excess, "loss over that of the arm's best learning rate, minus 1"),
        "learned_without_attention": labelled(trivial.dims, trivial, f"{LEARNED}, attention off, best learning rate"),
        "reference_loss": labelled("reference", references, "loss of symbol frequencies, of the source", "nat"),
    }
    coordinates = {**loss.coords, "arm": of_arm["arm"], "reference": ["symbol frequencies", "source"]}
    return xr.Dataset(variables, coordinates)


def usable_rates(params: Scores, found: xr.Dataset) -> xr.Dataset:
    """Width of the interval of learning rates around the best whose loss is near the best: own, and of both arms."""
    loss = arms(params.arms.grid, final_loss(params.stability, found)).isel({"depth": 0}, drop=True)
    loss = loss.transpose("arm", "seed", "rate")
    own = loss.min("rate")
    both = own.min("arm").broadcast_like(own).transpose(*own.dims)
    label = "width of the learning rates whose loss lies near the best; best: "
    return xr.Dataset(
        {
            name: labelled(
                ("arm", "seed"),
                usable_width(loss["rate"].values, loss.values, best.values * (1 + params.near_best)),
                label + said,
                "decades",
            )
            for name, best, said in (("rate_width", own, "the arm's own"), ("common_rate_width", both, "of both arms"))
        },
        {"arm": loss["arm"], "seed": loss["seed"]},
    )


def usable_width(rates: np.ndarray, loss: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Decades of learning rate, around the best one, in which the loss stays below the limit.

    Parameters
    ----------
    rates : ndarray, shape (rates,)
        Rising.
    loss : ndarray, shape (..., rates)
    limit : ndarray, shape (...)

    Returns
    -------
    ndarray, shape (...)
        The crossing is interpolated in log rate and loss; 0 if the best loss exceeds the limit.
    """
    x, width = np.log10(rates), np.zeros(limit.shape)
    for index in np.ndindex(limit.shape):
        y, top = loss[index], limit[index]
        best = int(y.argmin())
        if y[best] > top:
            continue
        ends = []
        for way in (-1, 1):
            i = best
            while 0 <= i + way < len(x) and y[i + way] <= top:
                i += way
            inside = 0 <= i + way < len(x)
            part = (top - y[i]) / (y[i + way] - y[i]) if inside else 0.0
            ends.append(x[i] + part * (x[i + way] - x[i]) if inside else x[i])
        width[index] = ends[1] - ends[0]
    return width


def depths(params: Scores, trained: xr.DataTree) -> xr.Dataset:
    """What each arm learns at each depth, with the learning rate that trains it best (mean over the seeds)."""
    found = trained["depth"].to_dataset()
    top = ceiling(params.stability, found)
    end = found["loss"].isel({"step": slice(-LAST, None)}).mean("step", skipna=False).fillna(top).clip(max=top)
    best = end.mean("seed").argmin("rate")
    trivial = without_attention(params, trained["grid"].to_dataset()).mean()
    share = (learned(params.stability, found) - trivial) / (1 - trivial)
    chosen = share.isel({"rate": best}).drop_vars("rate")
    of_arm = arms(params.arms.depth, chosen)
    renamed = {"variant": "depth_variant", "rate": "depth_rate", "seed": "depth_seed", "arm": "depth_arm"}
    return xr.Dataset(
        {
            "learned_at_depth": labelled(chosen.dims, chosen, f"{BEYOND}, best learning rate"),
            "arm_learned_at_depth": labelled(of_arm.dims, of_arm, f"{BEYOND}, best learning rate"),
            "learned_at_depth_and_rate": labelled(share.dims, share, BEYOND),
        },
        {**share.coords, "arm": of_arm["arm"]},
    ).rename(renamed | {"depth": "layers"})


def warning(params: Scores, found: xr.Dataset) -> xr.Dataset:
    """Area under the curve, seed by seed, with which a measurement before a step tells the runs unstable from it on.

    The learning rate, known before training, is the predictor to beat. NaN where a seed has no unstable run, or none
    that is stable.
    """
    at = [int(step) for step in found["probe"].values[:-1]]
    lowest = found["attention_entropy"].mean("head", skipna=False).min("layer", skipna=True)
    area = np.full((len(PREDICTORS), len(at), found.sizes["seed"]), np.nan)
    for j, step in enumerate(at):
        later = instability(params.stability, found, since=step) > params.unstable
        scores = (
            -lowest.sel({"probe": step}),
            found["gradient_norm"].isel({"step": step}),
            found["rate"].broadcast_like(later),
        )
        for i, score in enumerate(scores):
            for k in range(found.sizes["seed"]):
                unstable, value = (
                    v.isel({"seed": k}).transpose("variant", "depth", "rate").values for v in (later, score)
                )
                known = np.isfinite(value)
                yes, no = value[known & unstable], value[known & ~unstable]
                area[i, j, k] = area_under_curve(yes, no) if yes.size and no.size else np.nan
    said, none = "area under the receiver operating curve", "a seed whose runs are all stable from then on, or all not"
    return xr.Dataset(
        {"warning": labelled(("predictor", "before", "seed"), area, said, nan=none)},
        {"predictor": list(PREDICTORS), "before": at, "seed": found["seed"]},
    )
