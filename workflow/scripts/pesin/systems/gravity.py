"""Newton's gravity of softened bodies on each other and on bodies without mass, by direct sums; many copies at once."""

from __future__ import annotations

import numpy as np

from pesin.compiled import njit
from pesin.door import finite


def gravity(x, sources, mass, softening: float) -> tuple[np.ndarray, np.ndarray]:
    """Acceleration and potential, in units of G = 1, that softened bodies make at places.

    Phi(x) = - sum_j m_j / sqrt(|x - x_j|^2 + softening^2), each source a sphere of Plummer's (MNRAS 71, 460, 1911). A
    source that lies at the place itself is left out, so that bodies don't feel themselves.

    Parameters
    ----------
    x : array_like, shape (..., bodies, 3)
        The places. The copies don't see each other.
    sources : array_like, shape (..., sources, 3)
    mass : array_like, shape (..., sources)
        Zero or more.
    softening
        A length, positive.

    Returns
    -------
    (acceleration, potential)
        Shapes (..., bodies, 3) and (..., bodies), each pair's share right to 1e-13. What a body gets doesn't depend on
        which others are asked for.

    Raises
    ------
    ValueError
        If shapes don't fit, a mass is negative or the softening isn't positive.
    """
    x, sources, mass = finite(x, "x"), finite(sources, "sources"), finite(mass, "mass")
    if x.shape[-1:] != (3,) or sources.shape != (*x.shape[:-2], sources.shape[-2], 3):
        raise ValueError(
            f"x and sources must have shapes (..., bodies, 3), with the same copies: {x.shape} and {sources.shape}"
        )
    if mass.shape != sources.shape[:-1] or (mass < 0).any():
        raise ValueError(f"mass must be 0 or more, of shape {sources.shape[:-1]} like the sources; it has {mass.shape}")
    if not softening > 0:
        raise ValueError(f"softening must be positive, it is {softening}")
    copies = int(np.prod(x.shape[:-2]))
    places, origins = (
        np.ascontiguousarray(np.swapaxes(a, -1, -2).reshape(copies, 3, a.shape[-2])) for a in (x, sources)
    )
    found = np.zeros((copies, 4, x.shape[-2]))
    _sum(places, origins, np.ascontiguousarray(mass.reshape(copies, -1)), float(softening) ** 2, found)
    found = np.swapaxes(found, -1, -2).reshape(*x.shape[:-1], 4)
    return found[..., :3], found[..., 3]


@njit(error_model="numpy")
def _sum(x, sources, mass, square, found):
    """The inner loop goes over the places: it is one of vectors, and each place's sum runs in the order of sources.

    Roots and divisions take most of the time: they are done in single precision, in units of the softening so that
    nothing overflows, and one step of Newton's method takes the error from 1e-7 to 1e-13.
    """
    unit, per_square = 1 / np.sqrt(square), 1 / square
    for copy in range(len(x)):
        px, py, pz = x[copy, 0], x[copy, 1], x[copy, 2]
        ax, ay, az, phi = found[copy, 0], found[copy, 1], found[copy, 2], found[copy, 3]
        for j in range(mass.shape[1]):
            sx, sy, sz, m = sources[copy, 0, j], sources[copy, 1, j], sources[copy, 2, j], mass[copy, j]
            for i in range(len(px)):
                dx, dy, dz = sx - px[i], sy - py[i], sz - pz[i]
                distance = dx * dx + dy * dy + dz * dz
                whole = 1.0 + distance * per_square
                guess = np.float64(np.float32(1) / np.sqrt(np.float32(whole)))
                inverse = unit * guess * (1.5 - 0.5 * whole * guess * guess)
                depth = m * inverse if distance > 0 else 0.0
                pull = depth * inverse * inverse
                ax[i] += pull * dx
                ay[i] += pull * dy
                az[i] += pull * dz
                phi[i] -= depth
