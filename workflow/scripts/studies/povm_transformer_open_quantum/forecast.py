"""Scores: is the map exact, how near come networks to exact steady states and runs in time, how symmetric are they."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.linalg import expm
from scipy.sparse import csc_matrix, csr_matrix, eye_array
from scipy.sparse.linalg import splu

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.povm_transformer_open_quantum import povm
from studies.povm_transformer_open_quantum.params import Params
from studies.povm_transformer_open_quantum.simulate import plane, ring

AXES = ["x", "y", "z"]
STATES, CHECKED = 20, 3
"""Random states of the test of exactness, and sites of the ring that is followed in it."""


def forecast(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """All scores; each function below names its variables."""
    p, world = case.params.forecast, case.params.simulate
    found = (
        exactness(case) | steady(case, data, trained) | in_orders(case, data, trained) | in_time(case, data, trained)
    )
    found |= in_plane(case, data, trained)
    coordinates = {
        "state": np.arange(STATES),
        "axis": AXES,
        "method": list(p.methods),
        "order": list(p.orders),
        "field": world.fields,
        "drive": world.drives,
        "time": data["ring"]["time"].values,
        "plane_field": world.plane_fields,
        "order_seed": np.arange(trained["orders"].sizes["order_seed"]),
        "drive_seed": np.arange(trained["drives"].sizes["drive_seed"]),
    }
    return xr.Dataset(found, coordinates)


def learnt(case: Case[Params], results: Any) -> np.ndarray:
    """Probabilities of all outcomes, by the networks that the parameters ask for."""
    return np.exp(results["log_p" if case.params.forecast.weights == "trained" else "initial"].values)


def distance(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Total variation, shape (..., outcomes) -> (...)."""
    return abs(p - q).sum(-1) / 2


def exactness(case: Case[Params]) -> dict[str, tuple]:
    """`round_trip` (state), `column_sum`, `propagated` (state): largest errors of the map, of A, of exp(A t)."""
    p = case.params.simulate
    frame, rng = p.frame, case.rng("states")
    other: povm.Frame = "pauli" if frame == "tetrahedral" else "tetrahedral"
    size = 2**p.sites
    x = rng.normal(size=(2, STATES, size, size))
    rho = (x[0] + 1j * x[1]) @ (x[0] - 1j * x[1]).swapaxes(1, 2)
    rho /= np.trace(rho, axis1=1, axis2=2)[:, None, None]
    chances = povm.probabilities(rho, frame)
    rebuilt = povm.density(chances, frame if case.params.forecast.back == "own" else other)
    rest, turn = ring(p)
    generator = rest + p.drives[0] * turn
    # Followed as probabilities on a smaller ring, and as matrices by an independent route: the whole Lindbladian.
    few = povm.generators(CHECKED, povm.ring(CHECKED), p.coupling, p.decay, frame)
    small = rho[:, : 2**CHECKED, : 2**CHECKED]
    small = small / np.trace(small, axis1=1, axis2=2)[:, None, None]
    later = small.reshape(STATES, -1) @ expm(lindbladian(CHECKED, p.coupling, p.decay, p.drives[0])).T
    moved = povm.probabilities(small, frame) @ expm((few[0] + p.drives[0] * few[1]).toarray()).T
    back = povm.density(moved, frame if case.params.forecast.back == "own" else other)
    return {
        "round_trip": labelled("state", abs(rebuilt - rho).max((1, 2)), "error of a state rebuilt from its outcomes"),
        "column_sum": labelled((), abs(np.asarray(generator.sum(0))).max(), "largest column sum of A", "gamma"),
        "propagated": labelled("state", abs(back.reshape(STATES, -1) - later).max(1), "error of exp(A t) at t = 1"),
    }


def lindbladian(sites: int, coupling: float, decay: float, field: float) -> np.ndarray:
    """The ring's superoperator on row-major vectors, from whole matrices: shape (4^N, 4^N)."""

    def on(operator: np.ndarray, site: int) -> np.ndarray:
        return np.kron(np.kron(np.eye(2**site), operator), np.eye(2 ** (sites - site - 1)))

    x, z = ([on(povm.SIGMA[k], i) for i in range(sites)] for k in (0, 2))
    h = sum(coupling / 4 * z[i] @ z[j] for i, j in povm.ring(sites)) + field / 2 * sum(x)
    basis = np.eye(4**sites).reshape(-1, 2**sites, 2**sites)
    jumps = [np.sqrt(decay) * on(povm.LOWER, i) for i in range(sites)]
    return povm.superoperator(h, jumps, basis).reshape(4**sites, 4**sites).T


