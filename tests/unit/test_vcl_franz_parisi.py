"""Known answers: spins in fields, the descent, the replica theory, networks, scores; controls, resuming, bad input."""

import numpy as np
import pytest
import torch

from pesin.config.load import merge
from pesin.errors import UserError
from pesin.params import check
from project import case_of, plan
from stopping import assert_goes_on
from studies.vcl_franz_parisi import deep, forecast, replica, simulate, spins, train
from studies.vcl_franz_parisi import entropy as measured
from studies.vcl_franz_parisi.params import Descent, Entropy, Grid, Params

STUDY = "vcl_franz_parisi"
RNG = np.random.default_rng(3)
FINE = Entropy(
    beta=20, grid=Grid(gauss=241, field=401), alphas=[1.0], pair_alphas=[1.0], damping=0.3, tolerance=1e-5, sweeps=400,
    identity=[0.0],
)  # fmt: skip
G = replica.grids(FINE)
TINY = {"train": {"single": {"epochs": 2}, "pair": {"epochs": 2}, "deep": {"epochs": 2}}}


def case(step, name="teachers", **change):
    return case_of(STUDY, name, step, "smoke", **change)


@pytest.fixture(scope="module")
def data():
    return simulate.simulate(case("simulate"))


@pytest.fixture(scope="module")
def trained(data):
    return train.train(case("train", **TINY), data)


# -------------------------------------------------------------------------------------------------------------- spins


def test_divergence_and_entropy_are_those_of_a_coin():
    theta, prior = torch.tensor(RNG.normal(size=(2, 50)) * 3)
    up, before = (torch.distributions.Bernoulli((1 + torch.tanh(x)) / 2) for x in (theta, prior))
    torch.testing.assert_close(spins.divergence(theta, prior), torch.distributions.kl_divergence(up, before))
    torch.testing.assert_close(spins.spin_entropy(theta), up.entropy())
    assert (spins.divergence(prior, prior) == 0).all()


def test_slope_of_the_divergence():
    theta, prior = torch.tensor(RNG.normal(size=(2, 20)))
    theta.requires_grad_()
    (slope,) = torch.autograd.grad(spins.divergence(theta, prior).sum(), theta)
    torch.testing.assert_close(slope, (theta - prior) * (1 - torch.tanh(theta) ** 2))


def patterns(runs=2, weights=9, count=6, arms=2):
    xi = torch.tensor(simulate.signs(RNG, runs, count, weights), dtype=torch.float64)
    label = torch.tensor(simulate.signs(RNG, runs, count, arms), dtype=torch.float64)
    return torch.tensor(RNG.normal(size=(runs, weights, arms))), xi, label


def test_slope_of_the_energy_is_autograd_s():
    theta, xi, label = patterns()
    theta.requires_grad_()
    (slope,) = torch.autograd.grad(spins.energy(theta, xi, label).sum(), theta)
    by_hand = spins.energy_slope(theta.detach(), xi, label) * (1 - torch.tanh(theta.detach()) ** 2)
    torch.testing.assert_close(slope, by_hand)


def test_energy_of_uncertain_weights_is_one_bit_a_pattern_and_no_slope_overflows():
    theta, xi, label = patterns()
    torch.testing.assert_close(
        spins.energy(0 * theta, xi, label), torch.full((2, 2), 6 * np.log(2), dtype=torch.float64)
    )
    assert torch.isfinite(spins.energy_slope((30 * theta).float(), xi.float(), label.float())).all()


@pytest.mark.parametrize("batch", [2, 6])
def test_the_divergence_counts_once_in_an_epoch(batch):
    """Where the descent ends, the energy's slope balances gamma times the divergence's, however patterns are split."""
    prior, xi, label = patterns(arms=1)
    prior = 0.5 * prior
    how = Descent(rate=0.02, batch=batch, epochs=500)
    end, _ = spins.descend(prior, xi, label, how, 1e-9, RNG, gamma=2.0)
    pull = 2.0 * (end - prior)
    assert (spins.energy_slope(end, xi, label) + pull).norm() < 0.1 * pull.norm()


