"""The Moon's recession with the emulator, or a table, in place of the closed form, on runs that neither has seen."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.interpolate import RegularGridInterpolator

from pesin.models.mlp import apply_mlp
from pesin.stats.passage import first_passage
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.recession.moon import Members, evolve
from studies.lava_world_tides.recession.params import Params
from studies.lava_world_tides.recession.response import earth_response, ranges
from studies.lava_world_tides.settings import FAILED, Range, output_years


def forecast(case: Case[Params], trained: xr.DataTree) -> xr.Dataset:
    """Return the largest relative error of a(t) and the error of the time to 20 Earth radii, in ln, run by run.

    Half of the runs have drags inside the training range; the others' drags lie below it.
    """
    params = case.params
    simulated, wanted = params.simulate, params.forecast
    rng, count = case.rng("held out"), wanted.members
    draws = simulated.draws
    flux = np.exp(_logs(rng, draws.flux, 2 * count))
    drag = np.exp(np.r_[_logs(rng, params.train.drag, count), _logs(rng, wanted.outside, count)])
    same = np.ones(2 * count)
    ocean = same * simulated.ocean
    members = Members(flux, drag, simulated.depth * same, simulated.solid * same, ocean, same)
    years = output_years(*simulated.years, simulated.outputs)

    def exact(sigma, depth, drag):
        return np.where(depth > 0, earth_response(sigma, depth, drag, wanted.viscosity), 0)

    stand_ins = {f"net_{run}": _net(params, trained, run) for run in range(params.train.seeds)}
    stand_ins["table"] = _table(params)
    truth = evolve(members, years, simulated.start, response=exact).states[..., 0]
    found = [
        evolve(members, years, simulated.start, rtol=1e-4, response=response).states[..., 0]
        for response in case.progress(stand_ins.values(), what="stand-ins")
    ]
    error = np.stack([np.abs(distance / truth - 1) for distance in found])
    passages = [first_passage(years, distance, 20) for distance in (truth, *found)]
    with np.errstate(invalid="ignore", divide="ignore"):
        late = np.stack([np.log(passage / passages[0]) for passage in passages[1:]])
    dims = ("model", "run")
    return xr.Dataset(
        {
            "distance": labelled(
                (*dims, "time"), np.stack([truth, *found]), "distance of the Moon", "Earth radii", nan=FAILED
            ),
            "largest_error": labelled(dims, _padded(error.max(-1)), "largest relative error of a(t)", nan=FAILED),
            "passage_error": labelled(
                dims,
                _padded(late),
                "ln of the ratio of times to 20 Earth radii",
                nan="NaN where neither came or an integration failed, infinity where one of the two came",
            ),
            "flux": labelled("run", flux, "cooling flux F", "W m-2"),
            "drag": labelled("run", drag, "Rayleigh drag", "1/s"),
            "inside": labelled("run", np.arange(2 * count) < count, "drag inside the training range"),
        },
        {"model": ["exact", *stand_ins], "run": np.arange(2 * count), "time": years},
    )


def _logs(rng: np.random.Generator, ends: Range, count: int) -> np.ndarray:
    """Uniform logarithms of numbers between two ends."""
    low, high = np.log(ends)
    return rng.uniform(low, high, count)


def _padded(rows: np.ndarray) -> np.ndarray:
    """A row of zeros in front: the exact model's own error."""
    return np.concatenate([np.zeros((1, rows.shape[1])), rows])


def _clipped(params: Params, sigma, depth, drag):
    """Inputs in logarithms; a depth below the range is read at its lower end, and the answer scaled with the depth."""
    low, high = ranges(params.train)
    inputs = np.broadcast_arrays(np.maximum(sigma, 1e-12), np.maximum(depth, 1e-3), drag)
    logs = np.log(np.stack(inputs, -1))
    thin = np.minimum(logs[..., 1] - low[1], 0)
    logs[..., 1] = np.clip(logs[..., 1], low[1], high[1])
    return logs, np.exp(thin), low, high


def _net(params: Params, trained: xr.DataTree, run: int):
    weights = {str(n): torch.as_tensor(v.values[run : run + 1]) for n, v in trained["weights"].data_vars.items()}
    middle, spread = float(trained["scale"].middle), float(trained["scale"].spread)
    viscosity = np.log(params.forecast.viscosity)

    def response(sigma, depth, drag):
        logs, thin, low, high = _clipped(params, sigma, depth, drag)
        logs = np.concatenate([logs, np.full((*logs.shape[:-1], 1), viscosity)], -1)
        scaled = torch.as_tensor(2 * (logs - low) / (high - low) - 1, dtype=torch.float32)
        with torch.no_grad():
            out = apply_mlp(weights, scaled[None])[0, :, 0].double().numpy()
        return np.exp(middle + spread * out) * thin * (depth > 0)

    return response


def _table(params: Params):
    low, high = ranges(params.train)
    axes = [np.linspace(low[i], high[i], params.forecast.table) for i in range(3)]
    sigma, depth, drag = np.meshgrid(*(np.exp(axis) for axis in axes), indexing="ij")
    values = np.log(earth_response(sigma, depth, drag, params.forecast.viscosity))
    table = RegularGridInterpolator(axes, values, bounds_error=False, fill_value=None)  # beyond it: straight on

    def response(sigma, depth, drag):
        logs, thin, _, _ = _clipped(params, sigma, depth, drag)
        return np.exp(table(logs)) * thin * (depth > 0)

    return response
