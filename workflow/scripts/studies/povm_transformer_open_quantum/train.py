"""Trains all distributions on the Lindblad equation alone: steady states by |A p|, runs in time by trapezoid steps.

No exact solution is seen: the train step is handed the first state and builds A from the parameters.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.sparse import csr_matrix, vstack

from pesin.models.mlp import Parameters, repeat_runs, weights_dataset
from pesin.models.optimisers import RunsOptimiser, fit_runs, half_cosine
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.povm_transformer_open_quantum.ansatz import (
    Ansatz,
    Autoregressive,
    Machine,
    Product,
    count,
    mixture,
    orders,
    reordered,
)
from studies.povm_transformer_open_quantum.params import Params
from studies.povm_transformer_open_quantum.simulate import plane, ring

ORDERS = ("plain", "string")
BETAS = (0.9, 0.98)
"""Of Adam, as the paper's released code has them."""
LOG_P = "logarithm of the probability of an outcome"
RESIDUAL = "1-norm of A p"


class Flow:
    """dp/dt = (A_0 + g A_1) p for runs with a field each."""

    def __init__(self, parts: tuple[csr_matrix, csr_matrix], fields: np.ndarray, device: str) -> None:
        both = csr_matrix(vstack(parts))
        self.matrix, self.transposed = sparse_tensor(both, device), sparse_tensor(csr_matrix(both.T), device)
        self.fields = torch.as_tensor(fields, dtype=torch.float64, device=device)[:, None]

    def __call__(self, p: torch.Tensor) -> torch.Tensor:
        """Shape (runs, 4^N) -> (runs, 4^N)."""
        rest, turn = Times.apply(p, self.matrix, self.transposed).split(p.shape[1], 1)
        return rest + self.fields * turn


class Times(torch.autograd.Function):
    """M p of rows p, the transpose kept: torch's own gradient transposes M at each call, which is ten times as dear."""

    @staticmethod
    def forward(ctx: Any, p: torch.Tensor, matrix: torch.Tensor, transposed: torch.Tensor) -> torch.Tensor:
        ctx.transposed = transposed
        return (matrix @ p.T).T

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return (ctx.transposed @ gradients[0].T).T, None, None


def sparse_tensor(matrix: csr_matrix, device: str) -> torch.Tensor:
    """The same for torch, by rows."""
    starts, columns = (torch.as_tensor(part.astype(np.int64)) for part in (matrix.indptr, matrix.indices))
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # that this layout is new
        values = torch.as_tensor(matrix.data)
        return torch.sparse_csr_tensor(starts, columns, values, matrix.shape, check_invariants=False).to(device)


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """Groups `sweep`, `orders`, `drives`, `plane`, and the transformers' weights of the first three."""
    found = sweep(case) | in_orders(case) | in_time(case, data) | in_plane(case)
    return xr.DataTree.from_dict(found)


def network(case: Case[Params], sites: int) -> Autoregressive:
    """The transformer of so many sites."""
    p = case.params.train
    return Autoregressive.of(sites, p.width, p.layers, p.heads, p.expansion)


def methods(case: Case[Params]) -> dict[str, Ansatz]:
    """Transformer, machine with as many parameters, and product."""
    sites, net = case.params.simulate.sites, network(case, case.params.simulate.sites)
    size = count(net.init(1, torch.Generator(), "cpu"))
    return {
        "transformer": net,
        "rbm": Machine(sites, round((size - 4 * sites) / (4 * sites + 1))),
        "product": Product(sites),
    }


def start(case: Case[Params], ansatz: Ansatz, name: str, seeds: int, times: int) -> Parameters:
    """Weights before training: `seeds` of them, the same at all fields."""
    generator = torch.Generator().manual_seed(case.seed(f"{name} weights"))
    return repeat_runs(ansatz.init(seeds, generator, case.device), times)


