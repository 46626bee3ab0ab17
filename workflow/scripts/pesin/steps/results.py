"""What a figure function is handed: the results that its yaml declares, by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from pesin.errors import UserError, did_you_mean
from pesin.params import typed
from pesin.steps.files import open_result


class Results(Mapping):
    """The declared results of one study, opened when asked for.

    `study["entropy/lorenz63"]` is a Dataset or DataTree; `study.params("lorenz63")` that case's parameters, as far as
    the declared results depend on them.
    """

    def __init__(self, paths: dict[str, Path], params: dict[str, dict], params_types: dict) -> None:
        self._paths, self._params, self._types = paths, params, params_types
        self._opened: dict[str, xr.Dataset | xr.DataTree] = {}

    def __getitem__(self, reference: str) -> xr.Dataset | xr.DataTree:
        if reference not in self._paths:
            hint = did_you_mean(reference, self._paths)
            raise UserError(f"'{reference}' is not declared under the figure's `reads`.{hint}")
        if reference not in self._opened:
            self._opened[reference] = open_result(self._paths[reference])
        return self._opened[reference]

    def __iter__(self):
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def params(self, case: str):
        return typed(self._types[case], self._params[case])
