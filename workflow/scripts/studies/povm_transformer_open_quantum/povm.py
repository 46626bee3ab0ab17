"""Density matrices as probabilities of a measurement's outcomes, and the Lindblad equation as a matrix on them.

Luo, Chen, Carrasquilla, Clark, PRL 128, 090501 (2022), arXiv 2009.05580. Each site is measured with four outcomes; an
outcome of N sites is a number of N digits in base 4, site 0 the first. Basis: |0> is spin up, sz = +1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import gmres

Frame = Literal["tetrahedral", "pauli"]

ONE = np.eye(2)
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
"""sx, sy, sz."""
LOWER = (SIGMA[0] - 1j * SIGMA[1]) / 2
"""s^-: takes up to down."""
DIGITS = 4
RESTS = 1e-11
"""Largest residual of a steady state."""


def effects(frame: Frame) -> np.ndarray:
    """M_a of one site, shape (4, 2, 2): positive, sum 1.

    "tetrahedral": (1 + v_a . s) / 4 with v_a the corners of a tetrahedron. "pauli": a third of the projectors on the
    +1 eigenvectors of sz, sx, sy, and what is left of 1 (the default of the paper's released code).
    """
    if frame == "tetrahedral":
        a, b, c = 2 * np.sqrt(2) / 3, np.sqrt(2) / 3, np.sqrt(2 / 3)
        corners = np.array([[0, 0, 1], [a, 0, -1 / 3], [-b, c, -1 / 3], [-b, -c, -1 / 3]])
        return (ONE + np.einsum("ak,kij->aij", corners, SIGMA)) / 4
    some = (ONE + SIGMA[[2, 0, 1]]) / 6
    return np.concatenate([some, [ONE - some.sum(0)]])


def overlap(frame: Frame) -> np.ndarray:
    """T_ab = Tr M_a M_b, shape (4, 4)."""
    m = effects(frame)
    return np.einsum("aij,bji->ab", m, m).real


def dual(frame: Frame) -> np.ndarray:
    """N_a = sum_b (T^-1)_ab M_b, shape (4, 2, 2): rho = sum_a p_a N_a."""
    return np.einsum("ab,bij->aij", np.linalg.inv(overlap(frame)), effects(frame))


def probabilities(rho: np.ndarray, frame: Frame) -> np.ndarray:
    """p_a = Tr rho M_a of density matrices, shape (..., 2^N, 2^N) -> (..., 4^N)."""
    lead, sites = rho.shape[:-2], int(np.log2(rho.shape[-1]))
    x = rho.reshape(-1, *[2] * (2 * sites))
    for left in range(sites, 0, -1):  # the first row and column of those left become the last outcome
        x = np.einsum("bi...j,aji->b...a", np.moveaxis(x, 1 + left, -1), effects(frame))
    return x.real.reshape(*lead, DIGITS**sites)


def density(p: np.ndarray, frame: Frame) -> np.ndarray:
    """Density matrices of probabilities, shape (..., 4^N) -> (..., 2^N, 2^N). Need not be positive."""
    lead, sites = p.shape[:-1], int(np.log2(p.shape[-1])) // 2
    x = p.reshape(-1, *[DIGITS] * sites)
    for _ in range(sites):
        x = np.tensordot(x, dual(frame), (1, 0))  # the first outcome becomes the last row and column
    rows, columns = range(1, 2 * sites, 2), range(2, 2 * sites + 1, 2)
    return x.transpose(0, *rows, *columns).reshape(*lead, 2**sites, 2**sites)


def marginals(p: np.ndarray) -> np.ndarray:
    """Probabilities of each site's outcomes, shape (..., 4^N) -> (..., N, 4)."""
    sites = int(np.log2(p.shape[-1])) // 2
    x = p.reshape(*p.shape[:-1], *[DIGITS] * sites)
    first = p.ndim - 1
    others = [tuple(first + j for j in range(sites) if j != i) for i in range(sites)]
    return np.stack([x.sum(axis) for axis in others], -2)


def pair(p: np.ndarray, i: int, j: int) -> np.ndarray:
    """Joint probabilities of two sites' outcomes, i < j, shape (..., 4^N) -> (..., 4, 4)."""
    sites, first = int(np.log2(p.shape[-1])) // 2, p.ndim - 1
    x = p.reshape(*p.shape[:-1], *[DIGITS] * sites)
    return x.sum(tuple(first + k for k in range(sites) if k not in (i, j)))


def values(frame: Frame) -> np.ndarray:
    """What each outcome of a site says of sx, sy, sz: Tr(s N_a), shape (4, 3)."""
    return np.einsum("kij,aji->ak", SIGMA, dual(frame)).real


def spins(p: np.ndarray, frame: Frame) -> np.ndarray:
    """Mean over sites of <sx>, <sy>, <sz>, shape (..., 4^N) -> (..., 3)."""
    return marginals(p).mean(-2) @ values(frame)


def neighbour_zz(p: np.ndarray, bonds: Sequence[tuple[int, int]], frame: Frame) -> np.ndarray:
    """Mean over bonds of <sz_i sz_j>, shape (..., 4^N) -> (...)."""
    z = values(frame)[:, 2]
    return np.mean([np.einsum("...ab,a,b->...", pair(p, *sorted(bond)), z, z) for bond in bonds], axis=0)


def ring(sites: int) -> list[tuple[int, int]]:
    """Bonds of a periodic chain.

    Raises
    ------
    ValueError
        Below three sites: each bond would be counted twice.
    """
    if sites < 3:
        raise ValueError(f"a periodic ring has 3 sites or more, not {sites}: else each bond is counted twice")
    return [(i, (i + 1) % sites) for i in range(sites)]


def lattice(rows: int, columns: int) -> list[tuple[int, int]]:
    """Bonds of an open rectangle whose sites are numbered row by row."""
    at = np.arange(rows * columns).reshape(rows, columns)
    flat = [np.stack([a.ravel(), b.ravel()], 1) for a, b in ((at[:, :-1], at[:, 1:]), (at[:-1], at[1:]))]
    return [(int(i), int(j)) for i, j in np.concatenate(flat)]


def superoperator(hamiltonian: np.ndarray, jumps: Sequence[np.ndarray], rho: np.ndarray) -> np.ndarray:
    """d rho/dt = -i [H, rho] + sum (L rho L^+ - {L^+ L, rho} / 2), of any number of matrices, shape (..., d, d)."""
    change = -1j * (hamiltonian @ rho - rho @ hamiltonian)
    for jump in jumps:
        twice = jump.conj().T @ jump
        change = change + jump @ rho @ jump.conj().T - (twice @ rho + rho @ twice) / 2
    return change


def local(hamiltonian: np.ndarray, jumps: Sequence[np.ndarray], frame: Frame) -> np.ndarray:
    """A_ab = Tr(M_a L(N_b)) of one site or of two, shape (4^k, 4^k)."""
    m, n = effects(frame), dual(frame)
    if len(hamiltonian) == DIGITS:
        m, n = (np.einsum("aij,bkl->abikjl", x, x).reshape(16, 4, 4) for x in (m, n))
    return np.einsum("aij,bji->ab", m, superoperator(hamiltonian, jumps, n)).real


def placed(matrix: np.ndarray, sites: Sequence[int], count: int) -> sparse.csr_matrix:
    """A matrix on the outcomes of some sites, as one on those of all `count`."""
    places = DIGITS ** (count - 1 - np.arange(count))
    every = np.arange(DIGITS**count)
    own = np.array(list(np.ndindex(*[DIGITS] * len(sites)))) @ places[list(sites)]
    rest = every[np.all([every // places[s] % DIGITS == 0 for s in sites], axis=0)]
    a, b = np.nonzero(abs(matrix) > 1e-14)
    rows, columns = (own[x][:, None] + rest for x in (a, b))
    entries = np.broadcast_to(matrix[a, b][:, None], rows.shape)
    shape = (len(every), len(every))
    return sparse.csr_matrix((entries.ravel(), (rows.ravel(), columns.ravel())), shape=shape)


def generators(
    sites: int, bonds: Sequence[tuple[int, int]], coupling: float, decay: float, frame: Frame
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """(A_0, A_1) of dp/dt = (A_0 + g A_1) p, the dissipative transverse-field Ising model.

    H = V/4 sum over bonds sz sz + g/2 sum sx, jumps sqrt(decay) s^-.

    Returns
    -------
    two sparse matrices, shape (4^N, 4^N)
        The rest, and what the field g is multiplied with. In units of the inverse of time.
    """
    zz = local(coupling / 4 * np.kron(SIGMA[2], SIGMA[2]), [], frame)
    fall = local(np.zeros((2, 2)), [np.sqrt(decay) * LOWER], frame)
    turn = local(SIGMA[0] / 2, [], frame)
    each = range(sites)
    rest = sum((placed(zz, bond, sites) for bond in bonds), start=sum(placed(fall, [i], sites) for i in each))
    return sparse.csr_matrix(rest), sparse.csr_matrix(sum(placed(turn, [i], sites) for i in each))


def steady(generator: sparse.csr_matrix) -> np.ndarray:
    """p with A p = 0 and sum 1: of (A - u 1^T) p = -u with u uniform, which has one solution if there is one state.

    Raises
    ------
    RuntimeError
        If the residual stays above 1e-11.
    """
    size = generator.shape[0]
    uniform = np.full(size, 1 / size)

    def apply(p: np.ndarray) -> np.ndarray:
        return generator @ p - uniform * p.sum()

    operator = sparse.linalg.LinearOperator(generator.shape, apply, dtype=float)
    p, _ = gmres(operator, -uniform, x0=uniform, rtol=1e-14, atol=1e-13, restart=min(size, 300), maxiter=20)
    if not abs(generator @ p).max() < RESTS:
        raise RuntimeError(f"the steady state was not found: the residual is {abs(generator @ p).max():.1e}")
    return p / p.sum()


def physical(rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest-eigenvector density matrices and what was clipped, shapes (..., d, d) and (...).

    Negative eigenvalues are set to 0 and the rest scaled to sum 1; the second is the sum of the negative ones' sizes.
    """
    level, vector = np.linalg.eigh((rho + rho.conj().swapaxes(-1, -2)) / 2)
    kept = level.clip(min=0)
    clipped = -level.clip(max=0).sum(-1)
    kept /= kept.sum(-1, keepdims=True)
    return np.einsum("...ij,...j,...kj->...ik", vector, kept, vector.conj()), clipped


def fidelity(rho: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(Tr sqrt(sqrt(rho) other sqrt(rho)))^2 of positive density matrices, shape (..., d, d) -> (...)."""
    level, vector = np.linalg.eigh(rho)
    root = np.einsum("...ij,...j,...kj->...ik", vector, np.sqrt(level.clip(min=0)), vector.conj())
    return np.sqrt(np.linalg.eigvalsh(root @ other @ root).clip(min=0)).sum(-1) ** 2
