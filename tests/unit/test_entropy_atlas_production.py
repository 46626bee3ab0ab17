"""Estimators of entropy production: closed forms of the worlds, and scores that are known."""

import numpy as np
import pytest

from studies.entropy_atlas.production.entropy import by_neighbours, from_score, score_free
from studies.entropy_atlas.production.simulate import _of_broad
from studies.entropy_atlas.production.train import dealt
from studies.entropy_atlas.production.worlds import WORLDS

EACH = pytest.mark.parametrize(("name", "dim"), [(name, dim) for name in WORLDS for dim in (2, 6)])


@EACH
def test_three_ways_to_the_entropy_production(name, dim):
    """Closed form, mean square of the local velocity, and the identity without a score."""
    world = WORLDS[name](dim)
    x = world.draw(np.random.default_rng(0), 100_000)
    assert from_score(world, x, world.score(x)) == pytest.approx(world.production, rel=0.02)
    assert score_free(world, x) == pytest.approx(world.production, rel=0.03)


@EACH
def test_divergence_and_score_by_differences(name, dim):
    world, step = WORLDS[name](dim), 1e-5
    x = world.draw(np.random.default_rng(1), 4)
    shifts = step * np.eye(dim)
    slopes = [(world.drift(x + s) - world.drift(x - s))[:, i] / (2 * step) for i, s in enumerate(shifts)]
    np.testing.assert_allclose(world.divergence(x), np.sum(slopes, 0), rtol=1e-6)

    # The density is steady: div(D s - b) + (D s - b) . s = 0 for the score s of it.
    def flow(x):
        return world.drift(x) - world.diffusion * world.score(x)

    spread = sum((flow(x + s) - flow(x - s))[:, i] / (2 * step) for i, s in enumerate(shifts))
    np.testing.assert_allclose(spread + (flow(x) * world.score(x)).sum(1), 0, atol=1e-6 * dim**3)


def test_one_driven_mode_by_hand():
    """4 E^2 k^2 / (2 k^2 + 1) at field E = 2 and wave number k = 1 (Mahdisoltani and Golestanian's linear theory)."""
    assert WORLDS["electrolyte"](2).production == pytest.approx(16 / 3)


def test_a_stretched_law_is_no_steady_state():
    """The drift towards the middle is more than the noise undoes."""
    world, rng = WORLDS["swimmers"](2), np.random.default_rng(2)
    assert _of_broad(world, 1.0, rng) == pytest.approx(world.production, rel=0.01)
    assert _of_broad(world, 1.5, rng) > 2 * world.production


def test_neighbours_tell_the_score_of_a_gaussian():
    x = np.random.default_rng(3).standard_normal((5_000, 2))
    inside = (x**2).sum(1) < 2
    found = by_neighbours(x)[inside]
    assert np.sqrt(((found + x[inside]) ** 2).mean()) < 0.3
    four = np.random.default_rng(4).standard_normal((500, 4))
    np.testing.assert_allclose(by_neighbours(four, pairs=True)[:, 2:], by_neighbours(four[:, 2:]))


def test_dealt_coordinates_keep_their_margins_alone():
    x = np.random.default_rng(5).standard_normal((1, 1000, 1)) + np.zeros((1, 1, 2))
    found = dealt(x)
    np.testing.assert_array_equal(np.sort(found, 1), np.sort(x, 1))
    assert abs(np.corrcoef(found[0].T)[0, 1]) < 0.1
