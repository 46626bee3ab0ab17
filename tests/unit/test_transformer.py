"""The transformer with a runs axis, its reparametrisations and optimisers: against torch's own, and their switches."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations

from pesin.models.mlp import repeat_runs
from pesin.models.optimisers import RunsOptimiser, fit_runs, gradient_norm
from pesin.models.reparametrisation import Reparametrisation, power_iteration, sigma_along
from pesin.models.transformer import Transformer
from pesin.steps.checkpoint import Checkpoint, Seen


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def small(**change):
    return Transformer(**({"inputs": 7, "outputs": 5, "context": 6, "width": 8, "layers": 2, "heads": 2} | change))


def tokens(runs=3, batch=4, length=6):
    return torch.randint(7, (runs, batch, length), generator=generator(9))


# -------------------------------------------------------------------------------------------------------- the network


@pytest.mark.parametrize("alternatives", [1, 2])
def test_double_weights_give_double_logits_near_the_single_ones(alternatives):
    net = small(causal=True)
    single = net.init_parameters(3, generator())
    double = {name: value.detach().double().requires_grad_() for name, value in single.items()}
    found = net(double, tokens(), alternatives=alternatives)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), net(single, tokens(), alternatives=alternatives), atol=1e-5, rtol=0)
    gradients = torch.autograd.grad(found.square().sum(), list(double.values()), materialize_grads=True)
    assert {gradient.dtype for gradient in gradients} == {torch.float64}


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_block_is_torchs_encoder_layer(norm):
    net = small(norm=norm, layers=1)
    weights = {name: value.detach() for name, value in net.init_parameters(1, generator()).items()}
    peer = torch.nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=norm == "pre").eval()
    state = {
        "self_attn.in_proj_weight": weights["qkv"][0, 0].transpose(0, 1).flatten(1).T,
        "self_attn.in_proj_bias": weights["qkv_bias"][0, 0].flatten(),
        "self_attn.out_proj.weight": weights["out"][0, 0].T,
        "self_attn.out_proj.bias": weights["out_bias"][0, 0, 0],
        "linear1.weight": weights["up"][0, 0].T,
        "linear1.bias": weights["up_bias"][0, 0, 0],
        "linear2.weight": weights["down"][0, 0].T,
        "linear2.bias": weights["down_bias"][0, 0, 0],
    }
    for place, name in (("1", "attention"), ("2", "mlp")):
        state |= {f"norm{place}.weight": weights[f"{name}_norm_gain"][0, 0, 0]}
        state |= {f"norm{place}.bias": weights[f"{name}_norm_bias"][0, 0, 0]}
    peer.load_state_dict(state)
    x = tokens(1)
    seen = {}
    net(weights, x, lambda name, layer, tensor: seen.update({name: tensor}))
    start = weights["embed"][0][x[0]] + weights["place"][0]
    mask = torch.nn.Transformer.generate_square_subsequent_mask(6)
    torch.testing.assert_close(seen["residual"][0], peer(start, src_mask=mask), rtol=1e-4, atol=1e-5)


def test_watch_sees_rows_that_sum_to_one_and_zeros_in_the_future():
    net, seen = small(), {}
    net(net.init_parameters(3, generator()), tokens(), lambda *call: seen.setdefault(call[:2], call[2]))
    assert {name for name, _ in seen} == {"attention_input", "scores", "attention", "hidden", "residual"}
    assert {layer for _, layer in seen} == {0, 1}
    attention = seen["attention", 1]
    assert attention.shape == (3, 4, 2, 6, 6)
    torch.testing.assert_close(attention.sum(-1), torch.ones(3, 4, 2, 6))
    assert not attention.triu(1).any()
    attention.sum().backward()  # gradients flow through what is watched


def test_no_scores_uniform_attention():
    seen = []
    net = small(score_scale=1e-12, causal=False)
    net(
        net.init_parameters(2, generator()),
        tokens(2),
        lambda name, _, t: seen.append(t) if name == "attention" else None,
    )
    torch.testing.assert_close(torch.stack(seen), torch.full((2, 2, 4, 2, 6, 6), 1 / 6))


def test_vectors_are_pooled_whatever_their_order_without_places():
    net = small(embedding="vectors", pooled=True, causal=False)
    weights = dict(net.init_parameters(2, generator()))
    weights["place"] = torch.zeros_like(weights["place"])
    x = torch.randn(2, 4, 6, 7, generator=generator(1))
    out = net(weights, x)
    assert out.shape == (2, 4, 5)
    torch.testing.assert_close(net(weights, x.flip(2)), out, rtol=1e-4, atol=1e-5)


def test_qk_norm_makes_scores_blind_to_the_scale_of_queries():
    net, seen = small(qk_norm=True), []
    weights = net.init_parameters(2, generator())
    louder = dict(weights, qkv=weights["qkv"] * torch.tensor([50.0, 1, 1])[:, None, None])
    for one in (weights, louder):
        net(one, tokens(2), lambda name, layer, t: seen.append(t) if (name, layer) == ("attention", 0) else None)
    torch.testing.assert_close(seen[0], seen[1], rtol=1e-3, atol=1e-4)


CHANGES = [{"norm": "none"}, {"temperature": "scalar"}, {"temperature": "head_position"}, {"mlp": "scaled"},
           {"mlp": "fused", "activation": "identity"}]  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_variants_start_from_the_same_numbers(change):
    one, two = (small(**more).init_parameters(2, generator(3)) for more in (change, {}))
    shared = one.keys() & two.keys()
    assert shared >= {"embed", "place", "qkv", "out", "head"}
    assert all(torch.equal(one[name], two[name]) for name in shared)


def test_initial_draws_stay_what_they_were():
    """Order and shapes of the draws, written out: what the studies' reference results stand on."""
    found, draw = small().init_parameters(2, generator(3)), generator(3)
    for name, shape in {"place": (6, 8), "embed": (7, 8)}.items():
        assert torch.equal(found[name], torch.randn(2, *shape, generator=draw).mul_(0.02))
    shapes = {"qkv": (2, 3, 8, 8), "out": (2, 8, 8), "up": (2, 8, 32), "down": (2, 32, 8), "head": (8, 5)}
    for name, shape in shapes.items():
        assert torch.equal(found[name], (torch.rand(2, *shape, generator=draw) * 2 - 1) * shape[-2] ** -0.5)


