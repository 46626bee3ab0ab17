"""The noisy Burgers equation that the gradient of a chemical signal obeys on a line, at the critical point."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pesin.integrate.pseudospectral import (
    advection,
    complex_normals,
    dealias,
    etdrk4,
    noisy_exponential_euler,
    wavenumbers,
)


def unit(points: int, length: float) -> float:
    """Factor from `np.fft.rfft` to modes whose mean square is the structure factor S(k), a power times a length."""
    return length**0.5 / points


def noisy(
    modes: np.ndarray,
    rng: np.random.Generator,
    *,
    points: int,
    length: float,
    nu,
    coupling,
    strength: float,
    step: float,
    steps: int,
    every: int = 1,
) -> Iterator[np.ndarray]:
    """Solve du/dt = nu u_xx - coupling u u_x + sqrt(2 strength) xi; modes by `rfft`, (..., realisations, modes).

    nu and coupling are numbers, or have shape (..., 1, 1). What differs along the leading axes shares its noise. The
    mean of u stays zero: it would only carry the field along.
    """
    wave, kept = wavenumbers(points, length), dealias(points)
    power = 2 * strength * points**2 / length * (kept & (wave > 0))
    return noisy_exponential_euler(
        -np.asarray(nu) * wave**2,
        advection(coupling, wave, kept, points),
        modes,
        power,
        step,
        steps,
        lambda: complex_normals(rng, modes.shape[-2:]),
        every,
    )


def linear_law(
    rng: np.random.Generator, realisations: int, *, points: int, length: float, nu: float, strength: float
) -> np.ndarray:
    """Modes of u at rest in law without a coupling, mean square strength / (nu k^2) each: (realisations, modes)."""
    wave, kept = wavenumbers(points, length), dealias(points)
    size = np.sqrt(strength / nu) / np.where(wave > 0, wave, np.inf) / unit(points, length)
    return kept * size * complex_normals(rng, (realisations, len(wave)))


def frame_error(points: int, length: float, nu: float, coupling: float, rng: np.random.Generator) -> float:
    """Largest difference after one unit of time of u(x - coupling U t, t) + U and the solution from u(x, 0) + U.

    Without noise, from a smooth field of six modes and size one; U moves it by an eighth of the line.
    """
    wave, kept, steps = wavenumbers(points, length), dealias(points), 1600
    start = np.zeros(points // 2 + 1, complex)
    start[1:7] = complex_normals(rng, (6,)) * points / 4
    speed = length / 8 / coupling

    def end(modes: np.ndarray) -> np.ndarray:
        *_, found = etdrk4(-nu * wave**2, advection(coupling, wave, kept, points), modes, 1 / steps, steps, steps)
        return np.fft.irfft(found, points)

    moved = start.copy()
    moved[0] += points * speed
    return float(abs(np.roll(end(start), points // 8) + speed - end(moved)).max())
