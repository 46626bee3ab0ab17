"""Policy entropy and its covariance against torch: its Categorical, and the derivative that autograd takes."""

import numpy as np
import torch

from pesin.entropy.policy import categorical_entropy, exact_covariance


def test_entropy_is_torchs():
    logits = np.random.default_rng(0).normal(scale=3, size=(50, 12))
    peer = torch.distributions.Categorical(logits=torch.from_numpy(logits)).entropy().numpy()
    assert np.allclose(categorical_entropy(logits), peer, rtol=0, atol=1e-9)


def test_covariance_is_minus_the_derivative_of_the_entropy():
    logits, change = np.random.default_rng(1).normal(size=(2, 50, 12))

    def entropy(z):
        return torch.distributions.Categorical(logits=z).entropy()

    _, slope = torch.func.jvp(entropy, (torch.from_numpy(logits),), (torch.from_numpy(change),))
    assert np.allclose(-exact_covariance(logits, change), slope.numpy(), rtol=0, atol=1e-9)
