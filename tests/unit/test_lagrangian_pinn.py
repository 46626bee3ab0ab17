"""Known answers: exact fields and their widths, residuals of exact solutions, controls, windows, interpolation."""

import numpy as np
import pytest
import torch

from pesin.errors import UserError
from pesin.models.mlp import repeat_runs
from pesin.models.physics_informed import init_xavier
from pesin.params import check
from project import case_of, plan
from stopping import assert_goes_on
from studies.lagrangian_pinn.exact.entropy import entropy as exact_entropy
from studies.lagrangian_pinn.exact.simulate import simulate
from studies.lagrangian_pinn.learned import residuals
from studies.lagrangian_pinn.learned.entropy import entropies, shares
from studies.lagrangian_pinn.learned.forecast import forecast, on_grid
from studies.lagrangian_pinn.learned.params import Params
from studies.lagrangian_pinn.learned.residuals import Runs, lpinn_residuals, pinn_residual
from studies.lagrangian_pinn.learned.train import fit, train
from studies.lagrangian_pinn.problems import Problems, at_places, modes_needed, paths, resting, snapshots

STUDY = "lagrangian_pinn"


def case(step, name="learned", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


@pytest.fixture(scope="module")
def problems() -> Problems:
    return case("simulate", "exact", "laptop").params.problems


# ------------------------------------------------------------------------------------------------------- exact fields


def test_modes_and_singular_values_of_the_card(problems):
    sine, pulse = resting(problems, "sine"), resting(problems, "pulse")
    assert [modes_needed(snapshots(problems, sine, c)) for c in (0, 1, 30)] == [1, 2, 2]
    for speed, ratio in ((1, 0.2965), (5, 0.8277), (10, 0.9397), (50, 0.9951)):
        values = np.linalg.svd(snapshots(problems, sine, speed), compute_uv=False)
        assert values[1] / values[0] == pytest.approx(ratio, abs=1e-4) and values[2] < 1e-10 * values[0]
    assert [modes_needed(snapshots(problems, pulse, c)) for c in (0, 1, 5, 10, 30)] == [1, 7, 24, 28, 28]


def test_along_characteristics_convection_has_one_mode_and_burgers_fewer():
    found = exact_entropy(case("entropy", "exact"), simulate(case("simulate", "exact")))
    assert (found["n_modes"].sel(problem=["sine", "pulse"], frame="lagrangian") == 1).all()
    burgers = found["n_modes"].sel(problem="burgers", speed=10)
    assert burgers.sel(frame="lagrangian") < burgers.sel(frame="eulerian")
    assert (found["window_modes"] < found["whole_modes"]).all()
    flat = found["effective_rank"].sel(problem="sine", speed=0)
    np.testing.assert_allclose(flat, 1, atol=1e-6)


def test_shifts_by_modes_are_exact(problems):
    field, t = resting(problems, "sine"), problems.t[:, None]
    places = np.random.default_rng(0).uniform(0, 9, (len(t), 7))
    np.testing.assert_allclose(at_places(field, places), np.sin(places), atol=1e-12)
    np.testing.assert_allclose(snapshots(problems, field, 10), np.sin(problems.x - 10 * t), atol=1e-12)
    viscous = problems.model_copy(update={"viscosity": problems.viscosity | {"sine": 0.3}})
    np.testing.assert_allclose(resting(viscous, "sine"), np.exp(-0.3 * t) * np.sin(problems.x), atol=1e-12)


def test_burgers_agrees_with_cole_and_hopf(problems):
    """w = -2 nu (ln phi)_x, where phi is the heat kernel's mean of exp(cos / (2 nu)): a second way to the field."""
    nu, x, t = problems.viscosity["burgers"], problems.x, 0.8
    start = np.exp((np.cos(x) - 1) / (2 * nu))
    wave = np.arange(len(x) // 2 + 1)
    modes = np.fft.rfft(start) * np.exp(-nu * wave**2 * t)
    w = -2 * nu * np.fft.irfft(1j * wave * modes, len(x)) / np.fft.irfft(modes, len(x))
    at = problems.model_copy(update={"times": 81})
    np.testing.assert_allclose(resting(at, "burgers")[64], w, atol=1e-5)


def test_burgers_decays_keeps_its_mean_and_its_paths_never_cross(problems):
    field = resting(problems, "burgers")
    np.testing.assert_allclose(field.mean(1), 0, atol=1e-12)
    variation = abs(np.diff(field, axis=1, append=field[:, :1])).sum(1)
    assert (np.diff(variation) < 1e-9).all() and (np.diff((field**2).sum(1)) < 0).all()
    assert (np.diff(paths(problems, "burgers", field), axis=1) > 0).all()


# ---------------------------------------------------------------------------------------------------------- residuals


class Closed:
    """A closed form in the place of a network's jet: values and derivatives along x and t by reverse mode."""

    def __init__(self, state, path):
        self.of = {"state": state, "path": path}

    def jet(self, branch, x, t, order):
        x, t = x.clone().requires_grad_(), t.clone().requires_grad_()
        value = self.of[branch](x, t)
        first = torch.autograd.grad(value.sum(), (x, t), create_graph=True, materialize_grads=True)
        bends = [torch.autograd.grad(f.sum(), (x, t), retain_graph=True, materialize_grads=True)[i]
                 if f.requires_grad else torch.zeros_like(x) for i, f in enumerate(first)]  # fmt: skip
        rows = [value[..., None], torch.stack(first, -1)[..., None], torch.stack(bends, -1)[..., None]]
        return [row.detach() for row in rows[: order + 1]]


def closed(monkeypatch, state, path=None):
    """Let `mlp_jet` return a closed form's derivatives; parameters only name the branch."""
    form = Closed(state, path)

    def jet(parameters, inputs, directions, activation, order=2, curvature=None):
        x = torch.atan2(inputs[..., 1], inputs[..., 0])
        found = form.jet(parameters["branch"], x, inputs[..., 2], order)
        return [found[0], *(part[..., -directions.shape[-2] :, :] for part in found[1:])]

    monkeypatch.setattr(residuals, "mlp_jet", jet)
    monkeypatch.setattr(residuals, "branch", lambda parameters, name: {"branch": name})


def points(n=40):
    draw = torch.Generator().manual_seed(0)
    x = (torch.rand(1, n, generator=draw, dtype=torch.float64) - 0.5) * 6
    return x, torch.rand(1, n, generator=draw, dtype=torch.float64)


def runs(name, speed, nu):
    given = case("train").params.problems
    return Runs.of(given.model_copy(update={"viscosity": {name: nu}}), [(name, speed)], 1)


def test_exact_waves_leave_nothing_and_others_do(monkeypatch):
    """e^(-nu t) sin(x - c t) on the grid; along x0 + c t the viscous sine is e^(-nu t) sin x0."""
    x, t = points()
    for nu in (0.0, 0.1):
        wave = runs("sine", 10.0, nu)
        closed(monkeypatch, lambda x, t, nu=nu: torch.exp(-nu * t) * torch.sin(x - 10 * t))
        assert abs(pinn_residual({}, wave, x, t)).max() < 1e-5
        assert abs(pinn_residual({}, runs("sine", 9.0, nu), x, t)).max() > 0.1
        closed(monkeypatch, lambda x, t, nu=nu: torch.exp(-nu * t) * torch.sin(x), lambda x, t: 1 + 0 * x * t)
        assert all(abs(part).max() < 1e-6 for part in lpinn_residuals({}, wave, x, t))
        along, left = lpinn_residuals({}, runs("sine", 20.0, nu), x, t)  # x_L = x0 + 20 t then
        assert abs(along).max() < 1e-6 and abs(left).max() < 1e-6


def test_diffusion_along_stretched_labels_needs_the_jacobian(monkeypatch):
    """w = a x / (1 + a t) solves Burgers: x_L = x0 (1 + a t) + c t, U = a x0, J = 1 + a t; and U = x0^2 does not."""
    x, t = points()
    wave = runs("burgers", 2.0, 0.1)
    closed(monkeypatch, lambda x, t: 0.5 * x, lambda x, t: 1 + 0.25 * x)  # s D = c + a x0
    along, left = lpinn_residuals({}, wave, x, t)
    assert abs(along).max() < 1e-6 and abs(left).max() < 1e-6
    closed(monkeypatch, lambda x, t: x**2, lambda x, t: 1 + 0.25 * x)
    stretch = 1 + 0.5 * t
    expected = -0.1 * 2 / stretch**2 * stretch**3 / (1 + stretch**3)
    torch.testing.assert_close(lpinn_residuals({}, wave, x, t)[1], expected, rtol=1e-5, atol=1e-7)


# ------------------------------------------------------------------------------------------------ training and scores


def small(arms):
    """State networks of three seeds, the same for each arm."""
    drawn = init_xavier(3, [3, 6, 1], torch.Generator().manual_seed(1))
    return repeat_runs({f"state_{name}": value for name, value in drawn.items()}, arms)


def test_one_window_is_the_network_of_the_whole_time():
    """So that the control `still` may judge the PINN in its place."""
    this = case("train", train={"steps": 5})
    whole, _ = fit(this, "pinn", small(1), [("pulse", 10.0)], 1)
    window, _ = fit(this, "windows", small(1), [("pulse", 10.0)], 1)
    assert all(torch.equal(whole[k], window[k]) for k in whole)


def test_seeds_share_starts_and_points_so_that_a_slow_arm_stands_for_a_fast_one():
    """The control `slow`: trained at the same speed, two arms are the same networks."""
    this = case("train", train={"steps": 5})
    both, _ = fit(this, "pinn", small(2), [("sine", 1.0), ("sine", 1.0)], 1)
    for value in both.values():
        torch.testing.assert_close(value[:3], value[3:])


def test_a_stopped_training_goes_on(tmp_path, monkeypatch):
    small_ones = case("train", train={"steps": 10})
    assert_goes_on(train, small_ones, tmp_path, monkeypatch, 25)


def test_controls_do_what_they_say():
    exact = simulate(case("simulate", "exact"))
    trained = train(case("train", train={"steps": 6}))
    plain = forecast(case("forecast"), trained, exact)
    still = forecast(case("forecast", forecast={"moving": False}), trained, exact)
    slow = forecast(case("forecast", forecast={"slow": True}), trained, exact)
    x = np.broadcast_to(still["x"].values, still["sine_path"].shape)
    np.testing.assert_array_equal(still["sine_path"], x)
    np.testing.assert_array_equal(still["windows_error"], plain["pulse_error"].sel(pulse_speed=5))
    lone = plain["sine_error"].values[:, :1]
    np.testing.assert_allclose(slow["sine_error"], np.broadcast_to(lone, slow["sine_error"].shape), rtol=1e-5)
    assert np.isnan(slow["rank_correlation"]).all()
    np.testing.assert_allclose(slow["sine_sharpening"], 0, atol=1e-6)
    start = forecast(case("forecast", forecast={"networks": "untrained"}), trained, exact)
    assert start["sine_field"].sel({"method": "pinn"}).std("sine_speed").max() < 1e-6


def test_scattered_fields_are_put_in_order_on_the_circle():
    x = 2 * np.pi / 64 * np.arange(64)
    places = x[None] + 40.3
    np.testing.assert_allclose(on_grid(np.sin(places), places, x), np.sin(x)[None], atol=2e-3)
    assert np.isnan(on_grid(np.sin(places), np.full_like(places, np.nan), x)).all()


def test_values_of_a_wave_that_moves_keep_their_entropy_and_those_of_none_have_little():
    x, t = np.linspace(0, 2 * np.pi, 1024, endpoint=False), np.linspace(0, 1, 5)[:, None]
    moving = entropies(shares(np.sin(x - 7 * t)))
    assert np.ptp(moving) < 0.02
    assert entropies(shares(np.zeros(1024))) < 0.2 < moving.min()
    assert np.isnan(shares(np.full(8, np.nan))).all()


def test_bad_parameters_are_named():
    given = plan("smoke").study(STUDY).cases["learned"].params

    def refused(change, said):
        with pytest.raises(UserError, match=said):
            check(Params, {**given, **change}, "config/studies/lagrangian_pinn.yaml")

    def problems(**change):
        return {"problems": {**given["problems"], **change}}

    refused(problems(viscosity={"sine": 0, "pulse": 0, "burgers": 0}), "viscosity.burgers")
    refused(problems(speeds={"sine": [10, 1], "pulse": [0, 1], "burgers": [1, 10]}), "they must rise")
    refused(problems(window_speed=7), "none of the pulse's speeds")
    refused(problems(speeds={"sine": [1, 10]}), "must name pulse")
    refused({"forecast": {**given["forecast"], "every": 7}}, "doesn't divide")
    refused({"train": {**given["train"], "steps": 3}}, "each window needs")
    refused({"train": {**given["train"], "path_weight": {"sine": 1}}}, "must name burgers")
