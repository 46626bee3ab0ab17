"""Scores of answers, and the trivial models that they are held against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from studies.molecular_generative_design.chemistry import heavy_atoms, read
from studies.molecular_generative_design.tables import Table

FEW = "fewer than three valid strings"
LEAST = 3
Oracle = Callable[[Sequence[str]], tuple[list[str], np.ndarray]]
"""Strings -> canonical SMILES ("" if invalid) and properties (n, slots), NaN where not known."""


def r2(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Coefficient of determination over axis -2, no rows of NaN: (..., n, k) -> (..., k); NaN of fewer than three."""
    truth, found = np.broadcast_arrays(truth, found)
    known = np.isfinite(found).all(-1, keepdims=True)
    count = known.sum(-2, keepdims=True)
    centre = np.where(known, truth, 0).sum(-2, keepdims=True) / np.maximum(count, 1)
    missed, spread = (np.where(known, (a - b) ** 2, 0).sum(-2) for a, b in ((truth, found), (truth, centre)))
    return np.where((count[..., 0, :] >= LEAST) & (spread > 0), 1 - missed / np.where(spread > 0, spread, 1), np.nan)


def sized_r2(size: np.ndarray, truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """R2 with the best line in the size in the mean's place, 0 for the size alone: (n), (n, k) twice -> (k)."""
    line = np.stack([np.ones_like(size), size], -1)
    rest = truth - line @ np.linalg.lstsq(line, truth, rcond=None)[0]
    return 1 - ((truth - found) ** 2).sum(0) / (rest**2).sum(0)


def made_scores(names: Sequence[str], known: Collection[str]) -> dict[str, float]:
    """Shares: valid ones of all; of the valid ones, different ones and those not in `known`; 0 if none is valid."""
    good = [name for name in names if name]
    return {
        "valid": len(good) / len(names),
        "unique": len(set(good)) / max(1, len(good)),
        "novel": sum(name not in known for name in good) / max(1, len(good)),
    }


def oracle_of(source: str, molecules: Table) -> Oracle:
    """RDKit's rules; of a table of measured properties, what it holds of a molecule."""
    if source == "selfies":
        return read
    row = {name: i for i, name in enumerate(molecules.names)}

    def looked_up(strings: Sequence[str]) -> tuple[list[str], np.ndarray]:
        names = read(strings)[0]
        found = [
            molecules.values[row[name]] if name in row else np.full(molecules.values.shape[1], np.nan) for name in names
        ]
        return names, np.array(found)

    return looked_up


def ridge(features: np.ndarray, values: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Ridge regression with an intercept, fitted on rows `train`, of rows `test`; columns of NaN stay NaN."""
    from sklearn.linear_model import Ridge

    found = np.full((len(test), values.shape[1]), np.nan)
    known = np.isfinite(values).all(0)
    found[:, known] = Ridge(alpha=1.0).fit(features[train], values[train][:, known]).predict(features[test])
    return found


def nearest(molecules: Table, seed: int, asked: np.ndarray) -> list[str]:
    """Names of the training molecules whose scaled properties lie nearest to those asked for (n, slots)."""
    rows = molecules.train[seed]
    have, want = (np.nan_to_num(molecules.scaled(seed, v)) for v in (molecules.values[rows], asked))
    distance = ((want[:, None] - have) ** 2).sum(-1)
    return [molecules.names[i] for i in rows[distance.argmin(1)]]


def sizes(table: Table) -> np.ndarray:
    """Heavy atoms of each row of molecules, or of a pair's two."""
    return heavy_atoms(table.names)
