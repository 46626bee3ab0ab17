"""Known answers: the measurement, the Lindblad equation on outcomes, steady states, networks; bad parameters."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm

from pesin.entropy.kernel import von_neumann_entropy
from pesin.errors import UserError
from pesin.models.sampling import sequence_log_prob
from pesin.params import check
from project import case_of
from studies.povm_transformer_open_quantum import ansatz, povm
from studies.povm_transformer_open_quantum.entropy import chained, relative_entropy
from studies.povm_transformer_open_quantum.forecast import asymmetry, lindbladian, trapezoid
from studies.povm_transformer_open_quantum.params import Params
from studies.povm_transformer_open_quantum.simulate import first_state, simulate
from studies.povm_transformer_open_quantum.train import Flow, methods

STUDY = "povm_transformer_open_quantum"
FRAMES = ("tetrahedral", "pauli")
STEADY = {  # ring of 4, V = 2: sx, sy, sz
    0.5: (0.2371, 0.0662, -0.9669),
    1.0: (0.4398, 0.1872, -0.8128),
    2.0: (0.2451, 0.3783, -0.2435),
    3.0: (0.0794, 0.3064, -0.0809),
    4.0: (0.0330, 0.2402, -0.0391),
}


def state(rng, size, count=1):
    x = rng.normal(size=(count, size, size)) + 1j * rng.normal(size=(count, size, size))
    rho = x @ x.conj().swapaxes(1, 2)
    return rho / np.trace(rho, axis1=1, axis2=2)[:, None, None]


def on(operator, site, sites):
    return np.kron(np.kron(np.eye(2**site), operator), np.eye(2 ** (sites - site - 1)))


def whole_lindbladian(sites, bonds, coupling, field):
    """The whole superoperator on row-major vectors, built from whole matrices: a peer of `generators`."""
    x, z, fall = povm.SIGMA[0], povm.SIGMA[2], povm.LOWER
    h = sum(coupling / 4 * on(z, i, sites) @ on(z, j, sites) for i, j in bonds)
    h = h + sum(field / 2 * on(x, i, sites) for i in range(sites))
    one = np.eye(2**sites)
    whole = -1j * (np.kron(h, one) - np.kron(one, h.T))
    for i in range(sites):
        jump = on(fall, i, sites)
        twice = jump.conj().T @ jump
        whole = whole + np.kron(jump, jump.conj()) - (np.kron(twice, one) + np.kron(one, twice.T)) / 2
    return whole


def generator(sites, bonds, coupling, field, frame="tetrahedral"):
    rest, turn = povm.generators(sites, bonds, coupling, 1.0, frame)
    return rest + field * turn


def test_the_tetrahedral_frame_is_that_of_the_card():
    t = povm.overlap("tetrahedral")
    np.testing.assert_allclose(t, np.eye(4) / 4 + (1 - np.eye(4)) / 12, atol=1e-15)
    np.testing.assert_allclose(np.linalg.inv(t), 6 * np.eye(4) - 1, atol=1e-13)


@pytest.mark.parametrize("frame", FRAMES)
def test_effects_are_a_measurement_and_nothing_is_lost(frame):
    m = povm.effects(frame)
    np.testing.assert_allclose(m.sum(0), np.eye(2), atol=1e-15)
    assert np.linalg.eigvalsh(m).min() > -1e-15
    rho = state(np.random.default_rng(1), 8, 3)
    p = povm.probabilities(rho, frame)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-13)
    np.testing.assert_allclose(povm.density(p, frame), rho, atol=1e-13)
    # one outcome by hand: digits 0, 2, 3 in this order
    by_hand = np.trace(rho[0] @ np.kron(np.kron(m[0], m[2]), m[3])).real
    assert p[0, 0 * 16 + 2 * 4 + 3] == pytest.approx(by_hand, abs=1e-14)


def test_the_mixed_state_is_uniform_in_the_tetrahedral_frame():
    np.testing.assert_allclose(povm.probabilities(np.eye(8)[None] / 8, "tetrahedral"), 4.0**-3, atol=1e-16)


def test_expectations_are_those_of_the_state():
    rho = state(np.random.default_rng(2), 8)[0]
    p = povm.probabilities(rho[None], "tetrahedral")[0]
    wanted = [np.mean([np.trace(rho @ on(s, i, 3)).real for i in range(3)]) for s in povm.SIGMA]
    np.testing.assert_allclose(povm.spins(p, "tetrahedral"), wanted, atol=1e-13)
    zz = np.mean([np.trace(rho @ on(povm.SIGMA[2], i, 3) @ on(povm.SIGMA[2], j, 3)).real for i, j in povm.ring(3)])
    assert povm.neighbour_zz(p, povm.ring(3), "tetrahedral") == pytest.approx(zz, abs=1e-13)


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize("bonds", [povm.ring(3), povm.lattice(1, 3)])
def test_the_generator_does_what_the_lindbladian_does(frame, bonds):
    rho = state(np.random.default_rng(3), 8)
    later = (expm(0.7 * whole_lindbladian(3, bonds, 2.0, 1.3)) @ rho.reshape(-1)).reshape(1, 8, 8)
    a = generator(3, bonds, 2.0, 1.3, frame)
    found = expm(0.7 * a.toarray()) @ povm.probabilities(rho, frame)[0]
    np.testing.assert_allclose(found, povm.probabilities(later, frame)[0], atol=1e-12)
    np.testing.assert_allclose(np.asarray(a.sum(0)), 0, atol=1e-13)


def test_one_qubit_decays_as_the_closed_form_says():
    rest, _ = povm.generators(1, [], 0.0, 1.0, "tetrahedral")
    start = povm.probabilities((povm.ONE + 0.6 * povm.SIGMA[0] + 0.5 * povm.SIGMA[2])[None] / 2, "tetrahedral")[0]
    x, _, z = povm.spins(expm(1.5 * rest.toarray()) @ start, "tetrahedral")
    assert z == pytest.approx(-1 + 1.5 * np.exp(-1.5), abs=1e-13)
    assert x == pytest.approx(0.6 * np.exp(-0.75), abs=1e-13)


@pytest.mark.parametrize("field", [0.5, 1.0, 2.0])
def test_uncoupled_sites_are_driven_atoms(field):
    found = povm.spins(povm.steady(generator(1, [], 0.0, field)), "tetrahedral")
    np.testing.assert_allclose(found, np.array([0, 2 * field, -1]) / (1 + 2 * field**2), atol=1e-10)


@pytest.mark.parametrize("field", STEADY)
def test_steady_states_of_the_ring_are_those_of_the_card(field):
    p = povm.steady(generator(4, povm.ring(4), 2.0, field))
    np.testing.assert_allclose(povm.spins(p, "tetrahedral"), STEADY[field], atol=6e-5)


def test_entropies_of_the_steady_state_are_those_of_the_card_and_bound_each_other():
    p = povm.steady(generator(4, povm.ring(4), 2.0, 2.0))
    rho = povm.density(p[None], "tetrahedral")[0]
    levels = np.linalg.eigvalsh(rho)
    neumann = float(von_neumann_entropy((rho + rho.conj().T) / 2).value)
    shannon = float(-(p * np.log(p)).sum())
    assert (neumann, shannon) == pytest.approx((2.052, 5.3554), abs=1e-3)
    assert (levels**2).sum() == pytest.approx(0.2164, abs=1e-4)
    assert -np.log((levels**2).sum()) <= neumann <= 4 * np.log(2) <= 4 * np.log(2) + neumann <= shannon
    assert p.max() <= 2.0**-4


def test_the_ring_falls_from_all_up_as_the_card_says():
    up = np.zeros((1, 16, 16))
    up[0, 0, 0] = 1
    p = povm.probabilities(up, "tetrahedral")[0]
    a = generator(4, povm.ring(4), 2.0, 2.0).toarray()
    for time, wanted in ((0.8, (0.0322, -0.1311, -0.4055)), (2.0, (0.2355, 0.4954, -0.2806))):
        np.testing.assert_allclose(povm.spins(expm(time * a) @ p, "tetrahedral"), wanted, atol=6e-5)


def test_bonds_of_a_ring_and_of_a_rectangle():
    assert povm.ring(3) == [(0, 1), (1, 2), (2, 0)]
    assert sorted(povm.lattice(2, 3)) == [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]
    with pytest.raises(ValueError, match="3 sites or more"):
        povm.ring(2)


def test_fidelity_and_what_is_clipped():
    a, b = np.diag([1.0, 0]), np.array([[0.5, 0.5], [0.5, 0.5]])
    assert povm.fidelity(a, b) == pytest.approx(0.5)
    assert povm.fidelity(b, b) == pytest.approx(1)
    p, q = np.diag([0.3, 0.7]), np.diag([0.6, 0.4])
    assert povm.fidelity(p, q) == pytest.approx((np.sqrt(0.18) + np.sqrt(0.28)) ** 2)
    fixed, clipped = povm.physical(np.diag([1.1, -0.1]))
    np.testing.assert_allclose(fixed, a, atol=1e-15)
    assert clipped == pytest.approx(0.1)


def test_the_peer_of_the_forecast_step_is_the_lindbladian():
    np.testing.assert_allclose(lindbladian(3, 2.0, 1.0, 1.3), whole_lindbladian(3, povm.ring(3), 2.0, 1.3), atol=1e-14)


@pytest.fixture(scope="module")
def case():
    return case_of(STUDY, "states", "train")


def networks(case, runs=2):
    for family in methods(case).values():
        yield family, family.init(runs, torch.Generator().manual_seed(3), "cpu")


def test_all_families_are_normalised_in_float64_and_the_machine_has_as_many_parameters(case):
    sizes = []
    for family, weights in networks(case):
        log_p = family.log_p(weights)
        assert log_p.shape == (2, 4**case.params.simulate.sites)
        assert log_p.dtype == torch.float64
        torch.testing.assert_close(log_p.exp().sum(1), torch.ones(2, dtype=torch.float64), atol=1e-13, rtol=0)
        sizes.append(ansatz.count(weights))
    assert 0.9 < sizes[0] / sizes[1] < 1.1


def test_the_table_holds_what_each_sequence_has(case):
    """In the same order of outcomes, by the library's own log-probability of sequences."""
    family, weights = next(networks(case))
    sites = case.params.simulate.sites
    every = torch.as_tensor(ansatz.digits(sites))
    tokens = torch.cat([torch.full((len(every), 1), ansatz.START), every], 1).expand(2, -1, -1)
    found = sequence_log_prob(lambda x: family.net(weights, x), tokens)
    torch.testing.assert_close(family.log_p(weights), found, atol=1e-12, rtol=0)


