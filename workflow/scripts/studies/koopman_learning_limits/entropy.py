"""Spectra on the torus: residuals on a grid and at points, pollution, limits, autocorrelations, the pair, entropies."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.entropy.dynamical import pesin_entropy
from pesin.models.koopman import Galerkin, eigenpairs, mpedmd, pseudospectrum, residuals
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.koopman_learning_limits import pair, torus
from studies.koopman_learning_limits.params import Params
from studies.koopman_learning_limits.simulate import NODES
from studies.koopman_learning_limits.train import galerkin, with_inner

POINTS = {"0": 0.0, "0.5": 0.5, "1": 1.0, "1.2": 1.2, "-1": -1.0, "exp(i)": np.exp(1j)}
EDGE = 1.5
GRIDDED = 2
"""Sizes of the dictionary, the smallest, whose residuals are computed on the whole grid."""
POLLUTED = 0.9
ROUNDING = 1e-12
OBSERVED = {
    "mixing, e10": ("mixing", ((1, 0),)),
    "skew, e10": ("skew", ((1, 0),)),
    "skew, e01": ("skew", ((0, 1),)),
    "skew, e10 and e01": ("skew", ((1, 0), (0, 1))),
}
"""Observables of the autocorrelation: the system, and the k of the functions e_k they are the normed sum of."""
TAU = "least residual tau"


def entropy(case: Case[Params], data: Any, trained: Any) -> xr.Dataset:
    """All that the claims on the torus ask for; each function below names its variables."""
    params, sizes = case.params, case.params.train.sizes
    of = {system: matrices_of(case, trained, name) for system, name in params.entropy.systems.items()}
    edge = np.linspace(-EDGE, EDGE, params.entropy.grid)
    found = on_grid(case, of, edge) | at_points(case, of) | polluted(case, of)
    found |= limits(case, trained, of["mixing"][0]) | wiener(case, data) | adversarial(case, data)
    found |= entropies(case, trained)
    coordinates = {
        "system": list(of),
        "size": sizes,
        "gridded": sizes[:GRIDDED],
        "next": sizes[1:],
        "real": edge,
        "imaginary": edge,
        "point": list(POINTS),
        "samples": params.simulate.samples,
        "observable": list(OBSERVED),
        "twin": ["smooth", "perturbed"],
        "method": list(pair.METHODS),
        "steps": 1 + np.arange(params.entropy.steps),
    }
    return xr.Dataset(found, coordinates)


def matrices_of(case: Case[Params], trained: Any, name: str) -> list[Galerkin]:
    """A map's inner products at each size of the dictionary, the smaller ones the beginnings of the largest."""
    whole = galerkin(trained["torus/matrix"].sel(map=name).values)
    parts = [whole.part(np.arange((2 * size + 1) ** 2 - 1)) for size in case.params.train.sizes]
    return [with_inner(part, case.params.entropy.inner) for part in parts]


def on_grid(case: Case[Params], of: dict, edge: np.ndarray) -> dict:
    """`tau`, `above_distance` (system, gridded, real, imaginary) and `rise` (system, real, imaginary).

    The dictionaries are closed under conjugation, so tau is the same at conjugate points.
    """
    half = edge.size // 2
    points = edge[:, None] + 1j * edge[None, half:]
    upper = np.array([[pseudospectrum(m, points) for m in parts[:GRIDDED]] for parts in of.values()])
    whole = np.concatenate([upper[..., :0:-1], upper], -1)
    square = edge[:, None] + 1j * edge[None]
    names = case.params.entropy.systems.values()
    distance = np.array([torus.distance_to_spectrum(name, square) for name in names])
    dims = ("real", "imaginary")
    return {
        "tau": labelled(("system", "gridded", *dims), whole, TAU),
        "above_distance": labelled(
            ("system", "gridded", *dims), whole - distance[:, None], f"{TAU} above the distance to the spectrum"
        ),
        "rise": labelled(("system", *dims), whole[:, 1] - whole[:, 0], f"rise of {TAU} with the dictionary"),
    }