def accuracy(case: Case[Params], p: np.ndarray, exact: np.ndarray) -> dict[str, np.ndarray]:
    """Errors of each spin component (..., axis), distance and fidelity (...), and how much of rho is negative (...)."""
    frame = case.params.simulate.frame
    rho, clipped = povm.physical(povm.density(p, frame))
    return {
        "error": abs(povm.spins(p, frame) - povm.spins(exact, frame)),
        "distance": distance(p, exact),
        "fidelity": povm.fidelity(povm.physical(povm.density(exact, frame))[0], rho),
        "negative": clipped,
    }


def steady(case: Case[Params], data: Any, trained: Any) -> dict[str, tuple]:
    """Steady states of the ring: seeds, and their median; networks of a method or field may stand for another's."""
    p = case.params.forecast
    exact = data["ring"]["steady"].values
    given = list(trained["sweep"]["method"].values)
    found = learnt(case, trained["sweep"])[[given.index(p.methods[name]) for name in p.methods]]
    found = np.roll(found, -p.roll, 1)
    by = accuracy(case, found, exact[:, None])
    left = residuals(ring(case.params.simulate), case.params.simulate.fields, found)
    seeds, dims = ("method", "field", "seed"), ("method", "field")
    frame = case.params.simulate.frame
    return {
        "spins": labelled((*seeds, "axis"), povm.spins(found, frame), "mean spin"),
        "exact_spins": labelled(("field", "axis"), povm.spins(exact, frame), "mean spin"),
        "spin_error": labelled(dims, np.median(by["error"].max(-1), -1), "largest error of a mean spin"),
        "fidelity": labelled(dims, np.median(by["fidelity"], -1), "fidelity with the exact state"),
        "distance": labelled(dims, np.median(by["distance"], -1), "total variation from the exact state"),
        "negative": labelled(dims, np.median(by["negative"], -1), "weight of negative eigenvalues"),
        "residual": labelled(dims, np.median(left, -1), "1-norm of A p", "gamma"),
        "log_error": labelled(
            dims, np.log(np.median(by["error"], (-2, -1))), "ln of the median error of the mean spins"
        ),
    }


def residuals(parts: tuple[csr_matrix, csr_matrix], fields: list[float], p: np.ndarray) -> np.ndarray:
    """1-norm of A p, shape (..., fields, seeds, outcomes) -> (..., fields, seeds)."""
    found = []
    for g, one in zip(fields, np.moveaxis(p, -3, 0), strict=True):
        change = (parts[0] + g * parts[1]) @ one.reshape(-1, one.shape[-1]).T
        found.append(abs(change).sum(0).reshape(one.shape[:-1]))
    return np.stack(found, -2)


def in_orders(case: Case[Params], data: Any, trained: Any) -> dict[str, tuple]:
    """Networks that read the ring in several orders: four variables (order, order_seed)."""
    p, world = case.params.forecast, case.params.simulate
    exact = data["ring"]["steady"].values[world.fields.index(case.params.train.order_field)]
    given = list(trained["orders"]["order"].values)
    found = learnt(case, trained["orders"])[[given.index(p.orders[name]) for name in p.orders]]
    zz = [povm.neighbour_zz(x, povm.ring(world.sites), world.frame) for x in (found, exact)]
    dims = ("order", "order_seed")
    return {
        "asymmetry": labelled(
            dims, asymmetry(found, world.sites), "mean total variation between a state and its shifts"
        ),
        "zz_error": labelled(dims, abs(zz[0] - zz[1]), "error of the mean <zz> of neighbours"),
        "order_distance": labelled(dims, distance(found, exact), "total variation from the exact state"),
        "shifted_distance": labelled(
            dims, distance(symmetrised(found, world.sites), exact), "total variation of the mean over all shifts"
        ),
    }


