"""The chain that the structured network takes after, and what networks cost in numbers and operations.

A Hankel matrix, its rows turned round, is a Toeplitz matrix; that is the corner of a circulant of twice the size; a
circulant is F* diag(fft of its first column) F; and F is log2 r sparse levels.
"""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

from pesin.models.butterfly import butterfly


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
