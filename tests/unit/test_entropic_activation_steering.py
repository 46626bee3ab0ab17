"""The study's quantities: demonstrators, action distributions with thoughts summed out, vectors, and all steps."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import norm

from pesin.errors import UserError
from pesin.models.sampling import adjusted, ancestral
from pesin.params import check
from pesin.steps.files import publish
from project import case_of, plan
from studies.entropic_activation_steering.agents import (
    Answers,
    activations,
    answers,
    best_allowed,
    best_on_the_way,
    between,
    chosen,
    make_net,
    null_shift_of,
    probed,
    prompts_of,
    read_weights,
    shift_of,
    steered,
    steering_vectors,
)
from studies.entropic_activation_steering.entropy import entropy
from studies.entropic_activation_steering.forecast import (
    NULL,
    damage,
    forecast,
    loop_scores,
    null_of_episodes,
    predictions,
)
from studies.entropic_activation_steering.forecast import play as play_closed_loop
from studies.entropic_activation_steering.params import Params
from studies.entropic_activation_steering.simulate import simulate, table_loss
from studies.entropic_activation_steering.train import by_layer, train
from studies.entropic_activation_steering.world import (
    ACTION,
    REWARD,
    THOUGHT,
    VOCABULARY,
    binned,
    demonstrated,
    entropy_bits,
    play,
    thompson,
)

STUDY = "entropic_activation_steering"


def case(step, **change):
    return case_of(STUDY, "tiny", step, "smoke", **change)


@pytest.fixture(scope="module")
def made():
    data = simulate(case("simulate"))
    return data, train(case("train"), data)


@pytest.fixture(scope="module")
def agents(made):
    data, trained = made
    return make_net(case("train").params.train, data.sizes["position"]), read_weights(trained, "cpu")


def rng(seed=0):
    return np.random.default_rng(seed)


# ---------------------------------------------------------------------------------------------------------- all steps


def test_all_steps_publish(made, tmp_path):
    data, trained = made
    found = {"simulate": data, "train": trained}
    found |= {"entropy": entropy(case("entropy"), data, trained), "forecast": forecast(case("forecast"), data, trained)}
    for name, result in found.items():
        publish(result, tmp_path / f"{name}.nc", {"study": STUDY, "step": name})
    plain = probed(
        partial(make_net(case("train").params.train, data.sizes["position"]), read_weights(trained, "cpu")),
        data["test_tokens"].sel(task="same").values, case("entropy").params.entropy.probes, 3, "cpu",
    ).entropy.mean(1)  # fmt: skip
    assert np.array_equal(found["entropy"]["steered_entropy"].sel(dose=0), plain), "a dose of 0 changes no bit"
    loops = found["forecast"]
    assert np.array_equal(loops["plain_switches"], loops["curve_switches"].sel(loop_direction=NULL, arm_dose=0))
    assert not loops["damage"].sel(dose=0).values.any() and loops["damage"].sel(dose=8).values.all()


def test_the_sets_of_histories_share_nothing():
    data = simulate(case("simulate", simulate={"horizon": 10}, train={"probes": [1]}))
    sets = [data["vector_tokens"].values, data["choice_tokens"].values, *data["test_tokens"].values]
    rows = [set(map(bytes, one)) for one in sets]
    assert len(set.union(*rows)) == sum(map(len, rows))


def test_a_mistake_is_said_with_its_key():
    known = plan("smoke").study(STUDY).cases["tiny"].params
    for change, said in (
        ({"train": {"steps": 100000}}, "simulate.training"),
        ({"entropy": {"probes": [99]}}, "entropy.probes"),
        ({"entropy": {"judged_dose": 7}}, "entropy.judged_dose"),
        ({"train": {"width": 13}}, "no multiple"),
    ):
        (step, part), = change.items()  # fmt: skip
        with pytest.raises(UserError, match=said):
            check(Params, known | {step: known[step] | part}, "a.yaml")


# ----------------------------------------------------------------------------------------------------------- the world


def test_entropies_of_two_arms():
    q = np.array([0.5, 0.1])
    found = entropy_bits(3 * np.stack([q, 1 - q], -1))
    np.testing.assert_allclose(found, [1, -(0.1 * np.log2(0.1) + 0.9 * np.log2(0.9))])
    assert entropy_bits(np.zeros(2)) == 0


def test_thompson_sampling_in_closed_form_is_sampling():
    counts, sums = np.array([3.0, 1.0]), np.array([1.5, -0.4])
    found = thompson(counts, sums, 0.7, 1.0)
    variance = 1 / (1 / 0.49 + counts)
    drawn = rng().normal(variance * sums, np.sqrt(variance), (200000, 2))
    assert found[0] == pytest.approx((drawn[:, 0] > drawn[:, 1]).mean(), abs=0.004)
    by_hand = norm.cdf((variance[0] * 1.5 + variance[1] * 0.4) / np.sqrt(variance.sum()))
    assert found[0] == pytest.approx(by_hand)
    one_pull = thompson(np.array([1.0, 0.0]), np.zeros(2), 0.7, 1.0)
    np.testing.assert_allclose(one_pull, 0.5)


@pytest.mark.parametrize(
    ("kind", "first"), [("softmax", 1 / (1 + np.exp(-4 * 0.5))), ("egreedy", 0.95), ("thompson", None)]
)
def test_demonstrators(kind, first):
    world = case("simulate", simulate={"demonstrator": kind}).params.simulate
    np.testing.assert_allclose(demonstrated(world, np.zeros(2), np.zeros(2), 1.0), 0.5)
    counts, sums = np.array([2.0, 0.0]), np.array([1.0, 0.0])
    found = demonstrated(world, counts, sums, 1.0)
    assert found.sum() == pytest.approx(1)
    assert found[0] == pytest.approx(thompson(counts, sums, 0.7, 1.0)[0] if first is None else first)


def test_an_episode_in_tokens():
    world = case("simulate", simulate={"horizon": 10}, train={"probes": [1]}).params.simulate
    found = play(world, 4000, 1.0, rng())
    thoughts, actions, rewards = (found.tokens[:, i::3] for i in (1, 2, 3))
    assert set(np.unique(thoughts)) == {1, 2, 3} and set(np.unique(actions)) == {4, 5}
    assert rewards.min() == REWARD and rewards.max() == VOCABULARY - 1
    assert actions.min() == ACTION and (actions[:, 0] == ACTION).mean() == pytest.approx(0.5, abs=0.03)
    np.testing.assert_allclose(found.own[:, 0], 1)
    assert (thoughts[:, 0] == 3).mean() == pytest.approx(1 - 0.1 * 2 / 3, abs=0.02)
    assert found.own[:, 1:].mean() < found.thompson[:, 1:].mean() - 0.2, "overconfident"
    tables = [table_loss(found.tokens[:3000], found.tokens[3000:], order) for order in (0, 3)]
    assert -found.log_prob.mean() < tables[1] - 0.1 < tables[0] - 0.2, (
        "an action depends on the last, and on earlier ones"
    )
    assert binned(np.array([-9.0, -0.01, 0.01, 9.0])).tolist() == [6, 9, 10, 13]


# ---------------------------------------------------------------------------------------------------------- the agents


def told(tokens, alternatives):
    """An agent in closed form: thoughts 0.5, 0.3, 0.1 (the rest invalid), actions by the thought."""
    table = torch.full((VOCABULARY, VOCABULARY), 1e-30)
    table[:, THOUGHT:ACTION], table[:, 0] = torch.tensor([0.5, 0.3, 0.1]), 0.1
    acts = torch.tensor([[0.9, 0.1], [0.6, 0.2], [0.5, 0.5]])
    table[THOUGHT:ACTION] = 1e-30
    table[THOUGHT:ACTION, ACTION:REWARD], table[THOUGHT:ACTION, 0] = acts, 1 - acts.sum(1) + 1e-30
    assert tokens[0, 0, -alternatives:].tolist() == [THOUGHT, THOUGHT + 1, THOUGHT + 2]
    return table.log()[tokens]


def test_thoughts_are_summed_out():
    found = answers(told, torch.full((2, 5, 1), REWARD))
    first, second = 0.5 * 0.9 + 0.3 * 0.6 + 0.1 * 0.5, 0.5 * 0.1 + 0.3 * 0.2 + 0.1 * 0.5
    np.testing.assert_allclose(found.actions, np.broadcast_to([first, second], (2, 5, 2)), rtol=1e-5)
    np.testing.assert_allclose(found.invalid, 1 - first - second, rtol=1e-5)
    np.testing.assert_allclose(found.unsure, 0.1 / 0.9, rtol=1e-5)
    greedy = entropy_bits(np.array([0.9, 0.1]))
    assert (found.entropy > greedy + 0.1).all(), "the greedy thought alone shows a false collapse"


def test_temperature_acts_on_the_full_vocabulary():
    found = [answers(told, torch.full((1, 1, 1), REWARD), partial(adjusted, temperature=t)) for t in (0.5, 1, 2)]
    assert found[0].entropy < found[1].entropy < found[2].entropy
    assert found[0].invalid < found[1].invalid


def test_answers_are_what_sampling_gives(agents):
    net, weights = agents
    prompts = torch.full((3, 4000, 1), 0)
    uniform = torch.as_tensor(rng().random((3, 4000, 2)))
    drawn = ancestral(partial(net, weights), prompts, uniform)
    shares = [(drawn[..., 1] < ACTION) & (drawn[..., 1] >= THOUGHT) & (drawn[..., 2] == ACTION + a) for a in (0, 1)]
    exact = answers(partial(net, weights), prompts[:, :1]).actions[:, 0]
    np.testing.assert_allclose(torch.stack(shares, -1).double().mean(1), exact, atol=0.02)


def test_vectors():
    z, h = rng(1).normal(size=(2, 3, 40, 5)), rng(2).random((2, 40))
    found, null = steering_vectors(z, h, 7, rng(3))
    by_hand = sum(h[1, i] * z[1, 2, i] for i in range(40)) / h[1].sum() - z[1, 2].mean(0)
    np.testing.assert_allclose(found["east"][1, 2], by_hand)
    length = np.linalg.norm(found["east"], axis=-1)
    for vectors in (*found.values(), *null["random"], *null["shuffled"]):
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), length)
    every = np.concatenate([[found[kind]] + list(null[kind]) for kind in ("random", "shuffled")])[:, 0, 0]
    assert every.shape == (16, 5) and len(np.unique(every.round(9), axis=0)) == 16, "all of them differ"
    moved = steering_vectors(z + rng(4).normal(size=5), h, 7, rng(3))
    np.testing.assert_allclose(moved.named["east"], found["east"], atol=1e-12)
    np.testing.assert_allclose(moved.null["shuffled"], null["shuffled"], atol=1e-9)
    with np.errstate(invalid="ignore", divide="ignore"):
        flat = steering_vectors(z, np.ones_like(h), 2, rng(3)).named
    np.testing.assert_allclose(flat["east"], 0, atol=1e-14)


def test_a_vector_points_where_entropy_rises():
    h = rng(1).random((1, 500))
    z = rng(2).normal(size=(1, 1, 500, 6))
    z[0, 0, :, 2] += 4 * h[0]
    found, null = steering_vectors(z, h, 200, rng(3))
    unit = {name: v[0, 0] / np.linalg.norm(v) for name, v in found.items()}
    assert unit["east"][2] > 0.8 and unit["contrastive"][2] > 0.9
    cosines = {kind: v[:, 0, 0] @ unit["east"] / np.linalg.norm(v[:, 0, 0], axis=-1) for kind, v in null.items()}
    assert all(abs(c.mean()) < 0.15 and c.max() < 1 for c in cosines.values()), "the nulls know nothing of entropies"
    assert (cosines["shuffled"] ** 2).mean() > (cosines["random"] ** 2).mean(), "but the shuffled lie where states vary"


def test_activations_are_those_before_the_thought(agents, made):
    net, weights = agents
    tokens = made[0]["vector_tokens"].values
    whole = activations(net, weights, prompts_of(tokens, 3, 3), [1, 3])
    short = activations(net, weights, prompts_of(tokens, 1, 3), [1])
    many = len(tokens)
    np.testing.assert_allclose(whole[:, :, :many], short, rtol=1e-4, atol=1e-6)
    assert whole.shape == (3, net.layers, 2 * many, net.width)


def test_only_the_chosen_layer_is_steered(agents, made):
    net, weights = agents
    vectors = torch.ones(3, net.layers, net.width)
    shift = chosen(vectors, np.array([0, 1, 1]))
    assert shift.sum((1, 2)).tolist() == [net.width] * 3 and shift[0, 1].abs().sum() == 0
    tokens = prompts_of(made[0]["choice_tokens"].values, 1, 3)
    assert torch.equal(steered(net, weights, 0 * shift)(tokens), net(weights, tokens))
    twice = shift_of(made[1], "east", 2.0)
    torch.testing.assert_close(twice, 2 * shift_of(made[1], "east", 1.0))


# ------------------------------------------------------------------------------------------------------------- scores


def test_damage_is_nothing_without_a_vector_and_grows_with_it(agents, made):
    net, weights = agents
    tokens = made[0]["choice_tokens"].values
    plain, loss = predictions(net, weights, tokens, None, "cpu")
    assert plain.shape[2] == made[0].sizes["observations"] and loss.shape == (3,)
    harm = [
        damage(plain, predictions(net, weights, tokens, shift_of(made[1], "random", c), "cpu")[0]) for c in (0, 5, 50)
    ]
    assert not harm[0].any() and (harm[2] > harm[1]).all() and (harm[1] > 0).all()


def test_the_setting_is_the_best_of_those_allowed():
    entropy_of = np.array([[0.2, 0.2], [0.5, 0.5], [0.9, 0.9]])
    invalid = np.array([[0.0, 0.3], [0.04, 0.2], [0.5, 0.6]])
    assert best_allowed(entropy_of, invalid, 0.05).tolist() == [1, 1]


def test_where_the_rate_is_just_allowed():
    """Between the settings: 0.03 is a quarter of the way from 0.02 to 0.06; nothing is read across two paths."""
    entropy_of, invalid = np.array([[1.0], [2.0], [6.0], [9.0]]), np.array([[0.0], [0.02], [0.06], [0.07]])
    place = best_on_the_way(entropy_of, invalid, 0.03, [slice(None)])
    np.testing.assert_allclose(place, [1.25])
    np.testing.assert_allclose(between(entropy_of, place), [3.0])
    np.testing.assert_allclose(between(entropy_of, np.array([3.0])), [9.0])
    assert best_on_the_way(entropy_of, invalid, 0.03, [slice(2), slice(2, None)]).tolist() == [1]
    assert best_on_the_way(entropy_of, invalid + 1, 0.03, [slice(None)]).tolist() == [0]
    fine = np.linspace(0, 3, 301)
    finer = [np.interp(fine, range(4), values[:, 0])[:, None] for values in (entropy_of, invalid)]
    np.testing.assert_allclose(between(finer[0], best_on_the_way(*finer, 0.03, [slice(None)])), [3.0])


def test_a_random_direction_is_one_of_the_null(made, monkeypatch):
    """The share beaten, where what is judged is itself the second direction of the null: it beats those below it."""
    data, trained = made
    monkeypatch.setattr(
        "studies.entropic_activation_steering.entropy.shift_of",
        lambda trained, direction, dose: null_shift_of(trained, "random", 1, dose),
    )
    found = entropy(case("entropy", entropy={"directions": 5}), data, trained)
    null = found["null_entropy"].transpose("task", "agent", "null").values
    below = (null[..., [1]] > null).mean(-1)
    assert np.array_equal(found["beaten_entropy"].transpose("task", "agent"), below)
    np.testing.assert_allclose(found["null_mean_entropy"].transpose("task", "agent"), null.mean(-1))
    judged = found["task_entropy"].sel(at_dose=2).transpose("task", "agent")
    assert np.array_equal(judged, null[..., 1])
    assert np.array_equal(found["steered_entropy"].sel(dose=2), judged[0])


def test_layers_are_chosen_for_each_direction(made):
    """A layer whose outputs are invalid isn't taken; doses of 0 leave nothing to choose."""
    data, trained = made
    chosen_layers, most = trained["layer_chosen"], case("train").params.train.most_invalid
    best = best_allowed(trained["layer_entropy"].values, trained["layer_invalid"].values, most)
    assert np.array_equal(chosen_layers.transpose("direction", "agent"), best)
    net = make_net(case("train").params.train, data.sizes["position"])
    vectors = trained["vectors"].values[:1]
    found, _ = by_layer(case("train"), net, read_weights(trained, "cpu"), 0 * vectors, data["choice_tokens"].values)
    assert found.shape == (net.layers, 1, 3) and (found == found[0]).all()