def shifted(p: np.ndarray, sites: int) -> list[np.ndarray]:
    """p under the shifts 0 to N - 1 of the ring, each of p's shape (..., 4^N)."""
    lead, own = p.ndim - 1, list(range(sites))
    x = p.reshape(*p.shape[:-1], *[4] * sites)
    axes = [[*range(lead), *(lead + i for i in own[k:] + own[:k])] for k in own]
    return [x.transpose(a).reshape(p.shape) for a in axes]


def asymmetry(p: np.ndarray, sites: int) -> np.ndarray:
    """Mean over the shifts 1 to N - 1 of the distance of p from p shifted, shape (..., 4^N) -> (...)."""
    return np.mean([distance(one, p) for one in shifted(p, sites)[1:]], 0)


def symmetrised(p: np.ndarray, sites: int) -> np.ndarray:
    """Mean over all shifts, which costs a trained network nothing: shape (..., 4^N) -> (..., 4^N)."""
    return np.mean(shifted(p, sites), 0)


def in_time(case: Case[Params], data: Any, trained: Any) -> dict[str, tuple]:
    """Runs in time at all stored times, and the trapezoid without a network: what of the error is the time step's."""
    p = case.params.forecast
    exact, frame = data["ring"]["moving"].values, case.params.simulate.frame
    found = np.exp(trained["drives"]["log_p"].values)
    found = np.roll(found if p.weights == "trained" else np.broadcast_to(found[:, :, :1], found.shape), -p.roll, 0)
    error = abs(povm.spins(found, frame) - povm.spins(exact, frame)[:, None])
    tv, stepped = distance(found, exact[:, None]), trapezoid(case, exact[:, 0])
    seeds, dims = ("drive", "drive_seed", "time"), ("drive", "time")
    return {
        "moving_spins": labelled((*seeds, "axis"), povm.spins(found, frame), "mean spin"),
        "exact_moving_spins": labelled((*dims, "axis"), povm.spins(exact, frame), "mean spin"),
        "moving_distance": labelled(seeds, tv, "total variation from the exact state"),
        "step_distance": labelled(dims, distance(stepped, exact), "the same of the trapezoid without a network"),
        "worst_spin_error": labelled(seeds[:2], error.max((-2, -1)), "largest error of a mean spin at any time"),
        "worst_distance": labelled(seeds[:2], tv.max(-1), "largest total variation at any time"),
        "travelled": labelled(
            "drive", distance(exact, exact[:, :1]).max(-1), "way of the exact state, total variation"
        ),
    }


def trapezoid(case: Case[Params], start: np.ndarray) -> np.ndarray:
    """(1 - dt/2 A) p_new = (1 + dt/2 A) p_old, solved exactly: shape (drives, times, outcomes)."""
    world = case.params.simulate
    (rest, turn), one = ring(world), eye_array(start.shape[-1])
    paths = []
    for p, g in zip(start, world.drives, strict=True):
        half, path = world.dt / 2 * (rest + g * turn), [p]
        factor = splu(csc_matrix(one - half))
        for _ in range(world.steps):
            path.append(factor.solve(path[-1] + half @ path[-1]))
        paths.append(path)
    return np.array(paths)


def in_plane(case: Case[Params], data: Any, trained: Any) -> dict[str, tuple]:
    """Steady states of the rectangle."""
    exact = data["plane"]["steady"].values
    found = np.roll(learnt(case, trained["plane"]), -case.params.forecast.roll, 0)
    by, dims = accuracy(case, found, exact[:, None]), "plane_field"
    frame = case.params.simulate.frame
    left = residuals(plane(case.params.simulate), case.params.simulate.plane_fields, found)
    return {
        "plane_spins": labelled((dims, "plane_seed", "axis"), povm.spins(found, frame), "mean spin"),
        "plane_exact_spins": labelled((dims, "axis"), povm.spins(exact, frame), "mean spin"),
        "plane_error": labelled(dims, np.median(by["error"].max(-1), -1), "largest error of a mean spin"),
        "plane_fidelity": labelled(dims, np.median(by["fidelity"], -1), "fidelity with the exact state"),
        "plane_negative": labelled(dims, np.median(by["negative"], -1), "weight of negative eigenvalues"),
        "plane_residual": labelled(dims, np.median(left, -1), "1-norm of A p", "gamma"),
    }
