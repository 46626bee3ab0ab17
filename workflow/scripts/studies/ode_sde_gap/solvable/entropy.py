"""The gap in closed form: Gaussian data, a score that is off by -delta x, and both samplers' laws Gaussian too."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.ode_sde_gap.process import sample_ode, sample_sde
from studies.ode_sde_gap.solvable.params import Params

REST = 0.5**0.5  # standard deviation of the data, at all times


def entropy(case: Case[Params]) -> xr.Dataset:
    """W2 of ODE and SDE, and of each and the data (horizon, deviation), the residual, and what our samplers make."""
    params = case.params.entropy
    deviation = np.array(params.deviations) * params.strength
    horizon = np.array(params.horizons)
    spread = {name: np.stack([f(deviation, t) for t in horizon]) for name, f in (("sde", sde), ("ode", ode))}
    made = np.stack([carried(case, deviation, t) for t in horizon])
    missing = np.broadcast_to(residual_root(deviation), spread["ode"].shape)
    grid = ("horizon", "deviation")

    def distance(one, other) -> np.ndarray:
        """W2 of two round Gaussians in two dimensions."""
        return 2**0.5 * abs(one - other)

    return xr.Dataset(
        {
            "gap": labelled(grid, distance(spread["ode"], spread["sde"]), "W2 of ODE and SDE", may_be_constant=1),
            "error": labelled(
                ("sampler", *grid),
                np.stack([distance(spread[name], REST) for name in ("sde", "ode")]),
                "W2 of sampler and data",
                may_be_constant=1,
            ),
            "made_gap": labelled(grid, distance(*np.moveaxis(made, 1, 0)), "W2 of ODE and SDE as sampled"),
            "residual": labelled(grid, missing, "root mean square of the residual", may_be_constant=1),
        },
        {"horizon": horizon, "deviation": params.deviations, "sampler": ["sde", "ode"]},
    )


def ode(deviation: np.ndarray, horizon: float) -> np.ndarray:
    """Standard deviation at the end of dx = -(delta / 2) x ds, from N(0, I/2)."""
    return REST * np.exp(-deviation * horizon / 2)


def sde(deviation: np.ndarray, horizon: float) -> np.ndarray:
    """Standard deviation at the end of dx = -(1 + delta) x ds + dW, from N(0, I/2)."""
    rest = 1 / (2 * (1 + deviation))
    return np.sqrt(rest + (0.5 - rest) * np.exp(-2 * (1 + deviation) * horizon))


def residual_root(deviation: np.ndarray) -> np.ndarray:
    """Root mean square under N(0, I/2) of what -(1 + delta/2) |x|^2 leaves of the Fokker-Planck equation.

    That is delta - delta (2 + delta) |x|^2 / 2, and |x|^2 has mean 1 and variance 1.
    """
    slope = deviation * (2 + deviation) / 2
    return np.sqrt((deviation - slope) ** 2 + slope**2)


def carried(case: Case[Params], deviation: np.ndarray, horizon: float) -> np.ndarray:
    """Standard deviations of clouds that our samplers carry, (ode and sde, deviations)."""
    params = case.params.entropy
    generator = torch.Generator().manual_seed(case.seed(f"horizon {horizon:g}"))
    off = torch.as_tensor(2 + deviation)[:, None, None]

    def draw(_=None) -> torch.Tensor:
        shape = (1, params.samples, 2)
        return torch.randn(shape, generator=generator, dtype=torch.float64).repeat(len(deviation), 1, 1)

    start, steps = REST * draw(), np.linspace(horizon, 0, params.steps + 1)
    clouds = [
        sample_ode(lambda x, t: -off * x, start, steps),
        sample_sde(lambda x, t: -off * x, start, steps, draw),
    ]
    return np.stack([cloud.square().mean((1, 2)).sqrt().numpy(force=True) for cloud in clouds])