def test_each_episode_may_have_a_direction_of_its_own(agents, made):
    net, weights = agents
    tokens = prompts_of(made[0]["choice_tokens"].values, 1, 3)
    null = null_of_episodes(made[1], 3.0, tokens.shape[1])
    mixed = steered(net, weights, null)(tokens)
    for i in (0, 4):
        alone = steered(net, weights, null_shift_of(made[1], "random", i, 3.0))(tokens)
        torch.testing.assert_close(mixed[:, i], alone[:, i])
        assert (mixed[:, i] - alone[:, 1]).abs().max() > 1e-3


def test_a_table_of_one_step():
    """Tokens that follow from the last three cost nothing; coins cost log 2, whoever counts."""
    world = case("simulate", simulate={"horizon": 5}).params.simulate
    coins = play(world, 3000, 1.0, rng()).tokens
    coins[:, 1::3], coins[:, 2::3] = THOUGHT, rng(1).integers(ACTION, REWARD, (3000, 5))
    assert table_loss(coins[:2000], coins[2000:], 0) == pytest.approx(np.log(2) / 2, abs=0.01)
    follow = coins.copy()
    for t in range(1, 5):
        follow[:, 2 + 3 * t] = 2 * ACTION + 1 - follow[:, 3 * t - 1]
    assert table_loss(follow[:2000], follow[2000:]) == pytest.approx(np.log(2) / 10, abs=0.02)