def test_the_product_is_the_product_of_its_marginals(case):
    *_, (family, weights) = networks(case)
    p = family.log_p(weights).exp().detach().numpy()[0]
    one = povm.marginals(p)
    whole = one[0]
    for other in one[1:]:
        whole = np.kron(whole, other)
    np.testing.assert_allclose(p, whole, atol=1e-14)


def test_the_machine_sums_out_its_hidden_units():
    """Two sites and three hidden units: the sum over all states of the hidden ones."""
    family = ansatz.Machine(2, 3)
    weights = {k: v.detach() * 20 for k, v in family.init(1, torch.Generator().manual_seed(1), "cpu").items()}
    v = ansatz.visible(2)
    hidden = torch.tensor(list(np.ndindex(2, 2, 2)), dtype=torch.float64)
    energy = v @ weights["visible_bias"][0] + (v @ weights["weight"][0] + weights["hidden_bias"][0]) @ hidden.T
    torch.testing.assert_close(family.log_p(weights)[0], energy.logsumexp(1).log_softmax(0), atol=1e-12, rtol=0)


def test_a_mixture_over_all_shifts_is_symmetric_and_a_single_order_is_a_relabelling():
    log_p = torch.randn(2, 64, generator=torch.Generator().manual_seed(5), dtype=torch.float64).log_softmax(-1)
    index = {name: torch.as_tensor(ansatz.reordered(ansatz.orders(name, 3))).expand(2, -1, -1) for name in ORDERS}
    plain, string = (ansatz.mixture(log_p, index[name]).exp().numpy() for name in ORDERS)
    np.testing.assert_allclose(plain, log_p.exp().numpy(), atol=1e-15)
    assert asymmetry(string, 3).max() < 1e-14
    assert asymmetry(plain, 3).min() > 0.05
    # sites 1, 2, 0 read in this order
    again = ansatz.mixture(log_p, torch.as_tensor(ansatz.reordered([[1, 2, 0]])).expand(2, -1, -1)).exp().numpy()
    np.testing.assert_allclose(again.reshape(2, 4, 4, 4), plain.reshape(2, 4, 4, 4).transpose(0, 3, 1, 2), atol=1e-15)


