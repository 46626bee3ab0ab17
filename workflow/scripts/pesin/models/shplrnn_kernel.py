"""The forced rollout of the clipped shallow PLRNN on processors, forward and backward, run by run in compiled loops.

The same formulas as in `shplrnn`, for arrays in one runs axis. A rollout is thousands of products of matrices of three
rows: as one loop it takes a quarter of the time that tensor operations take. Sums are reordered, infinities and NaN are
kept: a run that turns to NaN touches no other.
"""

from __future__ import annotations

import numpy as np

from pesin.compiled import njit

FAST = {"reassoc", "contract", "nsz"}


@njit(fastmath=FAST)
def forward(A, W1, W2, h1, h2, x, keep):
    """Predict along windows.

    Parameters
    ----------
    A, h1 : ndarrays, shape (runs, dim)
    W1, W2 : ndarrays, shape (runs, dim, hidden)
        W1 transposed, so that the hidden axis is the last of both.
    h2 : ndarray, shape (runs, hidden)
    x : ndarray, shape (time + 1, runs, batch, dim)
    keep : ndarray, shape (time, runs)
        1 - alpha after each step.

    Returns
    -------
    (predicted, states) : ndarrays, shape (time, runs, batch, dim)
        Predictions before forcing, and the states that they were made from.
    """
    time, (runs, batch, dim), hidden = len(keep), x.shape[1:], h2.shape[1]
    predicted, states = np.empty_like(x[1:]), np.empty_like(x[1:])
    u = np.empty(hidden, x.dtype)
    for r in range(runs):
        for b in range(batch):
            for m in range(dim):
                states[0, r, b, m] = x[0, r, b, m]
            for t in range(time):
                z = states[t, r, b]
                _bent(u, z, W2[r])
                for j in range(hidden):
                    u[j] = max(u[j] + h2[r, j], 0) - max(u[j], 0)
                for m in range(dim):
                    total = A[r, m] * z[m] + h1[r, m]
                    for j in range(hidden):
                        total += u[j] * W1[r, m, j]
                    predicted[t, r, b, m] = total
                    if t + 1 < time:
                        pulled = x[t + 1, r, b, m]
                        states[t + 1, r, b, m] = pulled + keep[t, r] * (total - pulled)
    return predicted, states


@njit(fastmath=FAST)
def backward(A, W1, W2, h2, states, keep, gradient):
    """Gradients of the weights from those of the predictions; shapes as in `forward`, W1's transposed too."""
    time, runs, batch, dim = states.shape
    dA, dW1, dW2, dh1, dh2 = np.zeros_like(A), np.zeros_like(W1), np.zeros_like(W2), np.zeros_like(A), np.zeros_like(h2)
    hidden = h2.shape[1]
    u, push, bend = np.empty(hidden, A.dtype), np.empty(hidden, A.dtype), np.empty(hidden, A.dtype)
    error, to_state = np.empty(dim, A.dtype), np.empty(dim, A.dtype)
    for r in range(runs):
        for b in range(batch):
            to_state[:] = 0
            for t in range(time - 1, -1, -1):
                z = states[t, r, b]
                for m in range(dim):
                    error[m] = gradient[t, r, b, m] + keep[t, r] * to_state[m]
                    dA[r, m] += error[m] * z[m]
                    dh1[r, m] += error[m]
                _bent(u, z, W2[r])
                _bent(push, error, W1[r])
                for j in range(hidden):
                    upper, lower = u[j] + h2[r, j], u[j]
                    bend[j] = max(upper, 0) - max(lower, 0)
                    above = push[j] if upper > 0 else 0
                    dh2[r, j] += above
                    push[j] = above - (push[j] if lower > 0 else 0)
                for m in range(dim):
                    total = A[r, m] * error[m]
                    for j in range(hidden):
                        dW1[r, m, j] += error[m] * bend[j]
                        dW2[r, m, j] += z[m] * push[j]
                        total += push[j] * W2[r, m, j]
                    to_state[m] = total
    return dA, dW1, dW2, dh1, dh2


@njit(fastmath=FAST)
def _bent(out, z, W):
    """Write z W, shape (hidden,), into `out`."""
    for j in range(len(out)):
        out[j] = z[0] * W[0, j]
    for m in range(1, len(z)):
        for j in range(len(out)):
            out[j] += z[m] * W[m, j]
