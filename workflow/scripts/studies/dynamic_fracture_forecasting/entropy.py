"""What networks are unsure of, cell by cell, and where they look: predictive entropy, Brier score, Grad-CAM."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.special import entr

from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.dynamic_fracture_forecasting.networks import TASKS, Shown, kept_of, movie, planes, shown, told
from studies.dynamic_fracture_forecasting.params import Params

WINDOWS = ("early", "late")


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """By task and frame given, and frame told; attention by network, window and sample."""
    simulated, asked = case.params.simulate, case.params.entropy
    learnt = np.arange(simulated.samples - case.params.train.tested)
    seen = shown(data, learnt).of(slice(len(learnt), None))
    last = simulated.frames - 1
    given = [0, (last + 1) // 3, 2 * (last + 1) // 3, last]
    told_from = {"forecast": ("forecast", 0), "backcast": ("backcast", last)}
    told_from |= {f"any frame, {frame}": ("any frame", frame) for frame in given}
    networks = {task: chosen(case, trained, task) for task in TASKS}
    both = [scored(told(networks[task], seen, frame, case.device), seen.mask) for task, frame in told_from.values()]
    unsure, error = zip(*both, strict=True)
    maps = {window: attention(case, networks["forecast"], seen, getattr(asked, window)) for window in WINDOWS}
    tip = seen.tip[:, 0]
    focus = np.stack([focused(maps[window], tip, asked.radius) for window in WINDOWS])
    dims = ("told", "frame", "sample")
    return xr.Dataset(
        {
            "uncertainty": labelled(dims, unsure, "predictive entropy of a cell", "nat", nan=DIVERGED),
            "brier": labelled(dims, error, "squared error of the probabilities", nan=DIVERGED),
            "focus": labelled(
                ("window", "network", "sample"), focus, "attention near the tip over its mean", nan="an empty map"
            ),
            "attention": labelled(
                ("window", "y", "x"),
                np.stack([maps[w][0, 0] for w in WINDOWS]),
                "attention, first test sample",
                nan=DIVERGED,
            ),
            "tip": labelled("axis", tip[0], "tip of the notch, first test sample", "cell"),
        },
        {
            "told": list(told_from),
            "given": labelled("told", [frame for _, frame in told_from.values()], "frame given"),
            "frame": np.arange(simulated.frames),
            "sample": data["sample"].values[len(learnt) :],
            "window": list(WINDOWS),
            "axis": ["y", "x"],
            "network": np.arange(focus.shape[1]),
        },
    )


def chosen(case: Case[Params], trained: xr.DataTree, task: str) -> Parameters:
    """The networks that the case asks for."""
    which = case.params.entropy.networks
    found = kept_of(trained, "start" if which == "untrained" else "end", task, case.device)
    return found if which != "shuffled" else shuffled(found, case.rng("shuffle"))


def shuffled(parameters: Parameters, rng: np.random.Generator) -> Parameters:
    """All numbers of each layer of each network in another order."""
    found = {}
    for name, value in parameters.items():
        flat = value.numpy(force=True).reshape(len(value), -1)
        found[name] = torch.as_tensor(rng.permuted(flat, axis=1).reshape(value.shape), device=value.device)
    return found


def scored(p: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entropy and squared error of Bernoulli laws, means over networks and cells: (frames, samples) each.

    Parameters
    ----------
    p : ndarray, shape (runs, samples, frames, y, x)
    truth : ndarray, shape (samples, frames, y, x)
    """
    unsure = (entr(p) + entr(1 - p)).mean((0, 3, 4))
    return unsure.T, ((p - truth) ** 2).mean((0, 3, 4)).T


def attention(
    case: Case[Params], parameters: Parameters, seen: Shown, window: tuple[int, int], chunk: int = 24
) -> np.ndarray:
    """Grad-CAM (Selvaraju and others, ICCV 2017) of the damage that is foretold in some frames: (runs, samples, y, x).

    The first layer's maps, weighted by the mean gradient of the summed probabilities, negative sums taken as 0. Deeper
    layers have too few points to tell a tip from its surroundings.
    """
    runs, frames = len(parameters["bias_in"]), seen.mask.shape[1]
    own = {name: value.detach().requires_grad_() for name, value in parameters.items()}
    found = []
    for start in range(0, len(seen.mask), chunk):
        same = Shown(*(np.broadcast_to(v, (runs, *v.shape)) for v in seen.of(slice(start, start + chunk))))
        given = np.zeros(same.strain.shape, int)
        x = planes(same, given, case.device)
        logits, first = movie(own, x, torch.as_tensor(given, device=case.device), frames)
        damage = torch.sigmoid(logits[:, :, window[0] : window[1] + 1]) * (1 - x[:, :, :1])
        gradient = torch.autograd.grad(damage.sum(), first)[0]
        weight = gradient.mean((-1, -2), keepdim=True)
        found.append(torch.relu((weight * first).sum(2)).numpy(force=True))
    cam = np.concatenate(found, 1)
    times = seen.mask.shape[-1] // cam.shape[-1]
    return np.repeat(np.repeat(cam, times, -2), times, -1)


def focused(maps: np.ndarray, tip: np.ndarray, radius: float) -> np.ndarray:
    """Mean weight within a radius of the tip over that of the whole image, (runs, samples); NaN of an empty map.

    Parameters
    ----------
    maps : ndarray, shape (runs, samples, y, x)
    tip : ndarray, shape (samples, 2)
        Row and column.
    """
    row, column = np.meshgrid(*map(np.arange, maps.shape[-2:]), indexing="ij")
    near = (row - tip[:, 0, None, None]) ** 2 + (column - tip[:, 1, None, None]) ** 2 <= radius**2
    inside = (maps * near).sum((-1, -2)) / near.sum((-1, -2))
    whole = maps.mean((-1, -2))
    return np.where(whole > 0, inside / np.where(whole > 0, whole, 1), np.nan)
