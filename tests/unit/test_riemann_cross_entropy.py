"""Known answers: values and zeros of both functions, areas, the bridge, decoders; and bad parameters."""

import itertools

import mpmath
import numpy as np
import pytest
import xarray as xr

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.params import check
from project import case_of
from studies.riemann_cross_entropy import decoding, rare
from studies.riemann_cross_entropy.dirichlet import (
    OFF_LINE,
    TAU,
    derivative,
    small_area,
    smooth_count,
    values,
    zeros_within,
)
from studies.riemann_cross_entropy.forecast import limits
from studies.riemann_cross_entropy.params import Params

STUDY = "riemann_cross_entropy"
ORDINATES = np.array([14.134725142, 21.022039639, 25.010857580, 30.424876126, 32.935061588, 37.586178159])
BOX = np.array([[0.1, 10.0], [0.9, 39.0]])


def twisted(s):
    """Davenport and Heilbronn's function from mpmath's Hurwitz zeta."""
    a = [mpmath.zeta(s, mpmath.mpf(k) / 5) for k in (1, 2, 3, 4)]
    return complex(mpmath.power(5, -s) * (a[0] + TAU * (a[1] - a[2]) - a[3]))


def test_values_are_those_of_mpmath():
    s = np.array([0.5 + 0.3j, 0.5 + 14.1j, 0.1 + 99j, 0.9 + 60j, 0.3 + 400j])
    np.testing.assert_allclose(values("zeta", s), [complex(mpmath.zeta(x)) for x in s], atol=3e-11)
    np.testing.assert_allclose(values("davenport_heilbronn", s), [twisted(x) for x in s.tolist()], atol=1e-10)


def test_values_of_the_books():
    np.testing.assert_allclose(
        values("zeta", [2, 0, 0.5, -1]).real, [np.pi**2 / 6, -0.5, -1.46035451, -1 / 12], rtol=1e-8
    )
    assert values("zeta", np.zeros((2, 0), complex)).shape == (2, 0)


def test_the_functional_equation_of_the_second():
    """(5 / pi)^(s/2) Gamma((1 + s) / 2) f(s) is the same at 1 - s."""
    s = np.array([0.2 + 3j, 0.7 + 11j])

    def whole(x):
        gamma = np.array([complex(mpmath.gamma((1 + y) / 2)) for y in x.tolist()])
        return (5 / np.pi) ** (x / 2) * gamma * values("davenport_heilbronn", x)

    np.testing.assert_allclose(whole(s), whole(1 - s), rtol=1e-9)


def test_zeros_are_zeros_on_the_line_and_off_it():
    assert abs(values("zeta", 0.5 + 1j * ORDINATES)).max() < 1e-8
    for zero in (OFF_LINE, 1 - OFF_LINE.conjugate()):
        assert abs(values("davenport_heilbronn", zero)) < 1e-8
    np.testing.assert_allclose(abs(derivative("zeta", 0.5 + 14.134725142j)), 0.793160433, rtol=1e-8)


def test_the_argument_principle_counts_all_zeros():
    assert zeros_within("zeta", 10, 60) == 13 and zeros_within("zeta", 10, 100) == 29
    assert zeros_within("davenport_heilbronn", 85, 86.5) == 2  # the pair off the line
    with pytest.raises(ValueError, match="on the contour"):
        zeros_within("zeta", 14.1347, 20)
    assert abs(smooth_count(100.0) - 29) < 0.6


def test_small_areas_are_those_of_a_fine_grid():
    zero, level = 0.5 + 14.134725142j, 0.1
    edge = np.linspace(-0.2, 0.2, 401)
    fine = abs(values("zeta", zero + edge[:, None] + 1j * edge)) < level
    area = small_area("zeta", zero, level)
    assert abs(fine.sum() * 0.001**2 / area - 1) < 0.01
    assert abs(area / (np.pi * level**2 / 0.793160433**2) - 1) < 0.03


