"""Entropy of the predictions and its two parts, whether they are as wide as they should be, and failed sensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import ndtr

from pesin.entropy.gaussian import mixture_information
from pesin.forecast.probabilistic import coverage, gaussian_nll
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.thermoacoustic_bayesian_forecast import windows
from studies.thermoacoustic_bayesian_forecast.networks import Laws, Networks, ensemble
from studies.thermoacoustic_bayesian_forecast.params import Failure, Params

NOMINAL = 1.959963984540054
"""Deviations that hold 95 % of a normal law."""
LEVELS = np.linspace(0.05, 0.95, 19)
BINS = 10


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """By seed: entropy, information, calibration (test windows); by failure: both parts of the variance; one run."""
    params = case.params
    networks = Networks(trained, params.train, "all", params.entropy.networks)
    held_out = data["held_out"].values == 1
    runs = windows.given(data, params.train.sensors)
    test = {name: values[:, held_out] for name, values in runs.items()}
    laws = widened(networks.laws(joined(windows.inputs(test))), params.entropy.widths)
    truth = joined(windows.target(data["amp_true"].values[:, held_out].astype(float)))
    found = calibration(laws, truth) | information(case, laws)
    found |= fixed_width(case, networks, data, runs, laws, truth)
    found |= failed(case, networks, runs, test, laws) | one_run(case, networks, runs, test)
    names = {"seed": data["seed"].values, "failure": list(params.entropy.failures), "level": LEVELS}
    return xr.Dataset(found, names)


def joined(x: np.ndarray) -> np.ndarray:
    """Windows of all runs in a row: (seed, run, window, ...) -> (seed, run x window, ...)."""
    return x.reshape(x.shape[0], -1, *x.shape[3:])


def widened(laws: Laws, widths: float) -> Laws:
    """Laws of so many times the deviation, about the same ensemble's mean."""
    centre = laws.mean[:, 1:].mean(1, keepdims=True)
    return Laws(centre + widths * (laws.mean - centre), widths * laws.deviation)


def pit_distance(probability: np.ndarray) -> np.ndarray:
    """Kolmogorov and Smirnov's distance of probabilities from the even law, along the last axis."""
    u = np.sort(probability, -1)
    n = u.shape[-1]
    return np.maximum(np.arange(1, n + 1) / n - u, u - np.arange(n) / n).max(-1)


def calibration(laws: Laws, truth: np.ndarray) -> dict[str, Any]:
    """Negative log likelihood against the entropy of the laws, coverage, and what of the laws lies below the truth."""
    mean, aleatoric, epistemic = ensemble(laws)
    sd = np.sqrt(aleatoric + epistemic)
    own = 0.5 * np.log(2 * np.pi * np.e * sd**2).mean(-1)
    nll = gaussian_nll(mean, sd, truth)
    u = ndtr((truth - mean) / sd)
    inside = np.stack([(np.abs(2 * u - 1) <= level).mean(-1) for level in LEVELS])
    shares = np.stack([np.histogram(one, BINS, (0, 1))[0] / one.size for one in u])
    return {
        "predictive_entropy": labelled("seed", own, "entropy of a prediction", "nat"),
        "nll": labelled("seed", nll, "negative log likelihood", "nat"),
        "surprise": labelled("seed", nll - own, "negative log likelihood less its expected value", "nat"),
        "coverage": labelled("seed", coverage(mean - NOMINAL * sd, mean + NOMINAL * sd, truth), "coverage of 95 %"),
        "pit_distance": labelled("seed", pit_distance(u), "distance of the transform from the even law"),
        "reliability": labelled(("level", "seed"), inside, "coverage"),
        "pit_share": labelled(("seed", "bin"), shares, "share of test windows"),
        "epistemic_share": labelled("seed", (epistemic / sd**2).mean(-1), "epistemic share of the variance"),
    }


