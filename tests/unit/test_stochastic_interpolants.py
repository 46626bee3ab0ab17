"""The study's own functions against known answers: exact bridges, bounds, special cases, networks and samplers."""

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtri

from pesin.models.bridges import Interpolant
from pesin.systems.mixtures import bridged
from project import case_of
from stopping import assert_goes_on
from studies.stochastic_interpolants.exact.closed import action, coupling_errors, form_errors
from studies.stochastic_interpolants.exact.entropy import entropy as exact
from studies.stochastic_interpolants.exact.entropy import histogram_divergence
from studies.stochastic_interpolants.learned.entropy import entropy
from studies.stochastic_interpolants.learned.forecast import _choice, _clock, forecast
from studies.stochastic_interpolants.learned.networks import Fields
from studies.stochastic_interpolants.learned.train import batch_of, train
from studies.stochastic_interpolants.worlds import LINE, PLANE

STUDY = "stochastic_interpolants"


def on_the_line(**change):
    return exact(case_of(STUDY, "exact", "entropy", entropy=change))


def learned(step, **change):
    return case_of(STUDY, "learned", step, **change)


def weights(fill=None, **change):
    """Networks that nothing trained; with `fill`, all weights that number and all biases too."""
    off = {"steps": 0}
    found = train(learned("train", train={"mixture": off, "checkerboard": off, **change}))
    return found if fill is None else found.map_over_datasets(lambda ds: ds * 0 + fill)


# ---------------------------------------------------------------------------------------------------- exact bridges


def test_the_divergence_of_counts():
    """0.5 ln(0.5 / 0.75) + 0.5 ln(0.5 / 0.25), and next to nothing for the right counts."""
    mass = np.array([0.5, 0.5])
    counts = np.array([[750_000, 250_000], [500_000, 500_000]])
    known = 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(2)
    np.testing.assert_allclose(histogram_divergence(mass, counts), [known, 0], atol=1e-6)
    assert np.isfinite(histogram_divergence(mass, np.array([10, 0]))), "an empty cell is improbable, not impossible"


def test_samples_of_exact_fields_reach_the_target_and_those_of_wrong_ones_by_noise_alone():
    found = on_the_line(samples=4000, steps=200).mean("seed")
    right, wrong = found.kl.sel(arm="exact"), found.kl.sel(arm="wrong")
    assert float(right.sel(noise=[0, 0.5, 2]).max()) < 0.02
    assert float(wrong.sel(noise=0)) > 1 > 10 * float(wrong.sel(noise=2))
    assert float(found.w1.sel(arm="exact").max()) < 0.1
    assert float(found.residual.max()) < 1e-4


def test_the_odes_samples_are_those_of_a_solver_without_tables():
    """Euler's steps of 2000 strata by the fields themselves: the table adds nothing to the divergence."""
    found = on_the_line(samples=4000, run=["exact"], noises=[0.0])
    params = case_of(STUDY, "exact", "entropy").params.entropy
    world, clock = LINE["peaks"], np.linspace(params.ends, 1 - params.ends, params.steps + 1)
    x = ndtri((np.arange(2000) + 0.5) / 2000)[:, None]
    for t, after in zip(clock[:-1], clock[1:], strict=True):
        x = x + (after - t) * world.fields(Interpolant(), x, t)[0]
    cells = np.arange(-6, 6.1, 0.2)
    shares = np.histogram(x, cells)[0] / 2000
    ours = found.histogram.sel(arm="exact", noise=0, time=1.0) * 0.2
    np.testing.assert_allclose(ours, shares, atol=1.5e-3)


def test_girsanovs_bound_is_the_cards():
    """E sin^2 3x is near 1/2, so that 1.5 sin 3x makes 1.125 / (4 eps); the score's error has its own part."""
    found = on_the_line().isel(seed=0)
    assert float(found.bound.sel(arm="wrong", noise=2)) == pytest.approx(0.14, rel=0.02)
    assert float(found.bound.sel(arm="wrong", noise=0.1)) == pytest.approx(2.8, rel=0.02)
    assert np.isnan(found.bound.sel(arm="wrong", noise=0))
    velocity, cross, score = found.misfit.sel(arm="both").values
    assert float(found.bound.sel(arm="both", noise=2)) == pytest.approx((velocity + 4 * cross + 4 * score) / 8)
    assert float(found.predicted_noise.sel(arm="both")) == pytest.approx(np.sqrt(velocity / score))