def test_a_strong_prior_holds_and_arms_of_a_run_share_their_patterns():
    theta, xi, label = patterns(arms=1)
    both, told = theta.repeat(1, 1, 3), label.repeat(1, 1, 3)
    how = Descent(rate=1e-3, batch=2, epochs=200)
    gamma = torch.tensor([100.0, 0.0, 0.0])
    moved, _ = spins.descend(both, xi, told, how, 0.5, RNG, gamma)
    way = (moved - both).abs().mean((0, 1))
    assert way[0] < 0.2 * way[1] and float(way[1]) == pytest.approx(float(way[2]))


# ------------------------------------------------------------------------------------------------------------- theory


def test_without_data_spins_are_uniform_and_errors_a_half():
    state = replica.solve(0.0, FINE, G)
    np.testing.assert_allclose(state.order, [0, 0, 1 / 3], atol=1e-4)
    assert replica.error(state.overlap[0]) == pytest.approx(0.5, abs=1e-4)
    assert state.potential == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("alpha, known", [(0.2, [0.2557, 0.1742, 0.4839]), (1.0, [0.8557, 0.6290, 0.9061])])
def test_order_parameters_that_are_known(alpha, known):
    """The card's; and the error, whose integrand jumps at m = 0, against a sum over midpoints of m."""
    state = replica.solve(alpha, FINE, G, torch.tensor(known, dtype=torch.float64) + 0.002)
    np.testing.assert_allclose(state.order, known, atol=2e-4)
    (q, r, large), _ = replica.conjugates(state.order, alpha, FINE.beta, G)
    m = (torch.arange(4000, dtype=torch.float64) + 0.5) / 2000 - 1
    weight = torch.softmax((large - q / 2) * m**2 + (q.sqrt() * G.z[:, None] + r) * m, 1)
    overlap = float((G.dz * (weight @ torch.sign(m))).sum())
    assert replica.error(state.overlap[0]) == pytest.approx(replica.error(overlap), abs=3e-4)


def test_order_parameters_make_the_potential_stationary():
    """Its slopes in the conjugates, by differences, are what the updates take for q, r and Q."""
    hats = torch.tensor([2.0, 1.5, -0.5], dtype=torch.float64)
    order = replica.spins(hats, G, None)[0]

    def value(place, by):
        return replica.spins(hats + by * torch.eye(3, dtype=torch.float64)[place], G, None)[2]

    slopes = [(value(place, 1e-4) - value(place, -1e-4)) / 2e-4 for place in range(3)]
    np.testing.assert_allclose([-2 * slopes[0], slopes[1], slopes[2]], order, rtol=1e-5)


def test_a_prior_without_strength_forgets_task_1_and_two_equal_tasks_agree():
    g, density = G, torch.full((401,), 1 / 401, dtype=torch.float64)
    free = replica.Prior(density, torch.ones(401, 401, dtype=torch.float64), 0.0)
    hats = torch.tensor([2.0, 1.5, -0.5], dtype=torch.float64)
    order, overlap, value, _ = replica.spins(hats, g, free)
    alone = replica.spins(hats, g, None)
    torch.testing.assert_close(order, alone[0])
    assert overlap[0] == pytest.approx(0, abs=1e-10) and overlap[1] == pytest.approx(alone[1][0])
    assert value == pytest.approx(alone[2])
    same = replica.spins(hats, g, free._replace(overlap=1.0))[1]
    assert same[0] == pytest.approx(same[1])


def test_the_expansion_is_the_fisher_information_of_a_spin():
    found = measured.expansion(case("entropy").params)
    np.testing.assert_allclose(found["coefficient"], found["fisher"], rtol=1e-6)


# -------------------------------------------------------------------------------------------------------- measurements


def test_errors_of_teachers_of_opposites_and_of_none():
    teacher = simulate.signs(RNG, 2, 101).astype(float)
    half = teacher * np.where(np.arange(101) < 50, -1, 1)
    found = measured.errors(np.stack([teacher, -teacher, half]), teacher)
    np.testing.assert_allclose(found[:2], [[0, 0], [1, 1]])
    np.testing.assert_allclose(found[2], np.arccos(1 / 101) / np.pi)
    fresh = simulate.signs(RNG, 4000, 101).astype(np.float32)
    np.testing.assert_allclose(forecast.missed(half, teacher, fresh), found[2], atol=0.03)
    assert (forecast.missed(teacher, teacher, fresh) == 0).all()


