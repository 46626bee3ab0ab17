"""Known answers: references, residuals of exact solutions, causal weights, the ladder, controls, stopped trainings."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from pesin.errors import UserError
from pesin.integrate.ode import solve
from pesin.params import check
from pesin.systems.flows import lorenz63
from project import case_of, plan
from stopping import assert_goes_on
from studies.causal_pinn.entropy import entropy, spectral, spread
from studies.causal_pinn.forecast import criterion, forecast, marched
from studies.causal_pinn.params import Equation, Params
from studies.causal_pinn.problems import Curves, Ladder, Line, grid, log_weights, profile
from studies.causal_pinn.simulate import simulate, solve_field, with_tangents
from studies.causal_pinn.train import start_of, train

STUDY = "causal_pinn"
KS = {"advection": 5, "second": 0.5, "fourth": 0.005, "start": "sine", "end": 0.05, "points": 64, "slices": 2}


def case(step, scale="smoke", **change):
    return case_of(STUDY, "learned", step, scale, **change)


def equation(**change) -> Equation:
    rest = {"steps": 20, "times": 6, "places": 8, "harmonics": 2, "seeds": 1}
    return Equation(**(KS | rest | change))


# --------------------------------------------------------------------------------------------------------- references


def test_fixed_points_and_trace_of_lorenz():
    eye = np.eye(3).ravel()
    for place in ((0, 0, 0), (72**0.5, 72**0.5, 27), (-(72**0.5), -(72**0.5), 27)):
        rate = with_tangents(0.0, np.concatenate([place, eye]))
        np.testing.assert_allclose(rate[:3], 0, atol=1e-12)
        assert rate[3:].reshape(3, 3).trace() == pytest.approx(-41 / 3)


def test_propagators_shrink_volumes_at_the_trace():
    this = case("simulate")
    found = simulate(this)
    expected = np.exp(-41 / 3 * this.params.lorenz.window)
    np.testing.assert_allclose(np.linalg.det(found["propagator"].values), expected, rtol=1e-6)


def test_propagators_of_many_windows_stay_whole():
    """Tangents that have grown over forty windows of the paper are parallel to rounding."""
    lorenz = {"windows": 40, "window": 0.5}
    volumes = np.linalg.det(simulate(case("simulate", lorenz=lorenz))["propagator"].values)
    np.testing.assert_allclose(volumes, np.exp(-41 / 3 * 0.5), rtol=1e-6)


def test_fields_keep_their_mean_and_the_solver_is_of_fourth_order():
    found = [solve_field(equation(steps=steps, points=32))[-1] for steps in (40, 80, 640)]
    np.testing.assert_allclose(found[-1].mean(), 0, atol=1e-12)
    coarse, fine = (abs(one - found[-1]).max() for one in found[:2])
    assert 10 < coarse / fine < 25


def test_allen_cahn_loses_energy():
    this = equation(advection=0, second=-1e-3, fourth=0, cubic=5, start="bump", slices=9, steps=20, end=0.4)
    u, (x, length) = solve_field(this), grid(this)
    slope = np.gradient(u, x, axis=1)
    energy = (0.5e-3 * slope**2 + 5 / 4 * (u**2 - 1) ** 2).mean(1) * length
    assert (np.diff(energy) < 0).all()


# ----------------------------------------------------------------------------------------------- residuals and weights


def test_residuals_of_the_start_alone_are_known():
    """N = 0 leaves x = x0 and u = u0: - f(x0) / scale; a u0 u0' + b u0'' + c u0'''' with u0 = -sin(pi x)."""
    this = case("train")
    drawn = start_of(this, 1, 5, 3, 2, 3)
    zero = {name: torch.zeros_like(value) for name, value in drawn.items()}
    curves = Curves.of(this.params.lorenz, [1.0, 0.5], 7, 1.02, "cpu")
    left = curves.residual(zero).numpy()
    np.testing.assert_allclose(left, np.broadcast_to([0, -26 / 20, -(1 - 8 / 3) / 20], left.shape), atol=1e-12)
    line = Line.of(equation(), 1, 1, "cpu")
    zero = {name: torch.zeros_like(value) for name, value in start_of(this, 5, 4, 1, 1, 3).items()}
    x = -1 + np.arange(8) / 4
    sin, cos, pi = np.sin(np.pi * x), np.cos(np.pi * x), np.pi
    expected = 5 * pi * sin * cos + 0.5 * pi**2 * sin - 0.005 * pi**4 * sin
    left = line.residual(zero).detach().numpy().reshape(6, 8)
    np.testing.assert_allclose(left, np.broadcast_to(expected, (6, 8)), atol=1e-9)


def test_residuals_are_what_differences_of_the_made_curves_and_fields_leave():
    this, step = case("train"), 1e-4
    lorenz = this.params.lorenz
    network = {name: value.detach() for name, value in start_of(this, 1, 5, 3, 1, 3).items()}
    curves = Curves.of(lorenz, [0.7], 5, 1, "cpu")
    tau = curves.tau.numpy()
    early, now, late = (curves.at(network, tau + d)[0] for d in (-step, 0, step))
    rate = np.array([with_tangents(0.0, np.concatenate([row, np.eye(3).ravel()]))[:3] for row in now])
    expected = ((late - early) / (2 * step * 0.7) - rate) / lorenz.scale
    np.testing.assert_allclose(curves.residual(network)[0], expected, atol=1e-5)
    this_one = equation(points=256, places=256, times=5, harmonics=2, second=-0.1, fourth=0.001, cubic=2)
    width = 1 + 2 * this_one.harmonics
    network = {name: value.detach() for name, value in start_of(this, width, 4, 1, 1, 3).items()}
    network["weight_0"] *= 0.2  # smooth enough for 256 places
    shifted = [Line.of(this_one, 1, 1, "cpu", tau=np.linspace(0.1, 0.9, 5) + d) for d in (-step, 0, step)]
    early, u, late = (line.at(network)[0] for line in shifted)
    wave = 1j * np.pi * np.arange(129)
    ux, uxx, uxxxx = (np.fft.irfft(wave**k * np.fft.rfft(u), 256) for k in (1, 2, 4))
    rate = (late - early) / (2 * step * this_one.end)
    expected = rate + 5 * u * ux - 0.1 * uxx + 0.001 * uxxxx + 2 * (u**3 - u)
    np.testing.assert_allclose(shifted[1].residual(network).reshape(5, 256), expected, atol=2e-3)


def test_causal_weights_begin_with_one_and_fall_and_have_no_gradient():
    residual = torch.rand(2, 12, 3, generator=torch.Generator().manual_seed(0)).double().requires_grad_()
    losses = profile(residual, 6)
    torch.testing.assert_close(losses[0, 1], residual[0, 2:4].square().sum() / 2)
    logs = log_weights(losses, torch.tensor([[2.0], [0.0]]))
    assert not logs.requires_grad and (logs[:, 0] == 0).all() and (logs[0].diff() < 0).all()
    assert (logs[1] == 0).all()  # no steepness: the plain loss
    torch.testing.assert_close(logs[0, 3], -2 * losses[0, :3].sum().detach())
    assert (log_weights(torch.zeros(1, 5), torch.ones(1, 1)) == 0).all()


def test_a_ladder_is_climbed_by_weight_or_by_patience():
    ladder = Ladder(torch.tensor([[1.0, 10.0, 100.0], [1.0, 10.0, 100.0]]), 0.99, 3)
    seen = []
    for least in (1.0, 1.0, 0.5, 1.0):
        ladder.climb(torch.tensor([least, 0.1]))
        seen.append(ladder.rung.tolist())
    assert seen == [[1, 0], [2, 0], [2, 1], [2, 1]]
    assert ladder.steepness[:, 0].tolist() == [100.0, 10.0]
    other = Ladder(ladder.rungs, 0.99, 3)
    other.restore(ladder.arrays())
    assert torch.equal(other.rung, ladder.rung) and torch.equal(other.spent, ladder.spent)


def test_entropies_of_known_weights_and_spectra():
    np.testing.assert_allclose(spread(np.array([[1.0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]])), [0, 0.5, 1], atol=1e-12)
    x = 2 * np.pi / 32 * np.arange(32)
    np.testing.assert_allclose(spectral(np.stack([np.sin(x), np.sin(x) + np.cos(3 * x)])), [0, np.log(2)], atol=1e-9)


# ------------------------------------------------------------------------------------------------ training and judging


@pytest.fixture(scope="module")
def made():
    return simulate(case("simulate")), train(case("train"))


def test_controls_do_what_they_say(made):
    this = case("forecast").params
    plain = forecast(case("forecast"), *made)
    assert np.isfinite(plain["error"]).all() and plain["marched_distance"][0, 0] == 0
    without = forecast(
        case("forecast", forecast={"causal": False, "windows": False, "kinds": ["plain", "causal"]}), *made
    )
    np.testing.assert_array_equal(without["error"][0], without["error"][1])
    np.testing.assert_array_equal(without["error"][0], plain["error"][0])
    kind = without["checkpoint_kind"].values
    logs = without["checkpoint_log_least"].values
    np.testing.assert_array_equal(logs[kind == 0], logs[kind == 1])
    assert without.sizes["marched_time"] == round(this.lorenz.long_end / this.lorenz.dt) + 1
    np.testing.assert_array_equal(without["regular_error"][1], plain["regular_error"][0])
    brief = forecast(case("forecast", forecast={"brief": True}), *made)
    assert not np.array_equal(brief["error"][0], plain["error"][0])
    np.testing.assert_array_equal(brief["error"][1], plain["error"][1])
    start = forecast(case("forecast", forecast={"networks": "untrained"}), *made)
    np.testing.assert_array_equal(start["error"][0], start["error"][1])
    assert (start["log_loss"][0] > plain["log_loss"][0]).all()
    seen = case("entropy")  # as the driver hands it over: without what other steps see
    seen.params.__dict__.pop("forecast")
    found = entropy(seen, *made)
    assert (found["causal_weight_entropy"] <= 1 + 1e-12).all() and np.isfinite(found["stretching_entropy"]).all()


@dataclass
class Runs:
    """Runs of one seed whose errors and least weights at three snapshots are known; a `Kind` and its curves."""

    true: np.ndarray
    errors: tuple[float, float, float]
    logs: tuple[float, float, float]
    end = 1.0
    snapshots = (0, 1, 2)
    loss = np.ones((3, 1))

    @property
    def curves(self):
        return self

    def at(self, snapshot, tau):
        return self.true[None, : len(tau)] * (1 + self.errors[snapshot])

    def log_weights(self, snapshot, steepness):
        return np.array([[0.0, self.logs[snapshot]]])


def test_the_criterion_counts_what_is_sure_and_wrong(made):
    this, true = case("forecast", forecast={"kinds": ["plain", "causal"]}), made[0]["state"].values
    kinds = {
        "plain": Runs(true, (1, 0.9, 0.9), (-9, -0.1, -0.01)),
        "causal": Runs(true, (1, 0.1, 1e-3), (-9, -1, -0.1)),
    }
    found = {name: part[1] for name, part in criterion(this, made[0], kinds).items()}
    assert found["sure"] == 1 and found["sure_wrong"] == 0 and found["plain_sure_wrong"] == 2
    assert found["rank_correlation"] == pytest.approx(1)
    kinds["causal"] = Runs(true, (1e-3, 0.1, 1), (-9, -1, -0.1))
    found = {name: part[1] for name, part in criterion(this, made[0], kinds).items()}
    assert found["sure_wrong"] == 1 and found["rank_correlation"] == pytest.approx(-1)


def test_errors_that_the_flow_carries_on_have_no_gap_to_its_tangents(made):
    this = case("forecast")
    lorenz = this.params.lorenz
    times = lorenz.times(lorenz.window * lorenz.windows)
    moved = solve(lorenz63, np.array([1 + 1e-6, 1, 1]), times, rtol=1e-12, atol=1e-12)
    found = marched(this, made[0], moved[None])
    assert found["growth_gap"][1] < 1e-3
    np.testing.assert_allclose(found["carried_error"][1], found["handover_error"][1], rtol=1e-3)
    grown = made[0]["state"].values[: len(times)] + 1e-6 * (16 ** (times / lorenz.window))[:, None]
    assert marched(this, made[0], grown[None])["growth_gap"][1] > np.log(2)


def test_plain_and_causal_share_their_starts(made):
    first = made[1]["curves_parameters"].values[0]
    seeds = case("train").params.train.seeds
    np.testing.assert_array_equal(first[:seeds], first[seeds : 2 * seeds])
    assert (made[1]["curves_steepness"][:, :seeds] == 0).all()


@pytest.mark.parametrize("optimiser", ["lm", "adam"])
def test_a_stopped_training_goes_on(tmp_path, monkeypatch, optimiser):
    tiny = case("train", lorenz={"windows": 1}, train={"optimiser": optimiser, "ladder": [1], "field_ladder": [1]})
    assert_goes_on(train, tiny, tmp_path, monkeypatch, 4)


def test_bad_parameters_are_named():
    given = plan("smoke").study(STUDY).cases["learned"].params

    def refused(change, said):
        with pytest.raises(UserError, match=said):
            check(Params, {**given, **change}, "config/studies/causal_pinn.yaml")

    refused({"lorenz": {**given["lorenz"], "window": 0.123}}, "lorenz.window")
    refused({"train": {**given["train"], "ladder": [1, 0.1]}}, "train.ladder")
    refused({"fields": {"chaotic": given["fields"]["regular"]}}, "must name regular")
    refused({"fields": {"regular": {**given["fields"]["regular"], "places": 7}}}, "doesn't divide")
