"""Predictability of the atmosphere itself: lambda_1 from twins drawn together again each day, and twins let go."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.chaosbench_s2s.flow import model, to_modes, to_psi
from studies.chaosbench_s2s.params import Params


def entropy(case: Case[Params], data: Any) -> xr.Dataset:
    """lambda_1 (1 / day), the twins' distance by day, its rate over lambda_1 and its late value over sqrt(2) s.d."""
    p, world = case.params.entropy, case.params.simulate
    deviation = float(data["train/psi"].std())
    modes = to_modes(data["test/psi"].isel(lead=0).values, world.coupling)
    advance = model(world.points, world.coupling, world.beta, world.friction, world.steps, p.advection)
    if not p.moving:
        advance = at_rest
    kick = case.rng("kick").standard_normal((len(modes), 2, world.points, world.points))
    twin = modes + to_modes(p.amplitude * deviation * kick, world.coupling)

    def distance(one, other):
        apart = to_psi(one, world.coupling) - to_psi(other, world.coupling)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.sqrt(np.square(apart).mean((1, 2, 3))) / deviation

    growth = []
    for _ in case.progress(range(p.breeding)):
        twin = modes + (twin - modes) * (p.amplitude / distance(modes, twin))[:, None, None, None].astype(np.float32)
        modes, twin = advance(modes, world.shear), advance(twin, world.shear)
        growth.append(np.log(distance(modes, twin) / p.amplitude))
    rates = np.array(growth)[p.breeding // 4 :]
    exponent = rates.mean()
    apart = [distance(modes, twin)]
    for _ in range(world.lead):
        modes, twin = advance(modes, world.shear), advance(twin, world.shear)
        apart.append(distance(modes, twin))
    error = np.array(apart).T
    rate = np.log(error[:, p.fitted] / error[:, 0]) / p.fitted
    late = np.sqrt(np.square(error[:, p.late :]).mean(1) / 2)
    known = exponent if exponent > 0 else np.inf
    return xr.Dataset(
        {
            "exponent": labelled((), exponent, "largest Lyapunov exponent", "1/day"),
            "exponent_of_start": labelled("start", rates.mean(0), "mean growth of bred twins", "1/day", nan=DIVERGED),
            "distance": labelled(
                ("start", "lead"), error, "distance of twins over the climatological s.d.", nan=DIVERGED
            ),
            "rate": labelled("start", rate, "growth of free twins", "1/day", nan=DIVERGED),
            "rate_ratio": labelled("start", rate / known, "growth of free twins over lambda_1", nan=DIVERGED),
            "saturation": labelled("start", late, "late distance of twins over sqrt(2) s.d.", nan=DIVERGED),
        },
        {"lead": np.arange(world.lead + 1)},
    )


def at_rest(modes: np.ndarray, _: Any) -> np.ndarray:
    """Nothing moves."""
    return modes
