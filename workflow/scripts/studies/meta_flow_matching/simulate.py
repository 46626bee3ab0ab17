"""The populations of all worlds: to learn from, and to test with."""

from __future__ import annotations

import xarray as xr

from pesin.steps.case import Case
from studies.meta_flow_matching import letters
from studies.meta_flow_matching.organoids import organoids
from studies.meta_flow_matching.params import Params
from studies.meta_flow_matching.particles import particles
from studies.meta_flow_matching.populations import numbered


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups <world>/train and <world>/test of the four worlds."""
    params, seeds, groups = case.params.simulate, case.params.simulate.seeds, {}
    made = {kind: particles(case.rng(kind), params.particles, kind, seeds) for kind in ("drift", "shape")}
    made["letters"] = letters.letters(case.rng("letters"), params.letters, seeds)
    made["organoids"] = organoids(case.rng("organoids"), params.organoids, seeds)
    for world, both in made.items():
        for part, populations in zip(("train", "test"), both, strict=True):
            names = numbered(populations.before.shape[1])
            if world == "letters":
                names = letters.names(params.letters, part == "test")
            groups[f"{world}/{part}"] = populations.dataset(names)
    return xr.DataTree.from_dict(groups)