def test_what_stays_at_rest_keeps_its_distance():
    """W1 of the normal law to the two peaks, by their quantiles; and equal divergences for every noise."""
    found = on_the_line(motion=0.0, samples=20_000)
    levels = (np.arange(20_000) + 0.5) / 20_000
    x = np.linspace(-4, 4, 8001)
    law = LINE["peaks"].target
    density = np.exp(law.log_density(x[:, None]))
    quantiles = np.interp(levels, np.cumsum(density) / density.sum(), x)
    known = abs(ndtri(levels) - quantiles).mean()
    at_end = found.w1.sel(arm="exact", time=1.0)
    np.testing.assert_allclose(at_end, known, atol=0.03)
    assert float(found.kl.std("noise").max()) < 1e-12 and float(found.residual.min()) > 0.1


def test_without_the_score_noise_spoils_what_the_ode_can_do():
    found = on_the_line(score=0.0, samples=4000, steps=100).mean("seed").sel(arm="exact")
    assert float(found.kl.sel(noise=0)) < 0.02 < 0.2 < float(found.kl.sel(noise=2))
    assert float(found.residual.sel(noise=0).max()) < 1e-4 < 0.1 < float(found.residual.sel(noise=2).min())


# ----------------------------------------------------------------------------------------------------- special cases


def test_special_cases_agree_with_the_interpolant_only_by_the_score():
    right = form_errors(1.0, np.random.default_rng(0))
    assert set(right) == {"diffusion", "rectified", "localisation", "denoising"} and max(right.values()) < 1e-10
    assert min(form_errors(0.0, np.random.default_rng(0)).values()) > 0.1


def test_the_action_of_a_law_that_keeps_its_variance():
    """c = 1 - eps: v = 1, b = 0 and E s^2 = 1, so that eps^2 / 2 is left."""
    assert action(0.5, 0.5) == pytest.approx(0.125)
    assert action(0.5, 0.5, share=0.0) == pytest.approx(0, abs=1e-15)


def test_the_stationary_coupling_is_that_of_sinkhorns_algorithm():
    """Static Schroedinger problem of two normal laws with the kernel of sqrt(2 eps) W, on a grid."""
    found = coupling_errors(case_of(STUDY, "exact", "entropy").params.entropy)
    x = np.linspace(-6, 6, 241)
    mass = np.exp(-(x**2) / 2) / np.exp(-(x**2) / 2).sum()
    for eps, (stationary, known) in zip((0.25, 0.5, 1, 2), found, strict=True):
        kernel, right = np.exp(-((x[:, None] - x) ** 2) / (4 * eps)), np.ones(len(x))
        for _ in range(200):
            left = mass / (kernel @ right)
            right = mass / (kernel.T @ left)
        covariance = x @ (left[:, None] * kernel * right) @ x
        assert stationary == pytest.approx(known, abs=1e-6) and known == pytest.approx(covariance, abs=1e-3)


# ---------------------------------------------------------------------------------------------------------- networks


def test_a_batch_is_the_bridge_and_its_targets():
    """Each noise with its negative: what the two have in common is the path, and their targets differ by 2 z."""
    params = learned("train").params.train
    learning = params.checkerboard
    world, n = PLANE["checkerboard"], learning.batch
    bank = world.target.sample(np.random.default_rng(0), params.seeds * params.points)
    inputs, scale, target = batch_of(
        params, learning, world, bank.reshape(params.seeds, -1, 2), np.random.default_rng(1)
    )
    runs = len(learning.models) * params.seeds
    assert inputs.shape == (runs, 2 * n, 3) and scale.shape == (runs, 2 * n, 1) and target.shape == (runs, 2 * n, 2)
    at = {model: i * params.seeds for i, model in enumerate(learning.models)}
    noise = at["noise"]
    t, z = inputs[noise, :n, 2:], target[noise, :n]
    np.testing.assert_allclose(scale[noise, :n], np.sqrt(t * (1 - t)))
    np.testing.assert_allclose(target[noise, n:], -z)
    np.testing.assert_allclose(inputs[noise, :n, :2] - inputs[noise, n:, :2], 2 * scale[noise, :n] * z)
    assert (scale[at["velocity"]] == 1).all()
    # Straight paths move by x1 - x0: one more of the rest of the time leads into the board.
    ends = inputs[at["rectified"], :, :2] + (1 - inputs[at["rectified"], :, 2:]) * target[at["rectified"]]
    assert ((np.floor(ends / 2).sum(-1) % 2) == 0).all()
    angle = np.pi / 2 * inputs[at["diffusion"], :, 2:]
    ends = np.sin(angle) * inputs[at["diffusion"], :, :2] + 2 / np.pi * np.cos(angle) * target[at["diffusion"]]
    assert ((np.floor(ends / 2).sum(-1) % 2) == 0).all()


