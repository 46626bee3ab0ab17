"""Two skew products that no finite precision tells apart: (x + alpha, y) and (x + alpha, y + f(x)).

With f(x) = a cos(2 pi q x), exp(2 pi i (y - u(x))) is an eigenfunction of the second where u(x + alpha) - u(x) = f(x):
u is a cosine too, of amplitude a / |exp(2 pi i q alpha) - 1|. If q alpha is almost an integer, that is huge.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import jv

from pesin.models.koopman import dmd, edmd, eigenpairs, mpedmd, pseudospectrum
from studies.koopman_learning_limits.torus import functions, modes

ALPHA = sum((Fraction(1, 10**p) for p in (1, 2, 6, 24)), Fraction(0))
"""The beginning of a Liouville number, exactly."""
METHODS = ("DMD", "EDMD", "mpEDMD", "ResDMD")
PROBES = np.array([0, 0.5, 0.5j, -1.2, 1.2, 0.9 + 0.9j])
"""Off the circle: on it residuals are roots of rounding."""


def gain(wave: int) -> float:
    """1 / |exp(2 pi i wave alpha) - 1|, by exact arithmetic up to the sine."""
    off = wave * ALPHA % 1
    return float(1 / (2 * np.sin(np.pi * float(min(off, 1 - off)))))


def swing(amplitude: float, wave: int) -> float:
    """Amplitude of u, in turns."""
    return amplitude * gain(wave)


def visible(turns: float, wave: int, box: int) -> float:
    """Share of exp(-2 pi i u), u = turns cos(2 pi wave x), in waves below the box: sum of J_m(2 pi turns)^2."""
    most = (box - 1) // wave
    return float((jv(np.arange(-most, most + 1), 2 * np.pi * turns) ** 2).sum())


def steepness(turns: float, wave: int) -> float:
    """Largest gradient of the eigenfunction, over that of exp(2 pi i y)."""
    return float(np.hypot(1, 2 * np.pi * wave * turns))


def images(nodes: np.ndarray, base: int, amplitude: float, wave: int) -> tuple[np.ndarray, np.ndarray]:
    """Points nodes / base, of shape (points, 2), and where the map takes them; q x modulo 1 in integers."""
    x = nodes / base
    turn = (nodes[:, 0] % base) * (wave % base) % base / base
    pushed = np.stack([x[:, 0] + float(ALPHA), x[:, 1] + amplitude * np.cos(2 * np.pi * turn)], -1)
    return x, pushed


def outputs(x: np.ndarray, y: np.ndarray, size: int) -> list[np.ndarray]:
    """What each of METHODS makes of snapshots: eigenvalues, or the residuals at PROBES."""
    k = modes(size)
    matrices = edmd(functions(x, k), functions(y, k))
    seen, then = (np.concatenate([np.cos(2 * np.pi * p), np.sin(2 * np.pi * p)], 1) for p in (x, y))
    return [dmd(seen, then)[0], eigenpairs(matrices)[0], mpedmd(matrices)[0], pseudospectrum(matrices, PROBES)]


def differences(one: list[np.ndarray], other: list[np.ndarray]) -> np.ndarray:
    """Largest difference of each method's outputs; eigenvalues are matched to each other first."""
    found = []
    for method, p, q in zip(METHODS, one, other, strict=True):
        apart = abs(p[:, None] - q[None])
        found.append(apart.diagonal().max() if method == "ResDMD" else apart[linear_sum_assignment(apart)].max())
    return np.array(found)
