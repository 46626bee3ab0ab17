"""The study's quantities: regulariser, entropies, order of losses, divergence, counts of operations, and all steps."""

import numpy as np
import pytest
import torch
import xarray as xr

from pesin.entropy.learning import attention_entropy, relative_attention_entropy
from pesin.errors import UserError
from pesin.steps.files import publish
from project import case_of
from studies.entropy_guided_attention.counts.forecast import count
from studies.entropy_guided_attention.counts.params import Network
from studies.entropy_guided_attention.networks import train as training
from studies.entropy_guided_attention.networks.ends import settled
from studies.entropy_guided_attention.networks.entropy import bands, entropy
from studies.entropy_guided_attention.networks.forecast import diverged, final_loss, forecast, kendall
from studies.entropy_guided_attention.networks.params import Regulariser
from studies.entropy_guided_attention.networks.simulate import simulate, table_losses

STUDY = "entropy_guided_attention"
PAIR = {"variants": ["sm_ln_g", "sm"]}
GROUPS = {"deep": PAIR, "rates": PAIR}
GPT2 = {"layers": 12, "width": 768, "heads": 12, "context": 128}


def case(step, name="networks", scale="smoke", **change):
    return case_of(STUDY, name, step, scale, **change)


@pytest.fixture(scope="module")
def trained():
    return training.train(case("train", train={"groups": GROUPS}), simulate(case("simulate")))


# ---------------------------------------------------------------------------------------------------------- all steps


def test_all_steps_publish(trained, tmp_path):
    found = {
        "train": trained,
        "entropy": entropy(case("entropy"), trained),
        "forecast": forecast(case("forecast"), trained),
    }
    for name, result in found.items():
        publish(result, tmp_path / f"{name}.nc", {"study": STUDY, "step": name})
    assert found["entropy"]["role_overload"].sizes == {"role": 9, "seed": 3}
    assert np.isfinite(found["forecast"]["rate_loss"]).all()


def test_variants_share_numbers_and_batches(trained):
    """Fused and scaled FFNs and temperatures start as SM, and so does weight normalisation."""
    first = trained["main"]["loss"].isel(rate=0, step=0)
    for name in ("sm_wnorm", "sm_scffn", "sm_scfuffn", "smt_scfuffn"):
        np.testing.assert_allclose(first.sel(variant=name), first.sel(variant="sm"), rtol=1e-5)
    assert (first.sel(variant="ereg") > first.sel(variant="sm")).all(), "the penalty is in the loss"
    assert np.ptp(first.sel(variant="sm").values) > 0


def test_only_variants_that_have_them_have_thresholds_and_temperatures(trained):
    main = trained["main"]
    for key, having in (("threshold", ["ereg"]), ("temperature", ["smt_scfuffn", "ereg"])):
        known = np.isfinite(main[key]).all(set(main[key].dims) - {"variant"})
        assert main["variant"].values[known].tolist() == having
    assert (main["threshold"].sel(variant="ereg") != 0.5).any()


def test_what_diverges_is_kept_and_worst():
    data = simulate(case("simulate"))
    groups = {"main": {"rates": [1e6]}, "deep": PAIR | {"rates": [1e6]}, "rates": PAIR}
    broken = training.train(case("train", train={"groups": groups}), data)
    scores = forecast(case("forecast"), broken)
    assert scores["diverged"].sel(variant="sm").all()
    np.testing.assert_allclose(scores["loss"].sel(variant="sm"), 2 * np.log(8))
    assert scores["deep_diverged"].sel(deep_role="bare").all()
    assert np.isfinite(entropy(case("entropy"), broken)["last_layer_entropy"]).all()


def test_shuffled_losses_stay_within_their_seed(trained):
    plain, shuffled = (forecast(case("forecast", forecast={"shuffle": way}), trained) for way in (False, True))
    one, two = (np.sort(found["loss"].values, 0) for found in (plain, shuffled))
    np.testing.assert_array_equal(one, two)
    assert (plain["loss"].values != shuffled["loss"].values).any()


