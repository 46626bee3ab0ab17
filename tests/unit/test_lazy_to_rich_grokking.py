"""Known answers: autograd's descent, Taylor's expansion, kernels, closed losses, lazy time; and bad parameters."""

import numpy as np
import pytest
import torch
from torch.func import grad, jacrev, jvp

from pesin.errors import UserError
from pesin.params import check
from project import case_of
from studies.lazy_to_rich_grokking.moments import (
    Descent,
    form,
    kernel,
    kernel_regression,
    loss_parts,
    moments,
    outputs,
    with_one,
)
from studies.lazy_to_rich_grokking.networks import simulate as worlds
from studies.lazy_to_rich_grokking.networks import train as networks
from studies.lazy_to_rich_grokking.networks.params import Params as NetworkParams
from studies.lazy_to_rich_grokking.quadratic import entropy, forecast, simulate, train
from studies.lazy_to_rich_grokking.quadratic.params import Params

STUDY = "lazy_to_rich_grokking"
RNG = np.random.default_rng(5)
DIM, WIDTH, SAMPLES, RATE = 4, 7, 12, 0.1
W = RNG.normal(size=(1, WIDTH, DIM))
X = simulate.drawn(RNG, 1, SAMPLES, DIM)
BETA = RNG.normal(size=(1, DIM))
Y = simulate.target(X, BETA)
POINTS = [(1.0, 0.25), (0.3, 1.0), (4.0, 0.05)]


def case(step, name="quadratic", **change):
    return case_of(STUDY, name, step, "smoke", **change)


def network(w, x, alpha, epsilon):
    h = x @ w.T
    return alpha * (h + epsilon * h**2 / 2).mean(-1)


def descended(alpha, epsilon, steps, frozen=False):
    """The training losses by automatic differentiation of the weights."""
    w0, x, y = torch.tensor(W[0]), torch.tensor(X[0]), torch.tensor(Y[0])

    def output(w):
        if not frozen:
            return network(w, x, alpha, epsilon)
        value, change = jvp(lambda v: network(v, x, alpha, epsilon), (w0,), (w - w0,))
        return value + change

    def loss(w):
        return ((output(w) - y) ** 2).mean()

    w, found = w0.clone(), []
    for _ in range(steps + 1):
        found.append(float(loss(w)))
        w = w - RATE * WIDTH / alpha**2 * grad(loss)(w)
    return found


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("alpha, epsilon", POINTS)
def test_the_recursion_is_gradient_descent(alpha, epsilon, frozen):
    """Of all weights, and of the network linearised about its start, to 1e-10."""
    descent = Descent(alpha, epsilon, 40, RATE, frozen=frozen, log=np.arange(41))
    seen = descent.follow(moments(W), X, Y, BETA)
    np.testing.assert_allclose(seen.train[0], descended(alpha, epsilon, 40, frozen), rtol=1e-10)


@pytest.mark.parametrize("alpha, epsilon", POINTS)
def test_outputs_and_kernel_are_those_of_the_network(alpha, epsilon):
    q, z = moments(W)[0], with_one(X[0])
    w, x = torch.tensor(W[0]), torch.tensor(X[0])
    np.testing.assert_allclose(outputs(form(q, alpha, epsilon), z), network(w, x, alpha, epsilon), atol=1e-13)
    slopes = jacrev(lambda v: network(v, x, alpha, epsilon))(w).reshape(SAMPLES, -1)
    np.testing.assert_allclose(kernel(q, z, epsilon) * alpha**2 / WIDTH, slopes @ slopes.T, atol=1e-12)


def test_expected_kernel_has_epsilon_squared_in_its_quadratic_modes():
    product = X[0] @ X[0].T
    expected = product + 0.5**2 * product**2
    np.testing.assert_allclose(kernel(np.eye(DIM + 1), with_one(X[0]), 0.5), expected, atol=1e-13)
    wide = kernel(moments(RNG.normal(size=(20_000, DIM))), with_one(X[0]), 0.5)
    assert abs(wide - expected).max() < 0.05 * abs(expected).max()


def test_losses_of_known_forms():
    """Zero: 1/4 + 1/2, as E y^2 = 3/4; the target: 0; an infinitely wide network's start, by hand."""
    beta = RNG.normal(size=50)
    beta *= (50 / (beta**2).sum()) ** 0.5
    np.testing.assert_allclose(loss_parts(np.zeros((51, 51)), beta), [0, 0.25, 0.5])
    c = np.zeros((51, 51))
    c[1:, 1:] = np.outer(beta, beta) / 2
    np.testing.assert_allclose(loss_parts(c, beta), 0, atol=1e-15)
    start = loss_parts(form(np.eye(51), 1.0, 0.25), beta)
    np.testing.assert_allclose(start, [0, 0.140625, 0.495625])


def test_the_closed_loss_is_the_mean_over_inputs_and_not_over_elliptical_ones():
    c = form(moments(W)[0], 2.0, 1.0)
    x = simulate.drawn(RNG, 400_000, DIM)
    squares = (outputs(c, with_one(x)) - simulate.target(x, BETA[0])) ** 2
    exact = loss_parts(c, BETA[0]).sum()
    assert abs(squares.mean() - exact) < 4 * squares.std() / len(x) ** 0.5
    x *= 2**0.5 * RNG.integers(2, size=(len(x), 1))
    squares = (outputs(c, with_one(x)) - simulate.target(x, BETA[0])) ** 2
    assert squares.mean() > 1.3 * exact


