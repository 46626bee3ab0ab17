"""Levenberg's and Marquardt's method for many small fits at once, with bounds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

NUDGE = 1e-5


def minimise(residual: Callable, start: np.ndarray, low: np.ndarray, high: np.ndarray, steps: int):
    """Minimise the sum of squares of each run from its own start.

    Parameters
    ----------
    residual
        Parameters (runs, k) -> residuals (runs, m).
    start
        Shape (runs, k), within the bounds.
    low, high
        Shape (k,). A step that leaves them ends on them; parameters with low = high stay.
    steps
        Trials; each run has its own damping, and keeps a trial only if its sum falls.

    Returns
    -------
    theta : ndarray, shape (runs, k)
    cost : ndarray, shape (runs,)
        Sums of squares.
    """
    theta, r, axes = start.copy(), residual(start), np.eye(start.shape[1])
    cost, mu = np.sum(r**2, 1), np.full(len(start), 1e-2)
    for _ in range(steps):
        nudge = np.where(theta + NUDGE > high, -NUDGE, NUDGE)
        slopes = np.stack([(residual(theta + nudge * axis) - r) / (nudge @ axis)[:, None] for axis in axes], 2)
        uphill = np.einsum("rmk,rm->rk", slopes, r)
        held = ((theta <= low) & (uphill > 0)) | ((theta >= high) & (uphill < 0)) | (low == high)
        slopes = np.where(held[:, None], 0, slopes)
        matrix = np.einsum("rmk,rml->rkl", slopes, slopes)
        size = np.einsum("rkk->rk", matrix)
        damping = mu[:, None] * size + 1e-10 * (1 + size.max(1, keepdims=True))
        damped = matrix + damping[:, None] * axes
        move = np.linalg.solve(damped, np.einsum("rmk,rm->rk", slopes, r)[..., None])[..., 0]
        trial = np.clip(theta - move, low, high)
        after = residual(trial)
        better = np.sum(after**2, 1) < cost
        theta, r = np.where(better[:, None], trial, theta), np.where(better[:, None], after, r)
        cost, mu = np.sum(r**2, 1), np.where(better, mu / 3, mu * 4).clip(1e-12, 1e12)
    return theta, cost
