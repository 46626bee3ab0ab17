"""Entropies of what the looks saw, each over the largest it could be."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.entropy.kernel import diffusion_spectral_entropy, effective_rank
from pesin.entropy.policy import categorical_entropy

QUANTITIES = {
    "attention": "attention entropy",
    "weights": "spectral entropy of the weights",
    "diffusion": "diffusion spectral entropy",
    "rank": "effective rank of the hidden layer",
    "output": "output entropy",
    "loss": "loss at that moment",
    "rate": "ln of the learning rate",
    "gain": "ln of the factor on the initial weights",
}
NONE = "a run that had stopped, or a network without attention"


def of_world(data: xr.Dataset, seen: xr.Dataset) -> np.ndarray:
    """All quantities of one world, (quantity, look, seed, draw)."""
    hidden, output = (seen[key].values.astype(float) for key in ("hidden", "output"))
    shape = hidden.shape[:3]
    found = {
        "attention": seen["attention"].values if "attention" in seen else np.full(shape, np.nan),
        "weights": seen["weights"].mean("matrix").values,
        "diffusion": _where_alive(hidden, _diffusion),
        "rank": _where_alive(hidden, _rank),
        "output": categorical_entropy(output).mean(-1) / np.log(output.shape[-1]),
        "loss": seen["loss"].values,
        "rate": np.broadcast_to(np.log(data["rate"].values), shape),
        "gain": np.broadcast_to(np.log(data["gain"].values), shape),
    }
    return np.stack([found[name] for name in QUANTITIES])


def _where_alive(hidden: np.ndarray, measure) -> np.ndarray:
    """A measure of each cloud (..., points, units); NaN where one isn't finite, 0 where all points are one."""
    clouds = hidden.reshape(-1, *hidden.shape[-2:])
    found = np.full(len(clouds), np.nan)
    alive = np.isfinite(clouds).all((1, 2))
    varied = alive.copy()
    varied[alive] = np.ptp(clouds[alive], axis=1).max(-1) > 0
    found[alive] = 0.0
    if varied.any():
        found[varied] = measure(clouds[varied])
    return found.reshape(hidden.shape[:-2])


def _diffusion(clouds: np.ndarray) -> np.ndarray:
    distinct = clouds / clouds.std((1, 2), keepdims=True)
    width = np.sqrt(2.0 * clouds.shape[-1])  # about the distance of two points whose coordinates are independent
    return diffusion_spectral_entropy(distinct, width).value / np.log(clouds.shape[1])


def _rank(clouds: np.ndarray) -> np.ndarray:
    centred = clouds - clouds.mean(1, keepdims=True)
    return effective_rank(centred).value / min(clouds.shape[1:])
