"""A network with a quadratic activation and fixed readouts, trained by a recursion of its first two weight moments.

f(x) = alpha / N sum_i phi(w_i.x), phi(h) = h + epsilon h^2 / 2, is alpha (wbar.x + epsilon x'Mx / 2), a quadratic form
of wbar = mean w_i and M = mean w_i w_i'. With z = (1, x) and the moments Q = [[1, wbar'], [wbar, M]] it is z' C z. A
step of full-batch gradient descent is the same affine map for all w_i, so that Q becomes B Q B': exact at any width N,
and the infinitely wide network is Q = identity to begin with.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

PARTS = ("linear", "trace", "misalignment")


def moments(w: np.ndarray) -> np.ndarray:
    """Q of weights of shape (..., width, dim): shape (..., dim + 1, dim + 1)."""
    whole = with_one(w)
    return np.swapaxes(whole, -1, -2) @ whole / w.shape[-2]


def with_one(x: np.ndarray) -> np.ndarray:
    """(1, x), shape (..., dim + 1)."""
    return np.concatenate([np.ones((*x.shape[:-1], 1)), x], -1)


def form(q: np.ndarray, alpha: float, epsilon: float) -> np.ndarray:
    """C, the symmetric matrix of the output z' C z."""
    found = alpha * epsilon / 2 * q
    found[..., 0, :] = found[..., :, 0] = alpha / 2 * q[..., 0]
    found[..., 0, 0] = 0
    return found


def outputs(c: np.ndarray, z: np.ndarray) -> np.ndarray:
    """z' C z at z of shape (..., samples, dim + 1): shape (..., samples)."""
    return np.einsum("...sd,...sd->...s", z @ c, z)


