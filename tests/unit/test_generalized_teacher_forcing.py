"""The study's own functions: gradient products, the choice of alpha, the worlds, and the smallest training."""

import numpy as np
import pytest
import xarray as xr

from pesin.errors import UserError
from pesin.params import data_paths
from pesin.steps.case import Case
from pesin.steps.files import same, without_truth
from studies.generalized_teacher_forcing.random_networks.entropy import entropy as gradient_products
from studies.generalized_teacher_forcing.random_networks.params import Params as RandomNetworks
from studies.generalized_teacher_forcing.random_networks.simulate import simulate as draw_networks
from studies.generalized_teacher_forcing.reconstruction.entropy import entropy
from studies.generalized_teacher_forcing.reconstruction.forecast import forecast
from studies.generalized_teacher_forcing.reconstruction.models import by_method, choose_alpha
from studies.generalized_teacher_forcing.reconstruction.params import Params as Reconstruction
from studies.generalized_teacher_forcing.reconstruction.params import Parts
from studies.generalized_teacher_forcing.reconstruction.simulate import simulate
from studies.generalized_teacher_forcing.reconstruction.train import train

TRAIN = dict(
    hidden=10, window=8, batch=4, updates=6, learning_rate=(1e-2, 1e-3), gentle_below=0.2,
    gentle_pace=0.1, weight_decay=1e-5, start="closed_form",
    ridge=0.1, alphas=[0.0, 0.4, 1.0], memory=0.8, sparse_every=4,
    baselines=[dict(model="var"), dict(model="esn", units=20, ridges=[1e-4]), dict(model="sindy", threshold=0.1)],
)  # fmt: skip
LORENZ63 = dict(source="lorenz63", sigma=10.0, rho=28.0, beta=8 / 3, dt=0.02)


def reconstruction(data=LORENZ63, noise=(0.05,), **training):
    params = Reconstruction(
        simulate=dict(data=data, noise=list(noise), length=1500, seeds=3),
        train=TRAIN | training,
        entropy=dict(bins=30, exponent_steps=100, blocks=5, resamples=5),
        forecast=dict(lead=5, stride=100, starts=5, horizon=20, warm_up=10),
    )
    return Case("generalized_teacher_forcing", "lorenz63", "simulate", "smoke", params)


def networks(strength=1.0, fractions=(0.0, 0.5, 1.0)):
    params = RandomNetworks(
        simulate=dict(networks=3, candidates=24, chaotic_above=0.05, dim=10, hidden=50, gain=8.0),
        entropy=dict(
            lengths=[10, 50, 200], fractions=list(fractions), strength=strength, exponent_steps=500, transient=100
        ),
    )
    return Case("generalized_teacher_forcing", "random_networks", "entropy", "smoke", params)


def test_critical_forcing_bounds_and_no_forcing_explodes():
    case = networks()
    products = gradient_products(case, draw_networks(case))
    assert (products.sigma_max > 1).all() and (products.lyapunov_exponent > 0).all()
    assert (products.log_norm.sel(fraction=1.0) <= 1e-9).all()
    assert (products.log_norm.sel(fraction=0.0, steps=200) > 0).all()
    off = gradient_products(networks(strength=0.0), draw_networks(case))
    np.testing.assert_allclose(off.log_norm.sel(fraction=1.0), products.log_norm.sel(fraction=0.0))


def test_product_of_the_identity_is_a_power_of_one_minus_alpha():
    case = networks()
    world = draw_networks(case) * 0.0
    world["A"] = world.A + 2.0  # J = 2: the critical forcing is 1/2
    world["z0"] = world.z0 + 1.0
    products = gradient_products(case, world)
    T = products.steps.values
    np.testing.assert_allclose(products.critical_alpha, 0.5)
    for fraction in (0.0, 0.5, 1.0):
        expected = T * np.log(2 * (1 - 0.5 * fraction))
        np.testing.assert_allclose(products.log_norm.sel(fraction=fraction), np.tile(expected, (3, 1)), atol=1e-9)


def test_alpha_is_chosen_without_the_seed_it_is_used_on():
    alphas = np.array([0.0, 0.3, 0.6, 1.0])
    d = np.array([[0.0] * 3, [1.0, 1.0, 9.0], [2.0, 2.0, 0.1], [0.0] * 3])
    assert alphas[choose_alpha(d, alphas)].tolist() == [0.6, 0.6, 0.3]  # the extremes are never chosen


def test_scores_by_method():
    net = np.arange(8.0)  # forcings 0, 0.5, 1, adaptive x two seeds
    forcings, scores = ["0", "0.5", "1", "adaptive"], {"shplrnn": net, "var": np.array([9.0])}
    named = by_method(forcings, scores, np.array([1, 2]), Parts())
    assert {k: v.tolist() for k, v in named.items()} == {
        "gtf": [2, 5], "agtf": [6, 7], "bptt": [0, 1], "full_tf": [4, 5], "var": [9, 9],
    }  # fmt: skip
    swapped = by_method(forcings, scores, np.array([1, 2]), Parts(gtf=0.0, agtf=1.0))
    assert swapped["gtf"].tolist() == [0, 1] and swapped["agtf"].tolist() == [4, 5]


