"""How the signal's gradient scales: its structure factor, relaxation times, numbers of cells, and a moving frame."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.pseudospectral import wavenumbers
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.driven_coulomb_fields import burgers
from studies.driven_coulomb_fields.chemotaxis.params import Entropy, Params, Simulate

FLAT = "no fluctuations"


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """All that C5 and C6 ask for, one number for each realisation; a control reads other fields so named."""
    params, whole = case.params.entropy, case.params.simulate
    parts = data["u"].sel(arm="linear" if params.source == "linear" else "coupled").values.astype(float)
    u = (params.source != "still") * (parts[..., 0] + 1j * parts[..., 1])
    wave = wavenumbers(whole.points, whole.length)[1 : 1 + u.shape[-1]]
    frame = burgers.frame_error(whole.points, whole.length, whole.nu, whole.coupling, case.rng("frame"))
    variables = statics(params, whole, u, wave) | relaxations(whole, u[..., : params.modes], wave[: params.modes])
    variables["frame_error"] = labelled((), frame, "difference of a solution and the moving one")
    return xr.Dataset(
        variables,
        {
            "realisation": data["realisation"],
            "mode": 1 + np.arange(params.modes),
            "wave": labelled("mode", wave[: params.modes], "wave number", "1 / length"),
            "width": labelled("width", params.widths, "width of a window", "length"),
        },
    )


def statics(params: Entropy, whole: Simulate, u: np.ndarray, wave: np.ndarray) -> dict[str, tuple]:
    """Structure factor, numbers of cells, and entropy of modes (realisation, time, mode) against the linear law."""
    power = (abs(u) ** 2).mean(1)
    share = (power * whole.nu * wave**2 / whole.strength)[:, : params.modes]
    counted = number_variance(power, wave, np.array(params.widths), whole.length) * whole.nu / whole.strength
    with np.errstate(divide="ignore"):
        deficit = np.log(share).sum(-1)
    few, unit = power[:, : params.modes], "D0 / nu"
    named = "structure factor of u over that of the linear law"
    wide = "variance of the number of cells over the width, in units of the linear law's"
    lost = "differential entropy of the lowest modes above the linear law's"
    dims = ("realisation", "mode")
    return {
        "power": labelled(dims, few, "structure factor of u", unit, nan=DIVERGED, may_be_constant=1),
        "share": labelled(dims, share, named, nan=DIVERGED, may_be_constant=1),
        "number_variance": labelled(("realisation", "width"), counted, wide, nan=DIVERGED, may_be_constant=1),
        "entropy_change": labelled("realisation", deficit, lost, "nat", nan=FLAT, may_be_constant=1),
    }


def relaxations(whole: Simulate, u: np.ndarray, wave: np.ndarray) -> dict[str, tuple]:
    """Relaxation times of modes (realisation, time, mode), whether they were seen, and those of the linear law."""
    times, ended = relaxation_times(u, whole.spacing)
    expected = np.broadcast_to(1 / (whole.nu * wave**2), times.shape)
    dims, unit = ("realisation", "mode"), "length^2 / nu"
    return {
        "relaxation": labelled(dims, times, "relaxation time of a mode", unit, nan=FLAT, may_be_constant=1),
        "relaxed": labelled(dims, ended, "whether the relaxation was seen", may_be_constant=1),
        "linear_relaxation": labelled(dims, expected, "relaxation time of the linear law", unit),
    }


def relaxation_times(u: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Times at which the autocorrelation of modes has fallen to 1 / e, and whether it did within a third of the series.

    Their mean is known to be zero, so none is taken off. A time that didn't come is that third, as a bound from below.

    Parameters
    ----------
    u : ndarray, shape (..., time, modes), complex
    spacing

    Returns
    -------
    times, ended : ndarray, shape (..., modes)
        NaN where nothing moves.
    """
    frames = u.shape[-2]
    spectrum = np.fft.fft(u, 2 * frames, axis=-2)
    lags = np.fft.ifft(abs(spectrum) ** 2, axis=-2).real[..., : frames // 3 + 1, :]
    lags = lags / (frames - np.arange(frames // 3 + 1))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        lags = np.moveaxis(lags / lags[..., :1, :], -2, -1)
    below = lags < 1 / np.e
    ended, first = below.any(-1), below.argmax(-1)
    after = np.take_along_axis(lags, first[..., None], -1)[..., 0]
    before = np.take_along_axis(lags, np.maximum(first - 1, 0)[..., None], -1)[..., 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        times = spacing * (first - (1 / np.e - after) / (before - after))
    times = np.where(ended, times, spacing * (frames // 3))
    return np.where(np.isfinite(lags[..., 0]), times, np.nan), ended.astype(float)


def number_variance(power: np.ndarray, wave: np.ndarray, widths: np.ndarray, length: float) -> np.ndarray:
    """Variance over the width of the number of cells in windows, (..., modes) -> (..., widths).

    A window of width l holds u(x) - u(x + l) cells more than on average, since the cells' density is -du/dx; so its
    variance is (4 / length) sum_k S_u(k) (1 - cos k l). Without correlations it is the same for all l but for
    1 - l / length.
    """
    return power @ (4 / length * (1 - np.cos(np.outer(wave, widths)))) / widths