# ---------------------------------------------------------------------------------------------------------- entropies


def test_row_entropy_is_the_librarys():
    scores = 3 * torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    scores = scores.masked_fill(torch.ones(5, 5).triu(1).bool(), -torch.inf)
    found = training.row_entropy(scores.softmax(-1)).numpy()
    np.testing.assert_allclose(found, attention_entropy(scores.numpy()).value, atol=1e-5)
    uniform = training.row_entropy(torch.zeros(4, 7).softmax(-1)).numpy()
    np.testing.assert_allclose(uniform, np.log(7), atol=1e-6)


def test_late_rows_of_uniform_attention_have_the_largest_entropy():
    """ln i of row i: over rows 25 to 48 the mean is 3.5787, as the card says."""
    params = case("train").params.train
    net = training.make_net(params, params.variants["sm"], 1, symbols=3, context=48)
    weights = net.init_parameters(2, torch.Generator().manual_seed(0))
    weights["qkv"].data.zero_()
    tokens = torch.randint(3, (4, 49), generator=torch.Generator().manual_seed(1))
    alive = torch.tensor([True, False])
    with torch.no_grad():
        found = training.measure(net, weights, tokens, alive, 0.5)
    np.testing.assert_allclose(found["head_entropy"][0], 3.5787, atol=1e-4)
    np.testing.assert_allclose(found["relative_entropy"][0], 1, atol=1e-6)
    assert np.isnan(found["head_entropy"][1]).all() and np.isnan(found["probe_loss"][1])
    assert relative_attention_entropy(np.zeros((48, 48))).value == pytest.approx(1)


def test_bands_and_the_end_of_training():
    entropies = xr.DataArray([[0.5, 1.2], [3.9, 4.0]], dims=("layer", "head"))
    assert bands(entropies).values.tolist() == [0.25, 0.25, 0, 0.5]
    values = xr.DataArray([[1.0, 2, 3, 4, 5], [1, 2, np.nan, np.nan, np.nan]], dims=("seed", "probe"))
    values = values.assign_coords(probe=[0, 10, 20, 30, 40])
    assert settled(values, 0.25).values.tolist() == [4.5, 2.0]


# --------------------------------------------------------------------------------------------------------- regulariser


def asked(**change):
    return Regulariser(**({"weight": 1.0, "gamma": 0.2, "theta_init": 0.5, "reduction": "mean"} | change))


def test_penalty_is_zero_and_still_within_the_margin():
    most = float(np.log(6))
    threshold = torch.full((1, 2, 1, 3, 1), 0.5, requires_grad=True)
    inside = torch.full((1, 2, 4, 3, 6), 0.69 * most)
    found = training.penalty(inside, threshold, asked())
    assert found.item() == 0
    assert not torch.autograd.grad(found.sum(), threshold)[0].any()
    outside = inside.clone()
    outside[:, 0, 0, 0, 0] = most
    found = training.penalty(outside, threshold, asked())
    assert found.item() == pytest.approx((0.5 * most) ** 2 / (4 * 6) / 6, rel=1e-5)
    gradient = torch.autograd.grad(found.sum(), threshold)[0]
    assert gradient[0, 0, 0, 0, 0] < 0 and (gradient != 0).sum() == 1


def test_a_sum_is_the_mean_times_sequences_and_positions():
    entropies = torch.rand(2, 2, 4, 3, 6, generator=torch.Generator().manual_seed(0)) * np.log(6)
    threshold = torch.full((2, 2, 1, 3, 1), 0.5)
    mean, total = (training.penalty(entropies, threshold, asked(reduction=how, gamma=0)) for how in ("mean", "sum"))
    torch.testing.assert_close(total, 24 * mean)


# -------------------------------------------------------------------------------------------------- forecast, counts


