"""Offline data of one behaviour, test transitions of others without noise, and controllers to choose from."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.morec.fridge import POLICIES, episodes, linear, true_paths
from studies.morec.params import Params

TRUTH: dict[str, Any] = {"role": "truth", "may_be_constant": 1}


def simulate(case: Case[Params]) -> xr.DataTree:
    """`data` (seed, sample), `tests` (seed, policy, test) and `controllers` (controller)."""
    return xr.DataTree.from_dict({"data": _data(case), "tests": _tests(case), "controllers": _controllers(case)})


def _data(case: Case[Params]) -> xr.Dataset:
    params = case.params.simulate
    found = episodes(
        case.rng("data"),
        POLICIES["behaviour"],
        (params.seeds, params.episodes),
        params.steps,
        params.noise,
        params.explore,
    )
    state, action, after = (values.reshape(params.seeds, -1) for values in found)
    dims = ("seed", "sample")
    return xr.Dataset(
        {
            "state": labelled(dims, state, "temperature", "degC"),
            "action": labelled(dims, action, "cooling power"),
            "next": labelled(dims, after, "next temperature", "degC"),
        },
        {"seed": np.arange(params.seeds)},
    )


def _tests(case: Case[Params]) -> xr.Dataset:
    """Free of noise: a model's error is that of its law."""
    params, dims = case.params.simulate, ("seed", "policy", "test")
    shape = (params.seeds, params.test_episodes)
    each = [episodes(case.rng(f"test {name}"), policy, shape, params.test_steps) for name, policy in POLICIES.items()]
    state, action, after = (np.stack(v, 1).reshape(params.seeds, len(each), -1) for v in zip(*each, strict=True))
    return xr.Dataset(
        {
            "state": labelled(dims, state, "temperature", "degC", **TRUTH),
            "action": labelled(dims, action, "cooling power", **TRUTH),
            "next": labelled(dims, after, "next temperature", "degC", **TRUTH),
        },
        {"seed": np.arange(params.seeds), "policy": list(POLICIES)},
    )


def _controllers(case: Case[Params]) -> xr.Dataset:
    """u = gain (T - centre) + offset, and what each of them truly does."""
    params, rng = case.params.simulate, case.rng("controllers")
    gain, centre, offset = rng.uniform([0.2, -4, 0], [1.5, 8, 3], (params.controllers, 3)).T
    path = true_paths(gain, centre, offset, params.start, params.horizon)
    return xr.Dataset(
        {
            "gain": labelled("controller", gain, "gain", "1/degC"),
            "centre": labelled("controller", centre, "centre", "degC"),
            "offset": labelled("controller", offset, "offset"),
            "path": labelled(("controller", "time"), path, "true temperature", "degC", **TRUTH),
            "power": labelled(
                ("controller", "time"), linear(gain[:, None], centre[:, None], offset[:, None], path), "power", **TRUTH
            ),
        }
    )
