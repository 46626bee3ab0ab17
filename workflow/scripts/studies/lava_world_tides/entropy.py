"""Entropy made by tides: heat over melt temperature, heat radiated, and the entropy of where spins end."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.special import entr

from pesin.stats.bootstrap import unit_bootstrap
from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.lava_world_tides.moon import AREA, FAILED
from studies.lava_world_tides.tides import STEFAN_BOLTZMANN, YEAR


def entropy(case: Case, data: xr.DataTree) -> xr.Dataset:
    return _moon(case, data) if case.params.kind == "moon" else _spins(case, data)


def _moon(case: Case, data: xr.DataTree) -> xr.Dataset:
    """Entropy production dS/dt = P / T_m and F 4 pi R^2 / T_s, integrated, and the balance of energy.

    T_s is the temperature at which the surface radiates F.
    """
    grid, melt = data["grid"].to_dataset(), case.params.melt_temperature
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


def _spins(case: Case, data: xr.DataTree) -> xr.Dataset:
    """Shannon entropy of the histogram of final rotation numbers, with a bootstrap over the starts."""
    params, final = case.params, data["histories"].final_spin
    edges = 0.875 + 0.25 * np.arange(params.bins + 1)
    bins = np.clip(np.digitize(final.values, edges) - 1, 0, params.bins - 1)

    def shannon(codes) -> float:
        return float(entr(np.bincount(codes, minlength=params.bins) / len(codes)).sum())

    found = [unit_bootstrap(case.rng("bootstrap"), shannon, (codes,), params.bootstrap) for codes in bins]
    value, low, high = np.array(found).T
    name = "entropy of the final spin state"
    return xr.Dataset(
        {
            "final_entropy": labelled("branch", value, name, "nat"),
            "final_entropy_low": labelled("branch", low, f"{name}, lower end", "nat"),
            "final_entropy_high": labelled("branch", high, f"{name}, upper end", "nat"),
            "histogram": labelled(
                ("branch", "bin"),
                np.stack([np.bincount(codes, minlength=params.bins) for codes in bins]),
                "number of starts",
            ),
        },
        {"branch": final.branch.values, "bin": edges[:-1] + 0.125},
    )
