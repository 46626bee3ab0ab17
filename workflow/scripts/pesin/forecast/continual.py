"""Scores of learning one task after another, from the matrix of what is known of each task after each of them.

`matrix`, shape (..., tasks, tasks): entry [k, j] is the accuracy (or any score of which more is better) on task j after
task k was learnt. Of errors take the negative.
"""

from __future__ import annotations

import numpy as np

from pesin.declared import Declared
from pesin.door import centred, finite


def average_final(matrix) -> np.ndarray:
    """Mean score over all tasks after the last one, shape (...).

    Lopez-Paz and Ranzato, NeurIPS 2017 (arXiv 1706.08840), equation 2.

    Raises
    ------
    ValueError
        If the matrix isn't square, or has a single task.
    """
    return _square(matrix)[..., -1, :].mean(-1)


def backward_transfer(matrix) -> np.ndarray:
    """Mean change of the score of each task but the last, from when it was learnt to the end, shape (...).

    Lopez-Paz and Ranzato, NeurIPS 2017 (arXiv 1706.08840), equation 3. Negative: later tasks harm earlier ones.

    Raises
    ------
    ValueError
        If the matrix isn't square, or has a single task.
    """
    score = _from_zero(matrix)
    learnt = np.diagonal(score, axis1=-2, axis2=-1)
    return (score[..., -1, :-1] - learnt[..., :-1]).mean(-1)


def forgetting(matrix) -> np.ndarray:
    """Mean loss of each task but the last, from its best score before the last task to the end, shape (...).

    Chaudhry, Dokania, Ajanthan and Torr, ECCV 2018 (arXiv 1801.10112), section 3.2. It is at least minus the backward
    transfer: the best score may have come after the task was learnt, or before.

    Raises
    ------
    ValueError
        If the matrix isn't square, or has a single task.
    """
    score = _from_zero(matrix)
    return (score[..., :-1, :-1].max(-2) - score[..., -1, :-1]).mean(-1)


def _square(matrix) -> np.ndarray:
    found = finite(matrix, "matrix")
    if found.ndim < 2 or found.shape[-1] != found.shape[-2] or found.shape[-1] < 2:
        raise ValueError(f"matrix has the shape (..., tasks, tasks), two tasks at least; it has {found.shape}")
    return found


def _from_zero(matrix) -> np.ndarray:
    """The matrix less one number for each batch, so that a high level costs no digits of differences."""
    found = _square(matrix)
    return centred(found.reshape(*found.shape[:-2], -1), -1).reshape(found.shape)


_UNIT = "it has the unit of the scores"
DECLARED = (
    Declared(average_final, ("matrix",), follows="values", moves=_UNIT),
    Declared(backward_transfer, ("matrix",), invariant=("shift",), follows="unit", moves=_UNIT),
    Declared(forgetting, ("matrix",), invariant=("shift",), follows="unit", moves=_UNIT),
)
