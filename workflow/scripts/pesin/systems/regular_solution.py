"""The regular solution, with one or two kinds of carriers: free energy, miscibility gap, critical temperature.

Energies in eV per formula unit, temperatures in K, entropies in units of Boltzmann's constant. The composition x is the
share of filled sites. `carriers` is the number of independent sublattices whose disorder counts: 1 for ions alone, 2
for ions and the electrons that come with them.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import entr, expit

BOLTZMANN = 8.617333262e-5  # eV/K


def mixing_entropy(x):
    """Ideal entropy of one sublattice, -x ln x - (1-x) ln(1-x), in k_B per site. Any shape."""
    x = np.asarray(x, float)
    return entr(x) + entr(1 - x)


def free_energy(x, temperature, interaction, carriers: float = 1.0):
    """g = W x (1-x) - n k T h(x), with W the interaction. Shapes broadcast."""
    x = np.asarray(x, float)
    return interaction * x * (1 - x) - carriers * BOLTZMANN * temperature * mixing_entropy(x)


def critical_temperature(interaction, carriers: float = 1.0):
    """W / (2 n k), above which all compositions mix; NaN where W <= 0, for then there is no gap. Any shape."""
    interaction = np.asarray(interaction, float)
    return np.where(interaction > 0, interaction / (2 * carriers * BOLTZMANN), np.nan)


def binodal(temperature, interaction: float, carriers: float = 1.0) -> np.ndarray:
    """Poor side of the miscibility gap; the rich side is its mirror image 1 - x.

    Parameters
    ----------
    temperature : array_like, shape (n,)
    interaction
        W of `free_energy`.

    Returns
    -------
    ndarray, shape (n,)
        Solution x < 1/2 of g'(x) = 0; NaN where nothing separates.
    """
    temperature = np.atleast_1d(np.asarray(temperature, float))
    critical = float(critical_temperature(interaction, carriers))
    found = np.full(temperature.shape, np.nan)
    for i, t in enumerate(temperature):
        if t > 0 and t < critical:
            strength = interaction / (carriers * BOLTZMANN * t)
            # x = expit(-strength (1 - 2x)); in u = 1 - 2x: u = tanh(strength u / 2), away from u = 0.
            u = brentq(lambda u, s=strength: u - np.tanh(s * u / 2), 1e-9, 1.0)
            found[i] = expit(-strength * u)
    return found


def fit_interaction(x, energy) -> float:
    """W by least squares of formation energies on x (1-x).

    Parameters
    ----------
    x, energy : array_like, shape (n,)
        Compositions and formation energies relative to the two ends, eV per formula unit.
    """
    shape = np.asarray(x, float) * (1 - np.asarray(x, float))
    return float(shape @ np.asarray(energy, float) / (shape @ shape))


# ------------------------------------------------------------------------------------ ions and electrons that bind


def unpaired_share(x, binding, temperature):
    """Share p10 of formula units with an ion and no electron, when ion and electron on one unit gain `binding`.

    Solves p11 p00 = exp(b/kT) p10 p01 (quasi-chemical) with p11 = x - p10, p00 = 1 - x - p10, p01 = p10, in the form
    that stays exact when hardly anything is unpaired. Binding >= 0. Shapes broadcast.
    """
    x = np.asarray(x, float)
    k = np.exp(np.minimum(np.asarray(binding, float) / (BOLTZMANN * np.asarray(temperature, float)), 500.0))
    ideal = x * (1 - x)
    return 2 * ideal / (1 + np.sqrt(1 + 4 * (k - 1) * ideal))


def pair_entropy(x, binding, temperature):
    """Entropy of ions and electrons together, in k_B per formula unit: 2 h(x) unbound, h(x) bound."""
    x, one = np.asarray(x, float), unpaired_share(x, binding, temperature)
    return entr(np.maximum(x - one, 0)) + 2 * entr(one) + entr(np.maximum(1 - x - one, 0))


def effective_carriers(binding, temperature):
    """Curvature of the pairs' free energy at x = 1/2 against that of one ideal sublattice: 2 unbound, 1 bound.

    With F = -b p11 - kT S, minimal over p11, F' = 2kT ln(p10/p00), and at x = 1/2 by symmetry F'' = 4kT/(1 - 2 p10).
    """
    return 1 / (1 - 2 * unpaired_share(0.5, binding, temperature))


def bound_critical_temperature(interaction: float, binding: float) -> float:
    """Critical temperature when ions and electrons bind: between W/(4k), unbound, and W/(2k); NaN where W <= 0."""
    if interaction <= 0:
        return np.nan
    low, high = (float(critical_temperature(interaction, n)) for n in (2, 1))

    def excess(t):
        return 2 * effective_carriers(binding, t) * BOLTZMANN * t - interaction

    if binding == 0 or excess(low) >= 0:
        return low
    return float(brentq(excess, low, high)) if excess(high) > 0 else high