def test_rank_correlations():
    x = RNG.normal(size=(3, 40))
    np.testing.assert_allclose(measured.correlations(x, np.exp(x)), 1)
    np.testing.assert_allclose(measured.correlations(x, -(x**3)), -1)
    assert measured.correlations(x, np.zeros_like(x)).tolist() == [0, 0, 0]
    assert np.isnan(measured.correlations(x, np.full(x.shape, np.nan))).all()


def test_ways_that_uncertainty_modulates_and_ways_that_it_does_not(data, trained):
    pair = trained["pair"].to_dataset().copy(deep=True)
    before = RNG.normal(size=pair["theta_1"].shape)
    pair["theta_1"].values[:] = before
    pair["theta_2"].values[:] = before + 0.01 * (1 - np.tanh(before) ** 2)
    pair["theta_early"].values[:] = before + 0.01 * np.tanh(before) ** 2
    found = measured.modulation(case("entropy"), pair)
    np.testing.assert_allclose(found["modulation_of_fields"], 1, atol=1e-3)  # fields are float32
    np.testing.assert_allclose(found["modulation_early"], -1, atol=1e-3)
    assert (found["modulation"] > 0.99).all() and (found["modulation_dealt"] > 0.3).all()
    assert (found["modulation_dealt"] < 0.95).all()


def test_teachers_overlap_as_told_and_labels_are_theirs(data):
    pair = data["pair"]
    overlap = (pair["teacher_1"] * pair["teacher_2"]).mean("weight").mean("run").values
    np.testing.assert_allclose(overlap, pair["overlap"], atol=0.2)
    field = (data["single/xi"].astype(float) * data["single/teacher"]).sum("weight").transpose("run", "pattern")
    assert (np.sign(field) == data["single/label"]).all()


# ------------------------------------------------------------------------------------------------------------ networks


def test_a_network_in_strong_fields_is_the_binary_one():
    hidden = {f"weight_{i}": torch.tensor(RNG.normal(size=s)).float() for i, s in enumerate([(2, 8, 5), (2, 5, 10)])}
    x = torch.tensor(RNG.normal(size=(2, 4, 8))).float()
    binary = deep.binary_outputs(hidden, x)
    torch.testing.assert_close(deep.field_outputs(hidden, x, 1e6), binary)
    torch.testing.assert_close(
        deep.field_outputs(hidden, x, 1e6, torch.Generator().manual_seed(0)), binary, atol=2e-3, rtol=1e-3
    )


