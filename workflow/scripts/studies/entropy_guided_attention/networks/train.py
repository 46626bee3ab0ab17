"""Trains all learning rates and seeds of a variant in one batched module, and watches every head's entropy."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.reparametrisation import Method, Reparametrisation
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.entropy_guided_attention.networks.params import Group, Params, Regulariser, Training, Variant

TINY = 1e-9  # the paper's: ln(A + 1e-9)
GRID, HEADS = ("variant", "rate", "seed"), ("layer", "head")
NONE = f"{DIVERGED}, or a variant that has none"
CURVES = {
    "loss": (("step",), "training loss of the step's batch, penalty included", "nat", DIVERGED),
    "probe_loss": (("probe",), "held-out loss", "nat", DIVERGED),
    "head_entropy": (("probe", *HEADS), "attention entropy, late rows", "nat", DIVERGED),
    "relative_entropy": (("probe", *HEADS), "attention entropy over its maximum, late rows", "1", DIVERGED),
    "importance": (HEADS, "rise of the held-out loss without the head", "nat", DIVERGED),
    "threshold": (HEADS, "learned threshold of the regulariser, share of ln T", "1", NONE),
    "temperature": ((*HEADS, "query"), "learned temperature", "1", NONE),
    "mlp_scale": (("layer", "scalar"), "learned scalars of the mlp's two branches", "1", NONE),
}
"""Dimensions beyond those of the grid, name, unit, what NaN stands for."""


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return a dataset for each group; runs of a seed share initial numbers and batches. NaN: the run had stopped."""
    return xr.DataTree.from_dict({name: train_group(case, data, name, one) for name, one in case.params.train.groups})


def train_group(case: Case[Params], data: xr.Dataset, stream: str, asked: Group) -> xr.Dataset:
    """Train every variant of a group."""
    runs = [(rate, seed) for rate in asked.rates for seed in range(asked.seeds)]
    size = asked.at_once or len(runs)
    whole: dict[str, list[np.ndarray]] = {}
    for name in asked.variants:
        parts = [
            train_runs(case, data, f"{stream}.{name}.{first}", asked, name, runs[first : first + size])
            for first in range(0, len(runs), size)
        ]
        for key in parts[0]:
            joined = np.concatenate([part[key] for part in parts])
            whole.setdefault(key, []).append(joined.reshape(len(asked.rates), asked.seeds, *joined.shape[1:]))
    variables = {}
    for key, values in whole.items():
        dims, said, units, missing = CURVES[key]
        if not all(np.isnan(one).all() for one in values):
            variables[key] = labelled((*GRID, *dims), np.stack(values), said, units, nan=missing)
    coordinates = {
        "variant": asked.variants, "rate": asked.rates, "seed": np.arange(asked.seeds),
        "step": np.arange(asked.steps), "probe": probes(case.params.train, asked),
        "layer": np.arange(1, asked.layers + 1), "head": np.arange(1, case.params.train.heads + 1),
    }  # fmt: skip
    if "mlp_scale" in variables:
        coordinates["scalar"] = ["alpha", "beta"]
    return xr.Dataset(variables, coordinates, data.attrs | {"keys": data.sizes["position"] - 1})


def probes(params: Training, asked: Group) -> list[int]:
    """Steps before which is measured, and the end."""
    return sorted({*range(0, asked.steps, params.probe_every), asked.steps})


def make_net(params: Training, variant: Variant, layers: int, symbols: int, context: int) -> Transformer:
    """The network of a variant."""
    return Transformer(
        symbols, symbols, context, params.width, layers, params.heads, init=params.init,
        embedding_std=params.embedding_std, norm="pre" if variant.layernorm else "none",
        activation=variant.activation, temperature=variant.temperature,
        mlp="fused" if variant.fused else "scaled" if variant.ffn == "scaled" else "full",
    )  # fmt: skip


