"""Known answers: the amplitude equation, windows that don't look ahead, laws and attributions against torch, onsets."""

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.stats import kstest

from pesin.errors import UserError
from pesin.models.gaussian_nets import gaussian_head
from pesin.models.mlp import apply_mlp, init_mlp
from pesin.params import check
from project import case_of
from stopping import assert_goes_on
from studies.thermoacoustic_bayesian_forecast import combustor, onset, windows
from studies.thermoacoustic_bayesian_forecast.entropy import broken, calibration, pit_distance, widened
from studies.thermoacoustic_bayesian_forecast.networks import Laws, Networks, ensemble
from studies.thermoacoustic_bayesian_forecast.params import Failure, Params
from studies.thermoacoustic_bayesian_forecast.simulate import MEASURED, recorded, simulate
from studies.thermoacoustic_bayesian_forecast.train import scales, train, weights

STUDY = "thermoacoustic_bayesian_forecast"
TINY = {
    "simulate": {"seeds": 3, "train_runs": 3, "test_runs": 2, "duration": 5},
    "train": {"sizes": [1, 2, 3], "members": 2, "hidden": [4], "batch": 8, "steps": 6},
}


def case(step, name="bkd", **change):
    return case_of(STUDY, name, step, "smoke", **change)


@pytest.fixture(scope="module")
def tiny():
    return simulate(case("simulate", **TINY))


# ---------------------------------------------------------------------------------------------------------- the world


def test_a_command_stays_in_its_levels_and_is_held_between_ramps():
    times = combustor.DT * np.arange(5000)
    x = combustor.command(np.random.default_rng(0), times)
    low, high = combustor.LEVELS
    assert low <= x.min() and x.max() <= high
    moving = np.flatnonzero(np.abs(np.diff(x)) > 1e-9)
    breaks = np.diff(moving)
    held = combustor.DT * breaks[breaks > 1]
    assert held.size > 5 and held.min() > combustor.HOLD[0] - 0.02 and held.max() < combustor.HOLD[1] + 0.02
    assert np.abs(np.diff(x)).max() <= (high - low) * combustor.DT / combustor.RAMP + 1e-9


def test_a_relaxed_step_is_an_exponential():
    step = np.r_[0.0, np.ones(200)]
    lag = combustor.relaxed(step, 0.12)
    np.testing.assert_allclose(lag, 1 - np.exp(-combustor.DT * np.arange(201) / 0.12), atol=1e-12)
    np.testing.assert_allclose(combustor.relaxed(np.full((2, 50), 0.7), 1.5), 0.7, rtol=1e-12)


def test_the_growth_rate_of_steady_equal_commands():
    steady = np.full((1, 20), 0.92)
    pressure, thermal, rate = combustor.growth_rate(steady, steady, np.array([0.1]))
    np.testing.assert_allclose(pressure, 0.92)
    np.testing.assert_allclose(thermal, 0, atol=1e-12)
    np.testing.assert_allclose(rate, 5 * (1 - 1.02) + 3 * 0.1 - 0.3)


@pytest.mark.parametrize("rate", [-2.0, 1.5, 3.0])
def test_amplitudes_at_a_fixed_rate_have_the_stationary_density(rate):
    """p(A) ~ A exp[(2 / s^2) (g A^2 / 2 - 6 A^4 / 4)]; for g = -2 nearly the linear 2 s^2 / (2 g) = 0.0018."""
    a = np.linspace(1e-4, 1.2, 4000)
    log = np.log(a) + 2 / combustor.NOISE**2 * (rate * a**2 / 2 - combustor.CUBIC * a**4 / 4)
    p = np.exp(log - log.max())
    square = (p * a**2).sum() / p.sum()
    path = combustor.amplitudes(np.random.default_rng(1), np.full((500, 1600), rate))
    assert (path[:, 800:] ** 2).mean() == pytest.approx(square, rel=0.06)
    if rate == -2:
        assert square == pytest.approx(0.0018, rel=0.02)
    if rate == 3:
        assert path[:, 800:].mean() == pytest.approx(np.sqrt(rate / combustor.CUBIC), rel=0.02)


def test_a_subcritical_onset_is_abrupt():
    """Just above g = 0 the cycle is at A^2 = (9 + sqrt(81 + 48 g)) / 24, far from 0; the supercritical one is small."""
    rate = np.full((20, 2000), 0.5)
    end = combustor.amplitudes(np.random.default_rng(2), rate, subcritical=True)[:, -200:].mean()
    assert end == pytest.approx(np.sqrt((9 + np.sqrt(81 + 48 * 0.5)) / 24), rel=0.03)


