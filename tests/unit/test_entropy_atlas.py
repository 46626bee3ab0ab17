"""The atlas's own arithmetic: ranks, what is chosen out of sample, the gap between sections, the forecasters."""

import numpy as np
import pytest

from pesin.config.load import load_study
from pesin.entropy.registry import MEASURES
from project import ROOT
from studies.entropy_atlas.comparison.entropy import PREDICTORS, _foretold, _rank, _section_gap
from studies.entropy_atlas.comparison.params import Compared
from studies.entropy_atlas.measurement.entropy import _measured
from studies.entropy_atlas.measurement.forecast import _good_steps
from studies.entropy_atlas.measurement.params import Forecasts, Measures, Series
from studies.entropy_atlas.measurement.simulate import _sampled


def test_every_measure_of_one_series_is_in_the_atlas():
    study = load_study("entropy_atlas", ROOT / "config/studies")
    listed = study.cases["atlas"].params["entropy"]["measures"]
    assert sorted(listed) == sorted(name for name, m in MEASURES.items() if m.takes == "series")


def test_ranks_keep_infinities_and_put_the_undefined_in_the_middle():
    np.testing.assert_allclose(_rank([3.0, np.inf, 1.0, np.nan, 2.0]), [2 / 3, 1, 0, 0.5, 1 / 3])
    np.testing.assert_allclose(_rank([[1.0, 1.0, 2.0]]), [[0.25, 0.25, 1.0]])


COMPARED = Compared(
    kinds=["flow"],
    long="long",
    noisy="noisy",
    values="measured",
    sections="catalogue",
    neighbours=5,
    folds=5,
    splits=3,
    groups=3,
    clusters=2,
)


def test_a_measure_that_knows_is_chosen_and_one_that_does_not_is_not():
    rng = np.random.default_rng(0)
    target = rng.normal(size=60)
    measures = np.stack([_rank(rng.normal(size=60)), _rank(target**3), _rank(rng.normal(size=60))])
    errors, chosen = _foretold(measures, _rank(rng.normal(size=60)), target, COMPARED, np.random.default_rng(1))
    assert chosen.shape == (3, 5) and (chosen == 1).all() and errors.shape == (3 + len(PREDICTORS), 60)
    np.testing.assert_allclose(errors[4], errors[1])
    assert errors[4].mean() < 0.4 * errors[5].mean() < errors[0].mean()


def test_a_system_is_foretold_from_other_folds_alone():
    target, one = np.arange(20.0), COMPARED.model_copy(update={"splits": 1, "neighbours": 3})

    def errors(target):
        return _foretold(_rank(np.arange(20.0))[None], _rank(target), target, one, np.random.default_rng(2))[0][0]

    far = target.copy()
    far[4] += 100  # its own value moves its error by just as much, and no other of its fold
    moved = errors(far) - errors(target)
    assert moved[4] == pytest.approx(100, abs=2)
    fold = next(f for f in (np.random.default_rng(2).permutation(20)[k::5] for k in range(5)) if 4 in f)
    assert not moved[np.setdiff1d(fold, 4)].any()


def test_constant_measures_tell_nothing():
    target = np.random.default_rng(3).normal(size=40)
    errors, _ = _foretold(_rank(np.zeros((3, 40))), _rank(target), target, COMPARED, np.random.default_rng(4))
    np.testing.assert_allclose(errors[0], errors[1])
    assert errors[3].mean() < 0.6 * errors[4].mean()  # the target's own ranks do
    gap, dealt = _section_gap(_rank(np.zeros((6, 40))), np.repeat(["A", "B"], 3), np.random.default_rng(5), 50)
    assert gap == dealt == 0


def test_the_gap_exceeds_dealt_labels_only_where_sections_are_real():
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(3, 1, 80))
    families = (shared + 0.5 * rng.normal(size=(3, 5, 80))).reshape(15, 80)
    labels = np.repeat(["A", "B", "C"], 5)
    gap, null = _section_gap(families, labels, np.random.default_rng(2), 200)
    assert gap > 0.5 > 0.2 > null
    gap, null = _section_gap(families, rng.permutation(labels), np.random.default_rng(2), 200)
    assert gap < null


PARAMS = Forecasts(delays=5, horizon=20, starts=8, neighbours=2, ridge=1e-9, threshold=0.4)


def test_both_forecasters_foretell_a_sine_and_neither_noise():
    x = np.sin(np.arange(700) / 5)
    assert (_good_steps(x[:600], x[600:], PARAMS) == 20).all()
    noise = np.random.default_rng(0).normal(size=700)
    assert _good_steps(noise[:600], noise[600:], PARAMS).mean() < 3


def test_conditions_of_a_series():
    p = Measures(
        measures=["permutation_entropy", "histogram_entropy", "correlation_entropy"], settings={}, noise=0.05, short=100
    )
    value, _ = _measured((np.sin(np.arange(600) / 5), 3), p)
    long, noisy, short, shuffled = value[0]
    assert long < noisy < shuffled and short == pytest.approx(long, abs=0.1)
    assert value[1, 0] == pytest.approx(value[1, 3])  # the histogram sees no order
    assert np.isnan(_measured((np.full(600, np.nan), 3), p)).all()


@pytest.mark.parametrize("name, kind", [("Lorenz", "flow"), ("Henon", "map")])
def test_another_seed_has_another_series_of_the_same_attractor(name, kind):
    p = Series(systems=[name] * 3, kinds=[kind], points_per_period=10, points=1500, future=20, tolerance=1e-6)
    first, again, other = (_sampled((name, kind, seed), p)["x"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert abs(first - other).mean() > 0.3 * first.std()
    assert other.std() == pytest.approx(first.std(), rel=0.2)
    assert other.mean() == pytest.approx(first.mean(), abs=0.3 * first.std())
