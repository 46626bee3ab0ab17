"""Sequences of walkers to learn from, and of others to be recognised under all conditions."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.gait_parsing_sequence.gait3d import recordings
from studies.gait_parsing_sequence.params import Params, Simulate
from studies.gait_parsing_sequence.representations import shuffled
from studies.gait_parsing_sequence.walkers import CONDITIONS, JOINTS, bodies, drawn, shots, under


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `train` (walkers under the wild condition), and `clean`, `view`, `dress`, `erased` and `wild` (others)."""
    params = case.params.simulate
    if params.source:
        made = recordings(params)
    else:
        by_seed = [_walkers(case.rng(f"walkers {seed}"), params) for seed in range(params.seeds)]
        made = {
            group: {n: np.stack([one[group][n] for one in by_seed]) for n in by_seed[0][group]} for group in by_seed[0]
        }
    rng = case.rng("shuffled")
    return xr.DataTree.from_dict({group: _dataset(rng, found) for group, found in made.items()})


def _walkers(rng: np.random.Generator, params: Simulate) -> dict[str, dict[str, np.ndarray]]:
    """By group: labels, joints and what is known of each sequence, of one seed."""
    found = {}
    for part, people in (("train", params.train), ("test", params.test)):
        each = params.sequences
        person = {name: np.repeat(values, each) for name, values in bodies(rng, people).items()}
        taken = shots(rng, people, each, params.frames)
        known = {"person": np.repeat(np.arange(people), each), "view": taken["view"], "dress": taken["dress"]}
        for group in ("train",) if part == "train" else CONDITIONS:
            here = under("wild" if group == "train" else group, taken)
            labels, joints = drawn(person, here, params.rows, params.columns)
            seen = {name: here[name] for name in ("view", "dress")}
            found[group] = {"labels": labels, "joints": joints} | known | seen
    return found


def _dataset(rng: np.random.Generator, found: dict[str, np.ndarray]) -> xr.Dataset:
    frames = ("seed", "sequence", "frame")
    return xr.Dataset(
        {
            "labels": labelled((*frames, "y", "x"), found["labels"], "part that a pixel belongs to"),
            "shuffled": labelled((*frames, "y", "x"), shuffled(rng, found["labels"]), "the same, dealt out anew"),
            "joints": labelled(
                (*frames, "joint", "axis"), found["joints"], "place of a joint", "pixel", may_be_constant=1
            ),
            "person": labelled(("seed", "sequence"), found["person"], "who walks"),
            "view": labelled(("seed", "sequence"), found["view"], "angle of view", "rad", may_be_constant=1),
            "dress": labelled(
                ("seed", "sequence"), found["dress"], "length of the dress", "pixel of 32 rows", may_be_constant=1
            ),
        },
        {"seed": np.arange(len(found["person"])), "joint": list(JOINTS), "axis": ["x", "y"]},
    )
