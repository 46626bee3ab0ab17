"""Movies by the networks and by what costs nothing, and their scores: overlap, tips, speeds, roughness, instability."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecast.classify import area_under_curve
from pesin.stats.bootstrap import unit_bootstrap
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.dynamic_fracture_forecasting.networks import Shown, kept_of, shown, told
from studies.dynamic_fracture_forecasting.params import Params
from studies.dynamic_fracture_forecasting.scores import best_threshold, overlap, reach, roughness, speeds

METHODS = ("network", "persistence", "mean movie", "nearest sample")
CUT = 0.5
"""Probability above which a cell counts as damaged."""


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """By method and test sample; the networks' numbers are means over them, unless they have the dimension network."""
    simulated, asked = case.params.simulate, case.params.forecast
    cut, last = simulated.samples - case.params.train.tested, simulated.frames - 1
    everyone = shown(data, np.arange(cut))
    seen, past = everyone.of(slice(cut, None)), everyone.of(slice(None, cut))
    truth = seen.mask > 0
    notch = truth[:, :1]
    group = "end" if asked.networks == "trained" else "start"
    looks = seen if asked.inputs == "own" else seen.of(np.roll(np.arange(len(truth)), -1))

    def movies(task: str, given: int) -> np.ndarray:
        return told(kept_of(trained, group, task, case.device), looks, given, case.device)

    forward, backward = movies("forecast", 0), movies("backcast", last)
    cheap = {given: baselines(past, seen, given) for given in (0, *asked.given, last)}
    iou = [all_overlaps(p, cheap[given], truth, notch) for p, given in ((forward, 0), (backward, last))]
    either = {given: movies("any frame", given) for given in asked.given}
    sides = between(either, cheap, truth, notch, asked.judged)
    kept = iou[0][..., asked.judged :], iou[1][..., asked.judged : asked.early + 1]
    dims = "method", "sample"
    found = xr.Dataset(
        {
            "iou": labelled(("told", "method", "sample", "frame"), iou, "overlap of new damage", nan=DIVERGED),
            "forecast_iou": labelled(dims, kept[0].mean(-1), "overlap of forecasts", nan=DIVERGED),
            "backcast_iou": labelled(dims, kept[1].mean(-1), "overlap of early frames in histories", nan=DIVERGED),
            "any_iou": labelled(
                ("side", *dims),
                [np.mean(sides[side], 0) for side in sides],
                "overlap before and after the given frame",
                nan=DIVERGED,
            ),
            "example": labelled(
                ("shown", "frame", "y", "x"),
                np.stack([truth[0], forward[0, 0], backward[0, 0]]).astype(np.float32),
                "damage, or its probability, first test sample",
                nan=DIVERGED,
            ),
        },
        {
            "told": ["forecast", "backcast"],
            "method": list(METHODS),
            "side": list(sides),
            "shown": ["simulation", "forecast", "backcast"],
            "sample": data["sample"].values[cut:],
            "frame": np.arange(last + 1),
        },
    )
    return found.merge(speed_and_path(data, everyone, forward, cut, case.rng("slabs drawn again")))


def between(either: dict[int, np.ndarray], cheap: dict[int, list], truth, notch, judged: int) -> dict[str, list]:
    """Overlap before and after each frame given, of all methods: (methods, samples) each."""
    sides: dict[str, list] = {"before": [], "after": []}
    for given, p in either.items():
        found = all_overlaps(p, cheap[given], truth, notch)
        sides["before"].append(found[..., judged:given].mean(-1))
        sides["after"].append(found[..., given + 1 :].mean(-1))
    return sides


def all_overlaps(p: np.ndarray, cheap: list[np.ndarray], truth: np.ndarray, notch: np.ndarray) -> np.ndarray:
    """Of all methods: (methods, samples, frames); the networks' mean."""
    own = overlap(p > CUT, truth, notch).mean(0)
    own = np.where(np.isfinite(p).all((0, 2, 3, 4))[:, None], own, np.nan)
    return np.stack([own, *(overlap(movie, truth, notch) for movie in cheap)])


def baselines(past: Shown, seen: Shown, given: int) -> list[np.ndarray]:
    """Movies of the test samples without a network, bool, in the order of METHODS from the second on.

    The image for ever; the mean of the training movies, cut where it overlaps best with them; the training movie that
    is nearest, by strain and notch where the first image is given, else by the number of cells that differ.
    """
    old, new = past.mask > 0, seen.mask > 0
    notch = old[:, :1]
    mean = old.mean(0)
    typical = mean > best_threshold(mean, old, notch)
    if given:
        a, b = (m[:, given].reshape(len(m), -1).astype(np.float32) for m in (new, old))
        distance = a.sum(1)[:, None] + b.sum(1) - 2 * a @ b.T
    else:
        a, b = told_by(seen), told_by(past)
        spread = b.std(0)
        distance = (((a[:, None] - b) / np.where(spread > 0, spread, 1)) ** 2).sum(-1)
    held = np.broadcast_to(new[:, given : given + 1], new.shape)
    return [held, np.broadcast_to(typical, new.shape), old[distance.argmin(1)]]


def told_by(some: Shown) -> np.ndarray:
    """Strain and notch of each sample, (samples, 3)."""
    return np.column_stack([some.strain, some.tip[:, 0]])