def start(
    case: Case[Params], net: Transformer, variant: Variant, seeds: list[int]
) -> tuple[Reparametrisation, Parameters]:
    """Parameters of runs with these seeds: the same numbers for every variant and rate of a seed."""
    params = case.params.train
    drawn = net.init_parameters(
        case.params.simulate.seeds, torch.Generator().manual_seed(case.seed("init")), case.device
    )
    parameters = {name: value.detach()[seeds].requires_grad_() for name, value in drawn.items()}
    if variant.ereg:
        shape = (len(seeds), net.layers, 1, net.heads, 1)
        parameters["threshold"] = torch.full(shape, params.ereg.theta_init, device=case.device).requires_grad_()
    methods: dict[str, Method] = {"weight": "weight_norm", "spectral": "spectral_norm"}
    made = Reparametrisation(dict.fromkeys(("up", "down"), methods[variant.ffn]) if variant.ffn in methods else {})
    return made, made.start(parameters)


def train_runs(
    case: Case[Params], data: xr.Dataset, stream: str, asked: Group, name: str, which: list[tuple[float, int]]
) -> dict[str, np.ndarray]:
    """Train runs of one variant in one batched module."""
    params, variant, device = case.params.train, case.params.train.variants[name], case.device
    net = make_net(params, variant, asked.layers, data.attrs["symbols"], data.sizes["position"] - 1)
    seeds = [seed for _, seed in which]
    made, parameters = start(case, net, variant, seeds)
    tokens = data["tokens"].values
    held_out = torch.as_tensor(data["held_out"].values.astype(np.int64), device=device)
    rates = torch.tensor([rate for rate, _ in which], device=device)
    seen, at = Seen(), probes(params, asked)
    optimiser = RunsOptimiser(parameters, "adam", weight_decay=params.weight_decay, decayed=set(net.matrices))

    def observe(step: int) -> None:
        if step in at:
            seen.add(measure(net, made.effective(parameters), held_out, optimiser.alive, params.late))

    def loss_of(step: int) -> torch.Tensor:
        with torch.no_grad():
            observe(step)
        batch = torch.as_tensor(tokens[seeds, step * asked.batch : (step + 1) * asked.batch].astype(np.int64))
        weights = made.effective(parameters, update=True)
        return training_loss(net, weights, batch.to(device), params.ereg if variant.ereg else None)

    def rate_of(step: int) -> torch.Tensor:
        return rates * min(1.0, (step + 1) / max(1, params.warmup))

    progress, kept = partial(case.progress, what=name), case.checkpoint(stream)
    loss, _ = fit_runs(optimiser, loss_of, rate_of, asked.steps, progress, kept, [made, seen])
    with torch.no_grad():
        observe(asked.steps)
        found = learnt_scalars(net, parameters)
        if stream.startswith("main."):
            found["importance"] = importance(net, made.effective(parameters), held_out[: params.ablated], len(seeds))
    found = {key: np.where(_like(optimiser.alive.numpy(force=True), v), v, np.nan) for key, v in found.items()}
    return {"loss": loss} | {key: values.swapaxes(0, 1) for key, values in seen.arrays().items()} | found


def _like(alive: np.ndarray, values: np.ndarray) -> np.ndarray:
    return alive.reshape(-1, *[1] * (values.ndim - 1))


def row_entropy(attention: torch.Tensor) -> torch.Tensor:
    """-sum A ln(A + 1e-9) of each row: (..., queries, keys) -> (..., queries), nat."""
    return -(attention * (attention + TINY).log()).sum(-1)


def penalty(entropy: torch.Tensor, threshold: torch.Tensor, asked: Regulariser) -> torch.Tensor:
    """The entropy regulariser before its weight: squared deviations that exceed the margin.

    Parameters
    ----------
    entropy : Tensor, shape (runs, layers, batch, heads, queries)
    threshold : Tensor, shape (runs, layers, 1, heads, 1)
        Share of ln T, T the number of queries, whatever the row.

    Returns
    -------
    Tensor, shape (runs,)
        Mean over heads and layers of the sum (or mean) over sequences and queries.
    """
    most = float(np.log(entropy.shape[-1]))
    deviation = entropy - threshold * most
    beyond = torch.where(deviation.abs() > asked.gamma * most, deviation.square(), 0)
    over = beyond.sum((2, 4)) if asked.reduction == "sum" else beyond.mean((2, 4))
    return over.mean((1, 2))


