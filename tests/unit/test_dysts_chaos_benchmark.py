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
from studies.dysts_chaos_benchmark.chosen import chosen_systems, label
from studies.dysts_chaos_benchmark.features import entropy as features
from studies.dysts_chaos_benchmark.forecasting.train import train
from studies.dysts_chaos_benchmark.ranks.forecast import forecast as ranks
from studies.dysts_chaos_benchmark.zoo.simulate import turned

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
    names = [f"f{i}" for i in range(len(smape))]
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
    made = scores(np.stack([50 + 40 * rate, 90 + 10 * rng.random(count), 1 + rate]), ["deep", "naive", "baseline"])
    found = beside_chaos(case(forecast=SimpleNamespace(exponents="measured")), table, made)
    assert found["best"].item() == "f0"  # the baseline is better, and not of the paper's list
    assert found["rho"].sel(forecaster="f0", invariant="lambda_1", bound="value").item() == pytest.approx(1)
    shuffled = beside_chaos(case(forecast=SimpleNamespace(exponents="shuffled")), table, made)
    assert abs(shuffled["rho"].sel(forecaster="f0", invariant="lambda_1", bound="value").item()) < 0.4


def test_ranks_take_the_list_alone():
    rng = RNG(2)
    data = scores(rng.random((7, 9)) + np.arange(7)[:, None], ["naive"] * 6 + ["baseline"])
    found = ranks(case(forecast=SimpleNamespace(labels="kept")), data, data, data)
    assert found.sizes["forecaster"] == 6
    np.testing.assert_array_equal(found["median_smape"][0], found["median_smape"][2])
    mixed = ranks(case(forecast=SimpleNamespace(labels="shuffled")), data, data, data)
    assert not np.array_equal(mixed["median_smape"][0], mixed["median_smape"][2])


def test_choice_of_systems_and_their_labels():
    assert len(chosen_systems("all")) == 158 and len(chosen_systems("flows")) == 129
    assert chosen_systems(["Henon", "Lorenz"]) == [("Henon", "map"), ("Lorenz", "flow")]
    assert len({label(*entry) for entry in chosen_systems("all")}) == 158


@pytest.mark.parametrize("scale", ["smoke", "laptop", "paper"])
def test_noisy_systems_are_among_the_fine_ones(scale):
    def systems(case):
        params = case_of("dysts_chaos_benchmark", case, "simulate", scale).params
        return {n for n, _ in chosen_systems(params.simulate.systems)}

    assert len(systems("noisy") & systems("fine")) == len(systems("noisy")) >= 6  # else nothing can be paired


def test_backward_is_backward():
    from pesin.systems import zoo

    lorenz = zoo.get("Lorenz")
    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(turned(lorenz).components(0.0, x), -np.array(lorenz.components(0.0, x)))


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
