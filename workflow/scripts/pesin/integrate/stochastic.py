"""Linear stochastic processes solved exactly, at any step: there is no time-step error to converge away.

dx = -K x dt + B dW moves over a time h by x(t + h) = P x(t) + xi with a propagator P = exp(-K h) and a Gaussian xi. A
complex mode whose equations are real after a rotation of a component by i is two such processes, its real and its
imaginary part.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import expm


def linear_transition(relaxation, noise, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Propagator and covariance of one step of dx = -K x dt + B dW, for many processes at once.

    The integral of exp(-K s) N exp(-K' s) over the step by Van Loan's block exponential (IEEE Trans. Autom. Control 23,
    395, 1978) over a small part of it, which is then doubled: the block exponential of a long step would overflow. No
    stationary covariance enters, so processes without one (K = 0: Brownian motion) are solved too.

    Parameters
    ----------
    relaxation : array_like, shape (..., dim, dim)
        K, in units of 1 / time.
    noise : array_like, shape (..., dim, dim)
        N = B B', the covariance of the noise per unit of time, symmetric; broadcast against K.
    step
        h, above zero.

    Returns
    -------
    propagator, covariance : ndarray, shape (..., dim, dim)
        Of x(t + h) given x(t): P x(t) and its covariance, to rounding.

    Raises
    ------
    ValueError
        If the matrices are not square and of one size, or the step isn't above zero.
    """
    k, n = np.asarray(relaxation, float), np.asarray(noise, float)
    if k.ndim < 2 or k.shape[-1] != k.shape[-2] or n.shape[-2:] != k.shape[-2:]:
        raise ValueError(f"relaxation and noise have shape (..., dim, dim), these are {k.shape} and {n.shape}")
    if not step > 0:
        raise ValueError(f"a step lies above zero, this one is {step}")
    k, n = np.broadcast_arrays(k, n)
    doublings = max(0, int(np.ceil(np.log2(max(step * abs(k).sum(-1).max(initial=0), 1e-300)))))
    small, dim = step / 2**doublings, k.shape[-1]
    block = np.zeros((*k.shape[:-2], 2 * dim, 2 * dim))
    block[..., :dim, :dim], block[..., :dim, dim:] = k * small, n * small
    block[..., dim:, dim:] = -np.swapaxes(k, -1, -2) * small
    power = expm(block)
    propagator = np.swapaxes(power[..., dim:, dim:], -1, -2)
    covariance = propagator @ power[..., :dim, dim:]
    for _ in range(doublings):
        covariance = covariance + propagator @ covariance @ np.swapaxes(propagator, -1, -2)
        propagator = propagator @ propagator
    return propagator, (covariance + np.swapaxes(covariance, -1, -2)) / 2


def ornstein_uhlenbeck(
    relaxation, noise, x, times, rng: np.random.Generator, shared: tuple[int, ...] = ()
) -> Iterator[np.ndarray]:
    """Paths of dx = -K x dt + B dW, exact in law at the given times.

    Parameters
    ----------
    relaxation, noise : array_like, shape (..., dim, dim)
        As for `linear_transition`.
    x : array_like, shape (..., dim)
        States at times[0]; leading axes are broadcast against those of the matrices, so that many runs share them.
    times : array_like
        Rising. A transition is computed once for each length of step; lengths that differ by less than 1e-9 of the last
        time are one.
    rng
        Draws the noise.
    shared
        Axes of the state along which all processes are driven by the same normal numbers, so that what their parameters
        change isn't hidden by chance.

    Yields
    ------
    ndarray, shape (..., dim)
        The state at times[1], times[2], ...
    """
    steps = np.diff(np.asarray(times, float))
    if (steps <= 0).any():
        raise ValueError("times must rise")
    known: dict[float, tuple[np.ndarray, np.ndarray]] = {}
    k, state = np.asarray(relaxation, float), np.asarray(x, float)
    state = np.broadcast_to(state, np.broadcast_shapes(state.shape, k.shape[:-1]))
    drawn = [1 if axis in [a % state.ndim for a in shared] else size for axis, size in enumerate(state.shape)]
    for step, length in zip(steps, np.round(steps / (1e-9 * np.max(np.abs(times))), 0), strict=True):
        if length not in known:
            propagator, covariance = linear_transition(k, noise, float(step))
            known[length] = propagator, _root(covariance)
        propagator, root = known[length]
        state = _times(propagator, state) + _times(root, rng.standard_normal(drawn))
        yield state


def _times(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    """matrix @ x, one component after the other: the matrices are small and many."""
    dim = range(x.shape[-1])
    return np.stack([sum(matrix[..., i, j] * x[..., j] for j in dim) for i in dim], -1)


def _root(covariance: np.ndarray) -> np.ndarray:
    """The symmetric square root, which is there for a singular covariance too and changes with it without jumps."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)
