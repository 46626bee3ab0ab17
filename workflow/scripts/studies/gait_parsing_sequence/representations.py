"""What a network is shown of a walker: parts merged to fewer classes, and which networks there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from studies.gait_parsing_sequence.walkers import CHUNK, LABELS

PARTS = len(LABELS) - 1
CLASSES: dict[str, tuple[int, ...]] = {
    "silhouette": (0,) * PARTS,
    "three": (0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 0),
    "five": (0, 0, 1, 2, 1, 2, 3, 4, 3, 4, 0),
    "parsing": tuple(range(PARTS)),
}
"""Class of each part: trunk, arms, legs; the same with left and right apart; each part its own."""


@dataclass(frozen=True)
class Arm:
    """A network that is trained.

    Attributes
    ----------
    kind
        How the labels become channels; joints are no labels.
    labels
        Those of the parts, or shuffled among the pixels of the figure.
    masks
        Labels that cut the feature maps into the parts of the second head; without, there is none.
    graph
        Which parts of it are averaged.
    """

    kind: Literal["silhouette", "repeated", "three", "five", "parsing", "label_map", "joints"] = "parsing"
    labels: Literal["own", "shuffled"] = "own"
    masks: Literal["", "own", "shuffled"] = ""
    graph: Literal["", "star", "none", "random"] = ""


ARMS: dict[str, Arm] = {
    "silhouette": Arm("silhouette"),
    "repeated": Arm("repeated"),
    "three": Arm("three"),
    "five": Arm("five"),
    "parsing": Arm(),
    "label_map": Arm("label_map"),
    "shuffled": Arm(labels="shuffled"),
    "two_heads": Arm(masks="own", graph="star"),
    "no_graph": Arm(masks="own", graph="none"),
    "random_graph": Arm(masks="own", graph="random"),
    "shuffled_masks": Arm(masks="shuffled", graph="star"),
    "skeleton": Arm("joints"),
}

HINDERED = ("silhouette", "repeated", "parsing", "shuffled", "skeleton")
"""Networks that are compared under each condition."""


def families() -> dict[str, tuple[str, ...]]:
    """Networks of the same layers and inputs, which one loop can train: by the name of the first."""
    found: dict[tuple, list[str]] = {}
    for name, arm in ARMS.items():
        found.setdefault((arm.kind == "joints", arm.labels, arm.masks), []).append(name)
    return {names[0]: tuple(names) for names in found.values()}


def table(kind: str) -> np.ndarray:
    """What each part's label (rows) puts into each of 11 channels (columns).

    One channel for each class; `repeated` has the silhouette in all 11, `label_map` the label's number over 11 in one.
    """
    if kind == "repeated":
        return np.ones((PARTS, PARTS), np.float32)
    if kind == "label_map":
        return np.eye(1, PARTS, dtype=np.float32) * (np.arange(1, PARTS + 1, dtype=np.float32)[:, None] / PARTS)
    return np.eye(PARTS, dtype=np.float32)[list(CLASSES[kind])]


def merged(labels: np.ndarray, kind: str) -> np.ndarray:
    """Labels of the merged classes, 0 the background: uint8 of the same shape."""
    return np.array([0, *(1 + c for c in CLASSES[kind])], np.uint8)[labels]


def shuffled(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Deal the labels of each figure out among its pixels anew: the same outline and counts, no parts.

    Shape (..., rows, columns), each frame by itself.
    """
    flat = labels.reshape(-1, labels.shape[-2] * labels.shape[-1])
    found = np.zeros_like(flat)
    for start in range(0, len(flat), CHUNK):
        some = flat[start : start + CHUNK]
        figure = some > 0
        places = np.argsort(~figure, axis=1, kind="stable")  # those of the figure first, in order
        drawn = np.argsort(np.where(figure, rng.random(some.shape), 2), axis=1)  # and in any order
        np.put_along_axis(found[start : start + CHUNK], places, np.take_along_axis(some, drawn, 1), 1)
    return found.reshape(labels.shape)
