"""Grades the predicted derivatives with the true ones."""

import numpy as np
import xarray as xr

from pesin.steps.case import Case
from pesin.steps.labels import labelled
from studies.dysts_chaos_benchmark.symbolic.params import Params

NO_TRUTH = "a system that couldn't be integrated"
LOST = f"infinite: a fit that failed; NaN: {NO_TRUTH}"


def forecast(case: Case[Params], data: xr.DataTree, trained: xr.DataTree) -> xr.DataTree:
    """Grade the predicted derivatives with the true ones."""
    groups = {}
    for group, node in trained.children.items():
        truth, found = data[group].to_dataset().test_derivative, node.to_dataset()
        relative, smape = derivative_errors(found.prediction.values, truth.values)
        dims = ("regression", "system")
        with np.errstate(divide="ignore"):
            logarithm = np.maximum(np.log10(relative), -16)
        groups[group] = xr.Dataset(
            {
                "relative_error": labelled(dims, relative, "median relative error of the derivatives", nan=LOST),
                "log10_error": labelled(dims, logarithm, "log10 of the median relative error, at least -16", nan=LOST),
                "smape": labelled(dims, smape, "sMAPE of the derivatives, 0 to 2", nan=NO_TRUTH),
                "terms": found.terms,
            },
            found.coords,
        )
    return xr.DataTree.from_dict(groups)


def derivative_errors(prediction, truth) -> tuple[np.ndarray, np.ndarray]:
    """Two scores of predicted derivatives; the first is the median over time of |d - p| / |d|, the second is
    the mean over time of 2 |d - p| / (|d| + |p|); both are medians over the coordinates that exist.

    Parameters
    ----------
    prediction : ndarray, shape (..., system, time, coord)
        NaN where a fit failed: infinite error, sMAPE 2.
    truth : ndarray, shape (system, time, coord)
        NaN beyond a system's coordinates, and where its integration failed: no score.

    Returns
    -------
    (ndarray, ndarray), shape (..., system)
    """
    there = np.isfinite(truth).all(1)  # (system, coord)
    failed = ~np.isfinite(prediction)
    with np.errstate(all="ignore"):
        miss = np.where(failed, np.inf, np.abs(prediction - truth))
        relative = np.where(miss == 0, 0.0, miss / np.abs(truth))
        smape = np.where(failed, 2.0, np.where(miss == 0, 0.0, 2 * miss / (np.abs(prediction) + np.abs(truth))))
        by_coord = [np.where(there, score, np.nan) for score in (np.median(relative, -2), smape.mean(-2))]
    some = there.any(-1)
    out = [np.full(score.shape[:-1], np.nan) for score in by_coord]
    for score, result in zip(by_coord, out, strict=True):
        result[..., some] = np.nanmedian(score[..., some, :], -1)
    return out[0], out[1]
