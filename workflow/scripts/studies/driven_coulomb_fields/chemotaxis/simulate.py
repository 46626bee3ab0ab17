"""The gradient of the signal, with the polarity's coupling and without, under the same noise."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.driven_coulomb_fields import burgers
from studies.driven_coulomb_fields.chemotaxis.params import Params, Simulate

ARMS = ("coupled", "linear")


def simulate(case: Case[Params]) -> xr.Dataset:
    """Modes of u at stored times of the second half, and at every step of a burst after the end.

    The coupled fields begin flat. Those without coupling, the control, would take longer than the run to settle, so
    they begin at rest in law. Stored are the modes free of aliases but for the mean, in units in which their mean
    square is the structure factor.
    """
    params = case.params.simulate
    rng, every = case.rng("noise"), round(params.spacing / params.step)
    coupling = np.array([params.coupling, 0.0])[:, None, None]
    told = equation(params)
    state = np.zeros((len(ARMS), params.realisations, params.points // 2 + 1), complex)
    rest = {name: told[name] for name in ("points", "length", "nu", "strength")}
    state[1] = burgers.linear_law(case.rng("rest"), params.realisations, **rest)
    steps, stored = round(params.time / params.spacing), []
    with np.errstate(over="ignore", invalid="ignore"):
        path = burgers.noisy(state, rng, coupling=coupling, steps=steps * every, every=every, **told)
        for count, state in enumerate(case.progress(path, steps), start=1):
            if 2 * count > steps:
                stored.append(in_units(params, state))
        state = state[:1]
        burst = [in_units(params, state[0])]
        for after in burgers.noisy(state, rng, coupling=params.coupling, steps=params.burst, **told):
            burst.append(in_units(params, after[0]))
    modes = 1 + np.arange(stored[0].shape[-2])
    names = {
        "arm": list(ARMS),
        "realisation": np.arange(params.realisations),
        "mode": modes,
        "part": ["real", "imaginary"],
    }
    clock = {"time": params.spacing * np.arange(len(stored)), "instant": params.step * np.arange(len(burst))}
    said = {"name": "mode of the signal's gradient", "units": "(D0 / nu)^(1/2)", "nan": DIVERGED}
    return xr.Dataset(
        {
            "u": labelled(("arm", "realisation", "time", "mode", "part"), np.stack(stored, 2), **said),
            "burst": labelled(("realisation", "instant", "mode", "part"), np.stack(burst, 1), **said),
        },
        names | clock,
    )


def equation(params: Simulate) -> dict:
    """What the solver is told, but for the coupling."""
    return params.model_dump(include={"points", "length", "nu", "strength", "step"})


def in_units(params: Simulate, modes: np.ndarray) -> np.ndarray:
    """The stored modes as pairs of real numbers, (..., mode, part)."""
    kept = burgers.unit(params.points, params.length) * modes[..., 1 : -(-params.points // 3)]
    return np.stack([kept.real, kept.imag], -1).astype(np.float32)


def as_modes(params: Simulate, stored: np.ndarray) -> np.ndarray:
    """Back from `in_units` to what `rfft` gives, the modes that weren't stored zero."""
    pairs = stored.astype(float)
    modes = np.zeros((*pairs.shape[:-2], params.points // 2 + 1), complex)
    modes[..., 1 : 1 + pairs.shape[-2]] = pairs[..., 0] + 1j * pairs[..., 1]
    return modes / burgers.unit(params.points, params.length)