def test_the_bridge_s_probability_is_that_of_plain_sampling():
    short = rare.Bridge(1.0)
    x = short.draw(None, (4, 100_000), np.random.default_rng(1))
    share = (short.score(x) <= short.level).mean()
    assert abs(share / short.probability() - 1) < 0.04
    assert rare.Bridge(2.0).probability() == pytest.approx(1.3425e-5, rel=1e-3)


@pytest.mark.parametrize("event", [rare.Small(0.05, BOX, ORDINATES), rare.Bridge(1.5)])
def test_fitted_laws_give_the_known_probability(event):
    rng = np.random.default_rng(2)
    laws = rare.fitted(event, 6, 6, 2000, 0.1, rng)
    x = event.draw(laws[-1], (6, 10_000), rng)
    hit = event.score(x) <= event.level
    found = np.where(hit, np.exp(event.log_ratio(laws[-1], x)), 0.0).mean(1)
    assert abs(found.mean() / event.probability() - 1) < 0.05
    assert hit.mean() > 20 * event.probability()


def test_weights_of_a_law_have_mean_one():
    """E_q[p / q] = 1: the ratio, its normalisation, and the draws fit together."""
    event = rare.Small(0.05, BOX, ORDINATES)
    rng = np.random.default_rng(4)
    law = event.first(3)
    x = event.draw(law, (3, 60_000), rng)
    inside = np.isfinite(event.score(x))
    assert abs(np.where(inside, np.exp(event.log_ratio(law, x)), 0.0).mean() - 1) < 0.02


def test_decoders_against_all_paths():
    rows = np.random.default_rng(3).dirichlet(np.full(3, 0.5), size=(5, 3))
    paths = np.array([(0, *rest) for rest in itertools.product(range(3), repeat=4)])
    log = np.log(rows[:, paths[:, :-1], paths[:, 1:]]).sum(-1)
    np.testing.assert_allclose(decoding.best(rows, 5), log.max(1))
    np.testing.assert_allclose(decoding.beam(rows, 5, 81, 1.0)[0].max(1), log.max(1))
    drawn = decoding.sample(rows, 5, 4000, 1.0, np.random.default_rng(5))
    np.testing.assert_allclose(drawn.mean(1), (np.exp(log) * log).sum(1), atol=0.12)


def test_greedy_takes_the_likeliest_word_and_the_nucleus_is_the_smallest():
    rows = np.array([[[0.1, 0.6, 0.3], [0.2, 0.1, 0.7], [0.5, 0.25, 0.25]]])
    assert decoding.beam(rows, 4, 1, 0.5)[0][0, 0] == pytest.approx(np.log(0.6 * 0.7 * 0.5))
    np.testing.assert_array_equal(decoding.nucleus(rows[0, 0], 0.6), [False, True, False])
    np.testing.assert_array_equal(decoding.nucleus(rows[0, 0], 0.61), [False, True, True])
    assert decoding.beam(rows, 4, 1, 0.5)[1].max() == 0.0


def test_limits_at_the_edge_and_of_large_values_are_dropped():
    params = case_of(STUDY, "known", "forecast", "smoke").params
    ends = np.array([[0.5, 20.0], [0.5, 20.0 + 1e-8], [0.99, 21.0], [0.3, 22.0], [0.6, 18.0]])
    found = xr.Dataset(
        {"mean": (("start", "iteration", "axis"), ends[:, None]), "size": ("start", [0.0, 0.0, 0.0, 1.0, 0.0])}
    )
    np.testing.assert_allclose(limits(params, found), [0.6 + 18j, 0.5 + 20j])


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"windows": {"witness": {"low": 60, "high": 80}}}}, "known zero"),
        ({"simulate": {"windows": {"search": {"low": 70}}}}, "must lie above"),
        ({"train": {"elite": 1000}}, "more than the"),
        ({"forecast": {"witness": "zeta"}}, "two functions"),
        ({"forecast": {"samples": [10, 5, 20]}}, "must rise"),
    ],
)
def test_bad_parameters_are_named(change, said):
    whole = merge(case_of(STUDY, "known", "forecast", "smoke").params.model_dump(), change)
    with pytest.raises(UserError, match=said):
        check(Params, whole, STUDY)
