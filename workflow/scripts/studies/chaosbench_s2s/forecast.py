"""Forecasts of 44 days: nets, a centre with a slightly wrong atmosphere, persistence; errors, spectra and ensembles.

The climatological mean is zero: the flow is the same everywhere on the square, and the stream function has no mean.
Errors are in climatological standard deviations of the training runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.forecast.probabilistic import crps_ensemble, crps_gaussian
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.chaosbench_s2s.flow import CHANNELS, channels, model, to_modes, to_psi
from studies.chaosbench_s2s.nets import LIMIT, a_day
from studies.chaosbench_s2s.params import Params
from studies.chaosbench_s2s.scores import divergence, information, spectrum
from studies.chaosbench_s2s.train import read

FIELDS = ("psi1", "psi1 - psi2", "q1")
"""Headline fields: what stands for z-500, for t-850 and for q-700."""
NETS = ("unet", "unet_rollout", "unet_spectral", "fno")
"""Those that give all channels, and so can go on from what they gave."""
BASELINES = ("persistence", "damped", "centre", "control_run")
WINDOWS = {"1 to 10": (1, 10), "18 to 22": (18, 22), "15 to 44": (15, 44)}
MAPPED, WEEK, BLOWN = 20, 7, 10.0
KEPT, PLACES = (1, 3, 10, 20, 40), 8
"""Days, and places along each side, at which the centre's members are kept."""


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Scores of `BASELINES` and nets by world (`seed`) and lead, of the ensemble by start; maps of one start."""
    coupling = case.params.simulate.coupling
    unit = headline(channels(data["train/psi"].values, coupling)).std((0, 1, 2, 4, 5))[:, None, None]
    truth = headline(channels(data["test/psi"].values, coupling)) / unit
    ensemble = centre(case, data, truth, unit)
    found = dict(baselines(data, truth, unit, coupling)) | {
        "centre": ensemble.pop("mean"),
        "control_run": ensemble.pop("control_run"),
    }
    nets = [arm for arm in NETS if arm in case.params.forecast.nets]
    found |= {arm: rolled(case, data, trained, arm, case.params.simulate.lead) / unit for arm in nets}
    whole = scores(case.params, {name: found[name] for name in (*BASELINES, *nets)}, truth)
    whole |= members_kept(truth, ensemble["kept"])
    whole |= of_centre(truth, found["centre"], ensemble, case.params.forecast.members)
    if set(nets) == set(NETS):
        whole |= relative(whole, case.params.simulate.lead) | maps(found, truth)
        whole |= {"sparse": sparse(case, data, trained, truth, unit)}
    return xr.Dataset(
        whole,
        {
            "model": [*BASELINES, *nets],
            "seed": np.arange(case.params.simulate.seeds),
            "lead": np.arange(truth.shape[1]),
            "field": list(FIELDS),
            "week": np.arange(1, case.params.simulate.lead // WEEK + 1),
            "window": list(WINDOWS),
            "arm": list(NETS[1:3]),
            "day": [day for day in KEPT if day < truth.shape[1]],
        },
    )


def headline(fields: np.ndarray) -> np.ndarray:
    """`FIELDS` from all channels: (..., channel, y, x) -> (..., field, y, x)."""
    psi1, psi2, q1 = (fields[..., CHANNELS.index(name), :, :] for name in ("psi1", "psi2", "q1"))
    return np.stack([psi1, psi1 - psi2, q1], -3)


def baselines(data: Any, truth: np.ndarray, unit: np.ndarray, coupling: float) -> dict[str, np.ndarray]:
    """Persistence, and persistence times each field's autocorrelation in training (0 where the runs are too short)."""
    first = np.repeat(truth[:, :1], truth.shape[1], 1)
    train = headline(channels(data["train/psi"].values, coupling)) / unit
    days = train.shape[2]
    kept = [
        np.mean(train[:, :, lag:] * train[:, :, : days - lag], (0, 1, 2, 4, 5)) if lag < days else np.zeros(len(FIELDS))
        for lag in range(truth.shape[1])
    ]
    return {"persistence": first, "damped": first * np.array(kept, np.float32)[None, :, :, None, None]}


def rolled(case: Case[Params], data: Any, trained: Any, arm: str, days: int) -> np.ndarray:
    """A net's headline fields (start, lead, field, y, x), from the truth at the start, U as known there."""
    p, worlds = case.params, case.params.simulate.seeds
    scale, change = (trained[f"scale/{name}"].values[:, None, :, None, None] for name in ("scale", "change"))
    first = channels(data["test/psi"].isel(lead=0).values, p.simulate.coupling)
    x = torch.as_tensor(first.reshape(worlds, -1, *first.shape[1:]) / scale, device=case.device)
    shear = (data["test/shear"].values - p.simulate.shear).astype(np.float32).reshape(worlds, x.shape[1], -1)
    told = torch.as_tensor(shear, device=case.device)
    parameters, step = read(trained, arm, case.device), torch.as_tensor(change, device=case.device)
    states = [x]
    with torch.no_grad():
        for day in range(days):
            x = a_day(arm, parameters, x, told[..., day], step) if p.forecast.moving else x
            states.append(x)
    fields = torch.stack(states, 2).numpy(force=True) * scale[:, :, None]
    return headline(fields.reshape(-1, *fields.shape[2:]))


