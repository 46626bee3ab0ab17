"""The paper's first refinement: weights whose product S_C^T S_B has eigenvalues of chosen signs."""

from __future__ import annotations

import numpy as np

SIGNS = ("positive", "mixed", "negative")


def pattern(signs: str, state: int) -> np.ndarray:
    """Signs of the diagonal Lambda, shape (state,): S_C = Q, S_B = Lambda Q, so that S_C^T S_B = Q^T Lambda Q.

    By Sylvester's law its nonzero eigenvalues have the signs of Lambda if Q has full row rank. `mixed`: the second half
    of the entries is negative.
    """
    return {
        "positive": np.ones(state),
        "negative": -np.ones(state),
        "mixed": np.where(np.arange(state) < (state + 1) // 2, 1.0, -1.0),
    }[signs]
