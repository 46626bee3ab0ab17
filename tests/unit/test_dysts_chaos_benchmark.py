"""The benchmark's own pieces on made-up data with known answers."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from project import case_of
from stopping import assert_goes_on
from studies.dysts_chaos_benchmark.annotations.entropy import entropy as annotations
from studies.dysts_chaos_benchmark.chaos.forecast import INVARIANTS
from studies.dysts_chaos_benchmark.chaos.forecast import forecast as beside_chaos
from studies.dysts_chaos_benchmark.chosen import chosen_systems, label, turned
from studies.dysts_chaos_benchmark.features import entropy as features
from studies.dysts_chaos_benchmark.forecasting.train import _cut, _noisy, train
from studies.dysts_chaos_benchmark.ranks.forecast import forecast as ranks
from studies.dysts_chaos_benchmark.reintegration.simulate import simulate as integrated_again

RNG = np.random.default_rng


def case(**params):
    return SimpleNamespace(params=SimpleNamespace(**params), rng=lambda stream: RNG(len(stream)))


def spectra(exponents, divergence, stored, driven):
    exponents, stored = np.asarray(exponents, float), np.asarray(stored, float)
    count = len(exponents)
    return xr.Dataset(
        {
            "kind": ("system", ["flow"] * count),
            "exponents": (("system", "exponent"), exponents),
            "exponents_stored": (("system", "exponent"), stored),
            "lambda_1": ("system", exponents[:, 0]),
            "lambda_1_error": ("system", [0.01] * count),
            "is_chaotic": ("system", (exponents[:, 0] > 0.03).astype(np.int8)),
            "lambda_1_stored": ("system", stored[:, 0]),
            "mean_divergence": ("system", divergence),
            "driven": ("system", driven),
        },
        coords={"system": [f"s{i}" for i in range(count)]},
    )


def test_identities_hold_for_right_spectra_and_not_for_stored_ones():
    table = spectra(
        [[0.9, 0.001, -14.568], [0.5, 0.2, -1.0], [0.0, -0.1, -0.2]],
        [-13.667, -0.3, -0.3],
        [[0.9, 0.1, -1.0], [1.5, 0.2, -1.0], [0.3, 0.0, -0.2]],
        [0, 0, 1],
    )
    ours = annotations(case(entropy=SimpleNamespace(source="recomputed")), table)
    np.testing.assert_array_equal(ours["sum_holds"], [1, 1, 1])
    np.testing.assert_array_equal(ours["zero_holds"], [1, 0])  # the third isn't chaotic
    np.testing.assert_array_equal(ours["positive"], [1, 1, 0])
    np.testing.assert_array_equal(ours["stored_close"], [1, 0, 0])
    theirs = annotations(case(entropy=SimpleNamespace(source="stored")), table)
    np.testing.assert_array_equal(theirs["sum_holds"], [0, 0, 0])
    none = annotations(case(entropy=SimpleNamespace(source="zero")), table)
    for name in ("sum_holds", "zero_holds", "positive", "stored_close"):
        assert not none[name].any()


def test_features_neither_shift_nor_scale():
    time = 0.4 + np.linspace(0, 12 * 2 * np.pi, 1200)  # no point on a zero, where rounding would decide
    x = np.stack([np.sin(time), np.sin(time) + 0.3 * np.sin(3.1 * time), np.cos(time) ** 3], 1)
    plain = features.features(x, 3)
    np.testing.assert_allclose(plain, features.features(5 + 7 * x, 3), atol=1e-8)
    assert plain.size == len(features.NAMES) and np.isfinite(plain).all()
    assert not np.allclose(plain, features.features(np.sign(x), 3), atol=0.1)


def test_participation_ratio_counts_directions():
    rng = RNG(0)
    assert features.participation_ratio(rng.standard_normal((5000, 4))) == pytest.approx(4, rel=0.02)
    line = rng.standard_normal((5000, 1)) @ np.ones((1, 4))
    assert features.participation_ratio(line) == pytest.approx(1)


def test_clusters_that_are_there_are_stable_and_noise_is_not():
    rng = RNG(0)
    centres = np.repeat(np.eye(3, 6) * 12, 30, axis=0)
    for table, low, high in ((centres + rng.standard_normal((90, 6)), 0.95, 1.0), (rng.random((90, 6)), 0.0, 0.8)):
        _, labels = features._clusters(table, [3], rng)
        stability = features._stability(table, labels, 10, rng)
        assert low <= stability.mean() <= high


def scores(smape, families):
    names = ["NaiveMean", *(f"f{i}" for i in range(1, len(smape)))]
    data = xr.Dataset(coords={"forecaster": names, "system": [f"s{i}" for i in range(smape.shape[1])]})
    for name in ("smape", "nrmse", "vpt_pointwise_smape"):
        data[name] = (("forecaster", "system"), smape)
    data["family"] = ("forecaster", families)
    return data


def test_error_beside_chaos_finds_a_trend_and_shuffling_takes_it_away():
    rng, count = RNG(1), 80
    rate = rng.random(count)
    table = xr.Dataset(
        {name: ("system", rate) for name in (*INVARIANTS, "period")},
        coords={"system": [f"s{i}" for i in range(count)]},
    )
    table["period"] = ("system", np.ones(count))
    made = scores(np.stack([150 + 10 * rng.random(count), 50 + 40 * rate, 1 + rate]), ["naive", "deep", "baseline"])

    def beside(**changes):
        return beside_chaos(
            case(forecast=SimpleNamespace(**{"exponents": "measured", "forecaster": "f1"} | changes)), table, made
        )

    found = beside()
    assert found["watched_rho"].item() == pytest.approx(1) and found["watched_median"] < found["constant_median"] - 20
    assert found["rho"].sel(forecaster="f1", invariant="lambda_1", bound="value").item() == pytest.approx(1)
    assert abs(beside(exponents="shuffled")["watched_rho"].item()) < 0.4
    constant = beside(forecaster="NaiveMean")
    assert constant["watched_median"] == constant["constant_median"]


def test_ranks_take_the_list_alone():
    rng = RNG(2)
    data = scores(rng.random((7, 9)) + np.arange(7)[:, None], ["naive"] * 6 + ["baseline"])
    fewer = data.isel(system=slice(2, None))

    def ranked(labels):
        kept = SimpleNamespace(labels=labels, forecaster="f1", resamples=50)
        return ranks(case(forecast=kept), data, fewer, data)

    found = ranked("kept")
    assert found.sizes["forecaster"] == 6 and found.system.values.tolist() == fewer.system.values.tolist()
    np.testing.assert_allclose(found["rank_correlation"], 1)
    np.testing.assert_array_equal(found["watched_smape"].sel(condition="noisy"), fewer["smape"].sel(forecaster="f1"))
    assert (ranked("shuffled")["rank_correlation"].sel(bound="low") < 0.5).all()


def test_choice_of_systems_and_their_labels():
    assert len(chosen_systems("all")) == 158 and len(chosen_systems("flows")) == 129
    assert chosen_systems(["Henon", "Lorenz"]) == [("Henon", "map"), ("Lorenz", "flow")]
    assert len({label(*entry) for entry in chosen_systems("all")}) == 158


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_noise_lies_on_the_same_histories(scale):
    noisy, fine = (case_of("dysts_chaos_benchmark", name, "train", scale).params for name in ("noisy", "fine"))
    assert noisy.simulate == fine.simulate and noisy.train.noise > fine.train.noise == 0
    assert noisy.train.forecasters == fine.train.forecasters


def test_noise_has_the_size_that_is_asked_for():
    x = 3 * RNG(0).standard_normal((2, 20000, 1)) + 5
    noise = _noisy(x, 0.1, RNG(1)) - x
    np.testing.assert_allclose(noise.std(1), 0.3, rtol=0.03)
    np.testing.assert_array_equal(_noisy(x, 0.0, RNG(1)), x)


def test_networks_without_updates_stay_as_they_were_drawn():
    from pesin.forecasters import naive_mean, nbeats

    assert _cut(nbeats, {"steps": 400}, 0) == {"steps": 0} and _cut(nbeats, {"steps": 400}, 0.5) == {"steps": 200}
    assert _cut(nbeats, {"steps": 400}, 1) == _cut(naive_mean, {}, 0) == {}
    history = RNG(0).normal(size=(2, 60, 1)).cumsum(1)
    state = nbeats.fit(history, length=5, blocks=1, width=4, steps=0, rng=RNG(0))
    assert np.isfinite(nbeats.forecast(state, 3)).all()


def test_pseudovalues_average_to_the_ratio_and_one_direction_is_one():
    table = RNG(0).standard_normal((200, 4))
    assert features.pseudovalues(table).mean() == pytest.approx(features.participation_ratio(table), rel=0.03)
    line = RNG(0).standard_normal((40, 1)) * np.ones((1, 4))
    np.testing.assert_allclose(features.pseudovalues(line), 1)


def test_orbits_that_rest_or_leave_have_no_difference():
    table = xr.Dataset({"lambda_1": ("system", [0.9])}, {"system": ["Lorenz"]})
    sizes = {"systems": ["Lorenz"], "lyapunov_times": 1, "coarse": 15, "finer": 2, "tolerance": 1e-10}

    def again(way):
        params = SimpleNamespace(simulate=SimpleNamespace(**sizes, direction=way))
        return integrated_again(SimpleNamespace(params=params, progress=lambda x: x), table)

    found = again("forward")
    assert 0 < found["solver_difference"] < 1e-6 and 0 < found["granularity_difference"] < 1e-6
    assert np.isnan(again("still")["solver_difference"]) and again("still")["excursion"] == 0


def test_backward_is_backward():
    from pesin.systems import zoo

    lorenz = zoo.get("Lorenz")
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(turned(lorenz, "backward").components(0.0, x), -np.array(lorenz.components(0.0, x)))
    assert turned(lorenz, "forward") is lorenz and not np.any(turned(lorenz, "still").components(0.0, x))


def test_rates_that_depend_on_time_make_a_system_driven():
    from pesin.systems import zoo

    assert zoo.get("Torus").driven and zoo.get("Duffing", "flow").driven and not zoo.get("Lorenz").driven


def test_stopped_forecasters_go_on_to_the_same_end(tmp_path, monkeypatch):
    files = [{"file": f"pesin/forecasters/{name}.py"} for name in ("naive_mean", "nvar", "esn")]
    walks = RNG(0).normal(size=(2, 3, 120, 1)).cumsum(2)
    data = xr.Dataset(
        {name: (("system", "time", "coord"), walk) for name, walk in zip(("tune", "history"), walks, strict=True)},
        {"system": ["a", "b", "c"]},
        {"points_per_period": 20.0},
    )
    case = case_of("dysts_chaos_benchmark", "fine", "train", train={"forecasters": files})
    assert_goes_on(lambda one: train(one, data), case, tmp_path, monkeypatch, turns=2)


def test_groups_are_told_from_a_cloud_of_their_covariance():
    how, rng = SimpleNamespace(clusters=[3], resamples=10, clouds=19), RNG(0)
    apart = rng.normal(size=(90, 4)) + 12 * np.eye(4)[np.arange(90) % 3]
    long = 2 * rng.normal(size=(90, 1)) + rng.normal(size=(90, 4))
    for raw, has_groups in ((apart, True), (long, False)):
        table = np.apply_along_axis(features._normal_scores, 0, raw)
        labels = features._clusters(table, how.clusters, RNG(1))[1]
        stability = features._stability(table, labels, how.resamples, RNG(2))
        assert (features._groupless(how, table, stability, RNG(3)) < 0.1) == has_groups
    assert features._groupless(how, apart, np.array([0.9, 0.9, 0.5]), RNG(3)) == 1  # too few to ask