def at_points(case: Case[Params], of: dict) -> dict:
    """`tau_at`, `above_distance_at` (system, size, point), `distance_at` (system, point), `rise_at` (.., next, ..)."""
    points = np.array(list(POINTS.values()))
    tau = np.array([[pseudospectrum(part, points) for part in parts] for parts in of.values()])
    names = case.params.entropy.systems.values()
    distance = np.array([torus.distance_to_spectrum(name, points) for name in names])
    dims = ("system", "size", "point")
    return {
        "tau_at": labelled(dims, tau, TAU),
        "above_distance_at": labelled(dims, tau - distance[:, None], f"{TAU} above the distance to the spectrum"),
        "distance_at": labelled(("system", "point"), distance, "distance to the spectrum"),
        "rise_at": labelled(("system", "next", "point"), np.diff(tau, axis=1), f"rise of {TAU} with the dictionary"),
    }


def polluted(case: Case[Params], of: dict) -> dict:
    """`value` (system, size, pair, part) and `residual` of EDMD, `polluted` and `certified` (system, size)."""
    pairs = (2 * case.params.train.sizes[-1] + 1) ** 2 - 1
    value = np.full((len(of), len(case.params.train.sizes), pairs), np.nan + 0j)
    residual = np.full(value.shape, np.nan)
    for i, parts in enumerate(of.values()):
        for j, part in enumerate(parts):
            values, vectors = eigenpairs(part)
            value[i, j, : values.size], residual[i, j, : values.size] = values, residuals(part, values, vectors)
    there, inside = np.isfinite(residual), abs(value) < POLLUTED
    margin = residual - (1 - abs(value))
    dims, none = ("system", "size", "pair"), "a smaller dictionary has fewer pairs"
    parts = np.stack([value.real, value.imag], -1)
    return {
        "value": labelled((*dims, "part"), parts, "EDMD eigenvalue", nan=none, may_be_constant=1),
        "residual": labelled(dims, residual, "residual of an EDMD pair", nan=none, may_be_constant=1),
        "polluted": labelled(dims[:2], inside.sum(-1) / there.sum(-1), "share of |lambda| < 0.9", may_be_constant=1),
        "certified": labelled(
            dims[:2], np.nanmin(margin, -1), "least residual above the distance to the circle", may_be_constant=1
        ),
    }


def limits(case: Case[Params], trained: Any, exact: Galerkin) -> dict:
    """`tau_few` (seed, point): M below the functions; `tau_samples`, `matrix_error` (seed, samples); `tau_limit` ()."""
    name, seeds = case.params.entropy.systems["mixing"], case.params.simulate.seeds
    values = trained[f"nodes/{case.params.entropy.nodes}"].sel(map=name).values
    values = values if case.params.entropy.nodes == "random" else np.broadcast_to(values, (seeds, *values.shape))
    sets = [[galerkin(one) for one in row] for row in values]
    points = np.array(list(POINTS.values()))
    size = np.sqrt(sum(np.linalg.norm(m) ** 2 for m in exact))
    off = [
        [np.sqrt(sum(np.linalg.norm(m - e) ** 2 for m, e in zip(one, exact, strict=True))) for one in r] for r in sets
    ]
    return {
        "tau_few": labelled(
            ("seed", "point"), [pseudospectrum(row[0], points) for row in sets], TAU, may_be_constant=1
        ),
        "tau_samples": labelled(
            ("seed", "samples"),
            [[pseudospectrum(one, [1.0])[0] for one in row] for row in sets],
            f"{TAU} at 1",
            may_be_constant=1,
        ),
        "matrix_error": labelled(
            ("seed", "samples"), np.maximum(np.array(off) / size, ROUNDING), "relative error of G, A and L"
        ),
        "tau_limit": labelled((), pseudospectrum(exact, [1.0])[0], f"{TAU} at 1, exact", may_be_constant=1),
    }


