"""Known answers: laws that are right, too narrow, dealt, of no width; sources read as they were written."""

import numpy as np
import pytest
import xarray as xr

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.params import check
from project import case_of
from studies.claimed_coverage import sources
from studies.claimed_coverage.forecast import alike_of, climatology, learned, of_method, reliable, thinned, told
from studies.claimed_coverage.params import Params
from studies.claimed_coverage.sources import Law, Source

STUDY = "claimed_coverage"


def case(**change):
    return case_of(STUDY, "main", "forecast", "laptop", forecast=change)


def law_of(narrow=1.0, units=8, cases=2000, seed=0):
    """Truths drawn from laws of many widths; deviations claimed to be `narrow` times what they are."""
    rng = np.random.default_rng(seed)
    mean, deviation = 3 * rng.normal(size=(units, cases)), rng.uniform(0.2, 2, (units, cases))
    return Law(mean, narrow * deviation, mean + deviation * rng.normal(size=mean.shape))


def scores(law, **change):
    p = case(**change).params.forecast
    return {name: values for name, (_, values, _) in of_method(p, law, learned(law, p.judged)).items()}


def test_a_law_from_which_the_truth_is_drawn_is_calibrated_with_a_factor_of_one():
    found, levels = scores(law_of()), case().params.forecast.levels
    np.testing.assert_allclose(found["coverage"].mean(0), levels, atol=0.01)
    np.testing.assert_allclose(found["mended"].mean(0), levels, atol=0.01)
    np.testing.assert_allclose(found["factor"], 1, atol=0.03)
    assert found["rank"].min() > 0.3 and found["worth"].max() < 0


def test_members_of_one_law_with_the_truth_are_what_they_are_held_against():
    rng, levels = np.random.default_rng(0), np.array(case().params.forecast.levels)
    for members in (2, 3, 6):
        drawn = rng.normal(size=(20, 5000, members + 1))
        law = Law(drawn[..., 1:].mean(-1), drawn[..., 1:].std(-1, ddof=1), drawn[..., 0])
        held = scores(law)["coverage"].mean(0)
        np.testing.assert_allclose(held, reliable(members, levels), atol=0.01)
        found = {
            name: values
            for name, (_, values, _) in of_method(case().params.forecast, law, np.ones(20), None, members).items()
        }
        np.testing.assert_allclose(found["short"].mean(0), 0, atol=0.01)
        assert (found["held"] <= levels).all()
    np.testing.assert_allclose(reliable(10**6, levels), levels, atol=1e-5)


def test_ranks_and_what_is_dealt_are_within_one_quantity():
    """Two quantities, of other sizes, whose deviations know nothing of a case: no rank, and none after dealing."""
    rng, scale = np.random.default_rng(0), np.repeat([1.0, 10.0], 1000)
    deviation = scale * rng.uniform(0.9, 1.1, (8, 2000))
    law = Law(np.zeros_like(deviation), deviation, scale * rng.normal(size=deviation.shape))
    source = Source({"one": law}, {"one": 1}, kinds=np.repeat([3, 7], 1000))
    alike = alike_of(source, 2000)
    p = case().params.forecast
    assert of_method(p, law, np.ones(8))["rank"][1].min() > 0.3
    assert abs(of_method(p, law, np.ones(8), alike)["rank"][1].mean()) < 0.05
    dealt = told(case(deviations="dealt"), "x", source)["one"].deviation
    assert (dealt[:, :1000] < 2).all() and (dealt[:, 1000:] > 2).all() and (dealt != deviation).any()


def test_a_law_too_narrow_is_mended_by_its_factor():
    found, levels = scores(law_of(0.25)), case().params.forecast.levels
    assert found["coverage"].mean(0)[-1] < 0.5
    np.testing.assert_allclose(found["factor"], 4, rtol=0.03)
    np.testing.assert_allclose(found["mended"].mean(0), levels, atol=0.01)
    assert found["after"].max() < 0.1 * found["miscalibration"].min()
    mended = scores(law_of(0.25), claimed="mended")
    np.testing.assert_array_equal(mended["coverage"], found["mended"])
    np.testing.assert_array_equal(scores(law_of(0.25), factor="none")["mended"], found["coverage"])


def test_the_factor_of_a_unit_knows_nothing_of_it():
    law = law_of(units=4)
    other = law.truth.copy()
    other[2] += 100
    before, after = learned(law, 0.95), learned(Law(law.mean, law.deviation, other), 0.95)
    assert before[2] == after[2] and (before[[0, 1, 3]] != after[[0, 1, 3]]).all()


def test_deviations_dealt_to_other_cases_know_nothing_of_errors():
    source = Source({"one": law_of()}, {"one": 1})
    law = told(case(deviations="dealt"), "x", source)["one"]
    np.testing.assert_array_equal(np.sort(law.deviation, -1), np.sort(source.laws["one"].deviation, -1))
    found = scores(law)
    assert abs(found["rank"]).max() < 0.1 and found["worth"].mean() > 0


