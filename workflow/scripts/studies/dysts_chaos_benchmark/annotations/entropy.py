"""Do spectra keep the identities that any spectrum of the equations must keep?"""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.annotations.params import Params

NEAR_ZERO = 0.05  # of lambda_1
CLOSE = 0.3  # of our value


def entropy(case: Case[Params], spectra: xr.Dataset) -> xr.Dataset:
    """Per smooth flow: sum of exponents against mean divergence, the zero exponent, the sign, the stored value."""
    smooth = (spectra["kind"] == "flow") & np.isfinite(spectra["mean_divergence"]) & np.isfinite(spectra["lambda_1"])
    s = spectra.isel(system=np.flatnonzero(smooth))
    exponents = {
        "recomputed": s["exponents"].values,
        "stored": s["exponents_stored"].values,
        "zero": 0 * s["exponents"].values,
    }[case.params.entropy.source]
    top = np.nanmax(np.where(np.isnan(exponents), -np.inf, exponents), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(np.nansum(exponents, 1) - s["mean_divergence"].values) / np.nansum(np.abs(exponents), 1)
    nearest = np.nanmin(np.abs(exponents), 1)
    chaotic = s["is_chaotic"].values == 1  # as recomputed, whose ever spectrum is judged: the systems stay the same
    autonomous = s["driven"].values == 0
    close = np.abs(s["lambda_1_stored"].values - top) < CLOSE * np.abs(top)
    of_these = np.flatnonzero(chaotic & autonomous)
    zero = (nearest < NEAR_ZERO * np.abs(top))[of_these]
    return xr.Dataset(
        {
            "sum_gap": labelled(
                "system",
                gap,
                "|sum of exponents - mean divergence| over the sum of their absolute values",
                nan="a system at rest, or without a stored spectrum, has no exponents to compare",
            ),
            "sum_holds": labelled("system", (gap < 0.02).astype(float), "that gap is below 2 %"),
            "positive": labelled("system", (chaotic & (top > 0)).astype(float), "chaotic by the spectrum here"),
            "stored_close": labelled(
                "system", close.astype(float), "stored largest exponent within 30 % of the one here"
            ),
            "zero_holds": labelled(
                "autonomous", zero.astype(float), "an exponent below 5 % of the largest (autonomous chaotic flows)"
            ),
        },
        {"system": s["system"].values, "autonomous": s["system"].values[of_these]},
    )
