"""A Brownian path on demand: it adds up, repeats itself from a small cache, and has the law of a path."""

import numpy as np
import pytest

from pesin.integrate.brownian import BrownianInterval


@pytest.mark.parametrize("spacing", [np.inf, 0.01])
def test_intervals_add_up_in_whatever_order_they_are_asked_for(spacing):
    path, rng = BrownianInterval(0, 2, (4,), 1, spacing, cache=4), np.random.default_rng(0)
    for _ in range(50):
        s, t, u = np.sort(rng.uniform(0, 2, 3))
        whole = path(s, u)
        np.testing.assert_allclose(path(s, t) + path(t, u), whole, atol=1e-13)
        np.testing.assert_array_equal(path(s, u), path(s, u))


def test_a_sweep_back_finds_what_the_sweep_forth_did_and_the_cache_stays_small():
    path, times = BrownianInterval(0, 1, (3,), 2, 1 / 64, cache=5), np.linspace(0, 1, 65)
    forth = [path(a, b) for a, b in zip(times[:-1], times[1:], strict=True)]
    back = [path(a, b) for a, b in zip(times[-2::-1], times[:0:-1], strict=True)]
    np.testing.assert_array_equal(forth, back[::-1])
    assert len(path._known) <= 5


def test_it_has_the_law_of_a_path():
    path, times = BrownianInterval(0, 1, (20_000,), 3), np.array([0.8, 0.2, 0.5])
    w = np.array([path(0, t) for t in times])
    np.testing.assert_allclose(w @ w.T / 20_000, np.minimum(times[:, None], times), atol=0.03)
    apart = np.array([path(a, b) for a, b in ((0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1))])
    np.testing.assert_allclose(np.corrcoef(apart), np.eye(4), atol=0.03)


def test_seeds_are_paths_and_nonsense_is_told():
    assert BrownianInterval(0, 1, (), 1)(0, 0.5) != BrownianInterval(0, 1, (), 2)(0, 0.5)
    assert not BrownianInterval(0, 1, (2,), 1)(0.3, 0.3).any()
    for start, end in ((-0.1, 1), (0.6, 0.5), (0, 1.1)):
        with pytest.raises(ValueError, match="runs from"):
            BrownianInterval(0, 1, (), 1)(start, end)
    with pytest.raises(ValueError, match="interval of time"):
        BrownianInterval(1, 1, (), 1)
