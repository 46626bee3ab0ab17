"""Known answers: conservation, inversion, a linear wave's growth, scores of equal and independent states; archive."""

import numpy as np
import pytest
import torch
import xarray as xr

from pesin.errors import UserError
from pesin.forecast.probabilistic import crps_ensemble, crps_gaussian
from pesin.params import check
from project import case_of
from studies.chaosbench_s2s import archive, flow, forecast, nets, scores
from studies.chaosbench_s2s.params import Params
from studies.chaosbench_s2s.simulate import simulate
from studies.chaosbench_s2s.train import Days, fit, losses, normalised

STUDY = "chaosbench_s2s"
F, BETA = 0.5, 0.25


def case(step, name="surrogate", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def drawn(points=32, size=1.0, runs=2, highest=5):
    """Modes of smooth vorticity, in double precision."""
    hat = np.fft.rfft2(np.random.default_rng(0).standard_normal((runs, 2, points, points)))
    k, l = flow.waves(points)
    return size * hat * (np.hypot(k, l) * 4 < highest)


def invariants(modes):
    """Energy and potential enstrophy of each run."""
    psi = flow.to_psi(modes, F)
    hat = np.fft.rfft2(psi)
    k, l = flow.waves(psi.shape[-1])
    gradients = [np.fft.irfft2(1j * part * hat, s=psi.shape[-2:]) for part in (k, l)]
    kinetic = sum(np.square(part).mean((1, 2, 3)) for part in gradients)
    q = np.fft.irfft2(modes, s=psi.shape[-2:])
    return kinetic + F / 2 * np.square(psi[:, 0] - psi[:, 1]).mean((1, 2)), np.square(q).mean((1, 2, 3))


def test_energy_and_enstrophy_are_conserved():
    """Without shear, friction and filter, with beta; the products of the lowest modes are exact."""
    advance, modes = flow.model(32, F, BETA, 0.0, 40, filtered=False, precision=np.float64), drawn(highest=3)
    before = invariants(modes)
    for _ in range(3):
        modes = advance(modes, np.zeros(2))
    for then, now in zip(before, invariants(modes), strict=True):
        np.testing.assert_allclose(now, then, rtol=1e-6)


def test_inversion_undoes_the_vorticity():
    psi = np.random.default_rng(1).standard_normal((3, 2, 24, 24))
    psi -= psi.mean((2, 3), keepdims=True)
    np.testing.assert_allclose(flow.to_psi(flow.to_modes(psi, F), F), psi, atol=1e-5)


def test_a_small_wave_grows_as_the_linear_problem_says():
    """Phillips' problem, one wave along x, against the matrix exponential."""
    from scipy.linalg import expm

    points, shear, wave = 24, 0.5, 3
    k = 2 * np.pi / flow.SIDE * wave
    a, b = (part[0, wave] for part in flow.inversion(points, F))
    invert = np.array([[a, b], [b, a]])
    sign = np.array([1.0, -1.0])
    matrix = -1j * k * (np.diag(BETA + 2 * F * sign * shear) @ invert + np.diag(sign * shear))
    matrix[1] += 0.2 * k**2 * invert[1]
    modes = np.zeros((1, 2, points, points // 2 + 1), complex)
    modes[0, :, 0, wave] = 1e-3, 0.5e-3j
    advance = flow.model(points, F, BETA, 0.2, 20, precision=np.float64)
    for _ in range(5):
        modes = advance(modes, shear)
    expected = expm(5 * matrix) @ np.array([1e-3, 0.5e-3j])
    np.testing.assert_allclose(modes[0, :, 0, wave], expected, rtol=1e-5)


def test_channels_are_derivatives_of_the_stream_function():
    x = np.arange(32) * flow.SIDE / 32
    y, x = np.meshgrid(x, x, indexing="ij")
    psi = np.stack([np.sin(0.5 * x) * np.cos(0.25 * y)] * 2)
    found = dict(zip(flow.CHANNELS, flow.channels(psi, F), strict=True))
    np.testing.assert_allclose(found["v1"], 0.5 * np.cos(0.5 * x) * np.cos(0.25 * y), atol=1e-5)
    np.testing.assert_allclose(found["u2"], 0.25 * np.sin(0.5 * x) * np.sin(0.25 * y), atol=1e-5)
    np.testing.assert_allclose(found["q1"], -(0.5**2 + 0.25**2) * psi[0], atol=1e-5)


def test_spectra_of_a_wave_and_by_parseval():
    x = np.arange(32) * 2 * np.pi / 32
    wave = torch.as_tensor(np.cos(7 * x)[None] * np.ones((32, 1)))
    found = scores.spectrum(wave).numpy()
    assert found.argmax() == 7 and found[7] > 1e6 * np.delete(found, 7).max()
    noise = torch.as_tensor(np.random.default_rng(0).standard_normal((400, 32, 32)))
    np.testing.assert_allclose(scores.spectrum(noise).mean(0)[1:], 32**2, rtol=0.1)


def test_spectral_divergence_sees_shapes_and_no_amplitudes():
    rng = np.random.default_rng(0)
    s = rng.uniform(1, 2, (5, 17))
    np.testing.assert_allclose(scores.divergence(s, s), 0, atol=1e-15)
    np.testing.assert_allclose(scores.divergence(s, 0.01 * s), 0, atol=1e-12)
    steep = s * np.exp(-np.arange(17))
    assert (scores.divergence(s, steep) > 0.1).all()
    by_torch = scores.divergence(torch.as_tensor(s), torch.as_tensor(steep))
    np.testing.assert_allclose(by_torch, scores.divergence(s, steep))


def test_errors_of_independent_states_and_of_climatology():
    """RMSE over climatology's: sqrt(2) of an independent state, 1 of the mean; SpecDiv 0 of the truth."""
    rng = np.random.default_rng(0)
    params = case("forecast").params
    truth = rng.standard_normal((12, 45, 3, 24, 24)).astype(np.float32)
    models = [truth, np.zeros_like(truth), rng.standard_normal(truth.shape).astype(np.float32)]
    found = dict(zip(("truth", "climatology", "independent"), models, strict=True))
    result = {name: variable[1] for name, variable in forecast.scores(params, found, truth).items()}
    np.testing.assert_allclose(result["ratio"][0], 0, atol=1e-6)
    np.testing.assert_allclose(result["ratio"][1], 1, atol=1e-6)
    np.testing.assert_allclose(result["ratio"][2], 2**0.5, rtol=0.05)
    np.testing.assert_allclose(result["correlation"][0], 1, rtol=1e-5)
    np.testing.assert_allclose(result["correlation"][1], 0, atol=1e-9)
    np.testing.assert_allclose(result["specdiv"][0], 0, atol=1e-12)
    np.testing.assert_array_equal(result["late_fields"][2], 3)
    np.testing.assert_array_equal(result["late_fields"][0], 0)


def test_a_reliable_ensemble_without_skill():
    """The mean of n draws has sqrt(1 + 1 / n) of climatology's error; CRPSS is 0; spread and error agree."""
    rng = np.random.default_rng(0)
    n, truth = 4, rng.standard_normal((6, 15, 3, 24, 24))
    members = rng.standard_normal((n, *truth.shape))
    crps = crps_ensemble(np.moveaxis(members, 0, -1).reshape(6, 15, -1, n), truth.reshape(6, 15, -1))
    ensemble = {"crps": crps, "spread": members.var(0, ddof=1).mean((2, 3, 4))}
    result = forecast.of_centre(truth, members.mean(0), ensemble, n)
    np.testing.assert_allclose(result["excess"][1], 1, rtol=0.02)
    np.testing.assert_allclose(result["crpss"][1], 0, atol=0.06)
    np.testing.assert_allclose(result["reliability"][1], 1, rtol=0.02)


def test_crps_of_a_normal_law_at_its_mean():
    assert crps_gaussian([1.0], [2.0], [1.0]) == pytest.approx(2 * 0.2337, rel=1e-3)


def test_information_of_a_correlation():
    np.testing.assert_allclose(scores.information(np.array([0.0, 0.6, -0.6])), [0, *[-0.5 * np.log(0.64)] * 2])
    assert np.isfinite(scores.information(1.0))


@pytest.mark.parametrize("kind", ["unet", "fno"])
def test_nets_move_with_the_square(kind):
    """Shifted fields give shifted forecasts: by whole blocks of the U-Net, by any points of the FNO."""
    generator = torch.Generator().manual_seed(0)
    made = {"unet": lambda: nets.init_unet(2, 4, generator), "fno": lambda: nets.init_fno(2, 4, 3, 2, generator)}[
        kind
    ]()
    x, shear, change = torch.randn(2, 3, 8, 24, 24, generator=generator), torch.zeros(2, 3), torch.ones(2, 1, 8, 1, 1)
    shifts = (8, -4) if kind == "unet" else (5, 3)
    there = nets.a_day(kind, made, x.roll(shifts, (3, 4)), shear, change)
    torch.testing.assert_close(
        there, nets.a_day(kind, made, x, shear, change).roll(shifts, (3, 4)), atol=1e-5, rtol=1e-4
    )
    alone = {name: value[1:] for name, value in made.items()}
    torch.testing.assert_close(
        nets.a_day(kind, alone, x[1:], shear[1:], change[1:])[0],
        nets.a_day(kind, made, x, shear, change)[1],
        atol=1e-5,
        rtol=1e-4,
    )


def test_spectral_layer_with_the_identity_is_a_low_pass():
    m, x = 3, torch.randn(1, 1, 2, 24, 24, generator=torch.Generator().manual_seed(0))
    weight = torch.zeros(1, 2 * m * m, 2, 2, 2)
    weight[..., 0] = torch.eye(2)
    found = torch.fft.rfft2(nets.spectral(weight, x))
    kept = torch.cat([torch.fft.rfft2(x)[..., :m, :m], torch.fft.rfft2(x)[..., -m:, :m]], -2)
    torch.testing.assert_close(
        torch.cat([found[..., :m, :m], found[..., -m:, :m]], -2)[..., 1:], kept[..., 1:], atol=1e-4, rtol=1e-4
    )
    assert found[..., m:].abs().max() < 1e-4 and found[..., m:-m, 1:].abs().max() < 1e-4


def test_a_state_that_blows_up_is_held():
    made = nets.init_unet(1, 4, torch.Generator().manual_seed(0))
    x = torch.full((1, 1, 8, 24, 24), 1e4)
    assert nets.a_day("unet", made, x, torch.zeros(1, 1), torch.ones(1, 1, 8, 1, 1)).abs().max() <= nets.LIMIT


def test_drawn_days_follow_each_other_unless_shuffled():
    fields = np.arange(3 * 2 * 20, dtype=np.float32).reshape(3, 2, 20, 1, 1, 1) * np.ones(
        (1, 1, 1, 8, 1, 1), np.float32
    )
    for pairs, apart in (("true", False), ("shuffled", True)):
        days = Days(case("train", train={"pairs": pairs, "batch": 50}), fields, np.zeros((3, 2, 20), np.float32))
        x, shear, y = days.draw(np.random.default_rng(0), 4)
        assert y.shape == (4, 3, 50, 8, 1, 1) and shear.shape == (4, 3, 50)
        assert ((y[0] - x) != 1).any() == apart
        torch.testing.assert_close(y[1:] - y[:-1], torch.ones_like(y[1:]))
        assert (x.flatten(1).amin(1) >= torch.tensor([0.0, 40, 80])).all()


def test_training_lowers_the_loss_and_the_penalty_adds_to_it():
    one = case("train", train={"steps": 20, "batch": 3})
    world = simulate(case("simulate", simulate={"spin_up": 30, "days": 12, "steps": 6}))
    fields, _ = normalised(world["train/psi"].values, F)
    days = Days(one, fields, world["train/shear"].values.astype(np.float32))
    made = nets.init_unet(3, 8, torch.Generator().manual_seed(0))
    x, shear, (y,) = days.draw(np.random.default_rng(0), 1)

    def error():
        return losses("unet", 0.0)(nets.a_day("unet", made, x, shear[0], days.change), y).mean().item()

    before, still = error(), losses("unet", 0.0)(x, y).mean().item()
    curves = fit(one, "base", made, days, 20, 5e-3)
    assert curves.shape == (3, 20) and np.isfinite(curves).all()
    assert error() < 0.9 * min(before, still)
    assert (losses("unet_spectral", 1.0)(x, y) > losses("unet", 1.0)(x, y)).all()
    torch.testing.assert_close(losses("unet_spectral", 1.0)(x, x), torch.zeros(3), atol=1e-6, rtol=0)


def daily(path, **sizes):
    shape = {"time": 2, "param": 6, "level": 10, "lat": 121, "lon": 240} | sizes
    xr.Dataset({"era5": (tuple(shape), np.zeros(tuple(shape.values()), np.float32))}).to_netcdf(path)


def test_the_archive_is_counted_and_its_shape_asked_for(tmp_path):
    with pytest.raises(UserError, match=r"simulate.archive.*has no NetCDF files.*huggingface"):
        archive.count_frames(str(tmp_path))
    daily(tmp_path / "a.nc")
    daily(tmp_path / "b.nc", time=1)
    assert archive.count_frames(str(tmp_path)) == 3 * 60
    daily(tmp_path / "c.nc", level=9)
    with pytest.raises(UserError, match="c.nc must have the dimensions"):
        archive.count_frames(str(tmp_path))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"points": 30}}, "simulate.points"),
        ({"simulate": {"days": 10}, "train": {"rollout": 10}}, "simulate.days: 10 days have no stretch"),
        ({"train": {"fno": {"width": 4, "modes": 20, "layers": 1, "rate": 0.1}}}, "train.fno.modes"),
        ({"forecast": {"late": 60}}, "forecast.late: day 60 lies after"),
        ({"entropy": {"fitted": 50}}, "entropy.fitted: day 50 lies after"),
        ({"train": {"pairs": "some"}}, "train.pairs"),
    ],
)
def test_bad_parameters_are_named(change, said):
    whole = case("simulate").params.model_dump()
    for step, values in change.items():
        whole[step] |= values
    with pytest.raises(UserError, match=said):
        check(Params, whole, STUDY)
