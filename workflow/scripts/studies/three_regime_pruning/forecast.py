"""Test errors of the pruned networks, what lies between retrained copies, and the scores of what is chosen by it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters
from pesin.stats.similarity import linear_cka
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.three_regime_pruning.landscape import (
    REGIMES,
    connectivity,
    regimes,
    regret,
    selected,
    sharpest,
    sign_rule,
    tuned,
    turned,
)
from studies.three_regime_pruning.nets import error, line, logits
from studies.three_regime_pruning.params import Params
from studies.three_regime_pruning.train import GRID, images

CELL = ("epochs", "density", "seed")
SAM = ("rho", "density", "seed")
CORNERS = {"cool, low": (-1, 0), "cool, high": (-1, -1), "hot, low": (0, 0), "hot, high": (0, -1)}
NAMED = {"load": ["low", "high"], "temperature": ["hot", "cool"], "corner": list(CORNERS)}
NO_CELL = "no cell whose neighbours differ"


def forecast(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> xr.Dataset:
    """Return tables over epochs (and radii of SAM), density and seed, and what each claim is judged by."""
    measured = between(case, data, trained) | {"error": test_error(case, data, trained)}
    p, coords = case.params.train, trained.ds.coords
    plain = {name: one[: len(p.epochs)] for name, one in measured.items()}
    same = p.epochs.index(p.sam_epochs)
    # Hot to cool, as the epochs: large radii first, and none last.
    sam = {name: np.concatenate([one[len(p.epochs) :][::-1], one[same : same + 1]]) for name, one in measured.items()}
    said = {
        "error": "test error",
        "lmc": "linear connectivity of retrained copies (training error)",
        "cka": "CKA of retrained copies",
    }
    found = {name: labelled(CELL, plain[name], text, nan=DIVERGED) for name, text in said.items()}
    found |= {f"sam_{name}": labelled(SAM, sam[name], f"{text}, SAM", nan=DIVERGED) for name, text in said.items()}
    names = {"epochs": p.epochs, "rho": [*p.rho[::-1], 0.0], "density": p.densities, "seed": coords["seed"].values}
    found |= of_temperature(case, plain["error"]) | of_regimes(case, plain)
    found |= of_choices(case, plain, sam, trained.ds["dense_error"].values[: len(p.epochs)])
    return xr.Dataset(found, {**names, "regime": list(REGIMES)} | NAMED)


def groups(case: Case[Params], trained: xr.DataTree) -> Iterator[tuple[np.ndarray, Parameters]]:
    """Retrained networks, some at a time, all copies of a pruned one together: their runs, and their parameters."""
    p, weights = case.params.train, trained["weights"].to_dataset()
    some = max(p.together // p.copies, 1) * p.copies
    for first in range(0, weights.sizes["run"], some):
        runs = np.arange(first, min(first + some, weights.sizes["run"]))
        part = weights.isel(run=runs)
        yield runs, {str(name): torch.as_tensor(v.values, device=case.device) for name, v in part.data_vars.items()}


def on_grid(case: Case[Params], values) -> np.ndarray:
    """Values of all runs, (run, ...), on the axes of `GRID`."""
    p = case.params.train
    values = np.concatenate(values)
    return values.reshape(-1, len(p.densities), p.seeds, p.copies, *values.shape[1:])


def test_error(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> np.ndarray:
    """Error on test images, mean over copies, shape (arm, density, seed)."""
    x, label = images(case, data, "test")
    found = [error(case.params.train.net, one, x, label).numpy(force=True) for _, one in groups(case, trained)]
    return on_grid(case, found).mean(GRID.index("copy"), dtype=np.float64)


def between(case: Case[Params], data: xr.Dataset, trained: xr.DataTree) -> dict[str, np.ndarray]:
    """Connectivity and similarity of copies, mean over pairs, shape (arm, density, seed)."""
    p, settings = case.params.train, case.params.forecast
    x = images(case, data, "train")[0][: settings.images]
    told = torch.as_tensor(trained.ds["told"].values[:, : settings.images], device=case.device)
    pairs = [(i, i if settings.copies == "same" else j) for i, j in combinations(range(p.copies), 2)]
    found: dict[str, list[np.ndarray]] = {"lmc": [], "cka": []}
    for runs, parameters in groups(case, trained):
        label = told[(runs // p.copies % p.seeds)[:: p.copies]]
        features = logits(p.net, parameters, x).double().numpy(force=True)
        lmc, cka = [], []
        for i, j in pairs:
            one, other = ({name: v[k :: p.copies] for name, v in parameters.items()} for k in (i, j))
            lmc.append(connectivity(line(p.net, one, other, x, label, settings.points).double().numpy(force=True)))
            cka.append(similarity(features[i :: p.copies], features[j :: p.copies]))
        found["lmc"].append(np.mean(lmc, 0))
        found["cka"].append(np.mean(cka, 0))
    return {name: np.concatenate(v).reshape(-1, len(p.densities), p.seeds) for name, v in found.items()}


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """CKA of outputs (run, image, class), to nine digits; NaN where a run diverged or gives all images the same."""
    found = np.full(len(one), np.nan)
    alive = (np.isfinite(one) & np.isfinite(other)).all((1, 2)) & (np.ptp(one, 1).any(1) & np.ptp(other, 1).any(1))
    if alive.any():
        found[alive] = linear_cka(one[alive], other[alive]).round(9)
    return found


def of_temperature(case: Case[Params], error: np.ndarray) -> dict[str, tuple]:
    """C1, C2, C7: what more training does at two loads, and how the best temperature moves with the load."""
    p, cells = case.params.train, case.params.forecast.cells
    loads = [p.densities.index(density) for density in (cells.low, cells.high)]
    at_cells = error[[p.epochs.index(cells.hot), p.epochs.index(cells.cool)]][:, loads]
    gain = at_cells[0] - at_cells[1]
    lowest = error == error.min(0)
    octaves = np.log2(p.epochs)[:, None, None]
    best = np.where(np.isfinite(error).all(0), (octaves * lowest).sum(0) / np.maximum(lowest.sum(0), 1), np.nan)
    way = best[0] - best[-1]
    tables = {
        "normalised_error": (CELL, error - error.min(0), "test error above the best temperature's", DIVERGED),
        "cell_error": (("temperature", "load", "seed"), at_cells, "test error", DIVERGED),
        "opposed": (
            ("load", "seed"),
            turned(np.stack([gain[0], -gain[1]]), gain[0] - gain[1]),
            "test error that dense training takes away, or adds at high density, or the other way round",
            DIVERGED,
        ),
        "best": (("density", "seed"), best, "log2 of the best epochs of dense training", DIVERGED),
        "moved": ("seed", turned(way, way), "octaves of the best epochs between the lowest and highest load", DIVERGED),
        "sharpest": ("seed", sharpest(best), "share of the best epochs' way that is one step of the load", DIVERGED),
    }
    return {name: labelled(dims, values, text, nan=nan) for name, (dims, values, text, nan) in tables.items()}


def of_regimes(case: Case[Params], plain: dict[str, np.ndarray]) -> dict[str, tuple]:
    """C3: similarity along the load, connectivity in the corners of the map, and the regime of each cell."""
    lmc, cka = plain["lmc"], plain["cka"]
    alive = np.isfinite(cka).all((0, 1))
    middle = np.where(alive, np.median(cka, (0, 1)), np.nan)
    found = regimes(lmc, cka, case.params.forecast.disconnected, middle)
    share = np.stack([(found == i).mean((0, 1)) for i in range(len(REGIMES))])
    tables = {
        "cka_cool": (
            ("density", "seed"),
            cka[-1],
            "CKA of retrained copies after the longest dense training",
            DIVERGED,
        ),
        "corner_lmc": (
            ("corner", "seed"),
            np.stack([lmc[at] for at in CORNERS.values()]),
            "linear connectivity",
            DIVERGED,
        ),
        "regime_cell": (CELL, found, "regime: 0 is I, 1 is II-A, 2 is II-B", ""),
        "regime_share": (("regime", "seed"), share, "share of cells in a regime", ""),
    }
    return {name: labelled(dims, values, text, nan=nan) for name, (dims, values, text, nan) in tables.items()}


def of_choices(case: Case[Params], plain, sam, dense_error: np.ndarray) -> dict[str, tuple]:
    """C4, C5, C6: what the rules are right in, and the error of what they choose. NaN if a network diverged."""
    p, settings = case.params.train, case.params.forecast
    error, lmc, cka = (np.nan_to_num(plain[name], nan=worst) for name, worst in WORST.items())
    told = sign_rule(error, lmc)
    by_dense = -np.broadcast_to(dense_error[:, None], error.shape)
    regrets = {
        "landscape": selected(error, lmc, cka),
        "dense accuracy": regret(error, by_dense),
        "any": regret(error, np.zeros_like(error)),
        "coolest": regret(error, np.broadcast_to(np.arange(len(error))[:, None, None], error.shape)),
    }
    radii = [*p.rho[::-1], 0.0]
    start = radii.index(settings.default_rho)
    sharp, barrier, alike = (np.nan_to_num(sam[name], nan=worst) for name, worst in WORST.items())
    chosen = {
        "rule": tuned(sharp, barrier, alike, start, settings.disconnected),
        "default": sharp[start].mean(0),
        "none": sharp[-1].mean(0),
        "largest": sharp[0].mean(0),
    }
    tables = {
        "accuracy": ("predictor", told, "share of cells whose better neighbour is told", NO_CELL),
        "regret": ("selector", regrets, "test error above the best temperature's", ""),
        "tuned_error": ("choice", chosen, "test error, mean over densities", ""),
    }
    found = {
        name: labelled((dim, "seed"), np.stack(list(rows.values())), text, nan=nan)
        for name, (dim, rows, text, nan) in tables.items()
    }
    return found | {dim: (dim, list(rows)) for dim, rows, _, _ in tables.values()}


WORST = {"error": 1.0, "lmc": -1.0, "cka": 0.0}
"""What a diverged network counts as, where one of several is chosen."""
