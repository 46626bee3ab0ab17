"""Entropy production of the ratchet from inferred rates, less the bias that reversible copies show; state entropies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from pesin.entropy.nonequilibrium import jump_entropy_production, jump_path_entropy_production
from pesin.models.markov import matrix_log_rates, transition_counts
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.markov_jump_inference.network import infer, network_of
from studies.markov_jump_inference.params import Params
from studies.markov_jump_inference.worlds import balanced_law, observe

RATES = "nat"  # per unit of time, which has no name in this process
GRID = ("method", "drive", "context")
METHODS = ("network", "matrix_log", "counted")
STATES = 6


def entropy(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Entropy production by method, drive and context, its bias, its interval; laws and entropies of the states."""
    params = case.params.entropy
    world = data[params.world].to_dataset()
    labels, pace = world["labels"].values, float(world["time"][1] - world["time"][0])
    weights = network_of(trained, params.weights)
    estimators: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "network": lambda seen: infer(weights, seen, STATES, pace)[0],
        "matrix_log": lambda seen: matrix_log_rates(transition_counts(seen, STATES)[..., 0, :, :], pace)[0],
    }
    rates = {name: estimate(labels) for name, estimate in estimators.items()}
    biases = [
        reversible_bias(case, name, found, labels.shape[-2:], pace, estimators[name]) for name, found in rates.items()
    ]
    counted = jump_path_entropy_production(
        transition_counts(labels, STATES)[..., 0, :, :],
        np.full(labels.shape[:2], labels.shape[2] * (labels.shape[3] - 1) * pace),
        one_way="leave out",
    )
    value = np.stack([*(production(found) for found in rates.values()), np.asarray(counted.value)])
    bias = np.stack([*biases, np.asarray(counted.bias)])
    exact = world["entropy_production"].values
    low, high = drawn(case.rng("draws"), *infer(weights, labels, STATES, pace), params.draws)
    ends, along = ("drive", "context"), "correlation of inferred and exact entropy production along the drive"
    return xr.Dataset(
        {
            "production": labelled(GRID, value, "entropy production rate", RATES),
            "bias": labelled(GRID, bias, "bias of the entropy production rate", RATES),
            "corrected": labelled(GRID, value - bias, "entropy production rate less its bias", RATES),
            "low": labelled(ends, low - bias[0], "lower end of 95 % by draws of rates", RATES),
            "high": labelled(ends, high - bias[0], "upper end of 95 % by draws of rates", RATES),
            "exact": labelled("drive", exact, "entropy production rate at the drive's full height", RATES),
            "correlation": labelled(("method", "context"), along_drive(value - bias, exact), along),
            **states_of(np.stack(list(rates.values())), world["rates"].values),
        },
        {"method": list(METHODS), "estimator": list(rates), "state": np.arange(STATES)}
        | {name: world[name].values for name in ends},
    )


def states_of(rates: np.ndarray, true: np.ndarray) -> dict[str, tuple]:
    """Stationary laws and entropy rates of paths, of rates (estimators, drives, contexts, 6, 6) and the true ones."""
    at, of, rate = (
        ("estimator", "drive", "context"),
        "stationary probability",
        "entropy rate of paths, relative to jumps at unit rate",
    )
    return {
        "law": labelled((*at, "state"), balanced_law(rates), of, may_be_constant=1),
        "true_law": labelled(("drive", "state"), balanced_law(true), of, may_be_constant=1),
        "path_entropy": labelled(at, path_entropy_rate(rates), rate, RATES),
        "true_path_entropy": labelled("drive", path_entropy_rate(true), rate, RATES, may_be_constant=1),
    }


def production(rates: np.ndarray) -> np.ndarray:
    """Entropy production rates (...) of rates (..., states, states); links taken one way only are left out."""
    return np.asarray(jump_entropy_production(off_diagonal(rates), balanced_law(rates), one_way="leave out").value)


def off_diagonal(rates: np.ndarray) -> np.ndarray:
    """The rates with a diagonal of zero."""
    return rates * (1 - np.eye(rates.shape[-1]))


def reversible(rates: np.ndarray) -> np.ndarray:
    """Rates with the same stationary law and traffic, and no current: each link's flows are made equal."""
    law = balanced_law(rates)[..., None]
    flow = law * off_diagonal(rates)
    return (flow + np.swapaxes(flow, -1, -2)) / 2 / np.maximum(law, 1e-12)


def reversible_bias(case: Case[Params], name: str, rates, shape, pace: float, estimate) -> np.ndarray:
    """Mean entropy production that an estimator sees in reversible copies of each context, which have none."""
    rng, twin = case.rng(f"surrogates {name}"), reversible(rates)
    law, times = balanced_law(twin), pace * np.arange(shape[1])
    found = [
        production(estimate(observe(rng, twin, law, shape[0], times, 0.0)))
        for _ in range(case.params.entropy.surrogates)
    ]
    return np.mean(found, 0)


def drawn(rng: np.random.Generator, mean: np.ndarray, deviation: np.ndarray, draws: int) -> tuple:
    """95 % of the entropy production of rates with the network's own means and deviations, log-normal: (...) each."""
    off = off_diagonal(mean)
    width = np.sqrt(np.log1p((deviation / np.maximum(off, 1e-12)) ** 2))
    centre = np.log(np.maximum(off, 1e-12)) - width**2 / 2
    found = np.stack(
        [production(off_diagonal(np.exp(centre + width * rng.standard_normal(off.shape)))) for _ in range(draws)]
    )
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return low, high


def path_entropy_rate(rates: np.ndarray) -> np.ndarray:
    """Entropy of paths per unit of time, -sum_i p_i sum_j f_ij (ln f_ij - 1), relative to jumps at unit rate."""
    flow = off_diagonal(rates)
    local = flow * (np.log(np.where(flow > 0, flow, 1)) - 1)
    return -(balanced_law(rates) * local.sum(-1)).sum(-1)


def along_drive(values: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Pearson's correlation of values (methods, drives, contexts) with the exact ones; 0 for constants."""
    x, y = values - values.mean(1, keepdims=True), (exact - exact.mean())[:, None]
    size = np.sqrt((x**2).sum(1) * (y**2).sum())
    return np.where(size > 0, (x * y).sum(1) / np.where(size > 0, size, 1), 0)
