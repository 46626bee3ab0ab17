"""The searches for zeros, with the laws of all iterations, and the laws fitted to the rare events."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.stats.cross_entropy import search
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.riemann_cross_entropy.dirichlet import values
from studies.riemann_cross_entropy.params import Params
from studies.riemann_cross_entropy.rare import Bridge, Event, Small, fitted
from studies.riemann_cross_entropy.simulate import FUNCTIONS, STRIP, heights

LEVELS = {"|zeta| < 0.1": 0.1, "|zeta| < 0.01": 0.01}
BRIDGE = "bridge > 2"
CLIP = (0.01, 0.99)
"""Real parts that a search may visit. They are free between: nothing pulls them to 1/2."""


def train(case: Case[Params], data: Any) -> xr.DataTree:
    """`search`: laws and |f| (function, seed, start, iteration ..); a group for each rare event: its laws."""
    params = case.params.train
    parts: dict[str, xr.Dataset] = {"search": searches(case)}
    for name, event in events(case, data["known/ordinate"].values).items():
        levels = params.levels if params.tilted else 0
        laws = fitted(event, params.estimates, levels, params.draws, params.share, case.rng(name))
        dims = ("fit", "estimate", "component", "part") if isinstance(event, Small) else ("fit", "estimate", "edge")
        said = "log weights and log spreads" if isinstance(event, Small) else "log means of the edges"
        parts[group(name)] = xr.Dataset({"law": labelled(dims, laws, said, may_be_constant=1)})
    return xr.DataTree.from_dict(parts)


def searches(case: Case[Params]) -> xr.Dataset:
    """All searches of both functions: seeds and starts at once, the same starts and streams for both."""
    params, windows = case.params.train, case.params.simulate.windows
    rng = case.rng("starts")
    count = sum(w.starts for w in windows.values())
    t = np.concatenate([rng.uniform(w.low, w.high, (params.searches, w.starts)) for w in windows.values()], 1)
    mean = np.stack([rng.uniform(0.05, 0.95, t.shape), t], -1).reshape(-1, 2)
    means, spreads, sizes = [], [], []
    for function in case.progress(FUNCTIONS):

        def score(x, function=function):
            return abs(values(function, x[..., 0] + 1j * x[..., 1]))

        found = search(
            score,
            mean,
            np.broadcast_to(params.width, mean.shape),
            params.samples,
            params.elite,
            params.smoothing,
            params.iterations,
            case.rng("search"),
            ((CLIP[0], 2.0), (CLIP[1], np.inf)),
        )
        shape = (params.iterations + 1, params.searches, count, 2)
        means.append(np.moveaxis(found.mean.reshape(shape), 0, 2))
        spreads.append(np.moveaxis(found.spread.reshape(shape), 0, 2))
        sizes.append(score(found.mean[-1]).reshape(shape[1:3]))
    dims = ("function", "seed", "start")
    window = np.repeat(list(windows), [w.starts for w in windows.values()])
    return xr.Dataset(
        {
            "mean": labelled((*dims, "iteration", "axis"), means, "centre of the sampling law"),
            "spread": labelled(
                (*dims, "iteration", "axis"), spreads, "standard deviation of the sampling law", may_be_constant=1
            ),
            "size": labelled(dims, sizes, "|f| at the last centre"),
        },
        {"function": FUNCTIONS, "window": ("start", window), "axis": ["sigma", "t"]},
    )


def events(case: Case[Params], zeros: np.ndarray) -> dict[str, Event]:
    """The rare events by name."""
    low, high = heights(case.params.simulate)
    box = np.array([[STRIP[0], low], [STRIP[1], high]])
    small: dict[str, Event] = {name: Small(level, box, zeros) for name, level in LEVELS.items()}
    return small | {BRIDGE: Bridge(2.0)}


def group(name: str) -> str:
    """A group's name in a file."""
    return "".join(letter if letter.isalnum() else "_" for letter in name)
