"""Histories of the central entropies of clusters: cooling, growth, mergers, bursts of the black hole, noise."""

from __future__ import annotations

import numpy as np

BEGIN, END = 2.6, 13.8
"""Cosmic time, Gyr; redshift 2.5 and 0."""
FLOOR, LEAST, MOST = 8.0, 3.0, 600.0
"""keV cm^2."""
SWITCHES = ("all", "no_mergers", "no_agn", "still")
"""Worlds: everything; mergers that heat nothing; no black hole; noise alone."""
RELEASE = 0.35
"""Gyr in which a merger's heat is released."""


def clock(dt: float) -> np.ndarray:
    """Cosmic times in Gyr from BEGIN to END in steps of dt."""
    return BEGIN + dt * np.arange(round((END - BEGIN) / dt) + 1)


def merger_rate(t, lg_mass) -> np.ndarray:
    """Mergers per Gyr at cosmic time t (Gyr) of clusters of log10 mass (solar masses)."""
    return 0.10 * (1 + (END - t) / 5) * (lg_mass - 13)


def cooling(k) -> np.ndarray:
    """-d ln K / dt by cooling, per Gyr, at K in keV cm^2: 0 at the floor."""
    return 0.5 * np.log(k / FLOOR) / (0.2 + 1.2 * (k / 40) ** 1.2)


def burst_rate(k, heat) -> np.ndarray:
    """Bursts of the black hole per Gyr: more of them in low entropies and while a merger's heat is released."""
    return 1.5 * 15 / k + 1.5 * np.minimum(heat, 1.5)


def population(rng: np.random.Generator, clusters: int, dt: float, success) -> dict[str, np.ndarray]:
    """One population in all worlds, which share masses, mergers and all random numbers.

    Parameters
    ----------
    clusters
        Their number.
    dt
        Step, Gyr.
    success : array_like, shape (s,)
        Shares of mergers that heat the core.

    Returns
    -------
    dict
        k0 [keV cm^2] and agn [heating energy in ln K at a coupling of 1], shape (switch, s, cluster, time);
        mass_ratio (0 where no merger is) and spin, shape (cluster, time); lg_mass (cluster,).
    """
    times = clock(dt)
    shape = (times.size, clusters)
    lg_mass = rng.uniform(14, 15.3, clusters)
    merges = rng.random(shape) < 1 - np.exp(-merger_rate(times[:, None], lg_mass) * dt)
    merges[0] = False
    ratio = np.where(merges, 10 ** rng.uniform(-1, 0, shape), 0)
    spin = rng.random(shape)
    lucky = rng.random(shape)
    warmth = 2.2 * np.sqrt(ratio) * np.exp(-0.5 + 0.9 * rng.standard_normal(shape))
    chance, energy = rng.random(shape), np.exp(-1 + 0.8 * rng.standard_normal(shape))
    noise = 0.1 * np.sqrt(dt) * rng.standard_normal(shape)
    success = np.asarray(success, float)[:, None]
    # what each world has, along (switch, success, cluster)
    has_heat, has_agn, has_rest = (
        np.isin(SWITCHES, list_).astype(float)[:, None, None]
        for list_ in (("all", "no_agn"), ("all", "no_mergers"), ("all", "no_mergers", "no_agn"))
    )
    log_k = np.log(np.maximum(15 * np.exp(0.6 * rng.standard_normal(clusters)), FLOOR))
    log_k = np.broadcast_to(log_k, (len(SWITCHES), success.size, clusters)).copy()
    heat = np.zeros_like(log_k)
    k0, agn = (np.zeros((*log_k.shape, times.size), np.float32) for _ in range(2))
    k0[..., 0] = np.exp(log_k)
    for i in range(1, times.size):
        heat += has_heat * (lucky[i] < success) * warmth[i]
        released = heat * dt / RELEASE
        k = np.exp(log_k)
        bursts = has_agn * (chance[i] < 1 - np.exp(-burst_rate(k, heat) * dt)) * energy[i]
        log_k += released + has_rest * (0.05 - cooling(k)) * dt + 0.5 * bursts + noise[i]
        log_k = np.clip(log_k, np.log(LEAST), np.log(MOST))
        heat -= released
        k0[..., i], agn[..., i] = np.exp(log_k), bursts
    return {"k0": k0, "agn": agn, "mass_ratio": ratio.T, "spin": np.where(ratio > 0, spin, 0).T, "lg_mass": lg_mass}
