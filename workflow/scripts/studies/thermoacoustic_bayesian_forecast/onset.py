"""Onset of instability: which windows come before it, alarms at a rate of false ones, and how early they are."""

from __future__ import annotations

import numpy as np

from pesin.forecast.classify import area_under_curve
from studies.thermoacoustic_bayesian_forecast.windows import STEP, THRESHOLD

QUIET = 20
"""Windows (a second) that must be quiet before an onset, and the longest lead time that is counted."""


def before_onset(present: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows that are stable at their present: those that will be unstable half a second later, and the others."""
    stable = present < THRESHOLD
    return stable & (target >= THRESHOLD), stable & (target < THRESHOLD)


def separation(score: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the curve of a score of shape (windows,); NaN where a class is empty."""
    if not positive.any() or not negative.any():
        return np.nan
    return float(area_under_curve(score[positive], score[negative]))


def alarm_level(score: np.ndarray, negative: np.ndarray, share: float) -> float:
    """The level that so large a share of the windows without onset exceeds; infinite without any such window."""
    return float(np.quantile(score[negative], 1 - share)) if negative.any() else np.inf


def onsets(present: np.ndarray) -> np.ndarray:
    """Windows of a run, (windows,), in which the amplitude has risen above the threshold after a quiet second."""
    above = present >= THRESHOLD
    return np.array([w for w in range(QUIET, above.size) if above[w] and not above[w - QUIET : w].any()], int)


def lead_time(alarm: np.ndarray, onset: int) -> float:
    """For how long, in s, the alarm has been given without a break when the onset comes, a second at most.

    A break counts against it: of windows that alarm at random, one in a quiet second would come early enough by chance.
    """
    lead = 0
    while lead < QUIET and alarm[onset - 1 - lead]:
        lead += 1
    return lead * STEP
