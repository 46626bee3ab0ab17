"""Diffusion of a canvas on which a molecule's string and its properties lie side by side: one is given, one is noise.

The forward model gets the string and makes the properties, the inverse one the reverse: the same network, as in
painting a picture's missing part. The schedule is the cosine one, x(t) = cos(pi t / 2) noise + sin(pi t / 2) clean.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import one_hot, silu

from pesin.integrate.steppers import follow, last
from pesin.models.bridges import Interpolant, time_features
from pesin.models.convolution import conv, conv_transposed, init_conv
from pesin.models.mlp import Parameters, apply_mlp, init_mlp
from studies.molecular_generative_design.language import END, FIRST_CHARACTER, Language

DIRECTIONS = ("forward", "inverse")
BRIDGE = Interpolant("trigonometric", "none")
TIMES = 8
LEAST = 0.02
"""Of the noise's share: nearer the end the velocity isn't larger."""
LOUD = 2.0
"""Value of a character that is there; noise has 1."""


def shades(language: Language) -> int:
    """Channels of a canvas: END, the characters, and the value of a property."""
    return 2 + len(language.characters)


def canvas(language: Language, strings: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Strings (..., string) as one-hot columns, then properties (..., slots): shape (..., channels, string + slots)."""
    place = torch.where(strings == END, 0, strings - FIRST_CHARACTER + 1)
    left = LOUD * one_hot(place, shades(language) - 1).float().mT
    left = torch.cat([left, torch.zeros_like(left[..., :1, :])], -2)
    right = torch.zeros(*left.shape[:-1], values.shape[-1], device=left.device)
    right[..., -1, :] = values
    return torch.cat([left, right], -1)


def on_canvas(language: Language, x: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The most likely string tokens (..., string) and the values (..., slots) of a canvas."""
    place = x[..., :-1, : language.string].argmax(-2).numpy(force=True)
    return np.where(place == 0, END, place - 1 + FIRST_CHARACTER), x[..., -1, language.string :].numpy(force=True)


def wanted(language: Language, runs: int, device: str | torch.device) -> torch.Tensor:
    """Where each run paints, (runs, 1, channels, length): the first half the values, the others the strings."""
    found = torch.zeros(runs, 1, shades(language), language.string + language.slots, device=device)
    found[: runs // 2, :, -1, language.string :] = 1
    found[runs // 2 :, :, :-1, : language.string] = 1
    return found


def init_unet(runs: int, language: Language, channels: int, generator: torch.Generator) -> Parameters:
    """Two levels down and up, a wide kernel at the bottom, and a network that tells all levels of time and values."""
    c, ends = channels, shades(language)
    layers = {
        "in": (2 * ends, c, 3), "down": (c, c, 3), "deep": (c, c, 3), "wide": (c, c, 7), "join": (2 * c, c, 3),
        "last": (2 * c, c, 3), "out": (c, ends, 1),
    }  # fmt: skip
    found: Parameters = {}
    for name, (one, two, kernel) in layers.items():
        found |= init_conv(runs, name, (one, two), [kernel], generator)
    for name in ("up", "top"):
        found |= init_conv(runs, name, (c, c), [2], generator, transposed=True)
    told = init_mlp(runs, (TIMES + language.slots, 2 * c, 4 * c), generator)
    return found | {f"told_{name}": value for name, value in told.items()}


def painted(weights: Parameters, language: Language, x: torch.Tensor, given: torch.Tensor, t: torch.Tensor):
    """The clean canvas, as the networks expect it: shapes (runs, batch, channels, length), t (runs, batch, 1)."""
    told = {name.removeprefix("told_"): value for name, value in weights.items() if name.startswith("told_")}
    hints = torch.cat([time_features(t, TIMES), given[..., -1, language.string :]], -1)
    shift = [one[..., None] for one in apply_mlp(told, hints, silu).chunk(4, -1)]
    high = silu(conv(weights, "in", torch.cat([x, given], 2)) + shift[0])
    middle = silu(conv(weights, "down", high, 2) + shift[1])
    low = silu(conv(weights, "deep", middle, 2) + shift[2])
    low = low + silu(conv(weights, "wide", low) + shift[3])
    up = conv_transposed(weights, "up", low, 2)[..., : middle.shape[-1]]
    up = silu(conv(weights, "join", torch.cat([up, middle], 2)))
    up = conv_transposed(weights, "top", up, 2)[..., : high.shape[-1]]
    return conv(weights, "out", silu(conv(weights, "last", torch.cat([up, high], 2))))


def diffusion_loss(
    weights: Parameters, language: Language, clean: torch.Tensor, noise: torch.Tensor, t: torch.Tensor
) -> torch.Tensor:
    """Mean squared error of the clean canvas where it is wanted, shape (runs,); both directions get the same batches.

    clean and noise (seeds, batch, channels, length), t (seeds, batch, 1, 1).
    """
    clean, noise, t = (torch.cat([part, part]) for part in (clean, noise, t))
    mask = wanted(language, len(clean), clean.device)
    a, b, _ = BRIDGE.values(t)
    x = mask * (a * noise + b * clean)
    found = painted(weights, language, x, (1 - mask) * clean, t[..., 0])
    return ((found - clean).square() * mask).sum((1, 2, 3)) / mask.sum((1, 2, 3)) / clean.shape[1]


@torch.no_grad()
def sampled(
    weights: Parameters, language: Language, given: torch.Tensor, noise: torch.Tensor, steps: int
) -> torch.Tensor:
    """Canvases from noise by Euler's method on the velocity of the bridge, what is given held fixed.

    given and noise (runs, batch, channels, length); of `given` only what isn't wanted is looked at.
    """
    mask = wanted(language, len(given), given.device)
    known = (1 - mask) * given

    def velocity(x: torch.Tensor, time: float) -> torch.Tensor:
        t = torch.full((*x.shape[:2], 1), time, device=x.device)
        clean = painted(weights, language, x, known, t)
        (a, b, _), (da, db, _) = BRIDGE.values(time), BRIDGE.rates(time)
        return mask * (da * (x - b * clean) / max(float(a), LEAST) + db * clean)

    return last(follow(velocity, mask * noise, np.linspace(0, 1, steps + 1), "euler")) + known