def sparse(case: Case[Params], data: Any, trained: Any, truth: np.ndarray, unit: np.ndarray) -> tuple:
    """C6: error at day 1 of the net trained on headline channels alone, over that of the net trained on all."""
    errors = []
    for arm in ("unet_sparse", "unet"):
        apart = np.square(rolled(case, data, trained, arm, 1)[:, 1] / unit - truth[:, 1]).mean((2, 3))
        errors.append(np.sqrt(of_worlds(apart, case.params.simulate.seeds)).mean(-1))
    return labelled("seed", errors[0] / errors[1], "error at day 1, trained on headline channels over on all")


# ------------------------------------------------------------------------------------------------------- the centre


def centre(case: Case[Params], data: Any, truth: np.ndarray, unit: np.ndarray) -> dict[str, np.ndarray]:
    """An ensemble of the same flow at a wrong U and beta: its mean, its control run, CRPS and spread by start and lead.

    First states are the truth and a small share of the difference of two training days, each member's own.
    """
    p, world = case.params.forecast, case.params.simulate
    rng, start = case.rng("ensemble"), data["test/psi"].isel(lead=0).values
    days = data["train/psi"].values.reshape(-1, *start.shape[1:])
    one, other = rng.integers(len(days), size=(2, len(start), p.members))
    kick = p.spread / 2**0.5 * (days[one] - days[other])
    psi = np.concatenate([start[:, None], start[:, None] + kick], 1)  # the control run first
    modes = to_modes(psi.reshape(-1, *psi.shape[2:]), world.coupling)
    wrong = world.beta * (1 + p.beta_error)
    advance = model(world.points, world.coupling, wrong, world.friction, world.steps)
    shear = np.repeat(data["test/shear"].values * (1 + p.shear_error), p.members + 1, 0)
    found: dict[str, list] = {"mean": [], "control_run": [], "crps": [], "spread": [], "kept": []}
    for lead in case.progress(range(world.lead + 1)):
        fields = headline(channels(to_psi(modes, world.coupling), world.coupling)) / unit
        fields = np.nan_to_num(fields, nan=LIMIT, posinf=LIMIT, neginf=-LIMIT).clip(-LIMIT, LIMIT)
        fields = fields.reshape(*psi.shape[:2], *fields.shape[1:])
        found["control_run"].append(fields[:, 0])
        members = fields[:, 1:]
        found["mean"].append(members.mean(1))
        if lead in KEPT:
            found["kept"].append(thinned(members))
        flat = np.moveaxis(members, 1, -1).reshape(len(start), -1, p.members)
        found["crps"].append(crps_ensemble(flat, truth[:, lead].reshape(len(start), -1)))
        found["spread"].append(members.var(1, ddof=1).mean((1, 2, 3)))
        if p.moving:
            modes = advance(modes, shear[:, lead])
    return {name: np.stack(values, 1) for name, values in found.items()}


