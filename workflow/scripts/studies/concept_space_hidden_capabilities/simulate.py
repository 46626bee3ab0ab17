"""Pictures of all four classes, with the condition of each; the train step leaves out the unseen one."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.concept_space_hidden_capabilities.images import (
    CLASSES,
    CONCEPTS,
    concept_signal,
    condition,
    factors,
    places,
    render,
)
from studies.concept_space_hidden_capabilities.params import Params


def simulate(case: Case[Params]) -> xr.Dataset:
    """Pictures by point, seed and sample; the points share the jitter of each sample."""
    p = case.params.simulate
    label = np.repeat(CLASSES, p.samples)
    jitter = case.rng("jitter").uniform(-1, 1, (p.seeds, len(label), 2))
    found = np.stack([factors(p, point, places(label), jitter) for point in p.points.values()])
    each = ("point", "seed", "sample")
    tables = {
        "image": labelled((*each, "channel", "y", "x"), render(p, found).astype(np.float32), "picture"),
        "condition": labelled((*each, "cond"), condition(p, found).astype(np.float32), "condition told"),
        "class": labelled("sample", label, "class: colour, size"),
        "concept_signal": labelled(
            ("point", "concept"),
            [concept_signal(p, point) for point in p.points.values()],
            "concept signal, RMS change of a pixel from class to class",
        ),
    }
    coords = {"point": list(p.points), "seed": np.arange(p.seeds), "channel": list("RGB"), "concept": list(CONCEPTS)}
    return xr.Dataset(tables, coords | {"cond": ["red", "green", "blue", "radius"]})
