"""Information through the channel, in phases, in replayed sequences and in policies; spikes and memories counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.entropy.amplitude import miller_madow_entropy, shannon_entropy
from pesin.entropy.gaussian import gaussian_mutual_information
from pesin.entropy.neighbours import mutual_information
from pesin.entropy.policy import categorical_entropy
from pesin.stats.fits import fit_line
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_brain_basis.params import Channel, Params
from studies.dynamical_brain_basis.replay import changes

ASKED = (0.0, 90.0, 180.0)
"""Lags in degrees, of which the claim speaks."""
CYCLES = 4
"""The last theta cycles, in which an item must fire to be held."""
LAW, SLOPE = (10, 100), (10, 1000)
"""Times in which exponential and power law are compared, and in which the exponent is fitted."""
LEAST = 1e-12
"""Scatter of ln strength below which a fit is as good as exact."""
NOT_WRITTEN = "no memory was written"
NOT_ASKED = "not estimated"
NATS = "nats"


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """All that the claims ask for; each function below names its variables."""
    params = case.params
    found = channel(case, data["channel"]) | phases(case, data["oscillators"]) | held(case, data["buffer"])
    found |= synapses(case, data["synapse"]["strength"].values)
    found |= transitions(trained["sequence/overlap"].values) | policies(case, trained["agents/value"].values)
    coordinates = {
        "lag": data["channel/lag"].values,
        "asked": list(ASKED),
        "coupling": params.simulate.oscillators.couplings,
        "setting": list(params.simulate.buffer.settings),
        "load": params.simulate.buffer.loads,
        "level": list(params.simulate.synapse.levels),
        "time": data["synapse/time"].values,
        "leak": params.entropy.leaks,
        "delay": params.train.sequence.delays,
        "replay": list(params.train.agents.replays),
    }
    return xr.Dataset(found, coordinates)


def closed_form(params: Channel, lag) -> np.ndarray:
    """Information through the channel at lags in degrees, nats: <g_s g_r> = 1 + depth^2 / 2 cos lag."""
    through = 1 + params.depth**2 / 2 * np.cos(np.radians(lag))
    return 0.5 * np.log1p(params.duration * through**2 / (params.noise**2 * (1 + params.depth**2 / 2)))


def channel(case: Case[Params], world) -> dict:
    """`information` (block, lag) and its closed form; at the lags asked the error, in s.e. too, and the k-NN estimate.

    The s.e. is that of all messages together, by a bootstrap over them.
    """
    params, rng = case.params.entropy, case.rng("bootstrap")
    sent, readout, lag = world["sent"].values, world["readout"].values, world["lag"].values
    moments = np.stack([sent**2, sent * readout, sent * readout, readout**2], -1)  # both have mean 0
    truth = closed_form(case.params.simulate.channel, lag)
    information = gaussian(moments.mean(1))
    places = [int(np.flatnonzero(lag == one)[0]) for one in ASKED]
    together = moments[:, :, places].reshape(-1, len(ASKED), 4)
    flat = together.reshape(len(together), -1)
    resampled = [
        np.bincount(rng.integers(len(flat), size=len(flat)), minlength=len(flat)) @ flat / len(flat)
        for _ in range(params.resamples)
    ]
    spread = gaussian(np.array(resampled).reshape(params.resamples, len(ASKED), 4)).std(0, ddof=1)
    deviation = (gaussian(together.mean(0)) - truth[places]) / spread
    knn = np.full(len(ASKED), np.nan)
    if params.neighbours:
        few = (one[0][: params.neighbours, places].T[..., None] for one in (sent, readout))
        knn = np.asarray(mutual_information(*few).value)
    return {
        "information": labelled(("block", "lag"), information, "mutual information", NATS),
        "information_truth": labelled("lag", truth, "mutual information, closed form", NATS),
        "information_error": labelled(
            ("block", "asked"), (information - truth)[:, places], "mutual information less its closed form", NATS
        ),
        "deviation": labelled("asked", deviation, "mutual information less its closed form, in standard errors"),
        "information_knn": labelled("asked", knn, "mutual information by nearest neighbours", NATS, nan=NOT_ASKED),
    }


def gaussian(moments: np.ndarray) -> np.ndarray:
    """Mutual information of two Gaussians from their second moments xx, xy, yx, yy along the last axis."""
    return np.asarray(gaussian_mutual_information(moments.reshape(*moments.shape[:-1], 2, 2), 1).value)


def phases(case: Case[Params], world) -> dict:
    """`coherence` (start, coupling), its theory and error, and what synchrony tells of a phase, ln bins - H."""
    params = case.params.simulate.oscillators
    coupling = np.array(params.couplings)
    theory = np.sqrt(np.maximum(1 - 2 * params.width / coupling, 0))
    bins = case.params.entropy.bins
    place = np.minimum(world["phase"].values / (2 * np.pi) * bins, bins - 1).astype(int)
    counts = (place[..., None] == np.arange(bins)).sum(-2)
    coherence = world["coherence"].values
    dims = ("start", "coupling")
    return {
        "coherence": labelled(dims, coherence, "mean order parameter r"),
        "coherence_theory": labelled("coupling", theory, "order parameter r of theory"),
        "coherence_error": labelled(dims, coherence - theory, "order parameter r less that of theory"),
        "phase_information": labelled(
            dims, np.log(bins) - np.asarray(shannon_entropy(counts).value), "synchrony information of a phase", NATS
        ),
    }


def held(case: Case[Params], world) -> dict:
    """Items `held` (setting, load, trial), how many `more` the largest load leaves than the one before, and spikes."""
    params = case.params.simulate.buffer
    theta = np.array([theta for _, theta in params.settings.values()])[:, None, None]
    shape = (theta.size, len(params.loads), params.trials)
    end = np.broadcast_to((np.array(params.loads)[:, None] + params.free) / theta, shape).ravel()
    late = np.broadcast_to(end.reshape(shape) - CYCLES / theta, shape).ravel()
    run, item = world["run"].values, world["spike_item"].values
    kept = world["spike_time"].values > late[run]
    fired = np.zeros((end.size, params.items))
    np.add.at(fired, (run[kept], item[kept]), 1)
    count = (fired > 0).sum(-1).reshape(shape)
    dims = ("setting", "load", "trial")
    return {
        "held": labelled(dims, count, "items held"),
        "more": labelled(("setting", "trial"), count[:, -1] - count[:, -2], "items held more with the largest load"),
        "cycle_spikes": labelled(dims, fired.sum(-1).reshape(shape) / CYCLES, "spikes in a theta cycle"),
    }


def synapses(case: Case[Params], strength: np.ndarray) -> dict:
    """Of each chain `slope`, `law` (AIC of a power law less that of an exponential), `clarity`, `lifetime`, its ratio.

    Each unit of time a new memory is written over the old ones. An ideal observer of n synapses then sees a memory of
    age t with a signal to noise of sqrt(n) h(t) / sqrt(sum h^2), h the strength; it lives as long as that is at least
    1. `clarity` is its value at 0. `best_single` (leak) is the lesser of the two, in parts of the chain's, for a
    synapse with one variable that leaks so fast.
    """
    params = case.params.entropy
    age = np.arange(strength.shape[1])
    alone = np.exp(-np.outer(params.leaks, age))
    wrote = strength[:, :1] > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(wrote, np.log(strength), np.nan)
        clear = np.sqrt(params.synapses) * strength / np.sqrt((strength**2).sum(1, keepdims=True))
    clear = np.where(wrote, clear, 0)
    alone = np.sqrt(params.synapses) * alone / np.sqrt((alone**2).sum(1, keepdims=True))
    clarity, lifetime = clear[:, 0], (clear >= 1).sum(1)
    levels = list(case.params.simulate.synapse.levels)
    chain = levels.index("chain")
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.minimum(alone[:, 0] / clarity[chain], (alone >= 1).sum(1) / lifetime[chain])
        ratio = lifetime / lifetime[levels.index("single")]
    window = slice(LAW[0], LAW[1] + 1)
    scatter = [residual(x, logs[:, window]) for x in (np.log(age[window]), age[window].astype(float))]
    law = (LAW[1] - LAW[0] + 1) * np.log(scatter[0] / scatter[1])
    window = slice(SLOPE[0], SLOPE[1] + 1)
    slope = fit_line(np.broadcast_to(np.log(age[window]), logs[:, window].shape), logs[:, window])[0]
    said = {"nan": NOT_WRITTEN}
    return {
        "slope": labelled("level", slope, "exponent of the decay", **said),
        "law": labelled("level", law, "AIC of a power law less that of an exponential", **said),
        "clarity": labelled("level", clarity, "signal to noise of a new memory"),
        "lifetime": labelled("level", lifetime, "lifetime of a memory"),
        "lifetime_ratio": labelled("level", ratio, "lifetime of a memory, in those of a single variable", **said),
        "best_single": labelled(
            "leak", np.where(wrote[chain], parts, np.nan), "part of the chain's clarity and lifetime", **said
        ),
    }


def residual(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mean squared residual of straight lines through y, (rows, n), over x, (n,); at least LEAST^2."""
    slope, level = fit_line(np.broadcast_to(x, y.shape), y)
    return np.maximum(((y - level[:, None] - slope[:, None] * x) ** 2).mean(1), LEAST**2)


def transitions(overlap: np.ndarray) -> dict:
    """`transition_entropy` (net, context, delay) of the pattern that comes next, by Miller and Madow."""
    *shape, _, count = overlap.shape
    found = np.zeros(shape)
    for place in np.ndindex(*shape):
        order = changes(overlap[place].argmax(-1))[0]
        counts = np.zeros((count, count), int)
        np.add.at(counts, (order[:-1], order[1:]), 1)
        rows = counts[counts.any(1)]
        if rows.size:
            found[place] = np.average(np.asarray(miller_madow_entropy(rows).value), weights=rows.sum(1))
    return {"transition_entropy": labelled(("net", "context", "delay"), found, "entropy of the next pattern", NATS)}


def policies(case: Case[Params], value: np.ndarray) -> dict:
    """`policy_entropy` (agent, replay): of what the agents do, ties and exploration included, mean over states."""
    explore = case.params.train.agents.explore
    best = value == value.max(-1, keepdims=True)
    policy = explore / value.shape[-1] + (1 - explore) * best / best.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        found = categorical_entropy(np.log(policy)).mean(-1)
    return {"policy_entropy": labelled(("agent", "replay"), found, "entropy of the policy", NATS)}
