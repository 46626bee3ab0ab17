"""A piece of the history drawn at random: an independent sample of the same attractor.

Its normalised error is sqrt(2), that of the mean 1: what a forecast scores that has the right statistics and knows
nothing of the present state.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pesin.forecasters.common import checked

NAME = "Climatology"
FAMILY = "baseline"


class State(NamedTuple):
    """The history (series, time, dim), and where in it to start, as a fraction (series,)."""

    history: np.ndarray
    start: np.ndarray


def fit(history: np.ndarray, *, rng: np.random.Generator) -> State:
    """Keep the history (series, time, dim) and draw the starts."""
    return State(checked(NAME, history), rng.random(len(history)))


def forecast(state: State, steps: int) -> np.ndarray:
    """Return the pieces, all coordinates together: shape (series, steps, dim).

    A piece that would be longer than the history goes on at its beginning.
    """
    time = state.history.shape[1]
    starts = time - steps + 1 if steps <= time else time
    first = (state.start * starts).astype(int)
    return state.history[np.arange(len(first))[:, None], (first[:, None] + np.arange(steps)) % time]
