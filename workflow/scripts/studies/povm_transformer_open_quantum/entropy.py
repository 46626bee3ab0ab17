"""Entropies along the runs in time, the way to the steady state, and samples: ancestral ones and those of a chain."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.special import entr

from pesin.entropy.kernel import von_neumann_entropy
from pesin.entropy.resampling import correlation_time
from pesin.models.mlp import Parameters
from pesin.models.sampling import ancestral, sequence_log_prob
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.povm_transformer_open_quantum import povm
from studies.povm_transformer_open_quantum.ansatz import START, Autoregressive
from studies.povm_transformer_open_quantum.params import Params
from studies.povm_transformer_open_quantum.train import network

LEAST = 1e-12
"""Eigenvalues of a steady state below it count as it in a relative entropy."""


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """Entropies (drive, drive_seed, time), exact ones without seeds; samples and chains (draw)."""
    world = case.params.simulate
    exact = data["ring"]["moving"].values
    steady = data["ring"]["steady"].values
    net = np.exp(trained["drives"]["log_p"].values)
    dims = ("drive", "drive_seed", "time")
    found = of_states(case, net, dims, "")
    found |= of_states(case, exact, ("drive", "time"), "exact_")
    goal = povm.density(steady[[world.fields.index(g) for g in world.drives]], world.frame)
    for name, p, own in (("", net, dims), ("exact_", exact, ("drive", "time"))):
        way = relative_entropy(case, p, goal.reshape(len(goal), *[1] * (p.ndim - 2), *goal.shape[1:]))
        found[f"{name}to_steady"] = labelled(own, way, "relative entropy to the steady state", "nat")
    found |= samples(case, trained)
    times = data["ring"]["time"].values
    return xr.Dataset(found, {"drive": world.drives, "time": times, "draw": np.arange(case.params.entropy.draws)})


def of_states(case: Case[Params], p: np.ndarray, dims: tuple[str, ...], name: str) -> dict[str, tuple]:
    """Shannon's, Renyi's of order 2, von Neumann's, mutual information of halves, and what was negative."""
    frame, sites = case.params.simulate.frame, case.params.simulate.sites
    rho = povm.density(p, frame)
    fixed, clipped = povm.physical(rho)
    half = povm.DIGITS ** (sites // 2)
    both = p.reshape(*p.shape[:-1], half, -1)
    parts = [neumann(povm.physical(povm.density(both.sum(axis), frame))[0]) for axis in (-1, -2)]
    whole = neumann(fixed)
    purity = np.einsum("...ij,...ji->...", rho, rho).real
    return {
        f"{name}shannon": labelled(dims, entr(p).sum(-1), "entropy of the outcomes", "nat"),
        f"{name}renyi": labelled(dims, -np.log(purity), "Renyi entropy of order 2 of the state", "nat"),
        f"{name}neumann": labelled(dims, whole, "von Neumann entropy of the state", "nat"),
        f"{name}mutual": labelled(dims, parts[0] + parts[1] - whole, "mutual information of the halves", "nat"),
        f"{name}negative": labelled(dims, clipped, "weight of negative eigenvalues"),
    }


def neumann(rho: np.ndarray) -> np.ndarray:
    """Von Neumann entropies of positive density matrices, nat."""
    return np.asarray(von_neumann_entropy((rho + rho.conj().swapaxes(-1, -2)) / 2).value)


def relative_entropy(case: Case[Params], p: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """Tr rho (ln rho - ln goal), nat; it never rises along the exact path (Spohn, J. Math. Phys. 19, 1227, 1978)."""
    rho, _ = povm.physical(povm.density(p, case.params.simulate.frame))
    level, vector = np.linalg.eigh((goal + goal.conj().swapaxes(-1, -2)) / 2)
    log = np.einsum("...ij,...j,...kj->...ik", vector, np.log(level.clip(min=LEAST)), vector.conj())
    return -neumann(rho) - np.einsum("...ij,...ji->...", rho, log).real


def samples(case: Case[Params], trained: Any) -> dict[str, tuple]:
    """Correlation times (1 for independent samples) of the mean sz of an outcome, and the entropy from samples."""
    p, world = case.params.entropy, case.params.simulate
    seeds = trained["sweep"].sizes["seed"]
    own = np.arange(p.draws) % seeds  # the network of each draw
    log_p = trained["sweep"]["log_p"].sel({"method": "transformer", "field": p.field}).values[own]
    net = network(case, world.sites)
    runs = torch.as_tensor(world.fields.index(p.field) * seeds + own)
    kept = trained["sweep_weights"].to_dataset()
    weights = {str(name): torch.as_tensor(value.values)[runs] for name, value in kept.data_vars.items()}
    drawn, surprise = drawn_by(case, net, weights)
    chain, even = chained(case, log_p), chained(case, np.full_like(log_p, -np.log(log_p.shape[1])))
    z = povm.values(world.frame)[:, 2]
    places = povm.DIGITS ** np.arange(world.sites - 1, -1, -1)

    def times(outcomes: np.ndarray) -> np.ndarray:
        said = z[outcomes[..., None] // places % povm.DIGITS].mean(-1)
        return np.array([2 * correlation_time(one) for one in said])

    error = surprise.std(1, ddof=1) / np.sqrt(p.samples)
    return {
        "ancestral_time": labelled("draw", times(drawn @ places), "correlation time of ancestral samples", "sample"),
        "chain_time": labelled("draw", times(chain), "correlation time of the chain", "step"),
        "sweep_time": labelled("draw", times(chain[:, :: world.sites]), "correlation time of the chain", "sweep"),
        "even_time": labelled("draw", times(even[:, :: world.sites]), "the same on even probabilities", "sweep"),
        "sampled_entropy": labelled("draw", surprise.mean(1), "entropy of the outcomes from samples", "nat"),
        "sampled_entropy_error": labelled("draw", error, "standard error of the entropy from samples", "nat"),
        "summed_entropy": labelled("draw", -(np.exp(log_p) * log_p).sum(-1), "entropy of the outcomes, summed", "nat"),
    }


def drawn_by(case: Case[Params], net: Autoregressive, weights: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Ancestral samples (draw, sample, site) and their -ln p (draw, sample)."""
    p, sites = case.params.entropy, case.params.simulate.sites
    uniform = torch.as_tensor(case.rng("samples").random((p.draws, p.samples, sites)))
    prompt = torch.full((p.draws, p.samples, 1), START)
    with torch.no_grad():
        model = partial(net.net, weights)
        tokens = ancestral(model, prompt, uniform)
        return tokens[..., 1:].numpy(), -sequence_log_prob(model, tokens).numpy()


def chained(case: Case[Params], log_p: np.ndarray) -> np.ndarray:
    """A chain for each distribution, shape (draw, steps): one site gets another outcome, kept by Metropolis' rule.

    N steps are a sweep, which asks for as many probabilities of a site as one ancestral sample. It starts with a draw
    from the distribution itself, so that nothing has to be thrown away.
    """
    p, sites = case.params.entropy, case.params.simulate.sites
    rng, count = case.rng("chain"), case.params.entropy.samples * case.params.simulate.sites
    cumulative = np.exp(log_p).cumsum(1)
    fresh = rng.random((count, p.draws)) * cumulative[:, -1]
    if p.chain == "independent":
        found = [np.searchsorted(c, u, side="right") for c, u in zip(cumulative, fresh.T, strict=True)]
        return np.minimum(found, log_p.shape[1] - 1)
    places = povm.DIGITS ** rng.integers(sites, size=(count, p.draws))
    step, threshold = rng.integers(1, povm.DIGITS, size=(count, p.draws)), np.log(rng.random((count, p.draws)))
    rows = np.arange(p.draws)
    now = (cumulative <= fresh[0][:, None]).sum(1).clip(max=log_p.shape[1] - 1)
    path = np.empty((count, p.draws), np.int64)
    for i in range(count):
        digit = now // places[i] % povm.DIGITS
        other = now + ((digit + step[i]) % povm.DIGITS - digit) * places[i]
        now = np.where(threshold[i] < log_p[rows, other] - log_p[rows, now], other, now)
        path[i] = now
    return path.T