@pytest.mark.parametrize("change", CHANGES[1:])
def test_temperatures_and_scaled_mlps_start_as_the_plain_network(change):
    plain, net = small(activation=change.get("activation", "gelu")), small(**change)
    out = net(net.init_parameters(2, generator()), tokens(2))
    torch.testing.assert_close(out, plain(plain.init_parameters(2, generator()), tokens(2)), rtol=1e-5, atol=1e-6)


def test_the_scaled_mlp_weighs_its_two_branches():
    net, seen = small(mlp="scaled", layers=1, norm="none"), []
    weights = net.init_parameters(2, generator())
    for alpha, beta in ((1e9, 1.0), (1.0, 1.0), (0.5, 3.0)):
        change = {"mlp_alpha": torch.full((2, 1, 1, 1), alpha), "mlp_beta": torch.full((2, 1, 1, 1), beta)}
        net(weights | change, tokens(2), lambda name, _, t: seen.append(t) if name == "residual" else None)
    branch = seen[1] - seen[0]
    torch.testing.assert_close(seen[2], 3 * seen[0] + 2 * branch)


def attention_at(net, weights, length=6):
    seen = {}
    net(weights, tokens(2, length=length), lambda name, layer, t: seen.update({name: t}) if layer == 1 else None)
    return seen["attention"]


def test_temperatures_go_from_one_key_to_all():
    """At infinity rows are uniform, near zero one key has all; each head and query position has its own."""
    net = small(temperature="head_position")
    weights = {name: value.detach() for name, value in net.init_parameters(2, generator()).items()}
    heat = torch.ones_like(weights["temperature"])
    heat[:, 1, :, 0, 3], heat[:, 1, :, 1, 3] = 1e9, 1e-9
    weights["qkv"][:, :, :2] *= 300
    plain, found = attention_at(net, weights), attention_at(net, weights | {"temperature": heat})
    torch.testing.assert_close(found[:, :, 0, 3, :4], torch.full((2, 4, 4), 0.25))
    entropy = torch.special.entr(found[:, :, 1, 3]).sum(-1)
    assert (entropy <= torch.special.entr(plain[:, :, 1, 3]).sum(-1) + 1e-6).all() and entropy.median() < 0.05
    torch.testing.assert_close(found[:, :, :, 4:], plain[:, :, :, 4:], rtol=1e-3, atol=1e-5)


