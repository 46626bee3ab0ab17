"""Trained networks taken up again: which runs stand for which kind, and what they make at their snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from pesin.models.mlp import Parameters
from pesin.models.physics_informed import init_xavier
from pesin.models.taylor import unflat
from studies.causal_pinn.params import Params
from studies.causal_pinn.problems import Curves, log_weights, profile, tensor

GROUPS = {"plain": ("curves", 0), "causal": ("curves", 1), "long": ("curves", 2), "short": ("short", 0)}
"""Group of each kind of run, and its place there in units of the seeds."""


def networks(
    trained: xr.Dataset, group: str, sizes: list[int], snapshot: int, rows: slice = slice(None), device: str = "cpu"
) -> Parameters:
    """Parameters of some runs of a group at a snapshot."""
    like = {name: value[0] for name, value in init_xavier(1, sizes, torch.Generator()).items()}
    values = tensor(trained[f"{group}_parameters"].values[snapshot, rows], device)
    return unflat(values, {name: value.expand(len(values), *value.shape) for name, value in like.items()})


@dataclass(frozen=True)
class Kind:
    """Runs of one kind, a seed each.

    Attributes
    ----------
    end
        Of their time.
    curves, dense : Curves
        At the points of the training, and at more of them.
    snapshots : list of Parameters
    steepness : ndarray, shape (snapshots, seeds)
    loss : ndarray, shape (snapshots, seeds)
    """

    end: float
    curves: Curves
    dense: Curves
    snapshots: list[Parameters]
    steepness: np.ndarray
    loss: np.ndarray

    def log_weights(self, snapshot: int, steepness: float | None = None) -> np.ndarray:
        """ln of the weights at a snapshot, of its own steepness or another: (seeds, times)."""
        losses = self.losses(snapshot)
        own = self.steepness[snapshot] if steepness is None else np.full(len(losses), steepness)
        return log_weights(torch.as_tensor(losses), torch.as_tensor(own)[:, None]).numpy()

    def losses(self, snapshot: int) -> np.ndarray:
        """Squared residual at each time of the training, (seeds, times)."""
        with torch.no_grad():
            return profile(self.curves.residual(self.snapshots[snapshot]), self.curves.times).numpy(force=True)


def kind_of(
    params: Params, trained: xr.Dataset, name: str, device: str = "cpu", untrained=False, denser: int = 1
) -> Kind:
    """The runs of a kind, or those as they were before training."""
    group, place = ("brief", 0) if name == "brief" else GROUPS[name]
    seeds, settings, lorenz = params.train.seeds, params.train, params.lorenz
    end = {"long": lorenz.long_end, "brief": lorenz.brief_end}.get(name, lorenz.end)
    rows = slice(place * seeds, (place + 1) * seeds)
    sizes = [1, *[settings.width] * settings.layers, 3]
    count = 1 if untrained else trained.sizes[f"{group}_snapshot"]
    curves, dense = (
        Curves.of(lorenz, np.full(seeds, end), points, settings.beyond, device)
        for points in (settings.points, settings.points * denser)
    )
    return Kind(
        end,
        curves,
        dense,
        [networks(trained, group, sizes, i, rows, device) for i in range(count)],
        trained[f"{group}_steepness"].values[:count, rows],
        trained[f"{group}_loss"].values[:count, rows],
    )


def relative(found: np.ndarray, true: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """Relative L2 error over some axes."""
    return np.sqrt(((found - true) ** 2).sum(axes) / (true**2).sum(axes))
