"""Inner products of the dictionaries: on the torus by exact and by random nodes, for the flows by quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.models.koopman import Galerkin, edmd
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.koopman_learning_limits import flows
from studies.koopman_learning_limits.params import Params
from studies.koopman_learning_limits.simulate import NODES
from studies.koopman_learning_limits.torus import MAPS, exact_nodes, functions, modes, step

MATRICES = ("G", "A", "L")
SQUARE = ("matrix", "row", "column", "part")


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """`torus`: matrices of the largest dictionary, which begin with those of the smaller; `nodes`: of the smallest."""
    params, names = case.params, list(MAPS)
    whole = exact_nodes(6 * params.train.sizes[-1] + 1)  # a product of two images differs by at most 6 sizes
    k = modes(params.train.sizes[-1])
    every = of_maps(whole, k)
    torus = xr.Dataset({"matrix": kept(("map", *SQUARE), [one[0] for one in every])}, {"map": names})
    small = modes(params.train.sizes[0])
    drawn = data["torus/node"].values / NODES
    numbers = params.simulate.samples
    grids = [exact_nodes(round(number**0.5)) for number in numbers]
    chance = [of_maps(x, small, numbers) for x in drawn]
    ordered = [[one[0] for one in of_maps(x, small)] for x in grids]
    nodes = xr.Dataset(
        {
            "random": kept(("seed", "map", "samples", *SQUARE), chance),
            "grid": kept(("samples", "map", *SQUARE), ordered),
        },
        {"map": names, "samples": numbers},
    )
    found = {name: of_flow(case, name, data[name].to_dataset()) for name in flows.FLOWS}
    return xr.DataTree.from_dict({"torus": torus, "nodes": nodes} | found)


def of_maps(x: np.ndarray, k: np.ndarray, numbers=(None,)) -> list[list[Galerkin]]:
    """For each map, matrices of the functions e_k from nodes of equal weight: from all, or from the first so many."""
    px = functions(x, k)
    images = (functions(step(name, x), k) for name in MAPS)
    return [[edmd(px[:number], py[:number]) for number in numbers] for py in images]


def of_flow(case: Case[Params], name: str, data: xr.Dataset) -> xr.Dataset:
    """Matrices of one flow's dictionary."""
    px, py = (dictionary(case, name, data[key].values) for key in "xy")
    return xr.Dataset({"matrix": kept(SQUARE, edmd(px, py, data["weight"].values))})


def dictionary(case: Case[Params], name: str, state: np.ndarray) -> np.ndarray:
    """A flow's functions at states of shape (points, 2)."""
    return flows.functions(name, case.params.train.degrees[name], case.params.simulate.cold, state)


def kept(dims: tuple[str, ...], matrices) -> tuple:
    """Complex matrices as a variable, real and imaginary parts along the last dimension."""
    values = np.asarray(matrices, complex)
    return labelled(dims, np.stack([values.real, values.imag], -1), "inner products of the dictionary")


def galerkin(values: np.ndarray) -> Galerkin:
    """The matrices back, from values of dimensions `SQUARE`."""
    return Galerkin(*(values[..., 0] + 1j * values[..., 1]))


def with_inner(matrices: Galerkin, inner: str) -> Galerkin:
    """As they are, or with L = A* G^-1 A: what <K g, K g> would be were the dictionary invariant."""
    if inner == "data":
        return matrices
    g, a, _ = matrices
    return Galerkin(g, a, a.conj().T @ np.linalg.pinv(g, hermitian=True) @ a)
