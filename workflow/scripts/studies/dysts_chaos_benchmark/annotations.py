"""Do spectra keep the identities that any spectrum of the equations must keep?"""

import numpy as np
import xarray as xr

NEAR_ZERO = 0.05  # of lambda_1
CLOSE = 0.3  # of our value


def entropy(case, spectra: xr.Dataset) -> xr.Dataset:
    """Per smooth flow: sum of exponents against mean divergence, the zero exponent, the sign, the stored value."""
    smooth = (spectra["kind"] == "flow") & np.isfinite(spectra["mean_divergence"]) & np.isfinite(spectra["lambda_1"])
    s = spectra.isel(system=np.flatnonzero(smooth))
    own = case.params.entropy.source == "recomputed"
    exponents = (s["exponents"] if own else s["exponents_stored"]).values
    top = np.nanmax(np.where(np.isnan(exponents), -np.inf, exponents), axis=1)
    error = s["lambda_1_error"].values
    gap = np.abs(np.nansum(exponents, 1) - s["mean_divergence"].values) / np.nansum(np.abs(exponents), 1)
    nearest = np.nanmin(np.abs(exponents), 1)
    chaotic = top > 3 * error
    autonomous = s["driven"].values == 0
    measures = {
        "sum_gap": (gap, "|sum of exponents - mean divergence| over the sum of their absolute values"),
        "sum_holds": (gap < 0.02, "that gap is below 2 %"),
        "positive": (chaotic, "largest exponent above 3 standard errors"),
        "stored_close": (
            np.abs(s["lambda_1_stored"].values - top) < CLOSE * np.abs(top),
            "stored largest exponent within 30 % of the one here",
        ),
    }
    out = xr.Dataset(
        {
            name: ("system", np.asarray(values, float), {"units": "1", "long_name": text, "allow_nan": 1})
            for name, (values, text) in measures.items()
        },
        coords={"system": s["system"].values},
    )
    of_these = np.flatnonzero(chaotic & autonomous)
    out["zero_holds"] = (
        "autonomous",
        (nearest < NEAR_ZERO * np.abs(top))[of_these].astype(float),
        {"units": "1", "long_name": "an exponent below 5 % of the largest (autonomous chaotic flows)"},
    )
    return out.assign_coords(autonomous=s["system"].values[of_these])
