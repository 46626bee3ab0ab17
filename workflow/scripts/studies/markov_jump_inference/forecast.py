"""Zero-shot rates against rivals fitted to each process: errors, predictions of held-out paths, time scales."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import expm
from scipy.stats import beta

from pesin.forecast.probabilistic import brier_score, coverage, gaussian_nll
from pesin.models.markov import (
    first_passage_times,
    fit_chain,
    generator,
    matrix_log_rates,
    predictive,
    relaxation_times,
    transition_counts,
)
from pesin.models.mlp import Parameters
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.jumps import reader
from studies.markov_jump_inference.network import infer, network_of
from studies.markov_jump_inference.params import Params
from studies.markov_jump_inference.worlds import (
    SHAPES,
    STAND_INS,
    draw_processes,
    ratchet_parameters,
)

METHODS = ("network", "matrix_log", "em", "prior")
PREDICTING = (*METHODS, "exact")
LEVELS = {0.5: 0.674489750196, 0.9: 1.644853626951}
"""Share of a normal law that lies so many deviations from its mean."""


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Errors of rates by number of states, method and number of paths; predictions; the ratchet; the stand-ins."""
    weights, fresh = network_of(trained, case.params.forecast.weights), case.params.simulate.fresh
    each = [one_size(case, weights, data[f"states_{n}"].to_dataset()) for n in fresh.states]
    laws = np.concatenate([found.pop("law") for found in each], 2).astype(np.float32)
    variables = {
        name: labelled(dims, np.stack([found[name][1] for found in each]), *said)
        for name, (dims, _, *said) in each[0].items()
    }
    said = "mean and deviation of each rate by the network, and the rate, all numbers of states"
    variables["law"] = labelled(("paths", "process", "rate", "stat"), laws, said)
    variables |= _ratchet(case, weights, data["ratchet"].to_dataset())
    variables |= _stand_ins(case, weights, data)
    variables |= _posterior(case, weights, data["states_2"].to_dataset())
    return xr.Dataset(
        variables,
        {
            "states": fresh.states,
            "method": list(METHODS),
            "predicting": list(PREDICTING),
            "estimator": ["network", "matrix_log"],
            "paths": case.params.forecast.paths,
            "process": np.arange(fresh.processes),
            "level": list(LEVELS),
            "reference": ["data", "exact"],
            "context": np.arange(case.params.simulate.ratchet.contexts),
            "recording": np.arange(case.params.simulate.stand_ins.contexts),
            "stand_in": list(STAND_INS),
            "stat": ["mean", "deviation", "truth"],
        },
    )


def seen(case: Case[Params], labels: np.ndarray, stream: str) -> np.ndarray:
    """Labels as they are, or (control) the points of each path shuffled."""
    if case.params.forecast.order == "kept":
        return labels
    return case.rng(stream).permuted(labels, axis=-1)


# ------------------------------------------------------------------------------------------------ fresh processes


def one_size(case: Case[Params], weights: Parameters, world: xr.Dataset) -> dict[str, Any]:
    """All that is measured on processes with one number of states: (dimensions, values, name, ...) of each.

    `law` is an array alone, (paths, processes, rates, 3), the network's mean and deviation of a rate, and the rate.
    """
    params, fresh = case.params.forecast, case.params.simulate.fresh
    states, rates = world.sizes["i"], world["rates"].values
    labels, held_out = world["labels"].values[:, : fresh.paths], world["labels"].values[:, fresh.paths :]
    labels, pace = seen(case, labels, f"order {states}"), float(world["time"][1] - world["time"][0])
    off = ~np.eye(states, dtype=bool)
    errors = np.empty((len(METHODS), len(params.paths), len(labels)))
    inside = np.empty((len(LEVELS), len(params.paths), len(labels)))
    surprise, clipped = np.empty(inside.shape[1:]), np.empty(inside.shape[1:])
    law = np.empty((*inside.shape[1:], off.sum(), 3))
    for k, many in enumerate(params.paths):
        found, deviation, cut = estimates(case, weights, labels[:, :many], states, pace)
        for i, name in enumerate(METHODS):
            errors[i, k] = np.sqrt(((found[name] - rates)[:, off] ** 2).mean(-1))
        mean, sd = found["network"][:, off], np.maximum(deviation[:, off], 1e-9)
        for i, width in enumerate(LEVELS.values()):
            inside[i, k] = coverage(mean - width * sd, mean + width * sd, rates[:, off])
        surprise[k], clipped[k] = gaussian_nll(mean, sd, rates[:, off]), cut
        law[k] = np.stack([mean, sd, rates[:, off]], -1)
    scores = predictions(case, found | {"exact": generator(rates)}, labels, held_out, world, pace)
    return {
        "rmse": (("states", "method", "paths", "process"), errors, "rms error of the rates"),
        "inside": (("states", "level", "paths", "process"), inside, "share of the rates inside their interval"),
        "nll": (("states", "paths", "process"), surprise, "negative log-likelihood of the rates", "nat"),
        "clipped": (("states", "paths", "process"), clipped, "negative rates of the matrix logarithm"),
        "law": law,
    } | scores