def test_couplings_shorten_the_way():
    params = learned("train").params.train
    world = PLANE["checkerboard"]
    bank = world.target.sample(np.random.default_rng(0), params.seeds * params.points).reshape(params.seeds, -1, 2)
    _, _, target = batch_of(params, params.checkerboard, world, bank, np.random.default_rng(1))
    at = {model: i * params.seeds for i, model in enumerate(params.checkerboard.models)}
    length = {model: (target[at[model]] ** 2).sum(-1).mean() for model in ("rectified", "coupled")}
    assert length["coupled"] < 0.7 * length["rectified"]


def test_a_networks_divergence_is_that_of_its_field():
    fields = Fields(weights()["mixture"].to_dataset(), learned("train").params.train)
    x, h = np.random.default_rng(0).normal(size=(fields.seeds, 20, 2)), 1e-2
    value, spread = fields.divergence("velocity", x, 0.3)
    np.testing.assert_allclose(value, fields.field("velocity", x, 0.3), atol=1e-6)
    slopes = [
        (fields.field("velocity", x + h * axis, 0.3) - fields.field("velocity", x - h * axis, 0.3))[..., i] / (2 * h)
        for i, axis in enumerate(np.eye(2))
    ]
    np.testing.assert_allclose(spread, sum(slopes), atol=1e-3)
    np.testing.assert_allclose(fields.field("noise", x, 0.3), -np.sqrt(0.21) * fields.score(x, 0.3), rtol=1e-6)


def test_networks_that_say_nothing_have_the_losses_and_errors_of_zero():
    found = entropy(learned("entropy", entropy={"times": 6, "cloud": 200}), weights(0.0))
    np.testing.assert_allclose(found.relative_error, 1)
    size = (found["size"].sel(field="velocity") ** 2).mean("time")
    np.testing.assert_allclose(found.misfit.sel(part="velocity", seed=0), size)
    # L[0] = 0, so that what it has above the exact field's is minus that one's.
    np.testing.assert_allclose(
        found.loss_excess.isel(seed=0),
        found.least_loss.sel(source="sampled") / found.least_loss.sel(source="analytic"),
    )
    assert not found.entropy_rate.any()


def test_the_exact_entropy_rate_adds_up_to_the_entropies_difference():
    """Five modes that hardly overlap: ln 5 + ln(2 pi e 0.36) against ln(2 pi e)."""
    found = entropy(learned("entropy", entropy={"times": 60, "cloud": 1000}), weights())
    gained = float(found.exact_rate.sel(world="mixture").mean("time"))
    assert gained == pytest.approx(np.log(5) + np.log(0.36), abs=0.1)


def test_the_path_as_velocity_lacks_the_noises_part():
    trained = weights()
    own, path = (
        entropy(learned("entropy", entropy={"velocity": v, "times": 4, "cloud": 100}), trained)
        for v in ("velocity", "path")
    )
    xr.testing.assert_equal(own.relative_error.sel(field="noise"), path.relative_error.sel(field="noise"))
    assert (own.relative_error.sel(field="velocity") != path.relative_error.sel(field="velocity")).all()


# ---------------------------------------------------------------------------------------------------------- samplers


def sampled(trained, **change):
    small = {"samples": {"mixture": 1500, "checkerboard": 1500}, "steps": 20, "truths": 1500, "held_out": 400}
    return forecast(learned("forecast", forecast={**small, **change}), trained)["checkerboard"].to_dataset()


def test_without_fields_the_ode_stays_and_the_sde_spreads():
    """Zero velocity, zero score: N(0, 1 + 2 eps). The likelihood of the board is then that of the normal law."""
    found = sampled(weights(0.0), noises=[0, 0.5, 2])
    for eps in (0.0, 0.5, 2.0):
        assert float(found.cloud.sel(noise=eps).var()) == pytest.approx(1 + 2 * eps, rel=0.1)
    # E[x^2] of each coordinate of the board is 16 / 3.
    known = np.log(2 * np.pi) + 16 / 3
    np.testing.assert_allclose(found.nll, known, atol=0.5)
    np.testing.assert_allclose(found.kl_likelihood, found.nll - np.log(32), atol=1e-12)
    # KL of the board from the normal law of its variance: ln(2 pi e 16/3) - ln 32.
    np.testing.assert_allclose(found.kl_normal, np.log(2 * np.pi * np.e * 16 / 3) - np.log(32), atol=0.2)


