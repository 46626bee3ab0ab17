"""Fits of rotation curves: V^2 = V_halo^2 + V_gas |V_gas| + (M/L) V_disk^2 with a prior on M/L of 0.1 dex."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.interpolate import RectBivariateSpline

from studies.darkexp_halos.fits import curves
from studies.darkexp_halos.fits.least_squares import minimise

LIGHT = (np.log(0.5), 0.1 * np.log(10))
"""Mean and width of ln M/L."""
SPEED = (np.log(2.0), np.log(800.0))
RADIUS = (np.log(0.02), np.log(1000.0))
"""Bounds of ln V_max (km/s) and of ln of a scale radius (kpc)."""
ONE = 4.0
"""The phi0 of `darkexp_one`, whose speeds are nearest to NFW's."""
SHAPE = np.linspace(-7, 3.5, 220)
"""ln r / r_max of the table of DARKexp's curves."""


class Halo(NamedTuple):
    """A model: V^2 of parameters (runs, k) at radii (runs, n), their bounds, and how many places of each are tried."""

    curve: Callable
    bounds: list[tuple[float, float]]
    places: list[int]

    @property
    def free(self) -> int:
        """Parameters that are fitted, M/L among them."""
        return 1 + sum(low < high for low, high in self.bounds)


class Fitted(NamedTuple):
    """Of each galaxy: parameters with ln M/L last, chi^2 of the fitted radii, and the speeds at all radii."""

    theta: np.ndarray
    chi2: np.ndarray
    speed: np.ndarray


def models(halos: xr.Dataset, shapes: tuple[float, float], flat: bool) -> dict[str, Halo]:
    """All but the solitons, by name; `darkexp_wide` takes all halos of the table, those in no equilibrium too."""
    two, curve = [SPEED, RADIUS], constant if flat else darkexp(halos)
    ends = float(halos.phi0[0]), float(halos.phi0[-1])
    return {
        "darkexp": Halo(curve, [shapes, *two], [5 if shapes[0] < shapes[1] else 1, 6, 9]),
        "nfw": scaled(curves.nfw),
        "nfw_tied": Halo(tied, [SPEED], [24]),
        "burkert": scaled(curves.burkert),
        "darkexp_wide": Halo(curve, [ends, *two], [5, 6, 9]),
        "darkexp_one": Halo(curve, [(ONE, ONE), *two], [1, 6, 9]),
        "no_halo": Halo(lambda theta, r: np.zeros_like(r), [], []),
    }


def scaled(shape: Callable) -> Halo:
    """A halo of fixed shape: ln V_max and ln of its scale radius."""
    return Halo(lambda t, r: np.exp(2 * t[:, :1]) * shape(r / np.exp(t[:, 1:2])), [SPEED, RADIUS], [8, 14])


def soliton(boson: float) -> Halo:
    """One boson mass; ln of the core radius in kpc is free."""
    return Halo(lambda t, r: curves.soliton(r, np.exp(t), boson), [(np.log(1e-3), np.log(100.0))], [30])


def tied(theta: np.ndarray, r: np.ndarray) -> np.ndarray:
    """NFW whose concentration is that of its mass; ln V200 is free."""
    v200 = np.exp(theta)
    c = curves.concentration(v200)
    return curves.nfw_peak(v200, c) ** 2 * curves.nfw(r / curves.scale_radius(v200, c))


def constant(theta: np.ndarray, r: np.ndarray) -> np.ndarray:
    """The null: a flat curve, whatever shape and radius are."""
    return np.exp(2 * theta[:, 1:2]) * np.ones_like(r)


def darkexp(halos: xr.Dataset) -> Callable:
    """V^2 of (phi0, ln V_max, ln r_max), from a spline through the table of solved halos."""
    rows = []
    for phi0 in halos.phi0.values:
        one = halos.sel(phi0=phi0)
        x, y = np.log(one.radius.values / float(one.r_max)), 2 * np.log(one.speed.values / float(one.speed.max()))
        inner = (y[1] - y[0]) / (x[1] - x[0])
        rows.append(np.interp(SHAPE, x, y) + inner * np.minimum(SHAPE - x[0], 0) - np.maximum(SHAPE - x[-1], 0))
    table = RectBivariateSpline(halos.phi0.values, SHAPE, np.array(rows))

    def curve(theta, r):
        x = np.log(r) - theta[:, 2:3]
        return np.exp(2 * theta[:, 1:2] + table.ev(np.broadcast_to(theta[:, :1], x.shape), np.clip(x, *SHAPE[[0, -1]])))

    return curve


def fit(model: Halo, data: dict[str, np.ndarray], used: np.ndarray, steps: int, starts: int) -> Fitted:
    """Fit every galaxy by the radii in `used` (galaxy, radius), from places of a coarse grid.

    `data` holds rad, v_obs, v_err, v_gas, v_disk, each of shape (galaxy, radius), in kpc and km/s.
    """
    bounds = [*model.bounds, (LIGHT[0] - 6 * LIGHT[1], LIGHT[0] + 6 * LIGHT[1])]
    low, high = np.array(bounds).T
    axes = [np.linspace(a, b, 2 * n + 1)[1::2] for (a, b), n in zip(model.bounds, model.places, strict=True)]
    grid = np.stack([*(one.ravel() for one in np.meshgrid(*axes, indexing="ij"))], 1) if axes else np.zeros((1, 0))
    grid = np.column_stack([grid, np.full(len(grid), LIGHT[0])])
    many = [np.sum(residual_of(model, data, used)(np.repeat(g[None], len(used), 0)) ** 2, 1) for g in grid]
    best = starting(np.array(many), model.places[0] if axes else 1, starts)
    row = np.tile(np.arange(len(used)), len(best))
    of = residual_of(model, {name: values[row] for name, values in data.items()}, used[row])
    theta, cost = minimise(of, grid[best.ravel()], low, high, steps)
    pick = np.argmin(cost.reshape(len(best), -1), 0), np.arange(len(used))
    theta = theta.reshape(len(best), len(used), -1)[pick]
    chi2 = np.sum(residual_of(model, data, used)(theta)[:, :-1] ** 2, 1)
    return Fitted(theta, chi2, speed_of(model, data, theta))


def starting(many: np.ndarray, first: int, starts: int) -> np.ndarray:
    """The best places (start, galaxy) of a grid (place, galaxy), each with another value of the first parameter."""
    cells = many.reshape(first, -1, many.shape[1])
    least = cells.argmin(1) + np.arange(first)[:, None] * cells.shape[1]
    order = np.argsort(cells.min(1), 0, kind="stable")[:starts]
    return np.take_along_axis(least, order, 0)


def speed_of(model: Halo, data: dict[str, np.ndarray], theta: np.ndarray) -> np.ndarray:
    """V in km/s at all radii."""
    gas = data["v_gas"] * np.abs(data["v_gas"])
    return np.sqrt(
        np.maximum(model.curve(theta[:, :-1], data["rad"]) + gas + np.exp(theta[:, -1:]) * data["v_disk"] ** 2, 0)
    )


def residual_of(model: Halo, data: dict[str, np.ndarray], used: np.ndarray) -> Callable:
    """(V - V_obs) / error at the radii used, and the prior's last."""

    def residual(theta):
        misfit = (speed_of(model, data, theta) - data["v_obs"]) / data["v_err"] * used
        return np.column_stack([misfit, (theta[:, -1] - LIGHT[0]) / LIGHT[1]])

    return residual