ORDERS = ("plain", "string")


def test_the_flow_of_training_is_that_of_the_world():
    parts = povm.generators(3, povm.ring(3), 2.0, 1.0, "tetrahedral")
    p = np.random.default_rng(1).dirichlet(np.ones(64), 2)
    found = Flow(parts, np.array([0.5, 3.0]), "cpu")(torch.as_tensor(p)).numpy()
    wanted = [(parts[0] + g * parts[1]) @ q for g, q in zip((0.5, 3.0), p, strict=True)]
    np.testing.assert_allclose(found, wanted, atol=1e-14)
    flow, q = Flow(parts, np.array([0.5, 3.0]), "cpu"), torch.as_tensor(p).requires_grad_()
    assert torch.autograd.gradcheck(flow, q)


def test_the_world_starts_up_and_the_trapezoid_is_of_second_order(case):
    data = simulate(case)
    p = case.params.simulate
    np.testing.assert_allclose(povm.spins(first_state(p), p.frame), [0, 0, 1], atol=1e-13)
    exact = data["ring"]["moving"].values

    def error(parts):
        finer = case_of(STUDY, "states", "forecast", simulate={"dt": p.dt / parts, "steps": p.steps * parts})
        return abs(trapezoid(finer, exact[:, 0])[:, -1] - exact[:, -1]).max()

    assert 3.8 < error(2) / error(4) < 4.2


