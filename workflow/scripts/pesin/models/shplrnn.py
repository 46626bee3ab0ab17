"""Clipped shallow piecewise-linear RNN with a leading runs axis, and its training by generalised teacher forcing.

The model is z' = A z + W1 [relu(W2 z + h2) - relu(W2 z)] + h1 with A diagonal (Hess, Monfared, Brenner and
Durstewitz, ICML 2023, eq. 5). Every run (a forcing, a seed) has its own weights and shares each batched product with
the others: a run that turns to NaN touches no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from pesin.models import shplrnn_kernel
from pesin.models.optimisers import RAdam
from pesin.steps.checkpoint import Checkpoint

_gate = torch.ops.aten.threshold_backward  # gradient where an activation is positive, else 0


class Weights(NamedTuple):
    """Weights of all runs, laid out for row vectors z of shape (runs, batch, dim).

    A, h1 have shape (runs, 1, dim); W1 (runs, hidden, dim); W2 (runs, dim, hidden); h2 (runs, 1, hidden).
    """

    A: Tensor
    W1: Tensor
    W2: Tensor
    h1: Tensor
    h2: Tensor


class Forcing(NamedTuple):
    """How each run is forced.

    alpha, shape (runs,): share of the observed state mixed in (the first value, if adaptive).
    every, shape (runs,): steps between two forcings; 1 is generalised teacher forcing, more is sparse forcing.
    adaptive, shape (runs,), bool: alpha follows the Jacobians (the annealed protocol).
    pace, shape (runs,): learning rate relative to the common one (weak forcing needs smaller steps).
    """

    alpha: Tensor
    every: Tensor
    adaptive: Tensor
    pace: Tensor


class Trained(NamedTuple):
    """What `train` returns.

    weights: after the last update. loss, gradient_norm, alpha, shape (records, runs): at the recorded updates.
    max_gradient_norm, shape (runs,): over all updates; a norm that isn't finite counts as the largest float32.
    diverged, shape (runs,), bool: some weight isn't finite.
    """

    weights: Weights
    updates: np.ndarray
    loss: np.ndarray
    gradient_norm: np.ndarray
    alpha: np.ndarray
    max_gradient_norm: np.ndarray
    diverged: np.ndarray


# ---------------------------------------------------------------------------------------------------------- the model


def step(weights: Weights, z: Tensor) -> Tensor:
    """One step of the map for z of shape (runs, batch, dim)."""
    A, W1, W2, h1, h2 = weights
    u = torch.bmm(z, W2)
    return torch.baddbmm(torch.addcmul(h1, A, z), (u + h2).relu() - u.relu(), W1)


def jacobian(weights: Weights, z: Tensor) -> Tensor:
    """Jacobians dz'/dz, shape (runs, batch, dim, dim), at z of shape (runs, batch, dim)."""
    A, W1, W2, _, h2 = weights
    u = torch.bmm(z, W2)
    slope = (u > -h2).to(z.dtype) - (u > 0).to(z.dtype)
    through = torch.einsum("rlm,rbl,rnl->rbmn", W1, slope, W2)
    return through + torch.diag_embed(A)


@torch.no_grad()
def free_run(weights: Weights, z: Tensor, steps: int) -> Tensor:
    """Iterate the map: shape (runs, batch, steps, dim), the start z (runs, batch, dim) not included."""
    path = z.new_empty(steps, *z.shape)
    for t in range(steps):
        z = step(weights, z)
        path[t] = z
    return path.permute(1, 2, 0, 3)


def forecast(weights: Weights, history: np.ndarray, steps: int) -> np.ndarray:
    """Continue observed orbits with every run.

    Parameters
    ----------
    weights
        Of `runs` models.
    history : ndarray, shape (starts, time, dim)
        Observed states up to the start; the model needs the last one alone.
    steps
        Number of steps to predict.

    Returns
    -------
    ndarray, shape (runs, starts, steps, dim), float32
        A run that blows up turns to inf or NaN.
    """
    last = torch.as_tensor(history[:, -1], dtype=weights.A.dtype, device=weights.A.device)
    return free_run(weights, last.expand(len(weights.A), *last.shape), steps).cpu().numpy()


def repeat(weights: Weights, times: int) -> Weights:
    """Repeat a stack of starts: runs 0..n-1, 0..n-1, ... in the leading axis."""
    return Weights(*(w.repeat(times, *[1] * (w.dim() - 1)) for w in weights))


# --------------------------------------------------------------------------------------------------------- two starts


