"""Known answers: the exact coarse graining, samples of it, chains on a linear model, intervals, bad parameters."""

import numpy as np
import pytest
import torch
from scipy.special import iv

from pesin.errors import UserError
from pesin.models.mlp import init_mlp
from pesin.params import check
from project import case_of
from stopping import assert_goes_on
from studies.bayesian_uq_nn_potentials import entropy as parts
from studies.bayesian_uq_nn_potentials import molecule
from studies.bayesian_uq_nn_potentials.forecast import (
    ARMS,
    chain_by_chain,
    found_for,
    of_arm,
    ranked_together,
    relative_width,
)
from studies.bayesian_uq_nn_potentials.params import Params
from studies.bayesian_uq_nn_potentials.posterior import Samples, central, pooled, shared, surviving
from studies.bayesian_uq_nn_potentials.simulate import simulate
from studies.bayesian_uq_nn_potentials.train import Chains, potential_and_force, train

STUDY = "bayesian_uq_nn_potentials"
GRID = molecule.angles(64)


def case(step, name="dihedrals", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def slope(values):
    """Of a smooth function on the circle, by its Fourier series."""
    return np.fft.irfft(1j * np.arange(len(values) // 2 + 1) * np.fft.rfft(values), len(values))


def test_the_mean_force_is_the_slope_of_the_coarse_potential():
    potential, mean, _ = molecule.coarse(GRID, 1.0)
    np.testing.assert_allclose(mean, -slope(potential), atol=1e-10)


def test_without_the_second_wave_the_coupling_is_a_constant():
    """Then psi - phi can be integrated alone: 2 pi I_0(k_c)."""
    bare, _, _ = molecule.coarse(GRID, 0.0, second=0.0)
    coupled, _, _ = molecule.coarse(GRID, 1.3, second=0.0)
    np.testing.assert_allclose(bare - coupled, np.log(iv(0, 1.3)), atol=1e-12)


def test_a_weak_coupling_shifts_the_second_wave_by_its_square():
    bare, _, _ = molecule.coarse(GRID, 0.0)
    waves = [np.fft.rfft(molecule.coarse(GRID, k)[0] - bare) for k in (0.02, 0.04)]
    assert waves[1][2] / waves[0][2] == pytest.approx(4, rel=1e-3)
    assert max(abs(np.delete(waves[0], [0, 2]))) < 1e-3 * abs(waves[0][2])


def test_what_is_asked_of_a_free_energy():
    flat = molecule.free_energy(np.full((2, 50), 7.0))
    np.testing.assert_allclose(molecule.configurational_entropy(flat), np.log(2 * np.pi), rtol=1e-12)
    bent = molecule.free_energy(np.cos(GRID) * 0.7 + 100)
    assert molecule.mean_cosine(bent) == pytest.approx(-iv(1, 0.7) / iv(0, 0.7), rel=1e-10)
    assert molecule.barrier(bent) == pytest.approx(1.4)
    np.testing.assert_allclose(molecule.density(bent).sum(), 1)


def test_samples_have_the_mean_force_and_none_fall_into_the_gap():
    change = {"simulate": {"seeds": 4, "sizes": [10, 20, 4000], "cells": 200}}
    world = simulate(case("simulate", **change))
    phi, force = world["phi"].values[0], world["force"].values[0]
    _, mean, variance = molecule.coarse(phi.ravel(), 1.0)
    z = (force.ravel() - mean) / np.sqrt(variance + 9)
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert z.var() == pytest.approx(1, abs=4 * np.sqrt(2 / z.size))
    profile = molecule.free_energy(molecule.coarse(GRID, 1.0)[0])
    error = np.cos(phi).mean() - molecule.mean_cosine(profile)
    assert abs(error) < 4 / np.sqrt(phi.size)
    gap = world["phi"].values[2]
    assert not ((gap > 0.51) & (gap < 1.49)).any() and ((phi > 0.51) & (phi < 1.49)).mean() > 0.1
    assert float(world["width"]) == pytest.approx(np.sqrt(9 + variance.mean()), rel=0.01)


def test_forces_are_slopes_of_the_networks():
    parameters = init_mlp(3, [2, 5, 5, 1], torch.Generator().manual_seed(0))
    parameters = {name: value.detach().double() for name, value in parameters.items()}
    phi = torch.linspace(-3, 3, 7, dtype=torch.float64).view(1, -1, 1).repeat(3, 1, 1).requires_grad_()
    potential, force = potential_and_force(parameters, phi)
    (expected,) = torch.autograd.grad(potential.sum(), phi)
    torch.testing.assert_close(force, -expected[..., 0])


@pytest.mark.parametrize("temperature", [1.0, 0.1])
def test_chains_have_the_posterior_of_a_linear_model(temperature):
    """Mean the same, covariance T times the posterior's: a missing n would be another temperature."""
    n, runs, rng = 50, 3000, np.random.default_rng(1)
    x = np.stack([np.cos(GRID[:n]), np.sin(GRID[:n]), np.cos(2 * GRID[:n])], 1)
    y = x @ [1.0, -2.0, 0.5] + 0.5 * rng.standard_normal(n)
    precision = x.T @ x / 0.25 + np.eye(3) / 9
    mean, covariance = np.linalg.solve(precision, x.T @ y / 0.25), np.linalg.inv(precision)
    theta = torch.as_tensor(np.tile(mean, (runs, 1)), dtype=torch.float32)[..., None]
    chains = Chains({"theta": theta}, 100.0)  # a large floor: nearly the same step in all directions
    matrix, centre = (torch.as_tensor(a, dtype=torch.float32) for a in (precision / n, mean[:, None]))
    spread = torch.full((runs,), temperature / n)
    for _ in range(150):
        chains.step([matrix @ (theta - centre)], 10.0, spread, rng)
    found = theta[..., 0].double().numpy()
    np.testing.assert_allclose(np.cov(found.T), temperature * covariance, atol=0.1 * temperature * covariance.max())
    assert (abs(found.mean(0) - mean) < 5 * np.sqrt(temperature * np.diag(covariance) / runs)).all()


def test_a_chain_that_stopped_goes_on():
    one, other = (Chains({"w": torch.ones(2, 3)}, 1.0) for _ in range(2))
    gradient, spread = [torch.full((2, 3), 0.3)], torch.ones(2)
    one.step(gradient, 0.1, spread, np.random.default_rng(0))
    other.restore(one.arrays())
    for chains in (one, other):
        chains.step(gradient, 0.1, spread, np.random.default_rng(1))
    torch.testing.assert_close(one.parameters["w"], other.parameters["w"], rtol=0, atol=0)


def test_a_training_that_was_stopped_goes_on(tmp_path, monkeypatch):
    world = simulate(case("simulate"))
    few = case("train", train={"steps": 6, "chain_steps": 24, "thin": 2})
    assert_goes_on(lambda one: train(one, world), few, tmp_path, monkeypatch, 27)


def test_controls_have_other_networks_and_untrained_ones_are_the_first():
    trained = train(case("train"), simulate(case("simulate")))
    own = {arm: found_for(case("forecast"), trained, arm).potential for arm in ARMS}
    swapped = {arm: found_for(case("forecast", "swapped"), trained, arm).potential for arm in ARMS}
    for arm, stand_in in (("cold, few", "SG-MCMC, few"), ("SG-MCMC, biased", "SG-MCMC, many")):
        np.testing.assert_array_equal(swapped[arm], own[stand_in])
        assert (own[arm] != own[stand_in]).any()
    copies = found_for(case("forecast", "overconfident"), trained, "SG-MCMC, few").potential
    np.testing.assert_array_equal(copies, np.repeat(own["SG-MCMC, few"][:, :1], copies.shape[1], 1))
    untrained = found_for(case("forecast", "untrained"), trained, "SG-MCMC, few").potential
    np.testing.assert_array_equal(untrained, np.repeat(untrained[:, :, :1], untrained.shape[2], 2))
    same = found_for(case("forecast", "untrained"), trained, "ensemble, few").potential
    np.testing.assert_array_equal(untrained[:, :, :1], same)


def made_up(rng, between, within):
    """Profiles of three data sets, four chains and thirty draws about the exact one, off by a wave of a basin."""
    truth = molecule.free_energy(molecule.coarse(GRID, 1.0)[0])
    size = between * rng.standard_normal((3, 4, 1, 1)) + within * rng.standard_normal((3, 4, 30, 1))
    return truth, Samples(truth + size * np.sin(GRID), size * np.cos(GRID), np.full((3, 4, 30), 3.0))


def test_chains_that_stay_apart_are_told_from_those_that_mix():
    rng = np.random.default_rng(3)
    for between, within, sign in ((1.0, 0.1, 1), (0.0, 1.0, -1)):
        truth, found = made_up(rng, between, within)
        scores = chain_by_chain(found, found, truth)
        assert (np.sign(scores["log_variances"]) == sign).all()
    copies = Samples(*(np.repeat(values[:, :1], 4, 1) for values in found))
    scores = chain_by_chain(copies, copies, truth)
    np.testing.assert_array_equal(scores["single_coverage"], scores["shared_coverage"])
    assert (scores["log_variances"] < -100).all()


def test_widths_are_held_against_the_spread_over_data_sets():
    """Off by a wave with a deviation of 1 within a data set, and of 0.5 between them, where t of two is 4.30."""
    waves = np.linspace(-1, 1, 41)
    waves *= 0.01 / waves.std(ddof=1)
    off = 0.005 * np.array([-1.0, 0.0, 1.0])[:, None] + waves  # small, so that profiles follow their potentials
    found = Samples(off[:, None, :, None] * np.cos(GRID), None, None)
    assert relative_width(found) == pytest.approx(np.full(3, 1.96 / 4.303 / 0.5), rel=0.01)


def test_a_gap_that_networks_differ_about():
    _, found = made_up(np.random.default_rng(4), 0.0, 1.0)  # forces off by waves of cos phi
    inside, outside = abs(GRID) < 0.5, abs(abs(GRID) - np.pi / 2) < 0.5
    scores = parts.of_arm(found, 1.8, inside, outside)
    assert scores["gap_ratio"].values == pytest.approx(
        np.full(3, abs(np.cos(GRID[inside])).mean() / abs(np.cos(GRID[outside])).mean())
    )
    assert (scores["width"] == 3).all() and (scores["information"] >= 0).all()


def test_a_data_set_with_a_network_that_diverged_failed():
    truth, found = made_up(np.random.default_rng(5), 0.0, 0.5)
    whole = surviving(lambda one: of_arm(one, truth, 1.0), found)
    found.potential[1, 2, 3] = np.nan
    scores = surviving(lambda one: of_arm(one, truth, 1.0), found)
    assert np.isnan(scores["coverage"][1]) and np.isnan(scores["rank_correlation"][1])
    np.testing.assert_array_equal(scores["rmse"][[0, 2]], whole["rmse"][[0, 2]])


def test_all_chains_together_give_as_many_samples_as_one():
    values = np.arange(2 * 3 * 7.0).reshape(2, 3, 7)
    assert shared(values).shape == (2, 7) and pooled(values).shape == (2, 21)
    np.testing.assert_array_equal(shared(values)[0], [0, 8, 16, 3, 11, 19, 6])
    copies = np.repeat(values[:, :1], 3, 1)
    np.testing.assert_array_equal(shared(copies), values[:, 0])


def test_intervals_of_a_right_posterior_cover_and_narrow_ones_do_not():
    rng = np.random.default_rng(2)
    truth, centre = rng.standard_normal((2, 4000))
    draws = centre + rng.standard_normal((40, 4000)) * np.sqrt(2)
    for times, expected in ((1.0, 0.946), (0.2, 0.305)):  # of t with 39 degrees of freedom, nearly
        _, low, high = central(draws - draws.mean(0) + centre, axis=0, times=times)
        assert ((low < truth) & (truth < high)).mean() == pytest.approx(expected, abs=0.025)


def test_scores_of_an_exact_posterior():
    truth = molecule.free_energy(molecule.coarse(GRID, 1.0)[0])
    noise = np.cos(GRID + np.linspace(0, 5, 20)[:, None]) * 0.1
    potential = truth + np.concatenate([noise, -noise])
    found = of_arm(Samples(potential.reshape(1, 4, 10, -1), None, None), truth, 1.0)
    assert float(found["coverage"][0]) == 1 and float(found["rmse"][0]) < 0.02
    assert float(found["divergence"][0]) == pytest.approx(0, abs=1e-3)
    basins, barrier, cosine = found["observable_error"].values[0]
    assert max(abs(basins), abs(cosine)) < 0.005 and 0 < barrier < 0.1  # a largest less a least value is biased upwards
    assert (found["observable_inside"] == 1).all()
    far = of_arm(Samples(potential.reshape(1, 4, 10, -1), None, None), np.roll(truth, 20), 1.0)
    assert float(far["coverage"][0]) < 0.5


def test_ranks():
    x = np.array([0.1, 5.0, 2.0, 9.0])
    assert ranked_together(x, np.exp(x)) == pytest.approx(1) and ranked_together(x, -x) == pytest.approx(-1)


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"gap": [1.5, 0.5]}}, "simulate.gap: give two rising angles"),
        ({"simulate": {"sizes": [50, 20, 100]}}, "must rise"),
        ({"train": {"thin": 20}}, "train.thin: a chain must keep at least two samples"),
        ({"train": {"cold": 0}}, "cold"),
    ],
)
def test_bad_parameters_are_named(change, said):
    whole = case("simulate").params.model_dump()
    for step, values in change.items():
        whole[step] |= values
    with pytest.raises(UserError, match=said):
        check(Params, whole, STUDY)
