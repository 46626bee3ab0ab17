"""Trains all learning rates and seeds of a variant in one batched module; the paper's diagnostics on the way."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import xarray as xr

from pesin.models.losses import runs_cross_entropy
from pesin.models.mlp import Parameters
from pesin.models.optimisers import RunsOptimiser, fit_runs
from pesin.models.reparametrisation import first_singular
from pesin.models.transformer import Transformer
from pesin.steps.case import Case
from pesin.steps.checkpoint import Seen
from pesin.steps.labels import DIVERGED, labelled
from studies.sigma_reparam_attention_entropy.sequences.missing import NO_LAYER
from studies.sigma_reparam_attention_entropy.sequences.params import Params, Sweep, Training
from studies.sigma_reparam_attention_entropy.transformers import Runs, joined, make_net, parts_of, start

MATRICES = ("query", "key", "value", "out", "up", "down", "scores")
GRID = ("variant", "depth", "rate", "seed")
HEADS, ROWS = ("probe", "layer", "head"), ("layer", "head", "example")
CURVES = {
    "loss": (("step",), "training loss of the step's batch", "nat"),
    "gradient_norm": (("step",), "norm of the whole gradient", "1"),
    "probe_loss": (("probe",), "loss on the probe, evaluation mode", "nat"),
    "attention_entropy": (HEADS, "attention entropy, mean over rows and probe", "nat"),
    "relative_attention_entropy": (HEADS, "attention entropy over ln(keys of the row), mean over rows and probe", "1"),
    "held_out_loss": ((), "loss on all held-out sequences after training", "nat"),
    "spectral_norm": (
        ("snapshot", "layer", "matrix"),
        "spectral norm of the effective matrix; scores: of W_Q W_K' / sqrt(size), largest head",
        "1",
    ),
    "row_entropy": (ROWS, "entropy of the last row of attention after training", "nat"),
    "row_norm": (ROWS, "norm of that row's scores, mean taken off", "1"),
    "theorem_norm": (
        ROWS,
        "|W_Q W_K'| |X X'| / sqrt(size), biases included: what the theorem bounds the norm by",
        "1",
    ),
}
"""Dimensions beyond those of the grid, name, unit."""


def train(case: Case[Params], data: xr.Dataset) -> xr.DataTree:
    """Return a group for each sweep."""
    sweeps = {name: one for name, one in case.params.train.sweeps if one is not None}
    return xr.DataTree.from_dict({name: sweep(case, data, name, one) for name, one in sweeps.items()})


def sweep(case: Case[Params], data: xr.Dataset, stream: str, asked: Sweep) -> xr.Dataset:
    """Train every variant and depth of a sweep; runs of a seed share initial numbers and batches. NaN: run stopped."""
    found: dict[str, list[np.ndarray]] = {}
    for name in asked.variants:
        for layers in asked.layers:
            parts = parts_of(asked.rates, asked.seeds, asked.at_once)
            trained = [
                group(case, data, f"{stream}.{name}.{layers}.{i}", asked, name, layers, runs)
                for i, runs in enumerate(parts)
            ]
            for key, values in joined(trained).items():
                values = values.reshape(len(asked.rates), asked.seeds, *values.shape[1:])
                dims, _, _ = CURVES[key]
                if "layer" in dims:  # shallower nets are filled up with NaN
                    gap = [(0, 0)] * values.ndim
                    gap[2 + dims.index("layer")] = (0, max(asked.layers) - layers)
                    values = np.pad(values, gap, constant_values=np.nan)
                found.setdefault(key, []).append(values)
    shape = (len(asked.variants), len(asked.layers))
    variables = {}
    for key, all_of in found.items():
        dims, name, units = CURVES[key]
        whole = np.stack(all_of).reshape(*shape, *all_of[0].shape)
        missing = NO_LAYER if "layer" in dims else DIVERGED
        variables[key] = labelled((*GRID, *dims), whole, name, units, nan=missing)
    coordinates = {
        "variant": asked.variants, "depth": asked.layers, "rate": asked.rates, "seed": np.arange(asked.seeds),
        "step": np.arange(asked.steps), "probe": probes(case.params.train, asked),
    }  # fmt: skip
    if asked.snapshots:
        coordinates |= {"snapshot": snapshots(asked), "matrix": list(MATRICES)}
    known = {key: data.attrs[key] for key in ("frequencies_loss", "source_loss")}
    return xr.Dataset(
        variables, coordinates, known | {"symbols": data.sizes["symbol"], "keys": data.sizes["position"] - 1}
    )


def probes(params: Training, asked: Sweep) -> list[int]:
    """Steps before which the probe is measured, and the end."""
    return sorted({*range(0, asked.steps, params.probe_every), asked.steps})


def snapshots(asked: Sweep) -> list[int]:
    """Steps at which spectral norms are taken, the end included."""
    return np.unique(np.linspace(0, asked.steps, asked.snapshots).round().astype(int)).tolist()


def group(
    case: Case[Params], data: xr.Dataset, stream: str, asked: Sweep, name: str, layers: int, which: Runs
) -> dict[str, np.ndarray]:
    """Train runs of one variant at one depth in one batched module."""
    params, variant, device = case.params.train, case.params.train.variants[name], case.device
    symbols, length = data.sizes["symbol"], data.sizes["position"]
    net = make_net(params, variant, layers, inputs=symbols, outputs=symbols, context=length - 1)
    made, parameters = start(case, net, variant, case.params.simulate.seeds, which)
    seeds = [seed for _, seed in which]
    tokens = torch.as_tensor(data["tokens"].values)  # on the host, as narrow as they are kept
    held_out = torch.as_tensor(data["held_out"].values.astype(np.int64), device=device)
    rates = torch.tensor([rate for rate, _ in which], device=device)
    runs, seen, at, norms_at = len(rates), Seen(), probes(params, asked), snapshots(asked)
    optimiser = RunsOptimiser(parameters, "adam")

    def observe(step: int) -> None:
        weights = made.effective(parameters)
        if step in at:
            seen.add(measure(net, weights, held_out[: params.probe_size].expand(runs, -1, -1), optimiser.alive))
        if step in norms_at and asked.snapshots:
            seen.add({"spectral_norm": spectral_norms(net, weights)})

    def loss_of(step: int) -> torch.Tensor:
        with torch.no_grad():
            observe(step)
        batch = tokens[seeds, step * asked.batch : (step + 1) * asked.batch].to(device, torch.int64)
        return runs_cross_entropy(net(made.effective(parameters, update=True), batch[..., :-1]), batch[..., 1:])

    progress = partial(case.progress, what=f"{name}, {layers} layers")
    kept = case.checkpoint(stream)
    loss, norm = fit_runs(optimiser, loss_of, lambda step: rates, asked.steps, progress, kept, [made, seen])
    with torch.no_grad():
        observe(asked.steps)
        weights = made.effective(parameters)
        parts = [part.expand(runs, -1, -1) for part in held_out.split(16)]  # to save memory
        last = sum(runs_cross_entropy(net(weights, part[..., :-1]), part[..., 1:]) * part.shape[1] for part in parts)
        final = torch.where(optimiser.alive, last / len(held_out), torch.nan)
        result = {"loss": loss, "gradient_norm": norm, "held_out_loss": final.double().numpy(force=True)}
        result |= {key: values.swapaxes(0, 1) for key, values in seen.arrays().items()}
        if asked.snapshots:
            result |= last_row(net, weights, held_out[: params.probe_size].expand(runs, -1, -1))
    return result


def measure(net: Transformer, weights: Parameters, probe: torch.Tensor, alive: torch.Tensor) -> dict[str, np.ndarray]:
    """Loss and attention entropies of all runs on the probe; NaN for runs that have stopped."""
    entropies: list[torch.Tensor] = []

    def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
        if name == "attention":
            entropies.append(torch.special.entr(tensor).sum(-1).mean(1))  # (runs, heads, rows)

    logits = net(weights, probe[..., :-1], watch)
    rows = torch.stack(entropies, 1)
    most = torch.log(torch.arange(2, rows.shape[-1] + 1, device=rows.device)) if net.causal else None
    relative = rows[..., 1:] / most if most is not None else rows / np.log(rows.shape[-1])
    found = {
        "attention_entropy": rows.mean(-1),
        "relative_attention_entropy": relative.mean(-1),
        "probe_loss": runs_cross_entropy(logits, probe[..., 1:]),
    }
    return {
        key: torch.where(alive.view(-1, *[1] * (value.dim() - 1)), value, torch.nan).double().numpy(force=True)
        for key, value in found.items()
    }


def spectral_norms(net: Transformer, weights: Parameters) -> np.ndarray:
    """Largest singular value of each effective matrix, shape (runs, layers, matrices)."""
    plain = [weights["qkv"][:, :, i] for i in range(3)] + [weights[name] for name in ("out", "up", "down")]
    norms = [largest_singular_value(matrix) for matrix in plain]
    scores = score_matrices(net, weights, biases=False)
    norms.append(largest_singular_value(scores).amax(-1))
    return torch.stack(norms, -1).double().numpy(force=True)


def largest_singular_value(matrix: torch.Tensor) -> torch.Tensor:
    """Spectral norm of each matrix, NaN where it isn't finite."""
    good = torch.isfinite(matrix).all(-1).all(-1)
    sigma, _, _ = first_singular(torch.where(good[..., None, None], matrix, 0))
    return torch.where(good, sigma, torch.nan)


