"""The exact side of the ring: its stationary Fokker-Planck equation on a grid, by exponentially fitted fluxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu

from pesin.systems.particles import Swimmers


@dataclass(frozen=True)
class Solution:
    """Stationary state on a grid of (x, g)."""

    x: np.ndarray
    """Centres of the cells, shape (nx,)."""
    g: np.ndarray
    """Shape (ng,)."""
    density: np.ndarray
    """Shape (nx, ng); it integrates to one."""
    velocity: np.ndarray
    """Mean local velocity, shape (2, nx, ng): current over density."""
    parts: np.ndarray
    """Entropy production by x and by g, in nats per time, shape (2,)."""
    work: float
    """The same by the work of the propulsion, E[v0 g.(v0 g + F)] / eps, which needs no current."""


def stationary(law: Swimmers, cells: tuple[int, int], reach: float) -> Solution:
    """Solve for the stationary state of one swimmer on a ring, |g| up to `reach` with no flux through the ends.

    Fluxes between cells are those of a constant drift between their centres (Scharfetter and Gummel, IEEE Trans.
    Electron Devices 16, 64, 1969): the matrix is one of jump rates, and equilibrium comes out exact to O(h^2).
    """
    nx, ng = cells
    hx, hg = law.box / nx, 2 * reach / ng
    x, g = (np.arange(nx) + 0.5) * hx - law.box / 2, (np.arange(ng) + 0.5) * hg - reach
    edge, between = x + hx / 2, (g[1:] + g[:-1]) / 2
    along_x = law.speed * g + law.force(edge[:, None, None])[0][:, 0]
    along_g = np.broadcast_to(-law.turning * between, (nx, ng - 1))
    place = np.arange(nx * ng).reshape(nx, ng)
    links = [
        (place, np.roll(place, -1, 0), *rates(along_x, law.diffusion, hx)),
        (place[:, :-1], place[:, 1:], *rates(along_g, law.turning, hg)),
    ]
    matrix = sparse.csc_matrix((nx * ng, nx * ng))
    for here, there, forth, back in links:
        a, b, up, down = (np.ravel(part) for part in (here, there, forth, back))
        entries = np.concatenate([up, -up, down, -down])
        rows, columns = np.concatenate([b, a, a, b]), np.concatenate([a, a, b, b])
        matrix += sparse.csc_matrix((entries, (rows, columns)), matrix.shape)
    # One cell's share is set and its balance left out, which follows from the others'.
    known = int(place[0, ng // 2])
    others = np.delete(np.arange(nx * ng), known)
    shares = np.ones(nx * ng)
    shares[others] = splu(matrix[others][:, others]).solve(-matrix[others][:, [known]].toarray()[:, 0])
    p = np.maximum(shares, 1e-300).reshape(nx, ng)
    p /= p.sum()
    current = [(forth * p.ravel()[here] - back * p.ravel()[there]) for here, there, forth, back in links]
    both = [np.sqrt(p.ravel()[here] * p.ravel()[there]) for here, there, _, _ in links]
    jx, jg = current[0] * hx, np.pad(current[1], ((0, 0), (1, 1))) * hg
    parts = [(jx**2 / both[0]).sum() / law.diffusion, ((current[1] * hg) ** 2 / both[1]).sum() / law.turning]
    velocity = np.stack([(jx + np.roll(jx, 1, 0)) / 2, (jg[:, 1:] + jg[:, :-1]) / 2]) / p
    force = law.force(x[:, None, None])[0][:, 0]
    work = (p * law.speed * g * (law.speed * g + force)).sum() / law.diffusion
    return Solution(x, g, p / (hx * hg), velocity, np.array(parts), float(work))


def rates(drift: np.ndarray, diffusion: float, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Jump rates forth and back between two cells `step` apart, with a constant drift between them."""
    z = drift * step / diffusion
    small = abs(z) < 1e-6
    safe = np.where(small, 1.0, z)
    forth, back = (np.where(small, 1 + s * z / 2, s * safe / -np.expm1(-s * safe)) for s in (1, -1))
    return diffusion / step**2 * forth, diffusion / step**2 * back