def random_start(runs: int, dim: int, hidden: int, generator: torch.Generator) -> Weights:
    """Draw weights as the authors do: W uniform in +-1/sqrt(fan in), A the diagonal of a normalised positive matrix.

    Parameters
    ----------
    runs, dim, hidden
        Sizes.
    generator
        Source of randomness, on the CPU.
    """

    def uniform(*shape, fan_in):
        return (2 * torch.rand(*shape, generator=generator) - 1) / np.sqrt(fan_in)

    root = torch.randn(runs, dim, dim, generator=generator)
    positive = root @ root.transpose(1, 2) / dim + torch.eye(dim)
    top = torch.linalg.eigvalsh(positive)[:, -1, None]
    A = (torch.diagonal(positive, dim1=1, dim2=2) / top)[:, None]
    h2 = uniform(runs, 1, hidden, fan_in=hidden)
    return Weights(
        A, uniform(runs, hidden, dim, fan_in=hidden), uniform(runs, dim, hidden, fan_in=dim), torch.zeros_like(A), h2
    )


def closed_form_start(x: np.ndarray, hidden: int, ridge: float, rngs: list[np.random.Generator]) -> Weights:
    """Fit the one-step map without gradients: random W2, kinks on data points, ridge regression of (A, W1, h1).

    Parameters
    ----------
    x : ndarray, shape (time, dim)
        Observed orbit, standardised.
    hidden
        Number of hidden units.
    ridge
        Penalty on A and W1 (not on h1), for sums over the points of x.
    rngs
        One generator for each run.

    Returns
    -------
    Weights
        In float32, with len(rngs) runs.
    """
    now, ahead = x[:-1], x[1:]
    starts = []
    for rng in rngs:
        W2 = rng.standard_normal((x.shape[1], hidden))
        h2 = -(now[rng.integers(len(now), size=hidden)] * W2.T).sum(1)
        u = now @ W2
        bend = np.maximum(u + h2, 0) - np.maximum(u, 0)
        A, W1, h1 = np.empty(x.shape[1]), np.empty((hidden, x.shape[1])), np.empty(x.shape[1])
        for i in range(x.shape[1]):
            features = np.column_stack([now[:, i], bend, np.ones(len(now))])
            penalty = np.diag([*[ridge] * (hidden + 1), 0.0])
            fit = np.linalg.solve(features.T @ features + penalty, features.T @ ahead[:, i])
            A[i], W1[:, i], h1[i] = fit[0], fit[1:-1], fit[-1]
        starts.append((A[None], W1, W2, h1[None], h2[None]))
    return Weights(*(torch.as_tensor(np.stack(w), dtype=torch.float32) for w in zip(*starts, strict=True)))


# ------------------------------------------------------------------------------------------ generalised teacher forcing


class _Rollout(torch.autograd.Function):
    """The forced rollout with a hand-written backward pass: a third faster than recording every small operation.

    For GPUs; on processors `_CompiledRollout` is four times as fast.
    """

    @staticmethod
    def forward(ctx, A, W1, W2, h1, h2, x, keep):
        z, states, upper, lower, predicted = x[0], [], [], [], []
        for t in range(len(x) - 1):
            u = torch.bmm(z, W2)
            states.append(z)
            upper.append((u + h2).relu_())
            lower.append(u.relu_())
            predicted.append(torch.baddbmm(torch.addcmul(h1, A, z), upper[t] - lower[t], W1))
            z = torch.lerp(x[t + 1], predicted[t], keep[t])
        ctx.save_for_backward(A, W1, W2, keep)
        ctx.path = states, upper, lower
        return torch.stack(predicted)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        A, W1, W2, keep = ctx.saved_tensors
        states, upper, lower = ctx.path
        error, to_state = torch.empty_like(gradient), torch.zeros_like(gradient[0])
        dW1, dW2, dh2 = torch.zeros_like(W1), torch.zeros_like(W2), torch.zeros_like(W2[:, :1])
        for t in reversed(range(len(gradient))):
            e = torch.addcmul(gradient[t], to_state, keep[t], out=error[t])
            to_bend = torch.bmm(e, W1.transpose(1, 2))
            dW1.baddbmm_((upper[t] - lower[t]).transpose(1, 2), e)
            to_u = _gate(to_bend, upper[t], 0)
            dh2 += to_u.sum(1, keepdim=True)
            to_u -= _gate(to_bend, lower[t], 0)
            dW2.baddbmm_(states[t].transpose(1, 2), to_u)
            to_state = torch.baddbmm(A * e, to_u, W2.transpose(1, 2))
        dA = (error * torch.stack(states)).sum((0, 2))[:, None]
        return dA, dW1, dW2, error.sum((0, 2))[:, None], dh2, None, None