def test_metaplasticity_damps_what_shrinks_and_nothing_else():
    begun = torch.tensor([[[2.0, 2.0, -0.1]]]).repeat(2, 1, 1)
    hidden = {"w": begun.clone().requires_grad_()}
    value = (hidden["w"] * torch.tensor([1.0, -1.0, -1.0])).sum((1, 2))
    meta = torch.tensor([0.0, 1.3])[:, None, None]
    deep.metaplastic_step(deep.RunsOptimiser(hidden, "adam"), value, torch.full((2,), 0.1), meta)
    plain, damped = (hidden["w"].detach() - begun)[:, 0]
    torch.testing.assert_close(plain, torch.tensor([-0.1, 0.1, 0.1]), atol=1e-5, rtol=0)
    scale = 1 - np.tanh(1.3 * np.array([2.0, 0, 0.1])) ** 2
    torch.testing.assert_close(damped, plain * torch.tensor([scale[0], 1.0, scale[2]]).float(), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("modulated", [True, False])
def test_slope_of_the_divergence_in_networks(modulated):
    """b^2 (1 - m^2) times the last step; not modulated, without the factor."""
    theta = {"w": torch.tensor(RNG.normal(size=(2, 4, 3)), requires_grad=True)}
    before = {"w": theta["w"].detach() + 0.1}
    (slope,) = torch.autograd.grad(deep.held(theta, before, 3.0, modulated).sum(), theta["w"])
    factor = 1 - torch.tanh(3 * theta["w"].detach()) ** 2 if modulated else 1.0
    torch.testing.assert_close(slope, 9 * factor * torch.full((2, 4, 3), -0.1, dtype=torch.float64))


def test_without_modulation_outputs_are_the_same_and_slopes_lack_the_factor():
    theta = {"weight_0": torch.tensor(RNG.normal(size=(1, 8, 10)), requires_grad=True)}
    x = torch.tensor(RNG.normal(size=(1, 1, 8)))
    both = [deep.field_outputs(theta, x, 2.0, modulated=modulated) for modulated in (True, False)]
    torch.testing.assert_close(*both)
    slopes = [torch.autograd.grad(one.sum(), theta["weight_0"])[0] for one in both]
    torch.testing.assert_close(slopes[0], slopes[1] * (1 - torch.tanh(2 * theta["weight_0"].detach()) ** 2))


def test_settings_and_methods_part_and_the_divergence_counts(data):
    with_it, without = (
        deep.learn(case("train", **merge(TINY, {"train": {"gamma": gamma}})), data["digits"])["weight_0"]
        for gamma in (1, 0)
    )
    assert with_it.shape[:4] == (2, 3, 3, 2) and set(np.unique(with_it)) == {-1, 1}
    assert (with_it[1] == without[1]).all() and (with_it[0] != without[0]).any()
    assert (with_it[0, 0] != with_it[0, 2]).any() and (with_it[1, 0] != with_it[1, 2]).any()


def test_settings_are_chosen_on_other_seeds():
    score = np.array([[[0.9, 0.1, 0.1], [0.5, 0.5, 0.4]]])  # one method, two settings, three seeds
    np.testing.assert_allclose(forecast.chosen(score), [[0.5, 0.1, 0.1]])


# --------------------------------------------------------------------------------------------------- controls, resuming


def test_no_step_is_taken_and_labels_are_dealt_out(data, trained):
    still = train.train(case("train", "untrained", **TINY), data)
    assert (still["pair/theta_1"] == still["pair/theta_2"]).all()
    assert (measured.modulation(case("entropy", "untrained"), still["pair"]) == 0).all().to_array().all()
    scores = forecast.forecast(case("forecast", "untrained"), data, still)
    np.testing.assert_allclose(scores["error"].mean(), 0.5, atol=0.05)
    assert (scores["forgotten"] == 0).all() and (scores["forgetting"] == 0).all()
    other = train.single(case("train", "no_prior", **TINY), data)
    assert not np.array_equal(other["theta"], trained["single/theta"][:, : other.sizes["run"]])


def test_mnist_says_where_to_get_it(tmp_path):
    there = {"source": "mnist", "folder": str(tmp_path), "train": 10, "test": 10}
    with pytest.raises(UserError, match="idx3"):
        simulate.digits(case("simulate", simulate={"digits": there}, train={"deep": {"epochs": 1}}))


@pytest.mark.parametrize("stop", [13, 19])
def test_students_and_networks_that_were_stopped_go_on(data, tmp_path, monkeypatch, stop):
    assert_goes_on(lambda c: train.train(c, data), case("train", **TINY), tmp_path, monkeypatch, stop)


@pytest.mark.parametrize(
    "change, sentence",
    [
        ({"simulate": {"weights": 100}}, "odd"),
        ({"entropy": {"beta": 50}}, "underflow"),
        ({"entropy": {"grid": {"field": 60}}}, "zero"),
        ({"entropy": {"alphas": [0.2, 0.5]}}, r"entropy.alphas.*none of"),
        ({"train": {"runs": 6}}, "6 is more than the 5"),
        ({"train": {"labels": "random"}}, "labels"),
        ({"train": {"deep": {"starts": [0.1]}}}, "as many settings"),
    ],
)
def test_bad_parameters_are_named(change, sentence):
    given = merge(plan("smoke").study(STUDY).cases["teachers"].params, change)
    with pytest.raises(UserError, match=sentence):
        check(Params, given, "config/studies/vcl_franz_parisi.yaml")
