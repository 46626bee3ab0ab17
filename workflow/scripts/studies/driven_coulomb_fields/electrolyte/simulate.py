"""Densities of ions and of charge in a uniform field, each pair of modes stepped exactly from the uniform state on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.pseudospectral import half_plane
from pesin.integrate.stochastic import ornstein_uhlenbeck
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.driven_coulomb_fields.electrolyte.params import Params
from studies.driven_coulomb_fields.theory import noise, relaxation

MOMENTS = ("rhorho", "cc", "rhoc")


def simulate(case: Case[Params]) -> xr.Dataset:
    """Second moments of all modes over the snapshots, and the paths of some modes.

    A mode is rho and i c, each complex: (part, run, field, mode, density) with a part real and a part imaginary, which
    obey the same real equations. The moments are sums over what was stepped; no stationary covariance enters.
    """
    params = case.params.simulate
    vectors, fields = wave_vectors(params.length, params.cutoff), np.array(params.fields)
    rates, strength, rng = relaxation(vectors, fields), noise(vectors), case.rng("noise")
    clock = np.concatenate(
        [np.linspace(0, params.settle, 51), params.settle + params.spacing * np.arange(1, params.snapshots)]
    )
    state = np.zeros((2, params.runs, len(fields), len(vectors), 2))
    moments = np.zeros((len(MOMENTS), *state.shape[1:4]))
    states = ornstein_uhlenbeck(rates, strength, state, clock, rng, shared=(2,))
    for count, state in enumerate(case.progress(states, len(clock) - 1), start=1):
        if count >= 50:
            rho, turned = state[..., 0], state[..., 1]
            # rho c* = i rho (i c)*: what rho and i c share is the imaginary part of S_rhoc.
            moments += np.stack([(rho * rho).sum(0), (turned * turned).sum(0), (rho * turned).sum(0)])
    chosen = case.rng("followed").permutation(len(vectors))[: params.followed]
    frames = params.between * np.arange(params.frames)
    paths = [state[:, :, :, chosen]]
    paths += ornstein_uhlenbeck(rates[:, chosen], strength[chosen], paths[0], frames, rng, shared=(2,))
    path = np.stack(paths, 3).astype(np.float32)
    dims = ("part", "run", "field", "frame", "followed")
    return xr.Dataset(
        {
            "moments": labelled(
                ("moment", "run", "field", "mode"), moments / params.snapshots, "second moment of a mode", "C0"
            ),
            "rho": labelled(dims, path[..., 0], "charge density of a mode", "C0^(1/2)"),
            "ic": labelled(dims, path[..., 1], "i times the ion density of a mode", "C0^(1/2)"),
            "vector": labelled(("mode", "xy"), vectors, "wave vector", "kappa"),
            "followed_vector": labelled(("followed", "xy"), vectors[chosen], "wave vector", "kappa"),
        },
        {
            "moment": list(MOMENTS),
            "run": np.arange(params.runs),
            "field": fields,
            "part": ["real", "imaginary"],
            "frame": frames,
            "xy": ["x", "y"],
        },
    )


def wave_vectors(length: float, cutoff: float) -> np.ndarray:
    """One of each pair k, -k of a periodic square's modes within a circle, shape (modes, 2)."""
    vectors = half_plane(2 * int(cutoff * length / (2 * np.pi)) + 3, length)
    return vectors[(vectors**2).sum(-1) <= cutoff**2]