def wiener(case: Case[Params], data: Any) -> dict:
    """`wiener` (observable) and `wiener_to` (observable, steps): mean of |<K^n g, g>|^2 over n below the steps."""
    x0, steps = data["torus/start"].values, case.params.entropy.steps
    curves = []
    for system, waves in OBSERVED.values():
        name, k, x, squares = case.params.entropy.systems[system], np.array(waves), x0, []

        def observed(x, k=k):
            return np.exp(2j * np.pi * (x @ k.T % torus.PRIME) / torus.PRIME).sum(-1) / len(k) ** 0.5

        first = observed(x0)
        for _ in range(steps):
            squares.append(abs((observed(x) * first.conj()).mean()) ** 2)
            x = torus.step_exactly(name, x)
        curves.append(np.cumsum(squares) / (1 + np.arange(steps)))
    said = "mean squared autocorrelation"
    return {
        "wiener": labelled("observable", np.array(curves)[:, -1], said, may_be_constant=1),
        "wiener_to": labelled(("observable", "steps"), curves, said, may_be_constant=1),
    }


def adversarial(case: Case[Params], data: Any) -> dict:
    """`apart` (), `differs` (method), and of the twins' eigenfunction `steepness`, `visible` (twin)."""
    params = case.params.entropy
    size = case.params.train.sizes[1]
    nodes = data["torus/node"].values[0, : 5 * (2 * size + 1) ** 2]
    (x, smooth), (_, rough) = (pair.images(nodes, NODES, a, params.wave) for a in (0.0, params.amplitude))
    turns = [0.0, pair.swing(params.amplitude, params.wave)]
    seen = [pair.visible(t, params.wave, params.box) for t in turns]
    steep = [pair.steepness(t, params.wave) for t in turns]
    differs = pair.differences(pair.outputs(x, smooth, size), pair.outputs(x, rough, size))
    return {
        "apart": labelled((), abs(rough - smooth).max(), "largest distance of the maps", "turn", may_be_constant=1),
        "differs": labelled("method", differs, "largest difference of the outputs", may_be_constant=1),
        "turns": labelled("twin", turns, "amplitude of the eigenfunction's phase", "turn"),
        "steepness": labelled("twin", np.log10(steep), "log10 of the eigenfunction's steepness"),
        "visible": labelled("twin", seen, "share of the eigenfunction that a dictionary can hold"),
    }


def entropies(case: Case[Params], trained: Any) -> dict:
    """`ks_entropy` (system), by Pesin's formula, and `spectral_entropy` (system, seed) of (e10 + e01) / sqrt 2.

    The latter is that of the weights of mpEDMD's eigenfunctions in the observable, over that of equal weights.
    """
    systems, k = case.params.entropy.systems, torus.modes(case.params.train.sizes[0])
    observable = (np.isin(k, (0, 1)).all(1) & (k.sum(1) == 1)) / 2**0.5
    spectral = []
    for name in systems.values():
        last = trained["nodes/random"].sel(map=name).isel(samples=-1).values
        weights = []
        for g, a, moved in (galerkin(one) for one in last):
            _, vectors = mpedmd(Galerkin(g, a, moved))
            weights.append(abs(vectors.conj().T @ g @ observable) ** 2)
        share = np.array(weights) / np.sum(weights, -1, keepdims=True)
        spectral.append(entr(share).sum(-1) / np.log(len(k)))
    ks = [float(pesin_entropy(torus.exponents(name)).value) for name in systems.values()]
    return {
        "ks_entropy": labelled("system", ks, "Kolmogorov-Sinai entropy", "nat per step", may_be_constant=1),
        "spectral_entropy": labelled(
            ("system", "seed"), spectral, "entropy of the spectral weights, of equal ones", may_be_constant=1
        ),
    }
