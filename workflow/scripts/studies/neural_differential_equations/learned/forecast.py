"""What the networks do out of sample: cross, extrapolate, classify, relax."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr
from scipy.stats import kstest

from pesin.integrate.steppers import follow
from pesin.models import lstm
from pesin.models.mlp import Parameters
from pesin.models.sparse_regression import fit as sparse_fit
from pesin.models.sparse_regression import polynomial_library
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.neural_differential_equations.learned import simulate as world
from studies.neural_differential_equations.learned.panels import (
    CROSSING_ARMS,
    PATH,
    PREDATOR_ARMS,
    abundance_field,
    control_path,
    dimensions,
    flow,
    generate,
    line,
    mechanism,
    missing,
    observed,
    read_path,
    spaced,
)
from studies.neural_differential_equations.learned.params import Params
from studies.neural_differential_equations.learned.train import networks

TERMS = ["1", "x", "y", "x^2", "xy", "y^2"]
INTERACTION = TERMS.index("xy")
LARGEST = 1e6


@torch.no_grad()
def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """All panels; in the control the arm without its aid stands for the one with it."""
    params = case.params
    found = (
        crossing(case, trained)
        | predators(case, data["predators"].to_dataset(), trained)
        | irregular(case, data["series"].to_dataset(), trained)
        | resampled(case, data["dense"].to_dataset(), trained)
        | relaxation(case, trained)
    )
    coords = {"seed": np.arange(params.simulate.seeds), "arm": CROSSING_ARMS, "model": [*PREDATOR_ARMS, "sparse"]}
    coords |= {"field": PREDATOR_ARMS}
    coords |= {"world": world.WORLDS, "drop": params.simulate.series.drops, "reader": ["controlled", "recurrent"]}
    coords |= {
        "term": TERMS,
        "species": ["prey", "predators"],
        "at": params.forecast.times,
        "lag": params.forecast.lags,
    }
    moment = data["predators"].to_dataset()["moment"].values
    return xr.Dataset(found, coords | {"later": moment[params.simulate.predators.points :]})


def arms(case: Case[Params], values: np.ndarray) -> np.ndarray:
    """(arms * seeds, ...) -> (arms, seeds, ...), the last arm aided; unaided, the first in its place."""
    values = values.reshape(2, case.params.simulate.seeds, *values.shape[1:])
    return values if case.params.forecast.aided else np.stack([values[0], values[0]])


def crossing(case: Case[Params], trained: xr.DataTree) -> dict:
    """Mean square errors of x -> -x over the variance of x, with finer steps than in training, and as many."""
    params, seeds = case.params, case.params.simulate.seeds
    parameters = networks(trained, "crossing", params.forecast.trained)
    x = line(params.train.crossing.points, 2 * seeds)
    errors, ends = [], []
    for steps in (params.train.crossing.steps * params.forecast.finer, params.train.crossing.steps):
        end = flow(parameters, dimensions(seeds), x, steps)[..., 0]
        ends.append(end.numpy())
        errors.append(arms(case, ((end + x[..., 0]) ** 2).mean(-1).numpy() / float(x[0, :, 0].var(correction=0))))
    return {
        "crossing_error": labelled(("arm", "seed"), errors[0], "mean square error over variance", nan=DIVERGED),
        "coarse_error": labelled(("arm", "seed"), errors[1], "the same with the steps of training", nan=DIVERGED),
        "crossing_end": labelled(("arm", "seed", "start"), arms(case, ends[0]), "end of the flow", nan=DIVERGED),
    }


# -------------------------------------------------------------------------------------------------- predators and prey


def predators(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> dict:
    """Extrapolation by network, hybrid, and hybrid with its network replaced by the terms that a sparse fit keeps."""
    params, seeds = case.params, case.params.simulate.seeds
    parameters, known = networks(trained, "predators", params.forecast.trained), mechanism(seeds)
    truth, seen = data["truth"].values, data["seen"].values
    times, last = data["moment"].values, data.sizes["seen_time"] - 1
    seen_tensor = torch.as_tensor(seen, dtype=torch.float32).repeat(2, 1, 1)
    learnt = arms(case, missing(parameters, seen_tensor).double().numpy())[1]
    kept = np.stack(
        [sparse_fit(polynomial_library(x), y, params.forecast.threshold) for x, y in zip(seen, learnt, strict=True)]
    )
    fine = np.linspace(times[last], times[-1], (len(times) - 1 - last) * 4 + 1)
    field = abundance_field(parameters, known)
    path = rolled(field, seen_tensor[:, -1:], fine)
    early = rolled(field, seen_tensor[:, :1], fine - fine[0])
    fitted = np.minimum(((arms(case, early) - truth[1 : last + 1]) ** 2).mean((2, 3)), LARGEST)
    linear = np.array([world.BIRTH, -world.DEATH]) * (1.0 if params.forecast.aided else 0.0)
    powers = np.array([[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]])

    def found(x: np.ndarray, t: float) -> np.ndarray:
        terms = np.clip(x, -LARGEST, LARGEST)[:, None, :] ** powers
        return linear * x + (terms.prod(-1)[:, None] @ kept)[:, 0]

    with np.errstate(all="ignore"):
        sparse = np.stack(list(follow(found, seen[:, -1], fine))[3::4], 1)
        every = np.concatenate([arms(case, path), sparse[None]])
        errors = np.minimum(((every - truth[last + 1 :]) ** 2).mean((2, 3)), LARGEST)
    errors, every = np.where(np.isnan(errors), LARGEST, errors), np.clip(np.nan_to_num(every), -LARGEST, LARGEST)
    exact = np.array([-world.EATEN, world.FED])
    others = np.delete(kept, INTERACTION, 1)
    return {
        "fit": labelled(("field", "seed"), np.log10(fitted), "log10 of the mean square error while observed"),
        "extrapolation": labelled(("model", "seed"), np.log10(errors), "log10 of the mean square error, at most 6"),
        "true_later": labelled(("later", "species"), truth[last + 1 :], "abundance", role="truth"),
        "extrapolated": labelled(("model", "seed", "later", "species"), every, "abundance"),
        "coefficient": labelled(("seed", "term", "species"), kept, "coefficient of the sparse fit"),
        "coefficient_error": labelled(
            "seed", abs(kept[:, INTERACTION] / exact - 1).max(1), "relative error of the two terms xy"
        ),
        "spurious_terms": labelled("seed", (others != 0).sum((1, 2)), "terms kept beside the two"),
    }


def rolled(field, start: torch.Tensor, fine: np.ndarray) -> np.ndarray:
    """Every fourth state on from a start, (runs, 1, 2): shape (runs, times, 2), what isn't finite at a bound."""
    path = np.stack([x[:, 0].double().numpy() for x in follow(field, start, fine)][3::4], 1)
    return np.clip(np.nan_to_num(path, nan=LARGEST), -LARGEST, LARGEST)


