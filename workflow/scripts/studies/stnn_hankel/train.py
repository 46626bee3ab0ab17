"""All networks: structured, dense and small ones on Lorenz; structured ones and LEADS on Lotka and Volterra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import xarray as xr

from pesin.models import sindy
from pesin.models.mlp import Parameters, apply_mlp, init_mlp, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.stnn_hankel import leads
from studies.stnn_hankel.network import apply_network, count, dense_sizes, equal_sizes, init_network, shapes
from studies.stnn_hankel.params import Params
from studies.stnn_hankel.simulate import environments
from studies.stnn_hankel.windows import Pairs, Scaled, lorenz_series, pairs

Network = Callable[[Parameters, torch.Tensor], torch.Tensor]


def network_of(family: str) -> Network:
    """What runs the networks of a family."""
    return apply_network if family == "structured" else lambda parameters, x: apply_mlp(parameters, x, torch.tanh)


def init(case: Case[Params], family: str, blocks: int) -> Parameters:
    """Draw a family's networks: the dense twin has the widths, the equal one the number of parameters."""
    params, seeds = case.params.train, case.params.simulate.seeds
    generator = torch.Generator().manual_seed(case.seed(f"{family} {blocks}"))
    if family == "structured":
        return init_network(seeds, params.delays, blocks, generator, case.device)
    sizes = dense_sizes(params.delays, blocks)
    if family == "equal":
        sizes = equal_sizes(params.delays, count(shapes(params.delays, blocks)))
    return init_mlp(seeds, sizes, generator, case.device)


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """Groups `<family>_<blocks>`, `environments`, `leads`, `adapted`, each also as it started, and the losses."""
    params, common = case.params, environments(case.params)[1]
    learnt = round(params.simulate.samples * params.train.share)
    order = case.rng("order") if params.train.order == "shuffled" else None
    series, _ = lorenz_series(data["state"].values, learnt, order)
    windows = pairs(series[:, None, :learnt, None], params.train.delays)
    groups, curves = {}, {}
    for family, arms in params.train.arms.items():
        for blocks in arms:
            name, parameters = f"{family}_{blocks}", init(case, family, blocks)
            groups[f"{name}_start"] = kept(parameters)
            rates = params.train.steps, params.train.batch, params.train.lr[family]
            losses = fit(case, name, "batches", network_of(family), parameters, windows, rates)
            groups[name] = kept(parameters)
            curves[f"{name}_loss"] = labelled(("seed", "update"), losses, "loss", nan=DIVERGED)
    orbits = data["learnt"].values
    groups["sindy"] = sindy_models(data["state"].values[:, :learnt], params.simulate.dt)
    groups |= in_environments(case, orbits) | with_leads(case, orbits, common)
    return xr.DataTree.from_dict({"/": xr.Dataset(curves), **groups})


def sindy_models(states: np.ndarray, dt: float) -> xr.Dataset:
    """SINDy of degree 2 on the whole state of each orbit, smaller coefficients than 0.1 dropped."""
    found, powers = zip(*(sindy.fit(state, dt, degree=2, threshold=0.1) for state in states), strict=True)
    said = labelled(("term", "axis"), powers[0], "powers of the coordinates")
    return xr.Dataset({"coefficient": labelled(("seed", "row", "term"), found, "coefficients"), "power": said})


def kept(parameters: Parameters) -> xr.Dataset:
    """Weights as a Dataset, as they are now: a training changes the tensors in place."""
    return weights_dataset(parameters, range(len(next(iter(parameters.values()))))).copy(deep=True)


def fit(case: Case[Params], name: str, stream: str, network: Network, parameters: Parameters, windows: Pairs, rates):
    """Train all runs on windows, mean squared error over all n outputs; networks of one stream see the same batches."""
    steps, batch, lr = rates
    now, then = (torch.as_tensor(part, dtype=torch.float32, device=case.device) for part in windows)
    rng, runs = case.rng(stream), len(now)
    row = torch.arange(runs, device=case.device)[:, None]

    def loss_of(_: int) -> torch.Tensor:
        chosen = torch.as_tensor(rng.integers(now.shape[1], size=(runs, batch)), device=case.device)
        return (network(parameters, now[row, chosen]) - then[row, chosen]).square().mean((1, 2))

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((runs,), lr * half_cosine(step, steps), device=case.device)

    optimiser = RunsOptimiser(parameters, "adam")
    return fit_runs(optimiser, loss_of, rate_of, steps, case.progress, case.checkpoint(name, [rng]))[0]


def in_environments(case: Case[Params], orbits: np.ndarray) -> dict[str, xr.Dataset]:
    """A structured network of each environment and draw, draw by draw along the runs."""
    params = case.params.train
    generator = torch.Generator().manual_seed(case.seed("environments"))
    parameters = init_network(
        params.draws * len(orbits), params.delays, params.environment_blocks, generator, case.device
    )
    start = kept(parameters)
    scaled = Scaled.of(orbits.reshape(len(orbits), -1, 2))
    windows = Pairs(*(np.tile(part, (params.draws, 1, 1)) for part in pairs(scaled.to(orbits), params.delays // 2)))
    rates = params.environment_steps, params.environment_batch, params.lr["structured"]
    fit(case, "environments", "environment batches", apply_network, parameters, windows, rates)
    return {"environments_start": start, "environments": kept(parameters)}


def with_leads(case: Case[Params], orbits: np.ndarray, common: int) -> dict[str, xr.Dataset]:
    """LEADS on the common environments; then, its shared part held, parts of the novel ones alone."""
    params, generator = case.params.train, torch.Generator().manual_seed(case.seed("leads"))
    parameters = leads.init_fields(params.draws, common, params.leads_width, generator, case.device)
    found = {"leads_start": kept(parameters)}
    fit_fields(case, "leads", parameters, {}, orbits[:common])
    shared = {name: v.detach() for name, v in parameters.items() if name.startswith("shared_")}
    own = leads.own_fields(params.draws, len(orbits) - common, params.leads_width, generator, case.device)
    found["adapted_start"] = kept({name: v for name, v in parameters.items() if name not in own} | own)
    fit_fields(case, "adapted", own, shared, orbits[common:])
    return found | {"leads": kept(parameters), "adapted": kept(shared | own)}


def fit_fields(case: Case[Params], name: str, parameters: Parameters, held: Parameters, orbits: np.ndarray) -> None:
    """Train fields on all pairs of neighbouring samples at once."""
    params, steps = case.params.train, case.params.train.leads_steps
    points = torch.as_tensor(orbits, dtype=torch.float32, device=case.device)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full((params.draws,), params.leads_lr * half_cosine(step, steps), device=case.device)

    def loss_of(_: int) -> torch.Tensor:
        return leads.loss(held | parameters, points, params.leads_penalty)

    fit_runs(RunsOptimiser(parameters, "adam"), loss_of, rate_of, steps, case.progress, case.checkpoint(name))


def networks(trained: Any, group: str, device: str) -> Parameters:
    """The parameters of a group."""
    return {str(name): torch.as_tensor(v.values, device=device) for name, v in trained[group].data_vars.items()}
