"""How alike and how wide the hidden representations are, and the exponents of the flow that a network came to."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.entropy.kernel import effective_rank
from pesin.integrate.lyapunov import lyapunov_spectrum
from pesin.integrate.steppers import follow, last
from pesin.models.mlp import Parameters
from pesin.stats.similarity import linear_cka
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.meta_hamiltonian_generalization import network, systems
from studies.meta_hamiltonian_generalization.adaptation import drawn, fitted, starting
from studies.meta_hamiltonian_generalization.params import Params

ARMS = {"meta": "meta", "pretrained": "pretrained", "scratch": "start"}
VARIED, UNIT = 0, 1
NUDGE = 1e-6  # of a coordinate, for derivatives of the flow by differences: all copies travel in one call


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Similarity and effective dimension of the representations, exponents of true and learned flows."""
    params, names, adapt = case.params, case.params.simulate.systems, case.params.entropy.adapt
    many = (len(ARMS), params.simulate.draws)
    similarity = np.zeros((len(names), len(names), *many))
    dimension = np.zeros((len(names), 2, *many))
    fits = [(VARIED, held, target) for held in range(len(names)) for target in range(len(names))]
    ends = fitted(case, data, trained, groups(case), fits, adapt.points, adapt.rate, adapt.at[-1:])
    for held in range(len(names)):
        before = hidden(case, starting(case, trained, groups(case), VARIED, held), data, held)
        after = [hidden(case, ends[VARIED, held, target][0], data, held) for target in range(len(names))]
        for target in range(len(names)):
            similarity[held, target] = alike(before if target == held else after[target], after[held]).reshape(many)
        for i, seen in enumerate((before, after[held])):
            dimension[held, i] = wide(seen).reshape(many)
    true, learned = exponents(case, data, trained)
    dims = ("heldout", "target", "arm", "draw")
    variables = {
        "similarity": labelled(dims, similarity, "linear CKA of representations", nan=DIVERGED),
        "more_alike": labelled(
            ("heldout", "target", "draw"),
            (similarity[:, :, 0] > similarity[:, :, -1]).astype(float),
            "whether the meta-trained representations are more alike than those from scratch",
            may_be_constant=1,
        ),
        "effective_dimension": labelled(
            ("heldout", "adapted", "arm", "draw"), dimension, "effective dimension of the representation", nan=DIVERGED
        ),
        "exponents": labelled(
            ("flow", "energy", "orbit", "exponent"), np.stack([true, learned]), "Lyapunov exponent", "nat", nan=DIVERGED
        ),
        "ks_entropy": labelled(
            ("flow", "energy", "orbit"),
            np.maximum(np.stack([true, learned]), 0).sum(-1),
            "sum of the positive exponents",
            "nat",
            nan=DIVERGED,
        ),
    }
    coords = {"heldout": names, "target": names, "arm": list(ARMS), "adapted": ["before", "after"]}
    return xr.Dataset(variables, coords | {"flow": ["true", "learned"], "energy": params.entropy.energies})


# ----------------------------------------------------------------------------------------------------- representations


def groups(case: Case[Params]) -> dict[str, str]:
    """Networks of each arm; in the null the meta-trained ones are those before training."""
    return ARMS | ({"meta": "start"} if case.params.entropy.meta == "untrained" else {})


def hidden(case: Case[Params], own: Parameters, data: xr.Dataset, held: int) -> np.ndarray:
    """The last hidden layer on the test points of the held-out system, (tasks, points, hidden)."""
    state, _ = drawn(case, data, "test", VARIED, held, len(ARMS))
    with torch.no_grad():
        return network.features(own, state).double().numpy(force=True)


def alike(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Linear CKA, task by task; NaN where a network diverged."""
    whole = np.isfinite(one).all((-2, -1)) & np.isfinite(other).all((-2, -1))
    found = np.full(len(one), np.nan)
    found[whole] = linear_cka(one[whole], other[whole])
    return found


def wide(features: np.ndarray) -> np.ndarray:
    """Effective dimension exp(-sum q ln q), q the shares of the covariance's eigenvalues, (tasks,)."""
    whole = np.isfinite(features).all((-2, -1))
    apart = features[whole] - features[whole].mean(1, keepdims=True)
    found = np.full(len(features), np.nan)
    found[whole] = effective_rank(np.swapaxes(apart, 1, 2) @ apart).value
    return found


# ----------------------------------------------------------------------------------------------------------- exponents


def exponents(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> tuple[np.ndarray, np.ndarray]:
    """All four exponents in the potential of Henon and Heiles, a = b = 1, true and learned: (energies, orbits, 4).

    Each learned orbit is that of the meta-trained network adapted to one draw; both begin at the same states.
    """
    params, adapt = case.params.entropy, case.params.entropy.adapt
    system, held = systems.SYSTEMS["henon_heiles"], case.params.simulate.systems.index("henon_heiles")
    fit = (UNIT, held, held)
    (own,) = fitted(case, data, trained, groups(case), [fit], adapt.points, adapt.rate, adapt.at[-1:])[fit]
    first = {key: value[: params.draws] for key, value in own.items()}  # the first arm is the meta-trained
    start = np.stack([at_energy(case.rng("orbits"), e, params.draws * params.orbits) for e in params.energies])
    start = np.swapaxes(start.reshape(len(params.energies), params.draws, params.orbits, 4), 0, 1)

    def learned(x: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            made = network.field(double, torch.as_tensor(x.reshape(params.draws, -1, 1, 4), device=case.device))
        return made.numpy(force=True).reshape(x.shape)

    double = {key: value.double() for key, value in first.items()}
    fields = (lambda x: systems.field(system, x[..., None, :])[..., 0, :], learned)
    true, found = (np.swapaxes(spectrum(one, start, params), 0, 1) for one in fields)
    shape = (len(params.energies), -1, 4)
    return true.reshape(shape), found.reshape(shape)


def at_energy(rng: np.random.Generator, energy: float, many: int) -> np.ndarray:
    """States (x, y, px, py) on an energy surface, places drawn evenly where it reaches: shape (many, 4)."""
    found = np.zeros((0, 4))
    system = systems.SYSTEMS["henon_heiles"]
    while len(found) < many:
        place = rng.uniform(-0.9, 0.9, (4 * many, 2))
        left = energy - system.potential(place[:, None])
        angle = rng.uniform(0, 2 * np.pi, len(place))
        speed = np.sqrt(2 * np.maximum(left, 0))[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        found = np.concatenate([found, np.concatenate([place, speed], 1)[left > 0]])
    return found[:many]


def spectrum(field, start: np.ndarray, params) -> np.ndarray:
    """Exponents along orbits of a field, shape of the states (..., 4), by QR; NaN if one escapes."""
    times = np.linspace(0, params.interval, params.substeps + 1)

    shift = NUDGE * np.eye(start.shape[-1])

    def along():
        x = start
        for _ in range(params.intervals):
            ahead, behind = x[..., None, :] + shift, x[..., None, :] - shift
            with np.errstate(all="ignore"):
                every = np.concatenate([ahead, behind, x[..., None, :]], -2)
                ends = last(follow(lambda y, _: field(y), every, times))
            ahead, behind = ends[..., : len(shift), :], ends[..., len(shift) : -1, :]
            yield np.swapaxes(ahead - behind, -1, -2) / (2 * NUDGE)
            x = ends[..., -1, :]

    return lyapunov_spectrum(along(), params.interval)
