"""Koopman operators from snapshots: delay matrices, DMD, EDMD with residuals, pseudospectra, measure-preserving EDMD.

K acts on functions, (K g)(x) = g(F(x)). A dictionary of functions is known by its values at snapshots x and y = F(x).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eig, eigh, schur, svd

from pesin.door import finite

RANK = 1e-12
"""Directions of G below this share of its largest eigenvalue count as none."""
HELD = 2_000_000
"""Matrix elements that `pseudospectrum` holds at once."""


class Galerkin(NamedTuple):
    """Inner products, each (functions, functions): G = <g_i, g_j>, A = <g_i, K g_j>, L = <K g_i, K g_j>.

    L comes from the snapshots; G^-1 A in place of K would make each residual 0.
    """

    G: np.ndarray
    A: np.ndarray
    L: np.ndarray

    def part(self, chosen) -> Galerkin:
        """The same of some of the functions."""
        return Galerkin(*(matrix[np.ix_(chosen, chosen)] for matrix in self))


def hankel(x, n: int) -> np.ndarray:
    """Delay vectors of a series: row t holds x_t, x_(t+1), ..., x_(t+n-1).

    Parameters
    ----------
    x : array_like, shape (time, dim) or (time,)
    n
        Samples in a row.

    Returns
    -------
    ndarray, shape (time - n + 1, n * dim)

    Raises
    ------
    ValueError
        If the series is shorter than a row.
    """
    x = finite(x)
    x = x[:, None] if x.ndim == 1 else x
    if not 1 <= n <= len(x):
        raise ValueError(f"a row of {n} samples doesn't fit a series of {len(x)}")
    rows = len(x) - n + 1
    return np.concatenate([x[k : k + rows] for k in range(n)], 1)


def dmd(x, y, rank: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and modes of the linear map that best takes x to y (exact DMD, Tu, J. Comput. Dyn. 1, 391, 2014).

    Parameters
    ----------
    x, y : array_like, shape (samples, dim)
        Snapshots and what follows them: of `hankel` rows it is Hankel-DMD.
    rank
        Singular values of x that are kept; default: those above rounding.

    Returns
    -------
    values : ndarray of complex, shape (rank,)
    modes : ndarray of complex, shape (dim, rank)
        K's linear part takes a mode to value times mode.
    """
    x, y = finite(x), finite(y, "y")
    u, s, vh = svd(x.T, full_matrices=False)
    kept = int((s > RANK * s[0]).sum()) if rank is None else min(rank, s.size)
    u, back = u[:, :kept], y.T @ vh[:kept].conj().T / s[:kept]
    values, vectors = eig(u.conj().T @ back)
    return values, back @ vectors


