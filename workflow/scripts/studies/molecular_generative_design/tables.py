"""What networks read of the molecules and pairs: strings as tokens, properties scaled by each seed's training set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from studies.molecular_generative_design.language import Language
from studies.molecular_generative_design.params import Params
from studies.molecular_generative_design.simulate import TRAIN


@dataclass(frozen=True)
class Table:
    """Molecules, or pairs.

    Attributes
    ----------
    names : list of str
        Strings, of a pair "one.two".
    strings : ndarray of int, shape (rows, string)
    values : ndarray, shape (rows, slots)
        Properties in their own units, NaN in slots that are left over.
    low, high : ndarrays, shape (seeds, slots)
        Least and largest of the training set.
    train : list of ndarrays
        Rows of each seed's training set.
    """

    names: list[str]
    strings: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    train: list[np.ndarray]

    def scaled(self, seed: int, values: np.ndarray) -> np.ndarray:
        """Between -1 and 1 on the training set."""
        low, high = self.low[seed], self.high[seed]
        return 2 * (values - low) / np.where(high > low, high - low, 1) - 1

    def in_units(self, seed: int, scaled: np.ndarray) -> np.ndarray:
        """The reverse of `scaled`."""
        return self.low[seed] + (scaled + 1) / 2 * (self.high[seed] - self.low[seed])


def prepared(params: Params, data: xr.Dataset) -> tuple[Language, Table, Table]:
    """The language, the molecules and the pairs."""
    molecules, components = [str(s) for s in data["smiles"].values], [str(s) for s in data["component"].values]
    pairs = [f"{components[i]}.{components[j]}" for i, j in data["pair"].values]
    characters = "".join(sorted({one for name in (*molecules, ".") for one in name}))
    slots = max(data.sizes["property"], data.sizes["quantity"])
    language = Language(characters, params.train.gpt.bins, params.simulate.longest + 1, slots)
    of_molecules = _table(language, molecules, data["prop"].values, data["train"].values > 0)
    return language, of_molecules, _table(language, pairs, data["mixture"].values, data["split"].values == TRAIN)


def _table(language: Language, names: list[str], values: np.ndarray, train: np.ndarray) -> Table:
    filled = np.full((len(names), language.slots), np.nan)
    filled[:, : values.shape[1]] = values
    rows = [np.flatnonzero(one) for one in train]
    low, high = (np.stack([end(filled[one], 0) for one in rows]) for end in (np.min, np.max))
    return Table(names, language.written(names), filled, low, high, rows)
