"""The Hawking-Page transition at sources that no table has: emulators and a spline against the equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import CubicSpline

from pesin.models.mlp import apply_mlp
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.incomplete_rg.gravity import soliton, theory
from studies.incomplete_rg.params import Params
from studies.incomplete_rg.simulate import centres
from studies.incomplete_rg.train import VARIANTS, table
from studies.incomplete_rg.transition import Transition, hawking_page, level

RADII = np.linspace(0.55, 1.25, 57)
"""Between which a predicted free energy is searched for its zero."""
LOST = "no transition was predicted"


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """`radius`, `temperature` (model, seed, held_out), their relative errors, and the `true_` ones (held_out)."""
    held_out = np.array(case.params.forecast.held_out)
    by_spline = splined(data, held_out)
    shape = (len(VARIANTS), case.params.train.seeds, held_out.size)
    found = [*emulated(trained, held_out, shape), np.broadcast_to(by_spline, (shape[1], *by_spline.shape))]
    predicted = np.moveaxis(np.array(found), -1, 0)  # radius, temperature
    truth = solved(case, data, held_out, by_spline[:, 0])
    dims, fields = ("model", "seed", "held_out"), {}
    for name, values, true in zip(("radius", "temperature"), predicted, (truth.radius, truth.temperature), strict=True):
        said = f"{'horizon radius' if name == 'radius' else name} of the transition"
        fields[name] = labelled(dims, values, said, nan=LOST, may_be_constant=1)
        fields[f"true_{name}"] = labelled("held_out", true, said, nan=LOST)
        fields[f"{name}_error"] = labelled(
            dims, abs(values / true - 1), f"relative error of the {said}", nan=LOST, may_be_constant=1
        )
    return xr.Dataset(fields, {"model": [*VARIANTS, "spline"], "held_out": held_out})


def splined(data: Any, held_out: np.ndarray) -> np.ndarray:
    """(radius, temperature) for each source, shape (held_out, 2), by cubic splines in both inputs."""
    hole = data["hole"].to_dataset().isel(potential=0)
    sources, radii = hole["source"].values, hole["radius"].values
    grid = table(data)
    outputs = list(grid)[1].reshape(sources.size, radii.size, 3)
    energy = CubicSpline(sources, data["soliton"]["energy"].isel(potential=0, tolerance=0).values)(held_out)
    fine = CubicSpline(radii, CubicSpline(sources, outputs)(held_out), axis=1)(RADII)
    return crossings(fine, energy / (4 * np.pi))


def crossings(outputs: np.ndarray, soliton_energy: np.ndarray) -> np.ndarray:
    """(radius, temperature) where F is the soliton's, shape (held_out, 2), from outputs (held_out, RADII, 3)."""
    found = [level(RADII, f - e, u) for u, f, e in zip(outputs[..., 0], outputs[..., 1], soliton_energy, strict=True)]
    radius, scaled = np.array(found).T
    return np.stack([radius, scaled / (4 * np.pi * radius)], -1)


def emulated(trained: Any, held_out: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """The same by every network, shape (variant, seed, held_out, 2); its soliton is its black hole of radius 0."""
    weights = {str(k): torch.tensor(v.values) for k, v in trained["weights"].data_vars.items()}
    level_, size = (trained["scale"][key].values for key in ("level", "size"))
    radii = np.concatenate([[0.0], RADII])
    inputs = np.stack(np.broadcast_arrays(radii, held_out[:, None]), -1).reshape(-1, 2)
    x = torch.tensor(inputs, dtype=torch.float32).expand(shape[0] * shape[1], -1, -1)
    outputs = apply_mlp(weights, x, torch.tanh).numpy(force=True).astype(float) * size + level_
    outputs = outputs.reshape(-1, held_out.size, radii.size, 3)
    return np.array([crossings(run[:, 1:], run[:, 0, 1]) for run in outputs]).reshape(*shape, 2)


def solved(case: Case[Params], data: Any, held_out: np.ndarray, radius: np.ndarray) -> Transition:
    """By the equations, from the spline's radii and scalars."""
    params, hole = case.params.simulate, data["hole"].to_dataset().isel(potential=0)
    of = theory(params.potentials[:1], held_out.size, params.quartic, params.backreaction)
    target = params.strength * held_out
    energy = 16 * np.pi * soliton(centres(target, of, params.rtol), of, 17, params.rtol).mu
    columns = CubicSpline(hole["source"].values, hole["scalar"].values)(held_out)
    scalar = [CubicSpline(hole["radius"].values, one)(r) for one, r in zip(columns, radius, strict=True)]
    return hawking_page(target, energy, radius, np.array(scalar), of, params.rtol, rounds=2)