class _CompiledRollout(torch.autograd.Function):
    """The forced rollout in the loops of `shplrnn_kernel`."""

    @staticmethod
    def forward(ctx, A, W1, W2, h1, h2, x, keep):
        weights = [w.numpy() for w in (A[:, 0], W1.mT.contiguous(), W2.contiguous(), h1[:, 0], h2[:, 0])]
        steps = keep.flatten(1).numpy()
        predicted, states = shplrnn_kernel.forward(*weights, x.contiguous().numpy(), steps)
        ctx.arrays = [weights[i] for i in (0, 1, 2, 4)], states, steps
        return torch.from_numpy(predicted)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        weights, states, steps = ctx.arrays
        found = shplrnn_kernel.backward(*weights, states, steps, gradient.contiguous().numpy())
        dA, dW1, dW2, dh1, dh2 = map(torch.from_numpy, found)
        return dA[:, None], dW1.mT, dW2, dh1[:, None], dh2[:, None], None, None


def rollout(weights: Weights, x: Tensor, alpha: Tensor) -> Tensor:
    """Predict x[1:] step by step; after each prediction the state is pulled towards the observation.

    Parameters
    ----------
    weights
        Of all runs.
    x : Tensor, shape (time + 1, runs, batch, dim)
        Observed states.
    alpha : Tensor, shape (time, runs)
        Forcing: the next state is (1 - alpha) prediction + alpha observation.

    Returns
    -------
    Tensor, shape (time, runs, batch, dim)
        Predictions BEFORE forcing: the loss must be taken on these.
    """
    way = _CompiledRollout if x.device.type == "cpu" else _Rollout
    return way.apply(*weights, x, (1 - alpha)[:, :, None, None])


def gradient_norms(weights: Weights, x: Tensor, alpha: Tensor, lengths: Iterable[int]) -> Tensor:
    """Norm of the gradient of the training loss of each run, for windows of several lengths with the same starts.

    Parameters
    ----------
    weights
        Of all runs.
    x : Tensor, shape (time + 1, runs, batch, dim)
        Observed states, of the longest windows.
    alpha : Tensor, shape (runs,)
        Constant forcing.
    lengths
        Steps predicted, each at most `time`.

    Returns
    -------
    Tensor, shape (lengths, runs)
        The largest float32 for a norm that isn't finite.
    """
    leaves = Weights(*(w.detach().clone().requires_grad_() for w in weights))
    norms = []
    for length in lengths:
        part = x[: length + 1]
        loss = (rollout(leaves, part, alpha.expand(length, -1)) - part[1:]).square().mean((0, 2, 3))
        norms.append(_norm_by_run(torch.autograd.grad(loss.sum(), leaves)))
    return torch.stack(norms)


@torch.no_grad()
def adaptive_alpha(weights: Weights, x: Tensor) -> Tensor:
    """Estimate of the forcing that bounds the gradients: max(0, 1 - 1/G), shape (runs,).

    G is the largest, over the sequences of the batch, geometric mean over time of the Jacobians' spectral norms (Hess
    et al. 2023, sect. 3.3).

    Parameters
    ----------
    weights
        Of the runs.
    x : Tensor, shape (time, runs, batch, dim)
        States at which the Jacobians are taken.
    """
    time, runs, batch, dim = x.shape
    J = jacobian(weights, x.permute(1, 0, 2, 3).reshape(runs, time * batch, dim))
    squared = torch.linalg.eigvalsh(torch.nan_to_num(J.transpose(2, 3) @ J, 0.0, 0.0, 0.0))[..., -1]
    log_norm = 0.5 * squared.clamp_min(1e-30).log().view(runs, time, batch)
    return (1 - torch.exp(-log_norm.mean(1).amax(1))).clamp(0, 1)


