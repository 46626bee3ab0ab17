"""DMD against pydmd."""

import numpy as np
import pydmd
import pytest
from scipy.optimize import linear_sum_assignment

from pesin.models.koopman import dmd, hankel


@pytest.mark.parametrize("rank", [3, 6])
def test_eigenvalues_of_delays(rank):
    rng = np.random.default_rng(0)
    rows = hankel(np.cos(0.7 * np.arange(30)) + 0.3 * rng.normal(size=30), 6)
    peer = pydmd.DMD(svd_rank=rank, exact=True).fit(rows.T)
    values, _ = dmd(rows[:-1], rows[1:], rank)
    distance = abs(values[:, None] - peer.eigs[None])
    assert distance[linear_sum_assignment(distance)].max() < 1e-8
