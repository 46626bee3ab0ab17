"""Pen strokes of four letters of CharacterTrajectories, in place of the made-up ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pesin.errors import UserError

WHERE = "CharacterTrajectories_TRAIN.ts of https://www.timeseriesclassification.com"


def read_letters(path: str, classes: int) -> list[tuple[np.ndarray, int]]:
    """Strokes, (points, 3), and classes of the letters whose labels come first.

    A file in the format of sktime: below `@data` a line for each letter, `v,v,...:v,v,...:v,v,...:label`, a list for
    each channel (Bagnall and others 2018, arXiv 1811.00075).

    Raises
    ------
    UserError
        If the file isn't one.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    begin = next((i for i, line in enumerate(lines, 1) if line.strip().lower() == "@data"), None)
    if begin is None:
        raise UserError(f"simulate.series.letters: {path} has no line '@data'. Wanted is {WHERE}.")
    found = []
    for number, line in enumerate(lines[begin:], begin + 1):
        if not line.strip():
            continue
        *channels, label = line.strip().split(":")
        try:
            stroke = np.array([channel.split(",") for channel in channels], float).T
        except ValueError:
            stroke = np.zeros((0, 0))
        if stroke.ndim != 2 or stroke.shape[1] != 3 or len(stroke) < 2 or not np.isfinite(stroke).all():
            raise UserError(
                f"simulate.series.letters: line {number} of {path} isn't 3 lists of numbers, equally long, and a label."
            )
        found.append((stroke, label))
    known = sorted({label for _, label in found}, key=lambda label: (len(label), label))[:classes]
    if len(known) < classes:
        raise UserError(f"simulate.series.letters: {path} has {len(known)} letters, of {classes} needed.")
    return [(stroke, known.index(label)) for stroke, label in found if label in known]


def written(path: str, t: np.ndarray, classes: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Letters, no one twice for a seed, at times in [0, 1], (seeds, n, points): strokes (..., points, 3), classes."""
    letters, (seeds, n, _) = read_letters(path, classes), t.shape
    if len(letters) < n:
        raise UserError(
            f"simulate.series: train and test, or denser, ask for {n} series; {path} has {len(letters)} of the first"
            f" {classes} letters: type smaller numbers."
        )
    order = np.stack([rng.permutation(len(letters))[:n] for _ in range(seeds)])
    x = np.zeros((*t.shape, 3))
    for place, letter in np.ndenumerate(order):
        stroke = letters[letter][0]
        for channel, values in enumerate(stroke.T):
            x[(*place, slice(None), channel)] = np.interp(t[place], np.linspace(0, 1, len(stroke)), values)
    return x, np.array([kind for _, kind in letters])[order]