def thinned(fields: np.ndarray) -> np.ndarray:
    """Fields at `PLACES` of each side, in a row: (..., field, y, x) -> (..., place)."""
    every = max(fields.shape[-1] // PLACES, 1)
    few = fields[..., ::every, ::every].astype(np.float32)
    return few.reshape(*few.shape[:-3], -1)


def members_kept(truth: np.ndarray, members: np.ndarray) -> dict[str, tuple]:
    """What each member of the centre says, and the truth, on the days and at the places that are kept."""
    days = [day for day in KEPT if day < truth.shape[1]]
    return {
        "kept": labelled(
            ("start", "day", "member", "place"), members, "what members of the centre say, in standard deviations"
        ),
        "kept_truth": labelled(("start", "day", "place"), thinned(truth[:, days]), "truth, in standard deviations"),
    }


def of_centre(truth: np.ndarray, mean: np.ndarray, ensemble: dict[str, np.ndarray], members: int) -> dict[str, tuple]:
    """Of each start: the mean's error over what n reliable members would have without any skill; CRPSS; spread."""
    error, climate = np.square(mean - truth).mean((2, 3, 4)), np.square(truth).mean((2, 3, 4))
    weeks = [slice(1 + WEEK * i, 1 + WEEK * (i + 1)) for i in range((truth.shape[1] - 1) // WEEK)]
    ratio = np.stack([np.sqrt(error[:, week].mean(1) / climate[:, week].mean(1)) for week in weeks], 1)
    flat = truth.reshape(*truth.shape[:2], -1)
    skill = 1 - ensemble["crps"] / crps_gaussian(np.zeros_like(flat), np.ones_like(flat), flat)
    reliable = np.sqrt((members + 1) / members * ensemble["spread"].mean(0) / np.maximum(error.mean(0), 1e-12))
    return {
        "excess": labelled(
            ("start", "week"), ratio / (1 + 1 / members) ** 0.5, "error of the mean over that without skill"
        ),
        "crpss": labelled(("start", "lead"), skill, "CRPSS of the centre"),
        "reliability": labelled("lead", reliable, "spread over error of the mean"),
    }


# ------------------------------------------------------------------------------------------------------------ scores


def of_worlds(values: np.ndarray, seeds: int) -> np.ndarray:
    """Mean over the starts of each world: (start, ...) -> (seed, ...)."""
    return values.reshape(seeds, -1, *values.shape[1:]).mean(1)


def scores(params: Params, found: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, tuple]:
    """Of each model's fields (start, lead, field, y, x): errors over climatology's, correlation, spectra, sums."""
    p, seeds = params.forecast, params.simulate.seeds
    error = np.stack([of_worlds(np.square(one - truth).mean((3, 4)), seeds) for one in found.values()])
    climate = of_worlds(np.square(truth).mean((3, 4)), seeds)
    linked = np.stack([correlation(one, truth) for one in found.values()])
    power = np.stack([of_worlds(powers(one), seeds) for one in found.values()])
    true_power = of_worlds(powers(truth), seeds)

    def pooled(days: slice) -> np.ndarray:
        """Error over climatology's in these days, (model, seed, field)."""
        return np.sqrt(error[:, :, days].mean(2) / climate[:, days].mean(1))

    last = np.stack([np.sqrt(np.square(one[:, -1]).mean((2, 3))).max(-1) for one in found.values()])
    by, each = ("model", "seed", "lead"), ("model", "seed")
    late = pooled(slice(p.late, None))
    told = worlds_of(information(linked), seeds).mean(-1)
    apart = divergence(true_power, power).mean(-1)
    return {
        "error": labelled((*by, "field"), error, "squared error over climatological variance"),
        "ratio": labelled((*by, "field"), np.sqrt(error / climate), "RMSE over climatology's"),
        "correlation": labelled((*by, "field"), worlds_of(linked, seeds), "anomaly correlation"),
        "information": labelled(by, told, "information on the truth", "nat"),
        "specdiv": labelled(by, apart, "spectral divergence", "nat"),
        "power": labelled((*by, "k"), power.mean(-2), "power"),
        "true_power": labelled(("seed", "lead", "k"), true_power.mean(-2), "power of the truth"),
        "weather": labelled(each, pooled(slice(1, p.weather + 1)).mean(-1), "RMSE over climatology's, first days"),
        "late_fields": labelled(each, (late > 1).sum(-1), "fields worse than climatology, late days"),
        "blown": labelled(each, worlds_of(last > BLOWN, seeds), "share of forecasts that blow up"),
    }


def relative(found: dict[str, tuple], last: int) -> dict[str, tuple]:
    """Error and spectral divergence of the arms over those of the U-Net of one day, pooled in `WINDOWS`."""
    plain, arms = len(BASELINES), [len(BASELINES) + 1, len(BASELINES) + 2]
    rmse, spectral = [], []
    for first, end in WINDOWS.values():
        days = slice(first, min(end, last) + 1)
        whole = np.sqrt(found["error"][1][:, :, days].mean(2)).mean(-1)
        tail = found["specdiv"][1][:, :, days].mean(2) + 1e-12
        rmse.append(whole[arms] / whole[plain])
        spectral.append(tail[arms] / tail[plain])
    by = ("window", "arm", "seed")
    return {
        "rmse_relative": labelled(by, np.array(rmse), "RMSE over the one-day net's"),
        "specdiv_relative": labelled(by, np.array(spectral), "SpecDiv over the one-day net's"),
    }


def correlation(one: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Of anomalies, over the square: (start, lead, field). 0 for the climatology."""
    size = np.sqrt(np.square(one).sum((3, 4)) * np.square(truth).sum((3, 4)))
    return (one * truth).sum((3, 4)) / np.maximum(size, 1e-9)


def powers(fields: np.ndarray) -> np.ndarray:
    """Spectra of each field alone, before any mean."""
    return spectrum(torch.as_tensor(fields)).numpy()


def worlds_of(values: np.ndarray, seeds: int) -> np.ndarray:
    """Mean over each world's starts: (model, start, ...) -> (model, seed, ...)."""
    return np.stack([of_worlds(one, seeds) for one in values])


def maps(found: dict[str, np.ndarray], truth: np.ndarray) -> dict[str, tuple]:
    """q1 of the first start on one day, for the figure."""
    shown = {"truth": truth} | {name: found[name] for name in ("control_run", "unet", "unet_rollout", "centre")}
    values = np.stack([one[0, MAPPED, FIELDS.index("q1")] for one in shown.values()]).astype(np.float32)
    return {"map": labelled((("shown", "y", "x")), values, "q1 at day 20, in standard deviations")}
