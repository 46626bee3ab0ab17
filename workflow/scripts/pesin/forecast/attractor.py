"""How well a generated orbit rebuilds an attractor: divergence in state space and Hellinger distance of the spectra."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from pesin.declared import Declared
from pesin.door import centred, finite, numbers, origin, still


def state_space_divergence(true, generated, bins: int = 30, pseudo_count: float = 1e-5) -> np.ndarray:
    """D_stsp: Kullback-Leibler divergence of state-space histograms, true from generated.

    The grid has `bins` cells a dimension over [min - 0.1 sd, max + 0.1 sd] of the true orbit. Only occupied cells are
    kept in memory, so that five dimensions (24 million cells) are cheap. A state outside the grid, or one that isn't
    finite, counts as lying in no cell but stays in the total: an orbit that leaves for good scores like a fixed point.

    Parameters
    ----------
    true : array_like, shape (time, dim)
    generated : array_like, shape (..., time, dim)
    bins
        Cells in each dimension.
    pseudo_count
        Added to the count of each cell (Laplace smoothing).

    Returns
    -------
    ndarray, shape (...)
        In nats; 0 for the true orbit itself. Depends on length, bins and smoothing: compare at equal ones only.

    References
    ----------
    Koppe et al., PLoS Comput. Biol. 15, e1007263 (2019); settings of Hess et al., ICML 2023.
    """
    true, generated = _orbits(true, generated)
    grid = _grid(true, bins)
    in_true = _cells(true, *grid)
    flat = generated.reshape(-1, *generated.shape[-2:])
    result = [_divergence(in_true, _cells(orbit, *grid)[None], *grid, pseudo_count)[0] for orbit in flat]
    return np.reshape(result, generated.shape[:-2])


def _orbits(true, generated) -> tuple[np.ndarray, np.ndarray]:
    """Both orbits, less the level of the true one if that would drown them."""
    true, generated = finite(true, "true"), numbers(generated, "generated")
    start = origin(true, -2)
    return true - start, generated - start


def _grid(true, bins) -> tuple[np.ndarray, np.ndarray, int]:
    """Lower corner, widths and number of cells a dimension."""
    low = true.min(0) - 0.1 * true.std(0)
    return low, (true.max(0) + 0.1 * true.std(0) - low) / bins, bins


def _cells(orbit, low, width, bins):
    """Cell of each state as a flat index; -1 outside the grid, or where it isn't finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        cell = np.floor((orbit - low) / width)
        inside = ((cell >= 0) & (cell < bins)).all(-1)
    flat = np.full(len(orbit), -1)
    flat[inside] = np.ravel_multi_index(tuple(cell[inside].astype(np.int64).T), (bins,) * orbit.shape[1])
    return flat


def _divergence(in_true, in_generated, low, width, bins, pseudo_count, draws=None):
    """Divergence of each row's counts; rows (pieces, time) are summed as `draws` (resamples, pieces) says, if given."""
    occupied, index = np.unique(np.concatenate([in_true, in_generated.ravel()]), return_inverse=True)
    true_counts = np.bincount(index[: in_true.size], minlength=occupied.size)
    rows = index[in_true.size :].reshape(in_generated.shape)
    counts = np.stack([np.bincount(row, minlength=occupied.size) for row in rows])
    if draws is not None:
        counts = np.stack([counts[picked].sum(0) for picked in draws])
    sizes = counts.sum(1, keepdims=True)
    kept = occupied >= 0
    cells = float(bins) ** len(low)
    p = (true_counts[kept] + pseudo_count) / (in_true.size + pseudo_count * cells)
    q = (counts[:, kept] + pseudo_count) / (sizes + pseudo_count * cells)
    p_empty = pseudo_count / (in_true.size + pseudo_count * cells)
    q_empty = pseudo_count / (sizes[:, 0] + pseudo_count * cells)
    return np.sum(p * np.log(p / q), axis=1) + (cells - kept.sum()) * p_empty * np.log(p_empty / q_empty)


