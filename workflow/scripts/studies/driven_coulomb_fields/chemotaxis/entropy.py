"""How the signal's gradient scales: its structure factor, relaxation times, numbers of cells, and a moving frame."""

from __future__ import annotations

import numpy as np
import xarray as xr

from pesin.integrate.pseudospectral import wavenumbers
from pesin.steps.case import Case
from pesin.steps.labels import DIVERGED, labelled
from studies.driven_coulomb_fields import burgers
from studies.driven_coulomb_fields.chemotaxis.params import Params

FLAT = "no fluctuations"


def entropy(case: Case[Params], data: xr.Dataset, trained: xr.Dataset) -> xr.Dataset:
    """All that C5 and C6 ask for, one number for each realisation; a control reads other fields so named."""
    params, whole = case.params.entropy, case.params.simulate
    arm = "linear" if params.source == "linear" else "coupled"
    coupling = {"coupled": whole.coupling, "linear": 0.0, "still": whole.coupling}[params.source]
    parts = (params.source != "still") * data["u"].sel(arm=arm).values.astype(float)
    u = parts[..., 0] + 1j * parts[..., 1]
    wave = wavenumbers(whole.points, whole.length)[1 : 1 + u.shape[-1]]
    linear = whole.strength / (whole.nu * wave**2)
    power = (abs(u) ** 2).mean(1)
    few = slice(params.modes)
    times, ended = relaxation_times(u[..., few], whole.spacing)
    share = power / linear
    with np.errstate(divide="ignore"):
        deficit = np.log(share[:, few]).sum(-1)
    counted = number_variance(power, wave, np.array(params.widths), whole.length)
    dims, expected = ("realisation", "mode"), 1 / (whole.nu * wave[few] ** 2)
    frame = burgers.frame_error(whole.points, whole.length, whole.nu, whole.coupling, case.rng("frame"))
    return xr.Dataset(
        {
            "power": labelled(dims, power[:, few], "structure factor of u", "D0 / nu", nan=DIVERGED, may_be_constant=1),
            "share": labelled(
                dims,
                share[:, few],
                "structure factor of u over that of the linear law",
                nan=DIVERGED,
                may_be_constant=1,
            ),
            "relaxation": labelled(
                dims, times, "relaxation time of a mode", "length^2 / nu", nan=FLAT, may_be_constant=1
            ),
            "relaxed": labelled(dims, ended, "whether the relaxation was seen", may_be_constant=1),
            "linear_relaxation": labelled(
                dims, np.broadcast_to(expected, times.shape), "relaxation time of the linear law", "length^2 / nu"
            ),
            "number_variance": labelled(
                ("realisation", "width"),
                counted / (whole.strength / whole.nu),
                "variance of the number of cells over the width, in units of the linear law's",
                nan=DIVERGED,
                may_be_constant=1,
            ),
            "frame_error": labelled((), frame, "difference of a solution and the moving one"),
            "coupling": labelled((), coupling, "coupling that was measured"),
            "entropy_change": labelled(
                "realisation",
                deficit,
                "differential entropy of the lowest modes above the linear law's",
                "nat",
                nan=FLAT,
                may_be_constant=1,
            ),
        },
        {
            "realisation": data["realisation"],
            "mode": 1 + np.arange(params.modes),
            "wave": labelled("mode", wave[few], "wave number", "1 / length"),
            "width": labelled("width", params.widths, "width of a window", "length"),
        },
    )


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
