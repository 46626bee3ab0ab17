"""Movies by the networks and by what costs nothing, and their scores: overlap, tips, speeds, roughness, instability."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.forecast.classify import area_under_curve
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
    either = {given: movies("any frame", given) for given in asked.given}
    cheap = {0: baselines(past, seen, 0), last: baselines(past, seen, last)}
    iou = [all_overlaps(p, cheap[given], truth, notch) for p, given in ((forward, 0), (backward, last))]
    sides = between(either, truth, notch, asked.judged)
    found = xr.Dataset(
        {
            "iou": labelled(("told", "method", "sample", "frame"), iou, "overlap of new damage", nan=DIVERGED),
            "forecast_iou": labelled(
                ("method", "sample"), iou[0][..., asked.judged :].mean(-1), "overlap of forecasts", nan=DIVERGED
            ),
            "backcast_iou": labelled(
                ("method", "sample"),
                iou[1][..., asked.judged : asked.early + 1].mean(-1),
                "overlap of early frames, told from the last",
                nan=DIVERGED,
            ),
            "any_iou": labelled(
                ("side", "two", "sample"),
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
            "two": list(METHODS[:2]),
            "side": list(sides),
            "shown": ["simulation", "forecast", "backcast"],
            "sample": data["sample"].values[cut:],
            "frame": np.arange(last + 1),
        },
    )
    return found.merge(speed_and_path(data, everyone.mask > 0, forward, cut))


def between(either: dict[int, np.ndarray], truth: np.ndarray, notch: np.ndarray, judged: int) -> dict[str, list]:
    """Overlap before and after each frame given, by networks and by that frame repeated: (2, samples) each."""
    sides: dict[str, list] = {"before": [], "after": []}
    for given, p in either.items():
        kept = np.broadcast_to(truth[:, given : given + 1], truth.shape)
        pair = all_overlaps(p, [kept], truth, notch)
        sides["before"].append(pair[..., judged:given].mean(-1))
        sides["after"].append(pair[..., given + 1 :].mean(-1))
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
        a, b = (np.column_stack([s.strain, s.tip[:, 0]]) for s in (seen, past))
        spread = b.std(0)
        distance = (((a[:, None] - b) / np.where(spread > 0, spread, 1)) ** 2).sum(-1)
    held = np.broadcast_to(new[:, given : given + 1], new.shape)
    return [held, np.broadcast_to(typical, new.shape), old[distance.argmin(1)]]


def speed_and_path(data: xr.Dataset, mask: np.ndarray, forward: np.ndarray, cut: int) -> xr.Dataset:
    """Speeds and roughness of the test samples, simulated and foretold by one rule; how well instability is told."""
    truth, notch = mask[cut:], mask[cut:, :1]
    width = mask.shape[-1]
    to_speed = data.attrs["width"] / width / data.attrs["frame_time"]
    foretold = forward > CUT
    there = np.broadcast_to(notch, truth.shape)
    true_tip = reach(truth, there)
    own_tip = np.stack([reach(one, there) for one in foretold])
    true_speed, own_speed = (speeds(tip, width) * to_speed for tip in (true_tip, own_tip))
    rough = roughness(mask[:, -1], mask[:, 0])
    unstable = rough[cut:] > np.median(rough[:cut])
    own_rough = roughness(foretold[:, :, -1], np.broadcast_to(notch[:, 0], foretold[:, :, -1].shape))
    strain = data["strain"].values[cut:]
    both = unstable.any() and not unstable.all()
    auc = area_under_curve(own_rough[:, unstable], own_rough[:, ~unstable]) if both else np.full(len(forward), np.nan)
    alone = area_under_curve(strain[unstable], strain[~unstable]) if both else np.nan
    one_class = "all test samples are of one class"
    return xr.Dataset(
        {
            "tip": labelled(("network", "sample", "frame"), own_tip, "foretold tip", "cell"),
            "true_tip": labelled(("sample", "frame"), true_tip, "simulated tip", "cell"),
            "speed": labelled(("network", "sample"), own_speed, "foretold speed", "spacing / time"),
            "mean_speed": labelled("sample", own_speed.mean(0), "foretold speed, mean", "spacing / time"),
            "true_speed": labelled("sample", true_speed, "simulated speed", "spacing / time"),
            "speed_error": labelled(
                "sample",
                np.abs(own_speed - true_speed).mean(0) / max(true_speed.mean(), 1e-9),
                "error of the speed over its mean",
            ),
            "top_speed": labelled(
                "sample", data["top_speed"].values[cut:], "simulated speed of the front", "spacing / time"
            ),
            "roughness": labelled(("network", "sample"), own_rough, "foretold roughness", "cell"),
            "true_roughness": labelled("sample", rough[cut:], "simulated roughness", "cell"),
            "auc": labelled("network", auc, "AUC of instability", nan=one_class),
            "strain_auc": labelled((), alone, "AUC of instability by the strain alone", nan=one_class),
        },
        {"network": np.arange(len(forward))},
    )
