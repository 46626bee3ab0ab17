"""Similarity of representations: two networks' features of the same samples, or a kernel and what it is to predict."""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import centred, finite, still, symmetric


def linear_cka(x, y) -> np.ndarray:
    """Linear centred kernel alignment |X'Y|^2 / (|X'X| |Y'Y|) of centred features, Frobenius norms.

    Kornblith, Norouzi, Lee and Hinton, ICML 2019, section 2. Invariant to rotations, shifts and one scale of the
    features, not to a scale of each. With fewer samples than features unrelated ones come near 1: have many more.

    Parameters
    ----------
    x : array_like, shape (..., samples, features)
    y : array_like, shape (..., samples, other features)
        Of the same samples, in the same order.

    Returns
    -------
    ndarray, shape (...)
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the samples differ in number, or no feature varies.
    """
    x, y = _features(x, "x"), _features(y, "y")
    if x.shape[-2] != y.shape[-2]:
        raise ValueError(f"x and y are features of the same samples; they have {x.shape[-2]} and {y.shape[-2]}")

    def size(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.linalg.norm(np.swapaxes(a, -1, -2) @ b, axis=(-2, -1))

    return size(x, y) ** 2 / (size(x, x) * size(y, y))


def kernel_alignment(kernel, y) -> np.ndarray:
    """Centred alignment <K, YY'> / (|K| |YY'|) of a kernel with targets, both centred.

    Cortes, Mohri and Rostamizadeh, JMLR 13, 795 (2012), definition 4. With the kernel XX' it is `linear_cka`.

    Parameters
    ----------
    kernel : array_like, shape (..., samples, samples)
        Symmetric.
    y : array_like, shape (..., samples, targets)

    Returns
    -------
    ndarray, shape (...)
        Between 0 and 1 for a kernel with no negative eigenvalue.

    Raises
    ------
    ValueError
        If shapes don't fit, the kernel isn't symmetric, or one of the two doesn't vary.
    """
    kernel, y = finite(kernel, "kernel"), _features(y, "y")
    if kernel.ndim < 2 or kernel.shape[-1] != kernel.shape[-2] or kernel.shape[-1] != y.shape[-2]:
        raise ValueError(f"kernel (samples, samples) and y (samples, targets) don't fit: {kernel.shape}, {y.shape}")
    if not symmetric(kernel):
        raise ValueError("kernel must be symmetric")
    kernel = _features(kernel, "kernel")
    kernel = kernel - kernel.mean(-1, keepdims=True)
    if (abs(kernel).max((-2, -1)) < 1e-12).any():  # of a largest entry of 1 before: k_ij = u_i + u_j, say
        raise ValueError("kernel is zero once centred: an alignment is not defined")
    along = (y * (kernel @ y)).sum((-2, -1))
    return along / (np.linalg.norm(kernel, axis=(-2, -1)) * np.linalg.norm(np.swapaxes(y, -1, -2) @ y, axis=(-2, -1)))


def _features(x, name: str) -> np.ndarray:
    """Checked, each column less its mean, the largest entry of each batch 1."""
    x = finite(x, name)
    if x.ndim < 2 or x.shape[-2] < 2:
        raise ValueError(f"{name} has the shape (..., samples, features), two samples at least; it has {x.shape}")
    if still(x, -2).all(-1).any():
        raise ValueError(f"no column of {name} varies: a similarity is not defined")
    x = centred(x, -2)
    x = x - x.mean(-2, keepdims=True)
    return x / abs(x).max((-2, -1), keepdims=True)


DECLARED = (
    Declared(
        linear_cka,
        ("x", "y"),
        invariant=("shift", "scale"),
        alone={"x": ("shift", "scale"), "y": ("shift", "scale")},
    ),
    Declared(
        kernel_alignment,
        ("kernel", "y"),
        invariant=("shift", "scale"),
        alone={"kernel": ("shift", "scale"), "y": ("shift", "scale")},
    ),
)