def settle(
    case: Case[Params],
    ansatz: Ansatz,
    parameters: Parameters,
    flow: Flow,
    steps: int,
    name: str,
    index: torch.Tensor | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minimise |A p|: ln p before, ln p after, shapes (runs, 4^N), and the losses, shape (runs, steps)."""

    def log_p() -> torch.Tensor:
        found = ansatz.log_p(parameters)
        return found if index is None else mixture(found, index)

    def rate_of(step: int) -> torch.Tensor:
        return torch.full_like(flow.fields[:, 0], case.params.train.lr * half_cosine(step, steps))

    optimiser = RunsOptimiser(parameters, "adam", betas=BETAS)
    with torch.no_grad():
        before = log_p().numpy(force=True)
    loss, _ = fit_runs(
        optimiser, lambda step: flow(log_p().exp()).abs().sum(1), rate_of, steps, case.progress, case.checkpoint(name)
    )
    with torch.no_grad():
        return before, log_p().numpy(force=True), loss


def group(lead: dict[str, list], before: np.ndarray, after: np.ndarray, loss: np.ndarray, units: str) -> xr.Dataset:
    """Results of runs that are laid out as the dimensions of `lead`."""
    shape, dims = [len(values) for values in lead.values()], tuple(lead)
    return xr.Dataset(
        {
            "initial": labelled((*dims, "outcome"), before.reshape(*shape, -1), f"{LOG_P} before training"),
            "log_p": labelled((*dims, "outcome"), after.reshape(*shape, -1), LOG_P, nan=DIVERGED),
            "loss": labelled((*dims, "update"), loss.reshape(*shape, -1), RESIDUAL, units, nan=DIVERGED),
        },
        lead,
    )


def sweep(case: Case[Params]) -> dict[str, xr.Dataset]:
    """Steady states of the ring at all fields by all methods."""
    fields, seeds = case.params.simulate.fields, case.params.train.seeds
    flow = Flow(ring(case.params.simulate), np.repeat(fields, seeds), case.device)
    found, kept, sizes = [], {}, []
    for name, ansatz in methods(case).items():
        parameters = start(case, ansatz, name, seeds, len(fields))
        found.append(settle(case, ansatz, parameters, flow, case.params.train.steps, name))
        kept[name] = parameters
        sizes.append(count(parameters))
    lead: dict[str, list] = {"method": list(kept), "field": fields, "seed": list(range(seeds))}
    before, after, loss = (np.array(part) for part in zip(*found, strict=True))
    result = group(lead, before, after, loss, "gamma")
    result["parameters"] = labelled("method", sizes, "parameters of a network")
    return {"sweep": result, "sweep_weights": weights_dataset(kept["transformer"], range(len(fields) * seeds))}


def in_orders(case: Case[Params]) -> dict[str, xr.Dataset]:
    """The ring's steady state at one field by transformers that read it in one order, or in all its shifts."""
    p, sites = case.params.train, case.params.simulate.sites
    index = np.repeat([reordered(orders(name, sites)) for name in ORDERS], p.order_seeds, 0)
    flow = Flow(ring(case.params.simulate), np.full(len(index), p.order_field), case.device)
    net = network(case, sites)
    parameters = start(case, net, "orders", p.order_seeds, len(ORDERS))
    found = settle(case, net, parameters, flow, p.steps, "orders", torch.as_tensor(index, device=case.device))
    lead: dict[str, list] = {"order": list(ORDERS), "order_seed": list(range(p.order_seeds))}
    return {"orders": group(lead, *found, "gamma"), "orders_weights": weights_dataset(parameters, range(len(index)))}


def in_plane(case: Case[Params]) -> dict[str, xr.Dataset]:
    """Steady states of the rectangle by transformers that read it row by row."""
    p, world = case.params.train, case.params.simulate
    net = network(case, world.plane[0] * world.plane[1])
    flow = Flow(plane(world), np.repeat(world.plane_fields, p.plane_seeds), case.device)
    parameters = start(case, net, "plane", p.plane_seeds, len(world.plane_fields))
    found = settle(case, net, parameters, flow, p.plane_steps, "plane")
    return {
        "plane": group({"plane_field": world.plane_fields, "plane_seed": list(range(p.plane_seeds))}, *found, "gamma")
    }


def in_time(case: Case[Params], data: Any) -> dict[str, xr.Dataset]:
    """Runs in time: learn the first state, then minimise |(1 - dt/2 A) p_new - (1 + dt/2 A) p_old|, p_old its own."""
    p, world = case.params.train, case.params.simulate
    net = network(case, world.sites)
    first = start(case, net, "drives", p.drive_seeds, 1)
    warm = learn_start(case, net, first, torch.as_tensor(data["ring"]["start"].values, device=case.device))
    parameters = repeat_runs(first, len(world.drives))
    flow = Flow(ring(world), np.repeat(world.drives, p.drive_seeds), case.device)
    half, seen, keeper = world.dt / 2, Seen(), RunsOptimiser(parameters, "adam")

    def p_now() -> torch.Tensor:
        return net.log_p(parameters).exp()

    def rate_of(step: int) -> torch.Tensor:
        return torch.full_like(flow.fields[:, 0], p.drive_lr * half_cosine(step, p.inner))

    def step_in_time() -> None:
        with torch.no_grad():
            old = p_now()
            wanted = old + half * flow(old)

        def loss_of(_: int) -> torch.Tensor:
            new = p_now()
            return (new - half * flow(new) - wanted).abs().sum(1)

        loss, _ = fit_runs(RunsOptimiser(parameters, "adam", betas=BETAS), loss_of, rate_of, p.inner)
        with torch.no_grad():
            seen.add({"log_p": net.log_p(parameters).numpy(force=True), "loss": loss[:, -1]})

    with torch.no_grad():
        at_start = net.log_p(parameters).numpy(force=True)
    for _ in case.checkpoint("drives").turns(world.steps, keeper, seen, progress=case.progress):
        step_in_time()
    path = {name: np.moveaxis(values, 0, 1) for name, values in seen.arrays().items()}
    whole = np.concatenate([at_start[:, None], path["log_p"]], 1)
    return {
        "drives": drives(case, whole, path["loss"], warm),
        "drives_weights": weights_dataset(parameters, range(len(whole))),
    }


def learn_start(case: Case[Params], net: Autoregressive, parameters: Parameters, wanted: torch.Tensor) -> np.ndarray:
    """Cross-entropy to the first state; divergences from it, shape (runs, updates)."""
    p = case.params.train

    def rate_of(step: int) -> torch.Tensor:
        rate = p.lr * half_cosine(step, p.warm_up)
        return torch.full((p.drive_seeds,), rate, dtype=torch.float64, device=case.device)

    def loss_of(_: int) -> torch.Tensor:
        return (torch.xlogy(wanted, wanted) - wanted * net.log_p(parameters)).sum(1)

    optimiser = RunsOptimiser(parameters, "adam", betas=BETAS)
    return fit_runs(optimiser, loss_of, rate_of, p.warm_up, case.progress, case.checkpoint("warm_up"))[0]


def drives(case: Case[Params], log_p: np.ndarray, loss: np.ndarray, warm: np.ndarray) -> xr.Dataset:
    """Results of the runs in time: runs are drives x seeds."""
    p, world = case.params.train, case.params.simulate
    lead, shape = ("drive", "drive_seed"), (len(world.drives), p.drive_seeds)
    return xr.Dataset(
        {
            "log_p": labelled((*lead, "time", "outcome"), log_p.reshape(*shape, *log_p.shape[1:]), LOG_P, nan=DIVERGED),
            "loss": labelled(
                (*lead, "next_time"), loss.reshape(*shape, -1), "1-norm of the trapezoid's residual", nan=DIVERGED
            ),
            "warm_up": labelled(("drive_seed", "update"), warm, "divergence from the first state", "nat", nan=DIVERGED),
        },
        {
            "drive": world.drives,
            "drive_seed": list(range(p.drive_seeds)),
            "time": world.dt * np.arange(world.steps + 1),
            "next_time": world.dt * np.arange(1, world.steps + 1),
        },
    )
