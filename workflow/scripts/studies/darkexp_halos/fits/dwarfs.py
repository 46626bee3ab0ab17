"""Fits of projected star counts: shares of DARKexp's mass in rings, against counts, by the likelihood of Poisson."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.interpolate import RectBivariateSpline
from scipy.special import xlogy

from studies.darkexp_halos.fits.curves import plummer_inside

RINGS = 10
SCALES = np.geomspace(0.3, 30, 121)
"""Half-mass radii that are tried, in Plummer's scale."""
PROJECTED = np.linspace(-5, 4, 120)
"""ln R / r_half of the table."""
SHELLS = 3000
CUSPY = 5.0


def inside(mass: np.ndarray, radius: np.ndarray, projected: np.ndarray) -> np.ndarray:
    """Share of a sphere's mass at projected radii below R: 1 - int_R^inf sqrt(1 - R^2/r^2) dm."""
    x = np.linspace(np.log(radius[0]), np.log(radius[-1]), SHELLS)
    m = np.interp(x, np.log(radius), mass) / mass[-1]
    r = np.exp((x[1:] + x[:-1]) / 2)
    seen = np.sqrt(np.maximum(1 - (np.asarray(projected)[..., None] / r) ** 2, 0))
    return 1 - seen @ np.diff(m) - m[0] * (np.asarray(projected) < radius[0])


def table(halos: xr.Dataset, flat: bool) -> RectBivariateSpline:
    """Shares inside by phi0 and ln R / r_half; flat: of rho ~ r^-2 up to the end of the grid."""
    radius = halos.radius.values
    rows = [inside(radius if flat else mass, radius, np.exp(PROJECTED)) for mass in halos.mass.values]
    return RectBivariateSpline(halos.phi0.values, PROJECTED, np.array(rows))


def edges(field: float) -> np.ndarray:
    """Edges of rings that hold equal shares of Plummer's stars within `field`, in its scale; shape (RINGS + 1,)."""
    share = np.linspace(0, plummer_inside(field), RINGS + 1)
    return np.sqrt(share / (1 - share))


def shares(known: RectBivariateSpline, shapes: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Expected shares of the rings among the stars that are counted, (shape, scale, ring)."""
    x = np.log(np.maximum(edge, 1e-9)[None] / SCALES[:, None])
    below = known.ev(shapes[:, None, None], np.clip(x, *PROJECTED[[0, -1]])[None])
    below[..., 0] = 0
    below = np.maximum.accumulate(below, -1)
    return np.maximum(np.diff(below) / below[..., -1:], 1e-12)


def rings(projected: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Counts (dwarf, ring) of stars at (dwarf, star)."""
    place = np.searchsorted(edge, projected, side="right") - 1
    return (place[..., None] == np.arange(RINGS)).sum(1)


def deviance(counts: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """2 sum n ln(n / (N p)), (dwarf, shape, scale); for many stars chi^2 of rings - 1 - parameters."""
    n = counts[:, None, None]
    return 2 * (xlogy(n, n) - xlogy(n, n.sum(-1, keepdims=True) * expected)).sum(-1)


def scores(
    projected: np.ndarray, known: RectBivariateSpline, shapes: tuple[float, float], edge: np.ndarray
) -> dict[str, np.ndarray]:
    """reduced, best and cuspy (deviances at the best shape within `shapes`, and at phi0 = 5), shape, scale of each."""
    counts, tried = rings(projected, edge), np.unique(np.linspace(*shapes, 17))
    found = deviance(counts, shares(known, tried, edge))
    best = found.reshape(len(found), -1).argmin(1)
    least = found.reshape(len(found), -1).min(1)
    left = RINGS - 1 - 1 - int(tried.size > 1)
    shape, scale = np.unravel_index(best, found.shape[1:])
    return {
        "reduced": least / left,
        "best": least,
        "cuspy": deviance(counts, shares(known, np.array([CUSPY]), edge)).min((1, 2)),
        "shape": tried[shape],
        "scale": SCALES[scale],
    }
