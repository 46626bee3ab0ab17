"""Trained critics find the information of Gaussians, in each run apart, and none where there is none."""

import numpy as np
import pytest

from pesin.entropy.critics import critic_information
from pesin.entropy.torch_bounds import infonce


def pairs(rho, samples=800, dim=2, seed=0):
    rng = np.random.default_rng(seed)
    x, noise = rng.normal(size=(2, samples, dim))
    return x, rho * x + np.sqrt(1 - rho**2) * noise


def test_gaussians_of_known_information():
    rho = [0.0, 0.6, 0.9]
    x, y = (np.stack(part) for part in zip(*(pairs(r) for r in rho), strict=True))
    truth = -np.log(1 - np.array(rho) ** 2)  # two coordinates
    found = critic_information(x, y, np.random.default_rng(0), rate=3e-3)
    assert abs(found[0]) < 0.05
    np.testing.assert_allclose(found[1:], truth[1:], rtol=0.45)
    assert found[0] < found[1] < found[2] < truth[2]  # a lower bound, up to noise
    again = critic_information(x, y, np.random.default_rng(0), rate=3e-3)
    np.testing.assert_array_equal(found, again)
    other = critic_information(x, y, np.random.default_rng(0), infonce, rate=3e-3)
    assert other[0] < 0.1 < other[1] < other[2]


def test_constant_coordinates_and_many_dimensions_are_no_harm():
    x, y = (part[None] for part in pairs(0.9, 64, 30))
    x[..., 0] = 3.0
    assert np.isfinite(critic_information(x, y, np.random.default_rng(0), steps=10)).all()


def test_bad_input():
    x = np.zeros((2, 20, 3))
    with pytest.raises(ValueError, match="paired"):
        critic_information(x, x[:, :10], np.random.default_rng(0))
    with pytest.raises(ValueError, match="at least 16"):
        critic_information(x[:, :10], x[:, :10], np.random.default_rng(0))