def test_exact_fields_fill_the_board_evenly():
    found = sampled(
        weights(), fields="exact", noises=[0, 0.5, 2], samples={"mixture": 300, "checkerboard": 300}, steps=40
    )
    assert float(found.kl.sel(noise=0).mean()) < 0.15 and float(found.occupancy.sel(noise=0).mean()) < 3
    assert "nll" not in found


def test_the_choice_is_made_on_one_half_and_measured_on_the_other():
    params = learned("forecast", forecast={"noises": [0, 1, 10]}).params.forecast
    kl = np.array([[[3, 1, 3], [2, 2, 2], [1, 3, np.nan]], [[4, 4, 4], [5, 5, 5], [6, 6, 6]]], float)
    found = {name: value[1].tolist() for name, value in _choice(params, kl).items()}
    assert found == {"chosen_noise": [10, 0, 1], "kl_chosen": [6, 4, 5], "interior": [0, 0, 1]}


def test_steps_are_denser_at_both_ends():
    clock = _clock(learned("forecast", forecast={"steps": 10, "ends": 0.01}).params.forecast)
    assert clock[[0, -1]] == pytest.approx([0.01, 0.99]) and len(clock) == 11
    np.testing.assert_allclose(np.diff(clock), np.diff(clock)[::-1])
    assert np.diff(clock)[0] < np.diff(clock)[5] / 4


# ---------------------------------------------------------------------------------------------------------- training


def test_training_lowers_the_losses():
    change = {"train": {"mixture": {"steps": 200, "batch": 64}, "checkerboard": {"steps": 1}, "rate": 1e-2}}
    trained = train(learned("train", **change))
    curves = trained["mixture"].to_dataset().loss
    assert (curves[:, -50:].mean("update") < curves[:, :5].mean("update") - 0.1).sel(run="velocity/0")
    found = entropy(learned("entropy", **change), trained).relative_error.sel(world="mixture")
    assert float(found.sel(field="velocity").max()) < 0.6


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path, monkeypatch):
    tiny = {"steps": 10, "batch": 8}
    case = learned("train", train={"mixture": tiny, "checkerboard": tiny})
    assert_goes_on(train, case, tmp_path, monkeypatch, 14)


@pytest.mark.parametrize(
    ("case", "change", "said"),
    [
        ("exact", {"entropy": {"run": ["wrong"]}}, "'exact' is missing"),
        ("exact", {"entropy": {"run": ["exact", "other"]}}, "other not among the arms"),
        ("exact", {"entropy": {"times": [1.5]}}, "less than 1"),
        ("learned", {"train": {"noise": "none"}}, "no denoiser"),
        ("learned", {"train": {"mixture": {"models": ["velocity", "rectified"]}}}, "noise missing"),
        ("learned", {"forecast": {"noises": [0.5, 1, 2]}}, "the first is 0"),
        ("learned", {"forecast": {"assigned": 5000}}, "fewer than assigned"),
        ("learned", {"forecast": {"samples": {"mixture": 60}, "assigned": 70}}, "fewer than assigned"),
    ],
)
def test_what_does_not_fit_is_refused(case, change, said):
    with pytest.raises(ValueError, match=said):
        case_of(STUDY, case, "forecast" if case == "learned" else "entropy", **change)


def test_a_bridges_known_answers():
    """N(0, 1) to N(0, 1), gamma = sqrt(2 t (1 - t)): the variance stays 1 and nothing moves; v = b + gamma gamma' s."""
    base = LINE["peaks"].base
    x = np.linspace(-2, 2, 5)[:, None]
    still, t = bridged(base, base, Interpolant("linear", "brownian", 2.0), 0.3), 0.3
    assert abs(still.velocity(x)).max() < 1e-15
    one = bridged(base, base, Interpolant(), t)
    variance = (1 - t) ** 2 + t**2 + t * (1 - t)
    np.testing.assert_allclose(one.velocity(x), x * (2 * t - 1) / (2 * variance), atol=1e-15)
    np.testing.assert_allclose(one.velocity(x) + (1 - 2 * t) / 2 * one.score(x), x * (2 * t - 1) / variance, atol=1e-15)