def training_loss(
    net: Transformer, weights: Parameters, batch: torch.Tensor, regulariser: Regulariser | None
) -> torch.Tensor:
    """Cross-entropy of each run, and the weighted penalty if there is a regulariser. Shape (runs,)."""
    rows: list[torch.Tensor] = []

    def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
        if name == "attention":
            rows.append(row_entropy(tensor))

    logits = net(weights, batch[..., :-1], watch if regulariser else None)
    loss = runs_cross_entropy(logits, batch[..., 1:])
    if regulariser is None:
        return loss
    return loss + regulariser.weight * penalty(torch.stack(rows, 1), weights["threshold"], regulariser)


def measure(
    net: Transformer, weights: Parameters, held_out: torch.Tensor, alive: torch.Tensor, late: float
) -> dict[str, np.ndarray]:
    """Held-out loss and each head's entropy over late rows, mean over sequences; NaN for runs that have stopped."""
    entropies: list[torch.Tensor] = []

    def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
        if name == "attention":
            entropies.append(row_entropy(tensor).mean(1))  # (runs, heads, rows)

    total: dict[str, torch.Tensor] = {}
    for part in held_out.split(128):  # to save memory
        part = part.expand(len(alive), -1, -1)
        entropies.clear()
        logits = net(weights, part[..., :-1], watch)
        length = part.shape[-1] - 1
        rows = torch.stack(entropies, 1)[..., int(late * length) :]
        most = torch.log(torch.arange(1, length + 1, device=rows.device))[int(late * length) :]
        found = {
            "probe_loss": runs_cross_entropy(logits, part[..., 1:]),
            "head_entropy": rows.mean(-1),
            "relative_entropy": (rows / most).mean(-1),
        }
        for key, value in found.items():
            total[key] = total.get(key, 0) + value.double() * part.shape[1] / len(held_out)
    return {
        key: torch.where(alive.view(-1, *[1] * (value.dim() - 1)), value, torch.nan).numpy(force=True)
        for key, value in total.items()
    }


def importance(net: Transformer, weights: Parameters, held_out: torch.Tensor, runs: int) -> np.ndarray:
    """Rise of the loss when a head's output is taken away, bias kept: (runs, layers, heads)."""
    part, size = held_out.expand(runs, -1, -1), net.width // net.heads
    whole, found = runs_cross_entropy(net(weights, part[..., :-1]), part[..., 1:]), []
    for layer in range(net.layers):
        for head in range(net.heads):
            out = weights["out"].clone()
            out[:, layer, head * size : (head + 1) * size] = 0
            without = net(weights | {"out": out}, part[..., :-1])
            found.append(runs_cross_entropy(without, part[..., 1:]) - whole)
    return torch.stack(found, 1).view(runs, net.layers, net.heads).double().numpy(force=True)


def learnt_scalars(net: Transformer, parameters: Parameters) -> dict[str, np.ndarray]:
    """Thresholds, temperatures and the mlp's scalars; NaN for those that the variant doesn't have."""
    runs = len(parameters["place"])
    found = {
        "threshold": np.full((runs, net.layers, net.heads), np.nan),
        "temperature": np.full((runs, net.layers, net.heads, net.context), np.nan),
        "mlp_scale": np.full((runs, net.layers, 2), np.nan),
    }
    if "threshold" in parameters:
        found["threshold"] = parameters["threshold"].numpy(force=True)[:, :, 0, :, 0]
    if "temperature" in parameters:
        heat = parameters["temperature"].numpy(force=True)[:, :, 0, ..., 0]
        found["temperature"] = np.broadcast_to(heat, found["temperature"].shape)
    if "mlp_alpha" in parameters:
        pair = [parameters[f"mlp_{name}"].numpy(force=True)[..., 0, 0] for name in ("alpha", "beta")]
        found["mlp_scale"] = np.stack(pair, -1)
    return found
