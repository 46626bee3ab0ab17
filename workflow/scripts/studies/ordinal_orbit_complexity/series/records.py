"""Quantities of the records that the rule is fitted on and applied to."""

import numpy as np
import xarray as xr

from pesin.entropy.ordinal import delay_for
from pesin.steps.case import Case
from studies.ordinal_orbit_complexity.features import features
from studies.ordinal_orbit_complexity.series.params import Params


def record_features(case: Case[Params], records: xr.Dataset, durations: list[float]) -> np.ndarray:
    """Quantities of records cut to each duration.

    Parameters
    ----------
    records : Dataset
        The group `records`, narrowed to the records wanted.
    durations
        t_dur / t_nat, none longer than the records.

    Returns
    -------
    ndarray, shape (duration, class_label, record, quantity)
    """
    p, per_period = case.params.train, case.params.simulate.records.samples_per_period
    x = records.x.transpose("class_label", "record", "sample").values
    delay = int(delay_for(p.ratio, per_period, 1, p.order))
    rows = []
    for duration in durations:
        length = round(duration * per_period)
        flat = x[..., :length].reshape(-1, length)
        rows.append(features(case.rng("zero-one angles"), flat, p.order, delay).reshape(*x.shape[:2], -1))
    return np.stack(rows)