def test_kendall_counts_pairs_in_order():
    rows = np.array([[1.0, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1], [1, 1, 1, 1, 1, 1], [1, 2, 4, 3, 5, 6]])
    np.testing.assert_allclose(kendall(rows), [1, -1, 0, 13 / 15])


def test_a_plateau_is_no_divergence():
    steps = np.arange(9)
    curves = [np.full(9, 2.0), 2 + 3.0 * (steps == 5), np.where(steps > 6, np.nan, 2.0)]
    found = xr.Dataset(
        {"loss": (("seed", "step"), curves), "probe_loss": (("seed", "probe"), np.full((3, 3), 1.9))},
        {"probe": [0, 4, 8]}, {"symbols": 8},
    )  # fmt: skip
    params = case("forecast").params.forecast
    assert diverged(params, found).values.tolist() == [False, True, True]
    np.testing.assert_allclose(final_loss(params, found), [1.9, 2 * np.log(8), 2 * np.log(8)])


def test_pairs_of_a_cycle_cost_nothing():
    tokens = np.tile(np.arange(4), (200, 5))
    pairs, frequencies = table_losses(tokens, tokens[:20], 4)
    assert pairs < 0.01 and frequencies == pytest.approx(np.log(4), abs=0.01)


def test_operations_of_a_gpt2_are_the_closed_forms():
    full = count(Network(**GPT2, layernorm=True, activation="gelu"))
    d, length, blocks = 768, 128, 12
    assert full["ffn_flops"] == 16 * length * d**2 * blocks
    assert full["attention_flops"] == (8 * length * d**2 + 3 * length**2 * d) * blocks
    nonlinear = ("softmax_matrices", "layernorm_matrices", "activation_matrices")
    assert [full[key] for key in nonlinear] == [144, 24, 12]
    fused = count(Network(**GPT2, fused=True))
    assert fused["ffn_flops"] == 2 * length * d**2 * blocks
    assert fused["attention_flops"] == full["attention_flops"]
    assert [fused[key] for key in nonlinear] == [144, 0, 0]


# ------------------------------------------------------------------------------------------------------------- inputs


def test_text_is_read_or_said_where_to_get(tmp_path):
    with pytest.raises(UserError, match=r"simulate\.path.*codeparrot"):
        simulate(case("simulate", simulate={"source": "bytes"}))
    path = tmp_path / "code.txt"
    path.write_bytes(b"def f(x):\n    return x\n" * 200)
    data = simulate(case("simulate", simulate={"source": "bytes", "path": str(path)}))
    assert data["tokens"].shape == (3, 48, 17) and data.attrs["symbols"] == 256
    assert data["held_out"].max() < 128
    path.write_bytes(b"x" * 100)
    with pytest.raises(UserError, match="too few"):
        simulate(case("simulate", simulate={"source": "bytes", "path": str(path)}))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("networks", {"forecast": {"roles": {"bare": "smm"}}}, r"forecast\.roles: 'smm' is none of"),
        ("networks", {"entropy": {"roles": {"bare": "sm_g"}}}, r"entropy\.roles: 'sm_g' is none of sm_ln_g"),
        ("networks", {"train": {"variants": {"sm": {"fused": True}}}}, "fused needs"),
        ("networks", {"train": {"groups": {"main": {"steps": 13}}}}, "52 sequences are needed"),
        ("networks", {"train": {"groups": {"rates": {"seeds": 4}}}}, "exceed the 3"),
        ("networks", {"train": {"groups": {"deep": {"rates": [1e-3, 1e-2]}}}}, "one learning rate each"),
        ("networks", {"train": {"width": 9}}, "no multiple of the 2 heads"),
        ("networks", {"train": {"ablated": 99}}, "ablated"),
        ("networks", {"simulate": {"lag": 17}}, "lag"),
        ("counts", {"forecast": {"published": [{"network": "x", "part": "ffn_flops", "value": 1}]}}, "'x' is none"),
    ],
)
def test_bad_parameters_are_refused(name, change, said):
    with pytest.raises(ValueError, match=said):
        case("train", name, **change)