def estimates(case: Case[Params], weights: Parameters, labels: np.ndarray, states: int, pace: float) -> tuple:
    """Generators by method, deviations of the network's rates, and how many rates the matrix logarithm cut off."""
    fresh, params = case.params.simulate.fresh, case.params.forecast
    counts = transition_counts(labels, states)[:, 0]
    plain, clipped = matrix_log_rates(counts, pace)
    chain = fit_chain(labels, reader(states, fresh.noise), params.iterations)
    network, deviation = infer(weights, labels, states, pace)
    drawn = draw_processes(case.rng(f"prior {states}"), 2000, states, fresh.scale).rates
    prior = np.full((states, states), drawn.sum() / (len(drawn) * states * (states - 1)))
    found = {
        "network": network,
        "matrix_log": plain,
        "em": matrix_log_rates(chain.counts, pace)[0],
        "prior": np.broadcast_to(generator(prior), plain.shape),
    }
    return found, deviation, clipped


def predictions(case: Case[Params], found: dict, labels, held_out, world: xr.Dataset, pace: float) -> dict[str, tuple]:
    """Scores of the next label on held-out paths, class probabilities along time, passage and relaxation times."""
    states, many = world.sizes["i"], world.sizes["process"]
    emission, points = reader(states, case.params.simulate.fresh.noise), held_out.shape[-1]
    first = np.stack([np.bincount(row, minlength=states) for row in labels[..., 0]]) + 0.5
    starts = {name: first / first.sum(-1, keepdims=True) for name in METHODS} | {"exact": world["start"].values}
    truth = np.stack([(held_out == i).mean(1) for i in range(states)], -1)  # (processes, points, states)
    laws: dict[str, np.ndarray] = {}
    score, brier = np.empty((2, len(PREDICTING), many))
    times = np.empty((2, len(METHODS), many))
    exact = found["exact"]
    for i, name in enumerate(PREDICTING):
        step = np.stack([expm(one * pace) for one in found[name]])
        said = predictive(held_out, step, starts[name], emission).reshape(many, -1, states)
        came = held_out.reshape(many, -1)
        score[i] = -np.log(np.maximum(np.take_along_axis(said, came[..., None], -1), 1e-12)).mean((1, 2))
        brier[i] = brier_score(said / said.sum(-1, keepdims=True), came)
        laws[name] = along(starts[name], step, points) @ emission
    for i, name in enumerate(METHODS):
        times[0, i] = passage_error(found[name], exact)
        times[1, i] = np.abs(np.log(slowest(found[name]) / slowest(exact)))
    apart = np.stack([[hellinger(laws[name], law) for name in METHODS] for law in (truth, laws["exact"])])
    on = ("states", "predicting", "process")
    return {
        "next_nll": (on, score, "negative log-likelihood of the next label", "nat"),
        "brier": (on, brier, "Brier score of the next label"),
        "hellinger": (
            ("states", "reference", "method", "process"),
            apart,
            "Hellinger distance of class probabilities, mean over time",
        ),
        "passage_error": (
            ("states", "method", "process"),
            times[0],
            "rms error of the logarithm of mean first-passage times",
        ),
        "relaxation_error": (
            ("states", "method", "process"),
            times[1],
            "error of the logarithm of the slowest relaxation time",
        ),
    }


def along(start: np.ndarray, step: np.ndarray, points: int) -> np.ndarray:
    """Class probabilities at each point by the master equation, (processes, points, states)."""
    law, found = start, []
    for _ in range(points):
        found.append(law)
        law = (law[:, None] @ step)[:, 0]
    return np.stack(found, 1)