def test_a_campaign_has_its_runs_and_its_truth(tiny):
    assert tiny["hfA"].dims == ("seed", "run", "time") and tiny["held_out"].values.tolist() == [0, 0, 0, 1, 1]
    noise = (tiny["hfA"] - tiny["amp_true"]).values
    assert noise.std() == pytest.approx(combustor.SENSOR_NOISE["hfA"], rel=0.03)
    assert tiny["amp_true"].attrs["role"] == "truth"


def test_recorded_runs_are_read_or_named(tmp_path):
    path = tmp_path / "runs.nc"
    times = combustor.DT * np.arange(300)
    values = np.random.default_rng(0).random((6, 300))
    runs = xr.Dataset({name: (("run", "time"), values + i) for i, name in enumerate(MEASURED)}, {"time": times})
    runs.to_netcdf(path)
    found = recorded(case("simulate", **TINY), str(path), 5)
    assert found["oh"].shape == (3, 5, 300)
    np.testing.assert_allclose(found["oh"] - found["hfA"], 1)
    np.testing.assert_array_equal(found["amp_true"], found["hfA"])
    assert all(any(np.array_equal(run, one) for one in values) for run in found["hfA"][0])
    with pytest.raises(UserError, match="6 runs"):
        recorded(case("simulate", **TINY), str(path), 7)
    for change, said in (
        (runs.drop_vars("oh"), "lacks oh"),
        (runs.assign_coords(time=2 * times), "rise by 0.005"),
        (runs.assign(mo=runs["mo"] * np.nan), "mo .* finite"),
    ):
        change.to_netcdf(path)
        with pytest.raises(UserError, match=said):
            recorded(case("simulate", **TINY), str(path), 5)
    path.write_text("no NetCDF")
    with pytest.raises(UserError, match="not public"):
        recorded(case("simulate", **TINY), str(path), 5)


# -------------------------------------------------------------------------------------------------------------- windows


def made_up(seed=0, samples=500):
    rng = np.random.default_rng(seed)
    return {name: rng.random((2, 3, samples)) for name in MEASURED}


def test_inputs_of_a_ramp():
    runs = {name: np.arange(300.0)[None] for name in MEASURED}
    x = windows.inputs(runs)
    assert x.shape == (1, windows.places(300).size, len(windows.GROUPS))
    np.testing.assert_allclose(x[0, 0, :10], 4.5 + 10 * np.arange(10))
    np.testing.assert_allclose(x[0, 0, 12:17], 9.5 + 20 * np.arange(5))
    future = [i for i, group in enumerate(windows.GROUPS) if group == "future commands"]
    np.testing.assert_allclose(x[0, 0, future], np.tile(104.5 + 10 * np.arange(10), 2))
    assert windows.target(runs["hfA"])[0, 0] == 194.5 and windows.present(runs["hfA"])[0, 0] == 94.5


def test_no_input_holds_a_sensors_future_and_the_target_lies_after_all_of_them():
    runs = made_up()
    at = windows.places(500)[7]
    for name in MEASURED:
        later = runs[name].copy()
        later[..., at:] += 1
        moved = (windows.inputs(runs | {name: later}) != windows.inputs(runs))[:, :, 7].any((0, 1))
        seen = {group for group, yes in zip(windows.GROUPS, moved, strict=True) if yes}
        assert seen == ({"future commands"} if name in windows.COMMANDS else set())
    earlier = runs["hfA"].copy()
    earlier[..., : at + windows.AHEAD - windows.LAST] = 0
    np.testing.assert_array_equal(windows.target(earlier)[..., 7], windows.target(runs["hfA"])[..., 7])


def test_autocorrelation_of_what_alternates_and_of_what_is_still():
    np.testing.assert_allclose(windows.autocorrelation(np.tile([1.0, -1.0], 50)), -0.99)
    assert windows.autocorrelation(np.full(100, 0.3)) == 0


def test_masks_leave_out_what_they_say():
    held = {name: {g for g, m in zip(windows.GROUPS, windows.mask(name), strict=True) if m} for name in
            ("all", "no_oh", "dynamic_pressure", "commands")}  # fmt: skip
    commands = {"past commands", "future commands"}
    assert held["all"] == commands | set(windows.SENSORS) and held["commands"] == commands
    assert held["no_oh"] == held["all"] - {"oh"} and held["dynamic_pressure"] == commands | {"dynamic_pressure"}


def test_scales_are_of_the_first_training_runs_alone():
    x = np.random.default_rng(0).random((2, 4, 30, 5))
    x[..., 4] = 7
    mean, deviation = windows.standard(x, 2)
    np.testing.assert_allclose(mean, x[:, :2].reshape(2, -1, 5).mean(1))
    np.testing.assert_allclose(deviation[:, :4], x[:, :2].reshape(2, -1, 5).std(1)[:, :4])
    np.testing.assert_allclose(deviation[:, 4], 1)