def test_relative_entropy_is_zero_at_the_goal_and_falls_on_the_exact_way(case):
    data = simulate(case)
    p = case.params.simulate
    ring = data["ring"]
    goal = povm.density(ring["steady"].sel(field=p.drives).values, p.frame)
    way = relative_entropy(case, ring["moving"].values, goal[:, None])
    assert (np.diff(way) < 0).all()
    np.testing.assert_allclose(relative_entropy(case, ring["steady"].sel(field=p.drives).values, goal), 0, atol=1e-9)


def test_the_chain_visits_outcomes_as_often_as_they_are_likely():
    case = case_of(STUDY, "states", "entropy", entropy={"samples": 8000})
    log_p = np.log(np.random.default_rng(2).dirichlet(np.ones(64), 3))
    path = chained(case, log_p)
    seen = np.array([np.bincount(one, minlength=64) for one in path]) / path.shape[1]
    assert abs(seen - np.exp(log_p)).sum(1).max() < 0.3  # 0.7 if all outcomes came as often
    first, then = path[:, :-1], path[:, 1:]
    changed = sum((first // 4**i % 4) != (then // 4**i % 4) for i in range(3))
    assert changed.max() == 1


@pytest.mark.parametrize(
    "change, said",
    [
        ({"simulate": {"sites": 2}}, "simulate.sites"),
        ({"simulate": {"plane": [4, 3]}}, "at most 9 sites"),
        ({"train": {"heads": 3}}, "no multiple of the 3 heads"),
        ({"train": {"order_field": 1.7}}, "one of simulate.fields"),
        ({"forecast": {"methods": {"transformer": "rbm"}}}, "give those of"),
        ({"simulate": {"fields": [2, 1, 3]}}, "must rise"),
    ],
)
def test_bad_parameters_are_named(case, change, said):
    sound = case.params.model_dump()
    wrong = {k: ({**v, **change[k]} if k in change else v) for k, v in sound.items()}
    with pytest.raises(UserError, match=said):
        check(Params, wrong, "config/studies/povm_transformer_open_quantum.yaml")
