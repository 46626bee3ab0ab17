"""Whether the learned flow leaves the stationary law of the ring as it is, and what the equations leave over."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.integrate.steppers import follow, last
from pesin.stats.transport import sliced_wasserstein2
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from pesin.systems.particles import Swimmers
from studies.active_probability_flow.solvable.params import Params
from studies.active_probability_flow.solvable.scores import Points, in_pieces, on_ring, residual, ring_points, velocity
from studies.active_probability_flow.solvable.simulate import ring_law
from studies.active_probability_flow.solvable.train import networks


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.Dataset:
    """Sliced W2 of samples before and after the time 1 / turning along the flow, and of its null (what, seed)."""
    params, simulated = case.params, data["ring"].to_dataset()
    law, walkers = ring_law(params.simulate.ring), params.simulate.ring.walkers
    points = ring_points(simulated, params.train.shuffle, case.device, walkers)
    weights, network = networks(trained, "ring/end", case.device), on_ring(law.box)
    latest = slice(-walkers, None)  # independent of each other

    def field(state: torch.Tensor, _t: float) -> torch.Tensor:
        x, g = state[..., :1], state[..., 1:]
        here = Points(x, g, torch.zeros_like(x), torch.zeros_like(x))  # forces cancel in the velocity
        return velocity(law, here, in_pieces(network, weights, here))[..., 0]

    with torch.no_grad():
        start = torch.cat([points.x, points.g], -1)[:, latest]
        end = last(follow(field, start, np.linspace(0, 1 / law.turning, params.forecast.steps + 1), "midpoint"))
        left = (
            residual(law, points, in_pieces(network, weights, points))
            .double()
            .square()
            .mean(1)
            .sqrt()
            .numpy(force=True)
        )
    clouds = [around(law, state.double().numpy(force=True)) for state in (start, end)]
    half, directions = walkers // 2, params.forecast.directions
    found = np.full((2, len(left)), np.nan)
    for seed, (before, after) in enumerate(zip(*clouds, strict=True)):
        for i, (one, other) in enumerate(((before[:half], after[half:]), (before[:half], before[half:]))):
            if np.isfinite(other).all():
                found[i, seed] = sliced_wasserstein2(case.rng("directions"), one, other, directions)
    return xr.Dataset(
        {
            "moved": labelled(("what", "seed"), found, "sliced W2 from the start", nan=DIVERGED),
            "residual": labelled("seed", left, "root mean square of div v + v.s", "per time", nan=DIVERGED),
        },
        {"what": ["flow", "chance"], "seed": simulated["seed"].values},
    )


def around(law: Swimmers, state: np.ndarray) -> np.ndarray:
    """The ring as a circle in the plane, of its own length: (..., 2) -> (..., 3)."""
    angle = 2 * np.pi * state[..., 0] / law.box
    radius = law.box / (2 * np.pi)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), state[..., 1]], -1)
