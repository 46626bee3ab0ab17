"""Entropy made by tides, heat over melt temperature, and entropy radiated."""

from __future__ import annotations

import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.recession.moon import AREA
from studies.lava_world_tides.recession.params import Params
from studies.lava_world_tides.settings import FAILED
from studies.lava_world_tides.tides import STEFAN_BOLTZMANN, YEAR


def entropy(case: Case[Params], data: xr.DataTree) -> xr.Dataset:
    """Entropy production dS/dt = P / T_m and F 4 pi R^2 / T_s, integrated, and the balance of energy.

    T_s is the temperature at which the surface radiates F.
    """
    grid, melt = data["grid"].to_dataset(), case.params.entropy.melt_temperature
    surface = (grid.flux / STEFAN_BOLTZMANN) ** 0.25
    radiated = grid.flux * AREA / surface
    dims = ("run", "time")
    balance = (grid.dissipated / grid.energy_lost - 1).isel(time=-1)
    return xr.Dataset(
        {
            "production": labelled(
                dims, (grid.power / melt).values, "entropy production of the tides", "W K-1", nan=FAILED
            ),
            "tidal_entropy": labelled(
                dims, (grid.dissipated / melt).values, "entropy made by the tides since the start", "J K-1", nan=FAILED
            ),
            "radiated_entropy": labelled(
                dims,
                (radiated * grid.time * YEAR).transpose(*dims).values,
                "entropy radiated since the start",
                "J K-1",
            ),
            "surface_temperature": labelled("run", surface.values, "temperature that radiates the flux", "K"),
            "energy_balance": labelled(
                "run", balance.values, "heat over mechanical energy lost, minus one, at the end", nan=FAILED
            ),
            "flux": grid.flux,
            "drag": grid.drag,
            "feedback": grid.feedback,
        },
        {"time": grid.time},
    )