def test_closed_loop_scores_by_hand():
    pulled = np.array([[[0, 1, 0, 1], [1, 1, 1, 1]]])
    means = np.array([[1.0, 0.0], [2.0, 0.5]])
    found = loop_scores(pulled, means)
    assert found["switches"] == [1.5] and found["less_tried"] == [0.25]
    assert found["regret"] == [(2 + 6) / 2] and found["suffix_failure"] == [0.5]


def test_agents_hear_the_rewards_of_the_arms_they_pull():
    """An agent that stays after a high reward, and leaves after a low one."""

    def model(tokens):
        out = torch.full((*tokens.shape, VOCABULARY), -50.0)
        out[..., THOUGHT] = 0
        last = tokens[:, :, -2] if tokens.shape[-1] > 1 else None
        if last is not None and tokens.shape[-1] > 2:
            action = tokens[:, :, -3]
            stay = last >= REWARD + 4
            pick = torch.where(stay, action, 2 * ACTION + 1 - action)
            out[:, :, -1] = out[:, :, -1].scatter(-1, pick[..., None], 0.0)
        return out

    means, noise = np.array([[2.0, -2.0]] * 20), np.zeros((20, 5))
    found = play_closed_loop(model, means, noise, rng().random((20, 5, 2)), 2, "cpu")
    assert (found[:, :, 2:] == 0).all() and set(found[0, :, 0]) == {0, 1}


def test_entropy_of_answers_is_in_bits():
    assert Answers(np.ones((1, 1, 3)), np.array([[[0.2, 0.2]]])).entropy == pytest.approx(1.0)