def loss_parts(c: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """The mean squared error against (beta.x)^2 / 2 over x ~ N(0, identity / dim), in its three parts.

    |b|^2 / dim + (tr A)^2 / dim^2 + 2 |A|^2 / dim^2, b the linear part of the form, A its quadratic part less that of
    the target: linear power, error of the trace, misalignment.

    Parameters
    ----------
    c : ndarray, shape (..., dim + 1, dim + 1)
    beta : ndarray, shape (..., dim)

    Returns
    -------
    ndarray, shape (..., 3)
        In the order of `PARTS`.
    """
    dim = beta.shape[-1]
    b, a = 2 * c[..., 0, 1:], c[..., 1:, 1:] - beta[..., :, None] * beta[..., None, :] / 2
    linear = (b**2).sum(-1) / dim
    trace = np.trace(a, axis1=-2, axis2=-1) ** 2 / dim**2
    return np.stack([linear, trace, 2 * np.einsum("...ij,...ij->...", a, a) / dim**2], -1)


def kernel(q: np.ndarray, z: np.ndarray, epsilon: float) -> np.ndarray:
    """Tangent kernel over alpha^2 / N: x.x' times mean_i phi'(w_i.x) phi'(w_i.x'), shape (..., samples, samples)."""
    slope = np.full(z.shape[-1], epsilon)
    slope[0] = 1
    y = z * slope
    return (z[..., 1:] @ np.swapaxes(z[..., 1:], -1, -2)) * (y @ q @ np.swapaxes(y, -1, -2))


def pushed(z: np.ndarray, residual: np.ndarray, epsilon: float) -> np.ndarray:
    """G with w -> w + the lower rows of G (1, w): the gradients of the outputs, summed by the samples' residuals."""
    found = np.swapaxes(z, -1, -2) @ (z * residual[..., None])
    found[..., 0, :] = 0
    found[..., 1:, 1:] *= epsilon
    return found


def linearised(q: np.ndarray, g: np.ndarray) -> np.ndarray:
    """Moments to first order in a change G of the weights."""
    moved = g @ q
    return q + moved + np.swapaxes(moved, -1, -2)


def kernel_regression(q: np.ndarray, z: np.ndarray, y: np.ndarray, alpha: float, epsilon: float) -> np.ndarray:
    """C of the untrained output and the kernel's interpolation of the rest: where a linearised network ends."""
    gram, rest = kernel(q, z, epsilon), y - outputs(form(q, alpha, epsilon), z)
    weight = np.linalg.solve(gram, rest[..., None])[..., 0] / alpha
    return form(linearised(q, pushed(z, weight, epsilon)), alpha, epsilon)


@dataclass
class Followed:
    """What `follow` saw; steps are counted from 0, and runs that had stopped are NaN at the logged steps after it."""

    train: np.ndarray
    """(run, log) mean squared error on the samples."""
    parts: np.ndarray
    """(run, log, part) of the exact test loss."""
    moments: np.ndarray
    """(run, log, dim + 1, dim + 1)."""
    first: np.ndarray
    """(run, 2) first step at which training and test loss lie below the threshold; NaN if none."""
    last: np.ndarray
    """(run, 2) training and test loss at the last step."""
    steps: np.ndarray
    """(run,) the last step."""
    rise: np.ndarray
    """(run,) largest rise of the training loss in a step, over its value before."""


def nothing_yet(runs: int, log: int, side: int) -> Followed:
    """Before the first step."""
    train, parts, kept = (np.full((runs, log, *shape), np.nan) for shape in ((), (len(PARTS),), (side, side)))
    first, last = np.full((2, runs, 2), np.nan)
    return Followed(train, parts, kept, first, last, np.zeros(runs, int), np.zeros(runs))


@dataclass(frozen=True)
class Descent:
    """Full-batch gradient descent with the learning rate `rate` x N / alpha^2, alike for all runs.

    It stops run by run once both losses lie below `until` of what they were, the training loss below `fitted` of that
    (then nothing moves any more), or they are no numbers.
    """

    alpha: float
    epsilon: float
    steps: int
    rate: float = 1.0
    frozen: bool = False
    threshold: float = 0.1
    until: float = 0.0
    fitted: float = 0.0
    log: np.ndarray = field(default_factory=lambda: np.array([0]))

    @np.errstate(over="ignore", invalid="ignore")  # a run that diverges is a result
    def follow(self, q: np.ndarray, x: np.ndarray, y: np.ndarray, beta: np.ndarray) -> Followed:
        """Train runs that differ in data or start.

        Parameters
        ----------
        q : ndarray, shape (runs, dim + 1, dim + 1)
        x : ndarray, shape (runs, samples, dim)
        y : ndarray, shape (runs, samples)
        beta : ndarray, shape (runs, dim)
        """
        runs, logged = len(q), set(self.log.tolist())
        seen = nothing_yet(runs, self.log.size, q.shape[-1])
        z, start, now, total = with_one(x), q, q, np.zeros_like(q)
        at, first, before = np.arange(runs), None, None
        for step in range(self.steps + 1):
            c = form(now, self.alpha, self.epsilon)
            residual = outputs(c, z) - y
            parts = loss_parts(c, beta)
            losses = np.stack([(residual**2).mean(-1), parts.sum(-1)], -1)
            first = losses if first is None else first
            if step:
                seen.rise[at] = np.maximum(seen.rise[at], losses[:, 0] / before - 1)
            before = losses[:, 0]
            passed = np.isnan(seen.first[at]) & (losses < self.threshold * first)
            seen.first[at] = np.where(passed, step, seen.first[at])
            seen.last[at], seen.steps[at] = losses, step
            if step in logged:
                place = int(np.searchsorted(self.log, step))
                seen.train[at, place], seen.parts[at, place], seen.moments[at, place] = losses[:, 0], parts, now
            on = np.isfinite(losses).all(-1) & ~(losses < self.until * first).all(-1)
            on &= losses[:, 0] >= self.fitted * first[:, 0]
            if not on.all():
                at, z, y, beta, start, now, total, first, before, residual = (
                    one[on] for one in (at, z, y, beta, start, now, total, first, before, residual)
                )
                if not at.size:
                    break
            g = -2 * self.rate / (self.alpha * z.shape[1]) * pushed(z, residual, self.epsilon)
            if self.frozen:
                total = total + g
                now = linearised(start, total)
            else:
                moved = g @ now
                now = now + moved + np.swapaxes(moved, -1, -2) + moved @ np.swapaxes(g, -1, -2)
        return seen