def test_a_linearised_network_ends_at_kernel_regression():
    few = 3  # fewer than the functions
    c = kernel_regression(moments(W), with_one(X[:, :few]), Y[:, :few], 1.0, 0.5)
    np.testing.assert_allclose(outputs(c, with_one(X[:, :few])), Y[:, :few], atol=1e-10)
    seen = Descent(1.0, 0.5, 3000, 0.5, frozen=True).follow(moments(W), X[:, :few], Y[:, :few], BETA)
    assert seen.last[0, 0] < 1e-8
    np.testing.assert_allclose(seen.last[0, 1], loss_parts(c, BETA).sum(), rtol=1e-3)


def test_four_times_the_rate_is_the_same_flow_and_a_hundred_times_diverges():
    rng = np.random.default_rng(1)
    x, beta = simulate.drawn(rng, 1, 80, 16), rng.normal(size=(1, 16))
    y, q = simulate.target(x, beta), np.eye(17)[None]
    slow, fast = (Descent(1.0, 0.5, int(400 / r), r).follow(q, x, y, beta) for r in (0.2, 0.8))
    np.testing.assert_allclose(4 * fast.first, slow.first, rtol=0.03, atol=4)
    assert fast.rise[0] == 0 and np.isfinite(fast.first).all()
    lost = Descent(1.0, 0.5, 400, 100).follow(q, x, y, beta)
    assert lost.rise[0] > 0 and lost.steps[0] < 400


def test_times_of_curves():
    """Fallen both; training alone (the delay has been seen for 30 steps); none."""
    log = np.array([0, 10, 20, 40])
    loss = np.array([[[1, 0.1, 0, 0], [1, 0.1, 0, 0], [1, 1, 1, 1]], [[1, 1, 0.1, 0], [1, 1, 1, 0.9], [1, 1, 1, 1]]])
    np.testing.assert_equal(
        networks.times(loss, log, 0.3),
        [[10, 10, np.nan], [20, np.nan, np.nan], [10, np.nan, np.nan], [10, 30, np.nan]],
    )


@pytest.fixture(scope="module")
def trained():
    data = simulate.simulate(case("simulate"))
    return data, train.train(case("train"), data)


def test_delays_go_with_their_times_and_a_stopped_run_is_missing_afterwards(trained):
    _, found = trained
    seen = found["t_test"].notnull()
    assert seen.any() and not seen.all()
    np.testing.assert_allclose(found["delay"].where(seen, 0), found["delay_at_least"].where(seen, 0))
    fitted = found["t_train"].notnull()
    assert (found["delay_at_least"].notnull() == fitted).all()
    assert (found["delay_at_least"].where(fitted & ~seen, 1) > 0).all()
    np.testing.assert_allclose(found["fell"], 1 - found["last_share"])
    assert (found["rise"] < 1e-12).all()


def test_kernels_turn_to_the_task_unless_frozen(trained):
    data, found = trained
    result = forecast.forecast(case("forecast"), data, found)
    assert (result["misfit"] < 5).all()
    ranks = entropy.entropy(case("entropy"), data, found)["weight_rank"]
    assert (ranks.sel(moment="last") < ranks.sel(moment="first")).all()
    frozen = case("train", "frozen")
    lazy = train.train(frozen, data)
    some = found["follows"].dropna("seed")
    assert some.size and (some > 0.5).all()
    assert lazy["follows"].isnull().all() and float(lazy["alignment"].std("time").max()) < 1e-12


def test_lazy_networks_keep_time_whatever_the_scale():
    """The learning rate goes with the inverse square of the scale: without that, a delay would be one of the rate."""
    scales = {"train": {"scales": {"small": 100.0, "middle": 200.0, "large": 400.0}}}
    chosen = case("train", "networks", **scales)
    loss = networks.train(chosen, worlds.simulate(case("simulate", "networks")))["loss"].sel(task="student_teacher")
    assert float((loss.sel(scale="small") / loss.sel(scale="large") - 1).max()) < 0.02
    assert float(loss.sel(part="train").isel(log=-1).max()) < 0.5


def test_targets_of_networks_are_as_said():
    tree = worlds.simulate(case("simulate", "networks"))
    known = tree["student_teacher/y"][:, :60]
    np.testing.assert_allclose(known.mean("sample"), 0, atol=1e-6)
    np.testing.assert_allclose(known.std("sample"), 1, atol=1e-5)
    assert (tree["images/y"].sum("output") == 1).all()


BASE, NET = case("train").params.model_dump(), case("train", "networks").params.model_dump()


@pytest.mark.parametrize(
    "given, kind, change, said",
    [
        (BASE, Params, {"train": BASE["train"] | {"seeds": 9}}, "train.seeds"),
        (BASE, Params, {"train": BASE["train"] | {"run": ["bas"]}}, "train.run"),
        (BASE, Params, {"train": BASE["train"] | {"settings": {"base": BASE["train"]["settings"]["base"]}}}, "aligned"),
        (BASE, Params, {"simulate": BASE["simulate"] | {"samples": 10}}, "simulate.samples"),
        (BASE, Params, {"train": BASE["train"] | {"rate": 0}}, "train.rate"),
        (NET, NetworkParams, {"train": NET["train"] | {"scales": {"small": 1}}}, "small, middle, large"),
        (NET, NetworkParams, {"simulate": NET["simulate"] | {"data": {"source": "minst"}}}, "simulate.data.source"),
    ],
)
def test_bad_parameters_are_named(given, kind, change, said):
    with pytest.raises(UserError, match=said):
        check(kind, given | change, STUDY)


def test_mnist_says_where_to_get_it(tmp_path):
    data = {"source": "mnist", "folder": str(tmp_path), "train": 10, "test": 10}
    with pytest.raises(UserError, match="train-images"):
        worlds.simulate(case("simulate", "networks", simulate={"data": data}))
