"""Known answers: exact checks and their controls, laws of the made-up worlds, controlled paths, discrepancies."""

import numpy as np
import pytest
import torch

from pesin.errors import UserError
from pesin.models.mlp import init_mlp
from pesin.models.sparse_regression import fit, polynomial_library
from pesin.params import check
from project import case_of
from stopping import assert_goes_on
from studies.neural_differential_equations.learned import letters, panels
from studies.neural_differential_equations.learned import simulate as worlds
from studies.neural_differential_equations.learned.forecast import rolled
from studies.neural_differential_equations.learned.params import Params
from studies.neural_differential_equations.learned.train import train
from studies.neural_differential_equations.numerics.entropy import entropy
from studies.neural_differential_equations.numerics.memory import peak_bytes
from studies.neural_differential_equations.numerics.params import Params as NumericsParams

STUDY = "neural_differential_equations"


def case(step, name="learned", **change):
    return case_of(STUDY, name, step, "smoke", **change)


# -------------------------------------------------------------------------------------------------------- exact checks


@pytest.fixture(scope="module")
def checks():
    return {name: entropy(case("entropy", name)) for name in ("numerics", "ablated", "at_rest")}


def test_the_exact_checks_hold_and_fail_without_what_makes_them_work(checks):
    good, control, null = checks["numerics"], checks["ablated"], checks["at_rest"]
    for name, bound in (
        ("trip_error", 1e-12),
        ("gradient_error", 1e-12),
        ("sum_error", 1e-12),
        ("implicit_error", 1e-8),
    ):
        assert float(good[name].max()) < bound
        if name != "trip_error":
            assert float(control[name].max()) > bound
    assert not good["sweep_error"].any() and control["sweep_error"].all()
    assert float(good["cell_error"].max()) < 1e-12 and float(good["memory_growth"].max()) == 1
    exact = good["every_gradient_error"].sel(route=["backprop", "checkpointed", "reversible"])
    assert float(exact.max()) < 1e-12 < float(good["every_gradient_error"].sel(route="midpoint_adjoint").min())
    held = good["memory"].isel(gradient_steps=-1)
    assert held.sel(route="reversible") < held.sel(route="checkpointed") < held.sel(route="backprop")
    assert np.isnan(null["gradient_error"]).all() and np.isnan(null["implicit_error"]).all()
    assert not null["block_error"].any() and not null["strong_error"].any() and (null["law_distance"] > 5).all()


def test_the_entropy_of_a_flow_changes_by_its_trace(checks):
    change = checks["numerics"]["entropy_change"]
    np.testing.assert_allclose(change.sel(way="trace"), change.sel(way="log_det"), atol=1e-6)


def test_memory_is_what_backward_passes_wait_for():
    x = torch.zeros(1000, dtype=torch.float64, requires_grad=True)
    slope, held = peak_bytes(lambda: torch.autograd.grad(torch.exp(torch.exp(x)).sum(), x)[0])
    assert held == 2 * 8000 and float(slope[0]) == pytest.approx(np.e)


# ---------------------------------------------------------------------------------------------------------- the worlds


def test_the_species_keep_their_invariant_and_a_sparse_fit_finds_the_interaction():
    data = worlds.predators(case("simulate").params.simulate, np.random.default_rng(0))
    x, y = data["truth"].values.T
    kept = 0.8 * x - 1.8 * np.log(x) + 0.9 * y - 1.3 * np.log(y)
    np.testing.assert_allclose(kept, kept[0], rtol=1e-6)
    both = np.stack([-0.9 * x * y, 0.8 * x * y], 1)
    found = fit(polynomial_library(data["truth"].values), both, 0.1)
    np.testing.assert_allclose(found[4], [-0.9, 0.8], rtol=1e-6)
    assert np.count_nonzero(found) == 2


def test_the_relaxing_process_has_its_moments():
    params = worlds.Relaxation(drift=0.02, rate=0.1, noise=0.4, times=64, paths=4000)
    mean, variance = worlds.exact_moments(params)
    assert variance[-1] == pytest.approx(0.8, rel=1e-4) and mean[-1] == pytest.approx(0.2 * (63 - 10), rel=2e-3)
    x = worlds.relaxation(params, 3, np.random.default_rng(1))["x"].values.reshape(-1, 64)
    np.testing.assert_allclose(x.mean(0), mean, atol=0.05)
    np.testing.assert_allclose(x.var(0)[1:], variance[1:], rtol=0.06)


