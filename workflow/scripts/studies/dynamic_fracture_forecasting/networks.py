"""Networks that make a movie of one image: plane convolutions, time slots, convolutions in space and time.

What is built in is that damage never heals: after the given frame its cells stay (their logits are raised), and no cell
that is intact in it was damaged before.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import xarray as xr
from torch.nn.functional import relu

from pesin.models.convolution import conv, conv_transposed, init_conv
from pesin.models.mlp import Parameters
from studies.dynamic_fracture_forecasting.params import Train

TASKS = ("forecast", "backcast", "any frame")
KEPT, RARE, CLOSED = 8.0, 3.0, -12.0
"""Added to the logits where the image is damaged, taken off everywhere later; logit of what can't have been."""
PLANES = 7
SLOTS = 4
"""Frames of a slot: two layers double the time."""
NEAR = 8.0
"""Cells in which positions relative to the tip are counted."""


class Shown(NamedTuple):
    """What networks see, each (samples, frames, ...)."""

    mask: np.ndarray
    """(samples, frames, y, x)"""
    tip: np.ndarray
    """Row and column of the rightmost damaged cell, the mean row if there are many: (samples, frames, 2)."""
    strain: np.ndarray
    """Scaled to about one, (samples,)."""

    def of(self, samples) -> Shown:
        """Some of the samples."""
        return Shown(self.mask[samples], self.tip[samples], self.strain[samples])


def shown(data: xr.Dataset, train: np.ndarray) -> Shown:
    """All samples; strains by mean and deviation of those that are trained on."""
    mask = data["mask"].values.astype(np.float32)
    strain = data["strain"].values
    scaled = (strain - strain[train].mean()) / strain[train].std()
    return Shown(mask, tips(mask), scaled.astype(np.float32))


def tips(mask: np.ndarray) -> np.ndarray:
    """Row and column of the rightmost damaged cell: (..., y, x) -> (..., 2); the middle left where there is none."""
    rows, columns = mask.shape[-2:]
    damaged = mask.max(-2) > 0
    column = np.where(damaged.any(-1), columns - 1 - damaged[..., ::-1].argmax(-1), 0)
    there = np.take_along_axis(mask, column[..., None, None], -1)[..., 0]
    total = there.sum(-1)
    row = np.where(total > 0, (there * np.arange(rows)).sum(-1) / np.maximum(total, 1e-9), rows / 2)
    return np.stack([row, column], -1).astype(np.float32)


def init(params: Train, runs: int, frames: int, generator: torch.Generator, device: str) -> Parameters:
    """Draw `runs` networks."""
    one, two, three = params.encoder
    first, second, third, last = params.decoder
    slots = frames // SLOTS
    layers = {
        "in": ((PLANES, one), (5, 5), False),
        "down": ((one, two), (3, 3), False),
        "deep": ((two, three), (3, 3), False),
        "slots": ((three, first * slots), (1, 1), False),
        "skip": ((one, third), (1, 1), False),
        "up": ((first, second), (2, 2, 2), True),
        "wide": ((second, third), (2, 2, 2), True),
        "mix": ((third, last), (1, 3, 3), False),
        "out": ((last, 1), (1, 2, 2), True),
    }
    parameters: Parameters = {}
    for name, (channels, kernel, transposed) in layers.items():
        parameters |= init_conv(runs, name, channels, kernel, generator, device, transposed)
    return parameters


def planes(seen: Shown, given: np.ndarray, device: str) -> torch.Tensor:
    """Input channels: (runs, batch, PLANES, y, x), of images (runs, batch, frames, ...) and frames (runs, batch)."""
    frames, rows, columns = seen.mask.shape[2:]
    image = np.take_along_axis(seen.mask, given[..., None, None, None], 2)[:, :, 0]
    tip = np.take_along_axis(seen.tip, given[..., None, None], 2)[:, :, 0, :, None, None]
    row, column = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    flat = [seen.strain, given / (frames - 1)]
    parts = [
        image,
        *(np.broadcast_to(v[..., None, None], image.shape) for v in flat),
        *(np.broadcast_to(v * 2.0 / (rows - 1) - 1, image.shape) for v in (row, column)),
        *((v - tip[:, :, i]) / NEAR for i, v in enumerate((row, column))),
    ]
    return torch.as_tensor(np.stack(parts, 2).astype(np.float32), device=device)


def movie(parameters: Parameters, x: torch.Tensor, given: torch.Tensor, frames: int):
    """Logits of damage, (runs, batch, frames, y, x), and the first layer's maps, for attention.

    Parameters
    ----------
    x : Tensor, shape (runs, batch, PLANES, y, x)
    given : Tensor, shape (runs, batch)
        Frames that x shows.
    """
    first = relu(conv(parameters, "in", x, 2))
    deep = relu(conv(parameters, "deep", relu(conv(parameters, "down", first, 2)), 2))
    slots = relu(conv(parameters, "slots", deep)).unflatten(2, (-1, frames // SLOTS))
    h = relu(conv_transposed(parameters, "up", slots, 2))
    h = conv_transposed(parameters, "wide", h, 2) + conv(parameters, "skip", first).unsqueeze(3)
    h = relu(conv(parameters, "mix", relu(h)))
    logits = conv_transposed(parameters, "out", h, [1, 2, 2])[:, :, 0]
    image = x[:, :, :1]
    before = (torch.arange(frames, device=x.device) <= given[..., None])[..., None, None]
    return torch.where(before, torch.where(image > 0, logits, CLOSED), logits + KEPT * image - RARE), first


def told(parameters: Parameters, seen: Shown, given: int, device: str, chunk: int = 24) -> np.ndarray:
    """Probabilities of damage by all runs for the same samples: float32, (runs, samples, frames, y, x)."""
    runs, frames = len(parameters["bias_in"]), seen.mask.shape[1]
    found = []
    for start in range(0, len(seen.mask), chunk):
        some = seen.of(slice(start, start + chunk))
        same = Shown(*(np.broadcast_to(v, (runs, *v.shape)) for v in some))
        frame = np.full(same.strain.shape, given)
        with torch.no_grad():
            logits, _ = movie(parameters, planes(same, frame, device), torch.as_tensor(frame, device=device), frames)
        found.append(torch.sigmoid(logits).numpy(force=True))
    return np.concatenate(found, 1)


def kept_of(trained: xr.DataTree, group: str, task: str, device: str) -> Parameters:
    """The networks of one task, from a group of the train step's result."""
    one = trained[group].to_dataset().sel(task=task)
    return {str(name): torch.as_tensor(v.values, device=device) for name, v in one.data_vars.items()}