def information(case: Case[Params], laws: Laws) -> dict[str, Any]:
    """Mutual information of prediction and member: the entropy of the mixture less the members' own."""
    params = case.params.entropy
    mean, sd = (np.moveaxis(part[:, 1:, :: params.every], 1, -1) for part in laws)
    # Campaign by campaign: members x members x points for each window is 3.8 GB of ten campaigns at the paper's size.
    found = [np.mean(mixture_information(*one, params.points).value, -1) for one in zip(mean, sd, strict=True)]
    return {"information": labelled("seed", np.array(found), "information of prediction and network", "nat")}


def fixed_width(
    case: Case[Params], networks: Networks, data: Any, runs: dict[str, np.ndarray], laws: Laws, truth: np.ndarray
) -> dict[str, Any]:
    """The ensemble's mean with one width for all windows: the root mean square of its errors in training."""
    seen = data["held_out"].values == 0
    x = joined(windows.inputs({name: values[:, seen] for name, values in runs.items()}))
    wanted = joined(windows.target(data["hfA"].values[:, seen].astype(float)))
    width = np.sqrt(((ensemble(networks.laws(x))[0] - wanted) ** 2).mean(-1))
    nll = gaussian_nll(ensemble(laws)[0], np.broadcast_to(width[:, None], truth.shape), truth)
    return {"nll_fixed_width": labelled("seed", nll, "negative log likelihood with one width", "nat")}


def broken(rng: np.random.Generator, healthy: np.ndarray, failure: Failure, median: np.ndarray) -> np.ndarray:
    """What a failed sensor says in place of `healthy`, (seed, run, time); `median` by seed."""
    level = median[:, None, None] if failure.level == "median" else failure.level
    return level + failure.noise * rng.standard_normal(healthy.shape)


def failed(case: Case[Params], networks: Networks, runs, test, laws: Laws) -> dict[str, Any]:
    """Mean variances of all test windows with the dynamic pressure sensor failed, over those with it healthy."""
    params = case.params
    median = np.median(runs["hfA"][:, : params.simulate.train_runs], (1, 2))
    before = [part.mean(-1) for part in ensemble(laws)[1:]]
    rises = []
    for name, failure in params.entropy.failures.items():
        signal = broken(case.rng(f"failure {name}"), test["hfA"], failure, median)
        said = widened(networks.laws(joined(windows.inputs(test | {"hfA": signal}))), params.entropy.widths)
        after = [part.mean(-1) for part in ensemble(said)[1:]]
        rises.append([np.log10(late / early) for late, early in zip(after, before, strict=True)])
    aleatoric, epistemic = np.moveaxis(np.array(rises), 1, 0)
    dims = ("failure", "seed")
    return {
        "aleatoric_rise": labelled(dims, aleatoric, "log10 of the rise of the aleatoric variance"),
        "epistemic_rise": labelled(dims, epistemic, "log10 of the rise of the epistemic variance"),
    }


def one_run(case: Case[Params], networks: Networks, runs, test) -> dict[str, Any]:
    """The first test run of the first seed, its sensor out of range from the middle on: what a figure shows."""
    median = np.median(runs["hfA"][:, : case.params.simulate.train_runs], (1, 2))
    failure = case.params.entropy.failures["out_of_range"]
    signal = test["hfA"].copy()
    half = signal.shape[-1] // 2
    signal[..., half:] = broken(case.rng("failure in one run"), signal, failure, median)[..., half:]
    laws = networks.laws(joined(windows.inputs(test | {"hfA": signal})[:, :1]))
    _, aleatoric, epistemic = (part[0] for part in ensemble(laws))
    present = windows.places(signal.shape[-1]) * windows.STEP / windows.STRIDE
    return {
        "present": labelled("window", present, "time", "s"),
        "aleatoric_deviation": labelled("window", np.sqrt(aleatoric), "aleatoric deviation"),
        "epistemic_deviation": labelled("window", np.sqrt(epistemic), "epistemic deviation"),
        "fails_at": labelled((), half * windows.STEP / windows.STRIDE, "time at which the sensor fails", "s"),
    }
