"""Ensembles of stiff ODEs with events, and first passages with censoring, against solutions in closed form."""

import numpy as np
import pytest

from pesin.integrate.stiff import stiff_ensemble
from pesin.stats.passage import first_passage, kaplan_meier


def test_members_decay_at_their_own_rates():
    rates = np.array([1e-3, 1.0, 1e4])
    times = np.array([0, 0.1, 1.0, 3.0])
    run = stiff_ensemble(lambda y, m: -rates[m, None] * y, np.ones((3, 1)), times, rtol=1e-7, atol=1e-10)
    assert run.states[..., 0] == pytest.approx(np.exp(-rates[:, None] * times), abs=1e-5)


def test_order_is_two():
    def error(rtol):
        start = np.array([[1.0, 0.0]])
        run = stiff_ensemble(lambda y, m: np.stack([y[:, 1], -y[:, 0]], 1), start, [0, 5.0], rtol, rtol)
        return abs(run.states[0, -1, 0] - np.cos(5)), run.steps[0]

    (coarse, few), (fine, many) = error(1e-4), error(1e-7)
    assert np.log(coarse / fine) / np.log(many / few) == pytest.approx(2, abs=0.5)


def test_stiff_van_der_pol_takes_few_steps():
    def rate(y, m):
        return np.stack([y[:, 1], 1000 * (1 - y[:, 0] ** 2) * y[:, 1] - y[:, 0]], 1)

    run = stiff_ensemble(rate, [[2.0, 0.0]], [0, 500.0], rtol=1e-6, atol=1e-6)
    slow = run.states[0, -1, 0]  # ln x - x^2 / 2 falls as t / 1000 on the slow branch
    assert np.log(slow) - slow**2 / 2 == pytest.approx(np.log(2) - 2 + 0.5, abs=2e-3) and run.steps[0] < 1000


def test_an_event_stops_its_member_alone():
    run = stiff_ensemble(
        lambda y, m: np.full_like(y, -1.0), [[1.0], [9.0]], [0, 0.5, 2.0], event=lambda y, m: y[:, 0] - 0.25
    )
    assert run.event_time == pytest.approx([0.75, np.inf])
    assert run.states[..., 0] == pytest.approx(np.array([[1, 0.5, 0.25], [9, 8.5, 7]]))


def test_a_limit_finds_what_error_control_steps_over():
    def rate(y, m):
        return np.stack([np.ones(len(y)), np.exp(-(((y[:, 0] - 500) / 1e-3) ** 2))], 1)

    def limit(y, f, m):
        return 3e-4 + 0.1 * np.abs(y[:, 0] - 500)

    found = stiff_ensemble(rate, [[0.0, 0.0]], [0, 1000.0], rtol=1e-6, limit=limit).states[0, -1, 1]
    assert found == pytest.approx(1e-3 * np.sqrt(np.pi), rel=1e-2)
    assert stiff_ensemble(rate, [[0.0, 0.0]], [0, 1000.0], rtol=1e-6).states[0, -1, 1] < 1e-6


def test_a_member_that_blows_up_leaves_the_others_alone():
    run = stiff_ensemble(lambda y, m: y**2, [[1.0], [0.1]], [0, 0.5, 2.0], max_steps=3000)
    assert np.isnan(run.states[0, -1, 0]) and run.states[1, -1, 0] == pytest.approx(1 / 8, rel=1e-3)


def test_first_passage_interpolates_and_tells_never_from_lost():
    times = np.array([0.0, 1, 2, 4])
    series = [[0, 1, 2, 4], [5, 0, 0, 0], [0, 0, 1, 1], [0, 1, np.nan, np.nan]]
    assert first_passage(times, series, 3)[:3] == pytest.approx([3, 0, np.inf])
    assert np.isnan(first_passage(times, series, 3)[3])


def test_kaplan_meier_by_hand():
    # events at 1 (of 5) and 3 (of 3); one unit is lost at 2, two at 4
    share, low, high = kaplan_meier([1, 2, 3, 4, 4], [True, False, True, False, False], [0.5, 1, 2.5, 3, 9])
    assert share == pytest.approx([1, 0.8, 0.8, 0.8 * 2 / 3, 0.8 * 2 / 3])
    assert (low <= share).all() and (share <= high).all() and low[0] == 1 and low[1] < 0.8 < high[1]
