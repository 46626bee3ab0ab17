"""Letters as populations of pixels, by matplotlib's own font; before: the same points with noise."""

from __future__ import annotations

from string import ascii_uppercase

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from studies.meta_flow_matching.params import Letters
from studies.meta_flow_matching.populations import Populations

EDGE = 3.0  # half the larger side of a letter
JITTER = 0.05
PIXELS = 200


def letters(rng: np.random.Generator, params: Letters, seeds: int) -> tuple[Populations, Populations]:
    """Letters to learn from and held-out ones, each turned; seeds share glyphs and angles, and draw their own points.

    The test's points are the same for all seeds.
    """
    train = [letter for letter in ascii_uppercase if letter not in params.held_out]
    angles = rng.uniform(0, 2 * np.pi, (len(ascii_uppercase), params.rotations))

    def populations(chosen: list[str], points: int) -> np.ndarray:
        return np.concatenate(
            [_turned(rng, letter, angles[ascii_uppercase.index(letter)], points) for letter in chosen]
        )

    after = np.stack([populations(train, params.points) for _ in range(seeds)])
    label = np.tile(np.repeat(np.arange(len(train)), params.rotations), (seeds, 1))
    learnt = Populations(after + params.noise * rng.standard_normal(after.shape), after, label)
    end, *again = (populations(list(params.held_out), params.points) for _ in range(3))
    start = end + params.noise * rng.standard_normal(end.shape)
    none = np.full((seeds, len(end)), -1)
    first, second, third, fourth = (np.stack([x] * seeds) for x in (start, end, *again))
    return learnt, Populations(first, second, none, np.stack([third, fourth]))


def names(params: Letters, held_out: bool) -> list[str]:
    """What the populations are called: X3 is the fourth rotation of X."""
    chosen = params.held_out if held_out else [c for c in ascii_uppercase if c not in params.held_out]
    return [f"{letter}{i}" for letter in chosen for i in range(params.rotations)]


def glyph(letter: str) -> np.ndarray:
    """Centres of the pixels that a letter covers, its larger side from -3 to 3: shape (pixels, 2)."""
    path = TextPath((0, 0), letter, size=100, prop=FontProperties(family="DejaVu Sans"))
    outlines = path.to_polygons()
    corners = np.concatenate(outlines)
    low, high = corners.min(0), corners.max(0)
    scale = 2 * EDGE / (high - low).max()
    line = (np.arange(PIXELS) + 0.5) / PIXELS * 2 * EDGE - EDGE
    pixels = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    # A pixel within an odd number of outlines is ink: a hole lies in two.
    inside = [Path((outline - (low + high) / 2) * scale).contains_points(pixels) for outline in outlines]
    return pixels[np.sum(inside, 0) % 2 == 1]


def _turned(rng: np.random.Generator, letter: str, angles: np.ndarray, points: int) -> np.ndarray:
    """A letter in each rotation, shape (rotations, points, 2)."""
    pixels = glyph(letter)
    x = pixels[rng.integers(len(pixels), size=(len(angles), points))]
    x = x + JITTER * rng.standard_normal(x.shape)
    cosine, sine = np.cos(angles), np.sin(angles)
    rotation = np.stack([np.stack([cosine, -sine], -1), np.stack([sine, cosine], -1)], -2)
    return x @ rotation.swapaxes(-1, -2)