def test_a_temperature_is_an_inverse_factor_of_scores_with_a_gradient():
    net, peer = small(temperature="scalar"), small(score_scale=0.5)
    weights = net.init_parameters(2, generator())
    hot = weights | {"temperature": torch.full_like(weights["temperature"], 2.0)}
    torch.testing.assert_close(attention_at(net, hot, 5), attention_at(peer, weights, 5), rtol=1e-5, atol=1e-6)
    gradient = torch.autograd.grad(net(weights, tokens(2)).square().sum(), weights["temperature"])[0]
    assert torch.isfinite(gradient).all() and gradient.abs().min() > 0


def test_an_initial_standard_deviation_is_cut_at_two():
    values = small(init=0.02, width=64).init_parameters(2, generator())["up"]
    assert values.abs().max() <= 0.04 and values.std().item() == pytest.approx(0.02 * 0.88, rel=0.02)


@pytest.mark.parametrize(
    ("bad", "said"),
    [({"heads": 3}, "multiple"), ({"activation": "tanh"}, "one of gelu"), ({"mlp": "fused"}, "no activation")],
)
def test_what_cannot_be_built_is_said(bad, said):
    with pytest.raises(ValueError, match=said):
        small(**bad)


# ------------------------------------------------------------------------------------------------- reparametrisations


def started(method, **options):
    net = small(init=0.02)
    made = Reparametrisation(dict.fromkeys(net.matrices, method), **options)
    return net, made, made.start(net.init_parameters(3, generator()))


@pytest.mark.parametrize("method", ["sigma_reparam", "weight_norm"])
def test_the_first_network_is_that_of_the_raw_weights(method):
    net, made, parameters = started(method)
    weights = made.effective(parameters)
    for name in net.matrices:
        torch.testing.assert_close(weights[name], parameters[name], rtol=1e-4, atol=1e-6)


def test_gamma_is_the_spectral_norm():
    net, made, parameters = started("sigma_reparam", gamma_init="one")
    with torch.no_grad():
        for name in net.matrices:
            parameters[name] += 0.05 * torch.randn(parameters[name].shape, generator=generator(4))
            parameters[f"{name}_gamma"] *= -3
        for _ in range(200):
            made.effective(parameters, update=True)
        for name, matrix in made.effective(parameters).items():
            if name in net.matrices:
                norm = torch.linalg.matrix_norm(matrix, ord=2)
                torch.testing.assert_close(norm, torch.full_like(norm, 3.0), rtol=1e-3, atol=0)


def test_evaluation_leaves_the_vectors_alone():
    _, made, parameters = started("spectral_norm")
    before = copy.deepcopy(made.vectors)
    made.effective(parameters)
    assert all(
        torch.equal(one, two) for name in before for one, two in zip(made.vectors[name], before[name], strict=True)
    )
    with torch.no_grad():
        parameters["up"] += 1
    made.effective(parameters, update=True)
    assert not torch.equal(made.vectors["up"][0], before["up"][0])


def test_spectral_norm_and_its_gradient_are_torchs():
    """torch keeps weights as (out, in) and starts at another vector: after many iterations both have converged."""
    matrix = torch.randn(1, 6, 4, generator=generator(2))
    target = torch.randn(6, 4, generator=generator(3))
    layer = torch.nn.Linear(6, 4, bias=False)
    layer.weight.data = matrix[0].T.clone()
    parametrizations.spectral_norm(layer, n_power_iterations=300)
    layer.train()
    (layer.weight.T * target).sum().backward()
    made = Reparametrisation({"w": "spectral_norm"})
    parameters = made.start({"w": matrix.clone().requires_grad_()})
    weight = made.effective(parameters)["w"][0]
    (weight * target).sum().backward()
    torch.testing.assert_close(weight, layer.weight.T, rtol=1e-4, atol=1e-5)
    peer = layer.parametrizations.weight.original.grad.T
    torch.testing.assert_close(parameters["w"].grad[0], peer, rtol=1e-3, atol=1e-4)