def test_series_keep_the_points_they_should_and_spirals_turn():
    params = case("simulate").params.simulate
    data = worlds.series(params.series, params.seeds, np.random.default_rng(2))
    for drop, share in enumerate(params.series.drops):
        t, x = panels.observed(data, drop)
        assert t.shape[-1] == x.shape[-2] == params.series.points - round(share * params.series.points)
        assert (np.diff(t) > 0).all()
    t = np.linspace(0, 0.05, 30)[None, None]
    left, right = (worlds.spirals(np.random.default_rng(0), t, np.array([[k]]))[0, 0] for k in (0, 1))
    assert np.unwrap(np.arctan2(left[:, 1], left[:, 0]))[-1] < np.unwrap(np.arctan2(left[:, 1], left[:, 0]))[0]
    assert np.unwrap(np.arctan2(right[:, 1], right[:, 0]))[-1] > np.unwrap(np.arctan2(right[:, 1], right[:, 0]))[0]


def test_strokes_are_figures_of_lissajous_that_begin_alike():
    t = np.broadcast_to(np.linspace(0, 1, 401), (1, 200, 401))
    x = worlds.strokes(np.random.default_rng(4), t, np.full((1, 200), 1))[0]
    spectrum = abs(np.fft.rfft(x[:, :-1], axis=1))
    assert (spectrum[..., 0].argmax(1) == 2).all() and (spectrum[..., 1].argmax(1) == 1).all()
    phase = np.arctan2(x[:, 0, 0], x[:, 50, 0])  # the second is a quarter of a period later
    assert abs(phase).mean() < 1 and phase.std() == pytest.approx(0.5, abs=0.1)


def test_letters_of_a_file_take_the_place_of_strokes(tmp_path):
    lines = [f"{k},{k + 1},{k + 2}:0,0,1:5,5,5:{1 + k % 5}" for k in range(10)]
    path = tmp_path / "letters.ts"
    path.write_text("@problemName letters\n@data\n" + "\n".join(lines) + "\n")
    t = np.broadcast_to([0.0, 0.25, 0.75, 1.0], (3, 8, 4))
    x, kind = letters.written(str(path), t, worlds.CLASSES, np.random.default_rng(0))
    np.testing.assert_allclose(x[..., 0] - x[..., :1, 0], 2 * t)
    np.testing.assert_allclose(x[..., 1], np.broadcast_to([0, 0, 0.5, 1], x[..., 1].shape))
    assert (kind == x[..., 0, 0] % 5).all() and (np.sort(kind, 1) == np.repeat(np.arange(4), 2)).all()
    change = {"simulate": {"series": {"letters": str(path), "train": 8, "test": 8}}}
    with pytest.raises(UserError, match="type smaller numbers"):
        worlds.simulate(case("simulate", **change))
    path.write_text("@data\n1,2:3:4,5:1\n")
    with pytest.raises(UserError, match="line 2 of .* isn't 3 lists"):
        letters.read_letters(str(path), 1)
    path.write_text("1,2")
    with pytest.raises(UserError, match="timeseriesclassification"):
        letters.read_letters(str(path), 1)


# ---------------------------------------------------------------------------------------------------------- the panels


def test_a_control_path_keeps_lines_meets_its_points_and_does_not_look_ahead():
    rng = np.random.default_rng(3)
    t = np.linspace(0, 1, 11)[None]
    line = np.stack([2 * t - 1, 3 - t], -1)
    found = panels.control_path(t, line, 40)[0]
    grid = np.linspace(0, 1, 41)
    np.testing.assert_allclose(found, np.stack([grid, 2 * grid - 1, 3 - grid, grid], 1), atol=1e-6)
    x = rng.standard_normal((1, 11, 2))
    path = panels.control_path(t, x, 40)[0]
    np.testing.assert_allclose(path[::4, 1:3], x[0], atol=1e-6)
    changed = x.copy()
    changed[:, 7:] = 9
    np.testing.assert_array_equal(panels.control_path(t, changed, 40)[0][:25], path[:25])


