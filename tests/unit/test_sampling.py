"""Draws from autoregressive models: against torch's own distributions and tables that can be counted by hand."""

import itertools

import pytest
import torch

from pesin.models.sampling import adjusted, ancestral, draw, sequence_log_prob
from pesin.models.transformer import Transformer

PROBABILITIES = torch.tensor([0.5, 0.25, 0.15, 0.1])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def chain(tokens):
    """A Markov chain over three symbols, two runs with tables of their own."""
    tables = torch.tensor([[[0.1, 0.2, 0.7], [0.5, 0.5, 0.0], [0.3, 0.3, 0.4]], [[1, 0, 0], [0, 0, 1], [0, 1, 0]]])
    return torch.stack([table[one] for table, one in zip(tables, tokens, strict=True)]).log()


def test_temperature_is_torchs():
    logits = torch.randn(3, 5, generator=generator())
    peer = torch.distributions.Categorical(logits=logits / 2.5)
    torch.testing.assert_close(adjusted(logits, temperature=2.5), peer.logits)


@pytest.mark.parametrize(("top_p", "kept"), [(0.4, [1.0, 0, 0, 0]), (0.6, [2 / 3, 1 / 3, 0, 0]), (1.0, None)])
def test_the_nucleus_is_the_fewest_that_reach_the_share(top_p, kept):
    order = torch.tensor([2, 0, 3, 1])
    found = adjusted(PROBABILITIES.log()[order], top_p=top_p).exp()
    torch.testing.assert_close(found, (PROBABILITIES if kept is None else torch.tensor(kept))[order])


def test_only_allowed_tokens_come():
    allowed = torch.tensor([False, True, False, True])
    found = adjusted(PROBABILITIES.log(), allowed=allowed).exp()
    torch.testing.assert_close(found, torch.tensor([0, 0.25, 0, 0.1]) / 0.35)


def test_draws_are_the_inverse_of_the_cumulative_distribution():
    log_probs = torch.tensor([0.0, 0.5, 0.0, 0.5]).log()
    uniform = torch.tensor([0.0, 0.49, 0.5, 0.999999])
    assert draw(log_probs.expand(4, 4), uniform).tolist() == [1, 1, 3, 3]
    many = draw(PROBABILITIES.log().expand(20000, 4), torch.rand(20000, generator=generator()))
    torch.testing.assert_close(torch.bincount(many) / 20000, PROBABILITIES, atol=0.015, rtol=0)


def test_sequences_follow_the_chain_of_their_run():
    prompt = torch.tensor([[[0]], [[1]]]).expand(2, 4000, 1)
    found = ancestral(chain, prompt, torch.rand(2, 4000, 3, generator=generator()))
    assert (found[1] == torch.tensor([1, 2, 1, 2])).all()
    pairs = found[0, :, 1:3]
    share = torch.bincount(pairs[pairs[:, 0] == 1][:, 1], minlength=3) / (pairs[:, 0] == 1).sum()
    torch.testing.assert_close(share, torch.tensor([0.5, 0.5, 0.0]), atol=0.06, rtol=0)


def test_a_prompt_stays_and_the_same_numbers_give_the_same_tokens():
    prompt, uniform = torch.zeros(2, 5, 2, dtype=torch.long), torch.rand(2, 5, 3, generator=generator())
    found = ancestral(chain, prompt, uniform)
    assert torch.equal(found[..., :2], prompt) and torch.equal(found, ancestral(chain, prompt, uniform))


def test_probabilities_of_all_sequences_sum_to_one():
    every = torch.tensor([(0, *rest) for rest in itertools.product(range(3), repeat=3)]).expand(2, -1, -1)
    torch.testing.assert_close(sequence_log_prob(chain, every).exp().sum(1), torch.ones(2))
    by_hand = 0.7 * 0.3 * 0.2  # 0 -> 2 -> 0 -> 1
    assert sequence_log_prob(chain, torch.tensor([[[0, 2, 0, 1]]] * 2))[0].exp().item() == pytest.approx(by_hand)
    late = sequence_log_prob(chain, torch.tensor([[[0, 2, 0, 1]]] * 2), start=3)
    assert late[0].exp().item() == pytest.approx(0.2)


def test_what_cannot_be_drawn_is_said():
    for options, said in (
        ({"temperature": 0.0}, "temperature"), ({"top_p": 0.0}, "top_p"), ({"allowed": torch.zeros(4) > 0}, "allowed")
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            adjusted(PROBABILITIES.log(), **options)
    with pytest.raises(ValueError, match="start"):
        sequence_log_prob(chain, torch.zeros(2, 1, 3, dtype=torch.long), start=3)


# ------------------------------------------------------------------------------------- steering of the transformer


def small():
    net = Transformer(7, 5, 6, 8, 3, 2)
    tokens = torch.randint(7, (3, 4, 6), generator=generator(9))
    return net, {name: value.detach() for name, value in net.init_parameters(3, generator()).items()}, tokens


def test_a_steering_of_zero_changes_no_bit():
    net, weights, tokens = small()
    assert torch.equal(net(weights, tokens, steer=lambda layer, x: x + 0 * torch.ones(8)), net(weights, tokens))


def test_the_network_goes_on_with_the_steered_stream():
    """After the last block it is norm and head of the changed stream; a constant vector does nothing to a norm."""
    net, weights, tokens = small()
    vector, seen = torch.randn(3, 1, 1, 8, generator=generator(2)), {}

    def watch(name, layer, tensor):
        seen[name, layer] = tensor

    def steer(layer, x):
        seen["before", layer] = x
        return x + vector if layer == 2 else x

    out = net(weights, tokens, watch, steer)
    torch.testing.assert_close(seen["residual", 2], seen["before", 2] + vector)
    assert torch.equal(seen["residual", 1], seen["before", 1])
    normed = torch.nn.functional.layer_norm(seen["residual", 2], (8,))
    torch.testing.assert_close(out, normed @ weights["head"][:, None], rtol=1e-4, atol=1e-5)
    flat = net(weights, tokens, steer=lambda layer, x: x + 5 if layer == 2 else x)
    torch.testing.assert_close(flat, net(weights, tokens), rtol=1e-4, atol=1e-5)


def test_alternatives_are_passes_of_their_own():
    net, weights, tokens = small()
    vector = torch.randn(3, 1, 1, 8, generator=generator(2))

    def out(x, **options):
        return net(weights, x, steer=lambda layer, x: x + vector if layer == 1 else x, **options)

    found = out(torch.cat([tokens[..., :5], tokens[..., 2:5]], -1), alternatives=3)
    torch.testing.assert_close(found[:, :, :5], out(tokens[..., :5]))
    for i in range(3):
        alone = out(torch.cat([tokens[..., :5], tokens[..., [2 + i]]], -1))
        torch.testing.assert_close(found[:, :, 5 + i], alone[:, :, 5])
    with pytest.raises(ValueError, match="alternatives"):
        Transformer(7, 5, 6, 8, 3, 2, causal=False)(weights, tokens, alternatives=2)


def test_steering_the_last_position_leaves_the_earlier_ones_alone():
    net, weights, tokens = small()
    change = torch.zeros(6, 8)
    change[5] = torch.randn(8, generator=generator(3))
    plain, steered = net(weights, tokens), net(weights, tokens, steer=lambda layer, x: x + change)
    torch.testing.assert_close(steered[:, :, :5], plain[:, :, :5])
    assert (steered[:, :, 5] - plain[:, :, 5]).abs().max() > 0.01