def test_the_world_is_standardised_and_noisy_as_asked():
    world = simulate(reconstruction(noise=(0.0, 0.05)))
    clean, noisy = world.observed.values
    np.testing.assert_allclose([clean.mean(0), clean.std(0)], [[0] * 3, [1] * 3], atol=1e-9)
    np.testing.assert_allclose((noisy - clean).std(0), 0.05, rtol=0.1)
    assert float(world.lyapunov_true) == pytest.approx(0.9, abs=0.4)  # 30 time units
    assert set(without_truth(world).data_vars) == {"observed", "mean", "std", "dt"}


@pytest.mark.parametrize(
    ("data", "dim"),
    [
        (dict(source="lorenz96", sites=6, forcing=16.0, dt=0.04), 6),
        (dict(source="spiral", decay=0.5, turn=8.0, dt=0.02), 3),
        (dict(source="ecg", dt=0.02, rr_sd=0.05, delays=4), 4),
    ],
)
def test_other_worlds_run_through(data, dim):
    case = reconstruction(data, baselines=[dict(model="var")], sparse_every=None)
    world = simulate(case)
    assert world.test.shape == (1500, dim) and world.reference.shape == (3, 1500, dim)
    scores = entropy(case, world, train(case, without_truth(world)))
    assert np.isfinite(scores.method_d_stsp.sel({"method": "true_orbit"})).all()


def test_a_recording_from_a_file_runs_through(tmp_path):
    x = np.cumsum(np.random.default_rng(0).standard_normal((2400, 3)), 0)
    np.save(tmp_path / "x.npy", x)
    case = reconstruction(dict(source="file", train=str(tmp_path / "x.npy"), dt=0.01, where="Ask the authors."))
    world = simulate(case)
    assert world.observed.shape == (1, 1200, 3)
    assert dict(data_paths(case.params)) == {"simulate.data.train": str(tmp_path / "x.npy")}  # hashed as an input


def test_a_table_with_gaps_is_read_as_the_yaml_says(tmp_path):
    x = np.cumsum(np.random.default_rng(0).standard_normal((2400, 3)), 0)
    time = np.arange(2400) + 7.0 * (np.arange(2400) >= 200)
    np.savetxt(tmp_path / "x.csv", np.column_stack([time, x]), delimiter=";", header="time;a;b;c", comments="")
    data = dict(source="file", train=str(tmp_path / "x.csv"), dt=0.01, where="Ask the authors.")
    with pytest.raises(UserError, match="gap in time between line 201 and line 202.*Ask the authors"):
        simulate(reconstruction(data))
    world = simulate(reconstruction(data | dict(gaps="longest", columns=["c", "a"])))
    assert world.observed.shape == (1, 1100, 2)


def test_the_whole_chain_and_its_repetition():
    case = reconstruction()
    world = simulate(case)
    trained = train(case, without_truth(world))
    assert same(trained, train(case, without_truth(world)))
    assert set(trained.children) == {"shplrnn", "var", "esn", "sindy"}
    scores, ahead = entropy(case, world, trained), forecast(case, world, trained)
    assert list(scores.method.values)[:2] == ["gtf", "agtf"] and "true_orbit" in scores.method
    assert (scores.method_d_stsp.sel({"method": "true_orbit"}) < scores.method_d_stsp.sel({"method": "var"})).all()
    assert isinstance(ahead, xr.Dataset) and (ahead.method_prediction_error >= 0).all()


def test_the_spiral_is_stationary_turns_and_forgets():
    world = simulate(reconstruction(dict(source="spiral", decay=0.5, turn=8.0, dt=0.02), noise=(0.0,)))
    x = world.reference.values - world.reference.values.mean((0, 1))
    plane = x[..., 0] + 1j * x[..., 1]
    lagged = (plane[:, 1:] * plane[:, :-1].conj()).mean() / (abs(plane) ** 2).mean()
    assert abs(lagged) == pytest.approx(np.exp(-0.01), abs=5e-3)
    assert np.angle(lagged) == pytest.approx(0.16, abs=5e-3)
    assert float(world.lyapunov_true) == -0.5


def test_untrained_networks_stay_as_they_start():
    case = reconstruction(updates=0, start="random", growth=dict(trained_at=0.4, lengths=[4, 8, 16], batch=4))
    trained = train(case, without_truth(simulate(case)))
    weights = trained["shplrnn"].W1
    assert (weights[:, :1] == weights).all() and trained["update"].values.tolist() == [0]
    assert np.isfinite(trained["log10_max_gradient_norm"]).all()
    assert trained["gradient_growth"].dims == ("noise", "alpha", "seed")


def test_windows_of_one_step_train_all_forcings_alike():
    case = reconstruction(window=1, gentle_below=0.0)
    world = simulate(case)
    weights = train(case, without_truth(world))["shplrnn"]
    first = weights.W1.sel(forcing="0") if "forcing" in weights.coords else weights.W1[:, 0]
    np.testing.assert_allclose(first, weights.W1[:, 2], rtol=1e-5, atol=1e-6)
