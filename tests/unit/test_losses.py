"""Losses along the runs axis."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from pesin.models.losses import runs_cross_entropy


@pytest.mark.parametrize("shape", [(3, 5), (3, 4, 5)], ids=["labels", "sequences"])
def test_each_run_has_its_own_mean(shape):
    draw = torch.Generator().manual_seed(0)
    logits, target = torch.randn(*shape, 7, generator=draw), torch.randint(7, shape, generator=draw)
    alone = [
        float(cross_entropy(one.flatten(0, -2), label.flatten())) for one, label in zip(logits, target, strict=True)
    ]
    np.testing.assert_allclose(runs_cross_entropy(logits, target), alone, rtol=1e-5)
    np.testing.assert_allclose(runs_cross_entropy(torch.zeros(*shape, 7), target), np.log(7), rtol=1e-6)
