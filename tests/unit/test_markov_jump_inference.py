"""Known answers: the ratchet, the prior, the network's symmetries, entropy production, exact posteriors, bad input."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr
from scipy.linalg import expm

from pesin.config.load import merge
from pesin.entropy.nonequilibrium import jump_entropy_production, stationary_distribution
from pesin.errors import UserError
from pesin.models.markov import generator, predictive, relaxation_times
from pesin.params import check
from pesin.systems.jumps import jump_paths, reader
from project import case_of
from stopping import assert_goes_on
from studies.markov_jump_inference.entropy import (
    along_drive,
    drawn,
    path_entropy_rate,
    production,
    reversible,
    reversible_bias,
)
from studies.markov_jump_inference.forecast import _posterior, along, hellinger, prior_density, seen
from studies.markov_jump_inference.network import features, infer, init_network, losses, network_of
from studies.markov_jump_inference.params import Params
from studies.markov_jump_inference.simulate import simulate
from studies.markov_jump_inference.train import batch, share, train
from studies.markov_jump_inference.worlds import (
    STAND_INS,
    balanced_law,
    draw_processes,
    observe,
    ratchet,
    ratchet_parameters,
)

STUDY = "markov_jump_inference"
CYCLE = np.array([[0.0, 2, 1], [1, 0, 2], [2, 1, 0]])


def case(step, scale="smoke", name="processes", **change):
    return case_of(STUDY, name, step, scale, **change)


def network(width=8, seed=0):
    return init_network(width, torch.Generator().manual_seed(seed))


# ----------------------------------------------------------------------------------------------------------- the worlds


def test_the_ratchet_is_the_authors():
    rates = generator(ratchet(1.0))
    np.testing.assert_allclose(rates[0, [1, 2, 3, 0]], [0.60653, 0.36788, 1, -1.97441], atol=5e-6)
    np.testing.assert_allclose(rates[2, [0, 1, 2]], [2.71828, 1.64872, -5.36700], atol=5e-6)
    np.testing.assert_allclose(balanced_law(ratchet(1.0)), [0.3012, 0.1365, 0.0623, 0.2003, 0.1591, 0.1406], atol=5e-5)
    np.testing.assert_allclose(relaxation_times(ratchet(1.0))[:2], [0.5, 0.3496], atol=5e-5)


def test_both_formulas_give_the_height_exactly():
    many = np.stack([ratchet(v, r, b) for v, r, b in ((0.0, 1, 1), (1.3, 0.4, 2.0), (3.0, 2.0, 0.1))])
    found = ratchet_parameters(many)
    np.testing.assert_allclose(found["V"], [0, 1.3, 3], atol=1e-12)
    np.testing.assert_allclose(found["V_least_squares"], [0, 1.3, 3], atol=1e-12)
    np.testing.assert_allclose(found["r"], [1, 0.4, 2])
    np.testing.assert_allclose(found["b"], [1, 2, 0.1])
    # They weigh errors differently: the one that the log ratios of all three links fit best is least squares.
    wrong = ratchet(1.0)
    wrong[0, 2] *= 1.1
    found = ratchet_parameters(wrong)
    heights = np.linspace(0.9, 1.1, 2001)
    ratios = [np.log(wrong[j, i] / wrong[i, j]) for i, j in ((0, 1), (1, 2), (0, 2))]
    errors = sum((ratio - size * heights) ** 2 for ratio, size in zip(ratios, (1, 1, 2), strict=True))
    assert found["V_least_squares"] == pytest.approx(heights[errors.argmin()], abs=1e-4)
    assert found["V"] != pytest.approx(found["V_least_squares"], abs=1e-3)


def test_the_entropy_production_along_the_height():
    found = production(np.stack([ratchet(v) for v in (0, 0.5, 1, 1.5, 2, 2.5, 3)]))
    np.testing.assert_allclose(found, [0, 0.04854, 0.17919, 0.36055, 0.56565, 0.77883, 0.99274], atol=6e-6)


@pytest.mark.parametrize("states", [2, 3, 6])
def test_processes_of_the_prior_are_connected_and_of_the_scale(states):
    made = draw_processes(np.random.default_rng(0), 300, states, np.linspace(0.5, 2, 300))
    assert (made.rates[~made.links] == 0).all() and (made.rates[made.links] > 0).all()
    assert (made.links == made.links.swapaxes(1, 2)).all() and not made.links[:, range(states), range(states)].any()
    np.testing.assert_allclose(balanced_law(made.rates), stationary_distribution(made.rates), atol=1e-4)
    assert (made.rates.max((1, 2)) <= np.linspace(0.5, 2, 300)).all()
    np.testing.assert_allclose(made.start.sum(1), 1)
    if states > 2:
        assert 0.4 < made.links.sum() / (300 * states * (states - 1)) < 0.95
    # Mean of the beta laws: the mean of a / (a + b) over the eight shapes.
    mean = np.mean([a / (a + b) for a in (1, 2) for b in (1, 3, 5, 10)])
    big = draw_processes(np.random.default_rng(1), 4000, 2, 1.0).rates
    assert big.sum() / 8000 == pytest.approx(mean, abs=0.02)


def test_paths_start_in_the_law_that_is_given():
    rng, start = np.random.default_rng(2), np.array([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]])
    labels = observe(rng, np.stack([CYCLE, CYCLE]), start, 20_000, np.array([0.0, 1.0]), 0.0)
    for one, law in zip(labels, start, strict=True):
        np.testing.assert_allclose(np.bincount(one[:, 0], minlength=3) / 20_000, law, atol=0.012)


def test_stand_ins_are_read_with_the_errors_of_a_threshold():
    world = replace(STAND_INS["folding"], deviation=0.25)  # thresholds two deviations away
    quiet = replace(world, deviation=1e-9)
    noisy, true = (w.read(np.random.default_rng(3), 4, 200, 50) for w in (world, quiet))
    assert (noisy != true).mean() == pytest.approx(0.02275, abs=0.003)
    assert true.mean() == pytest.approx(balanced_law(world.rates)[1], abs=0.02)
    for world in STAND_INS.values():
        assert len(world.levels) == len(world.rates) and production(world.rates) < 0.2


# ---------------------------------------------------------------------------------------------------------- the network


def test_names_of_states_carry_no_meaning():
    rng, order = np.random.default_rng(4), np.array([2, 0, 3, 1])
    made = draw_processes(rng, 3, 4, 0.3)
    labels = observe(rng, made.rates, made.start, 20, np.arange(40.0), 0.01)
    renamed = np.argsort(order)[labels]
    for plain, other in zip(infer(network(), labels, 4, 0.5), infer(network(), renamed, 4, 0.5), strict=True):
        np.testing.assert_allclose(other, plain[:, order][:, :, order], rtol=2e-4)
    assert np.ptp(infer(network(), labels, 4, 0.5)[0][0, ~np.eye(4, dtype=bool)]) > 1e-3


def test_twice_the_time_has_half_the_rates():
    labels = observe(np.random.default_rng(5), CYCLE[None], np.full((1, 3), 1 / 3), 10, 0.1 * np.arange(40), 0.0)
    for slow, fast in zip(infer(network(), labels, 3, 0.2), infer(network(), labels, 3, 0.1), strict=True):
        np.testing.assert_array_equal(2 * slow, fast)


def test_one_network_takes_any_number_of_states_and_paths():
    for n in (2, 3, 6):
        labels = np.random.default_rng(6).integers(n, size=(2, 5, 7, 30))
        mean, deviation = infer(network(), labels, n, 1.0)
        assert mean.shape == deviation.shape == (2, 5, n, n)
        np.testing.assert_allclose(mean.sum(-1), 0, atol=1e-6)
        assert (deviation[..., ~np.eye(n, dtype=bool)] > 0).all()


def test_features_are_shares_of_transitions():
    found = features(np.array([[0, 1, 1, 0, 0, 0, 0, 0, 0, 0]]), 2)
    assert found.shape == (2, 2, 5)
    assert found[0, 1, 0] == pytest.approx(np.log(1.5 / 8)) and found[1, 1, 0] == pytest.approx(np.log(1.5 / 3))
    np.testing.assert_allclose(found[..., -1], np.log([[8, 8], [3, 3]]), rtol=1e-6)


def test_the_loss_is_least_at_the_truth_and_in_units_of_the_mean_rate():
    rates = torch.tensor(CYCLE, dtype=torch.float32)[None]
    sd = torch.full_like(rates, 0.3)
    best = float(losses(rates, sd, rates))
    assert best == pytest.approx(np.log(0.3 / 1.5 + 0.01), rel=1e-5)
    assert all(float(losses(wrong * rates, sd, rates)) > best for wrong in (0.8, 1.2))
    assert float(losses(7 * rates, 7 * sd, 7 * rates)) == pytest.approx(best, rel=1e-5)


def test_an_update_draws_what_was_asked_for():
    params = case("train").params.train
    for step, n in enumerate((2, 3, 4, 5, 6, 2)):
        x, rates = batch(params, np.random.default_rng(step), step)
        assert x.shape == (8, n, n, 5) and x.dtype == rates.dtype == np.float32 and rates.max() <= 0.6
    assert share(0.0) == 0 and share(0.15) == pytest.approx(1) and share(1.0) == pytest.approx(0)


def test_training_learns_to_tell_fast_from_slow():
    """On a small scale already: rates of processes that it never saw, better than one number and than no training."""
    found = train(case("train", train={"steps": 300, "batch": 16}))
    weights = network_of(found, "learnt")
    rng = np.random.default_rng(7)
    made = draw_processes(rng, 100, 3, 0.3)
    labels = observe(rng, made.rates, made.start, 100, np.arange(40.0), 0.01)
    off = ~np.eye(3, dtype=bool)
    truth = made.rates[:, off]
    errors = [
        ((infer(w, labels, 3, 1.0)[0][:, off] - truth) ** 2).mean() for w in (weights, network_of(found, "drawn"))
    ]
    assert errors[0] < 0.5 * truth.var() and errors[0] < 0.5 * errors[1]


def test_a_training_that_was_stopped_goes_on(tmp_path, monkeypatch):
    assert_goes_on(train, case("train", train={"steps": 12}), tmp_path, monkeypatch, 7)


# ------------------------------------------------------------------------------------------------- entropy and forecast


def test_reversible_copies_keep_law_and_traffic_and_produce_nothing():
    rates = np.stack([ratchet(2.0), draw_processes(np.random.default_rng(8), 1, 6, 1.0).rates[0]])
    twin = reversible(rates)
    np.testing.assert_allclose(balanced_law(twin), balanced_law(rates), rtol=1e-4)
    np.testing.assert_allclose(production(twin), 0, atol=1e-8)
    law = balanced_law(rates)[..., None]
    np.testing.assert_allclose((law * twin).sum((1, 2)), (law * rates).sum((1, 2)), rtol=1e-6)
    np.testing.assert_allclose(reversible(ratchet(0.0)), ratchet(0.0), atol=1e-8)


def test_the_bias_is_what_an_estimator_sees_where_nothing_is_produced():
    rates = np.stack([ratchet(1.0)] * 3)
    assert (reversible_bias(case("entropy"), "x", rates, (5, 10), 0.1, lambda seen: rates) == production(rates)).all()


def test_the_entropy_of_paths_of_a_poisson_process():
    """Two states, both rates f: jumps come as a Poisson process, whose entropy rate is f (1 - ln f)."""
    for f in (0.3, 1.0, 4.0):
        assert path_entropy_rate(np.array([[0, f], [f, 0]])) == pytest.approx(f * (1 - np.log(f)))


def test_correlation_and_draws():
    exact = np.array([0.0, 1.0, 3.0])
    found = along_drive(np.stack([2 * exact + 1, -exact, np.zeros(3)])[..., None], exact)
    np.testing.assert_allclose(found[:, 0], [1, -1, 0])
    rng, rates = np.random.default_rng(9), ratchet(2.0)[None]
    low, high = drawn(rng, rates, 0.05 * rates, 200)
    assert low < jump_entropy_production(ratchet(2.0)).value < high and high - low < 0.2
    low, high = drawn(rng, rates, 1e-9 * rates, 20)
    np.testing.assert_allclose([low, high], 0.565647, atol=1e-5)


def test_hellinger_and_the_master_equation():
    p, q = np.array([[[1.0, 0.0]]]), np.array([[[0.0, 1.0]]])
    assert hellinger(p, q) == 1 and hellinger(p, p) == 0
    assert hellinger(p, np.array([[[0.25, 0.75]]])) == pytest.approx(np.sqrt(0.5))
    found = along(np.array([[1.0, 0.0]]), np.array([[[0.9, 0.1], [0.0, 1.0]]]), 4)
    np.testing.assert_allclose(found[0, :, 0], [1, 0.9, 0.81, 0.729])


def test_the_control_shuffles_each_path_and_keeps_its_labels():
    labels = jump_paths(CYCLE, np.zeros(30, int), np.arange(40.0), np.random.default_rng(10))
    assert seen(case("forecast"), labels, "x") is labels
    mixed = seen(case("forecast", name="shuffled_times"), labels, "x")
    assert (mixed != labels).any()
    np.testing.assert_array_equal(np.sort(mixed, -1), np.sort(labels, -1))


def test_the_priors_density_is_that_of_its_draws():
    """Share of draws in a cell against the integral of the density over it, relative to another cell."""
    scales, rng = (0.01, 0.6), np.random.default_rng(11)
    size = np.exp(rng.uniform(*np.log(scales), 200_000))
    rates = draw_processes(rng, size.size, 2, size).rates
    here, there = rates[:, 0, 1], rates[:, 1, 0]

    def cell(low, high):
        g = np.linspace(low, high, 60)
        x, y = (a.ravel() for a in np.meshgrid(g, g))
        drawn_share = ((here > low) & (here < high) & (there > low) & (there < high)).mean()
        return prior_density(x, y, scales).mean() * (high - low) ** 2, drawn_share

    (one, seen_one), (two, seen_two) = cell(0.05, 0.1), cell(0.15, 0.3)
    assert one / two == pytest.approx(seen_one / seen_two, rel=0.1)


def test_the_exact_posterior_is_that_of_weighted_draws_from_the_prior():
    given = case("forecast", forecast={"posterior": {"cells": 60}})
    pace, rng = 0.25, np.random.default_rng(12)
    rates = np.array([[0.0, 1.0], [0.6, 0.0]])
    labels = jump_paths(np.stack([rates] * 3), np.zeros((3, 4), int), pace * np.arange(20), rng)
    world = xr.Dataset({"labels": (("process", "path", "time"), labels)}, {"time": pace * np.arange(20)})
    mean, deviation = (_posterior(given, network(), world)["posterior"][1][0, k, 0] for k in (0, 1))
    size = np.exp(rng.uniform(*np.log(given.params.train.scales), 12_000))
    drawn_rates = draw_processes(rng, size.size, 2, size).rates
    start, many = np.tile([4.5 / 5, 0.5 / 5], (size.size, 1)), np.broadcast_to(labels[0], (size.size, 4, 20))
    said = predictive(many, np.stack([expm(generator(one)) for one in drawn_rates]), start, reader(2, 0.01))
    log_likelihood = np.log(np.take_along_axis(said, many[..., None].astype(int), -1)).sum((1, 2, 3))
    weight = np.exp(log_likelihood - log_likelihood.max())
    both = drawn_rates[:, [0, 1], [1, 0]] / pace
    centre = weight @ both / weight.sum()
    np.testing.assert_allclose(mean, centre, rtol=0.04)
    np.testing.assert_allclose(deviation, np.sqrt(weight @ (both - centre) ** 2 / weight.sum()), rtol=0.08)


def test_the_drive_off_is_the_flat_ratchet_and_the_sweep_keeps_its_truth():
    made = simulate(case("simulate"))
    on, off = made["ratchet"], made["flat"]
    np.testing.assert_array_equal(off["rates"], np.stack([ratchet(0.0)] * 7))
    np.testing.assert_array_equal(off["entropy_production"], on["entropy_production"])
    np.testing.assert_array_equal(off["labels"][0], on["labels"][0])  # the same random numbers, until a rate differs
    assert (off["labels"][1:] != on["labels"][1:]).any()


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"simulate": {"fresh": {"paths": 30}}}, "they rise to simulate.fresh.paths, 30"),
        ({"simulate": {"fresh": {"processes": 2}}}, "fresh.processes"),
        ({"simulate": {"fresh": {"states": [3]}}}, "not as many processes with two states"),
        ({"simulate": {"ratchet": {"drives": [0, 2, 3, 4, 5]}}}, "0 and 1 are judged by"),
        ({"forecast": {"posterior": {"paths": 7}}}, "one of forecast.paths"),
        ({"train": {"paths": [30, 3]}}, "paths: the first, 30, is above the second, 3"),
        ({"train": {"noises": [1.0]}}, "train.noises"),
        ({"train": {"states": [1]}}, "train.states"),
    ],
)
def test_what_does_not_fit_is_named(change, said):
    whole = case("forecast").params.model_dump()
    with pytest.raises(UserError, match=said):
        check(Params, merge(whole, change), "study.yaml")