def test_one_power_iteration_is_torchs():
    """Singular values close to each other, so that one iteration more still moves the vectors."""
    left, right = (torch.linalg.qr(torch.randn(n, 4, generator=generator(n)))[0] for n in (4, 6))
    layer = torch.nn.Linear(6, 4, bias=False)
    layer.weight.data = left @ torch.diag(torch.tensor([1.0, 0.97, 0.94, 0.91])) @ right.T
    torch.manual_seed(1)  # torch draws its first vectors from here
    parametrizations.spectral_norm(layer, n_power_iterations=1)
    inner = layer.parametrizations.weight[0]
    u, v = inner._u.clone(), inner._v.clone()
    layer.train()
    _ = layer.weight
    # torch: u = W v, v = W' u for W (out, in); ours starts from the vector on the output's side.
    raw = layer.parametrizations.weight.original.detach()
    found_u, found_v = power_iteration(raw, v)
    torch.testing.assert_close(found_u, inner._u)
    torch.testing.assert_close(found_v, inner._v)
    assert not torch.allclose(u, inner._u)


def test_weight_norm_is_torchs():
    matrix = torch.randn(1, 6, 4, generator=generator(2))
    layer = torch.nn.Linear(6, 4, bias=False)
    layer.weight.data = matrix[0].T.clone()
    parametrizations.weight_norm(layer)
    made = Reparametrisation({"w": "weight_norm"})
    parameters = made.start({"w": matrix.requires_grad_()})
    target = torch.randn(6, 4, generator=generator(3))
    weight = made.effective(parameters)["w"][0]
    (weight * target).sum().backward()
    (layer.weight.T * target).sum().backward()
    peer = layer.parametrizations.weight
    torch.testing.assert_close(weight, layer.weight.T)
    torch.testing.assert_close(parameters["w_gain"].grad[0].T, peer.original0.grad)
    torch.testing.assert_close(parameters["w"].grad[0].T, peer.original1.grad)


def test_sigma_is_the_spectral_norm_with_its_gradient():
    matrix = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator(1)).requires_grad_()
    left, values, right = torch.linalg.svd(matrix.detach(), full_matrices=False)
    sigma = sigma_along(matrix, left[..., 0], right[:, 0])
    torch.testing.assert_close(sigma, values[:, 0])
    sigma.sum().backward()
    torch.testing.assert_close(matrix.grad, left[..., :1] @ right[:, :1])


# --------------------------------------------------------------------------------------------------------- optimisers


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_each_run_goes_as_with_torchs_optimiser_at_its_rate(kind):
    target, rates = torch.randn(3, 4, 2, generator=generator(5)), (1e-2, 3e-2, 1e-1)
    start = torch.randn(3, 4, 2, generator=generator(6))
    mine = {"w": start.clone().requires_grad_()}
    options = {"weight_decay": 0.1, "decayed": ("w",)} if kind == "adam" else {"momentum": 0.9}
    fit_runs(
        RunsOptimiser(mine, kind, **options),
        lambda step: ((mine["w"] - target) ** 4).sum((1, 2)),
        lambda step: torch.tensor(rates),
        20,
    )
    for run, rate in enumerate(rates):
        peer = start[run].clone().requires_grad_()
        theirs = (
            torch.optim.AdamW([peer], rate, weight_decay=0.1) if kind == "adam" else torch.optim.SGD([peer], rate, 0.9)
        )
        for _ in range(20):
            theirs.zero_grad()
            ((peer - target[run]) ** 4).sum().backward()
            theirs.step()
        torch.testing.assert_close(mine["w"][run], peer, rtol=1e-4, atol=1e-5)


def test_a_run_that_diverges_stops_and_the_others_do_not_notice():
    def trained(runs):
        value = {"w": torch.ones(runs, 2).requires_grad_()}
        steps = torch.tensor([0.1, 1e30])[:runs]

        def loss_of(step):
            return (value["w"] ** 4).sum(1)

        optimiser = RunsOptimiser(value, "sgd", momentum=0.5)
        return value["w"].detach(), optimiser, *fit_runs(optimiser, loss_of, lambda step: steps, 6)

    both, optimiser, loss, norm = trained(2)
    alone, _, one_loss, _ = trained(1)
    torch.testing.assert_close(both[0], alone[0])
    assert optimiser.alive.tolist() == [True, False]
    np.testing.assert_allclose(loss[0], one_loss[0], rtol=1e-6)
    assert np.isfinite(loss[0]).all() and np.isnan(loss[1, 3:]).all() and np.isnan(norm[1, 3:]).all()
    assert torch.isfinite(both).all(), "the last finite parameters stay"


