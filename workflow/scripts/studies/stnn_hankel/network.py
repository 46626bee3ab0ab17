"""The structured network: Hankel matrices by circulants, circulants by Fourier matrices, those by butterflies.

A Hankel matrix, its rows turned round, is a Toeplitz matrix; that is the corner of a circulant of twice the size; a
circulant is F* diag(fft of its first column) F; and F is log2 r sparse levels. The network has the same chain with all
diagonals learnt, in real numbers, and a nonlinearity between.
"""

from __future__ import annotations

from functools import cache
from math import prod

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from pesin.models.mlp import Parameters


@cache
def bit_reversal(size: int) -> torch.Tensor:
    """Order in which the recursion F_r = P^T (F_(r/2) + F_(r/2)) [[I, I], [D, -D]] leaves the outputs."""
    bits = size.bit_length() - 1
    return torch.tensor([int(f"{i:0{bits}b}"[::-1], 2) for i in range(size)])


def butterfly(x: torch.Tensor, twiddles: torch.Tensor) -> torch.Tensor:
    """Multiply by F, level by level: both halves of a level share its diagonal, and no matrix is made.

    Parameters
    ----------
    x : Tensor, shape (..., r, batch)
        r a power of two.
    twiddles : Tensor, real or complex, shape (..., r - 1)
        r/2 numbers of the first level, r/4 of the second, ..., 1 of the last. exp(-2 pi i k / m), k < m/2, at the
        level that cuts blocks of m makes the discrete Fourier transform.

    Returns
    -------
    Tensor, shape (..., r, batch)
        Divided by sqrt(r), so that Fourier's F is unitary.
    """
    lead, size, batch = x.shape[:-2], x.shape[-2], x.shape[-1]
    half, done = size // 2, 0
    while half:
        level = twiddles[..., None, done : done + half, None]
        top, bottom = x.reshape(*lead, -1, 2, half, batch).unbind(-3)
        x = torch.stack((top + bottom, (top - bottom) * level), -3)
        half, done = half // 2, done + half
    return x.reshape(*lead, size, batch).index_select(-2, bit_reversal(size).to(x.device)) * size**-0.5


def fourier_twiddles(size: int) -> torch.Tensor:
    """Twiddles of the discrete Fourier transform, complex128, shape (size - 1,)."""
    blocks = [size >> level for level in range(size.bit_length() - 1)]
    return torch.as_tensor(np.concatenate([np.exp(-2j * np.pi * np.arange(m // 2) / m) for m in blocks]))


def by_factors(column: np.ndarray, vectors: np.ndarray, twiddles: torch.Tensor) -> np.ndarray:
    """flip(J^T F* diag(D) F J) times vectors: a Hankel matrix, if F is Fourier's.

    Parameters
    ----------
    column : ndarray, shape (2 n - 1,)
        h_0 ... h_(2 n - 2), the matrix having h_(i + j) at (i, j).
    vectors : ndarray, shape (n, batch)
    twiddles : complex Tensor, shape (2 n - 1,)

    Returns
    -------
    ndarray, shape (n, batch)
    """
    n = len(vectors)
    toeplitz = column[
        ::-1
    ]  # rows turned round: T_(i, j) = h_(n - 1 - i + j), so h_(n-1) ... h_0 go down the first column
    circulant = np.concatenate([toeplitz[n - 1 :], [0], toeplitz[: n - 1]])
    padded = torch.as_tensor(np.concatenate([vectors, np.zeros_like(vectors)]) + 0j)
    turned = torch.as_tensor(np.fft.fft(circulant))[:, None] * butterfly(padded, twiddles)
    back = butterfly(turned.conj(), twiddles).conj()  # F is symmetric, so that F* is its conjugate
    return back.real.numpy()[:n][::-1]


def shapes(size: int, blocks: int, factors: str = "butterfly") -> dict[str, tuple[int, ...]]:
    """Shapes of all that is learnt, without the runs axis: windows of `size`, so many sub-blocks side by side.

    With `factors` dense each F is a free matrix instead.
    """
    wide = 2 * size
    factor = (blocks, wide - 1) if factors == "butterfly" else (blocks, wide, wide)
    return {
        "first": factor,
        "bias_1": (blocks, wide),
        "hat": (blocks, wide),
        "second": factor,
        "bias_2": (blocks, size),
        "check": (blocks, size),
        "out": (size,),
    }


def dense_sizes(size: int, blocks: int) -> list[int]:
    """Widths of the conventional network whose layers are as wide as all sub-blocks together."""
    return [size, 2 * blocks * size, blocks * size, blocks * size, size]


def equal_sizes(size: int, parameters: int) -> list[int]:
    """Widths of a conventional network with one hidden layer and no more parameters than given."""
    return [size, max(1, (parameters - size) // (2 * size + 1)), size]


def count(found: dict[str, tuple[int, ...]]) -> int:
    """Numbers in all shapes."""
    return sum(map(prod, found.values()))


def mlp_count(sizes: list[int]) -> int:
    """Weights and biases."""
    return sum(a * b + b for a, b in zip(sizes[:-1], sizes[1:], strict=True))


def init_network(runs: int, size: int, blocks: int, generator: torch.Generator, device: str = "cpu") -> Parameters:
    """Draw `runs` structured networks: diagonals 1 + N(0, 1) / 2, biases 0; blocks that are summed share the scale."""
    found = {}
    for name, shape in shapes(size, blocks).items():
        values = torch.zeros(runs, *shape)
        if name in ("first", "second", "hat", "check"):
            values = 1 + 0.5 * torch.randn(runs, *shape, generator=generator)
        found[name] = (values / blocks if name == "check" else values).to(device).requires_grad_()
    return found


def apply_network(parameters: Parameters, x: torch.Tensor) -> torch.Tensor:
    """Run all networks, the sub-blocks' outputs summed: (runs, batch, n) -> (runs, batch, n)."""
    runs, batch, n = x.shape
    blocks, size = parameters["hat"].shape[1:]
    padded = torch.cat([x.mT, x.new_zeros(runs, size - n, batch)], 1)[:, None].expand(runs, blocks, size, batch)
    hidden = torch.tanh(_times(parameters["first"], padded) + parameters["bias_1"][..., None])
    hidden = _times(parameters["second"], parameters["hat"][..., None] * hidden)[:, :, :n]
    hidden = torch.tanh(hidden + parameters["bias_2"][..., None]).flip(-2)
    return ((parameters["check"][..., None] * hidden).sum(1) + parameters["out"][..., None]).mT


def _times(factor: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return butterfly(x, factor) if factor.dim() == 3 else factor @ x


class Operations(TorchFunctionMode):
    """Counts arithmetic as it is done: multiply-adds of matrix products; sums, products, functions of one number."""

    PRODUCTS = {"matmul": 0, "baddbmm": 1}
    """Where the first factor stands among the arguments."""
    ELEMENTWISE = ("add", "sub", "mul", "tanh")
    MOVED = ("cat", "expand", "flip", "index_select", "reshape", "stack", "unbind", "get", "getitem", "to", "tensor")
    MADE = ("new_zeros", "zeros")

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result, name = func(*args, **(kwargs or {})), func.__name__.strip("_")
        if name in self.PRODUCTS:
            self.number += result.numel() * args[self.PRODUCTS[name]].shape[-1]
        elif name in self.ELEMENTWISE:
            self.number += result.numel()
        elif name == "sum":
            self.number += args[0].numel()
        elif isinstance(result, torch.Tensor) and name not in self.MOVED + self.MADE:
            raise NotImplementedError(f"{func.__name__}: say what it costs")
        return result
