"""Reader of Gait3D-Parsing, the real data: label maps of people in a supermarket, given out on request.

They come as pickles, which could run code when they are opened: nothing here reads those. Whoever trusts them writes
their arrays anew, once.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from pesin.errors import UserError
from studies.gait_parsing_sequence.params import Simulate
from studies.gait_parsing_sequence.walkers import JOINTS, LABELS

SPLIT = "Gait3D.json"
WHERE = (
    "Ask for Gait3D-Parsing at gait3d.github.io, write the array of each of its pickles by numpy.save, as .npy in its"
    f" place, and let simulate.source name the folder that holds the split, {SPLIT}, beside"
    " <person>/<camera>/<sequence>/*.npy."
)


def recordings(params: Simulate) -> dict[str, dict[str, np.ndarray]]:
    """Groups `train` and `wild` as the made walkers have them, the same for each seed; joints are not known, and zero.

    Of each person the first sequences with enough frames, frames evenly from each; people with too few are left out.

    Raises
    ------
    UserError
        If the folder, the split or a file is not as the data are; it says where to get them.
    """
    root = Path(str(params.source))
    if not (root / SPLIT).is_file():
        raise UserError(f"{root / SPLIT} isn't there. {WHERE}")
    split = json.loads((root / SPLIT).read_text(encoding="utf-8"))
    missing = {"TRAIN_SET", "TEST_SET"} - set(split)
    if missing:
        raise UserError(f"{root / SPLIT}: there is no {' and no '.join(sorted(missing))}. {WHERE}")
    return {
        group: _group(root, sorted(split[key]), many, params)
        for group, key, many in (("train", "TRAIN_SET", params.train), ("wild", "TEST_SET", params.test))
    }


def _group(root: Path, people: list[str], many: int, params: Simulate) -> dict[str, np.ndarray]:
    found: list[np.ndarray] = []
    for person in people:
        maps = [_frames(path, params) for path in sorted((root / person).glob("*/*/*.npy"))]
        enough = [one for one in maps if one is not None][: params.sequences]
        if len(enough) == params.sequences:
            found += enough
        if len(found) == many * params.sequences:
            break
    else:
        raise UserError(f"{root}: {len(found) // params.sequences} people have enough sequences, {many} are asked for.")
    labels = np.stack(found)
    shape = (params.seeds, len(labels))
    return {
        "labels": np.broadcast_to(labels, (params.seeds, *labels.shape)),
        "joints": np.zeros((*shape, params.frames, len(JOINTS), 2), np.float32),
        "person": np.broadcast_to(np.repeat(np.arange(many), params.sequences), shape),
        "view": np.zeros(shape),
        "dress": np.zeros(shape),
    }


def _frames(path: Path, params: Simulate) -> np.ndarray | None:
    """Label maps of one file, cropped to the columns in the middle and thinned to the rows; None if it is too short."""
    try:
        maps = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise UserError(f"{path}: {error}. {WHERE}") from None
    if maps.ndim != 3 or maps.shape[1] != maps.shape[2] or not np.isin(maps, np.arange(len(LABELS))).all():
        raise UserError(f"{path}: label maps are [frames, rows, rows] of 0 to {len(LABELS) - 1}, these aren't. {WHERE}")
    if maps.shape[1] % params.rows or maps.shape[1] // (maps.shape[1] // params.rows) < params.columns:
        raise UserError(f"{path}: maps of {maps.shape[1]} rows can't be cut to {params.rows} x {params.columns}.")
    if len(maps) < params.frames:
        return None
    small = maps[:: len(maps) // params.frames][
        : params.frames, :: maps.shape[1] // params.rows, :: maps.shape[1] // params.rows
    ]
    left = (small.shape[2] - params.columns) // 2
    return small[:, :, left : left + params.columns].astype(np.uint8)