def test_runs_of_a_batch_train_as_alone():
    net = small(init=0.1)
    made = Reparametrisation(dict.fromkeys(net.matrices, "sigma_reparam"))
    parameters = made.start(repeat_runs(net.init_parameters(2, generator()), 2))
    x = tokens(4)
    target = x % 5

    def losses(made, parameters, x, target, rates):
        optimiser = RunsOptimiser(parameters, "adam")

        def loss_of(step):
            out = net(made.effective(parameters, update=True), x)
            return torch.nn.functional.cross_entropy(out.permute(0, 3, 1, 2), target, reduction="none").mean((1, 2))

        return fit_runs(optimiser, loss_of, lambda step: rates, 5)[0]

    one = Reparametrisation(
        made.methods, vectors={name: (v[3:].clone(), u[3:].clone()) for name, (v, u) in made.vectors.items()}
    )
    last = {name: value[3:].detach().clone().requires_grad_() for name, value in parameters.items()}
    whole = losses(made, parameters, x, target, torch.tensor([1e-3, 1e-3, 1e-2, 1e-2]))
    alone = losses(one, last, x[3:], target[3:], torch.tensor([1e-2]))
    np.testing.assert_allclose(alone[0], whole[3], rtol=1e-5)
    assert whole[3, -1] < whole[3, 0]


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path):
    net, x, rates = small(init=0.1), tokens(2), torch.tensor([1e-3, 1e30])

    def attempt(path, stop_at=None):
        made, seen = Reparametrisation(dict.fromkeys(net.matrices, "sigma_reparam")), Seen()
        parameters = made.start(net.init_parameters(2, generator()))
        optimiser = RunsOptimiser(parameters, "adam")

        def loss_of(step):
            if step == stop_at:
                raise KeyboardInterrupt
            seen.add({"gain": parameters["up_gamma"].numpy(force=True).copy()})
            out = net(made.effective(parameters, update=True), x)
            return torch.nn.functional.cross_entropy(out.permute(0, 3, 1, 2), x % 5, reduction="none").mean((1, 2))

        kept = Checkpoint(path, "key", every=0.0)
        curves = fit_runs(optimiser, loss_of, lambda step: rates, 8, checkpoint=kept, also=[made, seen])
        return [*curves, *optimiser.arrays().values(), *made.arrays().values(), *seen.arrays().values()]

    with pytest.raises(KeyboardInterrupt):
        attempt(tmp_path / "state.nc", stop_at=5)
    resumed, whole = attempt(tmp_path / "state.nc"), attempt(None)
    assert np.isnan(whole[0][1, -1]) and np.isfinite(whole[0][0]).all(), "one run diverges, one goes on"
    for one, other in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("method", ["sigma_reparam", "spectral_norm", "weight_norm"])
def test_the_same_bits_on_one_thread_and_two(method):
    net, kept = small(width=32, init=0.1), torch.get_num_threads()
    gradients = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        made = Reparametrisation(dict.fromkeys(net.matrices, method))
        parameters = made.start(net.init_parameters(10, generator()))
        loss = net(made.effective(parameters, update=True), tokens(10, 16)).square().sum()
        gradients.append(torch.autograd.grad(loss, list(parameters.values())))
    torch.set_num_threads(kept)
    assert all(map(torch.equal, *gradients))


def test_the_norm_of_large_gradients_does_not_overflow():
    norm = gradient_norm({"a": torch.full((2, 3), 1e30), "b": torch.zeros(2, 1, 5)})
    assert norm.tolist() == pytest.approx([3**0.5 * 1e30] * 2)


def test_an_unknown_optimiser_is_named():
    with pytest.raises(ValueError, match="'adam' or 'sgd'"):
        RunsOptimiser({"w": torch.zeros(1, 1)}, "lion")
