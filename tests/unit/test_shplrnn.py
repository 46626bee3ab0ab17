"""The clipped shallow PLRNN: derivatives, forcing, the runs axis, and the gradients through time."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pesin.models import shplrnn
from pesin.models.optimisers import RAdam
from pesin.models.shplrnn import Forcing, Weights


def draw(runs=3, dim=3, hidden=7, seed=0, gain=1.0):
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return gain * torch.randn(*shape, generator=g, dtype=torch.float64)

    return Weights(
        normal(runs, 1, dim) * 0.3,
        normal(runs, hidden, dim) * 0.3,
        normal(runs, dim, hidden),
        normal(runs, 1, dim),
        normal(runs, 1, hidden),
    )


def windows(time=6, runs=3, batch=4, dim=3, seed=1):
    return torch.randn(time + 1, runs, batch, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plain_rollout(weights, x, alpha):
    z, out = x[0], []
    for t in range(len(x) - 1):
        out.append(shplrnn.step(weights, z))
        z = (1 - alpha[t])[:, None, None] * out[-1] + alpha[t][:, None, None] * x[t + 1]
    return torch.stack(out)


def gradients(rollout, weights, x, alpha):
    leaves = [w.clone().requires_grad_() for w in weights]
    loss = (rollout(Weights(*leaves), x, alpha) - x[1:]).square().mean()
    return torch.autograd.grad(loss, leaves)


def test_step_is_the_published_map():
    w = draw(runs=1)
    z = np.array([0.3, -1.2, 0.7])
    A, W1, W2, h1, h2 = (np.asarray(v[0]) for v in w)
    u = W2.T @ z
    expected = A[0] * z + W1.T @ (np.maximum(u + h2[0], 0) - np.maximum(u, 0)) + h1[0]
    np.testing.assert_allclose(shplrnn.step(w, torch.tensor(z)[None, None])[0, 0], expected, atol=1e-14)


def test_jacobian_is_the_derivative():
    w = draw()
    z = windows()[0]
    automatic = torch.autograd.functional.jacobian(lambda s: shplrnn.step(w, s).sum((0, 1)), z)
    torch.testing.assert_close(shplrnn.jacobian(w, z), automatic.permute(1, 2, 0, 3))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_hand_written_gradient_is_the_automatic_one(alpha):
    w, x, forcing = draw(), windows(), torch.full((6, 3), alpha, dtype=torch.float64)
    for ours, automatic in zip(
        gradients(shplrnn.rollout, w, x, forcing), gradients(plain_rollout, w, x, forcing), strict=True
    ):
        torch.testing.assert_close(ours, automatic, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_compiled_rollout_is_that_of_tensors(dtype):
    w, x, forcing = draw(), windows(), torch.rand(6, 3, generator=torch.Generator().manual_seed(2)).double()
    found = []
    for way in (shplrnn._CompiledRollout, shplrnn._Rollout):
        leaves = [value.to(dtype).requires_grad_() for value in w]
        predicted = way.apply(*leaves, x.to(dtype), (1 - forcing)[:, :, None, None].to(dtype))
        found.append([predicted, *torch.autograd.grad(predicted.square().sum(), leaves)])
    exact = dict(rtol=1e-11, atol=1e-11) if dtype == torch.float64 else dict(rtol=1e-3, atol=1e-3)
    for compiled, tensors in zip(*found, strict=True):
        torch.testing.assert_close(compiled, tensors, **exact)


def test_a_run_of_nan_touches_no_other_and_stays_nan():
    w, x = draw(), windows()
    forcing = torch.zeros(6, 3, dtype=torch.float64)
    clean = gradients(shplrnn.rollout, w, x, forcing)
    spoilt = x.clone()
    spoilt[:, 1] = torch.nan
    for ours, theirs in zip(gradients(shplrnn.rollout, w, spoilt, forcing), clean, strict=True):
        assert torch.equal(ours[[0, 2]], theirs[[0, 2]])
    assert shplrnn.rollout(w, spoilt, forcing)[:, 1].isnan().all()


def test_gradients_of_a_map_that_contracts_do_not_grow_with_the_window():
    still = Weights(*(torch.zeros_like(v) for v in draw()))._replace(A=torch.full((3, 1, 3), 0.5, dtype=torch.float64))
    long = windows(200)
    norms = shplrnn.gradient_norms(still, long, torch.zeros(3, dtype=torch.float64), [50, 100, 200])
    assert (norms[2] < 2 * norms[0]).all()
    growing = still._replace(A=torch.full((3, 1, 3), 1.2, dtype=torch.float64))
    norms = shplrnn.gradient_norms(growing, long, torch.zeros(3, dtype=torch.float64), [10, 20, 40])
    slope = (norms[2] / norms[1]).log() / 20
    assert (slope > np.log(1.2)).all()


def test_without_forcing_the_rollout_is_the_free_run():
    w, x = draw(), windows()
    free = shplrnn.free_run(w, x[0], 6).permute(2, 0, 1, 3)
    torch.testing.assert_close(shplrnn.rollout(w, x, torch.zeros(6, 3, dtype=torch.float64)), free)


def test_full_forcing_has_no_gradient_through_time():
    """d loss_t / d z_{t-2} = 0: the gradient of a long window is that of its one-step windows taken apart."""
    w, x = draw(), windows()
    ones = torch.ones(6, 3, dtype=torch.float64)
    apart = torch.cat([x[:-1].permute(1, 0, 2, 3).flatten(1, 2)[None], x[1:].permute(1, 0, 2, 3).flatten(1, 2)[None]])
    for long, short in zip(
        gradients(shplrnn.rollout, w, x, ones), gradients(shplrnn.rollout, w, apart, ones[:1]), strict=True
    ):
        torch.testing.assert_close(long, short, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.9])
def test_identity_map_passes_gradients_as_powers_of_one_minus_alpha(alpha):
    time = 12
    w = Weights(*(torch.zeros_like(v) for v in draw(runs=1)))._replace(A=torch.ones(1, 1, 3, dtype=torch.float64))
    h1 = w.h1.clone().requires_grad_()
    x = windows(time, runs=1)
    last = shplrnn.rollout(w._replace(h1=h1), x, torch.full((time, 1), alpha, dtype=torch.float64))[-1, 0, 0, 0]
    (slope,) = torch.autograd.grad(last, h1)
    assert slope[0, 0, 0].item() == pytest.approx(sum((1 - alpha) ** k for k in range(time)), rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 20))
def test_orbits_stay_bounded_if_A_contracts(seed, gain):
    w = draw(seed=seed, gain=gain)
    w = w._replace(A=torch.tanh(w.A) * 0.95)
    path = shplrnn.free_run(w, windows(seed=seed)[0], 300)
    bend = (w.W1.abs() * w.h2.abs().transpose(1, 2)).sum(1) + w.h1[:, 0].abs()  # each clipped unit is within +-|h2|
    bound = windows(seed=seed)[0].abs().amax(1) + bend / 0.05
    assert (path.abs() <= bound[:, None, None] + 1e-9).all()


def test_sparse_forcing_acts_at_every_third_step():
    schedule = shplrnn.forcing_schedule(torch.tensor([0.3, 1.0]), torch.tensor([1, 3]), 7)
    assert schedule[:, 0].tolist() == pytest.approx([0.3] * 7)
    assert schedule[:, 1].tolist() == [0, 0, 1, 0, 0, 1, 0]


def test_adaptive_alpha_of_a_doubling_map_is_one_half():
    zero = Weights(*(torch.zeros_like(v) for v in draw(runs=2)))
    A = torch.tensor([[[2.0, 1.0, 0.5]], [[0.5, 0.5, 0.5]]], dtype=torch.float64)
    estimate = shplrnn.adaptive_alpha(zero._replace(A=A), windows(runs=2))
    torch.testing.assert_close(estimate, torch.tensor([0.5, 0.0], dtype=torch.float64))


def forcing(alphas, adaptive=None, pace=None):
    alpha = torch.tensor(alphas)
    every = torch.ones(len(alphas), dtype=torch.long)
    return Forcing(
        alpha, every, torch.tensor(adaptive or [False] * len(alphas)), torch.tensor(pace or [1.0] * len(alphas))
    )


def orbit(n=400):
    t = 0.1 * np.arange(n)
    return np.stack([np.sin(t), np.cos(t)], 1)


def fit(alphas, updates=20, start=None, pace=None):
    start = start or shplrnn.random_start(1, 2, 6, torch.Generator().manual_seed(3))
    sample = shplrnn.window_sampler(orbit(), 8, 4, [np.random.default_rng(5)])
    n = len(alphas)
    return shplrnn.train(
        shplrnn.repeat(start, n) if len(start.A) == 1 else start,
        lambda u: sample(u).expand(-1, n, -1, -1),
        forcing(alphas, pace=pace),
        updates,
        (1e-2, 1e-3),
    )


def test_runs_in_one_axis_are_the_runs_one_by_one():
    together = fit([0.0, 0.4, 1.0])
    for i, alpha in enumerate([0.0, 0.4, 1.0]):
        alone = fit([alpha])
        for a, b in zip(together.weights, alone.weights, strict=True):
            torch.testing.assert_close(a[i], b[0], rtol=1e-4, atol=1e-6)


def test_a_run_of_nan_touches_no_other():
    start = shplrnn.repeat(shplrnn.random_start(1, 2, 6, torch.Generator().manual_seed(3)), 3)
    start.A[1] = float("nan")
    broken, whole = fit([0.4] * 3, start=start), fit([0.4] * 3)
    assert broken.diverged.tolist() == [False, True, False]
    for a, b in zip(broken.weights, whole.weights, strict=True):
        torch.testing.assert_close(a[[0, 2]], b[[0, 2]])
    assert broken.max_gradient_norm[1] == np.finfo(np.float32).max


def test_training_lowers_the_loss_and_repeats_bit_for_bit():
    first, second = fit([0.3], updates=300), fit([0.3], updates=300)
    assert first.loss[-1, 0] < 0.5 * first.loss[0, 0]
    assert all(torch.equal(a, b) for a, b in zip(first.weights, second.weights, strict=True))


def test_rectified_adam_is_that_of_torch_bit_for_bit():
    g = torch.Generator().manual_seed(0)
    start = [torch.randn(3, 4, 5, generator=g), torch.randn(3, 1, 5, generator=g)]
    ours, theirs = [w.clone() for w in start], [w.clone().requires_grad_() for w in start]
    mine = RAdam(ours, [1e-2, 0.0])
    groups = [{"params": theirs[:1], "weight_decay": 1e-2}, {"params": theirs[1:]}]
    reference = torch.optim.RAdam(groups, lr=1e-2, foreach=False)
    for _ in range(12):  # it is plain momentum up to the fifth step
        gradients = [torch.randn(w.shape, generator=g) for w in start]
        for w, gradient in zip(theirs, gradients, strict=True):
            w.grad = gradient
        reference.step()
        mine.step(gradients, 1e-2, torch.ones(3, 1, 1))
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_pace_is_a_learning_rate_of_each_run():
    still, slow, full = (fit([0.3] * 3, updates=1, pace=[0.0, 0.1, 1.0]).weights.W1[i] for i in range(3))
    torch.testing.assert_close(slow - still, 0.1 * (full - still), rtol=1e-3, atol=1e-8)
    assert (full != still).any()


def test_annealed_alpha_starts_at_one_and_relaxes_to_its_estimate():
    start = shplrnn.random_start(1, 2, 6, torch.Generator().manual_seed(3))
    sample = shplrnn.window_sampler(orbit(), 8, 4, [np.random.default_rng(5)])
    trained = shplrnn.train(start, sample, forcing([1.0], [True]), 100, (1e-3, 1e-3), memory=0.5, record_every=1)
    alpha = trained.alpha[:, 0]
    assert alpha[0] > 0.5 and alpha[-1] < 0.5 and (alpha >= 0).all()


def test_closed_form_start_recovers_a_map_of_its_own_class():
    rng = np.random.default_rng(0)
    x = np.empty((2000, 2))
    x[0] = 1.0
    for t in range(1999):
        x[t + 1] = np.array([0.9, -0.5]) * x[t] + [0.1, 0.2] + 0.05 * rng.standard_normal(2)
    start = shplrnn.closed_form_start(x, 4, 1.0, [np.random.default_rng(i) for i in range(3)])
    predicted = shplrnn.step(start, torch.as_tensor(x[:-1], dtype=torch.float32).expand(3, -1, -1)).numpy()
    assert np.sqrt(np.mean((predicted - x[1:]) ** 2)) < 0.052  # the noise, no more


def test_windows_are_pieces_of_the_orbit_paired_over_levels():
    x = np.stack([orbit(), 2 * orbit()])
    batch = shplrnn.window_sampler(x, 8, 4, [np.random.default_rng(s) for s in range(3)])(0)
    assert batch.shape == (9, 2, 3, 4, 2)
    torch.testing.assert_close(batch[:, 1], 2 * batch[:, 0])
    first = int(np.argmin(np.abs(x[0] - batch[0, 0, 1, 2].numpy()).sum(1)))
    np.testing.assert_allclose(batch[:, 0, 1, 2], x[0, first : first + 9], atol=1e-6)
    with pytest.raises(ValueError, match="too short"):
        shplrnn.window_sampler(x, 400, 4, [np.random.default_rng(0)])


def test_random_start_contracts():
    start = shplrnn.random_start(50, 5, 20, torch.Generator().manual_seed(0))
    assert (start.A > 0).all() and (start.A <= 1).all() and (start.h1 == 0).all()
    assert start.W2.abs().max() <= 1 / np.sqrt(5) and start.W1.abs().max() <= 1 / np.sqrt(20)


def test_forecast_continues_from_the_last_observation():
    w = Weights(*(v.float() for v in draw()))
    history = np.random.default_rng(0).standard_normal((4, 9, 3))
    path = shplrnn.forecast(w, history, 5)
    assert path.shape == (3, 4, 5, 3)
    first = shplrnn.step(w, torch.as_tensor(history[:, -1], dtype=torch.float32).expand(3, -1, -1))
    np.testing.assert_allclose(path[:, :, 0], first, rtol=1e-6)
