"""How fast lithium diffuses in the garnet, and the activation energy of its hops."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from pesin.systems.regular_solution import BOLTZMANN
from studies.chgnet_charge_informed.garnet.params import Params


def forecast(case: Case[Params], data: xr.Dataset) -> xr.Dataset:
    return arrhenius(data)


def arrhenius(data: xr.Dataset) -> xr.Dataset:
    """Diffusion coefficients from the second half of the displacement, and Arrhenius' activation energy."""
    late = data.isel(time=slice(data.sizes["time"] // 2, None))
    dt = late["time"] - late["time"].mean()
    slope = ((late["displacement"] * dt).sum("time") / (dt**2).sum("time")).values / 6
    inverse = 1 / (BOLTZMANN * data["temperature"].values)
    with np.errstate(invalid="ignore", divide="ignore"):
        fits = [-np.polyfit(inverse, np.log(column), 1)[0] for column in slope.T]
    return xr.Dataset(
        {
            "diffusion": labelled(("temperature", "replica"), slope, "diffusion coefficient of Li", "angstrom2/fs"),
            "activation": labelled(
                "replica", fits, "activation energy", "eV", nan="a temperature at which nothing diffuses"
            ),
        },
        {"temperature": data["temperature"].values, "replica": data["replica"].values},
    )