def test_sensors_of_another_run_come_from_the_same_side_of_the_split(tiny):
    own, other = (windows.given(tiny, which) for which in ("own", "other_run"))
    for name, _ in windows.BLOCKS.values():
        np.testing.assert_array_equal(other[name], own[name][:, [1, 2, 0, 4, 3]])
    for name in windows.COMMANDS:
        np.testing.assert_array_equal(other[name], own[name])


# ------------------------------------------------------------------------------------------------------------- networks


def untaught(hidden, seeds=2, networks=3):
    """Networks as the train step hands them on, of random weights, and the same as tensors in float64."""
    params = case("train", train={"hidden": hidden}).params.train
    rng = np.random.default_rng(3)
    x = rng.normal(2, 3, (seeds, params.sizes[-1], 20, len(windows.GROUPS)))
    y = rng.normal(1, 2, x.shape[:-1])
    sizes = [x.shape[-1], *hidden, 2]
    start = init_mlp(seeds * networks, sizes, torch.Generator().manual_seed(0))
    held = {name: value.detach().double() * 2 for name, value in start.items()}
    tree = xr.DataTree.from_dict({"scale": scales(x, y, params.sizes), "start": weights(held, (seeds, networks))})
    return Networks(tree, params, "all", "untrained"), held, params, tree["scale"].to_dataset().isel(size=-1), x[:, 0]


def test_laws_are_those_of_torch():
    networks, held, params, scale, x = untaught([5, 4])
    z = (x - scale["input_mean"].values[:, None]) / scale["input_scale"].values[:, None]
    many = torch.as_tensor(z).repeat_interleave(3, 0)
    mean, log_std = gaussian_head(apply_mlp(held, many, torch.tanh), params.floor, params.ceiling)
    shift, unit = (scale[name].values[:, None, None] for name in ("target_mean", "target_scale"))
    found = networks.laws(x)
    np.testing.assert_allclose(found.mean, shift + unit * mean.numpy().reshape(2, 3, -1), rtol=1e-9)
    np.testing.assert_allclose(found.deviation, unit * log_std.exp().numpy().reshape(2, 3, -1), rtol=1e-9)


def test_attributions_are_complete_and_their_slopes_those_of_torch():
    networks, held, _, _, x = untaught([5, 4])
    found, difference = networks.attributions(x, 60)
    np.testing.assert_allclose(found.sum(-1), difference, atol=1e-8)
    z = torch.as_tensor(networks.standard(x)).requires_grad_()
    out = apply_mlp(held, z.repeat_interleave(3, 0), torch.tanh)[..., 0].reshape(2, 3, -1)[:, 1:].mean(1)
    (slope,) = torch.autograd.grad(out.sum(), z)
    np.testing.assert_allclose(networks._slope(z.detach().numpy()), slope.numpy(), atol=1e-12)


def test_a_mask_takes_all_attribution_of_a_sensor():
    networks, *_, x = untaught([4])
    networks.mask = windows.mask("no_oh")
    found, _ = networks.attributions(x, 8)
    oh = np.array(windows.GROUPS) == "oh"
    assert (found[..., oh] == 0).all() and (found[..., ~oh] != 0).any()


def test_copies_have_no_epistemic_part_and_the_ensemble_leaves_the_deterministic_network_out():
    rng = np.random.default_rng(0)
    laws = Laws(rng.random((2, 4, 6)), 0.1 + rng.random((2, 4, 6)))
    mean, aleatoric, epistemic = ensemble(laws, copies=True)
    np.testing.assert_allclose(mean, laws.mean[:, 0])
    np.testing.assert_allclose(aleatoric, laws.deviation[:, 0] ** 2)
    np.testing.assert_allclose(epistemic, 0, atol=1e-30)
    mean, aleatoric, epistemic = ensemble(laws)
    np.testing.assert_allclose(mean, laws.mean[:, 1:].mean(1))
    np.testing.assert_allclose(epistemic, laws.mean[:, 1:].var(1))


def test_a_strong_anchor_holds_the_members_and_not_the_deterministic_network(tiny):
    held = train(case("train", **TINY | {"train": TINY["train"] | {"anchor": 1e9}}), tiny)
    free = train(case("train", **TINY), tiny)
    for tree, bound in ((held, 0.2), (free, 1.0)):
        moved = np.abs(tree["weights"]["weight_0"] - tree["start"]["weight_0"])
        ratio = (moved.isel(network=slice(1, None)).mean() / moved.isel(network=0).mean()).item()
        assert (ratio < 0.8) if bound < 1 else 0.5 < ratio < 2


def test_a_set_of_sensors_moves_no_weight_of_what_it_is_not_given(tiny):
    tree = train(case("train", **TINY | {"train": TINY["train"] | {"anchor": 0}}), tiny)
    moved = (tree["weights"]["weight_0"] - tree["start"]["weight_0"]).sel(arm="commands")
    given = windows.mask("commands") == 1
    assert (moved.values[..., ~given, :] == 0).all() and (moved.values[..., given, :] != 0).any()


