"""Samples as the steps after the training read them, and intervals from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr

from studies.bayesian_uq_nn_potentials.params import Networks

NORMAL = 1.959964
"""Deviations on each side of a central interval of 95 %."""
METHODS = {"SG-MCMC": "chains", "deep ensemble": "ensembles"}


class Samples(NamedTuple):
    """What the networks of one arm say."""

    potential: np.ndarray
    """In kT, (seeds, members, draws, angles)."""
    force: np.ndarray
    """In kT/rad, the same shape."""
    width: np.ndarray
    """The likelihood's, in kT/rad, (seeds, members, draws)."""


def samples(networks: Networks, trained: xr.DataTree, group: str, arm: str) -> Samples:
    """One arm of `chains` or `ensembles`; untrained networks stand for each of the draws if the case asks for them."""
    one = trained[group].to_dataset().sel(arm=arm)
    names = ("potential", "force", "width")
    if networks == "trained":
        return Samples(*(one[name].values.astype(float) for name in names))
    draws = one.sizes["draw"]
    return Samples(*(np.repeat(one[f"start_{name}"].values[:, :, None], draws, 2).astype(float) for name in names))


def surviving(score: Callable[..., xr.Dataset], *held: Samples) -> xr.Dataset:
    """Scores by data set: NaN where a network of it diverged, so that the whole data set counts as one that failed."""
    lost = np.zeros(len(held[0].potential), bool)
    for one in held:
        for values in one:
            lost |= ~np.isfinite(values).reshape(len(values), -1).all(1)
    if not lost.any():
        return score(*held)
    filled = [Samples(*(np.where(lost.reshape(-1, *[1] * (v.ndim - 1)), 1.0, v) for v in one)) for one in held]
    return score(*filled).where(xr.DataArray(~lost, dims="seed"))


def pooled(values: np.ndarray) -> np.ndarray:
    """All networks of a data set in one row: (seeds, members, draws, ...) -> (seeds, networks, ...)."""
    return values.reshape(len(values), -1, *values.shape[3:])


def shared(values: np.ndarray) -> np.ndarray:
    """As many samples from all chains together as one of them has: every m-th of each, chain k from its k-th on.

    (seeds, members, draws, ...) -> (seeds, draws, ...). Were all chains copies of one, these would be its samples.
    """
    members, draws = values.shape[1:3]
    return np.stack([values[:, k % members, k] for k in range(draws)], 1)


def central(values: np.ndarray, axis: int = 1, times: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and the ends of the normal interval of 95 %, `times` as wide: for eight networks as for hundreds."""
    mean = values.mean(axis)
    half = times * NORMAL * values.std(axis, ddof=1)
    return mean, mean - half, mean + half
