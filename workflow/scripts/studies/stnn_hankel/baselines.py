"""Forecasters in closed form: all delays by least squares, HAVOK, DMD of the state; and what each costs."""

from __future__ import annotations

import numpy as np

from pesin.models.koopman import dmd, hankel, havok

SINDY_TERMS = 10
"""Monomials of three coordinates up to degree 2."""


def delay_regression(series: np.ndarray, delays: int) -> np.ndarray:
    """Coefficients of the next sample on a window and a constant (all of Hankel-DMD), in float64: (delays + 1,).

    Normal equations, or float32, would lose what this method can do.
    """
    rows = hankel(series, delays)
    return np.linalg.lstsq(np.column_stack([rows[:-1], np.ones(len(rows) - 1)]), rows[1:, -1], rcond=1e-14)[0]


def havok_map(series: np.ndarray, delays: int, rank: int) -> np.ndarray:
    """Linear map of a window to the next one by HAVOK's coordinates, (delays, delays): window @ map.

    The last coordinate is the forcing, which no model has: in a free run it stays what it was.
    """
    rows = hankel(series, delays)
    coordinates, step = havok(series, delays, rank)
    modes = coordinates.T @ rows / len(rows)
    seen = modes.T / (modes**2).sum(1)
    forced = np.vstack([step, np.eye(rank)[-1:]])
    return seen @ forced.T @ modes


def state_map(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DMD of a state about its mean, (time, dim): mean and matrix, x' = mean + matrix (x - mean)."""
    centre = state.mean(0)
    values, modes = dmd(state[:-1] - centre, state[1:] - centre)
    return centre, (modes * values @ np.linalg.pinv(modes)).real


def multiply_adds(method: str, delays: int, rank: int = 0) -> int:
    """Multiplications with an addition in one step of a method, beside those of the networks (counted as they run).

    SINDy: four stages of Runge and Kutta, each six products and three sums of ten terms; then the sums of the stages.
    """
    return {
        "persistence": 0,
        "delays": delays,
        "havok": rank * delays + (rank - 1) * rank + rank,
        "dmd": 9,
        "sindy": 4 * (6 + 3 * SINDY_TERMS) + 3 * 7,
    }[method]


def parameters(method: str, delays: int, rank: int = 0) -> int:
    """Numbers that a method has learnt and a forecast needs; of SINDy all coefficients, as many as may be zero."""
    return {
        "persistence": 0,
        "delays": delays + 1,
        "havok": rank * delays + (rank - 1) * rank + rank,
        "dmd": 9 + 3,
        "sindy": 3 * SINDY_TERMS,
    }[method]
