"""Structured networks: factors that are products of log2 r sparse levels, as the fast Fourier transform's are.

Hankel matrices are corners of circulants, circulants are Fourier matrices around a diagonal, and those butterflies. A
network has that chain with all diagonals learnt, in real numbers, and a nonlinearity between.
"""

from __future__ import annotations

from functools import cache

import torch

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