def hellinger(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Hellinger distance sqrt(1 - sum sqrt(p q)) of laws (processes, points, states), mean over the points."""
    return np.sqrt(np.maximum(1 - np.sqrt(p * q).sum(-1), 0)).mean(-1)


def slowest(rates: np.ndarray, modes: int = 1) -> np.ndarray:
    """The longest relaxation times, held below 1e6: (...) for one mode, (..., modes) for several."""
    found = np.minimum(relaxation_times(rates)[..., :modes], 1e6)
    return found[..., 0] if modes == 1 else found


def passage_error(rates: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Root mean square error of ln of mean first-passage times; a rate is held above 1e-6, so that all are finite."""
    states = exact.shape[-1]
    off = ~np.eye(states, dtype=bool)
    held = first_passage_times(np.maximum(rates, 1e-6))[..., off]
    return np.sqrt((np.log(held / first_passage_times(exact)[..., off]) ** 2).mean(-1))


# ------------------------------------------------------------------------------- outside the prior; exact posterior


def _ratchet(case: Case[Params], weights: Parameters, world: xr.Dataset) -> dict[str, Any]:
    """The ratchet's parameters from rates inferred at V = 1, in each context."""
    labels, pace = world["labels"].sel(drive=1).values, float(world["time"][1] - world["time"][0])
    labels = seen(case, labels, "order ratchet")
    rates = np.stack(
        [infer(weights, labels, 6, pace)[0], matrix_log_rates(transition_counts(labels, 6)[:, 0], pace)[0]]
    )
    grid = ("estimator", "context")
    found = {name: labelled(grid, value, f"{name} of the ratchet") for name, value in ratchet_parameters(rates).items()}
    errors = {
        f"error_{name}": labelled(grid, np.abs(value[1] - 1), f"error of {name}") for name, value in found.items()
    }
    inferred = labelled(("i", "j"), rates[0].mean(0), "inferred rate from i to j, mean over contexts")
    return (
        found
        | errors
        | {
            "ratchet_rates": inferred,
            "ratchet_true": labelled(("i", "j"), generator(world["rates"].sel(drive=1).values), "rate from i to j"),
        }
    )


def _stand_ins(case: Case[Params], weights: Parameters, data: xr.DataTree) -> dict[str, Any]:
    """Worst error of the judged relaxation times, in logarithms."""
    found = []
    for name, world in STAND_INS.items():
        labels, states = seen(case, data[name].to_dataset()["labels"].values, f"order {name}"), len(world.rates)
        plain = matrix_log_rates(transition_counts(labels, states)[:, 0], world.pace)[0]
        both = np.stack([infer(weights, labels, states, world.pace)[0], plain])
        true = relaxation_times(world.rates)[: world.modes]
        times = np.minimum(relaxation_times(both)[..., : world.modes], 1e6)
        found.append(np.abs(np.log(times / true)).max(-1))
    return {
        "time_error": labelled(
            ("stand_in", "estimator", "recording"), found, "largest error of the logarithms of relaxation times"
        )
    }


def _posterior(case: Case[Params], weights: Parameters, world: xr.Dataset) -> dict[str, Any]:
    """Means and deviations of both rates of processes with two states: exact posterior on a grid, and the network's."""
    params, train, fresh = case.params.forecast.posterior, case.params.train, case.params.simulate.fresh
    labels = seen(case, world["labels"].values[:, : fresh.paths], "order 2")[: params.processes, : params.paths]
    pace = float(world["time"][1] - world["time"][0])
    edges = np.geomspace(1e-4, 1, params.cells + 1) * train.scales[1]
    g = np.sqrt(edges[1:] * edges[:-1])
    here, there = (axis.ravel() for axis in np.meshgrid(g, g, indexing="ij"))
    total = here + there
    moved = -np.expm1(-total) / total
    step = np.stack([1 - here * moved, here * moved, there * moved, 1 - there * moved], -1).reshape(-1, 2, 2)
    weight = np.outer(np.diff(edges), np.diff(edges)).ravel() * prior_density(here, there, train.scales)
    exact = np.empty((2, len(labels), 2))
    for k, one in enumerate(labels):
        first = np.bincount(one[:, 0], minlength=2) + 0.5
        start = np.broadcast_to(first / first.sum(), (len(g) ** 2, 2))
        many = np.broadcast_to(one, (len(g) ** 2, *one.shape))
        said = predictive(many, step, start, reader(2, fresh.noise))
        log_likelihood = np.log(np.take_along_axis(said, many[..., None].astype(int), -1)).sum((1, 2, 3))
        mass = weight * np.exp(log_likelihood - log_likelihood.max())
        mass /= mass.sum()
        rates = np.stack([here, there], -1) / pace
        exact[0, k] = mass @ rates
        exact[1, k] = np.sqrt(mass @ (rates - exact[0, k]) ** 2)
    mean, deviation = infer(weights, labels, 2, pace)
    own = np.stack([part[:, [0, 1], [1, 0]] for part in (mean, deviation)])
    grid = ("source", "moment", "example", "direction")
    return {
        "posterior": labelled(grid, np.stack([exact, own]), "mean and deviation of a rate, exact and by the network"),
        "posterior_shift": labelled(
            ("example", "direction"), np.abs(own[0] - exact[0]) / exact[1], "shift of the mean in exact deviations"
        ),
        "posterior_ratio": labelled(
            ("example", "direction"), own[1] / exact[1], "ratio of the network's deviation to the exact one"
        ),
    }


def prior_density(here: np.ndarray, there: np.ndarray, scales: tuple[float, float]) -> np.ndarray:
    """Density of both rates per step under the prior that the network learnt from, up to a factor."""
    found = np.zeros_like(here)
    for scale in np.geomspace(*scales, 48):
        for a, b in SHAPES:
            found += beta.pdf(here / scale, a, b) * beta.pdf(there / scale, a, b) / scale**2
    return found
