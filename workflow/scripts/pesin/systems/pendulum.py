"""The planar double pendulum: two point masses on massless rods, angles from the downward vertical."""

from __future__ import annotations

import numpy as np

GRAVITY = 9.80665  # m s-2


def double_pendulum(t, y, g: float = GRAVITY, l1=1.0, l2=1.0, m1=1.0, m2=1.0) -> np.ndarray:
    """Equations of motion.

    Parameters
    ----------
    t
        Time; unused, the flow is autonomous.
    y : ndarray, shape (..., 4)
        theta1, theta2 [rad], and their rates [rad/s]. May be complex (complex-step tangents).
    g, l1, l2, m1, m2
        Gravity [m s-2], rods [m], masses [kg].

    Returns
    -------
    ndarray, shape (..., 4)
        dy/dt.
    """
    theta1, theta2, rate1, rate2 = np.moveaxis(y, -1, 0)
    sine, cosine = np.sin(theta1 - theta2), np.cos(theta1 - theta2)
    # Mass matrix M = [[(m1 + m2) l1, m2 l2 cos], [l1 cos, l2]] acting on the accelerations.
    force1 = -m2 * l2 * rate2**2 * sine - (m1 + m2) * g * np.sin(theta1)
    force2 = l1 * rate1**2 * sine - g * np.sin(theta2)
    determinant = l1 * l2 * (m1 + m2 - m2 * cosine**2)
    out = np.empty_like(y)
    out[..., 0], out[..., 1] = rate1, rate2
    out[..., 2] = (l2 * force1 - m2 * l2 * cosine * force2) / determinant
    out[..., 3] = ((m1 + m2) * l1 * force2 - l1 * cosine * force1) / determinant
    return out


def linear_double_pendulum(t, y, g: float = GRAVITY, l1=1.0, l2=1.0, m1=1.0, m2=1.0) -> np.ndarray:
    """The same to first order in angles and rates: two uncoupled normal modes, no chaos. Same arguments."""
    theta1, theta2, rate1, rate2 = np.moveaxis(y, -1, 0)
    out = np.empty_like(y)
    out[..., 0], out[..., 1] = rate1, rate2
    out[..., 2] = g / (m1 * l1) * (m2 * theta2 - (m1 + m2) * theta1)
    out[..., 3] = g * (m1 + m2) / (m1 * l2) * (theta1 - theta2)
    return out


def energy(y, g: float = GRAVITY, l1=1.0, l2=1.0, m1=1.0, m2=1.0) -> np.ndarray:
    """Energy [J] of states of shape (..., 4), zero at rest at the pivot's height; shape (...)."""
    theta1, theta2, rate1, rate2 = np.moveaxis(np.asarray(y), -1, 0)
    cross = l1 * l2 * rate1 * rate2 * np.cos(theta1 - theta2)
    kinetic = (m1 + m2) / 2 * (l1 * rate1) ** 2 + m2 / 2 * (l2 * rate2) ** 2 + m2 * cross
    return kinetic - (m1 + m2) * g * l1 * np.cos(theta1) - m2 * g * l2 * np.cos(theta2)


def linear_energy(y, g: float = GRAVITY, l1=1.0, l2=1.0, m1=1.0, m2=1.0) -> np.ndarray:
    """Energy [J] that the linear equations conserve, zero at rest hanging down; arguments and shapes as in `energy`."""
    theta1, theta2, rate1, rate2 = np.moveaxis(np.asarray(y), -1, 0)
    kinetic = (m1 + m2) / 2 * (l1 * rate1) ** 2 + m2 / 2 * (l2 * rate2) ** 2 + m2 * l1 * l2 * rate1 * rate2
    return kinetic + (m1 + m2) * g * l1 * theta1**2 / 2 + m2 * g * l2 * theta2**2 / 2


def bob_positions(y, l1=1.0, l2=1.0) -> np.ndarray:
    """x1, y1, x2, y2 [m] (y upwards, pivot at 0), shape (..., 4), of states of shape (..., 4)."""
    theta1, theta2 = np.asarray(y)[..., 0], np.asarray(y)[..., 1]
    x1, y1 = l1 * np.sin(theta1), -l1 * np.cos(theta1)
    return np.stack([x1, y1, x1 + l2 * np.sin(theta2), y1 - l2 * np.cos(theta2)], -1)
