"""All networks: crossing flows, predators and prey, irregular series, a stochastic equation. A panel is one loop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import xarray as xr

from pesin.models import lstm
from pesin.models.mlp import Parameters, init_mlp, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.neural_differential_equations.learned.panels import (
    PATH,
    abundance_field,
    ahead,
    control_path,
    cross_entropy,
    dimensions,
    discrepancy,
    features,
    flow,
    generate,
    line,
    mechanism,
    observed,
    read_path,
    spaced,
)
from studies.neural_differential_equations.learned.params import Fit, Params
from studies.neural_differential_equations.learned.simulate import CLASSES, WORLDS

Panel = tuple[Parameters, Parameters, np.ndarray]
"""Networks before and after, and their losses, (runs, updates)."""


def train(case: Case[Params], data: xr.DataTree) -> xr.DataTree:
    """Fit every panel; groups `<panel>/start` and `<panel>/end` hold the networks, `<panel>` the losses."""
    drops = range(len(case.params.simulate.series.drops))
    panels = {
        "crossing": crossing(case),
        "predators": predators(case, data["predators"].to_dataset()),
        "controlled": controlled(case, data["series"].to_dataset()),
        **{f"recurrent_{i}": recurrent(case, data["series"].to_dataset(), i) for i in drops},
        "relaxation": relaxation(case, data["relaxation"].to_dataset()),
    }
    groups = {}
    for name, (start, end, losses) in panels.items():
        run = np.arange(len(losses))
        loss = labelled(("run", "update"), losses, f"loss of {name}", nan=DIVERGED)
        groups[f"/{name}"] = xr.Dataset({"loss": loss}, {"run": run})
        groups[f"/{name}/start"] = weights_dataset(start, run)
        groups[f"/{name}/end"] = weights_dataset(end, run)
    return xr.DataTree.from_dict(groups)


def networks(trained: xr.DataTree, panel: str, end: bool = True) -> Parameters:
    """A panel's networks after the training or, for the null, before."""
    group = trained[f"{panel}/{'end' if end else 'start'}"]
    return {str(name): torch.as_tensor(v.values) for name, v in group.to_dataset().data_vars.items()}


def fit(
    case: Case[Params],
    name: str,
    start: Parameters,
    loss_of: Callable[[Parameters], torch.Tensor],
    rng: np.random.Generator | None = None,
) -> Panel:
    """Train all runs of a panel; the loss may draw batches from `rng`."""
    params: Fit = getattr(case.params.train, name.partition("_")[0])
    parameters, device = repeat_runs(start, 1), case.device
    parameters = {key: v.detach().to(device).requires_grad_() for key, v in parameters.items()}
    runs = len(next(iter(parameters.values())))
    losses, _ = fit_runs(
        RunsOptimiser(parameters, "adam"),
        lambda _: loss_of(parameters),
        lambda step: torch.full((runs,), params.rate * half_cosine(step, params.updates), device=device),
        params.updates,
        case.progress,
        case.checkpoint(name, [rng] if rng is not None else []),
    )
    return start, {key: v.detach().cpu() for key, v in parameters.items()}, losses


def drawn(case: Case[Params], name: str) -> torch.Generator:
    """The generator of a panel's first weights."""
    return torch.Generator().manual_seed(case.seed(name))


def crossing(case: Case[Params]) -> Panel:
    """The map x -> -x as a flow in one dimension, and in two."""
    params, seeds = case.params.train.crossing, case.params.simulate.seeds
    start = init_mlp(seeds, [2, params.width, params.width, 2], drawn(case, "crossing"))
    mask, x = dimensions(seeds).to(case.device), line(params.points, 2 * seeds).to(case.device)

    def loss_of(parameters: Parameters) -> torch.Tensor:
        return (flow(parameters, mask, x, params.steps)[..., 0] + x[..., 0]).square().mean(-1)

    return fit(case, "crossing", repeat_runs(start, 2), loss_of)