def test_a_training_that_was_stopped_goes_on(tiny, tmp_path, monkeypatch):
    assert_goes_on(lambda one: train(one, tiny), case("train", **TINY), tmp_path, monkeypatch, 3)


# -------------------------------------------------------------------------------------- deviations, failures and onsets


def test_truths_drawn_from_the_laws_are_calibrated_and_half_the_width_is_a_surprise_of_three_halves():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(2, 3, 4000)) * 0.1
    mean[:] = mean[:, :1]
    laws = Laws(mean, np.full(mean.shape, 0.3))
    truth = mean[:, 0] + 0.3 * rng.standard_normal((2, 4000))
    found = calibration(laws, truth)
    np.testing.assert_allclose(found["surprise"][1], 0, atol=0.05)
    np.testing.assert_allclose(found["coverage"][1], 0.95, atol=0.015)
    np.testing.assert_allclose(found["predictive_entropy"][1], 0.5 * np.log(2 * np.pi * np.e) + np.log(0.3))
    assert (found["pit_distance"][1] < 0.03).all()
    np.testing.assert_allclose(calibration(widened(laws, 0.5), truth)["surprise"][1], 1.5, atol=0.15)


def test_widening_scales_both_variances():
    rng = np.random.default_rng(1)
    laws = Laws(rng.random((2, 4, 6)), 0.1 + rng.random((2, 4, 6)))
    for before, after, factor in zip(ensemble(laws), ensemble(widened(laws, 0.5)), (1, 0.25, 0.25), strict=True):
        np.testing.assert_allclose(after, factor * before)


def test_the_distance_of_the_transform_is_kolmogorovs():
    u = np.random.default_rng(0).beta(2, 1, (3, 50))
    np.testing.assert_allclose(pit_distance(u), [kstest(one, "uniform").statistic for one in u])


def test_failed_sensors_say_their_level():
    rng, healthy = np.random.default_rng(0), np.zeros((2, 3, 2000))
    assert (broken(rng, healthy, Failure(level=1.5, noise=0), np.zeros(2)) == 1.5).all()
    stuck = broken(rng, healthy, Failure(level="median", noise=0.01), np.array([0.1, 0.2]))
    np.testing.assert_allclose(stuck.mean((1, 2)), [0.1, 0.2], atol=1e-3)
    assert stuck.std(-1).mean() == pytest.approx(0.01, rel=0.1)


def test_onsets_come_after_a_quiet_second():
    amplitude = np.full(80, 0.1)
    amplitude[[5, 30, 31, 45, 70]] = 0.4
    assert onset.onsets(amplitude).tolist() == [30, 70]


def test_a_lead_time_counts_alarms_without_a_break():
    alarm = np.zeros(60, bool)
    alarm[30:40] = True
    assert onset.lead_time(alarm, 40) == pytest.approx(0.5)
    alarm[35] = False
    assert onset.lead_time(alarm, 40) == pytest.approx(0.2)
    assert onset.lead_time(alarm, 41) == 0
    assert onset.lead_time(np.ones(60, bool), 40) == pytest.approx(1.0)


def test_windows_before_an_onset_and_how_scores_tell_them():
    present, target = np.array([0.1, 0.1, 0.4, 0.2]), np.array([0.4, 0.1, 0.4, 0.2])
    positive, negative = onset.before_onset(present, target)
    assert positive.tolist() == [True, False, False, False] and negative.tolist() == [False, True, False, True]
    assert onset.separation(np.array([3.0, 1, 9, 2]), positive, negative) == 1
    assert onset.separation(np.array([1.5, 1, 9, 2]), positive, negative) == 0.5
    assert np.isnan(onset.separation(present, positive, ~negative & False))
    scores = np.arange(1000.0)
    level = onset.alarm_level(scores, np.ones(1000, bool), 0.02)
    assert (scores > level).mean() == pytest.approx(0.02, abs=0.002)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": {"sizes": [3, 6, 8]}}, "simulate.train_runs"),
        (
            {"train": {"sets": ["all", "no_oh", "no_pressure", "no_injector", "dynamic_pressure", "commands"]}},
            "_dynamic",
        ),
        ({"train": {"floor": 20.0}}, "floor"),
        ({"train": {"sizes": [6, 3, 9]}}, "rise"),
        ({"entropy": {"failures": {"zero": {"level": 0, "noise": 0}}}}, "out_of_range"),
    ],
)
def test_bad_parameters_are_named(change, said):
    whole = case("simulate").params.model_dump()
    for step, values in change.items():
        whole[step] |= values
    with pytest.raises(UserError, match=said):
        check(Params, whole, STUDY)