def train(
    start: Weights,
    batches: Callable[[int], Tensor],
    forcing: Forcing,
    updates: int,
    learning_rate: tuple[float, float],
    weight_decay: float = 1e-5,
    memory: float = 0.999,
    adapt_every: int = 5,
    record_every: int = 10,
    progress: Callable[[Iterable], Iterable] = iter,
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train all runs at once by RAdam on the mean squared error of the un-forced predictions.

    Parameters
    ----------
    start
        Weights before the first update, on the device to train on.
    batches
        update -> windows of observed states, shape (time + 1, runs, batch, dim).
    forcing
        Of every run.
    updates
        Number of updates; 0: the start is measured once and stays as it is.
    learning_rate
        At the first and the last update; exponential between.
    weight_decay
        L2 penalty on A, W1, W2, as RAdam applies it.
    memory
        An adaptive alpha jumps up to its estimate at once and else keeps this share of itself.
    adapt_every, record_every
        Updates between two estimates of alpha, and between two records.
    progress
        Wraps the loop over updates.
    checkpoint
        Where a training that is stopped goes on from; it must know the generators that `batches` draws from.

    Returns
    -------
    Trained
    """
    checkpoint = checkpoint or Checkpoint()
    weights = Weights(*(w.clone().requires_grad_() for w in start))
    optimiser = RAdam(weights, [weight_decay] * 3 + [0.0] * 2)
    fall = (learning_rate[1] / learning_rate[0]) ** (1 / max(updates - 1, 1))
    rate, pace = learning_rate[0], forcing.pace[:, None, None]
    alpha, adaptive = forcing.alpha.clone(), torch.nonzero(forcing.adaptive).ravel()
    largest = torch.zeros_like(alpha)
    records: list[tuple] = []
    done, saved = checkpoint.load()
    if saved:
        on = alpha.device
        alpha, largest = torch.as_tensor(saved["alpha"], device=on), torch.as_tensor(saved["largest"], device=on)
        records = list(zip(*(torch.as_tensor(saved[f"record_{i}"], device=on) for i in range(4)), strict=True))
        for w, value in zip(weights, (saved[f"weight_{name}"] for name in Weights._fields), strict=True):
            w.data.copy_(torch.as_tensor(value))
        optimiser.restore(saved)
        for _ in range(done):
            rate *= fall

    def state() -> dict[str, np.ndarray]:
        arrays = {f"weight_{name}": w for name, w in weights._asdict().items()} | {"alpha": alpha, "largest": largest}
        columns = [torch.stack([torch.as_tensor(r[i]) for r in records]) for i in range(4)]
        arrays |= {f"record_{i}": column for i, column in enumerate(columns)}
        return {name: a.detach().cpu().numpy() for name, a in arrays.items()} | optimiser.arrays()

    for update in checkpoint.over(progress(range(done, max(updates, 1))), state):
        x = batches(update)
        if update % adapt_every == 0 and len(adaptive):
            estimate = adaptive_alpha(Weights(*(w[adaptive] for w in weights)), x[:-1, adaptive])
            kept = memory * alpha[adaptive] + (1 - memory) * estimate
            alpha[adaptive] = torch.where(estimate > alpha[adaptive], estimate, kept)
        loss = (
            (rollout(weights, x, forcing_schedule(alpha, forcing.every, len(x) - 1)) - x[1:]).square().mean((0, 2, 3))
        )
        gradients = torch.autograd.grad(loss.sum(), weights)
        norm = _norm_by_run(gradients)
        largest = torch.maximum(largest, norm)
        if update % record_every == 0 or update == updates - 1:
            records.append((update, loss.detach(), norm, alpha.clone()))
        if updates:
            optimiser.step(gradients, rate, pace)
            rate *= fall
    final = Weights(*(w.detach() for w in weights))
    finite = torch.stack([w.isfinite().all(2).all(1) for w in final]).all(0)
    at, *series = zip(*records, strict=True)
    losses, norms, alphas = (torch.stack(s).cpu().numpy() for s in series)
    return Trained(
        final, np.array([int(u) for u in at]), losses, norms, alphas, largest.cpu().numpy(), ~finite.cpu().numpy()
    )


def forcing_schedule(alpha: Tensor, every: Tensor, time: int) -> Tensor:
    """Forcing after each step of a window, shape (time, runs): alpha at each `every`-th step, else 0."""
    count = torch.arange(1, time + 1, device=alpha.device)[:, None]
    return torch.where(count % every == 0, alpha, torch.zeros_like(alpha))


def _norm_by_run(gradients: Iterable[Tensor]) -> Tensor:
    """Euclidean norm over all weights of a run, shape (runs,); the largest float32 where it overflows or is NaN."""
    norm = torch.stack([g.double().square().sum((1, 2)) for g in gradients]).sum(0).sqrt()
    top = torch.finfo(torch.float32).max
    return torch.nan_to_num(norm, nan=top, posinf=top).clamp_max(top).float()


def window_sampler(x: np.ndarray, time: int, batch: int, rngs: list[np.random.Generator], device: str = "cpu"):
    """Return update -> windows of observed orbits, drawn afresh for each seed.

    Parameters
    ----------
    x : ndarray, shape (..., time, dim)
        Observed orbits of equal length. All leading axes (a noise level) get the same windows: they are paired.
    time, batch
        Steps to predict in a window; windows in a batch.
    rngs
        One generator for each seed.

    Returns
    -------
    callable
        update -> Tensor, shape (time + 1, ..., seeds, batch, dim). The update's number isn't used: each call draws
        anew.

    Raises
    ------
    ValueError
        If the orbits are shorter than a window.
    """
    if x.shape[-2] <= time:
        raise ValueError(f"orbits of {x.shape[-2]} points are too short for windows of {time} steps")
    orbit = torch.as_tensor(np.moveaxis(x, -2, 0).copy(), dtype=torch.float32, device=device)
    offsets = torch.arange(time + 1, device=device)[:, None, None]

    def draw(update: int) -> Tensor:
        first = np.stack([rng.integers(len(orbit) - time, size=batch) for rng in rngs])
        windows = orbit[offsets + torch.as_tensor(first, device=device)]  # time, seed, batch, ..., dim
        return torch.movedim(windows, (1, 2), (-3, -2))

    return draw
