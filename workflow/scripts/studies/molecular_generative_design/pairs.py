"""The oracle of mixtures: melting points, and the eutectic of two compounds as a regular solution."""

from __future__ import annotations

import numpy as np
from scipy.optimize.elementwise import find_root

from studies.molecular_generative_design.chemistry import PROPERTIES

GAS = 8.31446261815324
"""J mol-1 K-1."""
FUSION = 56.5
"""Entropy of fusion by Walden's rule, J mol-1 K-1."""
STRENGTH, STRONGEST = 0.8, 3.0
"""Of a hydrogen bond between unlike molecules, and the most of an interaction, in units of R times 300 K."""
EDGE = 1e-12


def melting_point(properties: np.ndarray) -> np.ndarray:
    """A made-up but fixed law: 180 K + 0.9 weight + 45 donors + 10 acceptors, (..., properties) -> (...), K."""
    weight, acceptors, donors = (properties[..., list(PROPERTIES).index(k)] for k in ("weight", "acceptors", "donors"))
    return 180 + 0.9 * weight + 45 * donors + 10 * acceptors


def interaction(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """W of the regular solution, J mol-1, from donors of each and acceptors of the other; 0 or below."""
    acceptors, donors = (list(PROPERTIES).index(name) for name in ("acceptors", "donors"))
    bonds = np.minimum(one[..., donors], two[..., acceptors]) + np.minimum(two[..., donors], one[..., acceptors])
    return np.clip(-STRENGTH * bonds, -STRONGEST, 0) * GAS * 300


def liquidus(x: np.ndarray, melting: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Where a compound of mole fraction x begins to freeze, K.

    Solves ln(x gamma) = -(dH / R)(1 / T - 1 / T_melting) with ln gamma = W (1 - x)^2 / (R T) and dH = T_melting dS.
    """
    return (w * (1 - x) ** 2 + melting * FUSION) / (FUSION - GAS * np.log(x))


def eutectic(one: np.ndarray, two: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mole fraction of the first compound and temperature (K) where both branches of the liquidus cross.

    The first branch rises with x and the second falls while W <= 0, so there is one crossing.

    Parameters
    ----------
    one, two : ndarray
        Melting points, K; NaN gives NaN.
    w : ndarray
        Interaction, J mol-1, of the same shape.
    """
    one, two, w = np.broadcast_arrays(*(np.asarray(a, float) for a in (one, two, w)))
    known = np.isfinite(one + two + w)
    x = np.full(one.shape, np.nan)
    parts = one[known], two[known], w[known]
    if known.any():
        x[known] = find_root(
            lambda x, a, b, w: liquidus(x, a, w) - liquidus(1 - x, b, w), (EDGE, 1 - EDGE), args=parts
        ).x
    return x, liquidus(x, one, w)


def mixed(one: np.ndarray, two: np.ndarray) -> dict[str, np.ndarray]:
    """`t_eut` (K), `depression` (K, below the mean melting point at the eutectic), `x_eut`, from properties (n, 6)."""
    melting = melting_point(one), melting_point(two)
    x, t = eutectic(*melting, interaction(one, two))
    return {"t_eut": t, "depression": x * melting[0] + (1 - x) * melting[1] - t, "x_eut": x}
