"""The world: campaigns of runs with commands, sensors, the true amplitude and its growth rate; or recorded runs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.errors import UserError
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.thermoacoustic_bayesian_forecast.combustor import DT, amplitudes, command, growth_rate, sensors
from studies.thermoacoustic_bayesian_forecast.params import Params

DIMS = ("seed", "run", "time")
MEASURED = {
    "hfA": "amplitude of the dynamic pressure",
    "oh": "OH* radiation",
    "pc": "chamber pressure",
    "tinj": "injector temperature",
    "mo": "commanded oxidiser flow",
    "mh": "commanded fuel flow",
}


def simulate(case: Case[Params]) -> xr.Dataset:
    """All of MEASURED by (seed, run, time), the training runs first; amp_true, growth_rate; held_out (run)."""
    params = case.params.simulate
    runs = params.train_runs + params.test_runs
    if params.source is None:
        values = modelled(case, runs)
    else:
        values = recorded(case, str(params.source), runs)
    variables = {name: labelled(DIMS, values[name].astype(np.float32), said) for name, said in MEASURED.items()}
    variables["amp_true"] = labelled(DIMS, values["amp_true"].astype(np.float32), "amplitude", role="truth")
    if "growth_rate" in values:
        rate = values["growth_rate"].astype(np.float32)
        variables["growth_rate"] = labelled(DIMS, rate, "growth rate", "1/s", role="truth")
    held_out = (np.arange(runs) >= params.train_runs).astype(int)
    variables["held_out"] = labelled("run", held_out, "whether no network sees the run")
    times = DT * np.arange(values["hfA"].shape[-1])
    return xr.Dataset(variables, {"seed": np.arange(params.seeds), "run": np.arange(runs), "time": times})


def modelled(case: Case[Params], runs: int) -> dict[str, np.ndarray]:
    """Runs of the stochastic amplitude equation, each array of shape (seeds, runs, time)."""
    params = case.params.simulate
    times = DT * np.arange(round(params.duration / DT))
    rng, shape = case.rng("commands"), (params.seeds, runs)
    mo, mh = (np.stack([command(rng, times) for _ in range(params.seeds * runs)]).reshape(*shape, -1) for _ in range(2))
    offset = params.scatter * case.rng("offsets").standard_normal(shape)
    pressure, thermal, rate = growth_rate(mo, mh, offset)
    true = amplitudes(case.rng("mode"), rate, params.subcritical)
    said = sensors(case.rng("sensors"), true, pressure, thermal)
    return said | {"mo": mo, "mh": mh, "amp_true": true, "growth_rate": rate}


def recorded(case: Case[Params], path: str, runs: int) -> dict[str, np.ndarray]:
    """Runs of a file, drawn without replacement anew for each seed; the measured amplitude stands for the true one.

    Raises
    ------
    UserError
        If a variable, a dimension or a run is missing, or samples aren't 5 ms apart.
    """
    hint = "The runs of the BKD combustor are not public: ask their authors, or leave simulate.source out."
    try:
        with xr.open_dataset(path) as file:
            found = file.load()
    except (OSError, ValueError) as error:
        raise UserError(f"simulate.source: {path} can't be read as NetCDF ({error}). {hint}") from error
    if missing := [name for name in MEASURED if name not in found or set(found[name].dims) != {"run", "time"}]:
        raise UserError(f"simulate.source: {path} lacks {', '.join(missing)} of dimensions (run, time). {hint}")
    if found.sizes["run"] < runs:
        raise UserError(
            f"simulate.source: {path} has {found.sizes['run']} runs, simulate.train_runs and test_runs ask for {runs}"
        )
    if "time" not in found.coords or not np.allclose(np.diff(found["time"].values), DT, rtol=1e-3, atol=0):
        raise UserError(f"simulate.source: time in {path} must rise by {DT} s from sample to sample; resample the runs")
    values = {name: found[name].transpose("run", "time").values for name in MEASURED}
    if bad := [name for name, x in values.items() if not np.isfinite(x).all()]:
        raise UserError(f"simulate.source: {', '.join(bad)} in {path} must be finite everywhere")
    rng = case.rng("runs")
    drawn = np.stack([rng.permutation(found.sizes["run"])[:runs] for _ in range(case.params.simulate.seeds)])
    return {name: x[drawn] for name, x in values.items()} | {"amp_true": values["hfA"][drawn]}