def score_matrices(net: Transformer, weights: Parameters, biases: bool) -> torch.Tensor:
    """W_Q W_K' / sqrt(size) of each head, (runs, layers, heads, in, in); with biases, in has a row of ones more."""
    query, key = (weights["qkv"][:, :, i] for i in range(2))
    if biases:
        query, key = (torch.cat([matrix, weights["qkv_bias"][:, :, i]], -2) for i, matrix in enumerate((query, key)))
    query, key = (m.unflatten(-1, (net.heads, -1)).transpose(-3, -2) for m in (query, key))
    return net.score_scale * query @ key.mT / (net.width // net.heads) ** 0.5


def last_row(net: Transformer, weights: Parameters, probe: torch.Tensor) -> dict[str, np.ndarray]:
    """Entropy and norm of the last row's scores (it sees all keys), and the theorem's bound of that norm."""
    rows, inputs = [], []

    def watch(name: str, layer: int, tensor: torch.Tensor) -> None:
        if name == "scores":
            rows.append(tensor[..., -1, :].transpose(1, 2))  # (runs, heads, batch, keys)
        elif name == "attention_input":
            inputs.append(torch.nn.functional.pad(tensor, (0, 1), value=1.0))

    net(weights, probe[..., :-1], watch)
    scores, x = torch.stack(rows, 1).double(), torch.stack(inputs, 1).double()
    entropy = torch.special.entr(scores.softmax(-1)).sum(-1)
    centred = scores - scores.mean(-1, keepdim=True)
    spread = largest_singular_value(x.mT @ x)  # |X X'| = |X' X|: (runs, layers, batch)
    norm = largest_singular_value(score_matrices(net, weights, biases=True).double())
    found = {
        "row_entropy": entropy,
        "row_norm": torch.linalg.vector_norm(centred, dim=-1),
        "theorem_norm": norm[..., None] * spread[:, :, None],
    }
    return {key: value.numpy(force=True) for key, value in found.items()}