def havok(x, n: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Delay coordinates and the linear model of their next step, the last one as its forcing.

    The discrete form of Brunton et al., Nat. Commun. 8, 19 (2017): v'_i = sum_j B_ij v_j for the first rank - 1.

    Parameters
    ----------
    x : array_like, shape (time, dim) or (time,)
    n, rank
        Samples in a row of `hankel`, and coordinates that are kept.

    Returns
    -------
    coordinates : ndarray, shape (time - n + 1, rank)
        Of unit mean square, the strongest first.
    step : ndarray, shape (rank - 1, rank)
        B, by least squares; its last column belongs to the forcing.

    Raises
    ------
    ValueError
        If the rank isn't between 2 and what the matrix has.
    """
    rows = hankel(x, n)
    if not 2 <= rank <= min(rows.shape):
        raise ValueError(f"rank must lie between 2 and {min(rows.shape)}, it is {rank}")
    coordinates = svd(rows, full_matrices=False)[0][:, :rank] * len(rows) ** 0.5
    return coordinates, np.linalg.lstsq(coordinates[:-1], coordinates[1:, :-1])[0].T


def edmd(px, py, weights=None) -> Galerkin:
    """Inner products of a dictionary from snapshots (Williams, Kevrekidis, Rowley, J. Nonlinear Sci. 25, 1307, 2015).

    Parameters
    ----------
    px, py : array_like, real or complex, shape (snapshots, functions)
        The functions at x and at F(x).
    weights : array_like, shape (snapshots,), optional
        Of a quadrature; default: 1 / snapshots each.
    """
    px, py = _complex(px, "px"), _complex(py, "py")
    w = np.full(len(px), 1 / len(px)) if weights is None else finite(weights, "weights")
    left, right = px.conj().T * w, py.conj().T * w
    return Galerkin(left @ px, left @ py, right @ py)


def eigenpairs(galerkin: Galerkin) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of EDMD, G^-1 A on the range of G, and their functions, each of norm 1.

    Returns
    -------
    values : ndarray of complex, shape (rank,)
    vectors : ndarray of complex, shape (functions, rank)
        Coefficients in the dictionary.
    """
    basis = _basis(galerkin.G)[0]
    values, vectors = eig(basis.conj().T @ galerkin.A @ basis)
    return values, basis @ (vectors / np.linalg.norm(vectors, axis=0))


def mpedmd(galerkin: Galerkin) -> tuple[np.ndarray, np.ndarray]:
    """Measure-preserving EDMD (Colbrook, SIAM J. Numer. Anal. 61, 1585, 2023): the unitary matrix nearest to EDMD's.

    Returns
    -------
    values : ndarray of complex, shape (rank,)
        On the unit circle.
    vectors : ndarray of complex, shape (functions, rank)
        Orthonormal in G.
    """
    basis = _basis(galerkin.G)[0]
    u, _, vh = svd(basis.conj().T @ galerkin.A @ basis)
    triangle, vectors = schur(u @ vh, output="complex")  # of a unitary matrix: diagonal
    values = np.diag(triangle)
    return values / abs(values), basis @ vectors


def residuals(galerkin: Galerkin, values, vectors) -> np.ndarray:
    """||K g - lambda g|| / ||g|| of pairs (ResDMD: Colbrook and Townsend, Commun. Pure Appl. Math. 77, 221, 2024).

    Squares are subtracted: what is below 1e-8 is rounding.

    Parameters
    ----------
    values : array_like, shape (pairs,)
    vectors : array_like, shape (functions, pairs)

    Returns
    -------
    ndarray, shape (pairs,)
    """
    values, vectors = _complex(values, "values"), _complex(vectors, "vectors")
    g, a, moved = (np.einsum("ip,ij,jp->p", vectors.conj(), m, vectors, optimize=True) for m in galerkin)
    square = moved.real - 2 * (values.conj() * a).real + abs(values) ** 2 * g.real
    return np.sqrt(np.maximum(square, 0) / g.real)


def pseudospectrum(galerkin: Galerkin, points) -> np.ndarray:
    """tau(lambda): the least residual that any function of the dictionary has at lambda.

    Where K is unitary (or normal) no point of its spectrum is nearer to lambda than the limit of tau allows:
    tau(lambda) >= dist(lambda, Sp K) for any dictionary whose inner products are exact. Functions that vanish at all
    snapshots (fewer snapshots than functions) may be added to g at no cost, and then make tau 0.

    Parameters
    ----------
    points : array_like of complex, any shape

    Returns
    -------
    ndarray, of the shape of `points`
    """
    points = _complex(points, "points")
    basis, silent = _basis(galerkin.G)
    a, moved = (basis.conj().T @ m @ basis for m in (galerkin.A, galerkin.L))
    cross = [basis.conj().T @ m @ silent for m in (galerkin.L, galerkin.A)]
    free = np.linalg.pinv(silent.conj().T @ galerkin.L @ silent, rcond=RANK, hermitian=True)
    flat, one, adjoint = points.ravel()[:, None, None], np.eye(len(a)), a.conj().T
    found = []
    for part in np.array_split(flat, min(max(1, flat.size * a.size // HELD), max(1, flat.size))):
        square = moved - part.conj() * a - part * adjoint + abs(part) ** 2 * one
        if silent.size:
            between = cross[0] - part.conj() * cross[1]
            square = square - between @ free @ between.conj().mT
        found.append(np.linalg.eigvalsh(square)[:, 0])
    return np.sqrt(np.maximum(np.concatenate(found), 0)).reshape(points.shape)


def least_residual(galerkin: Galerkin, points) -> np.ndarray:
    """Functions of the dictionary that come nearest to eigenfunctions at given lambda: those that reach tau.

    Parameters
    ----------
    points : array_like of complex, shape (points,)

    Returns
    -------
    ndarray of complex, shape (functions, points)
        Each of norm 1. Functions that vanish at all snapshots are left out.
    """
    basis = _basis(galerkin.G)[0]
    a, moved = (basis.conj().T @ m @ basis for m in (galerkin.A, galerkin.L))
    found = []
    for point in _complex(points, "points"):
        turned = np.conj(point) * a
        square = moved - turned - turned.conj().T + abs(point) ** 2 * np.eye(len(a))
        found.append(basis @ eigh(square, subset_by_index=[0, 0])[1][:, 0])
    return np.stack(found, 1)


def _basis(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns that are orthonormal in the Gram matrix, and columns that it takes to zero."""
    strength, directions = np.linalg.eigh(gram)
    kept = strength > RANK * strength[-1]
    return directions[:, kept] / np.sqrt(strength[kept]), directions[:, ~kept]


def _complex(x, name: str) -> np.ndarray:
    x = np.ma.asarray(x)
    finite(x.real, name), finite(x.imag, name)
    return np.asarray(x)
