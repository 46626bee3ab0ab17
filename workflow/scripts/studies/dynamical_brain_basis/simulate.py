"""The worlds: a channel with oscillating gains, Kuramoto's oscillators, a buffer of spikes, synapses, patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import expm

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dynamical_brain_basis.params import Buffer, Channel, Codes, Oscillators, Params, Patterns, Synapse

LONG_AGO = -1e3
"""s; the last spike of a unit that never fired."""
RAMP, PEAK = 0.2, 9.0
"""s and mV: time and height of the greatest afterdepolarisation."""
THETA, INHIBITION, THRESHOLD, REFRACTORY = 5.0, 8.0, 10.0, 0.05
"""mV, mV, mV and s."""
LOADED = 0.45
"""Part of the theta cycle in which an item is loaded."""
SHOWN = 20
"""Steps between two kept order parameters."""
MAY: dict[str, Any] = {"may_be_constant": 1}


def simulate(case: Case[Params]) -> xr.DataTree:
    """Groups `channel`, `oscillators`, `buffer`, `synapse`, `patterns` and `codes`."""
    params = case.params.simulate
    return xr.DataTree.from_dict(
        {
            "channel": channel(params.channel, case.rng("channel")),
            "oscillators": oscillators(params.oscillators, case.rng("oscillators")),
            "buffer": buffer(params.buffer, case.rng("buffer")),
            "synapse": synapse(params.synapse),
            "patterns": patterns(params.patterns, case.rng("patterns")),
            "codes": codes(params.codes, case.rng("codes")),
        }
    )


def channel(params: Channel, rng: np.random.Generator) -> xr.Dataset:
    """`sent` and `readout` (block, message, lag): each ms the receiver's gain takes in message and noise."""
    angle = 2 * np.pi * np.arange(params.duration) / params.period
    taken = 1 + params.depth * np.cos(angle)
    lags = np.arange(params.lags) * (360 / params.lags)
    shape = (params.blocks, params.messages, params.lags)
    lag = np.radians(lags) if params.phase == "locked" else 2 * np.pi * rng.random(shape)
    message = rng.standard_normal(shape)
    # the receiver's gain times the sender's, averaged over the ms, for each lag
    through = taken.mean() + params.depth * (
        (taken * np.cos(angle)).mean() * np.cos(lag) - (taken * np.sin(angle)).mean() * np.sin(lag)
    )
    heard = np.empty(shape)
    for i in range(params.blocks):
        for j in range(params.lags):
            heard[i, :, j] = rng.standard_normal((params.messages, params.duration)) @ taken
    readout = params.sends * through * message + params.noise * heard / params.duration
    dims = ("block", "message", "lag")
    return xr.Dataset(
        {"sent": labelled(dims, message, "message"), "readout": labelled(dims, readout, "readout")}, {"lag": lags}
    )


