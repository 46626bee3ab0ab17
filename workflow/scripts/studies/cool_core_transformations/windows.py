"""What forecasters see of a history, and what they must say of its future."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from studies.cool_core_transformations import finder, links
from studies.cool_core_transformations.params import Params

PAST, SAMPLING, STRIDE = 2.0, 0.1, 0.2
"""Gyr: how far back, how often, and from one window to the next."""
HORIZONS = (0.5, 1.0, 2.0)
"""Gyr ahead."""
WITHIN = 1.0
"""Gyr in which an upward transformation is foretold."""
INPUTS = {"entropy": (1, 0, 0), "with_mergers": (1, 1, 0), "with_agn": (1, 0, 1), "all": (1, 1, 1)}
"""Which of ln K, mergers and the black hole's energy a network sees."""
CENTRE = 3.5
"""Of ln K, about; its scale is 1."""


class Windows(NamedTuple):
    """Of each cluster, at the same times: x (cluster, window, time, 3), y (cluster, window, horizon), event."""

    x: np.ndarray
    y: np.ndarray
    event: np.ndarray

    def of(self, clusters: slice) -> Windows:
        """Those of some clusters."""
        return Windows(*(part[clusters] for part in self))


def cut(params: Params, data: Any) -> tuple[Windows, Windows]:
    """Windows of the clusters to train on and of those to test on, from the world of all causes at the largest success.

    x: ln K less CENTRE, mass ratios and energies since the last sample; y: changes of ln K; event: whether an upward
    transformation has its steepest place within the next Gyr.
    """
    dt, clusters = params.simulate.dt, params.train.clusters
    world = data.sel(switch="all").isel(success=-1)
    held = [world[name].values.astype(float) for name in ("k0", "mass_ratio", "agn")]
    k0, ratio, agn = (values.reshape(-1, values.shape[-1])[:clusters] for values in held)
    log_k = np.log(k0)
    step, n = round(SAMPLING / dt), log_k.shape[-1]
    past = np.arange(-round(PAST / dt), 1, step)
    ends = np.arange(-past[0], n - round(HORIZONS[-1] / dt), round(STRIDE / dt))
    seen = ends[:, None] + past
    x = np.stack([log_k - CENTRE, links.before(ratio, step), links.before(agn, step)], -1)[:, seen]
    y = np.stack([log_k[:, ends + round(h / dt)] - log_k[:, ends] for h in HORIZONS], -1)
    events = finder.transformations(finder.smooth(log_k, dt), dt)
    marked = np.zeros(log_k.shape, int)
    up = events.sign > 0
    marked[events.row[up], events.place[up]] = 1
    ahead = round(WITHIN / dt)
    event = links.before(marked, ahead)[:, ends + ahead] > 0
    every = Windows(x.astype(np.float32), y.astype(np.float32), event)
    taught = round(params.train.share * len(log_k))
    return every.of(slice(taught)), every.of(slice(taught, None))