def quadratic(known: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Least squares of a quadratic: (cases, variables), (cases,), (others, variables) -> (others,)."""
    centre, spread = known.mean(0), known.std(0) + 1e-9
    pairs = np.triu_indices(1 + known.shape[1])

    def features(x: np.ndarray) -> np.ndarray:
        own = np.column_stack([np.ones(len(x)), (x - centre) / spread])
        return own[:, pairs[0]] * own[:, pairs[1]]

    return features(asked) @ np.linalg.lstsq(features(known), values, rcond=None)[0]


def gain(
    rng: np.random.Generator, rough: np.ndarray, strain: np.ndarray, unstable: np.ndarray
) -> tuple[float, float, float]:
    """AUC of the networks, their mean, less that of the strain alone: (gain, low, high), 95 % over test samples.

    Parameters
    ----------
    rough : ndarray, shape (networks, samples)
    strain, unstable : ndarray, shape (samples,)
        The second is bool. All networks and the strain are scored on the same samples of each draw.
    """

    def statistic(scores: np.ndarray, yes: np.ndarray) -> float:
        if yes.all() or not yes.any():
            return np.nan
        auc = area_under_curve(scores[yes].T, scores[~yes].T)
        return float(auc[:-1].mean() - auc[-1])

    return unit_bootstrap(rng, statistic, (np.column_stack([rough.T, strain]), unstable))


def told_apart(rng: np.random.Generator, rough: np.ndarray, strain: np.ndarray, unstable: np.ndarray) -> xr.Dataset:
    """How well networks and the strain alone tell unstable cracks from the others; arguments as of `gain`."""
    both = unstable.any() and not unstable.all()
    auc = area_under_curve(rough[:, unstable], rough[:, ~unstable]) if both else np.full(len(rough), np.nan)
    alone = area_under_curve(strain[unstable], strain[~unstable]) if both else np.nan
    more, low, high = gain(rng, rough, strain, unstable)
    one_class = "all test samples are of one class"
    return xr.Dataset(
        {
            "auc": labelled("network", auc, "AUC of instability", nan=one_class),
            "strain_auc": labelled((), alone, "AUC of instability by the strain alone", nan=one_class),
            "auc_gain": labelled((), more, "AUC above that of the strain alone", nan=one_class),
            "auc_gain_low": labelled((), low, "lower end of its interval over test samples", nan=one_class),
            "auc_gain_high": labelled((), high, "upper end of its interval over test samples", nan=one_class),
        }
    )


def speed_and_path(
    data: xr.Dataset, everyone: Shown, forward: np.ndarray, cut: int, rng: np.random.Generator
) -> xr.Dataset:
    """Speeds and roughness of the test samples, simulated and foretold by one rule; how well instability is told."""
    mask, known = everyone.mask > 0, told_by(everyone)
    notch, width = mask[:, :1], mask.shape[-1]
    to_speed = data.attrs["width"] / width / data.attrs["frame_time"]
    foretold = forward > CUT
    there = np.broadcast_to(notch, mask.shape)
    all_tips = reach(mask, there)
    own_tip = np.stack([reach(one, there[cut:]) for one in foretold])
    all_speeds, own_speed = (speeds(tip, width) * to_speed for tip in (all_tips, own_tip))
    true_speed = all_speeds[cut:]
    scale = max(true_speed.mean(), 1e-9)
    rough = roughness(mask[:, -1], mask[:, 0])
    typical = np.median(rough[:cut])
    unstable = rough[cut:] > typical
    own_rough = roughness(foretold[:, :, -1], np.broadcast_to(notch[cut:, 0], foretold[:, :, -1].shape))
    strain, top = (data[name].values[cut:] for name in ("strain", "top_speed"))
    fitted = quadratic(known[:cut], all_speeds[:cut], known[cut:])
    return xr.Dataset(
        {
            "tip": labelled(("network", "sample", "frame"), own_tip, "foretold tip", "cell"),
            "true_tip": labelled(("sample", "frame"), all_tips[cut:], "simulated tip", "cell"),
            "speed": labelled(("network", "sample"), own_speed, "foretold speed", "spacing / time"),
            "mean_speed": labelled("sample", own_speed.mean(0), "foretold speed, mean", "spacing / time"),
            "true_speed": labelled("sample", true_speed, "simulated speed", "spacing / time"),
            "fitted_speed": labelled("sample", fitted, "speed by a quadratic in strain and notch", "spacing / time"),
            "speed_error": labelled(
                "sample",
                np.abs(own_speed - true_speed).mean(0) / scale,
                "error of the speed over its mean",
            ),
            "constant_error": labelled(
                "sample", np.abs(all_speeds[:cut].mean() - true_speed) / scale, "that of the mean training speed"
            ),
            "top_speed": labelled("sample", top, "simulated speed, mean over part of the width", "spacing / time"),
            "roughness": labelled(("network", "sample"), own_rough, "foretold roughness", "cell"),
            "true_roughness": labelled("sample", rough[cut:], "simulated roughness", "cell"),
            "typical_roughness": labelled((), typical, "median training roughness", "cell"),
        },
        {"network": np.arange(len(forward))},
    ).merge(told_apart(rng, own_rough, strain, unstable))