def mixture_divergence(
    true, generated, rng: np.random.Generator, variance: float = 1.0, samples: int = 1000, centres: int = 2000
) -> np.ndarray:
    """D_stsp for six dimensions and more: Monte-Carlo divergence of Gaussian mixtures centred on the two orbits.

    Parameters
    ----------
    true : array_like, shape (time, dim)
    generated : array_like, shape (..., time, dim)
    rng
        Draws the samples.
    variance
        Of each Gaussian, in squared units of the state.
    samples
        Monte-Carlo samples from the true mixture.
    centres
        Largest number of centres, evenly spread over the orbit.

    Returns
    -------
    ndarray, shape (...)
        In nats; inf where the orbit isn't finite.
    """
    true, generated = _orbits(true, generated)

    def thin(orbit):
        return orbit[:: max(1, len(orbit) // centres)]

    true = thin(true)
    points = true[rng.integers(len(true), size=samples)] + rng.normal(0, np.sqrt(variance), (samples, true.shape[1]))

    def log_density(orbit):
        squared = cdist(points, orbit, "sqeuclidean")
        return logsumexp(-squared / (2 * variance), axis=1) - np.log(len(orbit))

    log_p = log_density(true)
    flat = generated.reshape(-1, *generated.shape[-2:])
    result = [np.mean(log_p - log_density(thin(o))) if np.isfinite(o).all() else np.inf for o in flat]
    return np.reshape(result, generated.shape[:-2])


def power_spectrum(x, smoothing: float = 20.0) -> np.ndarray:
    """Smoothed power spectrum of each z-scored dimension, normalised to sum 1.

    Parameters
    ----------
    x : array_like, shape (..., time, dim)
    smoothing
        Standard deviation of the Gaussian filter, in frequency bins.

    Returns
    -------
    ndarray, shape (..., frequency, dim)
        NaN where a dimension is constant up to rounding, or not finite: it has no spectrum.
    """
    with np.errstate(all="ignore"):
        x = centred(numbers(x), -2)
        sd = x.std(-2, keepdims=True)
        alive = np.isfinite(sd) & ~still(x, -2)[..., None, :]
        z = np.where(alive, (x - x.mean(-2, keepdims=True)) / sd, np.nan)
    power = np.abs(np.fft.rfft(z, axis=-2)) ** 2
    smooth = gaussian_filter1d(power, smoothing, axis=-2)
    return smooth / smooth.sum(-2, keepdims=True)


def hellinger_distance(true, generated, smoothing: float = 20.0) -> np.ndarray:
    """D_H: Hellinger distance of smoothed power spectra, mean over dimensions.

    Parameters
    ----------
    true : array_like, shape (time, dim)
    generated : array_like, shape (..., time, dim)
        As long as the true orbit.
    smoothing
        Standard deviation of the Gaussian filter, in frequency bins.

    Returns
    -------
    ndarray, shape (...)
        Between 0 and 1; 1 in each dimension that is constant or not finite.
    """
    f, g = power_spectrum(finite(true, "true"), smoothing), power_spectrum(numbers(generated, "generated"), smoothing)
    distance = np.sqrt(np.clip(np.sum((np.sqrt(f) - np.sqrt(g)) ** 2, axis=-2), 0, 2) / 2)
    return np.nan_to_num(distance, nan=1.0).mean(-1)


def block_bootstrap_divergence(
    true,
    generated,
    rng: np.random.Generator,
    blocks: int = 20,
    resamples: int = 200,
    bins: int = 30,
    pseudo_count: float = 1e-5,
) -> np.ndarray:
    """95 % interval of D_stsp for the finite length of the generated orbit, by resampling blocks of it.

    Resampled blocks visit fewer cells than the orbit, which lifts every D_stsp: the basic (reflected) bootstrap
    interval takes this lift off.

    Parameters
    ----------
    true, generated : array_like, shape (time, dim)
    rng
        Draws the blocks.
    blocks
        Number of blocks the orbit is cut into; each should be much longer than the correlation time.
    resamples
        Number of bootstrap samples.
    bins, pseudo_count
        See `state_space_divergence`.

    Returns
    -------
    ndarray, shape (2,)
        Low and high end [nat]; not below 0.
    """
    true, generated = _orbits(true, generated)
    grid = _grid(true, bins)
    in_true, in_generated = _cells(true, *grid), _cells(generated, *grid)
    pieces = in_generated[: len(generated) // blocks * blocks].reshape(blocks, -1)
    centre = _divergence(in_true, in_generated[None], *grid, pseudo_count)[0]
    lifted = _divergence(in_true, pieces, *grid, pseudo_count, rng.integers(blocks, size=(resamples, blocks)))
    low, high = 2 * centre - np.quantile(lifted, [0.975, 0.025])
    return np.maximum([low, high], 0.0)


_NO_CELL = "a state that isn't finite lies in no cell of the grid"
DECLARED = (
    Declared(
        state_space_divergence,
        ("true", "generated"),
        invariant=("shift", "scale"),
        moves="moved or stretched alone, an orbit leaves the other's cells",
        missing={"generated": _NO_CELL},
    ),
    Declared(
        mixture_divergence,
        ("true", "generated"),
        invariant=("shift",),
        moves="the variance is in squared units of the state, and an orbit moved alone leaves the other",
        missing={"generated": "an orbit that isn't finite is infinitely far"},
    ),
    Declared(
        power_spectrum,
        ("x",),
        invariant=("shift", "scale"),
        missing={"x": "a dimension that isn't finite has no spectrum"},
    ),
    Declared(
        hellinger_distance,
        ("true", "generated"),
        invariant=("shift", "scale"),
        alone={"true": ("shift", "scale"), "generated": ("shift", "scale")},
        missing={"generated": "1 in a dimension that isn't finite"},
    ),
    Declared(
        block_bootstrap_divergence,
        ("true", "generated"),
        invariant=("shift", "scale"),
        moves="moved or stretched alone, an orbit leaves the other's cells",
        missing={"generated": _NO_CELL},
    ),
)