def predators(case: Case[Params], data: xr.Dataset) -> Panel:
    """From each observed point a few ahead, with the linear terms known and without."""
    params, seeds = case.params.train.predators, case.params.simulate.seeds
    start = init_mlp(seeds, [2, params.width, params.width, 2], drawn(case, "predators"))
    seen = torch.as_tensor(data["seen"].values, dtype=torch.float32, device=case.device)
    seen = (seen.repeat(2, 1, 1)).unfold(1, params.steps + 1, 1)  # (runs, starts, species, steps + 1)
    step, known = float(data["seen_time"][1] - data["seen_time"][0]), mechanism(seeds).to(case.device)

    def loss_of(parameters: Parameters) -> torch.Tensor:
        path = ahead(abundance_field(parameters, known), seen[..., 0], params.steps, step)
        errors = [(x - seen[..., i]).square().mean((1, 2)) for i, x in enumerate(path, 1)]
        return torch.stack(errors).mean(0)

    return fit(case, "predators", repeat_runs(start, 2), loss_of)


def batches(case: Case[Params], rng: np.random.Generator, size: int) -> np.ndarray:
    """Which training series each seed looks at: shape (seeds, size)."""
    return rng.integers(0, case.params.simulate.series.train, (case.params.simulate.seeds, size))


def controlled(case: Case[Params], data: xr.Dataset) -> Panel:
    """Controlled equations: runs are (drop, world, seed)."""
    params, code = case.params.train.controlled, case.params.train.code
    drops, rng = len(case.params.simulate.series.drops), case.rng("controlled")
    paths = np.stack([control_path(*observed(data, drop), params.steps) for drop in range(drops)])
    path = torch.as_tensor(paths.reshape(-1, *paths.shape[3:]), device=case.device)
    label = torch.as_tensor(np.tile(data["label"].values, (drops, 1, 1)).reshape(len(path), -1))
    groups, generator = drops * len(WORLDS), drawn(case, "controlled")
    shapes = {"enter": [PATH, code], "field": [code, params.width, code * PATH], "leave": [code, CLASSES]}
    start = {
        f"{name}_{key}": value
        for name, sizes in shapes.items()
        for key, value in init_mlp(case.params.simulate.seeds, sizes, generator).items()
    }
    runs = torch.arange(len(path))[:, None]

    def loss_of(parameters: Parameters) -> torch.Tensor:
        some = torch.as_tensor(np.tile(batches(case, rng, params.batch), (groups, 1)))
        return cross_entropy(read_path(parameters, path[runs, some], code), label[runs, some].to(case.device))

    return fit(case, "controlled", repeat_runs(start, groups), loss_of, rng)


def recurrent(case: Case[Params], data: xr.Dataset, drop: int) -> Panel:
    """Long short-term memory told of the time between points: runs are (world, seed)."""
    params, rng, name = case.params.train.recurrent, case.rng("recurrent"), f"recurrent_{drop}"
    inputs = spaced(*observed(data, drop))
    x = torch.as_tensor(inputs.reshape(-1, *inputs.shape[2:]), device=case.device)
    label, runs = torch.as_tensor(data["label"].values.reshape(len(x), -1)), torch.arange(len(x))[:, None]
    start = lstm.init(case.params.simulate.seeds, PATH, params.width, 1, drawn(case, "recurrent"))
    with torch.no_grad():  # forget gates begin open, as is usual (Jozefowicz and others 2015)
        start["bias_0"][..., params.width : 2 * params.width] += 1

    def loss_of(parameters: Parameters) -> torch.Tensor:
        some = torch.as_tensor(np.tile(batches(case, rng, params.batch), (len(WORLDS), 1)))
        logits = lstm.apply(parameters, x[runs, some])[0][:, :, -1]
        return cross_entropy(logits, label[runs, some].to(case.device))

    return fit(case, name, repeat_runs(start, len(WORLDS)), loss_of, rng)


def relaxation(case: Case[Params], data: xr.Dataset) -> Panel:
    """A stochastic equation whose values and increments have the data's laws."""
    params, seeds, rng = case.params.train.relaxation, case.params.simulate.seeds, case.rng("relaxation")
    start = init_mlp(seeds, [2, params.width, 2], drawn(case, "relaxation"))
    paths = data["x"].values

    def loss_of(parameters: Parameters) -> torch.Tensor:
        some = rng.integers(0, paths.shape[1], (seeds, params.batch))
        real = torch.as_tensor(paths[np.arange(seeds)[:, None], some], device=case.device)
        noise = rng.standard_normal((*real.shape[:2], real.shape[2] - 1), np.float32)
        made = generate(parameters, torch.as_tensor(noise, device=case.device))
        return discrepancy(features(made, params.steps), features(real, params.steps)).mean(-1)

    return fit(case, "relaxation", start, loss_of, rng)