def test_the_climatology_is_that_of_other_units_and_has_one_width():
    truth = np.array([[0.0, 2.0], [10.0, 10.0], [4.0, 4.0]])
    mean, deviation = climatology(truth)
    np.testing.assert_array_equal(mean, [[7, 7], [2.5, 2.5], [5.5, 5.5]])
    np.testing.assert_allclose(deviation[0], [3, 3])
    source = Source({"one": law_of(0.1)}, {"one": 1})
    found = scores(told(case(law="climatology"), "x", source)["one"])
    np.testing.assert_allclose(found["coverage"].mean(0)[-1], 0.95, atol=0.01)
    np.testing.assert_allclose(found["skill"], 1, atol=0.1)
    np.testing.assert_array_equal(found["rank"], 0)
    np.testing.assert_allclose(found["worth"], 0, atol=5e-3)


def test_a_richer_method_stands_for_a_poorer_one_in_the_control():
    source = Source({"many": law_of(), "few": law_of(0.5)}, {"many": 1, "few": 1}, {"few": "many"})
    found = told(case(cheaper="same"), "x", source)
    assert all(np.array_equal(a, b) for a, b in zip(found["many"], found["few"], strict=True))
    assert not np.array_equal(told(case(), "x", source)["few"].deviation, found["few"].deviation)


def test_a_unit_that_diverged_counts_as_one():
    law = law_of(units=4)
    law.mean[1, 7] = np.nan
    found = scores(law)
    assert np.isnan(found["coverage"][1]).all() and np.isfinite(found["coverage"][[0, 2, 3]]).all()


def test_cases_are_thinned_at_even_distances():
    one = thinned(Law(*np.arange(3 * 2 * 101).reshape(3, 2, 101)), 11)
    np.testing.assert_array_equal(one.mean[0], np.arange(0, 101, 10))


def test_a_combustor_s_ensemble_adds_the_spread_of_means_to_the_mean_variance():
    mean = np.zeros((2, 1, 4, 3), np.float32)
    mean[-1, 0, 1:] = [[1.0], [2.0], [3.0]]
    part = ("runs", "seed", "network", "case")
    law = {"mean": (part, mean), "deviation": (part, np.full_like(mean, 2)), "truth": (part[1::2], np.ones((1, 3)))}
    found = sources.combustor(xr.DataTree.from_dict({"law": xr.Dataset(law)}))
    np.testing.assert_allclose(found.laws["ensemble"].mean, 2)
    np.testing.assert_allclose(found.laws["ensemble"].deviation, np.sqrt(4 + 2 / 3))
    np.testing.assert_allclose(found.laws["spread"].deviation, 1)
    np.testing.assert_allclose(found.laws["single"].deviation, 2)
    assert found.models == {"ensemble": 3, "ensemble, few": 3, "two": 2, "single": 1, "single, few": 1, "spread": 3}


def test_exact_posteriors_are_held_against_rates_of_two_states():
    law = np.arange(2 * 5 * 8 * 3, dtype=float).reshape(2, 5, 8, 3)
    said = xr.Dataset(
        {
            "law": (("paths", "process", "rate", "stat"), law),
            "posterior": (("source", "moment", "example", "direction"), np.ones((2, 2, 4, 2))),
        },
        {"states": [3, 2]},
    )
    np.testing.assert_array_equal(sources.exact(said).laws["posterior"].truth, law[0, :4, 6:8, 2])


def test_cracks_are_judged_in_frames_in_which_most_have_set_out():
    truth = np.array([[5, 5, 6, 8], [5, 5, 5, 7], [5, 5, 7, 9]])
    tip = np.stack([truth, truth + 2, truth + 1])
    said = xr.Dataset({"tip": (("network", "sample", "frame"), tip), "true_tip": (("sample", "frame"), truth)})
    found = sources.fracture(said)
    np.testing.assert_array_equal(found.laws["networks"].truth, truth[:, 2:])
    np.testing.assert_allclose(found.laws["networks"].deviation, np.sqrt(1 + 1 / 12))
    np.testing.assert_allclose(found.laws["two"].mean, truth[:, 2:] + 1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"levels": [0.5, 1.0]}, "levels"),
        ({"levels": [0.9, 0.5]}, "rise"),
        ({"most_cases": 2}, "most_cases"),
        ({"judged": 0.93}, "judged"),
        ({"widths": 0.0}, "widths"),
    ],
)
def test_bad_parameters_are_refused(change, said):
    with pytest.raises(UserError, match=said):
        check(Params, merge(case().params.model_dump(), {"forecast": change}), "it")
