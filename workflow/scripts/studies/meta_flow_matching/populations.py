"""What all worlds come as: populations before and after, to learn from and to test with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from pesin.steps.labels import labelled


@dataclass(frozen=True)
class Populations:
    """Clouds before and after, paired point by point or not, float arrays (seed, population, point, dim).

    Attributes
    ----------
    label : (seed, population)
        What conditional flow matching is told: which population, which letter, which treatment; -1 where a test
        population has none that was trained with.
    again : test alone
        Two more draws of each target, independent of the first and of each other: what no model can be nearer to.
    """

    before: np.ndarray
    after: np.ndarray
    label: np.ndarray
    again: np.ndarray | None = None

    def dataset(self, names: list[str]) -> xr.Dataset:
        """As a group of the result; what is tested with is truth."""
        seeds, many, _, dim = self.before.shape
        dims, hidden = ("seed", "population", "point", "axis"), {"role": "truth"} if self.again is not None else {}
        variables = {
            "before": labelled(dims, self.before.astype(np.float32), "point before", **hidden),
            "after": labelled(dims, self.after.astype(np.float32), "point after", **hidden),
            "label": labelled(dims[:2], self.label, "label of the population, -1 if none", may_be_constant=1, **hidden),
        }
        if self.again is not None:
            said = "point of another draw of the target"
            variables["again"] = labelled(("draw", *dims), self.again.astype(np.float32), said, **hidden)
        coordinates = {"seed": np.arange(seeds), "population": names, "axis": np.arange(dim)}
        return xr.Dataset(variables, coordinates)


def numbered(many: int) -> list[str]:
    """Names of populations that have none."""
    return [f"{i:04d}" for i in range(many)]