def oscillators(params: Oscillators, rng: np.random.Generator) -> xr.Dataset:
    """`order_parameter` (start, coupling, time), its mean over the second half, `coherence`, and the last `phase`."""
    count, strength = params.units, np.array(params.couplings)
    own = params.moves * params.width * np.tan(np.pi * ((np.arange(count) + 0.5) / count - 0.5))
    pull = (params.coupled and params.moves) * strength[:, None]
    first = 2 * np.pi * rng.random((params.starts, 1, count))
    phase = np.broadcast_to(first, (params.starts, strength.size, count)).copy()
    order = np.empty((params.starts, strength.size, params.steps))
    for i in range(params.steps):
        sine, cosine = np.sin(phase), np.cos(phase)
        up, right = sine.mean(-1, keepdims=True), cosine.mean(-1, keepdims=True)
        order[..., i] = np.hypot(up, right)[..., 0]
        phase += params.step * (own + pull * (up * cosine - right * sine))
    dims = ("start", "coupling")
    return xr.Dataset(
        {
            "order_parameter": labelled((*dims, "time"), order[..., ::SHOWN], "order parameter r", **MAY),
            "coherence": labelled(dims, order[..., params.steps // 2 :].mean(-1), "mean order parameter r", **MAY),
            "phase": labelled((*dims, "unit"), phase % (2 * np.pi), "phase", "rad"),
        },
        {"coupling": strength, "time": params.step * SHOWN * np.arange(params.steps // SHOWN)},
    )


def buffer(params: Buffer, rng: np.random.Generator) -> xr.Dataset:
    """All spikes: `time`, `item`, and `run`, their place in (setting, load, trial), in the order of C."""
    shape = (len(params.settings), len(params.loads), params.trials)
    inhibition, theta = (
        np.broadcast_to(np.array(column)[:, None, None], shape).ravel()
        for column in zip(*params.settings.values(), strict=True)
    )
    load = np.broadcast_to(np.array(params.loads)[:, None], shape).ravel()
    runs, dt = np.arange(load.size), params.step / 1000
    end = (load + params.free) / theta
    time = dt * np.arange(int(np.ceil(end.max() / dt)))
    drive = params.drives * THETA * np.sin(2 * np.pi * time[:, None] * theta - np.pi / 2)
    forced = np.full(drive.shape, -1)
    for cycle in range(load.max()):
        who = np.flatnonzero(load > cycle)
        forced[np.ceil((cycle + LOADED) / theta[who] / dt).astype(int), who] = cycle
    last, latest = np.full((load.size, params.items), LONG_AGO), np.full(load.size, LONG_AGO)
    found = []
    for i, t in enumerate(time):
        x = (t - last) / RAMP
        own = PEAK * x * np.exp(1 - x) + params.noise * rng.standard_normal(x.shape)
        own[x < REFRACTORY / RAMP] = -np.inf
        item = own.argmax(1)  # only the unit of the largest potential may fire: what follows is common to all
        potential = own[runs, item] + drive[i]
        potential -= params.inhibits * INHIBITION * np.exp(-(t - latest) / (inhibition / 1000))
        loaded = forced[i] >= 0
        item = np.where(loaded, forced[i], item)
        fires = np.flatnonzero(loaded | (potential >= THRESHOLD))
        if fires.size:
            last[fires, item[fires]] = latest[fires] = t
            found.append(np.stack([np.full(fires.size, t), item[fires], fires]))
    spikes = np.concatenate(found, 1)
    time, item, run = spikes[:, spikes[0] < end[spikes[2].astype(int)]]
    return xr.Dataset(
        {
            "spike_time": labelled("spike", time, "time of a spike", "s"),
            "spike_item": labelled("spike", item.astype(int), "item that fires"),
            "run": labelled("spike", run.astype(int), "place of the run"),
        }
    )


def synapse(params: Synapse) -> xr.Dataset:
    """`strength` (level, time): the visible variable of each chain at whole times after an impulse of 1 at 0."""
    strength = np.zeros((len(params.levels), params.times))
    for row, size in zip(strength, params.levels.values(), strict=True):
        step, state = expm(chain(size)), np.eye(size)[0] * params.writes
        for i in range(params.times):
            row[i] = state[0]
            state = step @ state
    return xr.Dataset(
        {"strength": labelled(("level", "time"), strength, "strength of a memory", **MAY)},
        {"level": list(params.levels), "time": np.arange(params.times)},
    )


def chain(size: int) -> np.ndarray:
    """Matrix of Benna and Fusi's chain (Nat. Neurosci. 19, 1697, 2016), (size, size): C_k = 2^k, g_k = 2^(-k-2)."""
    k = np.arange(size)
    volume, flow = 2.0**k, 2.0 ** (-k - 2)
    matrix = np.diag(-flow - np.concatenate([[0], flow[:-1]])) + np.diag(flow[:-1], 1) + np.diag(flow[:-1], -1)
    return matrix / volume[:, None]


def patterns(params: Patterns, rng: np.random.Generator) -> xr.Dataset:
    """`pattern` (net, pattern, unit) of -1 and 1; `next` (context, pattern), two orders; the `cue` (net, unit)."""
    shape = (params.nets, params.patterns, params.units)
    pattern = rng.choice(np.array([-1, 1], np.int8), shape)
    flips = rng.random((params.nets, params.units)) < params.flipped
    first = np.arange(params.patterns)
    while True:  # an order in which nothing follows as it does in the first one
        order = np.concatenate([[0], 1 + rng.permutation(params.patterns - 1)])
        other = np.empty_like(first)
        other[order] = np.roll(order, -1)
        if (other != (first + 1) % params.patterns).all():
            break
    return xr.Dataset(
        {
            "pattern": labelled(("net", "pattern", "unit"), pattern, "state of a unit in a pattern"),
            "next": labelled(("context", "pattern"), [(first + 1) % params.patterns, other], "pattern that follows"),
            "cue": labelled(("net", "unit"), np.where(flips, -1, 1) * pattern[:, 0], "state to begin with"),
        }
    )


def codes(params: Codes, rng: np.random.Generator) -> xr.Dataset:
    """`pattern` (memory, code, pattern, unit) of 0 and 1, the same number of ones in all of a code."""
    shape = (params.memories, params.most, params.units)
    found = []
    for level in params.levels.values():
        place = np.argsort(rng.random(shape), -1)[..., : round(level * params.units)]
        one = np.zeros(shape, np.int8)
        np.put_along_axis(one, place, 1, -1)
        found.append(one)
    dims = ("memory", "code", "pattern", "unit")
    return xr.Dataset(
        {"pattern": labelled(dims, np.stack(found, 1), "activity of a unit in a pattern")},
        {"code": list(params.levels)},
    )