# ---------------------------------------------------------------------------------------------------- irregular series


def irregular(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> dict:
    """Accuracy of both readers on new series."""
    params, seeds = case.params, case.params.simulate.seeds
    drops, steps, first = len(params.simulate.series.drops), params.train.controlled.steps, params.simulate.series.train
    new = data.isel(sample=slice(first, None))
    label, shape = new["label"].values, (drops, len(world.WORLDS), seeds)
    parameters = networks(trained, "controlled", params.forecast.trained)
    answers = np.zeros((2, *shape, label.shape[-1]), int)
    paths = np.stack([read(case, *observed(new, drop), steps) for drop in range(drops)])
    logits = read_path(parameters, torch.as_tensor(paths.reshape(-1, *paths.shape[3:])), params.train.code)
    answers[0] = logits.argmax(-1).numpy().reshape(answers.shape[1:])
    for drop in range(drops):
        out = recur(networks(trained, f"recurrent_{drop}", params.forecast.trained), *observed(new, drop))
        answers[1, drop] = out.argmax(-1).reshape(answers.shape[2:])
    right = (answers == label).mean(-1)
    shares = np.stack([(label == kind).mean(-1) for kind in range(world.CLASSES)]).max(0)
    dims = ("reader", "drop", "world", "seed")
    return {
        "accuracy": labelled(dims, right, "share of series told right"),
        "commonest": labelled(dims, np.broadcast_to(shares, right.shape).copy(), "share of the commonest class"),
    }


def resampled(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> dict:
    """What happens to the logits of dense series if every second point is dropped; networks of the first share."""
    params, runs = case.params, len(world.WORLDS) * case.params.simulate.seeds
    controlled = networks(trained, "controlled", params.forecast.trained)
    controlled = {name: value[:runs] for name, value in controlled.items()}
    recurrent = networks(trained, "recurrent_0", params.forecast.trained)

    def logits(every: int) -> np.ndarray:
        t, x = data["t"].values[..., ::every], data["x"].values[..., ::every, :]
        path = read(case, t, x, params.train.controlled.steps).reshape(runs, data.sizes["sample"], -1, PATH)
        return np.stack([read_path(controlled, torch.as_tensor(path), params.train.code), recur(recurrent, t, x)])

    whole, half = logits(1), logits(2)
    change = np.linalg.norm(half - whole, axis=-1).mean(-1) / np.linalg.norm(whole, axis=-1).mean(-1)
    change = change.reshape(2, len(world.WORLDS), -1)
    said = "change of the logits when half the points are dropped"
    return {"logit_change": labelled(("reader", "world", "seed"), change, said, nan=DIVERGED)}


def recur(parameters: Parameters, t: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Logits of recurrent networks, (runs, n, classes): t (worlds, seeds, n, points)."""
    inputs = spaced(t, x)
    ahead, _ = lstm.apply(parameters, torch.as_tensor(inputs.reshape(-1, *inputs.shape[2:])))
    return ahead[:, :, -1, : world.CLASSES].numpy()


def read(case: Case[Params], t: np.ndarray, x: np.ndarray, steps: int) -> np.ndarray:
    """The path of new series; unaided, time alone drives it: the data stay what they were at first."""
    return control_path(t, x if case.params.forecast.aided else np.broadcast_to(x[..., :1, :], x.shape), steps)


# ---------------------------------------------------------------------------------------------------- relaxing process


def relaxation(case: Case[Params], trained: xr.DataTree) -> dict:
    """Marginal laws and correlations of the learned process, against exact ones."""
    params, made = case.params.forecast, case.params.simulate.relaxation
    parameters, seeds = networks(trained, "relaxation", params.trained), case.params.simulate.seeds
    noise = case.rng("noise").standard_normal((seeds, params.paths, made.times - 1), np.float32)
    path = generate(parameters, torch.as_tensor(noise if params.aided else 0 * noise)).double().numpy()
    mean, variance = world.exact_moments(made)
    sd = np.sqrt(np.maximum(variance, 1e-12))
    distance = np.array(
        [[kstest((path[s, :, t] - mean[t]) / sd[t], "norm").statistic for t in params.times] for s in range(seeds)]
    )
    last = made.times - 1
    kept = np.array([np.exp(-made.rate * lag) * sd[last - lag] / sd[last] for lag in params.lags])
    apart = path - path.mean(1, keepdims=True)
    cov = np.stack([(apart[..., last] * apart[..., last - lag]).mean(1) for lag in params.lags], 1)
    size = np.stack([apart[..., last].std(1) * apart[..., last - lag].std(1) for lag in params.lags], 1)
    correlation = np.divide(cov, size, out=np.zeros_like(cov), where=size > 0)  # without noise there is none
    return {
        "law_distance": labelled(("seed", "at"), distance, "KS distance of the marginal", nan=DIVERGED),
        "correlation": labelled(("seed", "lag"), correlation, "correlation with the last time", nan=DIVERGED),
        "correlation_error": labelled(
            "seed", abs(correlation - kept).max(1), "largest error of a correlation", nan=DIVERGED
        ),
        "exact_correlation": labelled("lag", kept, "exact correlation", role="truth"),
        "sample_path": labelled(("seed", "path", "moment_of_path"), path[:, :20], "learned process", nan=DIVERGED),
        "learned_mean": labelled(("seed", "moment_of_path"), path.mean(1), "mean of the learned process", nan=DIVERGED),
        "learned_spread": labelled(("seed", "moment_of_path"), path.std(1), "standard deviation", nan=DIVERGED),
        "exact_mean": labelled("moment_of_path", mean, "exact mean", role="truth"),
        "exact_spread": labelled("moment_of_path", np.sqrt(variance), "exact standard deviation", role="truth"),
    }
