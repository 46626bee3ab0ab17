"""What is measured of a batch of series: (H, C) with their counts, and the surrogate test."""

from math import factorial

import numpy as np

from pesin.entropy.ordinal import complexity_entropy
from pesin.stats.surrogates import iaaft, rank_p_value
from pesin.steps.labels import labelled


def ordinal_variables(dims, found, order: int, shape) -> dict:
    """Variables of a list of Ordinal records, reshaped to `shape`."""

    def stacked(name):
        return np.reshape([getattr(one, name) for one in found], shape)

    patterns = stacked("patterns")
    return {
        "permutation_entropy": labelled(dims, stacked("permutation_entropy"), "permutation entropy H"),
        "statistical_complexity": labelled(dims, stacked("statistical_complexity"), "statistical complexity C"),
        "patterns": labelled(dims, patterns, "ordinal patterns that occur"),
        "missing_patterns": labelled(dims, factorial(order) - patterns, "ordinal patterns that never occur"),
        "windows": labelled(dims, stacked("windows"), "windows counted"),
        "bias": labelled(dims, stacked("bias"), "Miller-Madow estimate of the bias of H"),
    }


def surrogate_p(rng, x, delay: int, surrogates: int, length: int, order: int) -> np.ndarray:
    """p-values of series of shape (n, time), from one sample per delay, `length` of them at most."""
    coarse = x[:, ::delay][:, :length]
    null = complexity_entropy(iaaft(rng, coarse, surrogates, 20), order).permutation_entropy
    return rank_p_value(complexity_entropy(coarse, order).permutation_entropy, null)