def test_a_field_that_does_not_hang_on_the_state_adds_up_the_path():
    generator, code = torch.Generator().manual_seed(0), 3
    shapes = {"enter": [panels.PATH, code], "field": [code, 4, code * panels.PATH], "leave": [code, worlds.CLASSES]}
    nets = {f"{n}_{k}": v.detach() for n, s in shapes.items() for k, v in init_mlp(2, s, generator).items()}
    nets["field_weight_1"].zero_()
    path = torch.randn(2, 5, 7, panels.PATH, generator=generator)
    matrix = torch.tanh(nets["field_bias_1"]).view(2, 1, panels.PATH, code).mT
    z = path[:, :, 0] @ nets["enter_weight_0"] + nets["enter_bias_0"]
    z = z + (matrix @ (path[:, :, -1] - path[:, :, 0])[..., None])[..., 0]
    torch.testing.assert_close(panels.read_path(nets, path, code), z @ nets["leave_weight_0"] + nets["leave_bias_0"])


def test_a_plain_flow_keeps_the_order_of_points_and_an_augmented_one_uses_its_dimension():
    nets = {k: 2 * v.detach() for k, v in init_mlp(6, [2, 16, 16, 2], torch.Generator().manual_seed(1)).items()}
    end = panels.flow(nets, panels.dimensions(3), panels.line(50, 6), 200)
    assert (end[:3, :, 0].diff(dim=1) > 0).all() and not end[:3, :, 1].any() and end[3:, :, 1].any()


def test_the_discrepancy_is_that_of_all_pairs():
    x, y = torch.randn(2, 3, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def apart(a, b):
        return (a[:, :, None] - b[:, None]).abs().mean((1, 2))

    torch.testing.assert_close(panels.discrepancy(x, y), 2 * apart(x, y) - apart(x, x) - apart(y, y))


def test_a_rolled_field_is_seen_at_every_fourth_step_and_stays_finite():
    fine = np.linspace(0, 2, 9)
    start = torch.ones(3, 1, 2)
    np.testing.assert_allclose(rolled(lambda x, t: -x, start, fine)[:, :, 0], 3 * [np.exp([-1.0, -2.0])], rtol=1e-4)
    assert (rolled(lambda x, t: 1e20 * x**2, start, fine) == 1e6).all()


def test_resampling_does_nothing_to_a_path_of_straight_lines():
    t = np.sort(np.random.default_rng(5).uniform(0, 1, (4, 101)), -1)
    t[:, [0, -1]] = 0, 1
    x = t[..., None] * [1.0, -2.0, 0.5]
    whole, half = (panels.control_path(t[:, ::every], x[:, ::every], 12) for every in (1, 2))
    np.testing.assert_allclose(whole[..., :-1], half[..., :-1], atol=1e-6)


def test_a_process_without_weights_is_a_random_walk():
    nets = {k: 0 * v.detach() for k, v in init_mlp(2, [2, 4, 2], torch.Generator()).items()}
    noise = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(panels.generate(nets, noise)[..., 1:], np.log(2) * noise.cumsum(-1))
    walk = torch.arange(9.0).expand(1, 1, 9)
    assert panels.features(walk, 4)[0, :, 0].tolist() == [4, 8, 4, 4]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"forecast": {"times": [4, 8, 40]}}, "simulate.relaxation.times"),
        ({"train": {"controlled": {"batch": 99}}}, "simulate.series.train"),
        ({"train": {"predators": {"steps": 11}}}, "simulate.predators.points"),
        ({"forecast": {"lags": [4, 1]}}, "must rise"),
    ],
)
def test_what_does_not_fit_is_told(change, said):
    params = case("forecast").params.model_dump()
    for section, keys in change.items():
        for key, value in keys.items():
            params[section][key] = params[section][key] | value if isinstance(value, dict) else value
    with pytest.raises(UserError, match=said):
        check(Params, params, "here")


def test_steps_that_share_no_path_are_told():
    params = case("entropy", "numerics").params.model_dump()
    params["entropy"]["coarse"] = [3, 16]
    with pytest.raises(UserError, match="must divide"):
        check(NumericsParams, params, "here")


def test_a_stopped_training_goes_on(tmp_path, monkeypatch):
    data = worlds.simulate(case("simulate"))
    assert_goes_on(lambda given: train(given, data), case("train"), tmp_path, monkeypatch, 19)
